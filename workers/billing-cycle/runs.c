/* Which slice of which run is worked on next. Each round takes one slice of every open run, each in a transaction of
 * its own, so that a large run does not keep a small one waiting, and one that fails does not keep anybody.
 *
 * A slice that the database refuses is tried again customer by customer; the customer at fault is parked with the
 * reason (BILL-063). What is nobody's data (a statement that fails for all) sets the run back: its row says why, and it
 * is tried again later, while the others go on. */
#include <string.h>

#include "base/log.h"
#include "customer_billing.h"
#include "handlers.h"
#include "run.h"
#include "sql.h"

enum { RUNS_A_ROUND = 100, SET_BACK_FIRST_S = 5 };

/* -- a slice -- */

/* What a try got hold of: outlives its transaction. */
struct claim {
  size_t count;
  char first[UUID_TEXT_MAX];
};

static enum rc begin(struct work *work, const struct run *run, struct error *err) {
  TRY(work_begin(work, err));
  return work_at_clock(work, &run->tenant, &run->clock, err);
}

/* If the step comes to a commit. The row changes before it is held, for others hold it as well: two that had it shared
 * and would change it in the end would wait for each other. */
static enum rc forget_failure(struct work *work, const struct run *run, struct error *err) {
  if (!run->has_failed) return RC_OK;
  return tx_exec(work->tx, &sql_run_forget_failure,
                 PARAMS(db_uuid(work->arena, &run->tenant), db_uuid(work->arena, &run->id)), NULL, err);
}

static enum rc bill_claimed(struct work *work, const struct run *run, struct db_array *customers, struct error *err) {
  struct slice slice;
  TRY(run_bill(work, run, customers, &slice, err));
  return run_tally(work, run, &slice, err);
}

static enum rc try_slice(struct work *work, const struct run *run, int limit, struct claim *claim, struct error *err) {
  struct db_array *customers;
  bool is_running;
  claim->count = 0;
  TRY(begin(work, run, err));
  TRY(forget_failure(work, run, err));
  TRY(run_hold(work, run, &is_running, err));
  if (!is_running) return RC_OK;
  TRY(run_claim(work, run, limit, &customers, claim->first, err));
  claim->count = db_array_count(customers);
  if (claim->count == 0) return RC_OK;
  TRY(bill_claimed(work, run, customers, err));
  return work_commit(work, err);
}

/* In a transaction of its own, which has the run for itself: when others bill slices of it, it is not at its end. */
static enum rc finish(struct work *work, const struct run *run, struct error *err) {
  bool is_alone;
  TRY(begin(work, run, err));
  TRY(run_take(work, run, &is_alone, err));
  if (!is_alone) return RC_OK;
  TRY(forget_failure(work, run, err));
  TRY(run_finish(work, run, err));
  return work_commit(work, err);
}

static enum rc park_customer(struct work *work, const struct run *run, const char *customer, const struct error *why,
                             struct error *err) {
  struct slice slice;
  bool is_running;
  TRY(begin(work, run, err));
  TRY(run_hold(work, run, &is_running, err));
  if (!is_running) return RC_OK;
  struct db_array *customers = db_array_new(work->arena);
  db_array_text(customers, customer);
  TRY(customer_billing_hold(work, db_uuid(work->arena, &run->tenant), customer, NULL, err));
  TRY(run_park(work, run, customers, why, &slice, err));
  TRY(run_tally(work, run, &slice, err));
  return work_commit(work, err);
}

static bool is_about_a_customer(enum rc rc) {
  enum verdict verdict = error_verdict(rc);
  return verdict == VERDICT_REJECT || verdict == VERDICT_POISON;
}

static enum rc bill_one_by_one(struct work *work, const struct run *run, size_t count, struct error *err) {
  for (size_t i = 0; i < count; i++) {
    struct claim claim = {0};
    struct error why;
    enum rc rc = try_slice(work, run, 1, &claim, &why);
    if (is_about_a_customer(rc) && claim.count > 0) {
      work_rollback(work);
      LOG(LOG_ERROR, "customer.parked", LOG_TEXT("customer", claim.first), LOG_TEXT("code", error_name(rc)),
          LOG_TEXT("text", why.text));
      rc = park_customer(work, run, claim.first, &why, &why);
    }
    if (rc != RC_OK) {
      *err = why;
      return rc;
    }
    work_rollback(work);
    if (claim.count == 0) return RC_OK;
  }
  return RC_OK;
}

