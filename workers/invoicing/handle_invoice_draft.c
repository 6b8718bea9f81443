/* invoice.draft, invoice.add_item, invoice.finalise, invoice.delete: invoices written by hand (BILL-070), and drafts of
 * billing that somebody wants finalised before their time. */
#include <string.h>

#include "base/assert.h"
#include "base/decimal.h"
#include "domain/price.h"
#include "draft.h"
#include "handlers.h"
#include "invoice_events.h"
#include "invoicing/compute.h"
#include "sql.h"
#include "store.h"

/* BILL-002: quantity × unit price, rounded once. */
static enum rc price(const char *quantity_text, const char *price_text, const struct currency *currency,
                     const char *path, int64_t *ret_minor, struct error *err) {
  char field[ERROR_FIELD_MAX];
  struct quantity quantity;
  struct decimal unit_price;
  snprintf(field, sizeof field, "%squantity", path);
  TRY(quantity_parse(quantity_text, field, &quantity, err));
  if (quantity.micro <= 0) return error_field(err, RC_VALIDATION, field, "must be more than 0");
  snprintf(field, sizeof field, "%sunitPrice", path);
  TRY(decimal_parse(price_text, field, &unit_price, err));
  return price_product(quantity, unit_price, currency, field, ret_minor, err);
}

static enum rc read_item(struct work *work, json_t *item, const struct currency *currency, const char *path,
                         struct invoice_line *ret_line, struct error *err) {
  char field[ERROR_FIELD_MAX];
  struct invoice_line line = {.id = uuid_new(), .component = "base", .period_index = -1};
  TRY(body_text(item, "description", &line.description, err));
  TRY(body_text(item, "taxCode", &line.tax_code, err));
  TRY(body_decimal(item, "quantity", &line.quantity, err));
  TRY(body_decimal(item, "unitPrice", &line.unit_price, err));
  snprintf(field, sizeof field, "%sdescription", path);
  if (!line.description) return error_field(err, RC_VALIDATION, field, "is required");
  snprintf(field, sizeof field, "%sunitPrice", path);
  if (!line.unit_price) return error_field(err, RC_VALIDATION, field, "is required");
  if (!line.quantity) line.quantity = "1";
  TRY(price(line.quantity, line.unit_price, currency, path, &line.listed_minor, err));
  line.kind = line.listed_minor < 0 ? "discount" : "fee";
  line.provenance =
      arena_printf(work->arena, "{\"quantity\":\"%s\",\"unitPrice\":\"%s\",\"rounding\":\"half away from zero, once\"}",
                   line.quantity, line.unit_price); /* both are decimals: nothing to escape */
  *ret_line = line;
  return RC_OK;
}

static enum rc read_items(struct work *work, json_t *items, struct invoice *invoice, struct error *err) {
  size_t count = json_array_size(items);
  if (count > INVOICE_LINES_MAX)
    return error_field(err, RC_VALIDATION, "items", "must be at most %d", INVOICE_LINES_MAX);
  invoice->lines = ARENA_ARRAY(work->arena, struct invoice_line, count);
  invoice->line_count = count;
  for (size_t i = 0; i < count; i++) {
    char path[ERROR_FIELD_MAX];
    snprintf(path, sizeof path, "items[%zu].", i);
    TRY(read_item(work, json_array_get(items, i), invoice->currency, path, &invoice->lines[i], err));
  }
  return RC_OK;
}

/* The customer's currency and today, unless the command says otherwise. */
static enum rc read_customer(struct work *work, const struct message *command, struct invoice *invoice,
                             struct error *err) {
  const char *currency;
  PGresult CLEANUP(db_result_release) *row = NULL;
  TRY(body_text(command->json, "currency", &currency, err));
  TRY(tx_exec(work->tx, &sql_customer_today,
              PARAMS(db_uuid(work->arena, &command->tenant), invoice->customer_id, db_utime(work->arena, work->now)),
              &row, err));
  if (row_count(row) == 0)
    return error_field(err, RC_NOT_FOUND, "customerId", "there is no customer %s", invoice->customer_id);
  invoice->currency = currency_find(currency ? currency : row_text(row, 0, 0));
  invoice->issue_date = row_date(row, 0, 1);
  return invoice->currency ? RC_OK : error_field(err, RC_VALIDATION, "currency", "is not a currency of ISO 4217");
}

