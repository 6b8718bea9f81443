/* subscription.suspend, .reactivate and .renew (BILL-054, BILL-055). The days that matter are made by the
 * subscription's start: a period of 30 days, whose day is known. */
#include "flow.h"

TestSuite(suspend, .timeout = 180);

static const char *started(const struct tenant *tenant, const char *price, int days) {
  const char *customer = customer_new(tenant, NULL);
  return subscription_new(tenant, customer, plan_of_days(tenant, 30, price), days_ago(days));
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
  const json_t *answer = api_post(&tenant, 200, subscription_path(subscription, "suspend"), "{'reason':'on request'}");
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
    api_post(&tenant, 200, subscription_path(subscription, "suspend"), "{}");
    const json_t *answer = api_post(&tenant, 200, subscription_path(subscription, "reactivate"), "{}");
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
  api_post(&tenant, 200, subscription_path(subscription, "suspend"), "{}");
  sql_do(&tenant, "UPDATE subscriptions SET start_date = start_date - 65, anchor_date = anchor_date - 65 "
                  "WHERE tenant_id = $1");
  const json_t *answer = api_post(&tenant, 200, subscription_path(subscription, "reactivate"), "{}");
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
  cr_expect_str_eq(json_at(api_post(&tenant, 409, subscription_path(subscription, "reactivate"), "{}"), "code"),
                   "ILLEGAL_TRANSITION");
  api_post(&tenant, 200, subscription_path(subscription, "suspend"), "{}");
  const json_t *error = api_post(&tenant, 409, subscription_path(subscription, "suspend"), "{}");
  cr_expect_str_eq(json_at(error, "code"), "ILLEGAL_TRANSITION");
  cr_expect(json_is_array(json_node_at(error, "details.allowed")));
  api_post(&tenant, 409, subscription_path(subscription, "renew"), "{}");
  api_post(&tenant, 200, subscription_path(subscription, "cancel"), "{'immediately':true}");
  api_post(&tenant, 409, subscription_path(subscription, "reactivate"), "{}");
  api_post(&tenant, 404, subscription_path(new_id(), "suspend"), "{}");
  api_post(&tenant, 400, subscription_path(subscription, "suspend"), "{'reason':7}");
}

/* ---- renew: BILL-055 ---- */

static int64_t charged(const struct tenant *tenant) {
  return sql_int(tenant, "SELECT COALESCE(sum(amount_minor), 0) FROM invoice_items WHERE tenant_id = $1");
}

Test(suspend, renew_bills_the_next_period_now_and_keeps_the_grid) {
  struct tenant tenant = tenant_new();
  const char *subscription = started(&tenant, "19.95", 22);
  const json_t *answer = api_post(&tenant, 200, subscription_path(subscription, "renew"), "{}");
  cr_expect_str_eq(json_at(answer, "currentPeriodStart"), keep_text("%sT00:00:00.000Z", days_ago(22)));
  cr_expect_str_eq(json_at(answer, "currentPeriodEnd"), keep_text("%sT00:00:00.000Z", days_ago(-38)));
  cr_expect_str_eq(json_at(answer, "runningPeriodEnd"), keep_text("%sT00:00:00.000Z", days_ago(-8)));
  cr_expect_eq(json_number_at(answer, "renewedPeriods"), 1);
  cr_expect_str_eq(json_at(answer, "nextBillingDate"), json_at(answer, "currentPeriodEnd"));
  cr_expect_eq(json_array_size(
                   api_get(&tenant, 200, "/api/billing/subscriptions?nextBillingBefore=%sT00:00:00Z", days_ago(-37))),
               0, "before it moved it was in eight days");
  WAIT_UNTIL(invoices_are(&tenant, 2), "the second invoice");
  cr_expect_eq(charged(&tenant), INT64_C(2) * 1995);
  WAIT_UNTIL(count_messages(&tenant, "subscription.renewed") == 1, "subscription.renewed");
  billing_run(&tenant);
  cr_expect(invoices_are(&tenant, 2), "the run has nothing to do");

  expect_sound_books(&tenant);
}