static enum rc step(struct work *work, const struct run *run, bool *ret_busy, struct error *err) {
  if (run->is_dry) return dry_run_step(work, run, ret_busy, err);
  if (run->is_claimed) return finish(work, run, err);
  struct claim claim = {0};
  enum rc rc = try_slice(work, run, RUN_SLICE_CUSTOMERS, &claim, err);
  work_rollback(work);
  *ret_busy = *ret_busy || claim.count > 0;
  if (is_about_a_customer(rc) && claim.count > 0) return bill_one_by_one(work, run, claim.count, err);
  return rc == RC_OK && claim.count == 0 ? finish(work, run, err) : rc;
}

/* -- a round -- */

static enum rc load_open(struct work *work, struct run *runs, size_t *ret_count, struct error *err) {
  PGresult CLEANUP(db_result_release) *rows = NULL;
  TRY(work_begin(work, err));
  TRY(tx_exec(work->tx, &sql_runs_open,
              PARAMS(db_utime(work->arena, work->real_now), db_int(work->arena, RUNS_A_ROUND)), &rows, err));
  *ret_count = (size_t)row_count(rows);
  for (int r = 0; r < row_count(rows); r++)
    runs[r] = (struct run){.tenant = row_uuid(rows, r, 0),
                           .id = row_uuid(rows, r, 1),
                           .as_of = row_utime(rows, r, 2),
                           .is_claimed = row_bool(rows, r, 3),
                           .clock = row_uuid(rows, r, 4),
                           .is_dry = row_bool(rows, r, 5),
                           .has_failed = row_bool(rows, r, 6)};
  work_rollback(work);
  return RC_OK;
}

/* The run's row says why it does not go on, and when it will be tried again. */
static enum rc set_back(struct work *work, const struct run *run, const struct error *why, struct error *err) {
  char id[UUID_TEXT_MAX];
  LOG(LOG_ERROR, "billing_run.failed", LOG_TEXT("run", uuid_format(&run->id, id)),
      LOG_TEXT("code", error_name(why->code)), LOG_TEXT("text", why->text));
  metric_add("billing_run_failures_total", "", 1);
  TRY(work_begin(work, err));
  TRY(tx_exec(work->tx, &sql_run_set_back,
              PARAMS(db_uuid(work->arena, &run->tenant), db_uuid(work->arena, &run->id), error_name(why->code),
                     why->text, db_utime(work->arena, work->real_now), db_int(work->arena, SET_BACK_FIRST_S)),
              NULL, err));
  return work_commit(work, err);
}

enum rc billing_run_step(struct work *work, bool *ret_busy, struct error *err) {
  struct run runs[RUNS_A_ROUND] = {0};
  size_t count;
  TRY(load_open(work, runs, &count, err));
  for (size_t i = 0; i < count && !work_is_stopping(work); i++) {
    struct error why;
    enum rc rc = step(work, &runs[i], ret_busy, &why);
    work_rollback(work);
    if (rc == RC_OK || rc == RC_DB_CONFLICT) continue; /* somebody was in the way: the next round */
    if (error_verdict(rc) == VERDICT_RETRY) {
      *err = why;
      return rc;
    }
    TRY(set_back(work, &runs[i], &why, err));
  }
  return RC_OK;
}

/* -- on a test clock -- */

enum rc run_on_clock(struct work *work, const struct clock *clock, bool bills_at_once, struct error *err) {
  struct run run = {.tenant = clock->tenant, .id = uuid_new(), .as_of = clock->now, .clock = clock->id};
  char id[UUID_TEXT_MAX], first[UUID_TEXT_MAX];
  struct db_array *customers;
  TRY(run_insert(work, &run, arena_printf(work->arena, "test-clock:%s", uuid_format(&clock->id, id)), NULL, err));
  if (!bills_at_once) return RC_OK;
  TRY(run_claim(work, &run, RUN_SLICE_CUSTOMERS, &customers, first, err));
  TRY(bill_claimed(work, &run, customers, err));
  return run_finish(work, &run, err);
}

enum rc runs_finish_on_clock(struct work *work, const struct clock *clock, struct error *err) {
  PGresult CLEANUP(db_result_release) *rows = NULL;
  TRY(tx_exec(work->tx, &sql_runs_of_clock,
              PARAMS(db_uuid(work->arena, &clock->tenant), db_uuid(work->arena, &clock->id)), &rows, err));
  for (int r = 0; r < row_count(rows); r++) {
    struct run run = {.tenant = clock->tenant,
                      .id = row_uuid(rows, r, 0),
                      .as_of = row_utime(rows, r, 1),
                      .clock = clock->id,
                      .is_claimed = true};
    TRY(run_finish(work, &run, err));
  }
  return RC_OK;
}
