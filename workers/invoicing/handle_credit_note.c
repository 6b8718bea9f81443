/* credit-note.issue, from clients, and credit-note.create, from billing-cycle when unused time is credited (BILL-043):
 * what of an invoice is given back. */
#include <string.h>

#include "base/assert.h"
#include "base/json_text.h"
#include "base/log.h"
#include "draft.h"
#include "handlers.h"
#include "invoicing/notes.h"
#include "note_store.h"
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
  json_t *items = json_object_get(body, "items");
  TRY(body_decimal(body, "amount", &amount, err));
  if (items && amount) return error_field(err, RC_VALIDATION, "amount", "either items or amount");
  note->basis = items ? CREDIT_LINES : amount ? CREDIT_AMOUNT : CREDIT_WHOLE;
  if (items) return want_items(note, items, err);
  if (amount) {
    TRY(money_parse(amount, note->invoice.currency, "amount", &note->asked_minor, err));
    return credit_amount(note->lines, note->line_count, note->asked_minor, "amount", err);
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
  enum rc found = note_open(work, &command->tenant, invoice_id, NULL, &note, err);
  if (found == RC_NOT_FOUND) return error_field(err, RC_NOT_FOUND, "invoiceId", "there is no invoice %s", invoice_id);
  if (found != RC_OK) return found;
  TRY(note_check(note, err));
  note->id_text = command->subject;
  note->reason = reason;
  note->disposition = disposition ? disposition : "credit";
  if (!uuid_parse(command->subject, &note->id)) return error_set(err, RC_BAD_MESSAGE, "the subject is no id");
  TRY(want(note, command->json, err));
  TRY(note_sum_up(note, err));

  PGresult CLEANUP(db_result_release) *resource = NULL;
  TRY(note_store(work, note, command, err));
  TRY(tx_exec(work->tx, &sql_note_resource, PARAMS(db_uuid(work->arena, &command->tenant), command->subject), &resource,
              err));
  reply(work, command, 201, "credit-note", command->subject, row_text(resource, 0, 0));
  return RC_OK;
}

/* -- credit-note.create -- */

static struct draft_ref ref_to(const struct note_request *request, const char *invoice) {
  struct draft_ref ref = {.tenant = request->tenant};
  bool parsed = uuid_parse(invoice, &ref.id);
  ASSERT(parsed);
  return ref;
}

/* The invoices of the claimed lines, with room for so many more. */
static struct draft_ref *claimed_refs(struct work *work, const struct note_request *request, const struct notes *notes,
                                      size_t more) {
  struct draft_ref *refs = ARENA_ARRAY(work->arena, struct draft_ref, notes->claimed_count + more);
  for (size_t i = 0; i < notes->claimed_count; i++) refs[i] = ref_to(request, notes->claimed[i].invoice_id);
  return refs;
}

/* All that notes may touch, at once, in the order of locks (ARCHITECTURE.md): the invoices of the claimed lines, and
 * older ones for what has no room there. It costs a lock on up to NOTES_OLDER_MAX of these each time: what room there
 * is, is known only when all is locked. */
static enum rc lock_all(struct work *work, const struct note_request *request, const struct notes *notes,
                        struct error *err) {
  PGresult CLEANUP(db_result_release) *rows = NULL;
  struct db_array *ids = db_array_new(work->arena);
  size_t count = notes->claimed_count;
  TRY(tx_exec(
      work->tx, &sql_invoices_with_room,
      PARAMS(db_uuid(work->arena, &request->tenant), request->subscription_id, db_int(work->arena, NOTES_OLDER_MAX)),
      &rows, err));
  struct draft_ref *refs = claimed_refs(work, request, notes, (size_t)row_count(rows));
  for (int r = 0; r < row_count(rows); r++) refs[count++] = ref_to(request, row_text(rows, r, 0));
  for (size_t i = 0; i < count; i++) db_array_uuid(ids, &refs[i].id);
  TRY(drafts_hold(work, &refs, &count, err));
  return credit_uses_hold(work, &request->tenant, ids, err);
}

/* A draft with a line that is taken back is finalised before its time: notes are on what has a number. (They are locked
 * already: it is for which of them are drafts, with those of whose lines they take something back.) */
static enum rc finalise_claimed(struct work *work, const struct note_request *request, const struct notes *notes,
                                struct error *err) {
  size_t count = notes->claimed_count;
  struct draft_ref *refs = claimed_refs(work, request, notes, 0);
  if (count == 0) return RC_OK;
  TRY(drafts_hold(work, &refs, &count, err));
  return drafts_finalise(work, refs, count, NULL, err);
}

/* Unused time that is given back nowhere: somebody has to look at it. */
static void tell_unplaced(const struct note_request *request, int64_t minor) {
  if (minor == 0) return;
  metric_add("credits_unplaced_total", "", 1);
  LOG(LOG_WARN, "credit.unplaced", LOG_TEXT("subscription", request->subscription_id), LOG_INT("minor", minor));
}

enum rc handle_credit_note_create(struct work *work, struct message *const *messages, size_t count, struct error *err) {
  (void)count;
  const struct message *command = messages[0];
  struct note_request request = {0};
  struct notes notes = {0};
  bool is_known;
  TRY(note_request_read(work->arena, command, &request, err));
  TRY(notes_known(work, &request, &is_known, err));
  if (is_known) return RC_OK;
  TRY(notes_find(work, &request, NULL, &notes, err));
  if (notes.claimed_count == 0) return RC_OK;

  TRY(lock_all(work, &request, &notes, err));
  TRY(notes_claim_true_up(work, &request, &notes, err));
  TRY(finalise_claimed(work, &request, &notes, err));
  TRY(notes_decide(work, &request, NULL, &notes, err));
  for (size_t i = 0; i < notes.count; i++) TRY(note_store(work, notes.at[i], command, err));
  tell_unplaced(&request, notes.unplaced_minor);
  return RC_OK;
}
