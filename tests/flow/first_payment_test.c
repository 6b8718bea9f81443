/* A subscription that begins with its first payment, or not at all (BILL-051), and what becomes of a first invoice that
 * nobody owes any more. */
#include "flow.h"

TestSuite(first_payment, .timeout = 240);

static const json_t *shown(const struct tenant *tenant, const char *subscription) {
  return api_get(tenant, 200, "/api/billing/subscriptions/%s", subscription);
}

static void expect_state(const struct tenant *tenant, const char *subscription, const char *status) {
  WAIT_UNTIL(strcmp(json_at(shown(tenant, subscription), "status"), status) == 0, "%s to be %s", subscription, status);
}

static const json_t *require_payment(const struct tenant *tenant, const char *customer, const char *plan,
                                     const char *members) {
  return api_post(tenant, 201, "/api/billing/subscriptions",
                  "{'customerId':'%s','planId':'%s','paymentBehavior':'require_payment'%s}", customer, plan, members);
}

/* Whose invoice is none of the drafts that the tenant's others are (BILL-071). */
Test(first_payment, waits_for_its_first_payment) {
  struct tenant tenant = tenant_new();
  sql_do(&tenant, "UPDATE tenants SET draft_hours = 24 WHERE id = $1");
  const char *customer = customer_new(&tenant, NULL), *plan = plan_new(&tenant, "7.00", "USD", "weekly");
  const json_t *made = require_payment(&tenant, customer, plan, "");
  cr_expect_str_eq(json_at(made, "status"), "incomplete");
  cr_expect_null(json_at(made, "nextBillingDate"));
  WAIT_UNTIL(invoices_are(&tenant, 1), "the first invoice");
  billing_run(&tenant);
  cr_expect_str_eq(json_at(shown(&tenant, json_at(made, "id")), "status"), "incomplete");
  payment_method_new(&tenant, customer, "pm_card_visa");
  expect_state(&tenant, json_at(made, "id"), "active");
  cr_expect_str_eq(json_at(shown(&tenant, json_at(made, "id")), "nextBillingDate"),
                   keep_text("%sT00:00:00.000Z", days_ago(-7)));
  cr_expect_eq(count_messages(&tenant, "subscription.activated"), 1);
  cr_expect_eq(count_messages(&tenant, "subscription.recovered"), 0);
  expect_sound_books(&tenant);
}

/* -- a first invoice that nobody owes any more -- */

static const char *withdrawn_state(const struct tenant *tenant) {
  return sql_text(tenant, "SELECT status || ' ' || amount_credited_minor FROM invoices WHERE tenant_id = $1");
}

static const json_t *cancel_now(const struct tenant *tenant, const char *subscription) {
  return api_post(tenant, 200, keep_text("/api/billing/subscriptions/%s/cancel", subscription),
                  "{'immediately':true,'prorate':true}");
}

static void expect_withdrawn(const struct tenant *tenant, const char *state, int64_t credit_minor) {
  WAIT_UNTIL(strcmp(withdrawn_state(tenant), state) == 0, "%s, it is %s", state, withdrawn_state(tenant));
  WAIT_UNTIL(
      sql_int(tenant, "SELECT COALESCE(sum(remaining_minor), 0)::bigint FROM credit_grants WHERE tenant_id = $1") ==
          credit_minor,
      "%lld of account credit", (long long)credit_minor);
  cr_expect_eq(count_messages(tenant, "invoice.withdraw"), 1);
  cr_expect_eq(sql_int(tenant, "SELECT count(*) FROM dead_letters WHERE tenant_id = $1 AND status = 'dead'"), 0);
  billing_run(tenant);
  cr_expect_eq(sql_int(tenant, "SELECT count(*) FROM invoices WHERE tenant_id = $1"), 1);
  expect_sound_books(tenant);
}

