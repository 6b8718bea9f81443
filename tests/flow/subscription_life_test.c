/* A subscription from its first day on: what each member of subscription.create does, what is charged when, trials, and
 * its end. Expected amounts are worked out by hand beside the case. */
#include "flow.h"

TestSuite(subscription_life, .timeout = 240);

static const char *weekly_plan(const struct tenant *tenant, const char *members) {
  return plan_with(tenant, "'billingCycle':'weekly',%s", members);
}

/* Sends its invoices: nothing is charged. */
static const json_t *subscribe(const struct tenant *tenant, const char *customer, const char *plan,
                               const char *members) {
  return api_post(tenant, 201, "/api/billing/subscriptions",
                  "{'customerId':'%s','planId':'%s','collection':'manual'%s%s}", customer, plan, *members ? "," : "",
                  members);
}

/* "item component period amount" of each line, in the order of the invoices. */
static const char *lines_of(const struct tenant *tenant, const char *subscription) {
  return sql_text(tenant,
                  keep_text("SELECT string_agg(item || ' ' || component || ' ' || period_index || ' ' || amount_minor, "
                            "', ' ORDER BY v.number, line) FROM invoice_items i JOIN invoices v ON v.tenant_id = "
                            "i.tenant_id AND v.id = i.invoice_id WHERE i.tenant_id = $1 AND i.subscription_id = '%s'",
                            subscription));
}

static int64_t invoices_of(const struct tenant *tenant) {
  return sql_int(tenant, "SELECT count(*) FROM invoices WHERE tenant_id = $1 AND status <> 'draft'");
}

static void await_invoices(const struct tenant *tenant, int64_t count) {
  WAIT_UNTIL(invoices_of(tenant) >= count, "%lld invoices, there are %lld", (long long)count,
             (long long)invoices_of(tenant));
  cr_expect_eq(invoices_of(tenant), count);
}

static const json_t *shown(const struct tenant *tenant, const char *subscription) {
  return api_get(tenant, 200, "/api/billing/subscriptions/%s", subscription);
}

static void expect_status(const struct tenant *tenant, const char *subscription, const char *status) {
  cr_expect_str_eq(json_at(shown(tenant, subscription), "status"), status);
}

/* The weekday of a day that lies so many days back: 1 Monday to 7. */
static int weekday(int days_back) {
  return (int)sql_int(NULL, keep_text("SELECT extract(isodow FROM date '%s')::bigint", days_ago(days_back)));
}

/* -- components, fees, minimum (BILL-030) -- */

static const char composed[] = "'components':[{'code':'seats','model':'per_unit','unitPrice':'10.00'},"
                               "{'code':'support','model':'flat','timing':'arrears','unitPrice':'5.00'}],"
                               "'setupFee':'25.00','minimumCommitment':'100.00'";

Test(subscription_life, components_are_charged_when_their_timing_says) {
  struct tenant tenant = tenant_new();
  const json_t *made = subscribe(&tenant, customer_new(&tenant, NULL), weekly_plan(&tenant, composed),
                                 keep_text("'quantity':3,'startDate':'%s'", days_ago(15)));
  const char *id = json_at(made, "id");
  cr_expect_null(json_node_at(made, "currentPrice.x"));
  cr_expect(json_is_null(json_node_at(made, "currentPrice")), "components are not one price");
  billing_run(&tenant);
  await_invoices(&tenant, 3);
  /* a week: 3 × 10.00 in advance, 5.00 in arrears; 65.00 are missing to 100.00 */
  cr_expect_str_eq(lines_of(&tenant, id),
                   "0 setup 0 2500, 0 seats 0 3000, 0 support 0 500, 0 minimum 0 6500, 0 seats 1 3000, "
                   "0 support 1 500, 0 minimum 1 6500, 0 seats 2 3000");
  cr_expect_str_eq(sql_text(&tenant, "SELECT string_agg(DISTINCT component || ' ' || kind, ', ') FROM invoice_items "
                                     "WHERE tenant_id = $1"),
                   "minimum fee, seats subscription, setup fee, support subscription");
  expect_sound_books(&tenant);
}