/* A monthly subscription to something in arrears and something in advance, on a clock. */
struct ahead {
  struct tenant tenant;
  const char *clock, *customer, *id;
};

static struct ahead ahead_new(const char *members) {
  struct ahead a = {.tenant = tenant_new_test()};
  a.clock = test_clock_new(&a.tenant, "2031-01-10T12:00:00Z");
  a.customer = customer_new(&a.tenant, "'testClockId':'%s'", a.clock);
  const char *plan = json_at(api_post(&a.tenant, 201, "/api/plans",
                                      "{'code':'p-%s','name':'Later','currency':'USD','billingCycle':'monthly',"
                                      "'components':[{'code':'later','model':'flat','timing':'arrears',"
                                      "'unitPrice':'7.00'},{'code':'now','model':'flat','timing':'advance',"
                                      "'unitPrice':'5.00'}]%s}",
                                      new_id(), members),
                             "id");
  a.id = subscription_new(&a.tenant, a.customer, plan, "2031-01-10");
  return a;
}

/* The lines that were invoiced since, by period: component, amount, first day and the day after the last. */
static const char *lines_since(const struct ahead *a, int64_t *seen) {
  const char *lines = sql_text(
      &a->tenant,
      keep_text(
          "SELECT string_agg(concat_ws(' ', component, amount_minor, to_char(i.period_start, 'MM-DD'), "
          "to_char(i.period_end, 'MM-DD')), ', ' ORDER BY period_index, component, amount_minor) FROM invoice_items i "
          "JOIN invoices v ON v.tenant_id = i.tenant_id AND v.id = i.invoice_id WHERE i.tenant_id = "
          "$1 AND v.number > %lld",
          (long long)*seen));
  *seen = sql_int(&a->tenant, "SELECT COALESCE(max(number), 0) FROM invoices WHERE tenant_id = $1");
  return lines ? lines : "";
}

static void renew(const struct ahead *a, int64_t times) {
  int64_t before = sql_int(&a->tenant, "SELECT count(*) FROM invoices WHERE tenant_id = $1");
  for (int64_t n = 1; n <= times; n++) {
    api_post(&a->tenant, 200, subscription_path(a->id, "renew"), "{}");
    WAIT_UNTIL(invoices_are(&a->tenant, before + n), "the invoice of the renewal");
  }
}

static void expect_periods(const struct ahead *a, const char *start, const char *running, const char *end,
                           int64_t renewed) {
  const json_t *shown = api_get(&a->tenant, 200, "/api/billing/subscriptions/%s", a->id);
  cr_expect_str_eq(json_at(shown, "currentPeriodStart"), keep_text("%s:00:00.000Z", start));
  cr_expect_str_eq(json_at(shown, "runningPeriodEnd"), keep_text("%s:00:00.000Z", running));
  cr_expect_str_eq(json_at(shown, "currentPeriodEnd"), keep_text("%s:00:00.000Z", end));
  cr_expect_str_eq(json_at(shown, "nextBillingDate"), keep_text("%s:00:00.000Z", end));
  cr_expect_eq(json_number_at(shown, "renewedPeriods"), (double)renewed);
}

/* BILL-030, BILL-055: at the end of each period its own arrears are due, and what is missing to its own minimum: 20.00
 * less 7.00 and 5.00. The period that runs is the one that is told as such. */
