/* payment.*: a subscription is past due from the first failure of a payment for it, and active again when no such
 * payment of it is left open, whatever settled the invoice: payments says so, too, when it cancels one because of a
 * credit note, a void, money from outside (BILL-084). What the event says is only the occasion: the state follows from
 * what the database holds (past_due.c), so that events may come twice or in any order. */
#include "handlers.h"
#include "past_due.h"
#include "sql.h"

static enum rc lock_customers(struct work *work, const char *tenant, const char *invoices, struct error *err) {
  PGresult CLEANUP(db_result_release) *rows = NULL;
  TRY(tx_exec(work->tx, &sql_customers_of_invoices, PARAMS(tenant, invoices), &rows, err));
  struct db_array *customers = db_array_new(work->arena);
  for (int r = 0; r < row_count(rows); r++) db_array_text(customers, row_text(rows, r, 0));
  return tx_exec(work->tx, &sql_customer_billing_lock, PARAMS(tenant, db_array_literal(customers)), NULL, err);
}

static enum rc update_tenant(struct work *work, const struct uuid *tenant, struct db_array *invoices,
                             struct error *err) {
  TRY(lock_customers(work, db_uuid(work->arena, tenant), db_array_literal(invoices), err));
  return past_due_of_invoices(work, tenant, invoices, err);
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
