/* subscription.suspend, .reactivate and .renew (BILL-054, BILL-055). The days that matter are made by the
 * subscription's start: a period of 30 days, whose day is known. */
#include "flow.h"

TestSuite(suspend, .timeout = 180);

/* Billed every 30 days, so that each share is known whatever the month. */
static const char *thirty_days(const struct tenant *tenant, const char *price) {
  return json_at(api_post(tenant, 201, "/api/plans",
                          "{'code':'p-%s','name':'Thirty','price':'%s','currency':'USD','interval':'day',"
                          "'intervalCount':30}",
                          new_id(), price),
                 "id");
}

static const char *act(const char *subscription, const char *verb) {
  return keep_text("/api/billing/subscriptions/%s/%s", subscription, verb);
}

static const char *started(const struct tenant *tenant, const char *price, int days) {
  const char *customer = customer_new(tenant, NULL);
  return subscription_new(tenant, customer, thirty_days(tenant, price), days_ago(days));
}

static bool invoices_are(const struct tenant *tenant, int64_t count) {
  return sql_int(tenant, "SELECT count(*) FROM invoices WHERE tenant_id = $1 AND status <> 'draft'") == count;
}

/* All lines of a tenant that are not the first charge: kind and minor units. */
static const char *later_lines(const struct tenant *tenant) {
  return sql_text(tenant, "SELECT string_agg(kind || ' ' || amount_minor, ', ' ORDER BY revision, kind) "
                          "FROM invoice_items WHERE tenant_id = $1 AND revision > 0");
}

/* BILL-054, BILL-023: 8 of 30 days left of 19.95 are 5.32. */
Test(suspend, stops_billing_and_credits_the_unused_time) {
  struct tenant tenant = tenant_new();
  const char *subscription = started(&tenant, "19.95", 22);
  WAIT_UNTIL(invoices_are(&tenant, 1), "the first invoice");
  const json_t *answer = api_post(&tenant, 200, act(subscription, "suspend"), "{'reason':'on request'}");
  cr_expect_str_eq(json_at(answer, "status"), "suspended");
  cr_expect_null(json_at(answer, "nextBillingDate"));
  WAIT_UNTIL(count_messages(&tenant, "subscription.suspended") == 1, "subscription.suspended");
  cr_expect_str_eq(json_at(messages_of(&tenant, "subscription.suspended"), "0.reason"), "on request");
  billing_run(&tenant);
  cr_expect(invoices_are(&tenant, 1), "nothing is billed any more");
  expect_sound_books(&tenant);
}

/* BILL-022, BILL-054: what a day in between does not take is charged again to the cent. */
Test(suspend, and_reactivated_the_same_day_nets_to_zero) {
  struct tenant tenant = tenant_new();
  const char *subscription = started(&tenant, "19.95", 22);
  WAIT_UNTIL(invoices_are(&tenant, 1), "the first invoice");
  for (int round = 1; round <= 3; round++) {
    api_post(&tenant, 200, act(subscription, "suspend"), "{}");
    const json_t *answer = api_post(&tenant, 200, act(subscription, "reactivate"), "{}");
    cr_expect_str_eq(json_at(answer, "status"), "active");
    cr_expect_str_eq(json_at(answer, "currentPeriodStart"), keep_text("%sT00:00:00.000Z", days_ago(22)));
    cr_expect_str_eq(json_at(answer, "currentPeriodEnd"), keep_text("%sT00:00:00.000Z", days_ago(-8)));
    cr_expect_str_eq(json_at(answer, "nextBillingDate"), json_at(answer, "currentPeriodEnd"));
    WAIT_UNTIL(invoices_are(&tenant, round + 1), "the invoice for the rest");
  }
  cr_expect_str_eq(later_lines(&tenant), "subscription 532, subscription 532, subscription 532");
  WAIT_UNTIL(count_messages(&tenant, "subscription.reactivated") == 3, "subscription.reactivated");
  expect_sound_books(&tenant);
}