Test(first_payment, expires_when_the_first_payment_does_not_come) {
  struct tenant tenant = tenant_new();
  const char *customer = customer_new(&tenant, NULL), *plan = plan_new(&tenant, "7.00", "USD", "weekly");
  payment_method_new(&tenant, customer, "pm_card_chargeDeclinedInsufficientFunds");
  const char *id = json_at(require_payment(&tenant, customer, plan, ""), "id");
  WAIT_UNTIL(invoices_are(&tenant, 1), "the first invoice");
  cr_expect_str_eq(json_at(shown(&tenant, id), "status"), "incomplete");
  let_days_pass(&tenant, 1);
  expect_state(&tenant, id, "expired");
  cr_expect_not_null(json_at(shown(&tenant, id), "expiresAt"));
  cr_expect_str_eq(json_at(messages_of(&tenant, "subscription.expired"), "0.reason"), "the first payment did not come");
  expect_withdrawn(&tenant, "void 0", 0);
}

Test(first_payment, what_is_cancelled_before_its_first_payment_owes_nothing) {
  struct tenant tenant = tenant_new();
  const char *customer = customer_new(&tenant, NULL), *plan = plan_new(&tenant, "7.00", "USD", "weekly");
  payment_method_new(&tenant, customer, "pm_card_chargeDeclinedInsufficientFunds");
  const char *id = json_at(require_payment(&tenant, customer, plan, ""), "id");
  WAIT_UNTIL(count_messages(&tenant, "payment.failed") == 1, "the failure");
  cr_expect_str_eq(json_at(cancel_now(&tenant, id), "status"), "cancelled");
  expect_withdrawn(&tenant, "void 0", 0);
  WAIT_UNTIL(count_messages(&tenant, "payment.cancelled") == 1, "no retry");
  cr_expect_str_eq(json_at(shown(&tenant, id), "status"), "cancelled");
}

/* BILL-040: a coupon that may be redeemed once is there for the next one, unless its subscription begins. */
Test(first_payment, what_never_began_has_redeemed_no_coupon) {
  struct tenant tenant = tenant_new();
  const char *customer = customer_new(&tenant, NULL), *plan = plan_new(&tenant, "7.00", "USD", "weekly");
  const char *coupon = json_at(api_post(&tenant, 201, "/api/billing/coupons",
                                        "{'code':'ONE','percentOff':50,'duration':'forever','maxRedemptions':1}"),
                               "id");
  const char *redeemed = keep_text("SELECT times_redeemed FROM coupons WHERE tenant_id = $1 AND id = '%s'", coupon);
  cancel_now(&tenant, json_at(require_payment(&tenant, customer, plan, ",'coupons':['ONE']"), "id"));
  WAIT_UNTIL(sql_int(&tenant, redeemed) == 0, "the cancelled one to give it back");
  require_payment(&tenant, customer, plan, ",'coupons':['ONE']");
  const char *refused = keep_text("{'customerId':'%s','planId':'%s','coupons':['ONE']}", customer, plan);
  api_post(&tenant, 409, "/api/billing/subscriptions", "%s", refused);
  WAIT_UNTIL(invoices_are(&tenant, 2), "the first invoice");
  let_days_pass(&tenant, 1);
  WAIT_UNTIL(sql_int(&tenant, redeemed) == 0, "the expired one to give it back");
  WAIT_UNTIL(sql_int(&tenant, "SELECT count(*) FROM invoices WHERE tenant_id = $1 AND status = 'void'") == 2,
             "the void");
  cr_expect_eq(sql_int(&tenant, "SELECT sum(total_minor)::bigint FROM invoices WHERE tenant_id = $1"), 700);
  payment_method_new(&tenant, customer, "pm_card_visa");
  const char *begun = json_at(require_payment(&tenant, customer, plan, ",'coupons':['ONE']"), "id");
  expect_state(&tenant, begun, "active");
  cancel_now(&tenant, begun);
  cr_expect_eq(sql_int(&tenant, redeemed), 1, "what began has had it");
  api_post(&tenant, 409, "/api/billing/subscriptions", "%s", refused);
}

/* The invoice comes after the cancellation: here, because it had to be sent again. With account credit it is paid as it
 * comes, and the credit is there again. */
