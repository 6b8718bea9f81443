/* A task's thread: step, commit, again; a pause when there was nothing to do, a growing one when the world is away. */
#include "base/log.h"
#include "runtime/effects.h"

enum {
  ARENA_MAX = 256 * 1024 * 1024,
  BACKOFF_FIRST_MS = 100,
  BACKOFF_MAX_MS = 5000,
  QUICK_LOOKS = 25, /* a test clock that has come to something for the task comes to the next in moments */
  QUICK_MS = 20,
};

/* One step for the customers of one clock; NULL: of real time. */
static enum rc step_at(struct work *work, const struct task *task, const struct clock *clock, bool *ret_busy,
                       struct error *err) {
  bool busy = false;
  TRY(work_begin(work, err));
  work_at(work, clock);
  TRY(task->step(work, &busy, err));
  if (work->tx->open) TRY(work_commit(work, err));
  *ret_busy = *ret_busy || busy;
  return RC_OK;
}

static enum rc step_on_clocks(struct work *work, const struct task *task, bool *ret_busy, int *quick_looks,
                              struct error *err) {
  struct clock clocks[CLOCKS_MAX];
  size_t count;
  TRY(work_begin(work, err));
  TRY(clocks_due(work, task->name, clocks, &count, err));
  work_rollback(work);
  if (count > 0) *quick_looks = QUICK_LOOKS;
  for (size_t i = 0; i < count; i++) TRY(step_at(work, task, &clocks[i], ret_busy, err));
  return RC_OK;
}

static enum rc step(struct work *work, const struct task *task, bool *ret_busy, int *quick_looks, struct error *err) {
  if (task->own_transactions) return task->step(work, ret_busy, err);
  TRY(step_at(work, task, NULL, ret_busy, err));
  return task->on_clocks ? step_on_clocks(work, task, ret_busy, quick_looks, err) : RC_OK;
}

/* An error that is neither the world's nor fatal has no message to blame: it is logged, and the task goes on slowly. */
static int64_t pause_after(struct process *process, const struct task *task, enum rc rc, const struct error *err,
                           int64_t backoff_ms) {
  if (error_verdict(rc) == VERDICT_FATAL) {
    process_fail(process, task->name, err);
    return 0;
  }
  LOG(error_verdict(rc) == VERDICT_RETRY ? LOG_WARN : LOG_ERROR, "task.retry", LOG_TEXT("task", task->name),
      LOG_TEXT("code", error_name(rc)), LOG_TEXT("text", err->text), LOG_INT("wait_ms", backoff_ms));
  metric_add("task_failures_total", "", 1);
  return backoff_ms;
}

static void pause_idle(struct process *process, const struct task *task, int *quick_looks, uint64_t *seen) {
  int64_t ms = task->idle_ms;
  if (*quick_looks > 0 && ms > QUICK_MS) ms = QUICK_MS;
  if (*quick_looks > 0) --*quick_looks;
  if (task->is_nudged)
    process_await_nudge(process, ms, seen);
  else
    process_sleep(process, ms);
}

void *task_main(void *task_thread) {
  struct task_thread *thread = task_thread;
  struct process *process = thread->process;
  const struct task *task = thread->task;
  struct arena arena;
  arena_init(&arena, ARENA_MAX);
  struct tx tx = {0};
  struct work work = {.process = process, .db = process_new_db(process), .tx = &tx, .arena = &arena};
  int64_t backoff_ms = BACKOFF_FIRST_MS;
  uint64_t seen = 0;
  int quick_looks = 0;
  while (!process_is_stopping(process)) {
    struct error err;
    bool busy = false;
    enum rc rc = step(&work, task, &busy, &quick_looks, &err);
    if (rc == RC_OK) {
      backoff_ms = BACKOFF_FIRST_MS;
      if (!busy) pause_idle(process, task, &quick_looks, &seen);
      continue;
    }
    work_rollback(&work);
    process_sleep(process, pause_after(process, task, rc, &err, backoff_ms));
    backoff_ms = backoff_ms * 2 > BACKOFF_MAX_MS ? BACKOFF_MAX_MS : backoff_ms * 2;
  }
  work_rollback(&work);
  db_free(work.db);
  arena_release(&arena);
  return NULL;
}
