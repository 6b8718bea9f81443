/* Billing runs: everything that fell due, oldest first, one invoice for each period, whoever else runs (BILL-060 to
 * 065). */
#include <pthread.h>

#include "flow.h"

TestSuite(billing_run, .timeout = 180);

static int64_t invoices_of(const struct tenant *tenant) {
  return sql_int(tenant, "SELECT count(*) FROM invoices WHERE tenant_id = $1 AND status <> 'draft'");
}

/* A subscription that sends its invoices: nothing is charged. */
static const char *subscribe(const struct tenant *tenant, const char *customer, const char *plan, const char *start,
                             const char *more) {
  return json_at(api_post(tenant, 201, "/api/billing/subscriptions",
                          "{'customerId':'%s','planId':'%s','startDate':'%s','collection':'manual'%s}", customer, plan,
                          start, more),
                 "id");
}

static void await_invoices(const struct tenant *tenant, int64_t count) {
  WAIT_UNTIL(invoices_of(tenant) >= count, "%lld invoices, there are %lld", (long long)count,
             (long long)invoices_of(tenant));
  cr_expect_eq(invoices_of(tenant), count);
}

Test(billing_run, reports_what_became_of_everything_due) {
  struct tenant tenant = tenant_new();
  const char *weekly = plan_new(&tenant, "5.00", "USD", "weekly"),
             *yearly = plan_new(&tenant, "120.00", "USD", "yearly");
  const char *start = days_ago(65);
  for (int i = 0; i < 5; i++) subscribe(&tenant, customer_new(&tenant, NULL), weekly, start, "");
  subscribe(&tenant, customer_new(&tenant, NULL), yearly, start, "");
  const char *run = billing_run(&tenant);
  int64_t due = 5 * (periods_begun(start, "1 week") - 1); /* the first of each was billed when it was made */
  await_invoices(&tenant, due + 6);
  const json_t *shown = api_get(&tenant, 200, "/api/billing/runs/%s", run);
  cr_expect_eq(json_number_at(shown, "due"), (double)due);
  cr_expect_eq(json_number_at(shown, "invoiced"), (double)due);
  cr_expect_eq(json_number_at(shown, "nothingToBill"), 0);
  cr_expect_eq(json_number_at(shown, "parked"), 0);
  cr_expect_eq(json_number_at(shown, "invoicesFinalised"), (double)due);
  cr_expect_eq(json_number_at(shown, "customersLeft"), 0);
  cr_expect_str_eq(json_at(shown, "amounts.0.currency"), "USD");
  cr_expect_eq(json_number_at(shown, "amounts.0.total"), 5.0 * (double)due);
  const json_t *started = messages_of(&tenant, "billing-run.start");
  cr_expect_eq(json_array_size(started), 1);
  expect_sound_books(&tenant);
}

Test(billing_run, a_second_one_finds_nothing) {
  struct tenant tenant = tenant_new();
  subscribe(&tenant, customer_new(&tenant, NULL), plan_new(&tenant, "5.00", "USD", "weekly"), days_ago(30), "");
  billing_run(&tenant);
  await_invoices(&tenant, periods_begun(days_ago(30), "1 week"));
  const char *before = fingerprint(&tenant);
  const json_t *again = api_get(&tenant, 200, "/api/billing/runs/%s", billing_run(&tenant));
  cr_expect_eq(json_number_at(again, "due"), 0);
  cr_expect_eq(invoices_of(&tenant), periods_begun(days_ago(30), "1 week"));
  cr_expect_str_neq(before, ""); /* the run itself is new: only the bills must be the same */
  expect_sound_books(&tenant);
}

static void *run_in_thread(void *context) {
  const struct tenant *tenant = context;
  struct answer answer = http_request("POST", "/api/billing/runs", tenant->token, "{}", NULL);
  return (void *)(intptr_t)answer.status;
}