static enum rc read_draft(struct work *work, const struct message *command, struct invoice *invoice,
                          struct error *err) {
  json_t *body = command->json;
  const char *due_date;
  struct uuid ignored;
  bool has_customer;
  *invoice = (struct invoice){
      .cause = command, .tenant = command->tenant, .id_text = command->subject, .version = 1, .is_draft = true};
  if (!uuid_parse(command->subject, &invoice->id)) return error_set(err, RC_BAD_MESSAGE, "the subject is no id");
  TRY(body_uuid(body, "customerId", &ignored, &has_customer, err));
  TRY(body_text(body, "customerId", &invoice->customer_id, err));
  TRY(body_text(body, "notes", &invoice->notes, err));
  TRY(body_text(body, "collection", &invoice->collection, err));
  TRY(body_text(body, "dueDate", &due_date, err));
  if (!has_customer) return error_field(err, RC_VALIDATION, "customerId", "is required");
  if (!invoice->collection) invoice->collection = "manual";
  invoice->has_asked_due_date = due_date != NULL;
  if (due_date) TRY(date_parse(due_date, "dueDate", &invoice->asked_due_date, err));
  TRY(read_customer(work, command, invoice, err));
  return read_items(work, json_object_get(body, "items"), invoice, err);
}

enum rc handle_invoice_draft(struct work *work, struct message *const *messages, size_t count, struct error *err) {
  (void)count;
  struct invoice invoice;
  struct ground ground;
  TRY(read_draft(work, messages[0], &invoice, err));
  TRY(ground_load(work, &invoice, 1, GROUND_TO_STORE, &ground, err));
  TRY(invoice_compute(work, &ground, &invoice, 0, err));

  TRY(invoices_store(work, &ground, &invoice, 1, err));
  return invoice_answer(work, messages[0], messages[0]->subject, 201, err);
}

/* The draft that a command is about, with room for one more line; it is locked with those that it needs. */
struct opened {
  struct invoice_facts facts;
  struct invoice *draft;
  struct draft_ref *held; /* itself among them */
  size_t held_count;
};

/* `what` is to be done with it. */
static enum rc open_draft(struct work *work, const struct message *command, const char *what, struct opened *at,
                          struct error *err) {
  struct draft_ref ref = {.tenant = command->tenant}, *held = &ref;
  size_t held_count = 1, count;
  if (!uuid_parse(command->subject, &ref.id)) return error_set(err, RC_NOT_FOUND, "there is no such invoice");
  TRY(drafts_hold(work, &held, &held_count, err));
  *at = (struct opened){.held = held, .held_count = held_count};
  TRY(drafts_load(work, &ref, 1, 1, &at->draft, &count, err));
  TRY(invoice_facts_load(work, &command->tenant, command->subject, GROUND_TO_STORE, &at->facts, err));
  TRY(message_expect_version(command, at->facts.version, err));
  if (at->facts.state != INVOICE_DRAFT) return invoice_refuse(at->facts.state, what, err);
  if (count == 0) return error_set(err, RC_DB_CONFLICT, "the draft was replaced"); /* the batch is run again */
  at->draft->cause = command;
  return RC_OK;
}

enum rc handle_invoice_add_item(struct work *work, struct message *const *messages, size_t count, struct error *err) {
  (void)count;
  struct opened at = {0};
  TRY(open_draft(work, messages[0], "a further line", &at, err));
  ASSERT(at.draft);
  struct invoice *draft = at.draft;
  if (draft->line_count == INVOICE_LINES_MAX)
    return error_set(err, RC_CONFLICT, "an invoice has at most %d lines", INVOICE_LINES_MAX);
  TRY(read_item(work, messages[0]->json, draft->currency, "", &draft->lines[draft->line_count], err));
  draft->line_count++;
  TRY(drafts_check(work, draft, 1, err));

  TRY(drafts_replace(work, draft, 1, err));
  return invoice_answer(work, messages[0], messages[0]->subject, 201, err);
}

enum rc handle_invoice_finalise(struct work *work, struct message *const *messages, size_t count, struct error *err) {
  (void)count;
  struct opened at = {0};
  TRY(open_draft(work, messages[0], "finalize", &at, err));
  ASSERT(at.draft);
  if (at.draft->line_count == 0) return error_set(err, RC_CONFLICT, "an invoice without a line cannot be finalised");
  TRY(drafts_check(work, at.draft, 1, err));

  TRY(drafts_finalise(work, at.held, at.held_count, messages[0], err));
  return invoice_answer(work, messages[0], messages[0]->subject, 200, err);
}

/* What billing charges is charged once (BILL-060): its drafts are finalised, and voided then. */
static bool is_by_hand(const struct invoice *draft) {
  for (size_t n = 0; n < draft->line_count; n++)
    if (draft->lines[n].subscription_id) return false;
  return !draft->run_id;
}

enum rc handle_invoice_delete(struct work *work, struct message *const *messages, size_t count, struct error *err) {
  (void)count;
  struct opened at = {0};
  TRY(open_draft(work, messages[0], "delete", &at, err));
  ASSERT(at.draft);
  if (!is_by_hand(at.draft)) return invoice_refuse(INVOICE_DRAFT, "deleting what billing made", err);

  TRY(drafts_remove(work, at.draft, 1, err));
  invoice_emit(work, &at.facts, "invoice.deleted", at.draft->version, messages[0]);
  reply(work, messages[0], 200, "invoice", messages[0]->subject, "{}");
  return RC_OK;
}
