/* Reading invoice.create, what follows from an invoice alone (periods, number, status), and showing it. */
#include "invoicing/invoice.h"

#include <string.h>

#include "base/assert.h"
#include "db/columns.h"
#include "domain/percent.h"

static const char *const kinds[] = {"subscription", "usage", "credit", "fee", "discount"};

static enum rc required(const char *text, const char *field, struct error *err) {
  return text ? RC_OK : error_field(err, RC_VALIDATION, field, "is required");
}

static enum rc read_text(json_t *body, const char *field, const char **ret_text, struct error *err) {
  TRY(body_text(body, field, ret_text, err));
  return required(*ret_text, field, err);
}

static enum rc read_id(json_t *body, const char *field, const char **ret_text, struct error *err) {
  struct uuid id;
  bool present;
  TRY(body_uuid(body, field, &id, &present, err));
  return read_text(body, field, ret_text, err);
}

static enum rc read_time(json_t *body, const char *field, struct utime *ret_time, struct error *err) {
  const char *text;
  TRY(read_text(body, field, &text, err));
  return utime_parse(text, field, ret_time, err);
}

static bool is_kind(const char *kind) {
  for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
    if (strcmp(kinds[i], kind) == 0) return true;
  return false;
}

enum rc line_read_credits(struct arena *arena, json_t *body, struct invoice_line *line, struct error *err) {
  json_t *name = json_object_get(body, "credits");
  if (!name || json_is_null(name)) return RC_OK;
  if (!json_is_object(name)) return error_field(err, RC_VALIDATION, "credits", "must name a line");
  line->takes_back = true;
  line->credits_json = body_json(arena, body, "credits");
  TRY(read_text(name, "component", &line->credits.component, err));
  TRY(read_text(name, "kind", &line->credits.kind, err));
  TRY(body_int(name, "item", 0, INT16_MAX, 0, &line->credits.item, err));
  TRY(body_int(name, "periodIndex", 0, INT32_MAX, 0, &line->credits.period_index, err));
  return body_int(name, "revision", 0, INT32_MAX, 0, &line->credits.revision, err);
}

static enum rc read_line(struct arena *arena, const struct message *command, json_t *body,
                         const struct currency *currency, struct invoice_line *line, struct error *err) {
  const char *amount;
  line->id = uuid_new();
  line->has_period = true;
  TRY(read_id(body, "subscriptionId", &line->subscription_id, err));
  TRY(read_text(body, "kind", &line->kind, err));
  TRY(read_text(body, "description", &line->description, err));
  TRY(body_decimal(body, "quantity", &line->quantity, err));
  TRY(required(line->quantity, "quantity", err));
  TRY(body_decimal(body, "unitPrice", &line->unit_price, err));
  TRY(required(line->unit_price, "unitPrice", err));
  TRY(body_decimal(body, "amount", &amount, err));
  TRY(required(amount, "amount", err));
  TRY(money_parse(amount, currency, "amount", &line->listed_minor, err));
  TRY(body_int(body, "item", 0, INT16_MAX, 0, &line->item, err));
  TRY(body_text(body, "component", &line->component, err));
  if (!line->component) line->component = "base";
  TRY(body_text(body, "taxCode", &line->tax_code, err));
  TRY(body_text(body, "planId", &line->plan_id, err));
  TRY(line_read_credits(arena, body, line, err));
  TRY(body_int(body, "periodIndex", 0, INT32_MAX, -1, &line->period_index, err));
  TRY(body_int(body, "revision", 0, INT32_MAX, 0, &line->revision, err));
  TRY(read_time(body, "periodStart", &line->start, err));
  TRY(read_time(body, "periodEnd", &line->end, err));
  line->provenance = message_beside(arena, command, body);
  TRY(required(line->provenance, "provenance", err));
  if (line->period_index < 0) return error_field(err, RC_VALIDATION, "periodIndex", "is required");
  return is_kind(line->kind) ? RC_OK : error_field(err, RC_VALIDATION, "kind", "is unknown");
}

