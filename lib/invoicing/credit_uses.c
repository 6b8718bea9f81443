/* See credit_uses.h. Only an invoice that used credit costs a statement. */
#include "invoicing/credit_uses.h"

#include "invoicing_sql.h"

enum rc credit_uses_hold(struct work *work, const struct uuid *tenant, struct db_array *invoices, struct error *err) {
  return tx_exec(work->tx, &invoicing_sql_credit_uses_hold,
                 PARAMS(db_uuid(work->arena, tenant), db_array_literal(invoices)), NULL, err);
}

static enum rc hold_of(struct work *work, const struct invoice_facts *invoice, struct error *err) {
  struct db_array *ids = db_array_new(work->arena);
  db_array_text(ids, invoice->id);
  return credit_uses_hold(work, &invoice->tenant, ids, err);
}

enum rc credit_uses_load(struct work *work, const struct invoice_facts *invoice, enum ground_use use,
                         struct credit_uses *ret_uses, struct error *err) {
  struct credit_uses uses = {.at = NULL};
  PGresult CLEANUP(db_result_release) *rows = NULL;
  *ret_uses = uses;
  if (invoice->credit_applied_minor == 0) return RC_OK;
  if (use == GROUND_TO_STORE) TRY(hold_of(work, invoice, err));
  TRY(tx_exec(work->tx, &invoicing_sql_credit_uses_load,
              PARAMS(db_uuid(work->arena, &invoice->tenant), invoice->id, db_utime(work->arena, work->now)), &rows,
              err));
  uses.count = (size_t)row_count(rows);
  uses.at = ARENA_ARRAY(work->arena, struct credit_use, uses.count);
  uses.grants = ARENA_ARRAY(work->arena, const char *, uses.count);
  for (size_t i = 0; i < uses.count; i++) {
    uses.grants[i] = row_text_copy(work->arena, rows, (int)i, 0);
    uses.at[i] = (struct credit_use){.used_minor = row_int(rows, (int)i, 1), .is_over = row_bool(rows, (int)i, 2)};
    uses.sum_minor += uses.at[i].used_minor;
    uses.money_back_minor = row_int(rows, (int)i, 3);
  }
  *ret_uses = uses;
  return RC_OK;
}
