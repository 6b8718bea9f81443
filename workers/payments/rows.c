/* Rows to values and back. Each function is one statement; the order of columns is that of the .sql file. */
#include "rows.h"

#include <string.h>

#include "base/assert.h"
#include "db/columns.h"
#include "domain/dunning.h"
#include "sql.h"

/* -- reading -- */

static struct payment read_payment(struct row_cursor *at) {
  struct payment payment = {.tenant = next_uuid(at)};
  payment.id = next_uuid(at);
  payment.customer = next_uuid(at);
  payment.invoice = next_uuid(at);
  (void)snprintf(payment.currency, sizeof payment.currency, "%s", next_text(at));
  payment.amount_minor = next_int(at, 0);
  bool is_known = payment_status_from_name(next_text(at), &payment.status);
  ASSERT(is_known); /* the table's own check names the same */
  payment.method = next_uuid(at);
  payment.attempts = (int)next_int(at, 0);
  payment.cycle = (int)next_int(at, 0);
  payment.cycle_attempts = (int)next_int(at, 0);
  payment.first_failure = next_utime(at);
  payment.next_attempt = next_utime(at);
  payment.intent_id = next_text(at);
  payment.failure_code = next_text(at);
  payment.failure_message = next_text(at);
  payment.decline_class = next_text(at);
  payment.dead_letter = next_uuid(at);
  payment.succeeded = next_utime(at);
  payment.version = next_int(at, 0);
  payment.clock = next_uuid(at);
  return payment;
}

static struct method read_method(struct row_cursor *at, bool *ret_is_there) {
  struct method method = {.id = next_uuid(at)};
  method.type = next_text(at);
  method.gateway_id = next_text(at);
  *ret_is_there = !uuid_is_nil(&method.id);
  return method;
}

static struct attempt read_attempt(struct row_cursor *at, bool *ret_is_there) {
  struct attempt attempt = {.number = (int)next_int(at, 0)};
  bool has_method;
  attempt.cycle = (int)next_int(at, 0);
  attempt.method = read_method(at, &has_method);
  attempt.amount_minor = next_int(at, 0);
  attempt.key = next_text(at);
  attempt.started = next_utime(at);
  attempt.sent = next_utime(at);
  attempt.asked_at = next_utime(at);
  attempt.asked = (int)next_int(at, 0);
  attempt.intent_id = next_text(at);
  attempt.code = next_text(at);
  attempt.message = next_text(at);
  *ret_is_there = attempt.number > 0;
  return attempt;
}

static void read_situation(struct row_cursor *at, struct situation *situation) {
  situation->payment = read_payment(at);
  situation->is_collectable = next_bool(at);
  situation->is_given_up = next_bool(at);
  situation->due_minor = next_int(at, 0);
  situation->method = read_method(at, &situation->has_method);
  situation->method.barred_code = next_text(at);
  situation->method_attempts = (int)next_int(at, 0);
  situation->gateway_customer_id = next_text(at);
  situation->has_method = situation->has_method && situation->method.gateway_id && situation->gateway_customer_id;
  situation->attempt = read_attempt(at, &situation->has_attempt);
  ASSERT(at->column == PQnfields(at->rows));
}

static void read_refs(struct work *work, const PGresult *rows, struct payment_ref **ret_refs, size_t *ret_count) {
  size_t count = (size_t)row_count(rows);
  struct payment_ref *refs = ARENA_ARRAY(work->arena, struct payment_ref, count);
  for (size_t i = 0; i < count; i++)
    refs[i] = (struct payment_ref){.tenant = row_uuid(rows, (int)i, 0), .payment = row_uuid(rows, (int)i, 1)};
  *ret_refs = refs;
  *ret_count = count;
}

enum rc payments_claim(struct work *work, size_t max, struct payment_ref **ret_refs, size_t *ret_count,
                       struct error *err) {
  PGresult CLEANUP(db_result_release) *rows = NULL;
  TRY(tx_exec(
      work->tx, &sql_payments_claim,
      PARAMS(db_utime(work->arena, work->now), db_int(work->arena, (int64_t)max), db_uuid(work->arena, &work->clock)),
      &rows, err));
  read_refs(work, rows, ret_refs, ret_count);
  return RC_OK;
}

enum rc payments_lock_waiting(struct work *work, struct db_array *tenants, struct db_array *invoices,
                              struct payment_ref **ret_refs, size_t *ret_count, struct error *err) {
  PGresult CLEANUP(db_result_release) *rows = NULL;
  TRY(tx_exec(work->tx, &sql_payments_lock_waiting, PARAMS(db_array_literal(tenants), db_array_literal(invoices)),
              &rows, err));
  read_refs(work, rows, ret_refs, ret_count);
  return RC_OK;
}

static enum rc lock_invoices(struct work *work, const PGresult *payments, struct error *err) {
  struct db_array *tenants = db_array_new(work->arena), *invoices = db_array_new(work->arena);
  for (int row = 0; row < row_count(payments); row++) {
    db_array_text(tenants, row_text(payments, row, 0));
    db_array_text(invoices, row_text(payments, row, 2));
  }
  return tx_exec(work->tx, &sql_invoices_lock, PARAMS(db_array_literal(tenants), db_array_literal(invoices)), NULL,
                 err);
}

