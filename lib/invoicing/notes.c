/* See notes.h. */
#include "invoicing/notes.h"

#include <stdlib.h>
#include <string.h>

#include "base/money.h"
#include "invoicing_sql.h"

/* -- what is asked -- */

static enum rc read_name(json_t *body, struct line_name *line, struct error *err) {
  TRY(body_text(body, "component", &line->component, err));
  TRY(body_text(body, "kind", &line->kind, err));
  TRY(body_int(body, "item", 0, INT16_MAX, 0, &line->item, err));
  TRY(body_int(body, "periodIndex", 0, INT32_MAX, 0, &line->period_index, err));
  TRY(body_int(body, "revision", 0, INT32_MAX, 0, &line->revision, err));
  if (!line->component) line->component = "base";
  return line->kind ? RC_OK : error_field(err, RC_VALIDATION, "lines", "each has a kind");
}

static enum rc read_claim(json_t *body, const struct currency *currency, struct note_claim *claim, struct error *err) {
  const char *amount;
  TRY(read_name(body, &claim->line, err));
  TRY(body_decimal(body, "amount", &amount, err));
  if (!amount) return error_field(err, RC_VALIDATION, "lines", "each has an amount");
  return money_parse(amount, currency, "amount", &claim->amount_minor, err);
}

static enum rc read_claims(struct arena *arena, json_t *body, struct note_request *request, struct error *err) {
  json_t *lines = json_object_get(body, "lines"), *true_up = json_object_get(body, "trueUp"), *line;
  size_t index;
  request->claims = ARENA_ARRAY(arena, struct note_claim, json_array_size(lines) + 1);
  json_array_foreach(lines, index, line)
      TRY(read_claim(line, request->currency, &request->claims[request->count++], err));
  if (!json_is_object(true_up)) return RC_OK;
  request->true_up = &request->claims[request->count++];
  return read_name(true_up, &request->true_up->line, err);
}

enum rc note_request_read(struct arena *arena, const struct message *command, struct note_request *ret_request,
                          struct error *err) {
  json_t *body = command->json;
  struct note_request request = {.tenant = command->tenant};
  const char *code;
  TRY(body_text(body, "creditNoteId", &request.note_id, err));
  TRY(body_text(body, "subscriptionId", &request.subscription_id, err));
  TRY(body_text(body, "reason", &request.reason, err));
  TRY(body_text(body, "disposition", &request.disposition, err));
  TRY(body_text(body, "currency", &code, err));
  request.currency = code ? currency_find(code) : NULL;
  if (!request.currency) return error_field(err, RC_VALIDATION, "currency", "is not a currency of ISO 4217");
  if (!request.disposition) request.disposition = "credit";
  TRY(read_claims(arena, body, &request, err));
  *ret_request = request;
  return RC_OK;
}

/* -- where it was invoiced -- */

static int compare_claimed(const void *a, const void *b) {
  const struct claimed *left = a, *right = b;
  int64_t left_us = left->created.us ? left->created.us : INT64_MAX;
  int64_t right_us = right->created.us ? right->created.us : INT64_MAX;
  if (left_us != right_us) return left_us > right_us ? -1 : 1;
  int order = strcmp(left->invoice_id, right->invoice_id);
  if (order == 0) order = left->line < right->line ? -1 : left->line > right->line;
  return order;
}

static void claim_ahead(const struct note_request *request, const struct invoice *invoice, struct notes *notes) {
  for (size_t c = 0; c < request->count; c++) {
    for (size_t n = 0; n < invoice->line_count; n++) {
      const struct invoice_line *line = &invoice->lines[n];
      if (!line->subscription_id || strcmp(line->subscription_id, request->subscription_id) != 0 ||
          !line_is_named(line, &request->claims[c].line))
        continue;
      notes->claimed[notes->claimed_count++] = (struct claimed){.invoice_id = invoice->id_text,
                                                                .created = invoice->created,
                                                                .line = (int64_t)n + 1,
                                                                .claim = &request->claims[c]};
    }
  }
}

static enum rc find_stored(struct work *work, const struct note_request *request, const struct ahead *ahead,
                           PGresult **ret_rows, struct error *err) {
  struct line_names names = line_names_new(work->arena);
  const char *params[3 + LINE_NAME_COLUMNS] = {db_uuid(work->arena, &request->tenant), request->subscription_id};
  for (size_t i = 0; i < request->count; i++) line_names_add(&names, &request->claims[i].line);
  line_names_literals(&names, &params[2]);
  params[2 + LINE_NAME_COLUMNS] = ahead_ids(work->arena, ahead);
  return tx_exec(work->tx, &invoicing_sql_claims_find, params, 3 + LINE_NAME_COLUMNS, ret_rows, err);
}