/* The periods that passed meanwhile are nobody's; the grid is as it was. */
Test(suspend, for_longer_than_a_period_charges_only_the_rest_of_the_one_that_runs) {
  struct tenant tenant = tenant_new();
  const char *subscription = started(&tenant, "30.00", 10);
  api_post(&tenant, 200, act(subscription, "suspend"), "{}");
  sql_do(&tenant, "UPDATE subscriptions SET start_date = start_date - 65, anchor_date = anchor_date - 65 "
                  "WHERE tenant_id = $1");
  const json_t *answer = api_post(&tenant, 200, act(subscription, "reactivate"), "{}");
  cr_expect_str_eq(json_at(answer, "currentPeriodStart"), keep_text("%sT00:00:00.000Z", days_ago(15)));
  cr_expect_str_eq(json_at(answer, "nextBillingDate"), keep_text("%sT00:00:00.000Z", days_ago(-15)));
  WAIT_UNTIL(invoices_are(&tenant, 2), "the invoice for the rest");
  cr_expect_str_eq(later_lines(&tenant), "subscription 1500");
  cr_expect_eq(sql_int(&tenant, "SELECT period_index FROM invoice_items WHERE tenant_id = $1 AND revision > 0"), 2);
  expect_sound_books(&tenant);
}

Test(suspend, is_refused_where_it_makes_no_sense) {
  struct tenant tenant = tenant_new();
  const char *subscription = started(&tenant, "19.95", 3);
  cr_expect_str_eq(json_at(api_post(&tenant, 409, act(subscription, "reactivate"), "{}"), "code"),
                   "ILLEGAL_TRANSITION");
  api_post(&tenant, 200, act(subscription, "suspend"), "{}");
  const json_t *error = api_post(&tenant, 409, act(subscription, "suspend"), "{}");
  cr_expect_str_eq(json_at(error, "code"), "ILLEGAL_TRANSITION");
  cr_expect(json_is_array(json_node_at(error, "details.allowed")));
  api_post(&tenant, 409, act(subscription, "renew"), "{}");
  api_post(&tenant, 200, act(subscription, "cancel"), "{'immediately':true}");
  api_post(&tenant, 409, act(subscription, "reactivate"), "{}");
  api_post(&tenant, 404, act(new_id(), "suspend"), "{}");
  api_post(&tenant, 400, act(subscription, "suspend"), "{'reason':7}");
}

/* ---- renew: BILL-055 ---- */

static int64_t charged(const struct tenant *tenant) {
  return sql_int(tenant, "SELECT COALESCE(sum(amount_minor), 0) FROM invoice_items WHERE tenant_id = $1");
}

Test(suspend, renew_bills_the_next_period_now_and_keeps_the_grid) {
  struct tenant tenant = tenant_new();
  const char *subscription = started(&tenant, "19.95", 22);
  const json_t *answer = api_post(&tenant, 200, act(subscription, "renew"), "{}");
  cr_expect_str_eq(json_at(answer, "currentPeriodStart"), keep_text("%sT00:00:00.000Z", days_ago(22)));
  cr_expect_str_eq(json_at(answer, "currentPeriodEnd"), keep_text("%sT00:00:00.000Z", days_ago(-38)));
  cr_expect_str_eq(json_at(answer, "nextBillingDate"), json_at(answer, "currentPeriodEnd"));
  WAIT_UNTIL(invoices_are(&tenant, 2), "the second invoice");
  cr_expect_eq(charged(&tenant), INT64_C(2) * 1995);
  WAIT_UNTIL(count_messages(&tenant, "subscription.renewed") == 1, "subscription.renewed");
  billing_run(&tenant);
  cr_expect(invoices_are(&tenant, 2), "the run has nothing to do");

  expect_sound_books(&tenant);
}

