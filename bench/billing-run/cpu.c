/* See cpu.h. /proc counts in ticks of 10 ms: over a run of seconds that is exact enough. */
#include "cpu.h"

#include <dirent.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Of one process, with the children that have ended; false: there is no such process any more. */
static bool read_stat(long pid, long *ret_parent, int64_t *ret_us) {
  char path[64], line[1024];
  snprintf(path, sizeof path, "/proc/%ld/stat", pid);
  FILE *file = fopen(path, "r");
  if (!file) return false;
  bool is_there = fgets(line, sizeof line, file) != NULL;
  fclose(file);
  char *at = is_there ? strrchr(line, ')') : NULL;
  if (!at || strlen(at) < 4) return false;
  at += 4; /* ") S": the state is no number */
  enum { PARENT, USER = 10, CHILDREN_SYSTEM = 13 };
  int64_t ticks = 0;
  for (int field = PARENT; field <= CHILDREN_SYSTEM; field++) {
    long long value = strtoll(at, &at, 10);
    if (field == PARENT) *ret_parent = (long)value;
    if (field >= USER) ticks += value;
  }
  *ret_us = ticks * (1000000 / sysconf(_SC_CLK_TCK));
  return true;
}

static void add(struct cpu *cpu, const char *name, int64_t us) {
  size_t at = 0;
  while (at < cpu->count && strcmp(cpu->classes[at].name, name) != 0) at++;
  if (at == CPU_CLASSES_MAX) return;
  if (at == cpu->count) {
    snprintf(cpu->classes[at].name, CPU_NAME_MAX, "%s", name);
    cpu->count++;
  }
  cpu->classes[at].us += us;
}

/* "123 …" in NAME.pid */
static long read_pid_file(const char *directory, const char *file_name) {
  char path[512], line[64] = "";
  snprintf(path, sizeof path, "%s/%s", directory, file_name);
  FILE *file = fopen(path, "r");
  if (!file) return 0;
  if (!fgets(line, sizeof line, file)) line[0] = '\0';
  fclose(file);
  return strtol(line, NULL, 10);
}

/* Those with a pid file. */
struct named {
  struct {
    char name[CPU_NAME_MAX];
    long pid;
  } at[CPU_CLASSES_MAX];
  size_t count;
};

static void add_named(struct cpu *cpu, struct named *named) {
  const char *directory = getenv("PIDFILE_DIR");
  DIR *files = directory ? opendir(directory) : NULL;
  long parent;
  int64_t us;
  if (!files) return;
  for (struct dirent *entry; (entry = readdir(files)) && named->count < CPU_CLASSES_MAX;) {
    size_t length = strlen(entry->d_name);
    if (length <= 4 || strcmp(entry->d_name + length - 4, ".pid") != 0) continue;
    char *name = named->at[named->count].name;
    snprintf(name, CPU_NAME_MAX, "%.*s", (int)length - 4, entry->d_name);
    long pid = read_pid_file(directory, entry->d_name);
    if (pid <= 0 || !read_stat(pid, &parent, &us)) continue;
    add(cpu, name, us);
    named->at[named->count++].pid = pid;
  }
  closedir(files);
}

/* The class of a child of the postmaster. */
static void name_backend(const PGresult *backends, long pid, char name[static CPU_NAME_MAX]) {
  snprintf(name, CPU_NAME_MAX, "postgres");
  for (int r = 0; r < PQntuples(backends); r++)
    if (strtol(PQgetvalue(backends, r, 0), NULL, 10) == pid)
      snprintf(name, CPU_NAME_MAX, "postgres: %s", PQgetvalue(backends, r, 1));
}

/* A worker's child is the worker proper; PostgreSQL's are its backends. */
static void add_child(const PGresult *backends, const char *parent_name, long pid, int64_t us, struct cpu *cpu) {
  char name[CPU_NAME_MAX];
  if (strcmp(parent_name, "postgres") == 0)
    name_backend(backends, pid, name);
  else
    snprintf(name, sizeof name, "%s", parent_name);
  add(cpu, name, us);
}

static void add_children(PGconn *db, const struct named *named, struct cpu *cpu) {
  PGresult *backends = PQexec(db, "SELECT pid, CASE WHEN pid = pg_backend_pid() THEN 'bench'"
                                  " ELSE split_part(application_name, ' ', 1) END FROM pg_stat_activity"
                                  " WHERE backend_type = 'client backend'");
  DIR *proc = opendir("/proc");
  for (struct dirent *entry; proc && (entry = readdir(proc));) {
    long pid = strtol(entry->d_name, NULL, 10), parent;
    int64_t us;
    if (pid <= 0 || !read_stat(pid, &parent, &us)) continue;
    for (size_t i = 0; i < named->count; i++)
      if (named->at[i].pid == parent) add_child(backends, named->at[i].name, pid, us, cpu);
  }
  if (proc) closedir(proc);
  PQclear(backends);
}

static int compare_classes(const void *a, const void *b) {
  const struct cpu_class *left = a, *right = b;
  return strcmp(left->name, right->name);
}

void cpu_read(PGconn *db, struct cpu *ret_cpu) {
  struct cpu cpu = {.count = 0};
  struct named named = {.count = 0};
  add_named(&cpu, &named);
  add_children(db, &named, &cpu);
  qsort(cpu.classes, cpu.count, sizeof *cpu.classes, compare_classes);
  *ret_cpu = cpu;
}

static int64_t us_of(const struct cpu *cpu, const char *name) {
  int64_t us = 0;
  for (size_t i = 0; i < cpu->count; i++) {
    const struct cpu_class *class = &cpu->classes[i];
    if (name ? strcmp(class->name, name) == 0 : strcmp(class->name, CPU_BENCH) != 0) us += class->us;
  }
  return us;
}

int64_t cpu_spent_us(const struct cpu *from, const struct cpu *to, const char *name) {
  return us_of(to, name) - us_of(from, name);
}