/* BILL-021: 3 days of a week: 30.00 × 3/7 = 12.86, 5.00 × 3/7 = 2.14; of 100.00 42.86, so that 27.86 are missing. */
Test(subscription_life, a_short_first_period_has_its_share_of_everything) {
  struct tenant tenant = tenant_new();
  const json_t *made =
      subscribe(&tenant, customer_new(&tenant, NULL), weekly_plan(&tenant, composed),
                keep_text("'quantity':3,'startDate':'%s','billingAnchor':%d.0", days_ago(9), weekday(6)));
  billing_run(&tenant);
  await_invoices(&tenant, 2);
  cr_expect_str_eq(lines_of(&tenant, json_at(made, "id")),
                   "0 setup 0 2500, 0 seats 0 1286, 0 support 0 214, 0 minimum 0 2786, 0 seats 1 3000");
  cr_expect_str_eq(sql_text(&tenant,
                            "SELECT provenance#>>'{periods,0,days}' || '/' || (provenance#>>'{periods,0,fullDays}') "
                            "FROM invoice_items "
                            "WHERE tenant_id = $1 AND component = 'minimum'"),
                   "3/7");
  expect_sound_books(&tenant);
}

/* BILL-055 with arrears: nothing in advance at the end, but what the last period owes. */
Test(subscription_life, what_expires_pays_its_last_arrears) {
  struct tenant tenant = tenant_new();
  const json_t *made = subscribe(&tenant, customer_new(&tenant, NULL), weekly_plan(&tenant, composed),
                                 keep_text("'startDate':'%s','autoRenew':false", days_ago(20)));
  billing_run(&tenant);
  await_invoices(&tenant, 2);
  cr_expect_str_eq(lines_of(&tenant, json_at(made, "id")),
                   "0 setup 0 2500, 0 seats 0 1000, 0 support 0 500, 0 minimum 0 8500");
  expect_status(&tenant, json_at(made, "id"), "expired");
  cr_expect_str_eq(json_at(shown(&tenant, json_at(made, "id")), "expiresAt"),
                   keep_text("%sT00:00:00.000Z", days_ago(13)));
  cr_expect_eq(count_messages(&tenant, "subscription.expired"), 1);
  expect_sound_books(&tenant);
}

/* BILL-030: what worked_examples_test.c has none of. */
Test(subscription_life, every_model_charges_what_the_rules_say) {
  static const struct {
    const char *quantity, *component;
    int64_t minor;
  } cases[] = {
      {"2.5", "'model':'per_unit','unitPrice':'0.333333333333'", 83},
      {"7", "'model':'flat','unitPrice':'12.34'", 1234},
  };
  struct tenant tenant = tenant_new();
  const char *customer = customer_new(&tenant, NULL);
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    const char *plan = weekly_plan(&tenant, keep_text("'components':[{'code':'c',%s}]", cases[i].component));
    const char *id = json_at(subscribe(&tenant, customer, plan, keep_text("'quantity':'%s'", cases[i].quantity)), "id");
    await_invoices(&tenant, (int64_t)i + 1);
    cr_expect_str_eq(lines_of(&tenant, id), keep_text("0 c 0 %lld", (long long)cases[i].minor), "%s",
                     cases[i].component);
  }
  expect_sound_books(&tenant);
}

Test(subscription_life, add_ons_are_items_of_their_own) {
  struct tenant tenant = tenant_new();
  const char *own = plan_new(&tenant, "10.00", "USD", "weekly"), *extra = plan_new(&tenant, "2.50", "USD", "weekly");
  const char *fee = weekly_plan(&tenant, "'price':'1.00','setupFee':'7.00'");
  const json_t *made =
      subscribe(&tenant, customer_new(&tenant, NULL), own,
                keep_text("'startDate':'%s','items':[{'planId':'%s','quantity':'1.5'},{'planId':'%s','quantity':2}]",
                          days_ago(8), extra, fee));
  cr_expect_eq(json_number_at(made, "items.0.quantity"), 1.5);
  cr_expect_str_eq(json_at(made, "items.1.planId"), fee);
  billing_run(&tenant);
  await_invoices(&tenant, 2);
  cr_expect_str_eq(
      lines_of(&tenant, json_at(made, "id")),
      "0 base 0 1000, 1 base 0 375, 2 setup 0 700, 2 base 0 200, 0 base 1 1000, 1 base 1 375, 2 base 1 200");
  cr_expect_eq(json_array_size(json_node_at(messages_of(&tenant, "subscription.created"), "0.items")), 2);
  expect_sound_books(&tenant);
}