Test(suspend, renewed_periods_run_one_after_another_and_each_pays_its_own_arrears) {
  struct ahead a = ahead_new(",'minimumCommitment':'20.00'");
  int64_t seen = 0;
  WAIT_UNTIL(invoices_are(&a.tenant, 1), "the first invoice");
  cr_expect_str_eq(lines_since(&a, &seen), "now 500 01-10 02-10");
  renew(&a, 2);
  cr_expect_str_eq(lines_since(&a, &seen), "now 500 02-10 03-10, now 500 03-10 04-10");
  expect_periods(&a, "2031-01-10T00", "2031-02-10T00", "2031-04-10T00", 2);
  test_clock_advance(&a.tenant, a.clock, "2031-02-10T12:00:00Z");
  cr_expect_str_eq(lines_since(&a, &seen), "later 700 01-10 02-10, minimum 800 01-10 02-10");
  expect_periods(&a, "2031-02-10T00", "2031-03-10T00", "2031-04-10T00", 1);
  test_clock_advance(&a.tenant, a.clock, "2031-03-10T12:00:00Z");
  cr_expect_str_eq(lines_since(&a, &seen), "later 700 02-10 03-10, minimum 800 02-10 03-10");
  expect_periods(&a, "2031-03-10T00", "2031-04-10T00", "2031-04-10T00", 0);
  test_clock_advance(&a.tenant, a.clock, "2031-04-10T12:00:00Z");
  cr_expect_str_eq(lines_since(&a, &seen), "later 700 03-10 04-10, minimum 800 03-10 04-10, now 500 04-10 05-10");
  expect_sound_books(&a.tenant);
}

/* What is changed within the running period is changed in the renewed ones as well, and each minimum counts its own: of
 * 31.00 for 31 days 10 are of quantity 1, and 21 of quantity 2. */
Test(suspend, a_change_counts_in_the_period_that_it_is_in) {
  struct ahead a = ahead_new(",'minimumCommitment':'31.00'");
  int64_t seen = 3;
  WAIT_UNTIL(invoices_are(&a.tenant, 1), "the first invoice");
  renew(&a, 2);
  test_clock_advance(&a.tenant, a.clock, "2031-01-20T12:00:00Z");
  const char *dear = json_at(api_post(&a.tenant, 201, "/api/plans",
                                      "{'code':'p-%s','name':'Dear','currency':'USD','billingCycle':'monthly',"
                                      "'components':[{'code':'now','model':'flat','unitPrice':'15.50'}],"
                                      "'minimumCommitment':'62.00'}",
                                      new_id()),
                             "id");
  api_post(&a.tenant, 200, subscription_path(a.id, "change-plan"), "{'planId':'%s','when':'now'}", dear);
  WAIT_UNTIL(invoices_are(&a.tenant, 4), "the invoice of the change");
  /* 10 days: 2.26 of 7.00; 3.39 of 5.00 are left; 10.50 of 15.50 for 21 days */
  cr_expect_str_eq(lines_since(&a, &seen),
                   "later 226 01-10 01-20, now -339 01-20 02-10, now 1050 01-20 02-10, now -500 02-10 03-10, "
                   "now 1550 02-10 03-10, now -500 03-10 04-10, now 1550 03-10 04-10");
  test_clock_advance(&a.tenant, a.clock, "2031-02-10T12:00:00Z");
  /* 10.00 and 42.00 for the two pieces of the minimum, less 5.00, 2.26, -3.39 and 10.50 */
  cr_expect_str_eq(lines_since(&a, &seen), "minimum 3763 01-20 02-10");
  test_clock_advance(&a.tenant, a.clock, "2031-03-10T12:00:00Z");
  cr_expect_str_eq(lines_since(&a, &seen), "minimum 4650 02-10 03-10");
  expect_sound_books(&a.tenant);
}

/* BILL-013: the zone comes with the next boundary. The period that runs keeps its bounds, and the renewed ones begin
 * where it ends. */
