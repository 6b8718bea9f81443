/* Money, from the API to the gateway and back: "payment-method.create", the charge that follows "invoice.finalised",
 * its declines and retries (BILL-080 to BILL-084), the dead letter at the end, "payment.collect" when it is replayed.
 * What the payments worker does alone, with a gateway that misbehaves and processes that die, is tests/payments. */
#include "flow.h"

TestSuite(payments, .timeout = 180);

/* A customer with that card and one unpaid weekly invoice. */
struct payer {
  struct tenant tenant;
  const char *customer, *method;
};

static struct payer payer_with(const char *token) {
  struct payer payer = {.tenant = tenant_new()};
  payer.customer = customer_new(&payer.tenant, NULL);
  payer.method = payment_method_new(&payer.tenant, payer.customer, token);
  subscription_new(&payer.tenant, payer.customer, plan_new(&payer.tenant, "9.00", "USD", "weekly"), days_ago(2));
  return payer;
}

static const json_t *only_payment(const struct payer *payer) {
  const json_t *payments = api_get(&payer->tenant, 200, "/api/payments?customerId=%s", payer->customer);
  return json_array_size(payments) == 1 ? json_array_get(payments, 0) : NULL;
}

static bool payment_is(const struct payer *payer, const char *status) {
  const json_t *payment = only_payment(payer);
  return payment && strcmp(json_at(payment, "status"), status) == 0;
}

static bool has_failed_times(const struct payer *payer, int64_t times) {
  return sql_int(&payer->tenant,
                 "SELECT count(*) FROM payment_attempts WHERE tenant_id = $1 AND outcome = 'declined'") == times;
}

static void make_due(const struct payer *payer) {
  sql_do(&payer->tenant, "UPDATE payments SET next_attempt_at = now() WHERE tenant_id = $1 AND status <> 'succeeded'");
}

/* -- payment methods -- */

Test(payments, a_token_becomes_a_payment_method_that_shows_no_number) {
  struct tenant tenant = tenant_new();
  const char *customer = customer_new(&tenant, NULL);
  const json_t *method =
      api_post(&tenant, 201, "/api/payment-methods", "{'customerId':'%s','token':'pm_card_visa'}", customer);
  cr_expect_str_eq(json_at(method, "customerId"), customer);
  cr_expect_str_eq(json_at(method, "brand"), "visa");
  cr_expect_str_eq(json_at(method, "last4"), "4242");
  cr_expect_eq(json_number_at(method, "expiryYear"), 2034);
  cr_expect(json_is_true(json_object_get(method, "isDefault")), "the first is the default");
  const json_t *shown = api_get(&tenant, 200, "/api/payment-methods/%s", json_at(method, "id"));
  cr_expect(json_equal((json_t *)(uintptr_t)shown, (json_t *)(uintptr_t)method));
  WAIT_UNTIL(count_messages(&tenant, "payment-method.created") == 1, "the event");
  cr_expect_eq(count_messages(&tenant, "payment-method.create"), 1);
}

static const struct {
  const char *token;
  int status;
  const char *code;
} TOKENS[] = {{"pm_card_nobody_knows", 400, "VALIDATION_ERROR"},
              {"4242424242424242", 400, "VALIDATION_ERROR"},
              {"pm_4242424242424242", 400, "VALIDATION_ERROR"},
              {"", 400, "VALIDATION_ERROR"}};

Test(payments, a_token_that_is_none_is_refused_by_field) {
  struct tenant tenant = tenant_new();
  const char *customer = customer_new(&tenant, NULL);
  for (size_t i = 0; i < sizeof TOKENS / sizeof *TOKENS; i++) {
    const json_t *error = api_post(&tenant, TOKENS[i].status, "/api/payment-methods",
                                   "{'customerId':'%s','token':'%s'}", customer, TOKENS[i].token);
    cr_expect_str_eq(json_at(error, "code"), TOKENS[i].code, "%s", TOKENS[i].token);
    cr_expect_str_eq(json_at(error, "field"), "token", "%s", TOKENS[i].token);
  }
  cr_expect_eq(sql_int(&tenant, "SELECT count(*) FROM payment_methods WHERE tenant_id = $1 AND status = 'active'"), 0);
}

Test(payments, a_method_for_another_tenant_s_customer_is_not_found) {
  struct tenant tenant = tenant_new(), other = tenant_new();
  const json_t *error = api_post(&tenant, 404, "/api/payment-methods", "{'customerId':'%s','token':'pm_card_visa'}",
                                 customer_new(&other, NULL));
  cr_expect_str_eq(json_at(error, "code"), "NOT_FOUND");
}

/* -- charges -- */