/* BILL-022: what a change will credit stands in the row, with each period. */
Test(subscription_life, knows_what_was_charged_in_advance) {
  struct tenant tenant = tenant_new();
  const char *plan = plan_new(&tenant, "10.00", "USD", "weekly");
  subscribe(&tenant, customer_new(&tenant, NULL), plan, keep_text("'quantity':2,'startDate':'%s'", days_ago(8)));
  static const char charges[] = "SELECT concat_ws(' ', c->>'item', c->>'component', c->>'periodIndex', c->>'amount', "
                                "c->>'start', c->>'quantity') "
                                "FROM subscriptions, json_array_elements(charges) c WHERE tenant_id = $1";
  cr_expect_str_eq(sql_text(&tenant, charges), keep_text("0 base 0 20.00 %s 2", days_ago(8)));
  billing_run(&tenant);
  cr_expect_str_eq(sql_text(&tenant, charges), keep_text("0 base 1 20.00 %s 2", days_ago(1)));
  cr_expect_eq(sql_int(&tenant, "SELECT charged_minor FROM subscriptions WHERE tenant_id = $1"), 2000);
}

/* -- where it begins -- */

/* Members of a weekly subscription of 7.00, and the lines that they lead to after a run; $n is the day n days ago. */
static const char *with_days(const char *text) {
  char out[1024] = "";
  size_t length = 0;
  for (; *text; text++) {
    if (*text != '$') {
      out[length++] = *text;
      continue;
    }
    char *end;
    long days = strtol(text + 1, &end, 10);
    length += (size_t)snprintf(out + length, sizeof out - length, "%s", days_ago((int)days));
    text = end - 1;
  }
  return keep_text("%s", out);
}

Test(subscription_life, begins_where_it_is_told_to) {
  static const struct {
    const char *members, *lines;
  } cases[] = {
      {"'startDate':'$8'", "0 base 0 700, 0 base 1 700"},
      {"'startDate':'$8T23:59:59Z'", "0 base 0 700, 0 base 1 700"},
      {"'startDate':'$8T23:59:59-02:00'", "0 base 0 700, 0 base 1 700"}, /* a week ago in UTC */
      {"'startDate':'$-5'", NULL},
      {"'startDate':'$30','billFrom':'$8'", "0 base 4 700"}, /* boundaries 30, 23, 16, 9, 2 days ago */
      {"'startDate':'$30','billFrom':'$9'", "0 base 3 700, 0 base 4 700"},
      {"'startDate':'$30','billFrom':'$9T00:00:00Z'", "0 base 3 700, 0 base 4 700"},
      {"'startDate':'$8','billFrom':'$20'", "0 base 0 700, 0 base 1 700"}, /* before the start: all of it */
      {"'startDate':'$8','billFrom':'$-20'", NULL},
      {"'startDate':'$10','currentPeriodEnd':'$8'", "0 base 0 200, 0 base 1 700, 0 base 2 700"}, /* 2/7 */
      {"'startDate':'$10','currentPeriodEnd':'$-6'", "0 base 0 200, 0 base 1 700, 0 base 2 700"},
      {"'startDate':'$15','trialDays':14", "0 base 0 700"},
      {"'startDate':'$15','trialDays':7", "0 base 0 700, 0 base 1 700"},
      {"'startDate':'$15','trialDays':0", "0 base 0 700, 0 base 1 700, 0 base 2 700"},
      {"'startDate':'$3','trialDays':7", NULL},
  };
  struct tenant tenant = tenant_new();
  const char *plan = plan_new(&tenant, "7.00", "USD", "weekly"), *ids[sizeof cases / sizeof *cases];
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
    ids[i] = json_at(subscribe(&tenant, customer_new(&tenant, NULL), plan, with_days(cases[i].members)), "id");
  billing_run(&tenant);
  WAIT_UNTIL(
      sql_int(&tenant, "SELECT sum(next_period_index - first_period_index) FROM subscriptions WHERE tenant_id = $1") ==
          sql_int(&tenant, "SELECT count(*) FROM invoices WHERE tenant_id = $1"),
      "an invoice for each period");
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    const char *lines = lines_of(&tenant, ids[i]);
    cr_expect_str_eq(lines ? lines : "none", cases[i].lines ? cases[i].lines : "none", "%s", cases[i].members);
  }
  expect_sound_books(&tenant);
}

