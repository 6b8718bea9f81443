/* What a slice of a billing run does: claims some hundreds of due customers, bills every period that they missed, moves
 * the boundaries on, and asks invoicing for the invoices; all in the caller's transaction. Any number of processes work
 * on slices at once: SKIP LOCKED keeps them apart, and the identity of the lines (BILL-060) makes a doubled slice
 * harmless. */
#include "run.h"

#include <string.h>

#include "base/assert.h"
#include "base/json_text.h"
#include "billables.h"
#include "pending.h"
#include "scheduled.h"
#include "sql.h"

enum { JSON_MAX = 4096 };

/* -- begin -- */

enum rc run_insert(struct work *work, const struct run *run, const char *requested_by, const struct message *cause,
                   struct error *err) {
  struct arena *arena = work->arena;
  char time[UTIME_TEXT_MAX];
  const char *id = db_uuid(arena, &run->id);
  TRY(tx_exec(work->tx, &sql_run_insert,
              PARAMS(db_uuid(arena, &run->tenant), id, db_utime(arena, run->as_of), requested_by,
                     db_utime(arena, work->now), db_uuid(arena, &run->clock), db_bool(run->is_dry)),
              NULL, err));
  emit(work,
       &(struct emission){.type = "billing-run.started",
                          .id = UUID_DERIVE("billing-run.started", id),
                          .tenant = run->tenant,
                          .subject = id,
                          .key = id,
                          .json = arena_printf(arena, "{\"runId\":\"%s\",\"asOf\":\"%s\",\"dryRun\":%s,\"version\":1}",
                                               id, utime_format(run->as_of, time), run->is_dry ? "true" : "false"),
                          .cause = cause});
  return RC_OK;
}

static enum rc lock(struct work *work, const struct run *run, const struct statement *how, bool *ret_is_locked,
                    struct error *err) {
  PGresult CLEANUP(db_result_release) *row = NULL;
  TRY(tx_exec(work->tx, how, PARAMS(db_uuid(work->arena, &run->tenant), db_uuid(work->arena, &run->id)), &row, err));
  *ret_is_locked = row_count(row) == 1;
  return RC_OK;
}

enum rc run_hold(struct work *work, const struct run *run, bool *ret_is_running, struct error *err) {
  return lock(work, run, &sql_run_hold, ret_is_running, err);
}

enum rc run_take(struct work *work, const struct run *run, bool *ret_is_alone, struct error *err) {
  return lock(work, run, &sql_run_take, ret_is_alone, err);
}

/* -- loading -- */

enum rc run_claim(struct work *work, const struct run *run, int limit, struct db_array **ret_customers,
                  char ret_first[static UUID_TEXT_MAX], struct error *err) {
  struct arena *arena = work->arena;
  PGresult CLEANUP(db_result_release) *rows = NULL;
  TRY(tx_exec(work->tx, &sql_run_claim,
              PARAMS(db_uuid(arena, &run->tenant), db_utime(arena, run->as_of), db_int(arena, limit),
                     db_uuid(arena, &run->clock)),
              &rows, err));
  struct db_array *customers = db_array_new(arena);
  for (int r = 0; r < row_count(rows); r++) db_array_text(customers, row_text(rows, r, 0));
  snprintf(ret_first, UUID_TEXT_MAX, "%s", row_count(rows) > 0 ? row_text(rows, 0, 0) : "");
  *ret_customers = customers;
  return RC_OK;
}

/* -- writing -- */

static void emit_parked(struct work *work, const struct run *run, const struct billable *s) {
  static const char type[] = "subscription.parked";
  char id[UUID_TEXT_MAX], customer[UUID_TEXT_MAX], run_id[UUID_TEXT_MAX];
  struct buf CLEANUP(buf_release) text;
  buf_init(&text, JSON_MAX);
  struct json_writer json;
  json_writer_init(&json, &text);
  json_put_object(&json, NULL);
  json_put_string(&json, "subscriptionId", uuid_format(&s->id, id));
  json_put_string(&json, "customerId", uuid_format(&s->customer_id, customer));
  json_put_string(&json, "runId", uuid_format(&run->id, run_id));
  json_put_string(&json, "reasonCode", error_name(s->why->code));
  json_put_string(&json, "reason", s->why->text);
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
    emit_parked(work, run, s);
  }
  if (db_array_count(ids) == 0) return RC_OK;
  return tx_exec(work->tx, &sql_subscriptions_park,
                 PARAMS(db_uuid(arena, &run->tenant), db_uuid(arena, &run->id), db_array_literal(ids),
                        db_array_literal(subscriptions), db_array_literal(periods), db_array_literal(codes),
                        db_array_literal(reasons), db_utime(arena, work->now)),
                 NULL, err);
}

