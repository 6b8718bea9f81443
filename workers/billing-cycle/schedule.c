/* Runs that start by themselves. Each tenant has a row with its next due time: every full hour, or once a day at an
 * hour of its own zone. Whoever finds it due moves it on and starts the run, in one transaction under the row's lock:
 * many processes, one run. A due time that was missed, for an hour or for days, makes one run, which bills all that
 * fell due meanwhile, oldest period first (BILL-060).
 *
 * No run is started when nothing is due, nor while one is still claiming, nor past one that somebody paused. Customers
 * on test clocks have their own (test_clock.c). */
#include "handlers.h"
#include "run.h"
#include "sql.h"

enum { SCHEDULES_A_STEP = 100 };

static enum rc start(struct work *work, const struct uuid *tenant, const char *due, struct error *err) {
  struct arena *arena = work->arena;
  struct run run = {
      .tenant = *tenant, .id = UUID_DERIVE("billing-run.scheduled", db_uuid(arena, tenant), due), .as_of = work->now};
  return run_insert(work, &run, "schedule", NULL, err);
}

/* A tenant that nobody gave a schedule has the default. */
enum rc billing_schedule_step(struct work *work, bool *ret_busy, struct error *err) {
  PGresult CLEANUP(db_result_release) *rows = NULL;
  TRY(tx_exec(work->tx, &sql_schedules_complete, PARAMS(db_utime(work->arena, work->now)), NULL, err));
  TRY(tx_exec(work->tx, &sql_schedules_claim,
              PARAMS(db_utime(work->arena, work->now), db_int(work->arena, SCHEDULES_A_STEP)), &rows, err));
  for (int r = 0; r < row_count(rows); r++) {
    struct uuid tenant = row_uuid(rows, r, 0);
    if (row_bool(rows, r, 2)) TRY(start(work, &tenant, row_text(rows, r, 1), err));
  }
  *ret_busy = row_count(rows) == SCHEDULES_A_STEP;
  return RC_OK;
}
