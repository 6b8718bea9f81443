/* See past_due.h. */
#include "past_due.h"

#include "domain/subscription.h"
#include "sql.h"

/* The changes that one tenant's invoices bring about. */
struct changes {
  struct db_array *subscriptions, *statuses;
};

static void emit_change(struct work *work, const struct uuid *tenant, const PGresult *rows, int r, const char *type) {
  struct arena *arena = work->arena;
  int64_t version = row_int(rows, r, 5) + 1;
  const char *id = arena_strdup(arena, row_text(rows, r, 1)), *customer = arena_strdup(arena, row_text(rows, r, 2));
  const char *json =
      arena_printf(arena, "{\"subscriptionId\":\"%s\",\"customerId\":\"%s\",\"invoiceId\":\"%s\",\"version\":%lld}", id,
                   customer, row_text(rows, r, 0), (long long)version);
  emit(work, &(struct emission){.type = type,
                                .id = UUID_DERIVE(type, id, db_int(arena, version)),
                                .tenant = *tenant,
                                .subject = id,
                                .key = customer,
                                .json = json});
}

/* Nothing when the subscription is where it belongs, or in a state that payments do not move. */
static void decide(struct work *work, const struct uuid *tenant, const PGresult *rows, int r, struct changes *changes) {
  enum subscription_state from, to;
  struct error ignored;
  bool failing = row_bool(rows, r, 4);
  if (!subscription_state_from_name(row_text(rows, r, 3), &from)) return;
  if (from == SUBSCRIPTION_INCOMPLETE) return; /* incompletes.c waits for its first invoice to be paid */
  enum subscription_event event = failing ? SUBSCRIPTION_EVENT_PAYMENT_FAILED : SUBSCRIPTION_EVENT_PAID;
  if (subscription_next(from, event, &to, &ignored) != RC_OK || to == from) return;
  db_array_text(changes->subscriptions, row_text(rows, r, 1));
  db_array_text(changes->statuses, subscription_state_name(to));
  emit_change(work, tenant, rows, r, failing ? "subscription.past_due" : "subscription.recovered");
}

enum rc past_due_of_invoices(struct work *work, const struct uuid *tenant, struct db_array *invoices,
                             struct error *err) {
  struct arena *arena = work->arena;
  const char *tenant_id = db_uuid(arena, tenant);
  PGresult CLEANUP(db_result_release) *rows = NULL;
  TRY(tx_exec(work->tx, &sql_subscriptions_of_invoices, PARAMS(tenant_id, db_array_literal(invoices)), &rows, err));
  struct changes changes = {db_array_new(arena), db_array_new(arena)};
  for (int r = 0; r < row_count(rows); r++) decide(work, tenant, rows, r, &changes);
  if (db_array_count(changes.subscriptions) == 0) return RC_OK;
  return tx_exec(work->tx, &sql_subscriptions_set_status,
                 PARAMS(tenant_id, db_array_literal(changes.subscriptions), db_array_literal(changes.statuses),
                        db_utime(arena, work->now)),
                 NULL, err);
}

enum rc past_due_of_subscription(struct work *work, const struct uuid *tenant, const char *subscription,
                                 struct error *err) {
  PGresult CLEANUP(db_result_release) *rows = NULL;
  TRY(tx_exec(work->tx, &sql_invoices_open_of, PARAMS(db_uuid(work->arena, tenant), subscription), &rows, err));
  if (row_count(rows) == 0) return RC_OK;
  struct db_array *invoices = db_array_new(work->arena);
  for (int r = 0; r < row_count(rows); r++) db_array_text(invoices, row_text(rows, r, 0));
  return past_due_of_invoices(work, tenant, invoices, err);
}
