/* See customer_billing.h. The statements are for many customers: runs and migrations use them as such. */
#include "customer_billing.h"

#include "sql.h"

static const char *only(struct arena *arena, const char *customer) {
  struct db_array *customers = db_array_new(arena);
  db_array_text(customers, customer);
  return db_array_literal(customers);
}

enum rc customer_billing_hold(struct work *work, const char *tenant, const char *customer, PGresult **ret_row,
                              struct error *err) {
  return tx_exec(work->tx, &sql_customer_billing_lock, PARAMS(tenant, only(work->arena, customer)), ret_row, err);
}

enum rc customer_billing_hold_of(struct work *work, const char *tenant, const char *subscription,
                                 const char **ret_customer, PGresult **ret_row, struct error *err) {
  PGresult CLEANUP(db_result_release) *owner = NULL;
  TRY(tx_exec(work->tx, &sql_subscription_customer, PARAMS(tenant, subscription), &owner, err));
  if (row_count(owner) == 0) return error_set(err, RC_NOT_FOUND, "there is no subscription %s", subscription);
  *ret_customer = arena_strdup(work->arena, row_text(owner, 0, 0));
  return customer_billing_hold(work, tenant, *ret_customer, ret_row, err);
}

enum rc customer_billing_refresh(struct work *work, const char *tenant, const char *customer, struct error *err) {
  return tx_exec(work->tx, &sql_customer_billing_refresh, PARAMS(tenant, only(work->arena, customer)), NULL, err);
}
