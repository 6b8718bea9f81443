/* What a failed payment does to the subscription, and what a good one does after it (BILL-083, BILL-084). */
#include "flow.h"

TestSuite(dunning, .timeout = 180);

struct debtor {
  struct tenant tenant;
  const char *customer, *subscription, *email;
};

static struct debtor debtor_new(const char *card) {
  struct debtor d = {.tenant = tenant_new(), .email = keep_text("%s@debtor.example", new_id())};
  d.customer = json_at(api_post(&d.tenant, 201, "/api/customers", "{'name':'D','email':'%s'}", d.email), "id");
  payment_method_new(&d.tenant, d.customer, card);
  d.subscription = subscription_new(&d.tenant, d.customer, plan_new(&d.tenant, "20.00", "USD", "monthly"), days_ago(1));
  return d;
}

static bool is_in_state(const struct debtor *d, const char *status) {
  const json_t *shown = api_get(&d->tenant, 200, "/api/billing/subscriptions/%s", d->subscription);
  return strcmp(json_at(shown, "status"), status) == 0;
}

static bool has_mail_about(const char *email, const char *word) {
  struct mails mails = mails_for(email);
  for (size_t i = 0; i < mails.count; i++)
    if (mails.at[i].subject && strstr(mails.at[i].subject, word)) return true;
  return false;
}

static void expect_one(const struct debtor *d, const char *type) {
  WAIT_UNTIL(count_messages(&d->tenant, type) == 1, "%s", type);
  const json_t *event = messages_of(&d->tenant, type);
  cr_expect_str_eq(json_at(event, "0.subscriptionId"), d->subscription, "%s", type);
  cr_expect_not_null(json_at(event, "0.invoiceId"), "%s", type);
}

Test(dunning, the_first_failure_makes_it_past_due_and_a_payment_brings_it_back) {
  struct debtor d = debtor_new("pm_card_chargeDeclinedInsufficientFunds");
  WAIT_UNTIL(is_in_state(&d, "past_due"), "past_due");
  expect_one(&d, "subscription.past_due");
  WAIT_UNTIL(has_mail_about(d.email, "failed") || mails_for(d.email).count >= 2, "a mail about it");
  payment_method_new(&d.tenant, d.customer, "pm_card_visa");
  WAIT_UNTIL(is_in_state(&d, "active"), "active again");
  expect_one(&d, "subscription.recovered");
  cr_expect_eq(count_messages(&d.tenant, "subscription.past_due"), 1);
  expect_sound_books(&d.tenant);
}

/* A second failure is no second past_due. */
Test(dunning, it_becomes_past_due_once) {
  struct debtor d = debtor_new("pm_card_chargeDeclinedInsufficientFunds");
  WAIT_UNTIL(is_in_state(&d, "past_due"), "past_due");
  sql_do(&d.tenant, "UPDATE payments SET next_attempt_at = now() WHERE tenant_id = $1 AND status = 'pending'");
  WAIT_UNTIL(count_messages(&d.tenant, "payment.failed") == 2, "the second failure");
  WAIT_UNTIL(kafka_read("cloudbill.payment.events", "ce_tenantid", d.tenant.id).count > 0, "the events");
  struct records events = kafka_read("cloudbill.payment.events", "ce_tenantid", d.tenant.id);
  for (size_t i = 0; i < events.count; i++) WAIT_UNTIL(is_consumed(&events.at[i]), "the events to be consumed");
  cr_expect_eq(count_messages(&d.tenant, "subscription.past_due"), 1);
  cr_expect(is_in_state(&d, "past_due"));
}

/* -- however the debt ends (BILL-084): what waits to be charged ends with it, and so does past due -- */

static const char *invoice_of(const struct debtor *d) {
  return sql_text(&d->tenant, "SELECT id FROM invoices WHERE tenant_id = $1 ORDER BY number LIMIT 1");
}

/* By an action on the invoice, or by a credit note. */
static void settle(const struct debtor *d, const char *verb, const char *members) {
  const char *id = invoice_of(d);
  if (strcmp(verb, "credit-note") == 0)
    api_post(&d->tenant, 201, "/api/billing/credit-notes", "{'invoiceId':'%s'%s}", id, members);
  else
    api_post(&d->tenant, 200, keep_text("/api/billing/invoices/%s/%s", id, verb), "{%s}", members);
}