Test(suspend, a_zone_that_is_to_come_is_there_in_the_renewed_period) {
  struct ahead a = ahead_new("");
  static const char bounds[] = "SELECT string_agg(concat_ws(' ', component, to_char(period_start AT TIME ZONE 'UTC', "
                               "'MM-DD HH24'), to_char(period_end AT TIME ZONE 'UTC', 'MM-DD HH24')), ', ' ORDER BY "
                               "component, period_start) FROM invoice_items WHERE tenant_id = $1";
  WAIT_UNTIL(invoices_are(&a.tenant, 1), "the first invoice");
  test_clock_advance(&a.tenant, a.clock, "2031-01-15T12:00:00Z");
  cr_assert_eq(
      api_call(&a.tenant, "PATCH", keep_text("/api/customers/%s", a.customer), "{'timeZone':'Asia/Tokyo'}").status,
      200);
  renew(&a, 1);
  expect_periods(&a, "2031-01-10T00", "2031-02-10T00", "2031-03-09T15", 1);
  cr_expect_str_eq(json_at(api_get(&a.tenant, 200, "/api/billing/subscriptions/%s", a.id), "timeZone"), "UTC");
  renew(&a, 1);
  expect_periods(&a, "2031-01-10T00", "2031-02-10T00", "2031-04-09T15", 2);
  test_clock_advance(&a.tenant, a.clock, "2031-02-10T12:00:00Z");
  cr_expect_str_eq(json_at(api_get(&a.tenant, 200, "/api/billing/subscriptions/%s", a.id), "timeZone"), "Asia/Tokyo");
  test_clock_advance(&a.tenant, a.clock, "2031-04-10T12:00:00Z");
  cr_expect_str_eq(sql_text(&a.tenant, bounds),
                   "later 01-10 00 02-10 00, later 02-10 00 03-09 15, later 03-09 15 04-09 15, now 01-10 00 02-10 00, "
                   "now 02-10 00 03-09 15, now 03-09 15 04-09 15, now 04-09 15 05-09 15");
  expect_sound_books(&a.tenant);
}

/* It takes effect with the boundary after it was asked for, also when the periods that follow were told in the old one.
 */
Test(suspend, a_zone_that_is_asked_for_after_a_renewal_leaves_what_was_told) {
  struct ahead a = ahead_new("");
  WAIT_UNTIL(invoices_are(&a.tenant, 1), "the first invoice");
  renew(&a, 1);
  cr_assert_eq(
      api_call(&a.tenant, "PATCH", keep_text("/api/customers/%s", a.customer), "{'timeZone':'Asia/Tokyo'}").status,
      200);
  test_clock_advance(&a.tenant, a.clock, "2031-02-10T12:00:00Z");
  expect_periods(&a, "2031-02-10T00", "2031-03-10T00", "2031-03-10T00", 0);
  test_clock_advance(&a.tenant, a.clock, "2031-03-10T12:00:00Z");
  expect_periods(&a, "2031-03-10T00", "2031-04-09T15", "2031-04-09T15", 0);
  expect_sound_books(&a.tenant);
}

/* A rest of the running period and the renewed one whole, after a suspension of some days and after one of more. */
Test(suspend, what_was_renewed_is_charged_again_after_a_suspension) {
  struct ahead a = ahead_new("");
  int64_t seen = 3;
  WAIT_UNTIL(invoices_are(&a.tenant, 1), "the first invoice");
  renew(&a, 2);
  test_clock_advance(&a.tenant, a.clock, "2031-01-20T12:00:00Z");
  api_post(&a.tenant, 200, subscription_path(a.id, "suspend"), "{}");
  WAIT_UNTIL(invoices_are(&a.tenant, 4), "the arrears");
  cr_expect_str_eq(lines_since(&a, &seen), "later 226 01-10 01-20");
  test_clock_advance(&a.tenant, a.clock, "2031-02-17T12:00:00Z");
  api_post(&a.tenant, 200, subscription_path(a.id, "reactivate"), "{}");
  WAIT_UNTIL(invoices_are(&a.tenant, 5), "the rest");
  expect_periods(&a, "2031-02-10T00", "2031-03-10T00", "2031-04-10T00", 1);
  cr_expect_str_eq(lines_since(&a, &seen), "now 375 02-17 03-10, now 500 03-10 04-10");
  test_clock_advance(&a.tenant, a.clock, "2031-03-10T12:00:00Z");
  cr_expect_str_eq(lines_since(&a, &seen), "later 525 02-17 03-10");
  expect_sound_books(&a.tenant);
}