/* BILL-030, BILL-055: at the end of what was renewed, each period's arrears are due, with its own bounds. */
Test(suspend, renew_leaves_the_arrears_of_both_periods_for_the_end) {
  struct tenant tenant = tenant_new_test();
  const char *clock = test_clock_new(&tenant, "2031-01-10T12:00:00Z");
  const char *customer = customer_new(&tenant, "'testClockId':'%s'", clock);
  const char *plan = json_at(api_post(&tenant, 201, "/api/plans",
                                      "{'code':'p-%s','name':'Later','currency':'USD','billingCycle':'monthly',"
                                      "'components':[{'code':'later','model':'flat','timing':'arrears',"
                                      "'unitPrice':'7.00'},{'code':'now','model':'flat','timing':'advance',"
                                      "'unitPrice':'5.00'}]}",
                                      new_id()),
                             "id");
  const char *subscription = subscription_new(&tenant, customer, plan, "2031-01-10");
  api_post(&tenant, 200, act(subscription, "renew"), "{}");
  test_clock_advance(&tenant, clock, "2031-03-10T12:00:00Z");
  cr_expect_str_eq(sql_text(&tenant, "SELECT string_agg(concat_ws(' ', component, amount_minor, period_start::date, "
                                     "period_end::date), ', ' ORDER BY component, period_start) FROM invoice_items "
                                     "WHERE tenant_id = $1"),
                   "later 700 2031-01-10 2031-02-10, later 700 2031-02-10 2031-03-10, now 500 2031-01-10 2031-02-10, "
                   "now 500 2031-02-10 2031-03-10, now 500 2031-03-10 2031-04-10");
  expect_sound_books(&tenant);
}

Test(suspend, what_ends_with_its_period_is_not_renewed) {
  struct tenant tenant = tenant_new();
  const char *subscription = started(&tenant, "19.95", 22);
  api_post(&tenant, 200, act(subscription, "cancel"), "{}");
  const json_t *error = api_post(&tenant, 409, act(subscription, "renew"), "{}");
  cr_expect_str_eq(json_at(error, "details.allowed.0"), "reactivate");
}

/* A message that comes twice has one effect. */
Test(suspend, commands_sent_twice_do_it_once) {
  struct tenant tenant = tenant_new();
  const char *subscription = started(&tenant, "19.95", 22);
  static const struct {
    const char *verb;
    int64_t invoices;
  } steps[] = {{"suspend", 1}, {"reactivate", 2}, {"renew", 3}};
  for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
    api_post(&tenant, 200, act(subscription, steps[i].verb), "{}");
    WAIT_UNTIL(invoices_are(&tenant, steps[i].invoices), "the invoices of %s", steps[i].verb);
    struct records sent = kafka_read("cloudbill.subscription.commands", "ce_subject", subscription);
    cr_assert_gt(sent.count, 0);
    const char *version =
        "SELECT version || ' ' || charges || ' ' || charge_cuts::text FROM subscriptions WHERE tenant_id = $1";
    const char *before = sql_text(&tenant, version);
    send_again(&sent.at[sent.count - 1]);
    cr_expect_str_eq(sql_text(&tenant, version), before, "%s", steps[i].verb);
    cr_expect_eq(count_messages(&tenant, keep_text("subscription.%s", steps[i].verb)), 1);
  }
  cr_expect_eq(count_messages(&tenant, "subscription.suspend"), 1);
  cr_expect_eq(count_messages(&tenant, "subscription.reactivate"), 1);
  cr_expect_eq(count_messages(&tenant, "subscription.renew"), 1);
  cr_expect(invoices_are(&tenant, 3));
  expect_sound_books(&tenant);
}

/* ---- credits for unused time: BILL-053, BILL-054 ---- */

/* The n-th credit-note.create, of this amount in its first line; and the note that came of it. */
static void expect_credit(const struct tenant *tenant, size_t n, double amount) {
  WAIT_UNTIL(count_messages(tenant, "credit-note.create") == n, "credit-note.create");
  const json_t *commands = messages_of(tenant, "credit-note.create");
  cr_expect_eq(json_number_at(commands, keep_text("%zu.lines.0.amount", n - 1)), amount);
  WAIT_UNTIL(sql_int(tenant, "SELECT count(*) FROM credit_notes WHERE tenant_id = $1") == (int64_t)n, "the note");
}

