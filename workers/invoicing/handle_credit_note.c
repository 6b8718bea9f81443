/* credit-note.issue, from clients, and credit-note.create, from billing-cycle when unused time is credited (BILL-043):
 * what of an invoice is given back. */
#include <string.h>

#include "base/json_text.h"
#include "domain/apportion.h"
#include "draft.h"
#include "handlers.h"
#include "note.h"
#include "sql.h"

/* -- credit-note.issue -- */

static enum rc want_items(struct note *note, json_t *items, struct error *err) {
  size_t index;
  json_t *item;
  json_array_foreach(items, index, item) {
    const char *id, *amount;
    char field[ERROR_FIELD_MAX];
    size_t n = 0;
    TRY(body_text(item, "itemId", &id, err));
    TRY(body_decimal(item, "amount", &amount, err));
    snprintf(field, sizeof field, "items[%zu].itemId", index);
    while (id && n < note->line_count && strcmp(note->item_ids[n], id) != 0) n++;
    if (!id || n == note->line_count) return error_field(err, RC_NOT_FOUND, field, "the invoice has no such line");
    if (note->lines[n].wanted_minor != 0) return error_field(err, RC_VALIDATION, field, "is there twice");
    snprintf(field, sizeof field, "items[%zu].amount", index);
    if (!amount) return error_field(err, RC_VALIDATION, field, "is required");
    TRY(money_parse(amount, note->invoice.currency, field, &note->lines[n].wanted_minor, err));
    TRY(credit_line(&note->lines[n], field, err));
  }
  return RC_OK;
}

/* By line, by amount, or the whole of it. */
static enum rc want(struct note *note, json_t *body, struct error *err) {
  const char *amount;
  int64_t amount_minor;
  json_t *items = json_object_get(body, "items");
  TRY(body_decimal(body, "amount", &amount, err));
  if (items && amount) return error_field(err, RC_VALIDATION, "amount", "either items or amount");
  if (items) return want_items(note, items, err);
  if (amount) {
    TRY(money_parse(amount, note->invoice.currency, "amount", &amount_minor, err));
    return credit_amount(note->lines, note->line_count, amount_minor, "amount", err);
  }
  credit_whole(note->lines, note->line_count);
  return RC_OK;
}

enum rc handle_credit_note_issue(struct work *work, struct message *const *messages, size_t count, struct error *err) {
  (void)count;
  const struct message *command = messages[0];
  const char *invoice_id, *reason, *disposition;
  struct uuid ignored;
  bool has_invoice;
  struct note *note;
  TRY(body_uuid(command->json, "invoiceId", &ignored, &has_invoice, err));
  TRY(body_text(command->json, "invoiceId", &invoice_id, err));
  TRY(body_text(command->json, "reason", &reason, err));
  TRY(body_text(command->json, "disposition", &disposition, err));
  if (!has_invoice) return error_field(err, RC_VALIDATION, "invoiceId", "is required");
  enum rc found = note_open(work, command, invoice_id, &note, err);
  if (found == RC_NOT_FOUND) return error_field(err, RC_NOT_FOUND, "invoiceId", "there is no invoice %s", invoice_id);
  if (found != RC_OK) return found;
  note->id_text = command->subject;
  note->reason = reason;
  note->disposition = disposition ? disposition : "credit";
  if (!uuid_parse(command->subject, &note->id)) return error_set(err, RC_BAD_MESSAGE, "the subject is no id");
  TRY(want(note, command->json, err));
  TRY(note_sum_up(note, err));

  PGresult CLEANUP(db_result_release) *resource = NULL;
  TRY(note_store(work, note, err));
  TRY(tx_exec(work->tx, &sql_note_resource, PARAMS(db_uuid(work->arena, &command->tenant), command->subject), &resource,
              err));
  reply(work, command, 201, "credit-note", command->subject, row_text(resource, 0, 0));
  return RC_OK;
}

/* -- credit-note.create -- */

/* A line that billing credits, and where it was invoiced. */
struct claim {
  const char *invoice_id;
  bool is_draft;
  int64_t line, amount_minor; /* as listed: before discount, with a tax that is in the price */
};

enum { CLAIM_COLUMNS = 6 };

