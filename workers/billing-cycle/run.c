/* A billing run at work: each step claims some hundreds of due customers of one run, bills every period that they
 * missed, moves the boundaries on, and asks invoicing for the invoices; all in one transaction. Any number of processes
 * step at once: SKIP LOCKED keeps them apart, and the identity of the lines (BILL-060) makes a doubled step harmless. A
 * run is complete when nothing is due and each invoice that was asked for is finalised. */
#include <string.h>

#include "base/assert.h"
#include "base/json_text.h"
#include "billables.h"
#include "handlers.h"
#include "pending.h"
#include "sql.h"

enum { CUSTOMERS_A_STEP = 500, JSON_MAX = 4096 };

struct run {
  struct uuid tenant, id;
  struct utime as_of;
  bool is_claimed; /* nothing was due any more when somebody looked */
};

/* -- loading -- */

static enum rc claim_customers(struct work *work, const struct run *run, struct db_array **ret_customers,
                               struct error *err) {
  struct arena *arena = work->arena;
  PGresult CLEANUP(db_result_release) *rows = NULL;
  TRY(tx_exec(work->tx, &sql_run_claim,
              PARAMS(db_uuid(arena, &run->tenant), db_utime(arena, run->as_of), db_int(arena, CUSTOMERS_A_STEP)), &rows,
              err));
  struct db_array *customers = db_array_new(arena);
  for (int r = 0; r < row_count(rows); r++) db_array_text(customers, row_text(rows, r, 0));
  *ret_customers = customers;
  return RC_OK;
}

/* -- writing -- */

/* The facts about a subscription that a run brings about beside an invoice: it was parked, it ended. */
static void emit_fact(struct work *work, const struct run *run, const struct billable *s, const char *type) {
  char id[UUID_TEXT_MAX], customer[UUID_TEXT_MAX], run_id[UUID_TEXT_MAX], time[UTIME_TEXT_MAX];
  struct buf CLEANUP(buf_release) text;
  buf_init(&text, JSON_MAX);
  struct json_writer json;
  json_writer_init(&json, &text);
  json_put_object(&json, NULL);
  json_put_string(&json, "subscriptionId", uuid_format(&s->id, id));
  json_put_string(&json, "customerId", uuid_format(&s->customer_id, customer));
  if (s->is_parked) {
    json_put_string(&json, "runId", uuid_format(&run->id, run_id));
    json_put_string(&json, "reasonCode", error_name(s->why->code));
    json_put_string(&json, "reason", s->why->text);
  } else {
    json_put_string(&json, "status", subscription_state_name(s->state));
    json_put_string(&json, "at", utime_format(s->next_at, time));
    json_put_string(&json, "reason", NULL);
  }
  json_put_int(&json, "version", s->version);
  json_put_end(&json);
  emit(work, &(struct emission){.type = type,
                                .id = UUID_DERIVE(type, id, db_int(work->arena, s->version)),
                                .tenant = run->tenant,
                                .subject = id,
                                .key = customer,
                                .json = buf_text(&text)});
}

static enum rc park(struct work *work, const struct run *run, const struct billable *due, size_t count,
                    struct error *err) {
  struct arena *arena = work->arena;
  struct db_array *ids = db_array_new(arena), *subscriptions = db_array_new(arena), *periods = db_array_new(arena),
                  *codes = db_array_new(arena), *reasons = db_array_new(arena);
  for (size_t i = 0; i < count; i++) {
    const struct billable *s = &due[i];
    if (!s->is_parked) continue;
    struct uuid id = uuid_new();
    db_array_uuid(ids, &id);
    db_array_uuid(subscriptions, &s->id);
    db_array_int(periods, s->next_index);
    db_array_text(codes, error_name(s->why->code));
    db_array_text(reasons, s->why->text);
    emit_fact(work, run, s, "subscription.parked");
  }
  if (db_array_count(ids) == 0) return RC_OK;
  return tx_exec(work->tx, &sql_subscriptions_park,
                 PARAMS(db_uuid(arena, &run->tenant), db_uuid(arena, &run->id), db_array_literal(ids),
                        db_array_literal(subscriptions), db_array_literal(periods), db_array_literal(codes),
                        db_array_literal(reasons), db_utime(arena, work->now)),
                 NULL, err);
}