/* BILL-023: 8 of 30 days left of 19.95 are 5.32. */
Test(suspend, credits_the_unused_time_and_reactivation_charges_it_again) {
  struct tenant tenant = tenant_new();
  const char *subscription = started(&tenant, "19.95", 22);
  WAIT_UNTIL(invoices_are(&tenant, 1), "the first invoice");
  api_post(&tenant, 200, act(subscription, "suspend"), "{}");
  expect_credit(&tenant, 1, 5.32);
  api_post(&tenant, 200, act(subscription, "reactivate"), "{}");
  WAIT_UNTIL(invoices_are(&tenant, 2), "the invoice for the rest");
  cr_expect_str_eq(later_lines(&tenant), "subscription 532");
  api_post(&tenant, 200, act(subscription, "suspend"), "{'prorate':false}");
  cr_expect_eq(count_messages(&tenant, "credit-note.create"), 1, "not when told not to");
}

Test(suspend, a_cancel_at_once_credits_the_unused_time_when_asked_to) {
  struct tenant tenant = tenant_new();
  const char *subscription = started(&tenant, "19.95", 22);
  WAIT_UNTIL(invoices_are(&tenant, 1), "the first invoice");
  const json_t *preview = api_post(&tenant, 200, act(subscription, "preview"), "{'immediately':true,'prorate':true}");
  cr_expect_eq(json_number_at(preview, "creditNotes.0.totalAmount"), 5.32);
  api_post(&tenant, 200, act(subscription, "renew"), "{}");
  WAIT_UNTIL(invoices_are(&tenant, 2), "the second invoice");
  api_post(&tenant, 200, act(subscription, "cancel"), "{'immediately':true,'prorate':true}");
  WAIT_UNTIL(count_messages(&tenant, "credit-note.create") == 1, "credit-note.create");
  const json_t *note = messages_of(&tenant, "credit-note.create");
  cr_expect_eq(json_number_at(note, "0.lines.0.amount"), 5.32);
  cr_expect_eq(json_number_at(note, "0.lines.1.amount"), 19.95, "a period that has not begun is credited whole");
  WAIT_UNTIL(sql_int(&tenant, "SELECT COALESCE(sum(amount_minor), 0) FROM credit_notes WHERE tenant_id = $1") == 2527,
             "the notes");
}

/* BILL-043: of 60.00 unused, invoiced with a credit of 50.00, the invoice of the change has room for 10.00; the rest is
 * noted on the older one, and so is what is unused of the add-on there. Once, however often the command comes. */
Test(suspend, credits_on_older_invoices_what_one_has_no_room_for) {
  struct tenant tenant = tenant_new();
  const char *subscription =
      json_at(api_post(&tenant, 201, "/api/billing/subscriptions",
                       "{'customerId':'%s','planId':'%s','startDate':'%s','items':[{'planId':'%s'}]}",
                       customer_new(&tenant, NULL), thirty_days(&tenant, "100.00"), days_ago(15),
                       thirty_days(&tenant, "50.00")),
              "id");
  WAIT_UNTIL(invoices_are(&tenant, 1), "the first invoice");
  api_post(&tenant, 200, act(subscription, "change-plan"), "{'planId':'%s','when':'now'}",
           thirty_days(&tenant, "120.00"));
  WAIT_UNTIL(invoices_are(&tenant, 2), "the invoice of the change");
  api_post(&tenant, 200, act(subscription, "suspend"), "{}");
  static const char notes[] =
      "SELECT string_agg(concat_ws(' ', v.number, n.amount_minor), ', ' ORDER BY v.number, n.amount_minor) FROM "
      "credit_notes n JOIN invoices v ON v.tenant_id = n.tenant_id AND v.id = n.invoice_id WHERE n.tenant_id = $1";
  WAIT_UNTIL(sql_text(&tenant, notes) != NULL, "the notes");
  cr_expect_str_eq(sql_text(&tenant, notes), "1 2500, 1 5000, 2 1000");
  struct records sent = kafka_read("cloudbill.invoice.commands", "ce_tenantid", tenant.id);
  send_each_again(&sent);
  cr_expect_str_eq(sql_text(&tenant, notes), "1 2500, 1 5000, 2 1000", "sent again");
  expect_sound_books(&tenant);
}
