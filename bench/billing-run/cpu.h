/* What the instance's processes spend of the processors: user and system time from /proc, by what they are. Unlike a
 * wall clock, this does not depend on who else uses the machine. The classes: each process that has a file in
 * PIDFILE_DIR by its name with its children, PostgreSQL's backends by the application that they serve ("postgres:
 * invoicing"), its other processes together ("postgres"). */
#ifndef BENCH_CPU_H
#define BENCH_CPU_H

#include <libpq-fe.h>
#include <stddef.h>
#include <stdint.h>

enum { CPU_CLASSES_MAX = 32, CPU_NAME_MAX = 48 };

struct cpu_class {
  char name[CPU_NAME_MAX];
  int64_t us; /* since the processes were born */
};

struct cpu {
  struct cpu_class classes[CPU_CLASSES_MAX];
  size_t count;
};

void cpu_read(PGconn *db, struct cpu *ret_cpu);
/* What was spent from `from` to `to`; of a class or, with NULL, by all but the benchmark (its backend's class is
 * CPU_BENCH). */
#define CPU_BENCH "postgres: bench"
int64_t cpu_spent_us(const struct cpu *from, const struct cpu *to, const char *name);

#endif
