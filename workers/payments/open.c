/* A payment that finds no payment method waits until one is set up, or the dunning schedule would be over. So that
 * neither misses the other, both lock the customer first, here shared, in setup.c alone: by its shard (payment_shard),
 * since a run opens payments for everybody, and to lock a row is to write it. */
#include "open.h"

#include "decision.h"
#include "sql.h"

static enum rc lock_customers(struct work *work, const char *tenants, const char *invoices, struct error *err) {
  return tx_exec(work->tx, &sql_customers_lock, PARAMS(tenants, invoices), NULL, err);
}

enum rc payment_hold(struct work *work, const struct invoice_ref *invoice, struct error *err) {
  struct db_array *tenants = db_array_new(work->arena), *ids = db_array_new(work->arena);
  db_array_uuid(tenants, &invoice->tenant);
  db_array_uuid(ids, &invoice->invoice);
  TRY(lock_customers(work, db_array_literal(tenants), db_array_literal(ids), err));
  return tx_exec(work->tx, &sql_payment_lock,
                 PARAMS(db_uuid(work->arena, &invoice->tenant), db_uuid(work->arena, &invoice->invoice)), NULL, err);
}

enum rc payments_open(struct work *work, const struct invoice_ref *invoices, size_t count, bool even_manual,
                      struct error *err) {
  struct db_array *tenants = db_array_new(work->arena), *ids = db_array_new(work->arena);
  struct db_array *payments = db_array_new(work->arena);
  if (count == 0) return RC_OK;
  for (size_t i = 0; i < count; i++) {
    struct uuid payment = uuid_new();
    db_array_uuid(tenants, &invoices[i].tenant);
    db_array_uuid(ids, &invoices[i].invoice);
    db_array_uuid(payments, &payment);
  }
  const char *tenant_array = db_array_literal(tenants), *invoice_array = db_array_literal(ids);
  TRY(lock_customers(work, tenant_array, invoice_array, err));
  return tx_exec(work->tx, &sql_payments_open,
                 PARAMS(tenant_array, invoice_array, db_array_literal(payments), db_bool(even_manual),
                        db_utime(work->arena, work->now), db_utime(work->arena, waiting_end(work->now)),
                        db_uuid(work->arena, &work->clock)),
                 NULL, err);
}