enum rc notes_find(struct work *work, const struct note_request *request, const struct ahead *ahead,
                   struct notes *ret_notes, struct error *err) {
  PGresult CLEANUP(db_result_release) *rows = NULL;
  struct notes notes = {0};
  TRY(find_stored(work, request, ahead, &rows, err));
  size_t stored = (size_t)row_count(rows);
  notes.claimed = ARENA_ARRAY(work->arena, struct claimed, stored + request->count); /* a name is of one line */
  for (int r = 0; r < row_count(rows); r++)
    notes.claimed[notes.claimed_count++] =
        (struct claimed){.invoice_id = arena_strdup(work->arena, row_text(rows, r, 1)),
                         .created = row_utime(rows, r, 3),
                         .line = row_int(rows, r, 2),
                         .claim = &request->claims[row_int(rows, r, 0)]};
  for (size_t i = 0; ahead && i < ahead->count; i++) claim_ahead(request, &ahead->invoices[i], &notes);
  if (notes.claimed_count > 0) qsort(notes.claimed, notes.claimed_count, sizeof *notes.claimed, compare_claimed);
  *ret_notes = notes;
  return RC_OK;
}

/* -- what of it is not there any more -- */

/* Asked as billing did when it decided (charges_limit): without a note or a void since then it is nothing. */
static enum rc find_cut(struct work *work, const struct note_request *request, int64_t *ret_minor, struct error *err) {
  size_t count = request->count - 1;
  struct line_name *names = ARENA_ARRAY(work->arena, struct line_name, count + 1);
  int64_t *left = ARENA_ARRAY(work->arena, int64_t, count + 1);
  for (size_t i = 0; i < count; i++) names[i] = request->claims[i].line;
  TRY(lines_left(work, db_uuid(work->arena, &request->tenant), request->subscription_id, names, count, left, err));
  *ret_minor = 0;
  for (size_t i = 0; i < count; i++) {
    const struct note_claim *claim = &request->claims[i];
    bool counts = claim->line.period_index == request->true_up->line.period_index;
    if (counts && left[i] < claim->amount_minor) *ret_minor += claim->amount_minor - left[i];
  }
  return RC_OK;
}

enum rc notes_claim_true_up(struct work *work, const struct note_request *request, struct notes *notes,
                            struct error *err) {
  size_t kept = 0;
  if (!request->true_up) return RC_OK;
  TRY(find_cut(work, request, &request->true_up->amount_minor, err));
  for (size_t i = 0; i < notes->claimed_count; i++)
    if (notes->claimed[i].claim->amount_minor > 0) notes->claimed[kept++] = notes->claimed[i];
  notes->claimed_count = kept;
  return RC_OK;
}

/* -- what it comes to -- */

struct deciding {
  struct work *work;
  const struct note_request *request;
  const struct ahead *ahead;
  struct notes *notes;
};

/* An earlier note of the same command, which is not stored yet, counts as stored. */
static void follow(struct note *note, const struct note *earlier) {
  if (strcmp(note->invoice.id, earlier->invoice.id) != 0) return;
  for (size_t n = 0; n < note->line_count; n++) {
    note->lines[n].credited_minor += earlier->lines[n].wanted_minor;
    note->lines[n].tax_credited_minor += earlier->lines[n].tax_wanted_minor;
  }
  for (size_t i = 0; i < note->uses.count; i++) note->uses.at[i].used_minor -= earlier->uses.at[i].returned_minor;
  note->uses.sum_minor -= earlier->disposal.returned_minor;
  note->uses.money_back_minor += earlier->disposal.left_minor - earlier->disposal.returned_minor;
  note->invoice.credited_minor += earlier->sum.total_minor;
  note->invoice.version++;
  if (note_settles(earlier)) note->invoice.state = INVOICE_PAID;
}

/* What became void between the look for it and its lock is not found when the batch is run again. */
static enum rc check_found(const struct note *note, struct error *err) {
  if (note->invoice.state != INVOICE_VOID) return note_check(note, err);
  return error_set(err, RC_DB_CONFLICT, "an invoice that something is given back of has just become void");
}