enum rc run_tally(struct work *work, const struct run *run, const struct slice *slice, struct error *err) {
  struct arena *arena = work->arena;
  int64_t periods = 0, invoiced = 0, nothing = 0, parked = 0;
  for (size_t i = 0; i < slice->count; i++) {
    periods += slice->due[i].periods_due;
    invoiced += slice->due[i].periods_invoiced;
    nothing += slice->due[i].periods_without_charge;
    parked += slice->due[i].is_parked;
  }
  ASSERT(periods == invoiced + nothing + parked); /* BILL-064 */
  metric_add("periods_billed_total", run->is_dry ? "run=\"dry\"" : "run=\"real\"", periods);
  return tx_exec(work->tx, &sql_run_tally,
                 PARAMS(db_uuid(arena, &run->tenant), db_uuid(arena, &run->id), process_instance(work->process),
                        db_int(arena, periods), db_int(arena, invoiced), db_int(arena, nothing), db_int(arena, parked),
                        db_int(arena, (int64_t)slice->invoices)),
                 NULL, err);
}

static enum rc move_on(struct work *work, const struct run *run, struct db_array *customers, const struct slice *slice,
                       struct error *err) {
  TRY(billables_advance(work, &run->tenant, slice->due, slice->count, err));
  TRY(scheduled_store(work, &run->tenant, slice->due, slice->count, err));
  TRY(tx_exec(work->tx, &sql_customer_billing_refresh,
              PARAMS(db_uuid(work->arena, &run->tenant), db_array_literal(customers)), NULL, err));
  return park(work, run, slice->due, slice->count, err);
}

static size_t customer_end(const struct slice *slice, size_t first) {
  size_t end = first + 1;
  while (end < slice->count && uuid_equal(&slice->due[end].customer_id, &slice->due[first].customer_id)) end++;
  return end;
}

/* Customer by customer, for lines of a day belong together (BILL-061); a slice has its share of the arena. Returns how
 * many subscriptions that are. */
static size_t bill_customers(struct work *work, const struct run *run, struct slice *slice) {
  for (size_t first = 0, end; first < slice->count; first = end) {
    end = customer_end(slice, first);
    bool is_cut = slice->is_cut && end == slice->count;
    if (first > 0 && (is_cut || slice->billing.weight >= BILLING_STEP_BYTES)) return first;
    const struct billing_limits limits = {.as_of = run->as_of, .enough = BILLING_STEP_BYTES, .is_cut = is_cut};
    billing_collect_days(work->arena, &slice->billing, &slice->due[first], end - first, &limits);
  }
  return slice->count;
}

static enum rc load_due(struct work *work, const struct run *run, struct db_array *customers, struct slice *slice,
                        struct error *err) {
  TRY(billables_due(work, &run->tenant, customers, run->as_of, RUN_SLICE_SUBSCRIPTIONS, &slice->due, &slice->count,
                    err));
  slice->is_cut = slice->count == RUN_SLICE_SUBSCRIPTIONS;
  return RC_OK;
}

enum rc run_bill(struct work *work, const struct run *run, struct db_array *customers, struct slice *ret_slice,
                 struct error *err) {
  struct slice slice = {0};
  TRY(load_due(work, run, customers, &slice, err));
  slice.count = bill_customers(work, run, &slice);
  TRY(pending_take(work, &run->tenant, slice.due, slice.count, &slice.billing, err));

  TRY(move_on(work, run, customers, &slice, err));
  slice.invoices = billing_emit(work, &slice.billing, &run->tenant, &run->id, NULL);
  *ret_slice = slice;
  return RC_OK;
}

enum rc run_park(struct work *work, const struct run *run, struct db_array *customers, const struct error *why,
                 struct slice *ret_slice, struct error *err) {
  struct slice slice = {0};
  TRY(load_due(work, run, customers, &slice, err));
  for (size_t i = 0; i < slice.count; i++)
    if (!slice.due[i].is_parked) billing_park(work->arena, &slice.due[i], why);
  TRY(move_on(work, run, customers, &slice, err));
  *ret_slice = slice;
  return RC_OK;
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
  json_put_bool(&json, "dryRun", run->is_dry);
  for (int c = 0; c < 5; c++) json_put_int(&json, names[c], row_int(sums, 0, c));
  json_put_int(&json, "version", row_int(sums, 0, 5));
  json_put_end(&json);
  emit(work, &(struct emission){.type = "billing-run.completed",
                                .id = UUID_DERIVE("billing-run.completed", id),
                                .tenant = run->tenant,
                                .subject = id,
                                .key = id,
                                .json = buf_text(&text)});
}

enum rc run_finish(struct work *work, const struct run *run, struct error *err) {
  struct arena *arena = work->arena;
  const char *tenant = db_uuid(arena, &run->tenant), *id = db_uuid(arena, &run->id), *now = db_utime(arena, work->now);
  if (!run->is_claimed && !run->is_dry)
    TRY(tx_exec(work->tx, &sql_run_mark_claimed, PARAMS(tenant, id, db_utime(arena, run->as_of), now), NULL, err));
  PGresult CLEANUP(db_result_release) *sums = NULL;
  TRY(tx_exec(work->tx, &sql_run_complete, PARAMS(tenant, id, now), &sums, err));
  if (row_count(sums) == 1) emit_completed(work, run, sums);
  return RC_OK;
}