Test(suspend, what_ends_with_its_period_is_not_renewed) {
  struct tenant tenant = tenant_new();
  const char *subscription = started(&tenant, "19.95", 22);
  api_post(&tenant, 200, subscription_path(subscription, "cancel"), "{}");
  const json_t *error = api_post(&tenant, 409, subscription_path(subscription, "renew"), "{}");
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
    api_post(&tenant, 200, subscription_path(subscription, steps[i].verb), "{}");
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
  api_post(&tenant, 200, subscription_path(subscription, "suspend"), "{}");
  expect_credit(&tenant, 1, 5.32);
  api_post(&tenant, 200, subscription_path(subscription, "reactivate"), "{}");
  WAIT_UNTIL(invoices_are(&tenant, 2), "the invoice for the rest");
  cr_expect_str_eq(later_lines(&tenant), "subscription 532");
  api_post(&tenant, 200, subscription_path(subscription, "suspend"), "{'prorate':false}");
  cr_expect_eq(count_messages(&tenant, "credit-note.create"), 1, "not when told not to");
}

Test(suspend, a_cancel_at_once_credits_the_unused_time_when_asked_to) {
  struct tenant tenant = tenant_new();
  const char *subscription = started(&tenant, "19.95", 22);
  WAIT_UNTIL(invoices_are(&tenant, 1), "the first invoice");
  const json_t *preview =
      api_post(&tenant, 200, subscription_path(subscription, "preview"), "{'immediately':true,'prorate':true}");
  cr_expect_eq(json_number_at(preview, "creditNotes.0.totalAmount"), 5.32);
  api_post(&tenant, 200, subscription_path(subscription, "renew"), "{}");
  WAIT_UNTIL(invoices_are(&tenant, 2), "the second invoice");
  api_post(&tenant, 200, subscription_path(subscription, "cancel"), "{'immediately':true,'prorate':true}");
  WAIT_UNTIL(count_messages(&tenant, "credit-note.create") == 1, "credit-note.create");
  const json_t *note = messages_of(&tenant, "credit-note.create");
  cr_expect_eq(json_number_at(note, "0.lines.0.amount"), 5.32);
  cr_expect_eq(json_number_at(note, "0.lines.1.amount"), 19.95, "a period that has not begun is credited whole");
  WAIT_UNTIL(sql_int(&tenant, "SELECT COALESCE(sum(amount_minor), 0) FROM credit_notes WHERE tenant_id = $1") == 2527,
             "the notes");
}

/* BILL-043: on the day of a change all of it is unused. Its invoice was made less by what it took back of the first
 * one, so that the note on it gives back that credit, too, and the first one has room again: nothing of it is lost. */
