/* See note.h. */
#include "invoicing/note.h"

#include <string.h>

#include "base/assert.h"
#include "domain/apportion.h"
#include "invoicing_sql.h"

enum { PROVENANCE_MAX = INVOICE_LINES_MAX * 512 };

/* -- load -- */

enum rc note_check(const struct note *note, struct error *err) {
  enum invoice_state state = note->invoice.state;
  return state == INVOICE_DRAFT || state == INVOICE_VOID ? invoice_refuse(state, "a credit note", err) : RC_OK;
}

const char *ahead_ids(struct arena *arena, const struct ahead *ahead) {
  struct db_array *ids = db_array_new(arena);
  for (size_t i = 0; ahead && i < ahead->count; i++) db_array_uuid(ids, &ahead->invoices[i].id);
  return db_array_literal(ids);
}

static enum rc load_lines(struct work *work, struct note *note, const struct ahead *ahead, struct error *err) {
  PGresult CLEANUP(db_result_release) *rows = NULL;
  TRY(tx_exec(work->tx, &invoicing_sql_note_lines_load,
              PARAMS(db_uuid(work->arena, &note->invoice.tenant), note->invoice.id, ahead_ids(work->arena, ahead)),
              &rows, err));
  note->line_count = (size_t)row_count(rows);
  if (note->line_count > INVOICE_LINES_MAX) return error_set(err, RC_INVARIANT, "an invoice has too many lines");
  for (size_t n = 0; n < note->line_count; n++) {
    note->item_ids[n] = arena_strdup(work->arena, row_text(rows, (int)n, 0));
    note->descriptions[n] = arena_strdup(work->arena, row_text(rows, (int)n, 6));
    note->subscription_ids[n] = row_text_copy(work->arena, rows, (int)n, 9);
    note->noted_minor[n] = row_int(rows, (int)n, 3);
    note->tax_noted_minor[n] = row_int(rows, (int)n, 4);
    note->lines[n] = (struct creditable){.amount_minor = row_int(rows, (int)n, 1),
                                         .tax_minor = row_int(rows, (int)n, 2),
                                         .listed_minor = row_int(rows, (int)n, 5),
                                         .credited_minor = note->noted_minor[n] + row_int(rows, (int)n, 7),
                                         .tax_credited_minor = note->tax_noted_minor[n] + row_int(rows, (int)n, 8)};
  }
  return RC_OK;
}

/* A change that waits for the next invoice takes back what it said, whatever is noted meanwhile (BILL-022). */
static enum rc count_pending(struct work *work, struct note *note, struct error *err) {
  PGresult CLEANUP(db_result_release) *rows = NULL;
  TRY(tx_exec(work->tx, &invoicing_sql_note_lines_pending,
              PARAMS(db_uuid(work->arena, &note->invoice.tenant), note->invoice.id), &rows, err));
  for (int r = 0; r < row_count(rows); r++) {
    struct creditable *line = &note->lines[row_int(rows, r, 0) - 1];
    int64_t credit;
    TRY(money_parse(row_text(rows, r, 1), note->invoice.currency, "amount", &credit, err));
    if (line->listed_minor == 0) continue;
    line->credited_minor += apportion_next(line->amount_minor, line->listed_minor, 0, -credit, 0);
    line->tax_credited_minor += apportion_next(line->tax_minor, line->listed_minor, 0, -credit, 0);
  }
  return RC_OK;
}

/* -- what is ahead -- */

static const struct invoice *find_ahead(const struct ahead *ahead, const char *invoice_id) {
  for (size_t i = 0; ahead && i < ahead->count; i++)
    if (strcmp(ahead->invoices[i].id_text, invoice_id) == 0) return &ahead->invoices[i];
  return NULL;
}

