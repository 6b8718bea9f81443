/* See note_store.h. */
#include "note_store.h"

#include <string.h>

#include "base/json_text.h"
#include "db/columns.h"
#include "posting.h"
#include "sql.h"

enum { JSON_MAX = 4096 };

enum { ITEM_COLUMNS = 4 };

static enum rc insert_items(struct work *work, const struct note *note, struct error *err) {
  struct db_array *columns[ITEM_COLUMNS];
  const char *params[ITEM_COLUMNS + 3];
  int64_t line = 0;
  db_arrays_new(work->arena, columns, ITEM_COLUMNS);
  for (size_t n = 0; n < note->line_count; n++) {
    const struct creditable *credited = &note->lines[n];
    if (credited->wanted_minor == 0 && credited->tax_wanted_minor == 0) continue;
    db_array_int(columns[0], ++line);
    db_array_int(columns[1], (int64_t)n + 1);
    db_array_int(columns[2], credited->wanted_minor);
    db_array_int(columns[3], credited->tax_wanted_minor);
  }
  params[0] = db_uuid(work->arena, &note->invoice.tenant);
  params[1] = note->id_text;
  params[2] = note->invoice.id;
  db_arrays_literals(columns, ITEM_COLUMNS, &params[3]);
  return tx_exec(work->tx, &sql_note_items_insert, params, ITEM_COLUMNS + 3, NULL, err);
}

static enum rc insert_note(struct work *work, struct note *note, struct error *err) {
  struct arena *arena = work->arena;
  PGresult CLEANUP(db_result_release) *row = NULL;
  TRY(tx_exec(work->tx, &sql_note_insert,
              PARAMS(db_uuid(arena, &note->invoice.tenant), note->id_text, note->invoice.id, note->reason,
                     note->disposition, db_int(arena, note->sum.amount_minor), db_int(arena, note->sum.tax_minor),
                     db_int(arena, note->disposal.applied_minor), db_int(arena, note->disposal.left_minor),
                     db_utime(arena, work->now), note_provenance(arena, note),
                     db_int(arena, note->disposal.returned_minor), db_int(arena, note->expired_minor)),
              &row, err));
  note->number = arena_strdup(arena, row_text(row, 0, 0));
  return insert_items(work, note, err);
}

static enum rc post_note(struct work *work, const struct note *note, struct error *err) {
  struct postings *postings = postings_new(work);
  struct posting to = {.tenant = note->invoice.tenant,
                       .document = note->id,
                       .customer_id = note->invoice.customer_id,
                       .currency = note->invoice.currency->code};
  post(postings, &to, FACT_CREDIT_NOTE_NET, note->sum.amount_minor);
  post(postings, &to, FACT_CREDIT_NOTE_TAX, note->sum.tax_minor);
  post(postings, &to, FACT_CREDIT_NOTE_CREDIT, note->disposal.left_minor);
  post(postings, &to, FACT_CREDIT_EXPIRED, note->expired_minor);
  if (note->invoice.state == INVOICE_UNCOLLECTIBLE) post(postings, &to, FACT_RECOVERY, note->disposal.applied_minor);
  return postings_insert(work, postings, err);
}

static enum rc grant_rest(struct work *work, const struct note *note, struct error *err) {
  int64_t rest = note->disposal.left_minor - note->disposal.returned_minor;
  struct grant grant = {.tenant = note->invoice.tenant,
                        .id = UUID_DERIVE("credit-note", note->id_text),
                        .customer_id = note->invoice.customer_id,
                        .currency = note->invoice.currency->code,
                        .amount_minor = rest,
                        .remaining_minor = rest,
                        .source = "credit_note",
                        .document_id = note->id_text,
                        .is_refundable = strcmp(note->disposition, "refund") == 0,
                        .is_new = true};
  TRY(credit_uses_return(work, &note->invoice, &note->uses, err));
  return grants_save(work, &grant, rest > 0, err);
}

static void emit_created(struct work *work, const struct note *note, const struct message *cause) {
  char money[MONEY_TEXT_MAX];
  const struct currency *currency = note->invoice.currency;
  struct buf CLEANUP(buf_release) text;
  struct json_writer json;
  buf_init(&text, JSON_MAX);
  json_writer_init(&json, &text);
  json_put_object(&json, NULL);
  json_put_string(&json, "creditNoteId", note->id_text);
  json_put_string(&json, "creditNoteNumber", note->number);
  json_put_string(&json, "invoiceId", note->invoice.id);
  json_put_string(&json, "customerId", note->invoice.customer_id);
  json_put_string(&json, "currency", currency->code);
  json_put_raw(&json, "totalAmount", money_format(note->sum.total_minor, currency, money));
  json_put_raw(&json, "amountApplied", money_format(note->disposal.applied_minor, currency, money));
  json_put_raw(&json, "amountLeft", money_format(note->disposal.left_minor, currency, money));
  json_put_raw(&json, "amountExpired", money_format(note->expired_minor, currency, money));
  json_put_string(&json, "disposition", note->disposition);
  json_put_int(&json, "version", 1);
  json_put_end(&json);
  emit(work, &(struct emission){.type = "credit-note.created",
                                .id = UUID_DERIVE("credit-note.created", note->id_text),
                                .tenant = note->invoice.tenant,
                                .subject = note->id_text,
                                .key = note->invoice.customer_id,
                                .json = buf_text(&text),
                                .cause = cause});
}

/* An invoice of which nothing is due any more is paid. */
static enum rc settle_invoice(struct work *work, struct note *note, const struct message *cause, struct error *err) {
  bool is_paid = note_settles(note);
  TRY(tx_exec(work->tx, &sql_invoice_credit,
              PARAMS(db_uuid(work->arena, &note->invoice.tenant), note->invoice.id,
                     db_int(work->arena, note->sum.total_minor), db_bool(is_paid), db_utime(work->arena, work->now)),
              NULL, err));
  note->invoice.credited_minor += note->sum.total_minor;
  if (is_paid) invoice_emit(work, &note->invoice, "invoice.paid", note->invoice.version + 1, cause);
  return RC_OK;
}

enum rc note_store(struct work *work, struct note *note, const struct message *cause, struct error *err) {
  TRY(insert_note(work, note, err));
  TRY(post_note(work, note, err));
  TRY(grant_rest(work, note, err));
  emit_created(work, note, cause);
  return settle_invoice(work, note, cause, err);
}
