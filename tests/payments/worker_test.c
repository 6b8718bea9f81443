/* The payments worker with a real database and a gateway that can do everything but behave. */
#include <string.h>

#include "stage.h"

TestSuite(payments, .timeout = 120);

#define STAGE                \
  static struct stage stage; \
  stage_open(&stage);        \
  worker_start(&stage, 0)

#define WAIT_STATUS(payment, wanted) \
  WAIT_FOR(strcmp(status_of(&stage, (payment)), (wanted)) == 0, "%s, it is %s", (wanted), status_of(&stage, (payment)))

#define PAYMENT_TEXT(column, payment) \
  sql_text(&stage, "SELECT %s FROM payments WHERE tenant_id = $1 AND id = '%s'", (column), (payment))
#define PAYMENT_INT(column, payment) \
  sql_int(&stage, "SELECT %s FROM payments WHERE tenant_id = $1 AND id = '%s'", (column), (payment))

static const char *invoice_of(struct stage *stage, const char *payment) {
  return sql_text(stage, "SELECT invoice_id FROM payments WHERE tenant_id = $1 AND id = '%s'", payment);
}
static const char *customer_of(struct stage *stage, const char *payment) {
  return sql_text(stage, "SELECT customer_id FROM payments WHERE tenant_id = $1 AND id = '%s'", payment);
}

/* What must hold whenever a payment has succeeded: one charge, one posting of it, the invoice paid. */
static void check_paid_once(struct stage *stage, const char *payment) {
  const char *invoice = invoice_of(stage, payment);
  cr_expect_eq(charges_paid(stage, payment), 1);
  cr_expect_str_eq(sql_text(stage, "SELECT status FROM invoices WHERE tenant_id = $1 AND id = '%s'", invoice), "paid");
  cr_expect_eq(sql_int(stage, "SELECT amount_paid_minor - total_minor FROM invoices WHERE tenant_id = $1 AND id = '%s'",
                       invoice),
               0);
  cr_expect_eq(
      sql_int(stage, "SELECT count(*) FROM ledger_entries WHERE tenant_id = $1 AND document_id = '%s'", payment), 2);
  cr_expect_eq(sql_int(stage,
                       "SELECT sum(amount_minor) FROM ledger_entries WHERE tenant_id = $1 AND document_id = '%s' AND "
                       "account = 'cash'",
                       payment),
               sql_int(stage, "SELECT amount_minor FROM payments WHERE tenant_id = $1 AND id = '%s'", payment));
  cr_expect_eq(events(stage, "payment.succeeded", payment), 1);
  cr_expect_eq(events(stage, "invoice.paid", invoice), 1);
  cr_expect_eq(
      sql_int(
          stage,
          "SELECT count(*) FROM payment_attempts WHERE tenant_id = $1 AND payment_id = '%s' AND finished_at IS NULL",
          payment),
      0);
}

/* -- payment methods -- */

Test(payments, a_token_becomes_a_default_method_and_the_command_is_answered) {
  STAGE;
  const char *method = method_new(&stage, customer_new(&stage), "pm_card_visa");
  WAIT_FOR(sql_int(&stage, "SELECT count(*) FROM commands WHERE tenant_id = $1 AND status <> 'pending'") == 1,
           "an answer");
  cr_expect_eq(sql_int(&stage, "SELECT http_status FROM commands WHERE tenant_id = $1"), 201);
  cr_expect_str_eq(sql_text(&stage, "SELECT result::json->>'id' FROM commands WHERE tenant_id = $1"), method);
  cr_expect_str_eq(sql_text(&stage, "SELECT result::json->>'last4' FROM commands WHERE tenant_id = $1"), "4242");
  cr_expect_str_eq(sql_text(&stage, "SELECT result::json->>'isDefault' FROM commands WHERE tenant_id = $1"), "true");
  cr_expect_str_eq(
      sql_text(&stage,
               "SELECT brand || ' ' || expiry_month || '/' || expiry_year FROM payment_methods WHERE tenant_id = $1"),
      "visa 12/2034");
  cr_expect_eq(events(&stage, "payment-method.created", method), 1);
  cr_expect_eq(sql_int(&stage, "SELECT count(*) FROM gateway_customers WHERE tenant_id = $1"), 1);
  cr_expect_eq(worker_stop(&stage, 0), 0);
}

Test(payments, a_token_that_becomes_a_method_first_is_set_up_too) {
  STAGE;
  const char *method = method_new(&stage, customer_new(&stage), "tok_visa");
  WAIT_FOR(sql_int(&stage,
                   "SELECT count(*) FROM payment_methods WHERE tenant_id = $1 AND id = '%s' AND status = 'active'",
                   method) == 1,
           "the method");
}

