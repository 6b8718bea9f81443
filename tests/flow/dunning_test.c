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