Test(payments, a_finalised_invoice_is_charged_once_and_the_books_balance) {
  struct payer payer = payer_with("pm_card_visa");
  WAIT_UNTIL(payment_is(&payer, "succeeded"), "the payment");
  const json_t *payment = only_payment(&payer);
  cr_expect_eq(json_number_at(payment, "amount"), 9.0);
  cr_expect_eq(json_number_at(payment, "attempts"), 1);
  cr_expect_eq(gateway_paid(json_at(payment, "invoiceId")), 1);
  const json_t *invoice = api_get(&payer.tenant, 200, "/api/billing/invoices/%s", json_at(payment, "invoiceId"));
  cr_expect_str_eq(json_at(invoice, "status"), "paid");
  cr_expect_str_eq(json_at(invoice, "paymentMethod"), "card");
  cr_expect_str_eq(json_at(invoice, "paymentReference"), json_at(payment, "transactionId"));
  WAIT_UNTIL(count_messages(&payer.tenant, "invoice.paid") == 1, "invoice.paid");
  cr_expect_eq(count_messages(&payer.tenant, "payment.succeeded"), 1);
  cr_expect_str_eq(json_at(messages_of(&payer.tenant, "payment.succeeded"), "0.paymentId"), json_at(payment, "id"));
  expect_sound_books(&payer.tenant);
}

Test(payments, an_invoice_waits_for_the_first_payment_method) {
  struct payer payer = {.tenant = tenant_new()};
  payer.customer = customer_new(&payer.tenant, NULL);
  subscription_new(&payer.tenant, payer.customer, plan_new(&payer.tenant, "9.00", "USD", "weekly"), days_ago(2));
  WAIT_UNTIL(payment_is(&payer, "pending"), "the payment");
  cr_expect_null(json_at(only_payment(&payer), "nextRetryAt"));
  payment_method_new(&payer.tenant, payer.customer, "pm_card_visa");
  WAIT_UNTIL(payment_is(&payer, "succeeded"), "it to be paid");
  expect_sound_books(&payer.tenant);
}

Test(payments, a_soft_decline_is_tried_again_and_a_new_card_at_once) {
  struct payer payer = payer_with("pm_card_chargeDeclinedInsufficientFunds");
  WAIT_UNTIL(has_failed_times(&payer, 1), "the first decline");
  const json_t *payment = only_payment(&payer);
  cr_expect_str_eq(json_at(payment, "status"), "pending");
  cr_expect_str_eq(json_at(payment, "failureCode"), "insufficient_funds");
  cr_expect_not_null(json_at(payment, "nextRetryAt"));
  WAIT_UNTIL(count_messages(&payer.tenant, "subscription.past_due") == 1, "past due (BILL-084)");
  payment_method_new(&payer.tenant, payer.customer, "pm_card_mastercard");
  WAIT_UNTIL(payment_is(&payer, "succeeded"), "the other card");
  WAIT_UNTIL(count_messages(&payer.tenant, "subscription.recovered") == 1, "active again");
  cr_expect_eq(count_messages(&payer.tenant, "payment.succeeded"), 1);
  cr_expect_str_eq(json_at(messages_of(&payer.tenant, "payment.failed"), "0.declineClass"), "soft");
  expect_sound_books(&payer.tenant);
}

Test(payments, a_card_that_must_be_authenticated_needs_the_customer) {
  struct payer payer = payer_with("pm_card_authenticationRequired");
  WAIT_UNTIL(payment_is(&payer, "requires_action"), "the decline");
  WAIT_UNTIL(count_messages(&payer.tenant, "payment.action_required") == 1, "the event");
  cr_expect_eq(count_messages(&payer.tenant, "payment.failed"), 0);
}

/* BILL-083: with its history into the dead letters, and back by somebody's word. */
Test(payments, what_is_exhausted_is_buried_and_can_be_replayed) {
  struct payer payer = payer_with("pm_card_declineThenSucceed_6");
  for (int64_t attempt = 1; attempt <= 5; attempt++) {
    WAIT_UNTIL(has_failed_times(&payer, attempt), "decline %d", (int)attempt);
    make_due(&payer);
  }
  WAIT_UNTIL(payment_is(&payer, "failed"), "the last one");
  const char *letter = json_at(only_payment(&payer), "deadLetterId");
  cr_assert_not_null(letter);
  const json_t *shown = api_get(&payer.tenant, 200, "/api/dead-letters/%s", letter);
  cr_expect_str_eq(json_at(shown, "messageType"), "payment.collect");
  cr_expect_eq(json_array_size(json_node_at(shown, "history")), 6);
  WAIT_UNTIL(count_messages(&payer.tenant, "payment.exhausted") == 1, "the event");
  cr_expect_str_eq(json_at(messages_of(&payer.tenant, "payment.exhausted"), "0.deadLetterId"), letter);
  WAIT_UNTIL(kafka_read("cloudbill.payment.commands.dlq", "ce_tenantid", payer.tenant.id).count == 1, "its copy");
  cr_expect_eq(gateway_paid(json_at(only_payment(&payer), "invoiceId")), 0);

  api_post(&payer.tenant, 200, keep_text("/api/dead-letters/%s/replay", letter), "{}");
  WAIT_UNTIL(payment_is(&payer, "succeeded"), "the seventh try");
  cr_expect_eq(gateway_paid(json_at(only_payment(&payer), "invoiceId")), 1);
  expect_sound_books(&payer.tenant);
}