Test(payments, an_unknown_token_is_refused_by_name) {
  STAGE;
  const char *method = method_new(&stage, customer_new(&stage), "pm_card_nobody");
  WAIT_FOR(sql_int(&stage, "SELECT count(*) FROM commands WHERE tenant_id = $1 AND status = 'failed'") == 1,
           "an answer");
  cr_expect_eq(sql_int(&stage, "SELECT http_status FROM commands WHERE tenant_id = $1"), 400);
  cr_expect_str_eq(sql_text(&stage, "SELECT error_code || ' ' || error_field FROM commands WHERE tenant_id = $1"),
                   "VALIDATION_ERROR token");
  cr_expect_str_eq(sql_text(&stage, "SELECT status FROM payment_methods WHERE tenant_id = $1 AND id = '%s'", method),
                   "refused");
  cr_expect_eq(events(&stage, "payment-method.created", method), 0);
}

Test(payments, one_default_at_a_time_and_the_newest_when_asked_for) {
  STAGE;
  const char *customer = customer_new(&stage);
  const char *first = method_new(&stage, customer, "pm_card_visa"),
             *second = method_new(&stage, customer, "pm_card_mastercard");
  WAIT_FOR(sql_int(&stage, "SELECT count(*) FROM payment_methods WHERE tenant_id = $1 AND status = 'active'") == 2,
           "both (%s)", first);
  cr_expect_eq(sql_int(&stage, "SELECT count(*) FROM payment_methods WHERE tenant_id = $1 AND is_default"), 1);
  const char *third = method_new(&stage, customer, "pm_card_amex");
  WAIT_FOR(sql_int(&stage, "SELECT count(*) FROM payment_methods WHERE tenant_id = $1 AND status = 'active'") == 3,
           "the third (%s)", second);
  cr_expect_str_eq(sql_text(&stage, "SELECT id FROM payment_methods WHERE tenant_id = $1 AND is_default"), third);
  cr_expect_eq(sql_int(&stage, "SELECT count(*) FROM gateway_customers WHERE tenant_id = $1"), 1);
}

Test(payments, a_method_stays_pending_while_the_gateway_is_away) {
  STAGE;
  sandbox_kill(&stage.sandbox);
  const char *method = method_new(&stage, customer_new(&stage), "pm_card_visa");
  WAIT_FOR(sql_int(&stage, "SELECT setup_attempts FROM payment_methods WHERE tenant_id = $1 AND id = '%s'", method) >=
               2,
           "two tries");
  cr_expect_str_eq(sql_text(&stage, "SELECT status FROM commands WHERE tenant_id = $1"), "pending");
  cr_assert(sandbox_start(&stage.sandbox, NULL));
  WAIT_FOR(sql_int(&stage, "SELECT count(*) FROM commands WHERE tenant_id = $1 AND http_status = 201") == 1,
           "the answer");
}

/* -- charges -- */

Test(payments, a_due_payment_is_charged_and_its_invoice_paid) {
  STAGE;
  const char *payment = payment_with(&stage, "pm_card_visa");
  WAIT_STATUS(payment, "succeeded");
  check_paid_once(&stage, payment);
  cr_expect_eq(PAYMENT_INT("attempts", payment), 1);
  cr_expect_str_eq(sql_text(&stage, "SELECT payment_method FROM invoices WHERE tenant_id = $1"), "card");
  cr_expect_str_eq(sql_text(&stage, "SELECT payment_reference FROM invoices WHERE tenant_id = $1"),
                   PAYMENT_TEXT("gateway_intent_id", payment));
}

static const struct {
  const char *currency;
  int64_t minor;
  const char *units;
} MONEY[] = {{"JPY", 500, "500"}, {"KWD", 12340, "12.340"}, {"EUR", 1, "0.01"}, {"USD", 99999999, "999999.99"}};

