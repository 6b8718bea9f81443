/* Invoices as rows: numbers, invoices, lines, ledger, what they used of coupons and account credit, counts, events. A
 * batch of some hundreds is a handful of array statements; while PostgreSQL works on one, the next is written here. */
#include "store.h"

#include <string.h>

#include "base/assert.h"
#include "base/json_text.h"
#include "db/columns.h"
#include "domain/percent.h"
#include "posting.h"
#include "sql.h"

enum { JSON_MAX = 8192 };

static bool is_numbered(const struct invoice *invoice) {
  return !invoice->is_known && !invoice->is_draft;
}

/* The numbers that one tenant's invoices of the batch take. */
struct series {
  struct uuid tenant;
  const char *name;
  int64_t wanted, next;
};

/* Numbers, in the order of the messages. The counters stay locked from here to the commit, so this comes last before
 * the inserts. */
static enum rc take_numbers(struct work *work, struct invoice *invoices, size_t count, struct error *err) {
  struct series *series = ARENA_ARRAY(work->arena, struct series, count);
  struct uuid_map *by_tenant = uuid_map_new(work->arena, count);
  size_t series_count = 0, at;
  for (size_t i = 0; i < count; i++) {
    if (!is_numbered(&invoices[i])) continue;
    if (uuid_map_add(by_tenant, &invoices[i].tenant, series_count, &at))
      series[series_count++].tenant = invoices[i].tenant;
    series[at].wanted++;
  }
  if (series_count == 0) return RC_OK;
  struct db_array *tenants = db_array_new(work->arena), *wanted = db_array_new(work->arena);
  for (size_t n = 0; n < series_count; n++) {
    db_array_uuid(tenants, &series[n].tenant);
    db_array_int(wanted, series[n].wanted);
  }
  PGresult CLEANUP(db_result_release) *rows = NULL;
  TRY(tx_exec(work->tx, &sql_series_take, PARAMS(db_array_literal(tenants), db_array_literal(wanted)), &rows, err));
  for (int r = 0; r < row_count(rows); r++) {
    struct uuid tenant = row_uuid(rows, r, 0);
    if (!uuid_map_find(by_tenant, &tenant, &at)) continue;
    series[at].name = arena_strdup(work->arena, row_text(rows, r, 1));
    series[at].next = row_int(rows, r, 2);
  }
  for (size_t i = 0; i < count; i++) {
    if (!is_numbered(&invoices[i]) || !uuid_map_find(by_tenant, &invoices[i].tenant, &at)) continue;
    invoices[i].series = series[at].name;
    invoices[i].number = series[at].next++;
  }
  return RC_OK;
}

/* -- write -- */

enum { INVOICE_COLUMNS = 24, ITEM_COLUMNS = 30 };

/* In the order of invoices_insert.sql. */
static void add_invoice(struct db_array **columns, const struct invoice *invoice) {
  struct db_array **column = columns;
  db_array_uuid(*column++, &invoice->tenant);
  db_array_uuid(*column++, &invoice->id);
  db_array_text(*column++, invoice->customer_id);
  db_array_text(*column++, invoice->subscription_id);
  db_array_text(*column++, invoice->run_id);
  db_array_text(*column++, invoice->is_draft ? NULL : invoice->series);
  db_array_int_if(*column++, !invoice->is_draft, invoice->number);
  db_array_text(*column++, invoice_status(invoice));
  db_array_text(*column++, invoice->currency->code);
  db_array_int(*column++, invoice->subtotal_minor);
  db_array_int(*column++, invoice->discount_minor);
  db_array_int(*column++, invoice->tax_minor);
  db_array_int(*column++, invoice->total_minor);
  db_array_int(*column++, invoice->credit_applied_minor);
  db_array_text(*column++, tax_rounding_name(invoice->tax_rounding));
  db_array_text(*column++, invoice->collection);
  db_array_utime_if(*column++, invoice->has_period, invoice->start);
  db_array_utime_if(*column++, invoice->has_period, invoice->end);
  db_array_date(*column++, invoice->issue_date);
  db_array_date_if(*column++, invoice->has_asked_due_date, invoice->asked_due_date);
  db_array_utime_if(*column++, invoice->is_draft && invoice->auto_finalise.us, invoice->auto_finalise);
  db_array_text(*column++, invoice->notes);
  db_array_utime_if(*column++, invoice->created.us != 0, invoice->created);
  db_array_int(*column++, invoice->version);
  ASSERT(column == columns + INVOICE_COLUMNS);
}

