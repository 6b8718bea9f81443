/* The thread that keeps house in each worker: serves deliveries, deletes what left the outbox, sweeps what others left,
 * writes the heartbeat, measures. */
#include "base/log.h"
#include "base/memory.h"
#include "runtime/effects.h"
#include "runtime_sql.h"

enum {
  COLLECT_MS = 50,
  SWEEP_EVERY_MS = 1000,
  HEARTBEAT_EVERY_MS = 5000,
  ARENA_MAX = 16 * 1024 * 1024,
  PAUSE_MS = 1000,
  LAST_MS = 3000
};

static enum rc beat(struct process *process, struct db *db, struct arena *arena, struct error *err) {
  int64_t memory = memory_resident_bytes(), progress_us = atomic_load(&process->progress_us);
  struct tx CLEANUP(tx_release) tx = {0};
  PGresult CLEANUP(db_result_release) *depth = NULL;
  TRY(tx_begin(db, &tx, err));
  TRY(tx_exec(&tx, &runtime_sql_heartbeat,
              PARAMS(process->worker->name, process->instance, CLOUDBILL_VERSION, db_utime(arena, process->started_at),
                     db_utime(arena, (struct utime){progress_us}), db_int(arena, memory)),
              NULL, err));
  TRY(tx_exec(&tx, &runtime_sql_outbox_depth, NO_PARAMS, &depth, err));
  TRY(tx_exec(&tx, &runtime_sql_commands_expire, NO_PARAMS, NULL, err));
  TRY(tx_commit(&tx, err));
  metric_set("outbox_messages", "", row_int(depth, 0, 0));
  metric_set("outbox_age_seconds", "", row_int(depth, 0, 1));
  metric_set("resident_bytes", "", memory);
  metric_set("seconds_since_progress", "", (utime_now().us - progress_us) / UTIME_SECOND);
  struct mono now = mono_now();
  atomic_store(&process->db_seen_ms, now.ns / 1000000);
  return RC_OK;
}

static enum rc keep_house(struct process *process, struct db *db, struct arena *arena, struct mono *swept,
                          struct mono *beaten, struct error *err) {
  TRY(outbox_collect(process->outbox, db, arena, COLLECT_MS, err));
  if (mono_ms_since(*beaten) >= HEARTBEAT_EVERY_MS || beaten->ns == 0) {
    TRY(beat(process, db, arena, err));
    *beaten = mono_now();
  }
  if (mono_ms_since(*swept) < SWEEP_EVERY_MS || process_is_stopping(process)) return RC_OK;
  bool more = false;
  TRY(outbox_sweep(process->outbox, db, arena, &process->stopping, &more, err));
  if (!more) *swept = mono_now();
  return RC_OK;
}

/* The other threads are gone: what they shipped last is seen off, so that nobody has to send it again. */
static void finish(struct process *process, struct db *db, struct arena *arena) {
  struct error err;
  for (struct mono start = mono_now(); !outbox_is_quiet(process->outbox) && mono_ms_since(start) < LAST_MS;) {
    if (outbox_collect(process->outbox, db, arena, COLLECT_MS, &err) != RC_OK) return; /* the sweeper of the next one */
    arena_reset(arena);
  }
}

void *housekeeping_main(void *process_context) {
  struct process *process = process_context;
  struct arena arena;
  arena_init(&arena, ARENA_MAX);
  struct db *db = process_new_db(process);
  struct mono swept = mono_now(), beaten = {0};
  while (!atomic_load(&process->is_quiet)) {
    struct error err;
    enum rc rc = keep_house(process, db, &arena, &swept, &beaten, &err);
    arena_reset(&arena);
    if (outbox_is_broken(process->outbox)) {
      error_set(&err, RC_BUG, "the producer met a fatal error: start again, the outbox sends what is left");
      process_fail(process, "housekeeping", &err);
    }
    if (rc == RC_OK) continue;
    if (error_verdict(rc) == VERDICT_FATAL) process_fail(process, "housekeeping", &err);
    LOG(LOG_WARN, "housekeeping.retry", LOG_TEXT("code", error_name(rc)), LOG_TEXT("text", err.text));
    sleep_ms(process_is_stopping(process) ? COLLECT_MS : PAUSE_MS);
  }
  finish(process, db, &arena);
  db_free(db);
  arena_release(&arena);
  return NULL;
}