static const json_t *payment_by_gateway(const struct debtor *d) {
  const char *id = sql_text(&d->tenant, "SELECT id FROM payments WHERE tenant_id = $1 AND source = 'gateway'");
  return id ? api_get(&d->tenant, 200, "/api/payments/%s", id) : NULL;
}

static bool payment_is(const struct debtor *d, const char *status) {
  const json_t *payment = payment_by_gateway(d);
  return payment && strcmp(json_at(payment, "status"), status) == 0;
}

/* "past_due recovered", each with the invoice. */
static const char *collection_of(const struct debtor *d) {
  const json_t *timeline = api_get(&d->tenant, 200, "/api/billing/subscriptions/%s/timeline", d->subscription);
  const char *said = "";
  size_t index;
  const json_t *entry;
  json_array_foreach(timeline, index, entry) {
    const char *what = json_at(entry, "what");
    if (strcmp(what, "past_due") != 0 && strcmp(what, "recovered") != 0) continue;
    cr_expect_str_eq(json_at(entry, "invoiceId"), invoice_of(d), "%s", what);
    said = keep_text("%s%s%s", said, *said ? " " : "", what);
  }
  return said;
}

static void expect_settled(const struct debtor *d) {
  WAIT_UNTIL(payment_is(d, "cancelled"), "its payment to be cancelled");
  WAIT_UNTIL(is_in_state(d, "active"), "active again");
  expect_one(d, "subscription.recovered");
  cr_expect_null(json_at(payment_by_gateway(d), "nextRetryAt"));
  cr_expect_eq(count_messages(&d->tenant, "payment.cancelled"), 1);
  cr_expect_str_eq(json_at(messages_of(&d->tenant, "payment.cancelled"), "0.paymentId"),
                   json_at(payment_by_gateway(d), "id"));
  cr_expect_str_eq(collection_of(d), "past_due recovered");
  cr_expect_eq(gateway_paid(invoice_of(d)), 0);
  expect_sound_books(&d->tenant);
}

static const struct {
  const char *card, *verb, *members;
} settlements[] = {
    {"pm_card_chargeDeclinedInsufficientFunds", "payment", "'amount':20"},
    {"pm_card_chargeDeclinedInsufficientFunds", "void", ""},
    {"pm_card_chargeDeclinedInsufficientFunds", "uncollectible", ""},
    {"pm_card_chargeDeclinedInsufficientFunds", "credit-note", ""},
    {"pm_card_chargeDeclinedExpiredCard", "void", ""},
    {"pm_card_authenticationRequired", "credit-note", ""},
};

Test(dunning, whatever_settles_the_invoice_ends_it) {
  for (size_t i = 0; i < sizeof settlements / sizeof *settlements; i++) {
    struct debtor d = debtor_new(settlements[i].card);
    WAIT_UNTIL(is_in_state(&d, "past_due"), "past_due");
    settle(&d, settlements[i].verb, settlements[i].members);
    expect_settled(&d);
  }
}

Test(dunning, a_part_settles_nothing_and_two_parts_do) {
  struct debtor d = debtor_new("pm_card_chargeDeclinedInsufficientFunds");
  WAIT_UNTIL(is_in_state(&d, "past_due"), "past_due");
  settle(&d, "payment", "'amount':5");
  settle(&d, "credit-note", ",'amount':4");
  struct records events = kafka_read("cloudbill.payment.events", "ce_tenantid", d.tenant.id);
  for (size_t i = 0; i < events.count; i++) WAIT_UNTIL(is_consumed(&events.at[i]), "the events to be consumed");
  cr_expect(is_in_state(&d, "past_due"));
  cr_expect(payment_is(&d, "pending"), "it is tried again for what is left");
  settle(&d, "credit-note", "");
  expect_settled(&d);
}

