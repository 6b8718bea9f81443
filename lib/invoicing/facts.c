/* See facts.h. */
#include "invoicing/facts.h"

#include "invoicing_sql.h"

enum rc invoice_facts_load(struct work *work, const struct uuid *tenant, const char *id, enum ground_use use,
                           struct invoice_facts *ret_facts, struct error *err) {
  const char *params[] = {db_uuid(work->arena, tenant), id};
  PGresult CLEANUP(db_result_release) *held = NULL, CLEANUP(db_result_release) *row = NULL;
  if (use == GROUND_TO_STORE) TRY(tx_exec(work->tx, &invoicing_sql_invoice_hold, params, 2, &held, err));
  TRY(tx_exec(work->tx, &invoicing_sql_invoice_facts, params, 2, &row, err));
  if (row_count(row) == 0) return error_set(err, RC_NOT_FOUND, "there is no invoice %s", id);
  if (held && row_count(held) == 0) /* its lock was waited for; the batch is run again */
    return error_set(err, RC_DB_CONFLICT, "the draft was replaced");
  struct invoice_facts facts = {.tenant = *tenant, .id = id, .currency = currency_find(row_text(row, 0, 2))};
  if (!invoice_state_from_name(row_text(row, 0, 0), &facts.state) || !facts.currency)
    return error_set(err, RC_INVARIANT, "an invoice's status or currency is unknown");
  facts.customer_id = row_text_copy(work->arena, row, 0, 1);
  facts.subtotal_minor = row_int(row, 0, 3);
  facts.discount_minor = row_int(row, 0, 4);
  facts.tax_minor = row_int(row, 0, 5);
  facts.total_minor = row_int(row, 0, 6);
  facts.credit_applied_minor = row_int(row, 0, 7);
  facts.credited_minor = row_int(row, 0, 8);
  facts.paid_minor = row_int(row, 0, 9);
  facts.version = row_int(row, 0, 10);
  facts.number = row_text_copy(work->arena, row, 0, 11);
  facts.subscription_id = row_text_copy(work->arena, row, 0, 12);
  *ret_facts = facts;
  return RC_OK;
}

int64_t invoice_facts_due(const struct invoice_facts *facts) {
  int64_t due = facts->total_minor - facts->credit_applied_minor - facts->credited_minor - facts->paid_minor;
  bool is_owed = facts->state == INVOICE_OPEN || facts->state == INVOICE_UNCOLLECTIBLE;
  return is_owed && due > 0 ? due : 0;
}

enum rc lines_left(struct work *work, const char *tenant, const char *subscription, const struct line_name *names,
                   size_t count, int64_t *ret_left, struct error *err) {
  const char *params[2 + LINE_NAME_COLUMNS] = {tenant, subscription};
  struct line_names asked = line_names_new(work->arena);
  PGresult CLEANUP(db_result_release) *rows = NULL;
  if (count == 0) return RC_OK;
  for (size_t i = 0; i < count; i++) {
    line_names_add(&asked, &names[i]);
    ret_left[i] = INT64_MAX;
  }
  line_names_literals(&asked, &params[2]);
  TRY(tx_exec(work->tx, &invoicing_sql_lines_left, params, 2 + LINE_NAME_COLUMNS, &rows, err));
  for (int r = 0; r < row_count(rows); r++) ret_left[row_int(rows, r, 0)] = row_int(rows, r, 1);
  return RC_OK;
}
