/* invoice.create: the lines that billing computed become finalised invoices. A batch of some hundreds is a handful of
 * array statements: which are known, numbers, invoices, lines, ledger, counts. */
#include <string.h>

#include "base/json_text.h"
#include "base/uuid_map.h"
#include "domain/ledger.h"
#include "handlers.h"
#include "invoice.h"
#include "sql.h"

enum { JSON_MAX = 8192 };

/* -- load -- */

static enum rc read_all(struct work *work, struct message *const *messages, size_t count, struct invoice *invoices,
                        struct error *err) {
  for (size_t i = 0; i < count; i++) TRY(invoice_read(work->arena, messages[i], &invoices[i], err));
  return RC_OK;
}

/* Commands may come twice: those whose invoice is stored, and the second of two in one batch. */
static enum rc find_known(struct work *work, struct invoice *invoices, size_t count, struct uuid_map *by_id,
                          struct error *err) {
  struct db_array *tenants = db_array_new(work->arena), *ids = db_array_new(work->arena);
  size_t at;
  for (size_t i = 0; i < count; i++) {
    invoices[i].is_known = !uuid_map_add(by_id, &invoices[i].id, i, &at);
    db_array_uuid(tenants, &invoices[i].tenant);
    db_array_uuid(ids, &invoices[i].id);
  }
  PGresult CLEANUP(db_result_release) *rows = NULL;
  TRY(tx_exec(work->tx, &sql_invoices_known, PARAMS(db_array_literal(tenants), db_array_literal(ids)), &rows, err));
  for (int r = 0; r < row_count(rows); r++) {
    struct uuid id = row_uuid(rows, r, 0);
    if (uuid_map_find(by_id, &id, &at)) invoices[at].is_known = true;
  }
  return RC_OK;
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
    if (invoices[i].is_known) continue;
    if (uuid_map_add(by_tenant, &invoices[i].tenant, series_count, &at))
      series[series_count++].tenant = invoices[i].tenant;
    series[at].wanted++;
  }
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
    if (invoices[i].is_known || !uuid_map_find(by_tenant, &invoices[i].tenant, &at)) continue;
    invoices[i].series = series[at].name;
    invoices[i].number = series[at].next++;
  }
  return RC_OK;
}

/* -- write -- */

static enum rc insert_invoices(struct work *work, struct invoice *invoices, size_t count, const struct uuid_map *by_id,
                               struct error *err) {
  enum {
    TENANT,
    ID,
    CUSTOMER,
    SUBSCRIPTION,
    RUN,
    SERIES,
    NUMBER,
    STATUS,
    CURRENCY,
    SUBTOTAL,
    TOTAL,
    COLLECTION,
    START,
    END,
    ISSUED,
    COLUMNS
  };
  struct db_array *column[COLUMNS];
  for (int c = 0; c < COLUMNS; c++) column[c] = db_array_new(work->arena);
  for (size_t i = 0; i < count; i++) {
    const struct invoice *invoice = &invoices[i];
    if (invoice->is_known) continue;
    db_array_uuid(column[TENANT], &invoice->tenant);
    db_array_uuid(column[ID], &invoice->id);
    db_array_text(column[CUSTOMER], invoice->customer_id);
    db_array_text(column[SUBSCRIPTION], invoice->subscription_id);
    db_array_text(column[RUN], invoice->run_id);
    db_array_text(column[SERIES], invoice->series);
    db_array_int(column[NUMBER], invoice->number);
    db_array_text(column[STATUS], invoice_status(invoice));
    db_array_text(column[CURRENCY], invoice->currency->code);
    db_array_int(column[SUBTOTAL], invoice->subtotal_minor);
    db_array_int(column[TOTAL], invoice->total_minor);
    db_array_text(column[COLLECTION], invoice->collection);
    db_array_utime(column[START], invoice->start);
    db_array_utime(column[END], invoice->end);
    db_array_date(column[ISSUED], invoice->issue_date);
  }
  const char *params[COLUMNS + 1];
  for (int c = 0; c < COLUMNS; c++) params[c] = db_array_literal(column[c]);
  params[COLUMNS] = db_utime(work->arena, work->now);
  PGresult CLEANUP(db_result_release) *rows = NULL;
  TRY(tx_exec(work->tx, &sql_invoices_insert, params, COLUMNS + 1, &rows, err));
  if ((size_t)row_count(rows) != db_array_count(column[ID]))
    return error_field(err, RC_INVARIANT, "customerId", "there is no such customer");
  for (int r = 0; r < row_count(rows); r++) {
    struct uuid id = row_uuid(rows, r, 0);
    size_t at;
    if (uuid_map_find(by_id, &id, &at)) invoices[at].due_date = row_date(rows, r, 1);
  }
  return RC_OK;
}