Test(payments, amounts_go_and_come_as_minor_units_of_their_currency) {
  STAGE;
  const char *customer = customer_new(&stage), *payments[4];
  method_new(&stage, customer, "pm_card_visa");
  WAIT_FOR(sql_int(&stage, "SELECT count(*) FROM payment_methods WHERE tenant_id = $1 AND status = 'active'") == 1,
           "the method");
  for (size_t i = 0; i < 4; i++)
    payments[i] = payment_new(&stage, invoice_new(&stage, customer, MONEY[i].currency, MONEY[i].minor));
  for (size_t i = 0; i < 4; i++) {
    char path[160];
    WAIT_STATUS(payments[i], "succeeded");
    check_paid_once(&stage, payments[i]);
    (void)snprintf(path, sizeof path, "/sandbox/charges?metadata[payment_id]=%s", payments[i]);
    json_t *charges = sandbox_ask(&stage, "GET", path, NULL);
    cr_expect_eq(json_integer_value(json_object_get(json_array_get(json_object_get(charges, "data"), 0), "amount")),
                 MONEY[i].minor);
    json_decref(charges);
    cr_expect_str_eq(sql_text(&stage,
                              "SELECT (m->>'value')::json->>'amount' FROM sent"
                              " WHERE m->>'ce_type' = 'payment.succeeded' AND m->>'ce_subject' = '%s'",
                              payments[i]),
                     MONEY[i].units);
  }
}

static const struct {
  const char *token, *status, *code, *class, *event;
  int days; /* to the next attempt, or to giving up */
} DECLINES[] = {
    {"pm_card_chargeDeclined", "pending", "generic_decline", "soft", "payment.failed", 1},
    {"pm_card_chargeDeclinedInsufficientFunds", "pending", "insufficient_funds", "soft", "payment.failed", 1},
    {"pm_card_chargeDeclinedProcessingError", "pending", "processing_error", "soft", "payment.failed", 1},
    {"pm_card_tryAgainLater", "pending", "try_again_later", "soft", "payment.failed", 1},
    {"pm_card_issuerNotAvailable", "pending", "issuer_not_available", "soft", "payment.failed", 1},
    {"pm_card_doNotHonor", "pending", "do_not_honor", "soft", "payment.failed", 1},
    {"pm_card_chargeDeclinedExpiredCard", "failed", "expired_card", "customer", "payment.failed", 14},
    {"pm_card_chargeDeclinedIncorrectCvc", "failed", "incorrect_cvc", "customer", "payment.failed", 14},
    {"pm_card_authenticationRequired", "requires_action", "authentication_required", "customer",
     "payment.action_required", 14},
    {"pm_card_chargeDeclinedLostCard", "failed", "lost_card", "never", "payment.failed", 14},
    {"pm_card_chargeDeclinedStolenCard", "failed", "stolen_card", "never", "payment.failed", 14},
    {"pm_card_pickupCard", "failed", "pickup_card", "never", "payment.failed", 14},
    {"pm_card_chargeDeclinedFraudulent", "failed", "fraudulent", "never", "payment.failed", 14},
};
enum { DECLINE_COUNT = sizeof DECLINES / sizeof DECLINES[0] };

Test(payments, a_decline_is_treated_by_its_class) {
  STAGE;
  const char *payments[DECLINE_COUNT];
  for (size_t i = 0; i < DECLINE_COUNT; i++) payments[i] = payment_with(&stage, DECLINES[i].token);
  for (size_t i = 0; i < DECLINE_COUNT; i++) {
    const char *payment = payments[i], *what = DECLINES[i].token;
    WAIT_FOR(events(&stage, DECLINES[i].event, payment) == 1, "%s of %s", DECLINES[i].event, what);
    cr_expect_str_eq(status_of(&stage, payment), DECLINES[i].status, "%s", what);
    cr_expect_str_eq(PAYMENT_TEXT("failure_code", payment), DECLINES[i].code, "%s", what);
    cr_expect_str_eq(PAYMENT_TEXT("decline_class", payment), DECLINES[i].class, "%s", what);
    cr_expect_eq(PAYMENT_INT("extract(day FROM next_attempt_at - first_failure_at)", payment), DECLINES[i].days, "%s",
                 what);
    cr_expect_eq(charges_made(&stage, payment), 1, "%s", what);
    cr_expect_eq(charges_paid(&stage, payment), 0, "%s", what);
    bool is_barred =
        sql_text(&stage, "SELECT barred_code FROM payment_methods WHERE tenant_id = $1 AND customer_id = '%s'",
                 customer_of(&stage, payment)) != NULL;
    cr_expect_eq(is_barred, strcmp(DECLINES[i].class, "never") == 0, "%s", what);
  }
  cr_expect_eq(sql_int(&stage, "SELECT count(*) FROM ledger_entries WHERE tenant_id = $1"), 0);
}

Test(payments, a_card_that_was_stolen_is_never_charged_again) {
  STAGE;
  const char *first = payment_with(&stage, "pm_card_chargeDeclinedStolenCard");
  WAIT_STATUS(first, "failed");
  const char *second = payment_new(&stage, invoice_new(&stage, customer_of(&stage, first), "USD", 500));
  WAIT_STATUS(second, "failed");
  cr_expect_eq(charges_made(&stage, second), 0);
  cr_expect_eq(PAYMENT_INT("attempts", second), 0);
  cr_expect_eq(events(&stage, "payment.failed", second), 1);
}

