/* Writing what was concluded. Order: dead letters (their ids go into the payments), attempts, methods, payments,
 * invoices, ledger, events; all of it array statements, whatever the number of payments. */
#include "record.h"

#include "base/assert.h"
#include "base/json_text.h"
#include "base/money.h"
#include "db/columns.h"
#include "domain/ledger.h"
#include "rows.h"
#include "sql.h"

enum { EVENT_BYTES_MAX = 16 * 1024 };

/* -- dead letters (BILL-083) -- */

static const char *collect_command(struct arena *arena, const struct payment *payment) {
  char invoice[UUID_TEXT_MAX];
  return arena_printf(arena, "{\"invoiceId\":\"%s\"}", uuid_format(&payment->invoice, invoice));
}

static const char *why_given_up(struct arena *arena, const struct payment *payment) {
  return arena_printf(arena, "payment given up after %d attempts: %s", payment->attempts,
                      payment->failure_code ? payment->failure_code : "no attempt was possible");
}

static enum rc bury_one(struct work *work, struct payment *payment, const char *history, struct error *err) {
  struct dead_letter letter = {.tenant = payment->tenant,
                               .type = "payment.collect",
                               .subject = db_uuid(work->arena, &payment->invoice),
                               .key = db_uuid(work->arena, &payment->customer),
                               .value = collect_command(work->arena, payment),
                               .reason = why_given_up(work->arena, payment),
                               .error_code = error_name(RC_PAYMENT_DECLINED),
                               .attempts = payment->attempts,
                               .first_failure = payment->first_failure,
                               .history_json = history};
  return bury(work, &letter, &payment->dead_letter, err);
}

static enum rc bury_exhausted(struct work *work, struct situation *situations, const struct conclusion *conclusions,
                              size_t count, struct error *err) {
  struct db_array *tenants = db_array_new(work->arena), *payments = db_array_new(work->arena);
  for (size_t i = 0; i < count; i++) {
    if (!conclusions[i].is_exhausted) continue;
    db_array_uuid(tenants, &situations[i].payment.tenant);
    db_array_uuid(payments, &situations[i].payment.id);
  }
  if (db_array_count(payments) == 0) return RC_OK;
  PGresult CLEANUP(db_result_release) *histories = NULL;
  TRY(tx_exec(work->tx, &sql_payment_histories, PARAMS(db_array_literal(tenants), db_array_literal(payments)),
              &histories, err));
  int row = 0;
  for (size_t i = 0; i < count; i++)
    if (conclusions[i].is_exhausted) TRY(bury_one(work, &situations[i].payment, row_text(histories, row++, 0), err));
  return RC_OK;
}

/* -- methods, invoices, ledger -- */

static enum rc bar_methods(struct work *work, const struct situation *situations, const struct conclusion *conclusions,
                           size_t count, struct error *err) {
  struct db_array *tenants = db_array_new(work->arena), *methods = db_array_new(work->arena);
  struct db_array *codes = db_array_new(work->arena);
  for (size_t i = 0; i < count; i++) {
    if (!conclusions[i].bars_method) continue;
    db_array_uuid(tenants, &situations[i].payment.tenant);
    db_array_uuid(methods, &situations[i].attempt.method.id);
    db_array_text(codes, situations[i].attempt.code);
  }
  if (db_array_count(methods) == 0) return RC_OK;
  return tx_exec(work->tx, &sql_methods_bar,
                 PARAMS(db_array_literal(tenants), db_array_literal(methods), db_array_literal(codes),
                        db_utime(work->arena, work->now)),
                 NULL, err);
}