/* As if it had just been finalised. */
static void take_ahead(struct work *work, const struct invoice *invoice, struct note *note) {
  note->is_ahead = true;
  note->is_stored = invoice->version > 1; /* it is a draft with rows */
  note->invoice = (struct invoice_facts){.tenant = invoice->tenant,
                                         .id = invoice->id_text,
                                         .customer_id = invoice->customer_id,
                                         .subscription_id = invoice->subscription_id,
                                         .currency = invoice->currency,
                                         .subtotal_minor = invoice->subtotal_minor,
                                         .discount_minor = invoice->discount_minor,
                                         .tax_minor = invoice->tax_minor,
                                         .total_minor = invoice->total_minor,
                                         .credit_applied_minor = invoice->credit_applied_minor,
                                         .version = invoice->version};
  note->uses = (struct credit_uses){
      .at = ARENA_NEW(work->arena, struct credit_use), .count = 1, .sum_minor = invoice->credit_applied_minor};
  note->uses.at[0].used_minor = invoice->credit_applied_minor;
  note->invoice.state = invoice->is_draft ? INVOICE_DRAFT : invoice_due(invoice) > 0 ? INVOICE_OPEN : INVOICE_PAID;
  note->line_count = invoice->line_count;
  for (size_t n = 0; n < invoice->line_count; n++) {
    const struct invoice_line *line = &invoice->lines[n];
    note->item_ids[n] = db_uuid(work->arena, &line->id);
    note->descriptions[n] = line->description;
    note->subscription_ids[n] = line->subscription_id;
    note->lines[n] = (struct creditable){.amount_minor = line->amount_minor - line->discount_minor,
                                         .tax_minor = line->tax_minor,
                                         .listed_minor = line->listed_minor};
  }
}

/* What lines of invoices ahead take back counts as what stored lines do. */
static void add_credit_ahead(struct note *note, const struct invoice_line *credit) {
  char id[UUID_TEXT_MAX];
  if (!credit->takes_back || !credit->origin) return;
  uuid_format(&credit->origin->id, id);
  for (size_t n = 0; n < note->line_count; n++) {
    if (strcmp(note->item_ids[n], id) != 0) continue;
    note->lines[n].credited_minor -= credit->amount_minor - credit->discount_minor;
    note->lines[n].tax_credited_minor -= credit->tax_minor;
  }
}

/* A line that was taken back, and then noted in place of the line that took it back, has nothing left. */
static void bound(struct creditable *line) {
  bool is_beyond =
      line->amount_minor < 0 ? line->credited_minor < line->amount_minor : line->credited_minor > line->amount_minor;
  if (!is_beyond) return;
  line->credited_minor = line->amount_minor;
  line->tax_credited_minor = line->tax_minor;
}

enum rc note_open(struct work *work, const struct uuid *tenant, const char *invoice_id, const struct ahead *ahead,
                  struct note **ret_note, struct error *err) {
  struct note *note = ARENA_NEW(work->arena, struct note);
  const struct invoice *invoice = find_ahead(ahead, invoice_id);
  enum ground_use use = ahead ? GROUND_TO_PREVIEW : GROUND_TO_STORE;
  note->is_stored = true;
  if (invoice)
    take_ahead(work, invoice, note);
  else
    TRY(invoice_facts_load(work, tenant, invoice_id, use, &note->invoice, err));
  if (!invoice) TRY(load_lines(work, note, ahead, err));
  if (!invoice) TRY(credit_uses_load(work, &note->invoice, use, &note->uses, err));
  if (!ahead) TRY(count_pending(work, note, err)); /* else they are on what is ahead */
  for (size_t i = 0; ahead && i < ahead->count; i++)
    for (size_t n = 0; n < ahead->invoices[i].line_count; n++) add_credit_ahead(note, &ahead->invoices[i].lines[n]);
  for (size_t n = 0; n < note->line_count; n++) bound(&note->lines[n]);
  *ret_note = note;
  return RC_OK;
}

void note_count_notes_only(struct note *note) {
  for (size_t n = 0; n < note->line_count; n++) {
    note->lines[n].credited_minor = note->noted_minor[n];
    note->lines[n].tax_credited_minor = note->tax_noted_minor[n];
  }
}

/* -- decide -- */

/* What notes may still give back of the invoice. Lines of other signs can make it less than what one line has left. */
static int64_t left_of(const struct note *note) {
  return note->invoice.total_minor - note->invoice.credited_minor;
}

enum rc note_sum_up(struct note *note, struct error *err) {
  TRY(credit_sum_up(note->lines, note->line_count, left_of(note), &note->sum, err));
  const struct credit_settled settled = {.due_minor = invoice_facts_due(&note->invoice),
                                         .money_minor = note->invoice.paid_minor - note->uses.money_back_minor,
                                         .credit_minor = note->uses.sum_minor};
  note->disposal = credit_dispose(note->sum.total_minor, &settled);
  note->expired_minor = credit_return(note->uses.at, note->uses.count, note->disposal.returned_minor);
  return RC_OK;
}

static bool is_refund(const struct note *note) {
  return strcmp(note->disposition, "refund") == 0;
}