/* On an invoice, of what was claimed there or, when it is not, had no room on another: that one was made less by what
 * it took back of older ones. */
static enum rc begin(struct deciding *at, const char *invoice_id, bool is_claimed, struct note **ret_note,
                     struct error *err) {
  struct note *note;
  TRY(note_open(at->work, &at->request->tenant, invoice_id, at->ahead, &note, err));
  TRY(check_found(note, err));
  if (!is_claimed) note_count_notes_only(note);
  for (size_t i = 0; i < at->notes->count; i++) follow(note, at->notes->at[i]);
  note->reason = at->request->reason;
  note->disposition = at->request->disposition;
  *ret_note = note;
  return RC_OK;
}

/* The notes of a command are counted: the first is there if any is. */
static struct uuid note_id(struct work *work, const struct note_request *request, size_t place) {
  return UUID_DERIVE("credit-note.create", request->note_id, db_int(work->arena, (int64_t)place));
}

enum rc notes_known(struct work *work, const struct note_request *request, bool *ret_is_known, struct error *err) {
  struct uuid first = note_id(work, request, 0);
  PGresult CLEANUP(db_result_release) *row = NULL;
  TRY(tx_exec(work->tx, &invoicing_sql_note_known,
              PARAMS(db_uuid(work->arena, &request->tenant), db_uuid(work->arena, &first)), &row, err));
  *ret_is_known = row_bool(row, 0, 0);
  return RC_OK;
}

static void keep(struct deciding *at, struct note *note) {
  note->id = note_id(at->work, at->request, at->notes->count);
  note->id_text = db_uuid(at->work->arena, &note->id);
  at->notes->at[at->notes->count++] = note;
}

static void want(struct note *note, const struct claimed *claimed) {
  size_t n = (size_t)claimed->line - 1;
  note->basis = CREDIT_CLAIMED;
  if (n >= note->line_count) return;
  note->lines[n].claimed_minor += claimed->claim->amount_minor;
  credit_claimed(&note->lines[n]);
}

static int64_t wanted_of(const struct note *note) {
  int64_t wanted = 0;
  for (size_t n = 0; n < note->line_count; n++) wanted += note->lines[n].wanted_minor;
  return wanted;
}

/* Spread over what is left of the subscription's own lines; returns how much that is, 0: nothing. */
static int64_t want_of_own(struct note *note, const char *subscription, int64_t minor) {
  struct creditable own[INVOICE_LINES_MAX];
  size_t places[INVOICE_LINES_MAX], count = 0;
  int64_t room = 0;
  struct error ignored;
  for (size_t n = 0; n < note->line_count; n++) {
    note->is_apart[n] = !note->subscription_ids[n] || strcmp(note->subscription_ids[n], subscription) != 0;
    if (note->is_apart[n]) continue;
    room += credit_rest(&note->lines[n]);
    own[count] = note->lines[n];
    places[count++] = n;
  }
  int64_t wanted = minor < room ? minor : room;
  if (wanted <= 0 || credit_amount(own, count, wanted, "amount", &ignored) != RC_OK) return 0;
  for (size_t i = 0; i < count; i++) note->lines[places[i]] = own[i];
  note->basis = CREDIT_AMOUNT;
  note->asked_minor = wanted;
  return wanted;
}

/* Less than what was too much, by the share of the total that is left. */
static int64_t less(const struct note *note, int64_t minor) {
  int64_t left = note->invoice.total_minor - note->invoice.credited_minor;
  if (left <= 0 || note->sum.total_minor <= left) return 0;
  int64_t share = (int64_t)((int128)minor * left / note->sum.total_minor);
  return share < minor ? share : minor - 1;
}

/* What of it the invoice has room for, on lines of the subscription alone: the others' are for what becomes of these.
 * *ret_rest is what it has none for. */
static void fit(struct deciding *at, struct note *note, int64_t *ret_rest) {
  const char *subscription = at->request->subscription_id;
  struct error nothing;
  int64_t wanted = wanted_of(note), fits = wanted;
  enum rc rc = note_sum_up(note, &nothing);
  if (rc != RC_OK) fits = want_of_own(note, subscription, wanted);
  while (rc != RC_OK && fits > 0 && (rc = note_sum_up(note, &nothing)) != RC_OK)
    fits = want_of_own(note, subscription, less(note, fits));
  *ret_rest = rc == RC_OK ? wanted - fits : wanted;
  if (rc == RC_OK) keep(at, note);
}