static enum rc read_claims(struct work *work, const struct message *command, const struct currency *currency,
                           const char **params, int64_t *ret_amounts, struct error *err) {
  json_t *lines = json_object_get(command->json, "lines"), *line;
  struct db_array *columns[CLAIM_COLUMNS];
  size_t index;
  for (int c = 0; c < CLAIM_COLUMNS; c++) columns[c] = db_array_new(work->arena);
  json_array_foreach(lines, index, line) {
    const char *component, *kind, *amount;
    int64_t item, period_index, revision;
    TRY(body_text(line, "component", &component, err));
    TRY(body_text(line, "kind", &kind, err));
    TRY(body_decimal(line, "amount", &amount, err));
    TRY(body_int(line, "item", 0, INT16_MAX, 0, &item, err));
    TRY(body_int(line, "periodIndex", 0, INT32_MAX, 0, &period_index, err));
    TRY(body_int(line, "revision", 0, INT32_MAX, 0, &revision, err));
    if (!kind || !amount) return error_field(err, RC_VALIDATION, "lines", "each has a kind and an amount");
    TRY(money_parse(amount, currency, "amount", &ret_amounts[index], err));
    db_array_int(columns[0], item);
    db_array_text(columns[1], component ? component : "base");
    db_array_int(columns[2], period_index);
    db_array_text(columns[3], kind);
    db_array_int(columns[4], revision);
  }
  for (int c = 0; c < 5; c++) params[2 + c] = db_array_literal(columns[c]);
  return RC_OK;
}

/* Where the lines were invoiced; what came to nothing has no line, and nothing is given back of it. */
static enum rc find_claims(struct work *work, const struct message *command, struct claim **ret_claims,
                           size_t *ret_count, struct error *err) {
  const char *params[7], *code;
  size_t asked = json_array_size(json_object_get(command->json, "lines"));
  int64_t *amounts = ARENA_ARRAY(work->arena, int64_t, asked);
  PGresult CLEANUP(db_result_release) *rows = NULL;
  TRY(body_text(command->json, "currency", &code, err));
  const struct currency *currency = code ? currency_find(code) : NULL;
  if (!currency) return error_field(err, RC_VALIDATION, "currency", "is not a currency of ISO 4217");
  TRY(read_claims(work, command, currency, params, amounts, err));
  params[0] = db_uuid(work->arena, &command->tenant);
  TRY(body_text(command->json, "subscriptionId", &params[1], err));
  TRY(tx_exec(work->tx, &sql_claims_find, params, 7, &rows, err));
  struct claim *claims = ARENA_ARRAY(work->arena, struct claim, (size_t)row_count(rows));
  for (int r = 0; r < row_count(rows); r++)
    claims[r] = (struct claim){.invoice_id = arena_strdup(work->arena, row_text(rows, r, 1)),
                               .is_draft = row_bool(rows, r, 3),
                               .line = row_int(rows, r, 2),
                               .amount_minor = amounts[row_int(rows, r, 0)]};
  *ret_claims = claims;
  *ret_count = (size_t)row_count(rows);
  return RC_OK;
}

/* A draft with a line that is taken back is finalised before its time: notes are on what has a number. */
static enum rc finalise_drafts(struct work *work, const struct message *command, const struct claim *claims,
                               size_t count, struct error *err) {
  for (size_t i = 0; i < count; i++) {
    struct draft_ref ref = {.tenant = command->tenant};
    if (claims[i].is_draft && uuid_parse(claims[i].invoice_id, &ref.id)) TRY(draft_finalise(work, &ref, err));
  }
  return RC_OK;
}

/* The line's share of discount and tax goes with it. */
static void want_claim(struct note *note, const struct claim *claim) {
  size_t n = (size_t)claim->line - 1;
  struct creditable *line = &note->lines[n];
  struct error ignored;
  if (n >= note->line_count || note->listed_minor[n] <= 0 || line->amount_minor <= 0) return;
  int64_t rest = line->amount_minor - line->credited_minor;
  int64_t net = apportion_next(line->amount_minor, note->listed_minor[n], 0, claim->amount_minor, 0);
  line->wanted_minor += net;
  if (line->wanted_minor > rest) line->wanted_minor = rest;
  if (line->wanted_minor <= 0 || credit_line(line, "amount", &ignored) != RC_OK) line->wanted_minor = 0;
}