int64_t note_credited(const struct note *note) {
  return (is_refund(note) ? note->disposal.returned_minor : note->disposal.left_minor) - note->expired_minor;
}

int64_t note_refundable(const struct note *note) {
  return is_refund(note) ? note->disposal.left_minor - note->disposal.returned_minor : 0;
}

bool note_settles(const struct note *note) {
  bool was_owed = note->invoice.state == INVOICE_OPEN || note->invoice.state == INVOICE_UNCOLLECTIBLE;
  return was_owed && invoice_facts_due(&note->invoice) == note->disposal.applied_minor;
}

/* -- shown -- */

static void put_text(struct json_writer *json, const char *key, const struct note *note, int64_t minor) {
  char text[MONEY_TEXT_MAX];
  json_put_string(json, key, money_format(minor, note->invoice.currency, text));
}

static void write_before(struct json_writer *json, const struct note *note, size_t n) {
  const struct creditable *line = &note->lines[n];
  json_put_object(json, NULL);
  json_put_int(json, "line", (int64_t)n + 1);
  put_text(json, "amount", note, line->amount_minor);
  put_text(json, "tax", note, line->tax_minor);
  put_text(json, "listed", note, line->listed_minor);
  put_text(json, "creditedBefore", note, line->credited_minor);
  put_text(json, "taxCreditedBefore", note, line->tax_credited_minor);
  if (note->basis == CREDIT_CLAIMED) put_text(json, "claimed", note, line->claimed_minor);
  if (note->basis == CREDIT_AMOUNT && note->is_apart[n]) json_put_bool(json, "apart", true);
  if (note->basis == CREDIT_LINES) put_text(json, "asked", note, line->wanted_minor);
  json_put_end(json);
}

const char *note_provenance(struct arena *arena, const struct note *note) {
  struct buf CLEANUP(buf_release) text;
  struct json_writer json;
  buf_init(&text, PROVENANCE_MAX);
  json_writer_init(&json, &text);
  json_put_object(&json, NULL);
  json_put_string(&json, "basis", credit_basis_name(note->basis));
  if (note->basis == CREDIT_AMOUNT) put_text(&json, "asked", note, note->asked_minor);
  json_put_array(&json, "lines");
  for (size_t n = 0; n < note->line_count; n++) write_before(&json, note, n);
  json_put_end(&json);
  json_put_end(&json);
  ASSERT(buf_ok(&text));
  return arena_strdup(arena, buf_text(&text));
}

static void put_money(struct json_writer *json, const char *key, const struct note *note, int64_t minor) {
  char text[MONEY_TEXT_MAX];
  json_put_raw(json, key, money_format(minor, note->invoice.currency, text));
}

static void write_item(struct json_writer *json, const struct note *note, size_t n) {
  const struct creditable *line = &note->lines[n];
  if (line->wanted_minor == 0 && line->tax_wanted_minor == 0) return;
  json_put_object(json, NULL);
  if (note->is_stored) json_put_string(json, "itemId", note->item_ids[n]);
  json_put_string(json, "description", note->descriptions[n]);
  put_money(json, "amount", note, line->wanted_minor);
  put_money(json, "taxAmount", note, line->tax_wanted_minor);
  json_put_end(json);
}

void note_write(struct json_writer *json, const struct note *note) {
  json_put_object(json, NULL);
  if (note->is_stored) json_put_string(json, "invoiceId", note->invoice.id);
  if (!note->is_ahead) json_put_string(json, "invoiceNumber", note->invoice.number);
  json_put_string(json, "customerId", note->invoice.customer_id);
  json_put_string(json, "currency", note->invoice.currency->code);
  json_put_string(json, "reason", note->reason);
  json_put_string(json, "disposition", note->disposition);
  put_money(json, "amount", note, note->sum.amount_minor);
  put_money(json, "taxAmount", note, note->sum.tax_minor);
  put_money(json, "totalAmount", note, note->sum.total_minor);
  put_money(json, "amountApplied", note, note->disposal.applied_minor);
  put_money(json, "amountCredited", note, note_credited(note));
  put_money(json, "amountRefundable", note, note_refundable(note));
  put_money(json, "amountExpired", note, note->expired_minor);
  json_put_array(json, "items");
  for (size_t n = 0; n < note->line_count; n++) write_item(json, note, n);
  json_put_end(json);
  json_put_end(json);
}