static bool has_line_of(const struct invoice *invoice, const char *subscription) {
  for (size_t n = 0; n < invoice->line_count; n++)
    if (invoice->lines[n].subscription_id && strcmp(invoice->lines[n].subscription_id, subscription) == 0) return true;
  return false;
}

/* Those ahead that are finalised before the note's invoice, the newest first. */
static size_t find_older_ahead(const struct deciding *at, const struct note *note, const char **ids) {
  size_t end = 0, count = 0;
  if (!at->ahead || !note->is_ahead) return 0;
  while (end < at->ahead->count && strcmp(at->ahead->invoices[end].id_text, note->invoice.id) != 0) end++;
  while (end-- > 0) {
    const struct invoice *invoice = &at->ahead->invoices[end];
    if (!invoice->is_draft && has_line_of(invoice, at->request->subscription_id)) ids[count++] = invoice->id_text;
  }
  return count;
}

static enum rc find_older(struct deciding *at, const struct note *note, const char ***ret_ids, size_t *ret_count,
                          struct error *err) {
  struct arena *arena = at->work->arena;
  const char **ids = ARENA_ARRAY(arena, const char *, NOTES_OLDER_MAX + (at->ahead ? at->ahead->count : 0));
  size_t count = find_older_ahead(at, note, ids);
  PGresult CLEANUP(db_result_release) *rows = NULL;
  TRY(tx_exec(at->work->tx, &invoicing_sql_invoices_older,
              PARAMS(db_uuid(arena, &at->request->tenant), note->invoice.id, note->invoice.customer_id,
                     note->invoice.currency->code, at->request->subscription_id),
              &rows, err));
  for (int r = 0; r < row_count(rows); r++) ids[count++] = arena_strdup(arena, row_text(rows, r, 0));
  *ret_ids = ids;
  *ret_count = count;
  return RC_OK;
}

/* BILL-043: what is larger than one invoice is noted on the next older ones of the subscription. */
static enum rc decide_older(struct deciding *at, const struct note *first, int64_t rest_minor, struct error *err) {
  const char **ids = NULL;
  size_t count = 0;
  if (rest_minor == 0) return RC_OK;
  TRY(find_older(at, first, &ids, &count, err));
  for (size_t i = 0; i < count && rest_minor > 0; i++) {
    struct note *note;
    int64_t unplaced;
    TRY(begin(at, ids[i], false, &note, err));
    int64_t wanted = want_of_own(note, at->request->subscription_id, rest_minor);
    if (wanted == 0) continue;
    fit(at, note, &unplaced);
    rest_minor -= wanted - unplaced;
  }
  at->notes->unplaced_minor += rest_minor;
  return RC_OK;
}

/* What was claimed on an invoice; *ret_rest is what it has no room for. */
static enum rc decide_on(struct deciding *at, const char *invoice_id, struct note **ret_note, int64_t *ret_rest,
                         struct error *err) {
  const struct notes *notes = at->notes;
  TRY(begin(at, invoice_id, true, ret_note, err));
  for (size_t i = 0; i < notes->claimed_count; i++)
    if (strcmp(notes->claimed[i].invoice_id, invoice_id) == 0) want(*ret_note, &notes->claimed[i]);
  fit(at, *ret_note, ret_rest);
  return RC_OK;
}

/* Each invoice has its own claims first: what others have no room for comes after them. */
enum rc notes_decide(struct work *work, const struct note_request *request, const struct ahead *ahead,
                     struct notes *notes, struct error *err) {
  struct deciding at = {.work = work, .request = request, .ahead = ahead, .notes = notes};
  size_t count = 0, most = notes->claimed_count * (1 + NOTES_OLDER_MAX + (ahead ? ahead->count : 0));
  struct note **own = ARENA_ARRAY(work->arena, struct note *, notes->claimed_count);
  int64_t *rests = ARENA_ARRAY(work->arena, int64_t, notes->claimed_count);
  notes->at = ARENA_ARRAY(work->arena, struct note *, most);
  for (size_t i = 0; i < notes->claimed_count; i++) {
    bool is_first = i == 0 || strcmp(notes->claimed[i].invoice_id, notes->claimed[i - 1].invoice_id) != 0;
    if (!is_first) continue;
    TRY(decide_on(&at, notes->claimed[i].invoice_id, &own[count], &rests[count], err));
    count++;
  }
  for (size_t i = 0; i < count; i++) TRY(decide_older(&at, own[i], rests[i], err));
  return RC_OK;
}