/* What is to be stored, as it is sent: a statement's parameters. */
struct rows {
  size_t count;
  const char *params[ITEM_COLUMNS];
};

static struct rows rows_of(struct db_array **columns, int count) {
  struct rows rows = {.count = db_array_count(columns[0])};
  db_arrays_literals(columns, count, rows.params);
  return rows;
}

static struct rows invoice_rows(struct work *work, const struct invoice *invoices, size_t count) {
  struct db_array *columns[INVOICE_COLUMNS];
  db_arrays_new(work->arena, columns, INVOICE_COLUMNS);
  for (size_t i = 0; i < count; i++)
    if (!invoices[i].is_known) add_invoice(columns, &invoices[i]);
  struct rows rows = rows_of(columns, INVOICE_COLUMNS);
  rows.params[INVOICE_COLUMNS] = db_utime(work->arena, work->now);
  return rows;
}

/* The due dates of the invoices, when they are stored. */
static enum rc receive_due_dates(struct work *work, struct invoice *invoices, size_t count, size_t stored,
                                 struct error *err) {
  PGresult CLEANUP(db_result_release) *rows = NULL;
  struct uuid_map *by_id = uuid_map_new(work->arena, count);
  size_t at;
  for (size_t i = 0; i < count; i++)
    if (!invoices[i].is_known) uuid_map_add(by_id, &invoices[i].id, i, &at);
  TRY(tx_receive(work->tx, &rows, err));
  if ((size_t)row_count(rows) != stored)
    return error_field(err, RC_INVARIANT, "customerId", "there is no such customer");
  for (int r = 0; r < row_count(rows); r++) {
    struct uuid id = row_uuid(rows, r, 0);
    if (uuid_map_find(by_id, &id, &at)) invoices[at].due_date = row_date(rows, r, 1);
  }
  return RC_OK;
}

/* In the order of items_insert.sql. */
static void add_item(struct db_array **columns, const struct invoice *invoice, const struct invoice_line *line,
                     int64_t number) {
  struct db_array **column = columns;
  char percent[PERCENT_TEXT_MAX];
  bool is_inclusive = line->rate.is_inclusive, is_by_hand = line->period_index < 0;
  db_array_uuid(*column++, &invoice->tenant);
  db_array_uuid(*column++, &invoice->id);
  db_array_int(*column++, number);
  db_array_uuid(*column++, &line->id);
  db_array_text(*column++, line->kind);
  db_array_text(*column++, line->subscription_id);
  db_array_int(*column++, line->item);
  db_array_text(*column++, line->component);
  db_array_int_if(*column++, !is_by_hand, line->period_index);
  db_array_int(*column++, line->revision);
  db_array_text(*column++, line->description);
  db_array_text(*column++, line->quantity);
  db_array_text(*column++, line->unit_price);
  db_array_int(*column++, line->amount_minor);
  db_array_int(*column++, line->discount_minor);
  db_array_text(*column++, percent_format(line->rate.percent_micro, percent));
  db_array_int(*column++, line->tax_minor);
  db_array_int_if(*column++, is_inclusive, line->listed_minor);
  db_array_int_if(*column++, is_inclusive, line->listed_discount_minor);
  db_array_text(*column++, line->tax_code);
  db_array_text(*column++, tax_category_name(line->rate.category));
  db_array_bool(*column++, is_inclusive);
  db_array_text(*column++, line->plan_id);
  db_array_text(*column++, line->discounts);
  db_array_uuid(*column++, line->takes_back && line->origin ? &line->origin->id : NULL);
  db_array_utime_if(*column++, line->has_period, line->start);
  db_array_utime_if(*column++, line->has_period, line->end);
  db_array_text(*column++, line->provenance);
  db_array_text(*column++, line->credits_json);
  db_array_uuid_unless_nil(*column++, &line->rate.id);
  ASSERT(column == columns + ITEM_COLUMNS);
}

static struct rows item_rows(struct work *work, const struct invoice *invoices, size_t count) {
  struct db_array *columns[ITEM_COLUMNS];
  db_arrays_new(work->arena, columns, ITEM_COLUMNS);
  for (size_t i = 0; i < count; i++)
    for (size_t n = 0; !invoices[i].is_known && n < invoices[i].line_count; n++)
      add_item(columns, &invoices[i], &invoices[i].lines[n], (int64_t)n + 1);
  return rows_of(columns, ITEM_COLUMNS);
}