/* BILL-014 */
Test(subscription_life, aligns_with_the_customer_s_oldest) {
  struct tenant tenant = tenant_new();
  const char *customer = customer_new(&tenant, NULL), *plan = plan_new(&tenant, "31.00", "USD", "monthly");
  const json_t *first = subscribe(&tenant, customer, plan, "'startDate':'2026-01-31','billingAnchor':'aligned'");
  cr_expect_str_eq(json_at(first, "currentPeriodEnd"), "2026-02-28T00:00:00.000Z");
  const json_t *second = subscribe(&tenant, customer, plan, "'startDate':'2026-03-10','billingAnchor':'aligned'");
  cr_expect_str_eq(json_at(second, "currentPeriodEnd"), "2026-03-31T00:00:00.000Z");
  await_invoices(&tenant, 3); /* what the oldest owes up to that day is billed with it (BILL-061) */
  cr_expect_str_eq(lines_of(&tenant, json_at(second, "id")), "0 base 0 2100"); /* 21 of 31 days from Feb 28 on */
  const json_t *other =
      subscribe(&tenant, customer_new(&tenant, NULL), plan, "'startDate':'2026-03-10','billingAnchor':'aligned'");
  cr_expect_str_eq(json_at(other, "currentPeriodEnd"), "2026-04-10T00:00:00.000Z");
}

/* BILL-013: local midnight on a day without one (Beirut, 2024-03-31 00:00 → 01:00), and on one with two (Azores,
 * 2024-10-27 00:00 comes twice): the first instant of the date. */
Test(subscription_life, begins_with_the_local_day) {
  static const struct {
    const char *zone, *date, *starts;
  } cases[] = {
      {"Asia/Beirut", "2024-03-31", "2024-03-30T22:00:00.000Z"},
      {"Atlantic/Azores", "2024-10-27", "2024-10-27T00:00:00.000Z"},
      {"Pacific/Kiritimati", "2024-01-01", "2023-12-31T10:00:00.000Z"},
  };
  struct tenant tenant = tenant_new();
  const char *plan = plan_new(&tenant, "1.00", "USD", "yearly");
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    const char *customer = customer_new(&tenant, "'timeZone':'%s'", cases[i].zone);
    const json_t *made = subscribe(&tenant, customer, plan, keep_text("'startDate':'%s'", cases[i].date));
    cr_expect_str_eq(json_at(made, "currentPeriodStart"), cases[i].starts, "%s", cases[i].zone);
    cr_expect_str_eq(json_at(made, "startedAt"), cases[i].starts, "%s", cases[i].zone);
    cr_expect_str_eq(json_at(made, "startDate"), cases[i].date, "%s", cases[i].zone);
  }
}

/* -- trials (BILL-056) -- */

Test(subscription_life, a_trial_costs_nothing_until_it_ends) {
  struct tenant tenant = tenant_new();
  const char *id = json_at(
      subscribe(&tenant, customer_new(&tenant, NULL), plan_new(&tenant, "7.00", "USD", "weekly"), "'trialDays':10"),
      "id");
  const json_t *trial = shown(&tenant, id);
  cr_expect_str_eq(json_at(trial, "status"), "trialing");
  cr_expect(json_is_true(json_node_at(trial, "isTrial")));
  cr_expect_str_eq(json_at(trial, "startDate"), days_ago(0));
  cr_expect_str_eq(json_at(trial, "trialEndsAt"), keep_text("%sT00:00:00.000Z", days_ago(-10)));
  cr_expect_str_eq(json_at(trial, "nextBillingDate"), json_at(trial, "trialEndsAt"));
  cr_expect_str_eq(json_at(trial, "currentPeriodEnd"), json_at(trial, "trialEndsAt"));
  billing_run(&tenant);
  cr_expect_eq(invoices_of(&tenant), 0);
  cr_expect_eq(count_messages(&tenant, "subscription.trial_ending"), 0);

  let_days_pass(&tenant, 8);
  WAIT_UNTIL(count_messages(&tenant, "subscription.trial_ending") == 1, "the notice");
  cr_expect_eq(invoices_of(&tenant), 0);
  expect_status(&tenant, id, "trialing");

  let_days_pass(&tenant, 3);
  billing_run(&tenant);
  await_invoices(&tenant, 1);
  cr_expect_str_eq(lines_of(&tenant, id), "0 base 0 700");
  const json_t *active = shown(&tenant, id);
  cr_expect_str_eq(json_at(active, "status"), "active");
  cr_expect_str_eq(json_at(active, "currentPeriodStart"), keep_text("%sT00:00:00.000Z", days_ago(1)));
  cr_expect_str_eq(json_at(active, "nextBillingDate"), keep_text("%sT00:00:00.000Z", days_ago(-6)));
  cr_expect_eq(count_messages(&tenant, "subscription.activated"), 1);
  cr_expect_eq(count_messages(&tenant, "subscription.renewed"), 0);
  cr_expect_eq(count_messages(&tenant, "subscription.trial_ending"), 1);
  expect_sound_books(&tenant);
}