static enum rc settle_invoices(struct work *work, const struct situation *situations,
                               const struct conclusion *conclusions, size_t count, PGresult **ret_invoices,
                               struct error *err) {
  struct db_array *columns[5];
  db_arrays_new(work->arena, columns, 5);
  for (size_t i = 0; i < count; i++) {
    if (conclusions[i].settled_minor == 0) continue;
    db_array_uuid(columns[0], &situations[i].payment.tenant);
    db_array_uuid(columns[1], &situations[i].payment.invoice);
    db_array_int(columns[2], conclusions[i].settled_minor);
    db_array_text(columns[3], situations[i].attempt.method.type);
    db_array_text(columns[4],
                  situations[i].payment.intent_id ? situations[i].payment.intent_id : situations[i].attempt.intent_id);
  }
  if (db_array_count(columns[0]) == 0) return RC_OK;
  const char *params[6];
  db_arrays_literals(columns, 5, params);
  params[5] = db_utime(work->arena, work->now);
  TRY(tx_exec(work->tx, &sql_invoices_settle, params, 6, ret_invoices, err));
  ASSERT((size_t)row_count(*ret_invoices) == db_array_count(columns[0])); /* they were locked and found owing */
  return RC_OK;
}

/* Columns of invoices_settle.sql. */
enum {
  PAID_TENANT,
  PAID_ID,
  PAID_IS_PAID,
  PAID_VERSION,
  PAID_NUMBER,
  PAID_SUBSCRIPTION,
  PAID_TOTAL,
  PAID_AMOUNT,
  PAID_WAS_GIVEN_UP
};

static int find_invoice(const PGresult *invoices, const struct payment *payment) {
  for (int row = 0; invoices && row < row_count(invoices); row++) {
    struct uuid tenant = row_uuid(invoices, row, PAID_TENANT), id = row_uuid(invoices, row, PAID_ID);
    if (uuid_equal(&tenant, &payment->tenant) && uuid_equal(&id, &payment->invoice)) return row;
  }
  return -1;
}

enum { LEDGER_COLUMNS = 8 };

static void post(struct db_array **columns, const struct payment *payment, enum ledger_fact fact, int64_t minor) {
  struct ledger_entry entries[2];
  if (minor == 0) return;
  ledger_entries(fact, minor, entries);
  for (int line = 0; line < 2; line++) {
    db_array_uuid(columns[0], &payment->tenant);
    db_array_uuid(columns[1], &payment->id);
    db_array_text(columns[2], ledger_fact_name(fact));
    db_array_int(columns[3], line + 1);
    db_array_text(columns[4], ledger_account_name(entries[line].account));
    db_array_text(columns[5], payment->currency);
    db_array_int(columns[6], entries[line].amount_minor);
    db_array_uuid(columns[7], &payment->customer);
  }
}

/* All of the money came in for the invoice; what it did not owe any more is the customer's. What had been written off
 * is owed again by as much as is paid. */
static enum rc post_ledger(struct work *work, const struct situation *situations, const struct conclusion *conclusions,
                           size_t count, const PGresult *invoices, struct error *err) {
  struct db_array *columns[LEDGER_COLUMNS];
  db_arrays_new(work->arena, columns, LEDGER_COLUMNS);
  for (size_t i = 0; i < count; i++) {
    if (conclusions[i].event != EVENT_SUCCEEDED) continue;
    int row = find_invoice(invoices, &situations[i].payment);
    bool was_given_up = row >= 0 && row_bool(invoices, row, PAID_WAS_GIVEN_UP);
    post(columns, &situations[i].payment, FACT_PAYMENT, situations[i].payment.amount_minor);
    post(columns, &situations[i].payment, FACT_OVERPAYMENT, conclusions[i].credited_minor);
    post(columns, &situations[i].payment, FACT_RECOVERY, was_given_up ? conclusions[i].settled_minor : 0);
  }
  if (db_array_count(columns[0]) == 0) return RC_OK;
  const char *params[LEDGER_COLUMNS + 1];
  db_arrays_literals(columns, LEDGER_COLUMNS, params);
  params[LEDGER_COLUMNS] = db_utime(work->arena, work->now);
  return tx_exec(work->tx, &sql_ledger_post, params, LEDGER_COLUMNS + 1, NULL, err);
}

enum { GRANT_COLUMNS = 6 };