static enum rc read_lines(struct arena *arena, const struct message *command, struct invoice *invoice,
                          struct error *err) {
  json_t *lines = json_object_get(command->json, "lines");
  size_t count = json_array_size(lines);
  if (count < 1 || count > INVOICE_LINES_MAX)
    return error_field(err, RC_VALIDATION, "lines", "must be 1 to %d lines", INVOICE_LINES_MAX);
  invoice->lines = ARENA_ARRAY(arena, struct invoice_line, count);
  invoice->line_count = count;
  for (size_t i = 0; i < count; i++)
    TRY(read_line(arena, command, json_array_get(lines, i), invoice->currency, &invoice->lines[i], err));
  return RC_OK;
}

bool line_name_equal(const struct line_name *a, const struct line_name *b) {
  return a->item == b->item && a->period_index == b->period_index && a->revision == b->revision &&
         strcmp(a->component, b->component) == 0 && strcmp(a->kind, b->kind) == 0;
}

struct line_name line_name(const struct invoice_line *line) {
  return (struct line_name){.component = line->component,
                            .kind = line->kind,
                            .item = line->item,
                            .period_index = line->period_index,
                            .revision = line->revision};
}

bool line_is_named(const struct invoice_line *line, const struct line_name *name) {
  struct line_name own = line_name(line);
  return line_name_equal(name, &own);
}

void line_name_write(struct json_writer *json, const struct line_name *name) {
  json_put_int(json, "item", name->item);
  json_put_string(json, "component", name->component);
  json_put_int(json, "periodIndex", name->period_index);
  json_put_string(json, "kind", name->kind);
  json_put_int(json, "revision", name->revision);
}

struct line_names line_names_new(struct arena *arena) {
  struct line_names names = {0};
  db_arrays_new(arena, names.columns, LINE_NAME_COLUMNS);
  return names;
}

void line_names_add(struct line_names *names, const struct line_name *name) {
  db_array_int(names->columns[0], name->item);
  db_array_text(names->columns[1], name->component);
  db_array_int(names->columns[2], name->period_index);
  db_array_text(names->columns[3], name->kind);
  db_array_int(names->columns[4], name->revision);
}

void line_names_literals(const struct line_names *names, const char *ret_params[static LINE_NAME_COLUMNS]) {
  db_arrays_literals(names->columns, LINE_NAME_COLUMNS, ret_params);
}

static bool is_same_text(const char *a, const char *b) {
  return a && b && strcmp(a, b) == 0;
}

void invoice_gather(struct invoice *invoice) {
  invoice->has_period = false;
  invoice->subscription_id = invoice->line_count ? invoice->lines[0].subscription_id : NULL;
  for (size_t i = 0; i < invoice->line_count; i++) {
    const struct invoice_line *line = &invoice->lines[i];
    if (!is_same_text(line->subscription_id, invoice->subscription_id)) invoice->subscription_id = NULL;
    if (!line->has_period) continue;
    if (!invoice->has_period || line->start.us < invoice->start.us) invoice->start = line->start;
    if (!invoice->has_period || line->end.us > invoice->end.us) invoice->end = line->end;
    invoice->has_period = true;
  }
}

enum rc invoice_read(struct arena *arena, const struct message *command, struct invoice *ret_invoice,
                     struct error *err) {
  json_t *body = command->json;
  struct invoice invoice = {.cause = command, .tenant = command->tenant, .version = 1};
  const char *currency, *issue_date;
  struct uuid ignored;
  bool present;
  TRY(read_id(body, "invoiceId", &invoice.id_text, err));
  TRY(read_id(body, "customerId", &invoice.customer_id, err));
  TRY(read_text(body, "currency", &currency, err));
  TRY(read_text(body, "collection", &invoice.collection, err));
  TRY(body_uuid(body, "runId", &ignored, &present, err));
  TRY(body_text(body, "runId", &invoice.run_id, err));
  invoice.is_awaited = json_is_true(json_object_get(body, "paymentAwaited"));
  TRY(read_text(body, "issueDate", &issue_date, err));
  TRY(date_parse(issue_date, "issueDate", &invoice.issue_date, err));
  bool parsed = uuid_parse(invoice.id_text, &invoice.id);
  ASSERT(parsed);
  invoice.currency = currency_find(currency);
  if (!invoice.currency) return error_field(err, RC_VALIDATION, "currency", "is not a currency of ISO 4217");
  TRY(read_lines(arena, command, &invoice, err));
  invoice_gather(&invoice);
  *ret_invoice = invoice;
  return RC_OK;
}

