/* payment.*: a subscription is past due from the first failure of a payment for it, and active again when no such
 * payment of it is left open, whatever settled the invoice: payments says so, too, when it cancels one because of a
 * credit note, a void, money from outside (BILL-084). What the event says is only the occasion: the state follows from
 * what the database holds, so that events may come twice or in any order. */
#include <string.h>

#include "domain/subscription.h"
#include "handlers.h"
#include "sql.h"

/* The changes that one tenant's events bring about. */
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

static enum rc lock_customers(struct work *work, const char *tenant, const char *invoices, struct error *err) {
  PGresult CLEANUP(db_result_release) *rows = NULL;
  TRY(tx_exec(work->tx, &sql_customers_of_invoices, PARAMS(tenant, invoices), &rows, err));
  struct db_array *customers = db_array_new(work->arena);
  for (int r = 0; r < row_count(rows); r++) db_array_text(customers, row_text(rows, r, 0));
  return tx_exec(work->tx, &sql_customer_billing_only_lock, PARAMS(tenant, db_array_literal(customers)), NULL, err);
}

static enum rc update_tenant(struct work *work, const struct uuid *tenant, struct db_array *invoices,
                             struct error *err) {
  struct arena *arena = work->arena;
  const char *tenant_id = db_uuid(arena, tenant), *invoice_ids = db_array_literal(invoices);
  TRY(lock_customers(work, tenant_id, invoice_ids, err));
  PGresult CLEANUP(db_result_release) *rows = NULL;
  TRY(tx_exec(work->tx, &sql_subscriptions_of_invoices, PARAMS(tenant_id, invoice_ids), &rows, err));
  struct changes changes = {db_array_new(arena), db_array_new(arena)};
  for (int r = 0; r < row_count(rows); r++) decide(work, tenant, rows, r, &changes);
  if (db_array_count(changes.subscriptions) == 0) return RC_OK;
  return tx_exec(work->tx, &sql_subscriptions_set_status,
                 PARAMS(tenant_id, db_array_literal(changes.subscriptions), db_array_literal(changes.statuses),
                        db_utime(arena, work->now)),
                 NULL, err);
}

/* Tenant by tenant: the messages of one come together in a set. */
enum rc handle_payment_outcome(struct work *work, struct message *const *messages, size_t count, struct error *err) {
  bool *done = ARENA_ARRAY(work->arena, bool, count);
  for (size_t i = 0; i < count; i++) {
    if (done[i]) continue;
    struct db_array *invoices = db_array_new(work->arena);
    for (size_t k = i; k < count; k++) {
      if (!uuid_equal(&messages[k]->tenant, &messages[i]->tenant)) continue;
      struct uuid invoice;
      bool present;
      TRY(body_uuid(messages[k]->json, "invoiceId", &invoice, &present, err));
      if (present) db_array_uuid(invoices, &invoice);
      done[k] = true;
    }
    TRY(update_tenant(work, &messages[i]->tenant, invoices, err));
  }
  return RC_OK;
}
