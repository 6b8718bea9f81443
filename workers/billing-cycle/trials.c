/* The task that announces the end of trials, three days before (BILL-056): rows with a due time, each taken off the
 * schedule in the transaction that says it, so that it is said once. The end itself is a boundary like any other: the
 * run bills the first period then, and the subscription becomes active. */
#include "trials.h"

#include "handlers.h"
#include "sql.h"

enum { NOTICES_A_STEP = 500, NOTICE_DAYS = 3 };

struct utime trial_notice_at(const struct billable *s) {
  return zone_midnight(s->zone, (struct date){s->start.days - NOTICE_DAYS});
}

enum rc trial_announce(struct work *work, const char *tenant, const struct billable *s, struct error *err) {
  return tx_exec(work->tx, &sql_trial_notice_set,
                 PARAMS(tenant, db_uuid(work->arena, &s->id), db_utime(work->arena, trial_notice_at(s))), NULL, err);
}

static void emit_trial_ending(struct work *work, const PGresult *rows, int r) {
  struct arena *arena = work->arena;
  char time[UTIME_TEXT_MAX];
  const char *id = arena_strdup(arena, row_text(rows, r, 1)), *customer = arena_strdup(arena, row_text(rows, r, 2));
  const char *json =
      arena_printf(arena, "{\"subscriptionId\":\"%s\",\"customerId\":\"%s\",\"trialEndsAt\":\"%s\",\"version\":%lld}",
                   id, customer, utime_format(row_utime(rows, r, 3), time), (long long)row_int(rows, r, 4));
  emit(work, &(struct emission){.type = "subscription.trial_ending",
                                .id = UUID_DERIVE("subscription.trial_ending", id),
                                .tenant = row_uuid(rows, r, 0),
                                .subject = id,
                                .key = customer,
                                .json = json});
}

enum rc trial_notice_step(struct work *work, bool *ret_busy, struct error *err) {
  struct arena *arena = work->arena;
  const char *now = db_utime(arena, work->now);
  struct db_array *tenants = db_array_new(arena), *ids = db_array_new(arena);
  PGresult CLEANUP(db_result_release) *due = NULL, CLEANUP(db_result_release) *marked = NULL;
  TRY(tx_exec(work->tx, &sql_trial_notices_claim,
              PARAMS(now, db_int(arena, NOTICES_A_STEP), db_uuid(arena, &work->clock)), &due, err));
  if (row_count(due) == 0) return RC_OK;
  for (int r = 0; r < row_count(due); r++) {
    db_array_text(tenants, row_text(due, r, 0));
    db_array_text(ids, row_text(due, r, 1));
  }
  TRY(tx_exec(work->tx, &sql_trial_notices_mark, PARAMS(db_array_literal(tenants), db_array_literal(ids), now), &marked,
              err));
  for (int r = 0; r < row_count(marked); r++)
    if (row_bool(marked, r, 5)) emit_trial_ending(work, marked, r);
  *ret_busy = true;
  return RC_OK;
}