/* On an invoice, of what was claimed there or, when `from` is another invoice, had no room on that. */
static enum rc note_begin(struct work *work, const struct message *command, const char *invoice_id, const char *from,
                          struct note **ret_note, bool *ret_is_known, struct error *err) {
  struct note *note;
  const char *base;
  PGresult CLEANUP(db_result_release) *known = NULL;
  TRY(body_text(command->json, "creditNoteId", &base, err));
  TRY(note_open(work, command, invoice_id, &note, err));
  note->id = strcmp(from, invoice_id) == 0 ? UUID_DERIVE("credit-note.create", base, invoice_id)
                                           : UUID_DERIVE("credit-note.create", base, invoice_id, from);
  note->id_text = db_uuid(work->arena, &note->id);
  TRY(body_text(command->json, "reason", &note->reason, err));
  TRY(body_text(command->json, "disposition", &note->disposition, err));
  if (!note->disposition) note->disposition = "credit";
  TRY(tx_exec(work->tx, &sql_note_resource, PARAMS(db_uuid(work->arena, &command->tenant), note->id_text), &known,
              err));
  *ret_is_known = row_count(known) > 0;
  *ret_note = note;
  return RC_OK;
}

static int64_t wanted_of(const struct note *note) {
  int64_t wanted = 0;
  for (size_t n = 0; n < note->line_count; n++) wanted += note->lines[n].wanted_minor;
  return wanted;
}

/* Stores what of it the invoice has room for; *ret_rest is what it has none for. */
static enum rc note_within(struct work *work, struct note *note, int64_t *ret_rest, struct error *err) {
  int64_t wanted = wanted_of(note);
  struct error nothing;
  *ret_rest = 0;
  if (note_sum_up(note, &nothing) != RC_OK) {
    credit_whole(note->lines, note->line_count);
    if (wanted == 0 || note_sum_up(note, &nothing) != RC_OK || note->amount_minor > wanted) {
      *ret_rest = wanted;
      return RC_OK;
    }
    *ret_rest = wanted - note->amount_minor;
  }
  return note_store(work, note, err);
}

/* BILL-043: what is larger than one invoice is noted on the next older ones of the subscription. */
static enum rc note_older(struct work *work, const struct message *command, const char *invoice_id, int64_t rest_minor,
                          struct error *err) {
  const char *subscription;
  PGresult CLEANUP(db_result_release) *rows = NULL;
  if (rest_minor == 0) return RC_OK;
  TRY(body_text(command->json, "subscriptionId", &subscription, err));
  TRY(tx_exec(work->tx, &sql_invoices_older, PARAMS(db_uuid(work->arena, &command->tenant), invoice_id, subscription),
              &rows, err));
  for (int r = 0; r < row_count(rows) && rest_minor > 0; r++) {
    struct note *note;
    bool is_known;
    int64_t room = 0, unplaced;
    TRY(note_begin(work, command, arena_strdup(work->arena, row_text(rows, r, 0)), invoice_id, &note, &is_known, err));
    if (is_known) return RC_OK; /* the command came twice */
    for (size_t n = 0; n < note->line_count; n++) room += note->lines[n].amount_minor - note->lines[n].credited_minor;
    int64_t wanted = rest_minor < room ? rest_minor : room;
    struct error ignored;
    if (wanted <= 0 || credit_amount(note->lines, note->line_count, wanted, "amount", &ignored) != RC_OK) continue;
    TRY(note_within(work, note, &unplaced, err));
    rest_minor -= wanted - unplaced;
  }
  return RC_OK;
}

static enum rc note_claims(struct work *work, const struct message *command, const char *invoice_id,
                           const struct claim *claims, size_t count, struct error *err) {
  struct note *note;
  bool is_known;
  int64_t rest = 0;
  TRY(note_begin(work, command, invoice_id, invoice_id, &note, &is_known, err));
  if (is_known) return RC_OK; /* the command came twice */
  for (size_t i = 0; i < count; i++)
    if (strcmp(claims[i].invoice_id, invoice_id) == 0) want_claim(note, &claims[i]);
  TRY(note_within(work, note, &rest, err));
  return note_older(work, command, invoice_id, rest, err);
}

enum rc handle_credit_note_create(struct work *work, struct message *const *messages, size_t count, struct error *err) {
  (void)count;
  const struct message *command = messages[0];
  struct claim *claims = NULL;
  size_t claim_count = 0;
  TRY(find_claims(work, command, &claims, &claim_count, err));

  TRY(finalise_drafts(work, command, claims, claim_count, err));
  for (size_t i = 0; i < claim_count; i++) {
    bool is_first = i == 0 || strcmp(claims[i].invoice_id, claims[i - 1].invoice_id) != 0; /* together, in the result */
    if (is_first) TRY(note_claims(work, command, claims[i].invoice_id, claims, claim_count, err));
  }
  return RC_OK;
}