static enum rc tally(struct work *work, const struct run *run, const struct billable *due, size_t count,
                     size_t invoices, struct error *err) {
  struct arena *arena = work->arena;
  int64_t periods = 0, invoiced = 0, nothing = 0, parked = 0;
  for (size_t i = 0; i < count; i++) {
    periods += due[i].periods_due;
    invoiced += due[i].periods_invoiced;
    nothing += due[i].periods_without_charge;
    parked += due[i].is_parked;
  }
  ASSERT(periods == invoiced + nothing + parked); /* BILL-064 */
  metric_add("periods_billed_total", "", periods);
  return tx_exec(work->tx, &sql_run_tally,
                 PARAMS(db_uuid(arena, &run->tenant), db_uuid(arena, &run->id), process_instance(work->process),
                        db_int(arena, periods), db_int(arena, invoiced), db_int(arena, nothing), db_int(arena, parked),
                        db_int(arena, (int64_t)invoices)),
                 NULL, err);
}

static enum rc bill(struct work *work, const struct run *run, struct db_array *customers, struct error *err) {
  struct billable *due;
  size_t count;
  TRY(billables_due(work, &run->tenant, customers, run->as_of, &due, &count, err));
  struct billing billing = {0};
  for (size_t i = 0; i < count; i++) billing_collect(work->arena, &billing, &due[i], run->as_of);
  TRY(pending_take(work, &run->tenant, due, count, &billing, err));

  TRY(billables_advance(work, &run->tenant, due, count, err));
  TRY(tx_exec(work->tx, &sql_customer_billing_refresh,
              PARAMS(db_uuid(work->arena, &run->tenant), db_array_literal(customers)), NULL, err));
  size_t invoices = billing_emit(work, &billing, &run->tenant, &run->id, NULL);
  TRY(park(work, run, due, count, err));
  for (size_t i = 0; i < count; i++)
    if (due[i].ends)
      emit_fact(work, run, &due[i],
                due[i].state == SUBSCRIPTION_EXPIRED ? "subscription.expired" : "subscription.cancelled");
  return tally(work, run, due, count, invoices, err);
}

/* -- the end of a run -- */

static void emit_completed(struct work *work, const struct run *run, const PGresult *sums) {
  static const char *const names[] = {"due", "invoiced", "nothingToBill", "parked", "invoices"};
  char id[UUID_TEXT_MAX], time[UTIME_TEXT_MAX];
  struct buf CLEANUP(buf_release) text;
  buf_init(&text, JSON_MAX);
  struct json_writer json;
  json_writer_init(&json, &text);
  json_put_object(&json, NULL);
  json_put_string(&json, "runId", uuid_format(&run->id, id));
  json_put_string(&json, "asOf", utime_format(run->as_of, time));
  for (int c = 0; c < 5; c++) json_put_int(&json, names[c], row_int(sums, 0, c));
  json_put_int(&json, "version", 2);
  json_put_end(&json);
  emit(work, &(struct emission){.type = "billing-run.completed",
                                .id = UUID_DERIVE("billing-run.completed", id),
                                .tenant = run->tenant,
                                .subject = id,
                                .key = id,
                                .json = buf_text(&text)});
}

static enum rc finish(struct work *work, const struct run *run, struct error *err) {
  struct arena *arena = work->arena;
  const char *tenant = db_uuid(arena, &run->tenant), *id = db_uuid(arena, &run->id), *now = db_utime(arena, work->now);
  if (!run->is_claimed)
    return tx_exec(work->tx, &sql_run_mark_claimed, PARAMS(tenant, id, db_utime(arena, run->as_of), now), NULL, err);
  PGresult CLEANUP(db_result_release) *sums = NULL;
  TRY(tx_exec(work->tx, &sql_run_complete, PARAMS(tenant, id, now), &sums, err));
  if (row_count(sums) == 1) emit_completed(work, run, sums);
  return RC_OK;
}

/* One step of the oldest run that has something to do. Runs that wait for their invoices are looked at on the way. */
enum rc billing_run_step(struct work *work, bool *ret_busy, struct error *err) {
  PGresult CLEANUP(db_result_release) *rows = NULL;
  TRY(tx_exec(work->tx, &sql_runs_open, NO_PARAMS, &rows, err));
  for (int r = 0; r < row_count(rows); r++) {
    struct run run = {.tenant = row_uuid(rows, r, 0),
                      .id = row_uuid(rows, r, 1),
                      .as_of = row_utime(rows, r, 2),
                      .is_claimed = row_bool(rows, r, 3)};
    if (!run.is_claimed) {
      struct db_array *customers;
      TRY(claim_customers(work, &run, &customers, err));
      *ret_busy = db_array_count(customers) > 0;
      if (*ret_busy) return bill(work, &run, customers, err);
    }
    TRY(finish(work, &run, err));
  }
  return RC_OK;
}