Test(subscription_life, the_end_of_a_short_trial_is_announced_at_once) {
  struct tenant tenant = tenant_new();
  subscribe(&tenant, customer_new(&tenant, NULL), plan_new(&tenant, "7.00", "USD", "weekly"), "'trialDays':2");
  WAIT_UNTIL(count_messages(&tenant, "subscription.trial_ending") == 1, "the notice");
  cr_expect_str_eq(json_at(messages_of(&tenant, "subscription.trial_ending"), "0.trialEndsAt"),
                   keep_text("%sT00:00:00.000Z", days_ago(-2)));
}

/* -- whose it is -- */

Test(subscription_life, belongs_to_the_default_customer_when_nobody_is_named) {
  struct tenant tenant = tenant_new(), other = tenant_new();
  const char *plan = plan_new(&tenant, "7.00", "USD", "weekly");
  cr_expect_str_eq(json_at(api_post(&tenant, 400, "/api/billing/subscriptions", "{'planId':'%s'}", plan), "field"),
                   "customerId");
  const char *first = customer_new(&tenant, NULL);
  customer_new(&tenant, NULL);
  const json_t *made =
      api_post(&tenant, 201, "/api/billing/subscriptions", "{'planId':'%s','tenantId':'%s'}", plan, tenant.id);
  cr_expect_str_eq(json_at(made, "customerId"), first);
  const json_t *error =
      api_post(&tenant, 403, "/api/billing/subscriptions", "{'planId':'%s','tenantId':'%s'}", plan, other.id);
  cr_expect_str_eq(json_at(error, "code"), "TENANT_ACCESS_DENIED");
  cr_expect_str_eq(json_at(error, "field"), "tenantId");
}

/* -- "subscription.update" -- */

static const json_t *patch(const struct tenant *tenant, int status, const char *subscription, const char *body) {
  struct answer answer =
      api_call(tenant, "PATCH", keep_text("/api/billing/subscriptions/%s", subscription), "%s", body);
  cr_assert_eq(answer.status, status, "%s: %d %s", body, answer.status, answer.text);
  return json_node_at(answer.json, status < 400 ? "data" : "error");
}