enum rc payments_lock_open(struct work *work, const struct payment_ref *refs, size_t count,
                           struct payment_ref **ret_refs, size_t *ret_count, struct error *err) {
  struct db_array *tenants = db_array_new(work->arena), *payments = db_array_new(work->arena);
  struct db_array *attempts = db_array_new(work->arena);
  for (size_t i = 0; i < count; i++) {
    db_array_uuid(tenants, &refs[i].tenant);
    db_array_uuid(payments, &refs[i].payment);
    db_array_int(attempts, refs[i].attempt);
  }
  PGresult CLEANUP(db_result_release) *rows = NULL;
  TRY(tx_exec(work->tx, &sql_payments_lock,
              PARAMS(db_array_literal(tenants), db_array_literal(payments), db_array_literal(attempts)), &rows, err));
  TRY(lock_invoices(work, rows, err));
  read_refs(work, rows, ret_refs, ret_count);
  return RC_OK;
}

enum rc situations_load(struct work *work, const struct payment_ref *refs, size_t count,
                        struct situation **ret_situations, size_t *ret_count, struct error *err) {
  struct db_array *tenants = db_array_new(work->arena), *payments = db_array_new(work->arena);
  struct utime window = {work->now.us - DUNNING_WINDOW_DAYS * UTIME_DAY};
  for (size_t i = 0; i < count; i++) {
    db_array_uuid(tenants, &refs[i].tenant);
    db_array_uuid(payments, &refs[i].payment);
  }
  PGresult CLEANUP(db_result_release) *rows = NULL;
  TRY(tx_exec(work->tx, &sql_situations,
              PARAMS(db_array_literal(tenants), db_array_literal(payments), db_utime(work->arena, window)), &rows,
              err));
  struct situation *situations = ARENA_ARRAY(work->arena, struct situation, (size_t)row_count(rows));
  for (int row = 0; row < row_count(rows); row++)
    read_situation(&(struct row_cursor){.rows = rows, .arena = work->arena, .row = row}, &situations[row]);
  *ret_situations = situations;
  *ret_count = (size_t)row_count(rows);
  return RC_OK;
}

/* -- writing -- */

enum { PAYMENT_COLUMNS = 17, ATTEMPT_COLUMNS = 17 };

static void add_payment(struct db_array **columns, const struct payment *payment) {
  struct db_array **column = columns;
  db_array_uuid(*column++, &payment->tenant);
  db_array_uuid(*column++, &payment->id);
  db_array_int(*column++, payment->amount_minor);
  db_array_text(*column++, payment_status_name(payment->status));
  db_array_uuid_unless_nil(*column++, &payment->method);
  db_array_int(*column++, payment->attempts);
  db_array_int(*column++, payment->cycle);
  db_array_int(*column++, payment->cycle_attempts);
  db_array_utime_if(*column++, payment->first_failure.us != 0, payment->first_failure);
  db_array_utime_if(*column++, payment->next_attempt.us != 0, payment->next_attempt);
  db_array_text(*column++, payment->intent_id);
  db_array_text(*column++, payment->failure_code);
  db_array_text(*column++, payment->failure_message);
  db_array_text(*column++, payment->decline_class);
  db_array_uuid_unless_nil(*column++, &payment->dead_letter);
  db_array_utime_if(*column++, payment->succeeded.us != 0, payment->succeeded);
  db_array_int(*column++, payment->version);
  ASSERT(column == columns + PAYMENT_COLUMNS);
}

enum rc payments_save(struct work *work, const struct situation *situations, size_t count, struct error *err) {
  struct db_array *columns[PAYMENT_COLUMNS];
  const char *params[PAYMENT_COLUMNS + 1];
  if (count == 0) return RC_OK;
  db_arrays_new(work->arena, columns, PAYMENT_COLUMNS);
  for (size_t i = 0; i < count; i++) add_payment(columns, &situations[i].payment);
  db_arrays_literals(columns, PAYMENT_COLUMNS, params);
  params[PAYMENT_COLUMNS] = db_utime(work->arena, work->now);
  return tx_exec(work->tx, &sql_payments_save, params, PAYMENT_COLUMNS + 1, NULL, err);
}

static void add_attempt(struct db_array **columns, const struct situation *situation) {
  const struct attempt *attempt = &situation->attempt;
  struct db_array **column = columns;
  db_array_uuid(*column++, &situation->payment.tenant);
  db_array_uuid(*column++, &situation->payment.id);
  db_array_int(*column++, attempt->number);
  db_array_int(*column++, attempt->cycle);
  db_array_uuid(*column++, &attempt->method.id);
  db_array_int(*column++, attempt->amount_minor);
  db_array_text(*column++, attempt->key);
  db_array_utime(*column++, attempt->started);
  db_array_utime(*column++, attempt->sent);
  db_array_int(*column++, attempt->asked);
  db_array_utime(*column++, attempt->asked_at);
  db_array_utime_if(*column++, attempt->finished.us != 0, attempt->finished);
  db_array_text(*column++, attempt->outcome);
  db_array_text(*column++, attempt->code);
  db_array_text(*column++, attempt->message);
  db_array_text(*column++, attempt->intent_id);
  db_array_text(*column++, attempt->charge_id);
  ASSERT(column == columns + ATTEMPT_COLUMNS);
}

enum rc attempts_save(struct work *work, const struct situation *situations, size_t count, struct error *err) {
  struct db_array *columns[ATTEMPT_COLUMNS];
  const char *params[ATTEMPT_COLUMNS];
  db_arrays_new(work->arena, columns, ATTEMPT_COLUMNS);
  for (size_t i = 0; i < count; i++)
    if (situations[i].has_attempt) add_attempt(columns, &situations[i]);
  if (db_array_count(columns[0]) == 0) return RC_OK;
  db_arrays_literals(columns, ATTEMPT_COLUMNS, params);
  return tx_exec(work->tx, &sql_attempts_save, params, ATTEMPT_COLUMNS, NULL, err);
}
