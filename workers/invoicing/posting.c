/* Columns for ledger_insert.sql and grants_save.sql. */
#include "posting.h"

#include "db/columns.h"
#include "sql.h"

enum { LEDGER_COLUMNS = 8, GRANT_COLUMNS = 9 };

struct postings {
  struct db_array *columns[LEDGER_COLUMNS];
};

struct postings *postings_new(struct work *work) {
  struct postings *postings = ARENA_NEW(work->arena, struct postings);
  db_arrays_new(work->arena, postings->columns, LEDGER_COLUMNS);
  return postings;
}

void post(struct postings *postings, const struct posting *to, enum ledger_fact fact, int64_t minor) {
  struct ledger_entry entries[2];
  struct db_array **columns = postings->columns;
  if (minor == 0) return;
  ledger_entries(fact, minor, entries);
  for (int e = 0; e < 2; e++) {
    db_array_uuid(columns[0], &to->tenant);
    db_array_uuid(columns[1], &to->document);
    db_array_text(columns[2], ledger_fact_name(fact));
    db_array_int(columns[3], e + 1);
    db_array_text(columns[4], ledger_account_name(entries[e].account));
    db_array_text(columns[5], to->currency);
    db_array_int(columns[6], entries[e].amount_minor);
    db_array_text(columns[7], to->customer_id);
  }
}

enum rc postings_insert(struct work *work, struct postings *postings, struct error *err) {
  const char *params[LEDGER_COLUMNS + 1];
  if (db_array_count(postings->columns[0]) == 0) return RC_OK;
  db_arrays_literals(postings->columns, LEDGER_COLUMNS, params);
  params[LEDGER_COLUMNS] = db_utime(work->arena, work->now);
  return tx_exec(work->tx, &sql_ledger_insert, params, LEDGER_COLUMNS + 1, NULL, err);
}

enum rc grants_save(struct work *work, const struct grant *grants, size_t count, struct error *err) {
  struct db_array *columns[GRANT_COLUMNS];
  const char *params[GRANT_COLUMNS + 1];
  db_arrays_new(work->arena, columns, GRANT_COLUMNS);
  for (size_t i = 0; i < count; i++) {
    const struct grant *grant = &grants[i];
    if (!grant->is_new && !grant->is_changed) continue;
    db_array_uuid(columns[0], &grant->tenant);
    db_array_uuid(columns[1], &grant->id);
    db_array_text(columns[2], grant->customer_id);
    db_array_text(columns[3], grant->currency);
    db_array_int(columns[4], grant->amount_minor);
    db_array_int(columns[5], grant->remaining_minor);
    db_array_text(columns[6], grant->source ? grant->source : "grant");
    db_array_text(columns[7], grant->document_id);
    db_array_bool(columns[8], grant->is_refundable);
  }
  if (db_array_count(columns[0]) == 0) return RC_OK;
  db_arrays_literals(columns, GRANT_COLUMNS, params);
  params[GRANT_COLUMNS] = db_utime(work->arena, work->now);
  return tx_exec(work->tx, &sql_grants_save, params, GRANT_COLUMNS + 1, NULL, err);
}

enum rc credit_uses_return(struct work *work, const struct invoice_facts *invoice, const struct credit_uses *uses,
                           struct error *err) {
  struct db_array *grants = db_array_new(work->arena), *amounts = db_array_new(work->arena);
  struct db_array *over = db_array_new(work->arena);
  for (size_t i = 0; i < uses->count; i++) {
    if (uses->at[i].returned_minor == 0) continue;
    db_array_text(grants, uses->grants[i]);
    db_array_int(amounts, uses->at[i].returned_minor);
    db_array_bool(over, uses->at[i].is_over);
  }
  if (db_array_count(grants) == 0) return RC_OK;
  return tx_exec(work->tx, &sql_grants_return,
                 PARAMS(db_uuid(work->arena, &invoice->tenant), invoice->id, db_array_literal(grants),
                        db_array_literal(amounts), db_array_literal(over)),
                 NULL, err);
}