Test(subscription_life, what_does_not_touch_the_price_can_be_changed) {
  struct tenant tenant = tenant_new();
  const char *id = json_at(subscribe(&tenant, customer_new(&tenant, NULL), plan_new(&tenant, "7.00", "USD", "weekly"),
                                     keep_text("'startDate':'%s','metadata':{'a':1}", days_ago(3))),
                           "id");
  const json_t *changed = patch(&tenant, 200, id, "{'autoRenew':false,'collection':'automatic','metadata':{'b':2.50}}");
  cr_expect(json_is_false(json_node_at(changed, "autoRenew")));
  cr_expect_str_eq(json_at(changed, "collection"), "automatic");
  cr_expect_eq(json_number_at(changed, "metadata.b"), 2.5);
  cr_expect_null(json_node_at(changed, "metadata.a"));
  cr_expect_eq(json_number_at(changed, "version"), 2);
  const json_t *cleared = patch(&tenant, 200, id, "{'autoRenew':null,'metadata':null,'coupons':null}");
  cr_expect(json_is_true(json_node_at(cleared, "autoRenew")));
  cr_expect_str_eq(json_at(cleared, "collection"), "automatic");
  cr_expect_eq(json_object_size(json_node_at(cleared, "metadata")), 0);
  cr_expect_eq(count_messages(&tenant, "subscription.updated"), 2);
  cr_expect_eq(count_messages(&tenant, "subscription.update"), 2);
  cr_expect_str_eq(json_at(patch(&tenant, 400, id, "{'collection':'barter'}"), "field"), "collection");
  cr_expect_str_eq(json_at(patch(&tenant, 400, id, "{'quantity':2}"), "field"), "quantity");
  cr_expect_str_eq(json_at(patch(&tenant, 400, id, "{'coupons':['X']}"), "field"), "coupons");
  cr_expect_str_eq(json_at(patch(&tenant, 404, new_id(), "{'autoRenew':true}"), "code"), "NOT_FOUND");
  api_post(&tenant, 200, keep_text("/api/billing/subscriptions/%s/cancel", id), "{'immediately':true}");
  cr_expect_str_eq(json_at(patch(&tenant, 409, id, "{'autoRenew':true}"), "code"), "CONFLICT");
  patch(&tenant, 200, id, "{'metadata':{'c':'kept'}}");
}

/* -- bad input -- */

Test(subscription_life, is_refused_with_the_field_at_fault) {
  static const struct {
    int status;
    const char *field, *members; /* %1$s a plan of components, %2$s one of another interval, %3$s one in EUR */
  } cases[] = {
      {400, "quantity", "'quantity':0"},
      {400, "quantity", "'quantity':-1"},
      {400, "quantity", "'quantity':'-1'"},
      {400, "quantity", "'quantity':1000000000000000000"},
      {400, "quantity", "'quantity':'1000000001'"},
      {400, "quantity", "'quantity':'0.000000'"},
      {400, "quantity", "'quantity':1.0000001"},
      {400, "quantity", "'quantity':'1e3'"},
      {400, "quantity", "'quantity':1e3"},
      {400, "quantity", "'quantity':999999999.5,'currentPrice':'9999999999999'"},
      {400, "billingAnchor", "'billingAnchor':0"},
      {400, "billingAnchor", "'billingAnchor':32"},
      {400, "billingAnchor", "'billingAnchor':8"}, /* a week has seven days */
      {400, "billingAnchor", "'billingAnchor':'someday'"},
      {400, "billingAnchor", "'billingAnchor':1.5"},
      {400, "billingAnchor", "'billingAnchor':8.0"},
      {400, "billingAnchor", "'billingAnchor':true"},
      {400, "billingAnchor", "'billingAnchor':3,'currentPeriodEnd':'2026-12-01'"},
      {400, "trialDays", "'trialDays':-1"},
      {400, "trialDays", "'trialDays':1096"},
      {400, "trialDays", "'trialDays':1.5"},
      {400, "startDate", "'startDate':'2026-02-30'"},
      {400, "startDate", "'startDate':'2026-01-01T25:00:00Z'"},
      {400, "startDate", "'startDate':'1999-01-01'"},
      {400, "startDate", "'startDate':'tomorrow'"},
      {400, "billFrom", "'billFrom':'2026-13-01'"},
      {400, "billFrom", "'billFrom':'2099-01-01'"},
      {400, "currentPeriodEnd", "'startDate':'2026-01-05','currentPeriodEnd':'2026-01-05'"},
      {400, "currentPeriodEnd", "'startDate':'2026-01-05','currentPeriodEnd':'2026-02-05'"},
      {400, "currentPeriodEnd", "'currentPeriodEnd':'2027-06-01'"},
      {400, "collection", "'collection':'barter'"},
      {400, "paymentBehavior", "'paymentBehavior':'hope'"},
      {400, "currentPrice", "'currentPrice':'-0.01'"},
      {400, "currentPrice", "'currentPrice':'1.234'"},
      {400, "currentPrice", "'currentPrice':'NaN'"},
      {400, "currentPrice", "'currentPrice':'1e2'"},
      {400, "currentPrice", "'currentPrice':1e2"},
      {400, "currentPrice", "'currentPrice':'+1'"},
      {400, "currentPrice", "'currentPrice':'99999999999999999999999'"},
      {400, "currentPrice", "'currentPrice':'5.00','planId':'%1$s'"},
      {400, "currency", "'currency':'EUR'"},
      {404, "items[0].planId", "'items':[{'planId':'no-such-plan'}]"},
      {400, "items[0].planId", "'items':[{'quantity':1}]"},
      {400, "items[0].planId", "'items':[{'planId':'%3$s'}]"},
      {409, "items[1].planId", "'items':[{'planId':'%1$s'},{'planId':'%2$s'}]"},
      {400, "items[0].quantity", "'items':[{'planId':'%1$s','quantity':0}]"},
      {404, "coupons[0]", "'coupons':['NO-SUCH-COUPON']"},
      {400, "tenantId", "'tenantId':'me'"},
  };
  struct tenant tenant = tenant_new();
  const char *customer = customer_new(&tenant, NULL), *plan = plan_new(&tenant, "10.00", "USD", "weekly");
  const char *parts = weekly_plan(&tenant, composed), *yearly = plan_new(&tenant, "10.00", "USD", "yearly");
  const char *euro = plan_new(&tenant, "10.00", "EUR", "weekly");
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
    const char *members = keep_text(cases[i].members, parts, yearly, euro);
#pragma GCC diagnostic pop
    const char *own = strstr(members, "'planId':") == members + strlen("'currentPrice':'5.00',") ? "" : "'planId':";
    const char *body = *own ? keep_text("{'customerId':'%s','planId':'%s',%s}", customer, plan, members)
                            : keep_text("{'customerId':'%s',%s}", customer, members);
    const json_t *error = api_post(&tenant, cases[i].status, "/api/billing/subscriptions", "%s", body);
    cr_expect_str_eq(json_at(error, "field"), cases[i].field, "%s", members);
  }
  cr_expect_eq(sql_int(&tenant, "SELECT count(*) FROM subscriptions WHERE tenant_id = $1"), 0);
}

