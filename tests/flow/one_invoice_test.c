/* BILL-061: lines of one customer, currency and day go on one invoice, whoever comes first: the run that is due, or a
 * command about one of the customer's subscriptions, which finds all of them billed up to now. */
#include "flow.h"

TestSuite(one_invoice, .timeout = 240);

/* A customer with two subscriptions of these periods, made so many days ago; only the first of each is billed. */
struct pair {
  struct tenant tenant;
  const char *customer, *a, *b, *dearer;
};

static struct pair pair_new(int days_a, int days_b, int start) {
  struct pair p = {.tenant = tenant_new()};
  p.customer = customer_new(&p.tenant, NULL);
  p.dearer = plan_of_days(&p.tenant, days_a, "50.00");
  p.a = subscription_new(&p.tenant, p.customer, plan_of_days(&p.tenant, days_a, "20.00"), days_ago(start));
  p.b = subscription_new(&p.tenant, p.customer, plan_of_days(&p.tenant, days_b, "7.00"), days_ago(start));
  WAIT_UNTIL(invoices_are(&p.tenant, 2), "the first invoices");
  return p;
}

/* All that was asked of invoicing is there. */
static void await_invoices(const struct pair *p) {
  const struct tenant *tenant = &p->tenant;
  WAIT_UNTIL(invoices_are(tenant, (int64_t)count_messages(tenant, "invoice.create")), "the invoices");
}

/* Days of renewals with more than one invoice. */
static int64_t days_with_two(const struct pair *p) {
  return sql_int(&p->tenant, "SELECT count(*) FROM (SELECT FROM invoice_items WHERE tenant_id = $1 AND revision = 0 "
                             "AND period_index > 0 GROUP BY period_start HAVING count(DISTINCT invoice_id) > 1) AS d");
}

/* What was charged and credited for which days, of which of the two; on which invoice does not matter. */
static const char *lines_of(const struct pair *p) {
  return sql_text(&p->tenant,
                  keep_text("SELECT string_agg(concat_ws(' ', CASE subscription_id WHEN '%s' THEN 'a' ELSE 'b' END, "
                            "kind, period_index, amount_minor, period_start), ', ' ORDER BY subscription_id, "
                            "period_index, kind, revision, amount_minor) FROM invoice_items WHERE tenant_id = $1",
                            p->a));
}

/* How far both are billed. */
static const char *boundaries_of(const struct pair *p) {
  return sql_text(&p->tenant, keep_text("SELECT string_agg(concat_ws(' ', status, next_period_index, "
                                        "COALESCE(next_billing_at::text, 'never')), ', ' ORDER BY id <> '%s') "
                                        "FROM subscriptions WHERE tenant_id = $1",
                                        p->a));
}

static const struct {
  const char *verb, *body; /* %s: the dearer plan */
} commands[] = {
    {"cancel", "{'immediately':true,'prorate':true}"},
    {"cancel", "{}"},
    {"suspend", "{}"},
    {"renew", "{}"},
    {"change-plan", "{'planId':'%s','when':'now'}"},
    {"change-plan", "{'planId':'%s','when':'now','billing':'next_invoice'}"},
    {"change-plan", "{'planId':'%s','when':'period_end'}"},
};
enum { COMMANDS = sizeof commands / sizeof commands[0] };

static void command(const struct pair *p, size_t row) {
  const char *body = commands[row].body;
  const char *plan = strstr(body, "%s");
  if (plan) body = keep_text("%.*s%s%s", (int)(plan - body), body, p->dearer, plan + 2);
  api_post(&p->tenant, 200, keep_text("/api/billing/subscriptions/%s/%s", p->a, commands[row].verb), "%s", body);
}

/* Periods of 10 and 10 days, or of 10 and 15, some of whose days are the same; 44 days after the start, in the middle
 * of periods of both. */
static void expect_one_invoice_a_day(size_t row, int days_b) {
  struct pair first = pair_new(10, days_b, 44), last = pair_new(10, days_b, 44);
  command(&first, row);
  billing_run(&first.tenant);
  billing_run(&last.tenant);
  command(&last, row);
  await_invoices(&first);
  await_invoices(&last);
  cr_expect_eq(days_with_two(&first), 0, "%s %s, then the run", commands[row].verb, commands[row].body);
  cr_expect_eq(days_with_two(&last), 0, "the run, then %s %s", commands[row].verb, commands[row].body);
  cr_expect_str_eq(lines_of(&first), lines_of(&last), "%s %s", commands[row].verb, commands[row].body);
  cr_expect_str_eq(boundaries_of(&first), boundaries_of(&last), "%s %s", commands[row].verb, commands[row].body);
  expect_sound_books(&first.tenant);
  expect_sound_books(&last.tenant);
}