/* A customer with a method, and what falls due of him at one moment. */
static const char *due_at_once(struct stage *stage, const char *token, int count) {
  const char *customer = customer_new(stage), *method = method_new(stage, customer, token);
  WAIT_FOR(sql_int(stage, "SELECT count(*) FROM payment_methods WHERE tenant_id = $1 AND id = '%s' AND is_default",
                   method) == 1,
           "the method");
  sql_do(stage, "BEGIN");
  for (int i = 0; i < count; i++) (void)payment_new(stage, invoice_new(stage, customer, "USD", 500));
  sql_do(stage, "COMMIT");
  return customer;
}

/* BILL-081: the first answer is waited for, by two workers as well; then the card is known to be lost. */
Test(payments, a_lost_card_is_tried_once_whatever_waits_for_it) {
  STAGE;
  worker_start(&stage, 1);
  (void)due_at_once(&stage, "pm_card_chargeDeclinedLostCard", 6);
  WAIT_FOR(sql_int(&stage, "SELECT count(*) FROM payments WHERE tenant_id = $1 AND status = 'failed'") == 6, "all");
  cr_expect_eq(sql_int(&stage, "SELECT sum(attempts) FROM payments WHERE tenant_id = $1"), 1);
  cr_expect_eq(sql_int(&stage, "SELECT count(*) FROM payments WHERE tenant_id = $1 AND failure_code = 'lost_card'"), 6);
}

/* And a bank that takes its time holds up nothing else. */
Test(payments, what_a_bank_thinks_over_holds_up_no_other_charge) {
  STAGE;
  (void)due_at_once(&stage, "pm_card_processing", 3);
  WAIT_FOR(sql_int(&stage, "SELECT count(*) FROM payment_attempts WHERE tenant_id = $1 AND gateway_intent_id IS NOT "
                           "NULL AND finished_at IS NULL") == 3,
           "all to be asked for");
  cr_expect_eq(sql_int(&stage, "SELECT sum(attempts) FROM payments WHERE tenant_id = $1"), 3);
}

/* BILL-082, BILL-083 */
Test(payments, a_soft_decline_is_tried_on_schedule_and_buried_with_its_history) {
  static const int DAYS[] = {1, 3, 5, 7, 14};
  STAGE;
  const char *payment = payment_with(&stage, "pm_card_chargeDeclinedInsufficientFunds");
  for (int attempt = 1; attempt <= 5; attempt++) {
    WAIT_FOR(events(&stage, "payment.failed", payment) == attempt, "failure %d", attempt);
    cr_expect_str_eq(status_of(&stage, payment), "pending");
    cr_expect_eq(PAYMENT_INT("round(extract(epoch FROM next_attempt_at - first_failure_at) / 86400)", payment),
                 DAYS[attempt - 1]);
    make_due(&stage, payment);
  }
  WAIT_STATUS(payment, "failed");
  cr_expect_eq(charges_made(&stage, payment), 6);
  cr_expect_eq(events(&stage, "payment.failed", payment), 6);
  cr_expect_eq(events(&stage, "payment.exhausted", payment), 1);
  cr_expect_null(PAYMENT_TEXT("next_attempt_at", payment));
  const char *letter = PAYMENT_TEXT("dead_letter_id", payment);
  cr_assert_not_null(letter);
  cr_expect_eq(sql_int(&stage,
                       "SELECT jsonb_array_length(history) FROM dead_letters WHERE tenant_id = $1 AND id = '%s'",
                       letter),
               6);
  cr_expect_str_eq(sql_text(&stage,
                            "SELECT history->5->>'declineCode' FROM dead_letters WHERE tenant_id = $1 AND id = '%s'",
                            letter),
                   "insufficient_funds");
  cr_expect_str_eq(
      sql_text(&stage,
               "SELECT message_type || ' ' || source_topic FROM dead_letters WHERE tenant_id = $1 AND id = '%s'",
               letter),
      "payment.collect cloudbill.payment.commands");
  cr_expect_str_eq(
      sql_text(
          &stage,
          "SELECT convert_from(value, 'UTF8')::json->>'invoiceId' FROM dead_letters WHERE tenant_id = $1 AND id = '%s'",
          letter),
      invoice_of(&stage, payment));
  cr_expect_eq(sql_int(&stage, "SELECT count(*) FROM sent WHERE m->>'topic' = 'cloudbill.payment.commands.dlq'"), 1);
  cr_expect_eq(sql_int(&stage,
                       "SELECT count(DISTINCT (m->>'value')::json->>'version') - count(*) FROM sent"
                       " WHERE m->>'ce_subject' = '%s'",
                       payment),
               0, "each fact has a version of its own");
  /* BILL-081: and then the customer brings another card */
  method_new(&stage, customer_of(&stage, payment), "pm_card_visa");
  WAIT_STATUS(payment, "succeeded");
  check_paid_once(&stage, payment);
  cr_expect_eq(PAYMENT_INT("cycle", payment), 2);
  cr_expect_str_eq(sql_text(&stage, "SELECT status FROM dead_letters WHERE tenant_id = $1 AND id = '%s'", letter),
                   "dropped");
  cr_expect_eq(events(&stage, "dead-letter.dropped", letter), 1);
}