Test(first_payment, a_cancellation_is_quicker_than_its_first_invoice) {
  static const struct {
    const char *credit, *state;
    int64_t credit_minor;
  } cases[] = {{NULL, "void 0", 0}, {"7.00", "paid 700", 700}, {"2.00", "void 0", 200}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    struct tenant tenant = tenant_new();
    const char *customer = customer_new(&tenant, NULL), *plan = plan_new(&tenant, "7.00", "USD", "weekly");
    sql_do(&tenant, "INSERT INTO invoice_series VALUES ($1, 'INV', 9223372036854775807)"); /* none comes after it */
    const char *id = json_at(require_payment(&tenant, customer, plan, ""), "id"), *letter = NULL;
    WAIT_UNTIL((letter = sql_text(&tenant, "SELECT id FROM dead_letters WHERE tenant_id = $1")), "a dead letter");
    cancel_now(&tenant, id);
    sql_do(&tenant, "UPDATE invoice_series SET next_number = 1 WHERE tenant_id = $1");
    if (cases[i].credit)
      api_post(&tenant, 201, keep_text("/api/billing/customers/%s/credits", customer),
               "{'amount':'%s','currency':'USD'}", cases[i].credit);
    api_post(&tenant, 200, keep_text("/api/dead-letters/%s/replay", letter), "{}");
    WAIT_UNTIL(invoices_are(&tenant, 1), "the first invoice");
    expect_withdrawn(&tenant, cases[i].state, cases[i].credit_minor);
  }
}

static const char still_waiting[] =
    "SELECT count(*) FROM subscriptions WHERE tenant_id = $1 AND incomplete_until NOT IN ('infinity', '-infinity')";

/* A subscription with the coupon ONE, which may be redeemed once, whose first invoice dies. */
static const char *wait_for_what_dies(const struct tenant *tenant, const char *customer, const char *plan,
                                      const char **ret_letter) {
  api_post(tenant, 201, "/api/billing/coupons",
           "{'code':'ONE','percentOff':50,'duration':'forever','maxRedemptions':1}");
  sql_do(tenant, "INSERT INTO invoice_series VALUES ($1, 'INV', 9223372036854775807)"); /* none comes after it */
  const char *id = json_at(require_payment(tenant, customer, plan, ",'coupons':['ONE']"), "id");
  WAIT_UNTIL((*ret_letter = sql_text(tenant, "SELECT id FROM dead_letters WHERE tenant_id = $1")), "a dead letter");
  return id;
}

/* The invoice never comes, for somebody drops the dead letter that it is: before the subscription ends, or after. Then
 * nothing is waited for, and the coupon may be redeemed again. */
Test(first_payment, a_first_invoice_that_is_dropped_gives_its_coupon_back) {
  for (int ends_before = 0; ends_before < 3; ends_before++) {
    struct tenant tenant = tenant_new();
    const char *customer = customer_new(&tenant, NULL), *plan = plan_new(&tenant, "7.00", "USD", "weekly"),
               *letter = NULL;
    const char *id = wait_for_what_dies(&tenant, customer, plan, &letter);
    if (ends_before == 1) cancel_now(&tenant, id);
    if (ends_before == 2) let_days_pass(&tenant, 1);
    if (ends_before == 2) expect_state(&tenant, id, "expired");
    cr_expect_eq(sql_int(&tenant, "SELECT times_redeemed FROM coupons WHERE tenant_id = $1"), 1);
    api_post(&tenant, 200, keep_text("/api/dead-letters/%s/drop", letter), "{}");
    WAIT_UNTIL(sql_int(&tenant, "SELECT times_redeemed FROM coupons WHERE tenant_id = $1") == 0, "the coupon");
    expect_state(&tenant, id, ends_before == 1 ? "cancelled" : "expired");
    cr_expect_eq(sql_int(&tenant, still_waiting), 0);
    require_payment(&tenant, customer, plan, ",'coupons':['ONE']");
  }
}

/* Its message was sent twice, and has two letters. One that is dropped says nothing while the other is there; and what
 * comes when all were dropped (here, of a third) is withdrawn, and gives back no coupon a second time. */