static void post_invoice(struct postings *postings, const struct invoice *invoice) {
  const struct posting to = {.tenant = invoice->tenant,
                             .document = invoice->id,
                             .customer_id = invoice->customer_id,
                             .currency = invoice->currency->code};
  post(postings, &to, FACT_INVOICE_NET, invoice->subtotal_minor - invoice->discount_minor);
  post(postings, &to, FACT_INVOICE_TAX, invoice->tax_minor);
  post(postings, &to, FACT_CREDIT_APPLIED, invoice->credit_applied_minor);
  if (invoice->total_minor < 0) post(postings, &to, FACT_INVOICE_CREDIT, -invoice->total_minor);
}

static struct postings *post_all(struct work *work, const struct invoice *invoices, size_t count) {
  struct postings *postings = postings_new(work);
  for (size_t i = 0; i < count; i++)
    if (is_numbered(&invoices[i])) post_invoice(postings, &invoices[i]);
  return postings;
}

/* -- account credit that was used -- */

static enum rc save_grant_uses(struct work *work, const struct ground *ground, struct error *err) {
  struct db_array *columns[4];
  if (ground->grant_use_count == 0) return RC_OK;
  db_arrays_new(work->arena, columns, 4);
  for (size_t i = 0; i < ground->grant_use_count; i++) {
    const struct grant_use *use = &ground->grant_uses[i];
    db_array_uuid(columns[0], &use->invoice->tenant);
    db_array_uuid(columns[1], &use->invoice->id);
    db_array_uuid(columns[2], &use->grant->id);
    db_array_int(columns[3], use->amount_minor);
  }
  const char *params[5];
  db_arrays_literals(columns, 4, params);
  params[4] = db_utime(work->arena, work->now);
  return tx_exec(work->tx, &sql_grant_uses_insert, params, 5, NULL, err);
}

/* What a batch adds to one run in one currency. */
struct tally {
  const struct invoice *first;
  int64_t invoices, total_minor;
};

static bool belongs_to(const struct tally *tally, const struct invoice *invoice) {
  return tally->first->currency == invoice->currency && strcmp(tally->first->run_id, invoice->run_id) == 0 &&
         uuid_equal(&tally->first->tenant, &invoice->tenant);
}

static enum rc tally_runs(struct work *work, const struct invoice *invoices, size_t count, struct error *err) {
  struct tally *tallies = ARENA_ARRAY(work->arena, struct tally, count);
  size_t tally_count = 0;
  for (size_t i = 0; i < count; i++) {
    const struct invoice *invoice = &invoices[i];
    if (invoice->is_known || invoice->is_tallied || !invoice->run_id) continue;
    size_t at = 0; /* runs in one batch are few */
    while (at < tally_count && !belongs_to(&tallies[at], invoice)) at++;
    if (at == tally_count) tallies[tally_count++].first = invoice;
    tallies[at].invoices++;
    tallies[at].total_minor += invoice->total_minor; /* 5,000 × MONEY_MAX fits */
  }
  if (tally_count == 0) return RC_OK;
  enum { TENANT, RUN, CURRENCY, INVOICES, TOTAL, COLUMNS };
  struct db_array *column[COLUMNS];
  db_arrays_new(work->arena, column, COLUMNS);
  for (size_t n = 0; n < tally_count; n++) {
    db_array_uuid(column[TENANT], &tallies[n].first->tenant);
    db_array_text(column[RUN], tallies[n].first->run_id);
    db_array_text(column[CURRENCY], tallies[n].first->currency->code);
    db_array_int(column[INVOICES], tallies[n].invoices);
    db_array_int(column[TOTAL], tallies[n].total_minor);
  }
  const char *params[COLUMNS + 1];
  db_arrays_literals(column, COLUMNS, params);
  params[COLUMNS] = process_instance(work->process);
  return tx_exec(work->tx, &sql_run_tally, params, COLUMNS + 1, NULL, err);
}

/* -- emit -- */

/* A draft is announced with each of its versions. */
static void emit_event(struct work *work, const struct invoice *invoice, const char *type, const struct buf *json) {
  const char *version = db_int(work->arena, invoice->is_draft ? invoice->version : 0);
  emit(work, &(struct emission){.type = type,
                                .id = UUID_DERIVE(type, invoice->id_text, version),
                                .tenant = invoice->tenant,
                                .subject = invoice->id_text,
                                .key = invoice->customer_id,
                                .json = buf_text(json),
                                .cause = invoice->cause});
}