Test(payments, a_decline_that_ends_ends_the_retries) {
  STAGE;
  const char *payment = payment_with(&stage, "pm_card_declineOnceInsufficientFunds");
  WAIT_FOR(events(&stage, "payment.failed", payment) == 1, "the first failure");
  make_due(&stage, payment);
  WAIT_STATUS(payment, "succeeded");
  check_paid_once(&stage, payment);
  cr_expect_null(PAYMENT_TEXT("failure_code", payment));
}

Test(payments, what_the_customer_had_to_help_with_is_given_up_at_the_end_of_the_schedule) {
  STAGE;
  const char *payment = payment_with(&stage, "pm_card_chargeDeclinedExpiredCard");
  WAIT_STATUS(payment, "failed");
  cr_expect_null(PAYMENT_TEXT("dead_letter_id", payment));
  make_due(&stage, payment);
  WAIT_FOR(events(&stage, "payment.exhausted", payment) == 1, "its end");
  cr_expect_not_null(PAYMENT_TEXT("dead_letter_id", payment));
  cr_expect_eq(charges_made(&stage, payment), 1, "and nobody was asked again");
}

Test(payments, a_payment_without_a_method_waits_for_one) {
  STAGE;
  const char *customer = customer_new(&stage),
             *payment = payment_new(&stage, invoice_new(&stage, customer, "USD", 700));
  WAIT_FOR(PAYMENT_TEXT("first_failure_at", payment) != NULL, "it to wait");
  cr_expect_str_eq(status_of(&stage, payment), "pending");
  cr_expect_eq(PAYMENT_INT("extract(epoch FROM next_attempt_at - first_failure_at)", payment), INT64_C(14) * 86400);
  method_new(&stage, customer, "pm_card_visa");
  WAIT_STATUS(payment, "succeeded");
  check_paid_once(&stage, payment);
}

/* BILL-065, BILL-083: nobody waits for ever. */
Test(payments, a_payment_that_never_finds_a_method_is_given_up) {
  STAGE;
  const char *customer = customer_new(&stage),
             *payment = payment_new(&stage, invoice_new(&stage, customer, "USD", 700));
  WAIT_FOR(PAYMENT_TEXT("first_failure_at", payment) != NULL, "it to wait");
  sql_do(&stage,
         "UPDATE payments SET first_failure_at = now() - interval '14 days', next_attempt_at = now() WHERE id = '%s'",
         payment);
  WAIT_FOR(events(&stage, "payment.exhausted", payment) == 1, "its end");
  cr_expect_eq(events(&stage, "payment.failed", payment), 1);
  cr_expect_str_eq(status_of(&stage, payment), "failed");
  cr_expect_str_eq(PAYMENT_TEXT("failure_code", payment), "no_payment_method");
  cr_expect_not_null(PAYMENT_TEXT("dead_letter_id", payment));
  method_new(&stage, customer, "pm_card_visa");
  WAIT_STATUS(payment, "succeeded");
  check_paid_once(&stage, payment);
}

/* Stripe charges three decimals in multiples of ten. The invoice is paid, and the rest is the customer's (BILL-072). */
Test(payments, three_decimals_are_charged_as_the_gateway_counts_them) {
  STAGE;
  const char *customer = customer_new(&stage);
  method_new(&stage, customer, "pm_card_visa");
  WAIT_FOR(sql_int(&stage, "SELECT count(*) FROM payment_methods WHERE tenant_id = $1 AND status = 'active'") == 1,
           "the method");
  const char *payment = payment_new(&stage, invoice_new(&stage, customer, "KWD", 12345));
  WAIT_STATUS(payment, "succeeded");
  cr_expect_eq(PAYMENT_INT("amount_minor", payment), 12350);
  cr_expect_eq(charges_paid(&stage, payment), 1);
  cr_expect_str_eq(sql_text(&stage, "SELECT status || ' ' || amount_paid_minor FROM invoices WHERE tenant_id = $1"),
                   "paid 12345");
  cr_expect_eq(sql_int(&stage, "SELECT sum(amount_minor) FROM ledger_entries WHERE tenant_id = $1 AND account = "
                               "'customer_credit'"),
               -5);
  cr_expect_eq(sql_int(&stage, "SELECT sum(amount_minor) FROM ledger_entries WHERE tenant_id = $1 AND account = "
                               "'receivable'"),
               -12345);
}

