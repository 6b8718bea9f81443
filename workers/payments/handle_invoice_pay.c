/* invoice.pay: an invoice is paid, either as somebody says it was outside, in part, in whole or beyond (BILL-072), or
 * now by the customer's default payment method or a named one. */
#include <string.h>

#include "base/money.h"
#include "collect.h"
#include "domain/invoice.h"
#include "handlers.h"
#include "record.h"
#include "sql.h"

static const char DEFAULT_METHOD[] = "outside";

struct order {
  const char *amount, *method, *reference, *method_id;
};

struct owed {
  struct uuid customer;
  const char *customer_id;
  const struct currency *currency;
  int64_t due_minor;
};

static enum rc decode(json_t *body, struct order *order, struct error *err) {
  struct uuid ignored;
  bool has_method_id;
  TRY(body_decimal(body, "amount", &order->amount, err));
  TRY(body_text(body, "method", &order->method, err));
  TRY(body_text(body, "reference", &order->reference, err));
  TRY(body_uuid(body, "paymentMethodId", &ignored, &has_method_id, err));
  TRY(body_text(body, "paymentMethodId", &order->method_id, err));
  if (order->amount && order->method_id)
    return error_field(err, RC_VALIDATION, "paymentMethodId", "does not go with an amount that was paid outside");
  if (!order->amount && (order->method || order->reference))
    return error_field(err, RC_VALIDATION, "amount", "is required for what was paid outside");
  return RC_OK;
}

static enum rc hold_payment(struct work *work, const struct message *command, struct error *err) {
  struct invoice_ref invoice = {.tenant = command->tenant};
  if (!uuid_parse(command->subject, &invoice.invoice))
    return error_set(err, RC_BAD_MESSAGE, "the subject is no invoice's id");
  return payment_hold(work, &invoice, err);
}

static enum rc load(struct work *work, const struct message *command, struct owed *owed, struct error *err) {
  PGresult CLEANUP(db_result_release) *row = NULL;
  enum invoice_state state, paid;
  const char *params[] = {db_uuid(work->arena, &command->tenant), command->subject};
  for (int look = 0; look < 2 && (!row || row_count(row) == 0); look++) { /* a draft may have been replaced meanwhile */
    db_result_release(&row);
    TRY(tx_exec(work->tx, &sql_invoice_pay_load, params, 2, &row, err));
  }
  if (row_count(row) == 0) return error_set(err, RC_NOT_FOUND, "there is no invoice %s", command->subject);
  if (!invoice_state_from_name(row_text(row, 0, 0), &state))
    return error_set(err, RC_INVARIANT, "an invoice's status is unknown");
  owed->customer = row_uuid(row, 0, 1);
  owed->customer_id = arena_strdup(work->arena, row_text(row, 0, 1));
  owed->currency = currency_find(row_text(row, 0, 2));
  owed->due_minor = row_int(row, 0, 3);
  TRY(message_expect_version(command, row_int(row, 0, 4), err));
  if (!owed->currency) return error_set(err, RC_INVARIANT, "an invoice's currency is unknown");
  return invoice_next(state, INVOICE_EVENT_PAY, &paid, err);
}

/* -- what was paid outside -- */

static enum rc record(struct work *work, const struct message *command, const struct order *order,
                      const struct owed *owed, struct error *err) {
  struct arena *arena = work->arena;
  int64_t amount_minor;
  TRY(money_parse(order->amount, owed->currency, "amount", &amount_minor, err));
  if (amount_minor <= 0) return error_field(err, RC_VALIDATION, "amount", "must be more than 0");
  struct situation situation = {.is_collectable = true, .due_minor = owed->due_minor};
  struct payment *payment = &situation.payment;
  struct conclusion conclusion = {.event = EVENT_SUCCEEDED, .event_version = 1};
  *payment = (struct payment){.tenant = command->tenant,
                              .id = uuid_new(),
                              .customer = owed->customer,
                              .amount_minor = amount_minor,
                              .status = PAYMENT_SUCCEEDED,
                              .cycle = 1,
                              .succeeded = work->now,
                              .version = 1};
  if (!uuid_parse(command->subject, &payment->invoice))
    return error_set(err, RC_BAD_MESSAGE, "the subject is no invoice's id");
  snprintf(payment->currency, sizeof payment->currency, "%s", owed->currency->code);
  situation.attempt.method.type = order->method ? order->method : DEFAULT_METHOD;
  situation.attempt.intent_id = order->reference;
  conclusion.settled_minor = amount_minor < owed->due_minor ? amount_minor : owed->due_minor;
  conclusion.credited_minor = amount_minor - conclusion.settled_minor;

  TRY(tx_exec(work->tx, &sql_payment_record,
              PARAMS(db_uuid(arena, &command->tenant), db_uuid(arena, &payment->id), owed->customer_id,
                     command->subject, owed->currency->code, db_int(arena, amount_minor), situation.attempt.method.type,
                     order->reference, db_utime(arena, work->now)),
              NULL, err));
  TRY(conclusions_record(work, &situation, &conclusion, 1, err));
  return payment_answer(work, command, payment, err);
}

/* -- what is collected now -- */

static enum rc check_method(struct work *work, const struct message *command, const struct order *order,
                            const struct owed *owed, struct error *err) {
  PGresult CLEANUP(db_result_release) *row = NULL;
  if (!order->method_id) return RC_OK;
  TRY(tx_exec(work->tx, &sql_method_find,
              PARAMS(db_uuid(work->arena, &command->tenant), owed->customer_id, order->method_id), &row, err));
  if (row_count(row) == 0)
    return error_field(err, RC_NOT_FOUND, "paymentMethodId", "the customer has no such payment method");
  if (strcmp(row_text(row, 0, 0), "active") == 0 && row_is_null(row, 0, 1)) return RC_OK;
  return error_field(err, RC_CONFLICT, "paymentMethodId", "the payment method cannot be charged");
}

static enum rc collect(struct work *work, const struct message *command, const struct order *order,
                       const struct owed *owed, struct error *err) {
  struct invoice_ref invoice = {.tenant = command->tenant};
  struct payment payment;
  TRY(check_method(work, command, order, owed, err));
  if (!uuid_parse(command->subject, &invoice.invoice))
    return error_set(err, RC_BAD_MESSAGE, "the subject is no invoice's id");
  TRY(payment_collect(work, &invoice, &payment, err));
  if (order->method_id)
    TRY(tx_exec(work->tx, &sql_payment_want_method,
                PARAMS(db_uuid(work->arena, &payment.tenant), db_uuid(work->arena, &payment.id), order->method_id,
                       db_utime(work->arena, work->now)),
                NULL, err));
  return payment_answer(work, command, &payment, err);
}

enum rc handle_invoice_pay(struct work *work, struct message *const *messages, size_t count, struct error *err) {
  (void)count;
  const struct message *command = messages[0];
  struct order order = {0};
  struct owed owed = {0};
  TRY(decode(command->json, &order, err));
  if (!order.amount) TRY(hold_payment(work, command, err)); /* before its invoice */
  TRY(load(work, command, &owed, err));
  return order.amount ? record(work, command, &order, &owed, err) : collect(work, command, &order, &owed, err);
}