static enum rc insert_items(struct work *work, const struct invoice *invoices, size_t count, struct error *err) {
  enum {
    TENANT,
    INVOICE,
    LINE,
    ID,
    KIND,
    SUBSCRIPTION,
    ITEM,
    PERIOD,
    REVISION,
    DESCRIPTION,
    QUANTITY,
    UNIT_PRICE,
    AMOUNT,
    START,
    END,
    PROVENANCE,
    COMPONENT,
    COLUMNS
  };
  struct db_array *column[COLUMNS];
  for (int c = 0; c < COLUMNS; c++) column[c] = db_array_new(work->arena);
  for (size_t i = 0; i < count; i++) {
    const struct invoice *invoice = &invoices[i];
    for (size_t n = 0; !invoice->is_known && n < invoice->line_count; n++) {
      const struct invoice_line *line = &invoice->lines[n];
      struct uuid id = uuid_new();
      db_array_uuid(column[TENANT], &invoice->tenant);
      db_array_uuid(column[INVOICE], &invoice->id);
      db_array_int(column[LINE], (int64_t)n + 1);
      db_array_uuid(column[ID], &id);
      db_array_text(column[KIND], line->kind);
      db_array_text(column[SUBSCRIPTION], line->subscription_id);
      db_array_int(column[ITEM], line->item);
      db_array_int(column[PERIOD], line->period_index);
      db_array_int(column[REVISION], line->revision);
      db_array_text(column[DESCRIPTION], line->description);
      db_array_text(column[QUANTITY], line->quantity);
      db_array_text(column[UNIT_PRICE], line->unit_price);
      db_array_int(column[AMOUNT], line->amount_minor);
      db_array_utime(column[START], line->start);
      db_array_utime(column[END], line->end);
      db_array_text(column[PROVENANCE], line->provenance);
      db_array_text(column[COMPONENT], line->component);
    }
  }
  const char *params[COLUMNS];
  for (int c = 0; c < COLUMNS; c++) params[c] = db_array_literal(column[c]);
  return tx_exec(work->tx, &sql_items_insert, params, COLUMNS, NULL, err);
}