Test(suspend, gives_back_all_that_was_charged_on_the_same_day) {
  struct tenant tenant = tenant_new();
  const char *subscription = json_at(api_post(&tenant, 201, "/api/billing/subscriptions",
                                              "{'customerId':'%s','planId':'%s','collection':'manual'}",
                                              customer_new(&tenant, NULL), plan_of_days(&tenant, 30, "30.00")),
                                     "id");
  WAIT_UNTIL(invoices_are(&tenant, 1), "the first invoice");
  api_post(&tenant, 200, subscription_path(subscription, "change-plan"), "{'quantity':3,'when':'now'}");
  WAIT_UNTIL(invoices_are(&tenant, 2), "30.00 taken back, 90.00 charged");
  api_post(&tenant, 200, subscription_path(subscription, "change-plan"), "{'quantity':2,'when':'now','billing':'now'}");
  WAIT_UNTIL(invoices_are(&tenant, 3), "90.00 taken back, 60.00 charged: a credit");
  api_post(&tenant, 200, subscription_path(subscription, "change-plan"), "{'quantity':5,'when':'now'}");
  WAIT_UNTIL(invoices_are(&tenant, 4), "60.00 taken back, 150.00 charged");
  api_post(&tenant, 200, subscription_path(subscription, "cancel"), "{'immediately':true,'prorate':true}");
  WAIT_UNTIL(sql_int(&tenant, "SELECT COALESCE(sum(amount_minor), 0)::bigint FROM credit_notes WHERE tenant_id = $1") >
                 0,
             "the notes");
  static const char notes[] =
      "SELECT string_agg(concat_ws(' ', v.number, n.amount_minor), ', ' ORDER BY v.number) FROM credit_notes n "
      "JOIN invoices v ON v.tenant_id = n.tenant_id AND v.id = n.invoice_id WHERE n.tenant_id = $1";
  cr_expect_str_eq(sql_text(&tenant, notes), "2 6000, 4 9000");
  expect_sound_books(&tenant);
}

/* A downgrade made the invoice of both less: there is no room for all that the other one is given back, and none of it
 * is taken from the lines of the one that goes on. */
Test(suspend, leaves_the_lines_of_other_subscriptions_alone) {
  struct tenant tenant = tenant_new_test();
  const char *clock = test_clock_new(&tenant, "2030-01-01T12:00:00Z");
  const char *customer = customer_new(&tenant, "'testClockId':'%s'", clock), *ids[2];
  for (int i = 0; i < 2; i++)
    ids[i] = json_at(api_post(&tenant, 201, "/api/billing/subscriptions",
                              "{'customerId':'%s','planId':'%s','collection':'manual'}", customer,
                              plan_of_days(&tenant, 30, "100.00")),
                     "id");
  test_clock_advance(&tenant, clock, "2030-01-11T12:00:00Z");
  api_post(&tenant, 200, subscription_path(ids[0], "change-plan"),
           "{'planId':'%s','when':'now','billing':'next_invoice'}", plan_of_days(&tenant, 30, "10.00"));
  test_clock_advance(&tenant, clock, "2030-01-31T12:00:00Z"); /* 10.00 - 66.67 + 6.67, and 100.00 */
  api_post(&tenant, 200, subscription_path(ids[1], "cancel"), "{'immediately':true,'prorate':true}");
  test_clock_advance(&tenant, clock, "2030-02-01T12:00:00Z");
  cr_expect_eq(sql_int(&tenant, "SELECT sum(amount_minor)::bigint FROM credit_notes WHERE tenant_id = $1"), 10000);
  api_post(&tenant, 200, subscription_path(ids[0], "cancel"), "{'immediately':true,'prorate':true}");
  test_clock_advance(&tenant, clock, "2030-02-02T12:00:00Z");
  cr_expect_eq(sql_int(&tenant, "SELECT sum(amount_minor)::bigint FROM credit_notes WHERE tenant_id = $1"), 10000 + 967,
               "29 days of 30 of its own 10.00");
  expect_sound_books(&tenant);
}

/* BILL-043: of 60.00 unused, invoiced with a credit of 50.00, the invoice of the change has room for 10.00; the rest is
 * noted on the older one, and so is what is unused of the add-on there. Once, however often the command comes. */
