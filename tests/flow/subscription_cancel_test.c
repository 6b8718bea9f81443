/* subscription.cancel: at once, or with the period; and what is over stays over (BILL-050, BILL-053). */
#include "flow.h"

TestSuite(subscription_cancel, .timeout = 180);

static const char *active_subscription(const struct tenant *tenant, const char *start) {
  return subscription_new(tenant, customer_new(tenant, NULL), plan_new(tenant, "5.00", "USD", "weekly"), start);
}

static const json_t *cancel(const struct tenant *tenant, int status, const char *subscription, const char *body) {
  return api_post(tenant, status, keep_text("/api/billing/subscriptions/%s/cancel", subscription), "%s", body);
}

static int64_t invoices_after_a_run(const struct tenant *tenant) {
  billing_run(tenant);
  WAIT_UNTIL(sql_int(tenant,
                     "SELECT COALESCE(sum(invoices_requested - invoices_finalised), 0) FROM billing_run_tallies "
                     "WHERE tenant_id = $1") == 0,
             "the run's invoices");
  return sql_int(tenant, "SELECT count(*) FROM invoices WHERE tenant_id = $1");
}

Test(subscription_cancel, immediately_ends_it_for_good) {
  struct tenant tenant = tenant_new();
  const char *subscription = active_subscription(&tenant, days_ago(30));
  const json_t *answer = cancel(&tenant, 200, subscription, "{'immediately':true,'reason':'too dear'}");
  cr_expect_str_eq(json_at(answer, "status"), "cancelled");
  cr_expect_str_eq(json_at(answer, "cancelReason"), "too dear");
  cr_expect_not_null(json_at(answer, "cancelledAt"));
  cr_expect_null(json_at(answer, "nextBillingDate"));
  WAIT_UNTIL(count_messages(&tenant, "subscription.cancelled") == 1, "subscription.cancelled");
  const json_t *event = messages_of(&tenant, "subscription.cancelled");
  cr_expect_str_eq(json_at(event, "0.subscriptionId"), subscription);
  cr_expect_str_eq(json_at(event, "0.reason"), "too dear");
  cr_expect_eq(count_messages(&tenant, "subscription.cancel"), 1);
  cr_expect_eq(invoices_after_a_run(&tenant), periods_begun(days_ago(30), "7 days"), "what was used, and no more");
  expect_sound_books(&tenant);
}

Test(subscription_cancel, with_the_period_lets_it_run_out) {
  struct tenant tenant = tenant_new();
  const char *subscription = active_subscription(&tenant, days_ago(2));
  const json_t *answer = cancel(&tenant, 200, subscription, "{}");
  cr_expect_str_eq(json_at(answer, "status"), "active");
  cr_expect(json_is_true(json_node_at(answer, "cancelAtPeriodEnd")));
  WAIT_UNTIL(count_messages(&tenant, "subscription.cancellation_scheduled") == 1,
             "subscription.cancellation_scheduled");
  const json_t *event = messages_of(&tenant, "subscription.cancellation_scheduled");
  cr_expect_str_eq(json_at(event, "0.at"), json_at(answer, "currentPeriodEnd"));
  cr_expect_eq(count_messages(&tenant, "subscription.cancelled"), 0);
}

/* Nobody billed for a while: what was used since is billed, and it ends with the period that runs now, not in the past.
 * The days that pass until then are taken off its calendar. */
Test(subscription_cancel, with_the_period_bills_what_a_late_run_had_missed) {
  struct tenant tenant = tenant_new();
  const char *subscription = active_subscription(&tenant, days_ago(10));
  cancel(&tenant, 200, subscription, "{}");
  cr_expect_eq(invoices_after_a_run(&tenant), 2, "the period that runs now, too");
  const json_t *shown = api_get(&tenant, 200, "/api/billing/subscriptions/%s", subscription);
  cr_expect_str_eq(json_at(shown, "status"), "active");
  cr_expect_str_eq(sql_text(&tenant, "SELECT iso(cancel_at) FROM subscriptions WHERE tenant_id = $1"),
                   json_at(shown, "currentPeriodEnd"));
  sql_do(&tenant, "UPDATE subscriptions SET start_date = start_date - 7, anchor_date = anchor_date - 7,"
                  " next_billing_at = next_billing_at - interval '7 days', cancel_at = cancel_at - interval '7 days',"
                  " current_period_start = current_period_start - interval '7 days',"
                  " current_period_end = current_period_end - interval '7 days'"
                  " WHERE tenant_id = $1");
  sql_do(&tenant,
         "UPDATE customer_billing SET next_billing_at = next_billing_at - interval '7 days' WHERE tenant_id = $1");
  cr_expect_eq(invoices_after_a_run(&tenant), 2);
  shown = api_get(&tenant, 200, "/api/billing/subscriptions/%s", subscription);
  cr_expect_str_eq(json_at(shown, "status"), "cancelled");
  WAIT_UNTIL(count_messages(&tenant, "subscription.cancelled") == 1, "subscription.cancelled");
  expect_sound_books(&tenant);
}

Test(subscription_cancel, of_what_is_over_is_an_illegal_transition) {
  struct tenant tenant = tenant_new();
  const char *subscription = active_subscription(&tenant, days_ago(0));
  cancel(&tenant, 200, subscription, "{'immediately':true}");
  const json_t *error = cancel(&tenant, 409, subscription, "{'immediately':true}");
  cr_expect_str_eq(json_at(error, "code"), "ILLEGAL_TRANSITION");
  cr_expect(json_is_array(json_node_at(error, "details.allowed")), "details.allowed is missing");
  WAIT_UNTIL(count_messages(&tenant, "subscription.cancelled") == 1, "subscription.cancelled");
}

/* BILL-053: until then it can be taken back; once more with the period is refused with what may be done instead. */
Test(subscription_cancel, twice_with_the_period_is_refused_with_what_is_allowed) {
  struct tenant tenant = tenant_new();
  const char *subscription = active_subscription(&tenant, days_ago(2));
  cancel(&tenant, 200, subscription, "{}");
  const json_t *error = cancel(&tenant, 409, subscription, "{}");
  cr_expect_str_eq(json_at(error, "code"), "ILLEGAL_TRANSITION");
  cr_expect_str_eq(json_at(error, "details.allowed.0"), "reactivate");
  const json_t *kept =
      api_post(&tenant, 200, keep_text("/api/billing/subscriptions/%s/reactivate", subscription), "{}");
  cr_expect(json_is_false(json_node_at(kept, "cancelAtPeriodEnd")));
  cr_expect_str_eq(json_at(kept, "status"), "active");
  WAIT_UNTIL(count_messages(&tenant, "subscription.reactivated") == 1, "subscription.reactivated");
  cr_expect_eq(count_messages(&tenant, "invoice.create"), 1, "nothing is charged for that");
  cancel(&tenant, 200, subscription, "{'immediately':true}");
  expect_sound_books(&tenant);
}

Test(subscription_cancel, by_the_path_of_the_first_generation_is_at_once) {
  struct tenant tenant = tenant_new();
  const char *subscription = active_subscription(&tenant, days_ago(0));
  struct answer answer = api_call(&tenant, "DELETE", keep_text("/subscriptions/%s", subscription), NULL);
  cr_expect_eq(answer.status, 204, "%s", answer.text);
  cr_expect_str_eq(answer.text, "");
  cr_expect_str_eq(json_at(api_get(&tenant, 200, "/subscriptions/%s", subscription), "status"), "cancelled");
}