/* BILL-072: an overpayment becomes account credit. */
static enum rc grant_credit(struct work *work, const struct situation *situations, const struct conclusion *conclusions,
                            size_t count, struct error *err) {
  struct db_array *columns[GRANT_COLUMNS];
  const char *params[GRANT_COLUMNS + 1];
  db_arrays_new(work->arena, columns, GRANT_COLUMNS);
  for (size_t i = 0; i < count; i++) {
    const struct payment *payment = &situations[i].payment;
    if (conclusions[i].event != EVENT_SUCCEEDED || conclusions[i].credited_minor == 0) continue;
    struct uuid id = UUID_DERIVE("overpayment", db_uuid(work->arena, &payment->id));
    db_array_uuid(columns[0], &payment->tenant);
    db_array_uuid(columns[1], &id);
    db_array_uuid(columns[2], &payment->customer);
    db_array_text(columns[3], payment->currency);
    db_array_int(columns[4], conclusions[i].credited_minor);
    db_array_uuid(columns[5], &payment->id);
  }
  if (db_array_count(columns[0]) == 0) return RC_OK;
  db_arrays_literals(columns, GRANT_COLUMNS, params);
  params[GRANT_COLUMNS] = db_utime(work->arena, work->now);
  return tx_exec(work->tx, &sql_grants_insert, params, GRANT_COLUMNS + 1, NULL, err);
}

/* -- events -- */

static void put_uuid(struct json_writer *json, const char *key, const struct uuid *id) {
  char text[UUID_TEXT_MAX];
  json_put_string(json, key, uuid_is_nil(id) ? NULL : uuid_format(id, text));
}

static void put_money(struct json_writer *json, const char *key, int64_t minor, const char *currency) {
  char text[MONEY_TEXT_MAX];
  const struct currency *known = currency_find(currency);
  ASSERT(known); /* an invoice was finalised in it */
  json_put_raw(json, key, money_format(minor, known, text));
}

static void put_time(struct json_writer *json, const char *key, struct utime t) {
  char text[UTIME_TEXT_MAX];
  json_put_string(json, key, t.us ? utime_format(t, text) : NULL);
}

static void put_payment(struct json_writer *json, const struct payment *payment) {
  put_uuid(json, "paymentId", &payment->id);
  put_uuid(json, "invoiceId", &payment->invoice);
  put_uuid(json, "customerId", &payment->customer);
  json_put_string(json, "currency", payment->currency);
  put_money(json, "amount", payment->amount_minor, payment->currency);
  put_uuid(json, "paymentMethodId", &payment->method);
  json_put_string(json, "transactionId", payment->intent_id);
  json_put_int(json, "attempts", payment->attempts);
}

static void put_failure(struct json_writer *json, const struct payment *payment) {
  json_put_string(json, "failureCode", payment->failure_code);
  json_put_string(json, "failureMessage", payment->failure_message);
  json_put_string(json, "declineClass", payment->decline_class);
}

static void put_next_retry(struct json_writer *json, const struct payment *payment) {
  put_time(json, "nextRetryAt", payment->status == PAYMENT_PENDING ? payment->next_attempt : (struct utime){0});
}

static const char *const EVENT_TYPES[] = {[EVENT_SUCCEEDED] = "payment.succeeded",
                                          [EVENT_FAILED] = "payment.failed",
                                          [EVENT_ACTION_REQUIRED] = "payment.action_required",
                                          [EVENT_CANCELLED] = "payment.cancelled"};

static void emit_payment(struct work *work, const struct payment *payment, const char *type, const struct uuid *id,
                         const struct buf *json) {
  ASSERT(buf_ok(json));
  emit(work, &(struct emission){.type = type,
                                .id = *id,
                                .tenant = payment->tenant,
                                .subject = db_uuid(work->arena, &payment->id),
                                .key = db_uuid(work->arena, &payment->customer),
                                .json = buf_text(json)});
}

/* One for each attempt and, where there was none, for each cycle: the same again if it is done again. */
static struct uuid event_id(struct arena *arena, const char *type, const struct payment *payment) {
  return UUID_DERIVE(type, db_uuid(arena, &payment->id), db_int(arena, payment->attempts),
                     db_int(arena, payment->cycle));
}