Test(billing_run, several_at_once_bill_each_period_once) {
  struct tenant tenant = tenant_new();
  const char *plan = plan_new(&tenant, "1.00", "USD", "daily");
  for (int i = 0; i < 8; i++) subscribe(&tenant, customer_new(&tenant, NULL), plan, days_ago(20), "");
  pthread_t threads[4];
  for (int i = 0; i < 4; i++) pthread_create(&threads[i], NULL, run_in_thread, &tenant);
  for (int i = 0; i < 4; i++) {
    void *status;
    pthread_join(threads[i], &status);
    cr_expect_eq((intptr_t)status, 201);
  }
  int64_t periods = 8 * periods_begun(days_ago(20), "1 day");
  await_invoices(&tenant, periods);
  WAIT_UNTIL(sql_int(&tenant, "SELECT count(*) FROM billing_runs WHERE tenant_id = $1 AND status = 'completed'") == 4,
             "all four runs to complete");
  cr_expect_eq(sql_int(&tenant, "SELECT sum(due) FROM billing_run_tallies WHERE tenant_id = $1"), periods - 8);
  expect_sound_books(&tenant);
}

/* BILL-061 */
Test(billing_run, lines_of_one_customer_and_day_share_an_invoice) {
  struct tenant tenant = tenant_new();
  const char *customer = customer_new(&tenant, NULL);
  const char *start = days_ago(10);
  const char *a = subscribe(&tenant, customer, plan_new(&tenant, "5.00", "USD", "weekly"), start, "");
  const char *b = subscribe(&tenant, customer, plan_new(&tenant, "7.00", "USD", "weekly"), start, "");
  cr_expect_str_neq(a, b);
  billing_run(&tenant);
  await_invoices(&tenant, 3); /* two first ones, one that is shared */
  cr_expect_eq(sql_int(&tenant, "SELECT total_minor FROM invoices WHERE tenant_id = $1 AND run_id IS NOT NULL"), 1200);
  cr_expect_eq(sql_int(&tenant, "SELECT count(*) FROM invoices WHERE tenant_id = $1 AND run_id IS NOT NULL "
                                "AND subscription_id IS NULL"),
               1);
  expect_sound_books(&tenant);
}

/* More periods behind than one step takes, of one of them alone: the others wait for it. */
Test(billing_run, bill_061_who_is_far_behind_has_one_invoice_a_day_as_well) {
  struct tenant tenant = tenant_new();
  const char *customer = customer_new(&tenant, NULL), *start = days_ago(300);
  subscribe(&tenant, customer, plan_new(&tenant, "1.00", "USD", "daily"), start, "");
  subscribe(&tenant, customer, plan_new(&tenant, "5.00", "USD", "weekly"), start, "");
  subscribe(&tenant, customer, plan_new(&tenant, "20.00", "USD", "monthly"), start, "");
  billing_run(&tenant);
  await_invoices(&tenant, 300 + 3); /* each day after the first, whose invoices were made with the subscriptions */
  cr_expect_eq(sql_int(&tenant,
                       "SELECT count(*) FROM (SELECT FROM invoice_items WHERE tenant_id = $1 AND period_index > 0 "
                       "GROUP BY period_start HAVING count(DISTINCT invoice_id) > 1) AS day"),
               0);
  expect_sound_books(&tenant);
}

Test(billing_run, what_costs_nothing_moves_on_without_an_invoice) {
  struct tenant tenant = tenant_new();
  const char *subscription =
      subscribe(&tenant, customer_new(&tenant, NULL), plan_new(&tenant, "0", "USD", "weekly"), days_ago(10), "");
  const json_t *run = api_get(&tenant, 200, "/api/billing/runs/%s", billing_run(&tenant));
  cr_expect_eq(json_number_at(run, "due"), 1);
  cr_expect_eq(json_number_at(run, "nothingToBill"), 1);
  cr_expect_eq(invoices_of(&tenant), 0);
  cr_expect_eq(sql_int(&tenant, "SELECT next_period_index FROM subscriptions WHERE tenant_id = $1"), 2, "%s",
               subscription);
}