/* Two invoices are overdue: the subscription is past due until the second one is settled, too. */
Test(dunning, it_is_past_due_until_nothing_overdue_is_left) {
  struct debtor d = debtor_new("pm_card_chargeDeclinedInsufficientFunds");
  WAIT_UNTIL(is_in_state(&d, "past_due"), "past_due");
  api_post(&d.tenant, 200, keep_text("/api/billing/subscriptions/%s/renew", d.subscription), "{}");
  WAIT_UNTIL(sql_int(&d.tenant, "SELECT count(*) FROM payments WHERE tenant_id = $1 AND failure_code IS NOT NULL") == 2,
             "the second failure");
  const json_t *invoices = sql_rows(&d.tenant, NULL, "SELECT id FROM invoices WHERE tenant_id = $1");
  for (size_t i = 0; i < 2; i++) {
    cr_expect(is_in_state(&d, "past_due"), "%zu are settled", i);
    api_post(&d.tenant, 200, keep_text("/api/billing/invoices/%s/void", json_at(invoices, keep_text("%zu.0", i))),
             "{}");
    WAIT_UNTIL(count_messages(&d.tenant, "payment.cancelled") == i + 1, "its payment to be cancelled");
    struct records events = kafka_read("cloudbill.payment.events", "ce_tenantid", d.tenant.id);
    for (size_t k = 0; k < events.count; k++) WAIT_UNTIL(is_consumed(&events.at[k]), "the events to be consumed");
  }
  cr_expect(is_in_state(&d, "active"));
  expect_one(&d, "subscription.recovered");
}

/* Its dead letter is moot when the invoice is void, and stays when it was given up: then somebody may still ask. */
Test(dunning, what_was_buried_ends_with_the_invoice_and_can_be_asked_for_when_it_was_given_up) {
  static const char *const verbs[] = {"void", "uncollectible"};
  for (size_t i = 0; i < 2; i++) {
    struct debtor d = debtor_new("pm_card_chargeDeclinedExpiredCard");
    WAIT_UNTIL(is_in_state(&d, "past_due"), "past_due");
    sql_do(&d.tenant, "UPDATE payments SET next_attempt_at = now() WHERE tenant_id = $1");
    const char *letter = NULL;
    WAIT_UNTIL((letter = sql_text(&d.tenant, "SELECT id FROM dead_letters WHERE tenant_id = $1")), "a dead letter");
    settle(&d, verbs[i], "");
    expect_settled(&d);
    bool is_void = strcmp(verbs[i], "void") == 0;
    cr_expect_str_eq(json_at(api_get(&d.tenant, 200, "/api/dead-letters/%s", letter), "status"),
                     is_void ? "dropped" : "dead");
    if (is_void) continue;
    payment_method_new(&d.tenant, d.customer, "pm_card_visa");
    cr_expect(payment_is(&d, "cancelled"), "a new card alone does not charge what was given up");
    api_post(&d.tenant, 200, keep_text("/api/dead-letters/%s/replay", letter), "{}");
    WAIT_UNTIL(all_are_paid(&d.tenant, 1), "the replayed payment");
    expect_sound_books(&d.tenant);
  }
}

/* -- it is being charged right now -- */

static const struct {
  const char *verb, *members, *outcome, *status;
  int64_t credit_minor;
} races[] = {
    {"void", "", "succeeded", "succeeded", 2000},        {"void", "", "failed", "cancelled", 0},
    {"credit-note", "", "succeeded", "succeeded", 2000}, {"payment", "'amount':15", "succeeded", "succeeded", 1500},
    {"uncollectible", "", "succeeded", "succeeded", 0},  {"uncollectible", "", "failed", "failed", 0},
};

/* BILL-080: what the gateway has been asked for ends with its answer. Money is never lost: it pays what is owed, and
 * the rest is the customer's credit. A failure is not tried again. */
Test(dunning, a_charge_that_is_under_way_meets_a_settled_invoice) {
  for (size_t i = 0; i < sizeof races / sizeof *races; i++) {
    struct debtor d = debtor_new("pm_card_processing");
    WAIT_UNTIL(payment_is(&d, "unknown"), "the charge to be under way");
    settle(&d, races[i].verb, races[i].members);
    bank_says(&d.tenant, races[i].outcome);
    WAIT_UNTIL(payment_is(&d, races[i].status), "row %zu: %s", i, races[i].status);
    cr_expect_null(json_at(payment_by_gateway(&d), "nextRetryAt"), "row %zu", i);
    cr_expect_eq(sql_int(&d.tenant, "SELECT COALESCE(sum(remaining_minor), 0)::bigint FROM credit_grants "
                                    "WHERE tenant_id = $1 AND source = 'overpayment'"),
                 races[i].credit_minor, "row %zu", i);
    cr_expect(is_in_state(&d, "active"), "row %zu", i);
    expect_sound_books(&d.tenant);
  }
}

