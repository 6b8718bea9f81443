/* A unit of work: a transaction with its arena, its one `now` and its effects. */
#include <string.h>

#include "base/assert.h"
#include "runtime/effects.h"

enum rc work_begin(struct work *work, struct error *err) {
  arena_reset(work->arena);
  work->effects = effects_new(work->arena);
  TRY(tx_begin(work->db, work->tx, err));
  work->real_now = utime_now();
  work_at(work, NULL);
  return RC_OK;
}

enum rc work_commit(struct work *work, struct error *err) {
  TRY(effects_write(work, err));
  TRY(tx_commit(work->tx, err));
  struct mono now = mono_now();
  atomic_store(&work->process->db_seen_ms, now.ns / 1000000);
  atomic_store(&work->process->progress_us, work->real_now.us);
  effects_publish(work);
  return RC_OK;
}

void work_rollback(struct work *work) {
  if (work->effects) effects_forget(work);
  tx_release(work->tx);
}

struct work work_aside(const struct work *work, struct arena *arena) {
  struct work aside = *work;
  aside.arena = arena;
  aside.effects = effects_new(arena);
  return aside;
}

bool work_is_stopping(const struct work *work) {
  return process_is_stopping(work->process);
}