Test(one_invoice, bill_061_of_equal_periods_whether_a_command_or_the_run_comes_first) {
  for (size_t row = 0; row < COMMANDS; row++) expect_one_invoice_a_day(row, 10);
}

Test(one_invoice, bill_061_of_unequal_periods_whether_a_command_or_the_run_comes_first) {
  for (size_t row = 0; row < COMMANDS; row++) expect_one_invoice_a_day(row, 15);
}

/* -- what is due today -- */

static int64_t lines_of_today(const struct pair *p) {
  return sql_int(&p->tenant, keep_text("SELECT count(*) FROM invoice_items WHERE tenant_id = $1 AND kind = "
                                       "'subscription' AND revision = 0 AND period_start = '%sT00:00:00Z'",
                                       days_ago(0)));
}

static int64_t invoices_of_today(const struct pair *p) {
  return sql_int(&p->tenant, keep_text("SELECT count(DISTINCT invoice_id) FROM invoice_items WHERE tenant_id = $1 AND "
                                       "period_start = '%sT00:00:00Z'",
                                       days_ago(0)));
}

/* Both renew today, and a change of one is charged from today on, too: one invoice, and the preview says so. */
Test(one_invoice, bill_061_a_change_on_the_day_of_renewals_goes_with_them_and_is_previewed_with_them) {
  struct pair p = pair_new(10, 10, 10);
  const json_t *preview = api_post(&p.tenant, 200, keep_text("/api/billing/subscriptions/%s/preview", p.a),
                                   "{'planId':'%s','when':'now'}", p.dearer);
  command(&p, 4);
  billing_run(&p.tenant);
  await_invoices(&p);
  cr_expect_eq(lines_of_today(&p), 2);
  cr_expect_eq(invoices_of_today(&p), 1);
  cr_expect_eq(json_array_size(json_node_at(preview, "invoices")), 1);
  cr_expect_eq(json_array_size(json_node_at(preview, "lines")), 2, "its own are those of the change");
  const char *total = sql_text(&p.tenant, "SELECT to_char(total_minor / 100.0, 'FM990.00') FROM invoices "
                                          "WHERE tenant_id = $1 ORDER BY number DESC LIMIT 1");
  cr_expect_str_eq(total, "57.00", "50.00 and 7.00, whatever else was charged and given back");
  cr_expect_float_eq(json_number_at(preview, "invoices.0.totalAmount"), 57.0, 0.001);
  expect_sound_books(&p.tenant);
}

/* A new subscription's first invoice is made at once; what the customer owes from that day on goes on it, and no later
 * day's. One that waits for its first payment has it for itself, for it is withdrawn if that does not come (BILL-051).
 */
Test(one_invoice, bill_061_a_new_subscription_shares_the_day_that_it_starts_on) {
  static const struct {
    const char *members;
    int start, invoices; /* one day, and how many there are of it */
  } cases[] = {
      {"", 0, 1}, {"", 10, 1}, {"'paymentBehavior':'require_payment',", 0, 2}, {"'collection':'manual',", 0, 2}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    struct pair p = pair_new(10, 10, 20);
    payment_method_new(&p.tenant, p.customer, "pm_card_visa");
    api_post(&p.tenant, 201, "/api/billing/subscriptions", "{%s'customerId':'%s','planId':'%s','startDate':'%s'}",
             cases[i].members, p.customer, p.dearer, days_ago(cases[i].start));
    billing_run(&p.tenant);
    await_invoices(&p);
    const char *day = keep_text("SELECT count(DISTINCT invoice_id) FROM invoice_items WHERE tenant_id = $1 AND "
                                "period_start = '%sT00:00:00Z'",
                                days_ago(cases[i].start));
    cr_expect_eq(sql_int(&p.tenant, day), cases[i].invoices, "row %zu: %lld", i, (long long)sql_int(&p.tenant, day));
    expect_sound_books(&p.tenant);
  }
}

/* -- what else the run would have done -- */