static enum rc insert_ledger(struct work *work, const struct invoice *invoices, size_t count, struct error *err) {
  enum { TENANT, DOCUMENT, FACT, LINE, ACCOUNT, CURRENCY, AMOUNT, CUSTOMER, COLUMNS };
  struct db_array *column[COLUMNS];
  for (int c = 0; c < COLUMNS; c++) column[c] = db_array_new(work->arena);
  for (size_t i = 0; i < count; i++) {
    const struct invoice *invoice = &invoices[i];
    if (invoice->is_known || invoice->total_minor == 0) continue;
    struct ledger_entry entries[2];
    ledger_entries(FACT_INVOICE_NET, invoice->total_minor, entries);
    for (int e = 0; e < 2; e++) {
      db_array_uuid(column[TENANT], &invoice->tenant);
      db_array_uuid(column[DOCUMENT], &invoice->id);
      db_array_text(column[FACT], ledger_fact_name(FACT_INVOICE_NET));
      db_array_int(column[LINE], e + 1);
      db_array_text(column[ACCOUNT], ledger_account_name(entries[e].account));
      db_array_text(column[CURRENCY], invoice->currency->code);
      db_array_int(column[AMOUNT], entries[e].amount_minor);
      db_array_text(column[CUSTOMER], invoice->customer_id);
    }
  }
  const char *params[COLUMNS + 1];
  for (int c = 0; c < COLUMNS; c++) params[c] = db_array_literal(column[c]);
  params[COLUMNS] = db_utime(work->arena, work->now);
  return tx_exec(work->tx, &sql_ledger_insert, params, COLUMNS + 1, NULL, err);
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
    if (invoice->is_known || !invoice->run_id) continue;
    size_t at = 0; /* runs in one batch are few */
    while (at < tally_count && !belongs_to(&tallies[at], invoice)) at++;
    if (at == tally_count) tallies[tally_count++].first = invoice;
    tallies[at].invoices++;
    tallies[at].total_minor += invoice->total_minor; /* 5,000 × MONEY_MAX fits */
  }
  if (tally_count == 0) return RC_OK;
  enum { TENANT, RUN, CURRENCY, INVOICES, TOTAL, COLUMNS };
  struct db_array *column[COLUMNS];
  for (int c = 0; c < COLUMNS; c++) column[c] = db_array_new(work->arena);
  for (size_t n = 0; n < tally_count; n++) {
    db_array_uuid(column[TENANT], &tallies[n].first->tenant);
    db_array_text(column[RUN], tallies[n].first->run_id);
    db_array_text(column[CURRENCY], tallies[n].first->currency->code);
    db_array_int(column[INVOICES], tallies[n].invoices);
    db_array_int(column[TOTAL], tallies[n].total_minor);
  }
  const char *params[COLUMNS + 1];
  for (int c = 0; c < COLUMNS; c++) params[c] = db_array_literal(column[c]);
  params[COLUMNS] = process_instance(work->process);
  return tx_exec(work->tx, &sql_run_tally, params, COLUMNS + 1, NULL, err);
}

/* -- emit -- */

static void emit_event(struct work *work, const struct invoice *invoice, const char *type, const struct buf *json) {
  emit(work, &(struct emission){.type = type,
                                .id = UUID_DERIVE(type, invoice->id_text),
                                .tenant = invoice->tenant,
                                .subject = invoice->id_text,
                                .key = invoice->customer_id,
                                .json = buf_text(json),
                                .cause = invoice->command});
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

static void emit_finalised(struct work *work, struct buf *text, const struct invoice *invoice) {
  char money[MONEY_TEXT_MAX], date[DATE_TEXT_MAX];
  int64_t due_minor = invoice->total_minor > 0 ? invoice->total_minor : 0;
  struct json_writer json;
  begin_event(&json, text, invoice);
  json_put_string(&json, "runId", invoice->run_id);
  json_put_string(&json, "status", invoice_status(invoice));
  json_put_raw(&json, "amountDue", money_format(due_minor, invoice->currency, money));
  json_put_string(&json, "issueDate", date_format(invoice->issue_date, date));
  json_put_string(&json, "dueDate", date_format(invoice->due_date, date));
  json_put_string(&json, "collection", invoice->collection);
  json_put_int(&json, "version", 1);
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
  json_put_int(&json, "version", 1);
  json_put_end(&json);
  emit_event(work, invoice, "invoice.paid", text);
}

static void emit_all(struct work *work, const struct invoice *invoices, size_t count) {
  struct buf CLEANUP(buf_release) text;
  buf_init(&text, JSON_MAX);
  for (size_t i = 0; i < count; i++) {
    if (invoices[i].is_known) continue;
    emit_finalised(work, &text, &invoices[i]);
    if (invoices[i].total_minor <= 0) emit_paid(work, &text, &invoices[i]);
    metric_add("invoices_finalised_total", "", 1);
  }
}

enum rc handle_invoice_create(struct work *work, struct message *const *messages, size_t count, struct error *err) {
  struct invoice *invoices = ARENA_ARRAY(work->arena, struct invoice, count);
  TRY(read_all(work, messages, count, invoices, err));
  struct uuid_map *by_id = uuid_map_new(work->arena, count);
  TRY(find_known(work, invoices, count, by_id, err));

  TRY(take_numbers(work, invoices, count, err));
  TRY(insert_invoices(work, invoices, count, by_id, err));
  TRY(insert_items(work, invoices, count, err));
  TRY(insert_ledger(work, invoices, count, err));
  TRY(tally_runs(work, invoices, count, err));
  emit_all(work, invoices, count);
  return RC_OK;
}