/* What is over stays over, whoever pays or does not (BILL-050). */
Test(dunning, a_payment_revives_nothing_that_was_cancelled) {
  struct debtor d = debtor_new("pm_card_chargeDeclinedInsufficientFunds");
  WAIT_UNTIL(is_in_state(&d, "past_due"), "past_due");
  api_post(&d.tenant, 200, keep_text("/api/billing/subscriptions/%s/cancel", d.subscription), "{'immediately':true}");
  payment_method_new(&d.tenant, d.customer, "pm_card_visa");
  WAIT_UNTIL(all_are_paid(&d.tenant, 1), "the old invoice to be paid");
  struct records events = kafka_read("cloudbill.payment.events", "ce_tenantid", d.tenant.id);
  for (size_t i = 0; i < events.count; i++) WAIT_UNTIL(is_consumed(&events.at[i]), "the events to be consumed");
  cr_expect(is_in_state(&d, "cancelled"));
  cr_expect_eq(count_messages(&d.tenant, "subscription.recovered"), 0);
  expect_sound_books(&d.tenant);
}

/* -- what begins anew while something is owed still -- */

static void act_on(const struct debtor *d, const char *verb, const char *body, const char *status) {
  const json_t *answer =
      api_post(&d->tenant, 200, keep_text("/api/billing/subscriptions/%s/%s", d->subscription, verb), "%s", body);
  cr_expect_str_eq(json_at(answer, "status"), status, "%s", verb);
}

/* Its debts are as old as before; paying them ends it as ever. */
Test(dunning, a_debtor_that_was_suspended_is_past_due_again) {
  struct debtor d = debtor_new("pm_card_chargeDeclinedInsufficientFunds");
  WAIT_UNTIL(is_in_state(&d, "past_due"), "past_due");
  act_on(&d, "suspend", "{'prorate':false}", "suspended");
  act_on(&d, "reactivate", "{}", "past_due");
  WAIT_UNTIL(strcmp(collection_of(&d), "past_due past_due") == 0, "the timeline says it again");
  payment_method_new(&d.tenant, d.customer, "pm_card_visa");
  WAIT_UNTIL(is_in_state(&d, "active"), "active again");
  WAIT_UNTIL(count_messages(&d.tenant, "subscription.recovered") == 1, "subscription.recovered");
  cr_expect_eq(count_messages(&d.tenant, "subscription.past_due"), 2);
  cr_expect_str_eq(json_at(messages_of(&d.tenant, "subscription.reactivated"), "0.status"), "active",
                   "each event says one step");
  expect_sound_books(&d.tenant);
}

Test(dunning, a_debtor_that_paid_while_it_was_suspended_is_active) {
  struct debtor d = debtor_new("pm_card_chargeDeclinedInsufficientFunds");
  WAIT_UNTIL(is_in_state(&d, "past_due"), "past_due");
  act_on(&d, "suspend", "{'prorate':false}", "suspended");
  payment_method_new(&d.tenant, d.customer, "pm_card_visa");
  WAIT_UNTIL(all_are_paid(&d.tenant, 1), "the debt to be paid");
  act_on(&d, "reactivate", "{}", "active");
  cr_expect_eq(count_messages(&d.tenant, "subscription.past_due"), 1);
  expect_sound_books(&d.tenant);
}

/* BILL-053: an end that was to come changes nothing about what is owed, and neither does taking it back. */
Test(dunning, a_debtor_that_was_to_end_with_its_period_stays_past_due) {
  struct debtor d = debtor_new("pm_card_chargeDeclinedInsufficientFunds");
  WAIT_UNTIL(is_in_state(&d, "past_due"), "past_due");
  act_on(&d, "cancel", "{}", "past_due");
  act_on(&d, "reactivate", "{}", "past_due");
  cr_expect_eq(count_messages(&d.tenant, "subscription.past_due"), 1);
  expect_sound_books(&d.tenant);
}