/* BILL-082: days of downtime are no reason to try five times in a minute. */
Test(payments, retries_after_downtime_keep_their_distance) {
  STAGE;
  const char *payment = payment_with(&stage, "pm_card_chargeDeclinedInsufficientFunds");
  WAIT_FOR(events(&stage, "payment.failed", payment) == 1, "the first failure");
  sql_do(&stage,
         "UPDATE payments SET first_failure_at = first_failure_at - interval '20 days', next_attempt_at = now() - "
         "interval '19 days' WHERE id = '%s'",
         payment);
  WAIT_FOR(events(&stage, "payment.failed", payment) == 2, "the second one, at once");
  cr_expect_eq(PAYMENT_INT("round(extract(epoch FROM next_attempt_at - now()) / 86400)", payment), 2);
  cr_expect_eq(charges_made(&stage, payment), 2);
}

Test(payments, a_payment_of_what_is_not_owed_any_more_is_cancelled) {
  STAGE;
  const char *customer = customer_new(&stage), *invoice = invoice_new(&stage, customer, "USD", 700);
  sql_do(&stage, "UPDATE invoices SET status = 'void' WHERE tenant_id = $1 AND id = '%s'", invoice);
  const char *payment = payment_new(&stage, invoice);
  WAIT_STATUS(payment, "cancelled");
}

/* -- no clear answer (BILL-080) -- */

static const struct {
  const char *token;
  int64_t asked_least;
} UNCLEAR[] = {{"pm_card_noAnswerCharged", 2},
               {"pm_card_noAnswerNotCharged", 2},
               {"pm_card_error500", 2},
               {"pm_card_rateLimited", 3},
               {"pm_card_slow", 1}};

Test(payments, an_unclear_answer_is_asked_for_again_and_charged_once) {
  STAGE;
  const char *payments[5];
  for (size_t i = 0; i < 5; i++) payments[i] = payment_with(&stage, UNCLEAR[i].token);
  for (size_t i = 0; i < 5; i++) {
    WAIT_STATUS(payments[i], "succeeded");
    check_paid_once(&stage, payments[i]);
    cr_expect_eq(PAYMENT_INT("attempts", payments[i]), 1, "%s: one attempt, one key", UNCLEAR[i].token);
    cr_expect_geq(
        sql_int(&stage, "SELECT asked FROM payment_attempts WHERE tenant_id = $1 AND payment_id = '%s'", payments[i]),
        UNCLEAR[i].asked_least, "%s", UNCLEAR[i].token);
  }
}

Test(payments, a_silent_gateway_leaves_a_charge_unknown_until_it_speaks) {
  STAGE;
  const char *payment, *customer = customer_new(&stage);
  method_new(&stage, customer, "pm_card_visa");
  WAIT_FOR(sql_int(&stage, "SELECT count(*) FROM payment_methods WHERE tenant_id = $1 AND status = 'active'") == 1,
           "the method");
  gateway_fault(&stage, "{\"silent\":1}");
  payment = payment_new(&stage, invoice_new(&stage, customer, "USD", 9900));
  WAIT_STATUS(payment, "unknown");
  WAIT_FOR(sql_int(&stage, "SELECT asked FROM payment_attempts WHERE tenant_id = $1") >= 2, "a second try");
  cr_expect_eq(sql_int(&stage, "SELECT count(*) FROM payment_attempts WHERE tenant_id = $1"), 1);
  cr_expect_eq(events(&stage, "payment.failed", payment), 0);
  gateway_fault(&stage, NULL);
  make_due(&stage, payment);
  WAIT_STATUS(payment, "succeeded");
  check_paid_once(&stage, payment);
}

