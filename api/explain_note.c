/* A note keeps what it goes by and the lines of its invoice as they were before it: the same functions of lib/domain
 * that made it are asked again. */
#include "explain_note.h"

#include "base/assert.h"
#include "bus/message.h"
#include "domain/invoice.h"
#include "explained.h"
#include "sql.h"

struct stored_note {
  const struct currency *currency;
  const char *head;
  int64_t amount_minor, tax_minor, asked_minor;
  enum credit_basis basis;
  struct creditable *lines;
  size_t count, at;
};

static enum rc unreadable(struct error *err, const char *what) {
  return error_set(err, RC_BUG, "a stored credit note's %s cannot be read", what);
}

/* 0 where it is not there. */
static enum rc read_money(json_t *object, const char *member, const struct currency *currency, int64_t *ret_minor,
                          struct error *err) {
  const char *text = NULL;
  TRY(body_text(object, member, &text, err));
  *ret_minor = 0;
  return text ? money_parse(text, currency, member, ret_minor, err) : RC_OK;
}

static enum rc read_line(json_t *before, const struct currency *currency, struct creditable *line, struct error *err) {
  const struct {
    const char *name;
    int64_t *minor;
  } members[] = {{"amount", &line->amount_minor},
                 {"tax", &line->tax_minor},
                 {"listed", &line->listed_minor},
                 {"creditedBefore", &line->credited_minor},
                 {"taxCreditedBefore", &line->tax_credited_minor},
                 {"claimed", &line->claimed_minor},
                 {"asked", &line->wanted_minor}};
  for (size_t i = 0; i < sizeof members / sizeof *members; i++)
    TRY(read_money(before, members[i].name, currency, members[i].minor, err));
  return RC_OK;
}

static enum rc read_provenance(struct arena *arena, json_t *provenance, struct stored_note *note, struct error *err) {
  json_t *lines = json_object_get(provenance, "lines"), *line;
  const char *basis = NULL;
  size_t index;
  TRY(body_text(provenance, "basis", &basis, err));
  if (!basis || !credit_basis_from_name(basis, &note->basis)) return unreadable(err, "basis");
  TRY(read_money(provenance, "asked", note->currency, &note->asked_minor, err));
  if (json_array_size(lines) > INVOICE_LINES_MAX) return unreadable(err, "lines");
  note->lines = ARENA_ARRAY(arena, struct creditable, json_array_size(lines) + 1);
  size_t at = json_array_size(lines);
  json_array_foreach(lines, index, line) {
    if (json_is_true(json_object_get(line, "apart"))) continue; /* the amount was not spread over it */
    if (index == note->at) at = note->count;
    TRY(read_line(line, note->currency, &note->lines[note->count++], err));
  }
  note->at = at;
  return at < note->count ? RC_OK : unreadable(err, "lines");
}

static enum rc load(struct request *request, struct stored_note *note, struct error *err) {
  PGresult CLEANUP(db_result_release) *row = NULL;
  json_auto_t *provenance = NULL;
  TRY(tx_exec(&request->tx, &sql_credit_note_item_explain, PARAMS(request->params[0], request->params[1]), &row, err));
  TRY(request_commit(request, err));
  if (row_count(row) == 0) return error_set(err, RC_NOT_FOUND, NULL);
  *note = (struct stored_note){.currency = currency_find(row_text(row, 0, 0)),
                               .at = (size_t)row_int(row, 0, 1) - 1,
                               .amount_minor = row_int(row, 0, 2),
                               .tax_minor = row_int(row, 0, 3),
                               .head = arena_strdup(request->arena, row_text(row, 0, 5))};
  if (!note->currency) return unreadable(err, "currency");
  TRY(explained_load_json(row_text(row, 0, 4), &provenance, err));
  struct error why;
  return read_provenance(request->arena, provenance, note, &why) == RC_OK ? RC_OK : unreadable(err, why.text);
}

enum rc explain_note_handle(struct request *request, struct response *response, struct error *err) {
  struct stored_note note = {0};
  struct error why = {0};
  TRY(load(request, &note, err));
  ASSERT(note.lines && note.at < note.count);
  struct part amount = part_begin(request->arena, note.currency, "amount", note.amount_minor);
  struct part tax = part_begin(request->arena, note.currency, "tax", note.tax_minor);
  enum rc rc = explain_credited(&amount.steps, note.basis, note.asked_minor, note.lines, note.count, note.at, &why);
  const struct creditable *line = &note.lines[note.at];
  if (rc == RC_OK) explain_credited_tax(&tax.steps, line);
  const struct part parts[] = {part_end(amount, rc, line->wanted_minor, &why),
                               part_end(tax, rc, line->tax_wanted_minor, &why)};
  explained_answer(request, response, note.head, parts, sizeof parts / sizeof *parts);
  return RC_OK;
}