/* BILL-063. Nothing that the API lets in cannot be billed, so the row is bent behind its back. */
Test(billing_run, what_cannot_be_billed_is_parked_and_stops_nobody) {
  struct tenant tenant = tenant_new();
  const char *plan = plan_new(&tenant, "5.00", "USD", "weekly");
  const char *bad = subscribe(&tenant, customer_new(&tenant, NULL), plan, days_ago(10), "");
  const char *good = subscribe(&tenant, customer_new(&tenant, NULL), plan, days_ago(10), "");
  sql_do(NULL, keep_text("UPDATE subscriptions SET time_zone = 'Nowhere/Land' WHERE id = '%s'", bad));
  const char *run = billing_run(&tenant);
  await_invoices(&tenant, 3);
  const json_t *shown = api_get(&tenant, 200, "/api/billing/runs/%s", run);
  cr_expect_eq(json_number_at(shown, "due"), 2);
  cr_expect_eq(json_number_at(shown, "invoiced"), 1);
  cr_expect_eq(json_number_at(shown, "parked"), 1);
  const json_t *parked = api_get(&tenant, 200, "/api/billing/runs/%s/parked", run);
  cr_assert_eq(json_array_size(parked), 1);
  cr_expect_str_eq(json_at(parked, "0.subscriptionId"), bad);
  cr_expect_not_null(json_at(parked, "0.reason"));
  const json_t *events = messages_of(&tenant, "subscription.parked");
  cr_assert_eq(json_array_size(events), 1);
  cr_expect_str_eq(json_at(events, "0.subscriptionId"), bad);
  cr_expect_str_eq(json_at(events, "0.runId"), run);
  cr_expect_str_eq(json_at(messages_of(&tenant, "subscription.renewed"), "0.subscriptionId"), good);
  expect_sound_books(&tenant);
}

/* BILL-055 */
Test(billing_run, ends_what_does_not_renew) {
  struct tenant tenant = tenant_new();
  const char *subscription = subscribe(&tenant, customer_new(&tenant, NULL), plan_new(&tenant, "5.00", "USD", "weekly"),
                                       days_ago(20), ",'autoRenew':false");
  billing_run(&tenant);
  await_invoices(&tenant, 1);
  cr_expect_str_eq(json_at(api_get(&tenant, 200, "/api/billing/subscriptions/%s", subscription), "status"), "expired");
  const json_t *expired = messages_of(&tenant, "subscription.expired");
  cr_assert_eq(json_array_size(expired), 1);
  cr_expect_str_eq(json_at(expired, "0.status"), "expired");
  expect_sound_books(&tenant);
}

Test(billing_run, takes_what_is_due_at_its_time_and_no_more) {
  struct tenant tenant = tenant_new();
  const char *start = days_ago(30);
  subscribe(&tenant, customer_new(&tenant, NULL), plan_new(&tenant, "5.00", "USD", "weekly"), start, "");
  const json_t *run = api_post(&tenant, 201, "/api/billing/runs", "{'asOf':'%sT12:00:00Z'}", days_ago(10));
  WAIT_UNTIL(
      strcmp(json_at(api_get(&tenant, 200, "/api/billing/runs/%s", json_at(run, "id")), "status"), "completed") == 0,
      "the run to complete");
  await_invoices(&tenant, 3); /* days 30, 23, 16 ago */
  billing_run(&tenant);
  await_invoices(&tenant, periods_begun(start, "1 week"));
  cr_expect_str_eq(json_at(api_post(&tenant, 400, "/api/billing/runs", "{'asOf':'2999-01-01T00:00:00Z'}"), "field"),
                   "asOf");
}

/* BILL-051: `manual` sends the invoice, with the customer's terms, and charges nothing. */
Test(billing_run, manual_invoices_wait_for_their_terms) {
  struct tenant tenant = tenant_new();
  const char *customer = customer_new(&tenant, "'netTermsDays':30");
  payment_method_new(&tenant, customer, "pm_card_visa");
  subscribe(&tenant, customer, plan_new(&tenant, "5.00", "USD", "monthly"), days_ago(0), "");
  await_invoices(&tenant, 1);
  cr_expect_eq(sql_int(&tenant, "SELECT due_date - issue_date FROM invoices WHERE tenant_id = $1"), 30);
  cr_expect_str_eq(sql_text(&tenant, "SELECT status FROM invoices WHERE tenant_id = $1"), "open");
  cr_expect_eq(sql_int(&tenant, "SELECT count(*) FROM payments WHERE tenant_id = $1"), 0);
  expect_sound_books(&tenant);
}