Test(payments, a_gateway_that_is_down_is_waited_for) {
  STAGE;
  const char *customer = customer_new(&stage);
  method_new(&stage, customer, "pm_card_visa");
  WAIT_FOR(sql_int(&stage, "SELECT count(*) FROM payment_methods WHERE tenant_id = $1 AND status = 'active'") == 1,
           "the method");
  sandbox_kill(&stage.sandbox);
  const char *payment = payment_new(&stage, invoice_new(&stage, customer, "USD", 9900));
  WAIT_FOR(sql_int(&stage, "SELECT COALESCE(max(asked), 0) FROM payment_attempts WHERE tenant_id = $1") >= 2,
           "a second try");
  cr_expect_str_eq(status_of(&stage, payment), "processing", "surely not charged, so not unknown");
  cr_assert(sandbox_start(&stage.sandbox, NULL));
  make_due(&stage, payment);
  WAIT_STATUS(payment, "succeeded");
  check_paid_once(&stage, payment);
}

Test(payments, an_intent_that_is_processing_is_fetched_until_it_is_settled) {
  STAGE;
  char path[160];
  const char *payment = payment_with(&stage, "pm_card_processing");
  WAIT_STATUS(payment, "unknown");
  (void)snprintf(path, sizeof path, "/sandbox/payment_intents/%s/settle",
                 sql_text(&stage, "SELECT gateway_intent_id FROM payment_attempts WHERE tenant_id = $1"));
  json_decref(sandbox_ask(&stage, "POST", path, "outcome=succeeded"));
  make_due(&stage, payment);
  WAIT_STATUS(payment, "succeeded");
  check_paid_once(&stage, payment);
}

/* A key that the gateway has forgotten must not be asked with before it has been looked whether the charge is there. */
static const struct {
  const char *token;
  int64_t charges_by_then;
} FORGOTTEN[] = {{"pm_card_noAnswerCharged", 1}, {"pm_card_noAnswerNotCharged", 0}};

Test(payments, a_charge_that_was_in_doubt_for_a_day_is_looked_for_first) {
  for (size_t i = 0; i < 2; i++) {
    STAGE;
    const char *payment = payment_with(&stage, FORGOTTEN[i].token);
    WAIT_STATUS(payment, "unknown");
    worker_kill(&stage, 0);
    cr_expect_eq(charges_paid(&stage, payment), FORGOTTEN[i].charges_by_then);
    sql_do(&stage, "UPDATE payment_attempts SET sent_at = now() - interval '2 days', idempotency_key = 'forgotten' "
                   "WHERE tenant_id = $1");
    make_due(&stage, payment);
    worker_start(&stage, 0);
    WAIT_STATUS(payment, "succeeded");
    check_paid_once(&stage, payment);
    stage_close(&stage);
  }
}

/* -- the world changes meanwhile -- */

Test(payments, money_for_an_invoice_that_was_paid_meanwhile_is_the_customers_credit) {
  STAGE;
  const char *payment = payment_with(&stage, "pm_card_slow");
  WAIT_STATUS(payment, "processing");
  sql_do(&stage, "UPDATE invoices SET status = 'paid', amount_paid_minor = total_minor WHERE tenant_id = $1");
  WAIT_STATUS(payment, "succeeded");
  cr_expect_eq(
      sql_int(&stage,
              "SELECT -sum(amount_minor) FROM ledger_entries WHERE tenant_id = $1 AND account = 'customer_credit'"),
      9900);
  cr_expect_eq(
      sql_int(&stage, "SELECT sum(amount_minor) FROM ledger_entries WHERE tenant_id = $1 AND account = 'cash'"), 9900);
  cr_expect_eq(
      sql_int(&stage, "SELECT sum(amount_minor) FROM ledger_entries WHERE tenant_id = $1 AND account = 'receivable'"),
      0);
  cr_expect_eq(sql_int(&stage, "SELECT amount_paid_minor FROM invoices WHERE tenant_id = $1"), 9900, "not twice");
}

/* A look that is under way when this is written saves the time that it read: said once, it could be lost. */
static void ask_an_hour_ago(struct stage *stage, const char *payment) {
  sql_do(stage, "UPDATE payment_attempts SET asked_at = now() - interval '1 hour' WHERE tenant_id = $1");
  make_due(stage, payment);
}

Test(payments, a_charge_in_doubt_for_an_invoice_that_is_void_is_not_made_now) {
  STAGE;
  const char *payment = payment_with(&stage, "pm_card_noAnswerNotCharged");
  WAIT_STATUS(payment, "unknown");
  sql_do(&stage, "UPDATE invoices SET status = 'void' WHERE tenant_id = $1");
  make_due(&stage, payment);
  WAIT_FOR(sql_int(&stage, "SELECT asked FROM payment_attempts WHERE tenant_id = $1") >= 2, "a look");
  cr_expect_str_eq(status_of(&stage, payment), "unknown", "it may still be on its way");
  WAIT_FOR(strcmp(status_of(&stage, payment), "cancelled") == 0 || (ask_an_hour_ago(&stage, payment), false),
           "its end");
  cr_expect_eq(charges_made(&stage, payment), 0);
}

