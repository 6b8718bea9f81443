/* What the threads of one worker process share. Internal to lib/runtime. */
#ifndef RUNTIME_PROCESS_H
#define RUNTIME_PROCESS_H

#include <pthread.h>
#include <stdatomic.h>

#include "base/time.h"
#include "bus/bus.h"
#include "runtime/announce.h"
#include "runtime/at_hand.h"
#include "runtime/outbox.h"
#include "runtime/runtime.h"

struct process {
  const struct worker *worker;
  struct at_hand *hand; /* outlives the process */
  const char *database_url, *kafka_brokers, *redis_address, *internal_address;
  const struct statement *const *statement_lists[DB_LISTS_MAX]; /* what each connection prepares; NULL at the end */
  char instance[64];
  int64_t batch_max, session_timeout_ms;
  struct utime started_at;
  struct outbox *outbox;
  struct announcer *announcer;
  atomic_bool stopping;
  atomic_bool is_quiet;        /* all threads but housekeeping have ended */
  atomic_bool fatal;           /* a bug was met: exit with 1 */
  atomic_bool assigned;        /* the consumer has been given its partitions at least once */
  _Atomic int64_t db_seen_ms;  /* CLOCK_MONOTONIC when the database last answered; 0: never */
  _Atomic int64_t progress_us; /* when a unit of work was last committed */
  pthread_mutex_t nudge_lock;
  pthread_cond_t nudge;
  uint64_t batches; /* committed; under nudge_lock */
};

struct db *process_new_db(const struct process *process);
void process_fail(struct process *process, const char *where, const struct error *err); /* logs, asks all to stop */
bool process_is_stopping(const struct process *process);
/* Waits for ms, or less when the process is asked to stop. */
void process_sleep(const struct process *process, int64_t ms);
/* A batch is committed: tasks look whether it made something due. */
void process_nudge(struct process *process);
/* Waits like process_sleep, or until a batch beyond *seen is committed; *seen is then what has been. */
void process_await_nudge(struct process *process, int64_t ms, uint64_t *seen);

/* threads' mains: in task.c, housekeeping.c; the loop runs in the main thread */
struct task_thread {
  struct process *process;
  const struct task *task;
  pthread_t thread;
};
void *task_main(void *task_thread);
void *housekeeping_main(void *process_context);
int loop_run(struct process *process);

#endif