static void emit_outcome(struct work *work, const struct payment *payment, const struct conclusion *conclusion) {
  struct buf CLEANUP(buf_release) text;
  struct json_writer json;
  const char *type = EVENT_TYPES[conclusion->event];
  struct uuid id = event_id(work->arena, type, payment);
  buf_init(&text, EVENT_BYTES_MAX);
  json_writer_init(&json, &text);
  json_put_object(&json, NULL);
  put_payment(&json, payment);
  if (conclusion->event == EVENT_FAILED || conclusion->event == EVENT_ACTION_REQUIRED) put_failure(&json, payment);
  if (conclusion->event == EVENT_FAILED) put_next_retry(&json, payment);
  json_put_int(&json, "version", conclusion->event_version);
  json_put_end(&json);
  emit_payment(work, payment, type, &id, &text);
}

static void emit_exhausted(struct work *work, const struct payment *payment, const struct conclusion *conclusion) {
  struct buf CLEANUP(buf_release) text;
  struct json_writer json;
  struct uuid id = event_id(work->arena, "payment.exhausted", payment);
  buf_init(&text, EVENT_BYTES_MAX);
  json_writer_init(&json, &text);
  json_put_object(&json, NULL);
  put_payment(&json, payment);
  put_failure(&json, payment);
  put_uuid(&json, "deadLetterId", &payment->dead_letter);
  json_put_int(&json, "version", conclusion->exhausted_version);
  json_put_end(&json);
  emit_payment(work, payment, "payment.exhausted", &id, &text);
}

/* -- invoice.paid: a row of invoices_settle.sql and the payment that settled it -- */

static void emit_paid(struct work *work, const struct payment *payment, const PGresult *invoices, int row) {
  struct buf CLEANUP(buf_release) text;
  struct json_writer json;
  const char *invoice = db_uuid(work->arena, &payment->invoice);
  buf_init(&text, EVENT_BYTES_MAX);
  json_writer_init(&json, &text);
  json_put_object(&json, NULL);
  json_put_string(&json, "invoiceId", invoice);
  json_put_string(&json, "invoiceNumber", row_text(invoices, row, PAID_NUMBER));
  put_uuid(&json, "customerId", &payment->customer);
  json_put_string(&json, "subscriptionId", row_text(invoices, row, PAID_SUBSCRIPTION));
  json_put_string(&json, "currency", payment->currency);
  put_money(&json, "totalAmount", row_int(invoices, row, PAID_TOTAL), payment->currency);
  put_money(&json, "amountPaid", row_int(invoices, row, PAID_AMOUNT), payment->currency);
  put_uuid(&json, "paymentId", &payment->id);
  put_time(&json, "paidAt", work->now);
  json_put_int(&json, "version", row_int(invoices, row, PAID_VERSION));
  json_put_end(&json);
  ASSERT(buf_ok(&text));
  emit(work, &(struct emission){.type = "invoice.paid",
                                .id = UUID_DERIVE("invoice.paid", invoice),
                                .tenant = payment->tenant,
                                .subject = invoice,
                                .key = db_uuid(work->arena, &payment->customer),
                                .json = buf_text(&text)});
}

static void emit_all(struct work *work, const struct payment *payment, const struct conclusion *conclusion,
                     const PGresult *invoices) {
  int row = find_invoice(invoices, payment);
  if (conclusion->event != NO_EVENT) emit_outcome(work, payment, conclusion);
  if (conclusion->is_exhausted) emit_exhausted(work, payment, conclusion);
  if (row >= 0 && row_bool(invoices, row, PAID_IS_PAID)) emit_paid(work, payment, invoices, row);
}

enum rc conclusions_record(struct work *work, struct situation *situations, const struct conclusion *conclusions,
                           size_t count, struct error *err) {
  PGresult CLEANUP(db_result_release) *invoices = NULL;
  if (count == 0) return RC_OK;
  TRY(attempts_save(work, situations, count, err));
  TRY(bury_exhausted(work, situations, conclusions, count, err));
  TRY(bar_methods(work, situations, conclusions, count, err));
  TRY(payments_save(work, situations, count, err));
  TRY(settle_invoices(work, situations, conclusions, count, &invoices, err));
  TRY(post_ledger(work, situations, conclusions, count, invoices, err));
  TRY(grant_credit(work, situations, conclusions, count, err));
  for (size_t i = 0; i < count; i++) emit_all(work, &situations[i].payment, &conclusions[i], invoices);
  return RC_OK;
}