Test(first_payment, a_first_invoice_is_dropped_with_the_last_of_its_dead_letters) {
  struct tenant tenant = tenant_new();
  const char *customer = customer_new(&tenant, NULL), *plan = plan_new(&tenant, "7.00", "USD", "weekly"),
             *letter = NULL;
  const char *id = wait_for_what_dies(&tenant, customer, plan, &letter);
  api_post(&tenant, 200, keep_text("/api/dead-letters/%s/drop", dead_letter_again(&tenant, letter)), "{}");
  cr_expect_eq(sql_int(&tenant, still_waiting), 1);
  api_post(&tenant, 200, keep_text("/api/dead-letters/%s/drop", letter), "{}");
  WAIT_UNTIL(sql_int(&tenant, "SELECT times_redeemed FROM coupons WHERE tenant_id = $1") == 0, "the coupon");
  expect_state(&tenant, id, "expired");
  api_post(&tenant, 200, keep_text("/api/dead-letters/%s/drop", dead_letter_again(&tenant, letter)), "{}");
  cr_expect_eq(sql_int(&tenant, "SELECT count(*) FROM subscriptions WHERE tenant_id = $1 AND incomplete_until = "
                                "'infinity'"),
               1);
  sql_do(&tenant, "UPDATE invoice_series SET next_number = 1 WHERE tenant_id = $1");
  api_post(&tenant, 200, keep_text("/api/dead-letters/%s/replay", dead_letter_again(&tenant, letter)), "{}");
  WAIT_UNTIL(invoices_are(&tenant, 1), "the first invoice");
  expect_withdrawn(&tenant, "void 0", 0);
  cr_expect_eq(sql_int(&tenant, "SELECT times_redeemed FROM coupons WHERE tenant_id = $1"), 0);
}

/* BILL-080: money that comes in for it is the customer's, whether it comes before the withdrawal or after. */
Test(first_payment, a_first_payment_that_comes_too_late_is_the_customer_s_credit) {
  struct tenant tenant = tenant_new();
  const char *customer = customer_new(&tenant, NULL), *plan = plan_new(&tenant, "7.00", "USD", "weekly");
  payment_method_new(&tenant, customer, "pm_card_processing");
  const char *id = json_at(require_payment(&tenant, customer, plan, ""), "id");
  WAIT_UNTIL(sql_text(&tenant, "SELECT gateway_intent_id FROM payment_attempts WHERE tenant_id = $1"), "the charge");
  cancel_now(&tenant, id);
  WAIT_UNTIL(strcmp(withdrawn_state(&tenant), "void 0") == 0, "the invoice to be void");
  bank_says(&tenant, "succeeded");
  expect_withdrawn(&tenant, "void 0", 700);
  cr_expect_str_eq(json_at(shown(&tenant, id), "status"), "cancelled");
}

Test(first_payment, a_part_that_was_paid_of_it_is_given_back) {
  struct tenant tenant = tenant_new();
  const char *customer = customer_new(&tenant, NULL), *plan = plan_new(&tenant, "7.00", "USD", "weekly");
  const char *id = json_at(require_payment(&tenant, customer, plan, ""), "id");
  WAIT_UNTIL(invoices_are(&tenant, 1), "the first invoice");
  const char *invoice = sql_text(&tenant, "SELECT id FROM invoices WHERE tenant_id = $1");
  api_post(&tenant, 200, keep_text("/api/billing/invoices/%s/payment", invoice), "{'amount':'3.00'}");
  cr_expect_str_eq(json_at(shown(&tenant, id), "status"), "incomplete");
  cancel_now(&tenant, id);
  expect_withdrawn(&tenant, "paid 700", 300);
  cr_expect_str_eq(json_at(shown(&tenant, id), "status"), "cancelled");
}

Test(first_payment, waits_for_no_payment_when_nothing_is_due) {
  static const char *const members[] = {",'trialDays':7", ",'startDate':'2036-01-01'", ",'currentPrice':'0'"};
  struct tenant tenant = tenant_new();
  const char *customer = customer_new(&tenant, NULL), *plan = plan_new(&tenant, "7.00", "USD", "weekly");
  for (size_t i = 0; i < sizeof members / sizeof *members; i++)
    cr_expect_str_neq(json_at(require_payment(&tenant, customer, plan, members[i]), "status"), "incomplete", "%s",
                      members[i]);
}