Test(suspend, credits_on_older_invoices_what_one_has_no_room_for) {
  struct tenant tenant = tenant_new();
  const char *subscription =
      json_at(api_post(&tenant, 201, "/api/billing/subscriptions",
                       "{'customerId':'%s','planId':'%s','startDate':'%s','items':[{'planId':'%s'}]}",
                       customer_new(&tenant, NULL), plan_of_days(&tenant, 30, "100.00"), days_ago(15),
                       plan_of_days(&tenant, 30, "50.00")),
              "id");
  WAIT_UNTIL(invoices_are(&tenant, 1), "the first invoice");
  api_post(&tenant, 200, subscription_path(subscription, "change-plan"), "{'planId':'%s','when':'now'}",
           plan_of_days(&tenant, 30, "120.00"));
  WAIT_UNTIL(invoices_are(&tenant, 2), "the invoice of the change");
  api_post(&tenant, 200, subscription_path(subscription, "suspend"), "{}");
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

/* -- as many charges as there can be -- */

static const char *twenty_components(const struct tenant *tenant) {
  const char *components = "";
  for (int n = 0; n < 20; n++)
    components =
        keep_text("%s%s{'code':'a-code-as-long-as-a-code-can-be-is-sixty-four-characters-long-%02d','model':'flat',"
                  "'unitPrice':'0.01'}",
                  components, n ? "," : "", n);
  return json_at(api_post(tenant, 201, "/api/plans",
                          "{'code':'p-%s','name':'Many','currency':'USD','billingCycle':'monthly','components':[%s]}",
                          new_id(), components),
                 "id");
}

/* 21 items of 20 components: 420 charges a period. Two periods can be charged at a time, not three; a change within
 * them is refused when it makes too many; and all that is unused is credited. */
Test(suspend, as_many_charges_as_there_can_be_are_charged_and_credited) {
  struct tenant tenant = tenant_new();
  const char *plan = twenty_components(&tenant), *one = plan_new(&tenant, "0.01", "USD", "monthly"), *items = "";
  for (int n = 0; n < 20; n++) items = keep_text("%s%s{'planId':'%s'}", items, n ? "," : "", plan);
  const char *subscription = json_at(api_post(&tenant, 201, "/api/billing/subscriptions",
                                              "{'customerId':'%s','planId':'%s','collection':'manual','items':[%s]}",
                                              customer_new(&tenant, NULL), plan, items),
                                     "id");
  WAIT_UNTIL(charged(&tenant) == 420, "the first period");
  api_post(&tenant, 200, subscription_path(subscription, "renew"), "{}");
  WAIT_UNTIL(charged(&tenant) == 840, "the second");
  const json_t *error = api_post(&tenant, 409, subscription_path(subscription, "renew"), "{}");
  cr_expect_str_eq(json_at(error, "code"), "CONFLICT");
  cr_expect_not_null(strstr(json_at(error, "message"), "1260 charges"));
  api_post(&tenant, 200, subscription_path(subscription, "suspend"), "{}");
  WAIT_UNTIL(sql_int(&tenant, "SELECT COALESCE(sum(amount_minor), 0)::bigint FROM credit_notes WHERE tenant_id = $1") ==
                 840,
             "the notes");
  api_post(&tenant, 200, subscription_path(subscription, "reactivate"), "{}");
  WAIT_UNTIL(charged(&tenant) == 1680, "they are charged again");
  api_post(&tenant, 200, subscription_path(subscription, "change-plan"), "{'items':[],'when':'now'}");
  api_post(&tenant, 200, subscription_path(subscription, "renew"), "{}");
  const json_t *refused =
      api_post(&tenant, 409, subscription_path(subscription, "change-plan"), "{'items':[%s],'when':'now'}", items);
  cr_expect_str_eq(json_at(refused, "field"), "items");
  api_post(&tenant, 200, subscription_path(subscription, "change-plan"), "{'planId':'%s','when':'now'}", one);
  api_post(&tenant, 200, subscription_path(subscription, "cancel"), "{'immediately':true,'prorate':true}");
  static const char left[] =
      "SELECT sum(amount_minor)::bigint - COALESCE((SELECT sum(amount_minor)::bigint FROM credit_notes "
      "WHERE tenant_id = $1), 0) FROM invoice_items WHERE tenant_id = $1";
  WAIT_UNTIL(sql_int(&tenant, left) == 0, "all is given back, for not a day was used: %lld is left",
             (long long)sql_int(&tenant, left));
  expect_sound_books(&tenant);
}