static void begin_event(struct json_writer *json, struct buf *text, const struct invoice *invoice) {
  char number[INVOICE_NUMBER_MAX], money[MONEY_TEXT_MAX];
  buf_clear(text);
  json_writer_init(json, text);
  json_put_object(json, NULL);
  json_put_string(json, "invoiceId", invoice->id_text);
  json_put_string(json, "invoiceNumber", invoice_number(invoice, number));
  json_put_string(json, "customerId", invoice->customer_id);
  json_put_string(json, "subscriptionId", invoice->subscription_id);
  json_put_string(json, "currency", invoice->currency->code);
  json_put_raw(json, "totalAmount", money_format(invoice->total_minor, invoice->currency, money));
}

static void emit_drafted(struct work *work, struct buf *text, const struct invoice *invoice) {
  char time[UTIME_TEXT_MAX];
  struct json_writer json;
  begin_event(&json, text, invoice);
  json_put_string(&json, "runId", invoice->run_id);
  json_put_string(&json, "finalisesAt", invoice->auto_finalise.us ? utime_format(invoice->auto_finalise, time) : NULL);
  json_put_int(&json, "version", invoice->version);
  json_put_end(&json);
  emit_event(work, invoice, "invoice.drafted", text);
}

static void emit_finalised(struct work *work, struct buf *text, const struct invoice *invoice) {
  char money[MONEY_TEXT_MAX], date[DATE_TEXT_MAX];
  struct json_writer json;
  begin_event(&json, text, invoice);
  json_put_string(&json, "runId", invoice->run_id);
  json_put_string(&json, "status", invoice_status(invoice));
  json_put_raw(&json, "amountDue", money_format(invoice_due(invoice), invoice->currency, money));
  json_put_string(&json, "issueDate", date_format(invoice->issue_date, date));
  json_put_string(&json, "dueDate", date_format(invoice->due_date, date));
  json_put_string(&json, "collection", invoice->collection);
  json_put_int(&json, "version", invoice->version);
  json_put_end(&json);
  emit_event(work, invoice, "invoice.finalised", text);
}

/* An invoice of nothing is paid from the start. */
static void emit_paid(struct work *work, struct buf *text, const struct invoice *invoice) {
  char money[MONEY_TEXT_MAX], time[UTIME_TEXT_MAX];
  struct json_writer json;
  begin_event(&json, text, invoice);
  json_put_raw(&json, "amountPaid", money_format(0, invoice->currency, money));
  json_put_string(&json, "paymentId", NULL);
  json_put_string(&json, "paidAt", utime_format(work->now, time));
  json_put_int(&json, "version", invoice->version);
  json_put_end(&json);
  emit_event(work, invoice, "invoice.paid", text);
}

static void emit_all(struct work *work, const struct invoice *invoices, size_t count) {
  struct buf CLEANUP(buf_release) text;
  buf_init(&text, JSON_MAX);
  for (size_t i = 0; i < count; i++) {
    if (invoices[i].is_known) continue;
    if (invoices[i].is_draft) {
      emit_drafted(work, &text, &invoices[i]);
      continue;
    }
    emit_finalised(work, &text, &invoices[i]);
    if (invoice_due(&invoices[i]) == 0) emit_paid(work, &text, &invoices[i]);
    metric_add("invoices_finalised_total", "", 1);
  }
}

/* Numbered invoices with lines and ledger entries, and their events. */
static enum rc insert_all(struct work *work, struct invoice *invoices, size_t count, struct error *err) {
  struct rows stored = invoice_rows(work, invoices, count);
  if (stored.count == 0) return RC_OK;
  TRY(tx_send(work->tx, &sql_invoices_insert, stored.params, INVOICE_COLUMNS + 1, err));
  struct rows items = item_rows(work, invoices, count);
  TRY(receive_due_dates(work, invoices, count, stored.count, err));

  if (items.count > 0) TRY(tx_send(work->tx, &sql_items_insert, items.params, ITEM_COLUMNS, err));
  struct postings *postings = post_all(work, invoices, count);
  emit_all(work, invoices, count);
  if (items.count > 0) TRY(tx_receive(work->tx, NULL, err));
  return postings_insert(work, postings, err);
}

enum rc invoices_store(struct work *work, const struct ground *ground, struct invoice *invoices, size_t count,
                       struct error *err) {
  TRY(take_numbers(work, invoices, count, err));
  TRY(insert_all(work, invoices, count, err));
  TRY(coupon_uses_save(work, ground, err));
  TRY(grants_save(work, ground->grants, ground->grant_count, err));
  TRY(save_grant_uses(work, ground, err));
  return tally_runs(work, invoices, count, err);
}