int64_t invoice_due(const struct invoice *invoice) {
  int64_t due = invoice->total_minor - invoice->credit_applied_minor;
  return due > 0 ? due : 0;
}

const char *invoice_status(const struct invoice *invoice) {
  if (invoice->is_draft) return invoice_state_name(INVOICE_DRAFT);
  return invoice_state_name(invoice_due(invoice) > 0 ? INVOICE_OPEN : INVOICE_PAID);
}

const char *invoice_number(const struct invoice *invoice, char text[static INVOICE_NUMBER_MAX]) {
  if (invoice->is_draft) return NULL;
  snprintf(text, INVOICE_NUMBER_MAX, "%s-%06lld", invoice->series, (long long)invoice->number);
  return text;
}

/* -- shown -- */

static void put_money(struct json_writer *json, const char *key, const struct invoice *invoice, int64_t minor) {
  char text[MONEY_TEXT_MAX];
  json_put_raw(json, key, money_format(minor, invoice->currency, text));
}

static void put_period(struct json_writer *json, bool is_there, struct utime start, struct utime end) {
  char text[UTIME_TEXT_MAX];
  json_put_string(json, "periodStart", is_there ? utime_format(start, text) : NULL);
  json_put_string(json, "periodEnd", is_there ? utime_format(end, text) : NULL);
}

static void write_item(struct json_writer *json, const struct invoice *invoice, const struct invoice_line *line) {
  char percent[PERCENT_TEXT_MAX], rate[UUID_TEXT_MAX];
  json_put_object(json, NULL);
  json_put_string(json, "description", line->description);
  json_put_string(json, "itemType", line->kind);
  json_put_string(json, "subscriptionId", line->subscription_id);
  json_put_raw(json, "quantity", line->quantity);
  json_put_raw(json, "unitPrice", line->unit_price);
  put_money(json, "amount", invoice, line->amount_minor);
  put_money(json, "discountAmount", invoice, line->discount_minor);
  json_put_raw(json, "taxRate", percent_format(line->rate.percent_micro, percent));
  put_money(json, "taxAmount", invoice, line->tax_minor);
  json_put_string(json, "taxCode", line->tax_code);
  json_put_string(json, "taxCategory", tax_category_name(line->rate.category));
  json_put_bool(json, "taxInclusive", line->rate.is_inclusive);
  json_put_string(json, "taxRateId", uuid_is_nil(&line->rate.id) ? NULL : uuid_format(&line->rate.id, rate));
  json_put_string(json, "component", line->component);
  put_period(json, line->has_period, line->start, line->end);
  json_put_end(json);
}

void invoice_write(struct json_writer *json, const char *key, const struct invoice *invoice) {
  char date[DATE_TEXT_MAX];
  json_put_object(json, key);
  json_put_string(json, "customerId", invoice->customer_id);
  json_put_string(json, "currency", invoice->currency->code);
  json_put_string(json, "issueDate", date_format(invoice->issue_date, date));
  put_money(json, "subtotal", invoice, invoice->subtotal_minor);
  put_money(json, "discountAmount", invoice, invoice->discount_minor);
  put_money(json, "taxAmount", invoice, invoice->tax_minor);
  put_money(json, "totalAmount", invoice, invoice->total_minor);
  put_money(json, "creditApplied", invoice, invoice->credit_applied_minor);
  put_money(json, "amountDue", invoice, invoice_due(invoice));
  put_period(json, invoice->has_period, invoice->start, invoice->end);
  json_put_string(json, "collection", invoice->collection);
  json_put_string(json, "taxRounding", tax_rounding_name(invoice->tax_rounding));
  json_put_array(json, "items");
  for (size_t n = 0; n < invoice->line_count; n++) write_item(json, invoice, &invoice->lines[n]);
  json_put_end(json);
  json_put_end(json);
}