/* -- catching up -- */

/* "billing month by month equals billing the months at once": two customers with the same subscriptions, one run at a
 * time for each boundary, and one run for all. */
Test(subscription_life, billing_step_by_step_equals_billing_at_once) {
  struct tenant slowly = tenant_new(), at_once = tenant_new();
  const struct tenant *tenants[] = {&slowly, &at_once};
  const char *starts[] = {days_ago(120), days_ago(75), days_ago(31)};
  for (int t = 0; t < 2; t++) {
    const char *customer = customer_new(tenants[t], "'timeZone':'America/Sao_Paulo'");
    const char *weekly = weekly_plan(tenants[t], composed), *monthly = plan_new(tenants[t], "31.00", "USD", "monthly");
    for (int i = 0; i < 3; i++) {
      subscribe(tenants[t], customer, weekly,
                keep_text("'quantity':%d,'startDate':'%s','billingAnchor':2", 1 + i, starts[i]));
      subscribe(tenants[t], customer, monthly, keep_text("'startDate':'%s','billingAnchor':31", starts[i]));
      subscribe(tenants[t], customer, monthly, keep_text("'startDate':'%s','trialDays':%d", starts[i], 7 * i));
    }
  }
  for (int days = 119; days >= 0; days -= 17) {
    const json_t *run = api_post(&slowly, 201, "/api/billing/runs", "{'asOf':'%sT00:00:00Z'}", days_ago(days));
    WAIT_UNTIL(
        strcmp(json_at(api_get(&slowly, 200, "/api/billing/runs/%s", json_at(run, "id")), "status"), "completed") == 0,
        "the run");
  }
  billing_run(&slowly);
  billing_run(&at_once);
  static const char bills[] =
      "SELECT string_agg(concat_ws(' ', component, kind, period_index, revision, amount_minor, quantity, period_start, "
      "period_end), E'\\n' ORDER BY period_start, period_end, component, quantity, period_index, amount_minor) "
      "FROM invoice_items WHERE tenant_id = $1";
  cr_expect_str_eq(sql_text(&slowly, bills), sql_text(&at_once, bills));
  cr_expect_eq(invoices_of(&slowly), invoices_of(&at_once));
  expect_sound_books(&slowly);
  expect_sound_books(&at_once);
}