Test(payments, a_method_that_comes_while_a_charge_fails_is_used_at_once) {
  STAGE;
  gateway_fault(&stage, "{\"latency_ms\":400}");
  const char *payment = payment_with(&stage, "pm_card_chargeDeclinedExpiredCard");
  WAIT_STATUS(payment, "processing");
  method_new(&stage, customer_of(&stage, payment), "pm_card_visa");
  WAIT_STATUS(payment, "succeeded");
  check_paid_once(&stage, payment);
}

/* -- crashes -- */

Test(payments, a_worker_that_dies_while_the_gateway_charges_is_succeeded_by_another) {
  STAGE;
  const char *payment = payment_with(&stage, "pm_card_slow");
  WAIT_STATUS(payment, "processing");
  worker_kill(&stage, 0);
  WAIT_FOR(charges_paid(&stage, payment) == 1, "the gateway, which goes on");
  cr_expect_str_eq(status_of(&stage, payment), "processing");
  worker_start(&stage, 0);
  WAIT_STATUS(payment, "succeeded"); /* when the deadline has passed */
  check_paid_once(&stage, payment);
  cr_expect_eq(sql_int(&stage, "SELECT asked FROM payment_attempts WHERE tenant_id = $1"), 2);
}

/* Without the patience that a payment needs which was asked about again and again. */
static bool all_succeeded(struct stage *stage, int64_t count) {
  sql_do(stage,
         "UPDATE payments SET next_attempt_at = now() WHERE tenant_id = $1 AND status IN ('unknown', 'processing')"
         " AND next_attempt_at > now() + interval '3 seconds' AND updated_at < now() - interval '3 seconds'");
  return sql_int(stage, "SELECT count(*) FROM payments WHERE tenant_id = $1 AND status = 'succeeded'") == count;
}

Test(payments, two_workers_that_are_killed_and_cut_off_charge_each_payment_once) {
  enum { CUSTOMERS = 10, PAYMENTS_EACH = 30, PAYMENTS = CUSTOMERS * PAYMENTS_EACH };
  static struct stage stage;
  stage_open(&stage);
  worker_start(&stage, 0);
  worker_start(&stage, 1);
  gateway_fault(&stage, "{\"latency_ms\":30,\"after\":40,\"lose_next\":10,\"drop_next\":10,\"fail_next\":10}");
  for (int c = 0; c < CUSTOMERS; c++) {
    const char *customer = customer_new(&stage);
    for (int p = 0; p < PAYMENTS_EACH; p++) payment_new(&stage, invoice_new(&stage, customer, "USD", 100 + p));
    method_new(&stage, customer, "pm_card_visa");
  }
  for (int i = 0; i < 8; i++) {
    sleep_ms(250);
    worker_kill(&stage, i % 2);
    worker_start(&stage, i % 2);
    sql_do(&stage, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND "
                   "usename = 'cloudbill_worker' AND random() < 0.5");
    sql_do(&stage, "UPDATE payments SET next_attempt_at = now() WHERE tenant_id = $1 AND status = 'processing' AND "
                   "random() < 0.3");
  }
  WAIT_FOR(all_succeeded(&stage, PAYMENTS), "all to be paid");
  json_t *stats = sandbox_ask(&stage, "GET", "/sandbox/stats", NULL);
  cr_expect_eq(json_integer_value(json_object_get(json_object_get(stats, "charges"), "succeeded")), PAYMENTS);
  json_decref(stats);
  cr_expect_eq(
      sql_int(
          &stage,
          "SELECT count(*) FROM invoices WHERE tenant_id = $1 AND status = 'paid' AND amount_paid_minor = total_minor"),
      PAYMENTS);
  cr_expect_eq(sql_int(&stage, "SELECT count(*) / 2 FROM ledger_entries WHERE tenant_id = $1"), PAYMENTS);
  cr_expect_eq(sql_int(&stage, "SELECT sum(amount_minor) FROM ledger_entries WHERE tenant_id = $1"), 0);
  cr_expect_eq(
      sql_int(&stage, "SELECT count(DISTINCT m->>'ce_id') FROM sent WHERE m->>'ce_type' = 'payment.succeeded'"),
      PAYMENTS);
}

Test(payments, a_worker_that_is_asked_to_stop_finishes_what_is_under_way) {
  STAGE;
  const char *payment = payment_with(&stage, "pm_card_slow");
  WAIT_STATUS(payment, "processing");
  cr_expect_eq(worker_stop(&stage, 0), 0);
  check_paid_once(&stage, payment);
}