/* One ends at its boundary, one cannot be billed, one has something that waits: each as by the run. */
Test(one_invoice, bill_061_the_others_are_billed_as_the_run_bills_them) {
  struct pair p = pair_new(10, 10, 5);
  const char *ending = subscription_new(&p.tenant, p.customer, p.dearer, days_ago(5));
  const char *broken = subscription_new(&p.tenant, p.customer, p.dearer, days_ago(5));
  WAIT_UNTIL(invoices_are(&p.tenant, 4), "the first invoices");
  api_post(&p.tenant, 200, keep_text("/api/billing/subscriptions/%s/cancel", ending), "{}");
  api_post(&p.tenant, 200, keep_text("/api/billing/subscriptions/%s/change-plan", p.b),
           "{'quantity':3,'when':'now','billing':'next_invoice'}");
  sql_do(NULL, keep_text("UPDATE subscriptions SET time_zone = 'Nowhere/Land' WHERE id = '%s'", broken));
  let_days_pass(&p.tenant, 7);
  api_post(&p.tenant, 200, keep_text("/api/billing/subscriptions/%s/change-plan", p.a),
           "{'planId':'%s','when':'period_end'}", p.dearer);
  await_invoices(&p);
  cr_expect(invoices_are(&p.tenant, 5), "one for both");
  cr_expect_str_eq(sql_text(&p.tenant, keep_text("SELECT string_agg(kind || ' ' || amount_minor, ', ' ORDER BY kind, "
                                                 "amount_minor) FROM invoice_items WHERE tenant_id = $1 AND "
                                                 "subscription_id = '%s' AND (period_index > 0 OR revision > 0)",
                                                 p.b)),
                   "credit -350, subscription 1050, subscription 2100", "what waited goes with it");
  WAIT_UNTIL(count_messages(&p.tenant, "subscription.cancelled") == 1, "the end of the one that was to end");
  const json_t *ended = messages_of(&p.tenant, "subscription.cancelled");
  cr_expect_str_eq(json_at(ended, "0.subscriptionId"), ending);
  cr_expect_str_eq(json_at(ended, "0.status"), "cancelled");
  cr_expect_eq(sql_int(&p.tenant, "SELECT count(*) FROM subscriptions WHERE tenant_id = $1 AND parked_at IS NOT NULL"),
               0, "nobody but a run parks");
  const json_t *run = api_get(&p.tenant, 200, "/api/billing/runs/%s", billing_run(&p.tenant));
  cr_expect_eq(json_number_at(run, "due"), 1);
  cr_expect_eq(json_number_at(run, "parked"), 1);
}

/* -- more than one step takes -- */

/* 120 periods of a subscription, whether the command is about that one, or about one whose customer has it, too: a
 * command writes all of it or nothing. (Not one that starts a subscription on an earlier day, for the others owe no
 * more up to it than that.) */
Test(one_invoice, a_command_does_not_catch_up_with_more_than_a_step_takes) {
  struct tenant tenant = tenant_new();
  const char *customer = customer_new(&tenant, NULL), *plan = plan_of_days(&tenant, 1, "3.00");
  const char *far = subscription_new(&tenant, customer, plan, days_ago(121));
  const char *other = subscription_new(&tenant, customer, plan_new(&tenant, "7.00", "USD", "yearly"), days_ago(121));
  WAIT_UNTIL(invoices_are(&tenant, 2), "the first invoices");
  const char *const ids[] = {far, other};
  for (size_t i = 0; i < 2; i++) {
    const char *path = keep_text("/api/billing/subscriptions/%s", ids[i]);
    const json_t *error = api_post(&tenant, 409, keep_text("%s/cancel", path), "{'immediately':true}");
    cr_expect_not_null(strstr(json_at(error, "message"), "start a run first"), "%s", json_at(error, "message"));
    api_post(&tenant, 409, keep_text("%s/preview", path), "{'quantity':2,'when':'now'}");
  }
  api_post(&tenant, 409, "/api/billing/subscriptions", "{'customerId':'%s','planId':'%s'}", customer, plan);
  cr_expect(invoices_are(&tenant, 2), "nothing is half done");
  billing_run(&tenant);
  api_post(&tenant, 200, keep_text("/api/billing/subscriptions/%s/cancel", far), "{'immediately':true}");
  api_post(&tenant, 200, keep_text("/api/billing/subscriptions/%s/cancel", other), "{'immediately':true}");
  cr_expect(invoices_are(&tenant, 2 + 121));
  expect_sound_books(&tenant);
}
