/* BILL-062: a billing run that is tried out: what it says is what the next one does, to the cent, and it leaves no
 * trace. */
#include "flow.h"

TestSuite(dry_run, .timeout = 240);

/* What a run must not touch when it is dry. */
static const char *bills_of(const struct tenant *tenant) {
  return sql_text(
      tenant, "SELECT (SELECT string_agg(s::text, ';' ORDER BY id) FROM subscriptions s WHERE tenant_id = $1)"
              " || (SELECT string_agg(b::text, ';' ORDER BY customer_id) FROM customer_billing b WHERE tenant_id = $1)"
              " || (SELECT count(*) FROM invoices WHERE tenant_id = $1)"
              " || (SELECT count(*) FROM parked_subscriptions WHERE tenant_id = $1)");
}

Test(dry_run, says_what_the_next_one_does) {
  struct tenant tenant = tenant_new();
  const char *dollars = plan_new(&tenant, "5.00", "USD", "weekly"), *euros = plan_new(&tenant, "7.50", "EUR", "weekly");
  for (int i = 0; i < 3; i++) subscription_uncharged(&tenant, customer_new(&tenant, NULL), dollars, days_ago(30));
  subscription_uncharged(&tenant, customer_new(&tenant, "'currency':'EUR'"), euros, days_ago(20));
  const char *bad = subscription_uncharged(&tenant, customer_new(&tenant, NULL), dollars, days_ago(20));
  sql_do(NULL, keep_text("UPDATE subscriptions SET time_zone = 'Nowhere/Land' WHERE id = '%s'", bad));
  WAIT_UNTIL(sql_int(&tenant, "SELECT count(*) FROM invoices WHERE tenant_id = $1") == 5, "the first invoices");
  const char *before = bills_of(&tenant);
  const json_t *dry = run_shown(&tenant, billing_dry_run(&tenant));
  cr_expect_str_eq(bills_of(&tenant), before);
  const json_t *real = run_shown(&tenant, billing_run(&tenant));
  static const char *const counts[] = {"due", "invoiced", "nothingToBill", "parked"};
  for (size_t i = 0; i < sizeof counts / sizeof *counts; i++)
    cr_expect_eq(json_number_at(dry, counts[i]), json_number_at(real, counts[i]), "%s", counts[i]);
  cr_expect_gt(json_number_at(real, "invoiced"), 12);
  cr_expect_eq(json_number_at(real, "parked"), 1);
  cr_expect_eq(json_number_at(dry, "result.parked.count"), 1);
  cr_expect_str_eq(json_at(dry, "result.parked.subscriptions.0.subscriptionId"), bad);
  double totals[2] = {0, 0};
  size_t index;
  const json_t *total;
  json_array_foreach(json_node_at(dry, "result.totals"), index, total)
      totals[strcmp(json_at(total, "currency"), "USD") == 0] += json_number_at(total, "totalAmount");
  cr_expect_str_eq(json_at(real, "amounts.0.currency"), "EUR");
  cr_expect_eq(json_number_at(real, "amounts.0.total"), totals[0]);
  cr_expect_eq(json_number_at(real, "amounts.1.total"), totals[1]);
  cr_expect_eq(count_messages(&tenant, "invoice.create"), (size_t)(5 + json_number_at(real, "invoicesRequested")));
}

/* -- a dry run comes to the cents of the real one (BILL-062) -- */

static const char *weekly_plan(const struct tenant *tenant, const char *currency, const char *members) {
  return json_at(api_post(tenant, 201, "/api/plans",
                          "{'code':'p-%s','name':'Plan','currency':'%s','billingCycle':'weekly',%s}", new_id(),
                          currency, members),
                 "id");
}

/* "plan currency subtotal discount tax total" of each, as the dry run says it and as the invoices of the real one are.
 */
static const char *totals_said(const json_t *run) {
  const char *said = "";
  size_t index;
  const json_t *total;
  json_array_foreach(json_node_at(run, "result.totals"), index, total) said =
      keep_text("%s%s %s %.3f %.3f %.3f %.3f\n", said, json_at(total, "planCode"), json_at(total, "currency"),
                json_number_at(total, "subtotal"), json_number_at(total, "discountAmount"),
                json_number_at(total, "taxAmount"), json_number_at(total, "totalAmount"));
  return said;
}

static const char *totals_made(const struct tenant *tenant, const char *run) {
  return sql_text(
      tenant,
      keep_text(
          "SELECT string_agg(concat_ws(' ', code, currency, subtotal, discount, tax, subtotal - discount + tax) || "
          "E'\\n', '' ORDER BY code, currency) FROM (SELECT p.code, v.currency, "
          "sum(units(i.amount_minor, v.currency))::numeric(30, 3) AS subtotal, "
          "sum(units(i.discount_minor, v.currency))::numeric(30, 3) AS discount, "
          "sum(units(i.tax_minor, v.currency))::numeric(30, 3) AS tax "
          "FROM invoices v JOIN invoice_items i ON i.tenant_id = v.tenant_id AND i.invoice_id = v.id "
          "JOIN subscriptions s ON s.tenant_id = i.tenant_id AND s.id = i.subscription_id "
          "JOIN plans p ON p.tenant_id = s.tenant_id AND p.id = s.plan_id "
          "WHERE v.tenant_id = $1 AND v.run_id = '%s' GROUP BY 1, 2) t",
          run));
}

/* What of everything a run can meet. */
struct mix {
  const char *rounding, *rates[3];
  int draft_hours, twins;
};

static const struct mix mixes[] = {
    {"total",
     {"'percentage':'7.7','country':'CH'", "'percentage':'19','country':'DE','inclusive':true"},
     0,
     97}, /* two slices */
    {"line",
     {"'percentage':'7.7','country':'CH'", "'percentage':'19','country':'DE'", "'percentage':'5','taxCode':'low'"},
     0,
     0},
    {"total", {"'percentage':'21'"}, 24, 0},
};

static const char *member_of_mix(const struct tenant *tenant, const char *country, const char *currency,
                                 const char *more) {
  return customer_new(tenant, "'currency':'%s','address':{'country':'%s'}%s", currency, country, more);
}

static const char *subscribe_with(const struct tenant *tenant, const char *customer, const char *plan, int days,
                                  const char *more) {
  return json_at(api_post(tenant, 201, "/api/billing/subscriptions",
                          "{'customerId':'%s','planId':'%s','startDate':'%s','collection':'manual'%s}", customer, plan,
                          days_ago(days), more),
                 "id");
}

/* So many customers like this one, so that a dry run takes several slices. */
static void multiply(const struct tenant *tenant, const char *customer, const char *subscription, int times) {
  sql_do(
      tenant,
      keep_text(
          "WITH twin AS (SELECT gen_random_uuid() AS customer, gen_random_uuid() AS subscription FROM "
          "generate_series(1, %d)), "
          "customers_too AS (INSERT INTO customers (tenant_id, id, name, email, address, tax_exempt, locale, "
          "time_zone, "
          "currency, net_terms_days, created_at, updated_at) SELECT c.tenant_id, customer, c.name, c.email, c.address, "
          "c.tax_exempt, c.locale, c.time_zone, c.currency, c.net_terms_days, c.created_at, c.updated_at "
          "FROM twin, customers c WHERE c.tenant_id = $1 AND c.id = '%s'), "
          "subscriptions_too AS (INSERT INTO subscriptions SELECT (jsonb_populate_record(s, jsonb_build_object('id', "
          "subscription, 'customer_id', customer))).* FROM twin, subscriptions s WHERE s.tenant_id = $1 AND s.id = "
          "'%s'), "
          "coupons_too AS (INSERT INTO subscription_coupons SELECT (jsonb_populate_record(r, jsonb_build_object("
          "'subscription_id', subscription))).* FROM twin, subscription_coupons r "
          "WHERE r.tenant_id = $1 AND r.subscription_id = '%s') "
          "INSERT INTO customer_billing SELECT (jsonb_populate_record(b, jsonb_build_object('customer_id', "
          "customer))).* "
          "FROM twin, customer_billing b WHERE b.tenant_id = $1 AND b.customer_id = '%s'",
          times, customer, subscription, subscription, customer));
}

static void fill(const struct tenant *tenant, const struct mix *mix) {
  sql_do(tenant, keep_text("UPDATE tenants SET tax_rounding = '%s', draft_hours = %d WHERE id = $1", mix->rounding,
                           mix->draft_hours));
  for (size_t i = 0; i < 3 && mix->rates[i]; i++)
    api_post(tenant, 201, "/api/billing/tax-rates", "{'code':'T%zu','name':'Tax',%s}", i, mix->rates[i]);
  static const char *const coupons[] = {
      "'code':'THIRD','percentOff':'33.333','duration':'forever'",
      "'code':'FIVE','amountOff':5,'currency':'USD','duration':'repeating','durationInPeriods':2",
      "'code':'FREE','percentOff':100,'duration':'once'"};
  for (size_t i = 0; i < 3; i++) api_post(tenant, 201, "/api/billing/coupons", "{%s}", coupons[i]);
  const char *flat = weekly_plan(tenant, "USD", "'price':'9.99'");
  const char *rich = weekly_plan(tenant, "USD",
                                 "'components':[{'code':'seats','model':'per_unit','unitPrice':'3.33'},"
                                 "{'code':'late','model':'flat','unitPrice':'4.01','timing':'arrears',"
                                 "'taxCode':'low'}],'setupFee':'1.11','minimumCommitment':'12.00'");
  const char *yen = weekly_plan(tenant, "JPY", "'price':1001"), *euro = weekly_plan(tenant, "EUR", "'price':'7.77'");
  const char *swiss = member_of_mix(tenant, "CH", "USD", ""), *german = member_of_mix(tenant, "DE", "USD", "");
  const char *exempt = member_of_mix(tenant, "DE", "JPY", ",'taxExempt':true"),
             *both = member_of_mix(tenant, "DE", "EUR", "");
  const char *many = subscribe_with(tenant, swiss, flat, 3, ",'coupons':['THIRD','FIVE']");
  subscribe_with(tenant, german, rich, 24, ",'quantity':2,'coupons':['FIVE']");
  subscribe_with(tenant, german, flat, 24, ",'coupons':['FREE']");
  subscribe_with(tenant, exempt, yen, 10, ",'coupons':['THIRD']");
  subscribe_with(tenant, both, euro, 5, "");
  subscribe_with(tenant, both, flat, 5, "");
  const char *changed = subscribe_with(tenant, member_of_mix(tenant, "CH", "USD", ""), flat, 2, ",'coupons':['THIRD']");
  WAIT_UNTIL(sql_int(tenant, "SELECT count(*) FROM invoices WHERE tenant_id = $1") == 7, "the first invoices");
  api_post(tenant, 200, keep_text("/api/billing/subscriptions/%s/change-plan", changed),
           "{'quantity':5,'when':'now','billing':'next_invoice'}");
  cr_expect_eq(sql_int(tenant, "SELECT count(*) FROM pending_lines WHERE tenant_id = $1"), 2);
  if (mix->twins) multiply(tenant, swiss, many, mix->twins); /* a mail for each */
  let_days_pass(tenant, 8);
}

Test(dry_run, comes_to_the_cents_of_the_real_one) {
  for (size_t i = 0; i < sizeof mixes / sizeof *mixes; i++) {
    struct tenant tenant = tenant_new();
    fill(&tenant, &mixes[i]);
    const char *before = bills_of(&tenant);
    const json_t *dry = run_shown(&tenant, billing_dry_run(&tenant));
    cr_expect_str_eq(bills_of(&tenant), before, "a dry run changes nothing");
    cr_expect_eq(sql_int(&tenant, "SELECT count(*) FROM pending_lines WHERE tenant_id = $1"), 2);
    const json_t *real = run_shown(&tenant, billing_run(&tenant));
    cr_expect_geq(json_number_at(real, "invoicesRequested"), 6 + mixes[i].twins);
    cr_expect_eq(sql_int(&tenant, "SELECT count(*) FROM pending_lines WHERE tenant_id = $1"), 0);
    cr_expect(json_equal((json_t *)(uintptr_t)json_node_at(dry, "amounts"),
                         (json_t *)(uintptr_t)json_node_at(real, "amounts")),
              "mix %zu", i);
    cr_expect_str_eq(totals_said(dry), totals_made(&tenant, json_at(real, "id")), "mix %zu", i);
    cr_expect_eq(json_number_at(dry, "result.parked.count"), 0);
  }
}

/* More lines than a slice takes: 120 days of 140 components. The customer after it comes with the next one, and nobody
 * is left out. */
Test(dry_run, leaves_nobody_out_however_many_lines_there_are) {
  struct tenant tenant = tenant_new();
  const char *components = "", *items = "";
  for (int n = 0; n < 20; n++)
    components = keep_text("%s%s{'code':'c%d','model':'flat','unitPrice':'0.01'}", components, n ? "," : "", n);
  const char *many = json_at(
      api_post(&tenant, 201, "/api/plans",
               "{'code':'many','name':'Many','currency':'USD','billingCycle':'daily','components':[%s]}", components),
      "id");
  for (int n = 0; n < 6; n++) items = keep_text("%s%s{'planId':'%s'}", items, n ? "," : "", many);
  const char *one = plan_new(&tenant, "1.00", "USD", "daily");
  for (int n = 0; n < 3; n++) {
    const char *customer = customer_new(&tenant, NULL);
    api_post(&tenant, 201, "/api/billing/subscriptions",
             "{'customerId':'%s','planId':'%s','collection':'manual','startDate':'%s','items':[%s]}", customer,
             n == 0 ? many : one, days_ago(125), n == 0 ? items : "");
  }
  const json_t *dry = run_shown(&tenant, billing_dry_run(&tenant));
  cr_expect_eq(json_number_at(dry, "due"), 3 * 125, "the first day was billed when it began");
  cr_expect_eq(json_number_at(dry, "invoiced"), 3 * 125);
  cr_expect_eq(json_number_at(dry, "amounts.0.total"), 125 * (1.40 + 2 * 1.00));
  expect_sound_books(&tenant);
}

Test(dry_run, looks_ahead_and_compares) {
  struct tenant tenant = tenant_new();
  const char *plan = plan_new(&tenant, "5.00", "USD", "weekly");
  subscription_uncharged(&tenant, customer_new(&tenant, NULL), plan,
                         days_ago(20)); /* three boundaries then, one next week */
  const char *leaves = subscription_uncharged(&tenant, customer_new(&tenant, NULL), plan, days_ago(10));
  api_post(&tenant, 201, "/api/billing/coupons", "{'code':'FREE','percentOff':'100','duration':'forever'}");
  api_post(&tenant, 201, "/api/billing/subscriptions", /* 0.00 then and next week: no difference */
           "{'customerId':'%s','planId':'%s','startDate':'%s','coupons':['FREE']}", customer_new(&tenant, NULL), plan,
           days_ago(10));
  const char *last = billing_run(&tenant);
  api_post(&tenant, 200, keep_text("/api/billing/subscriptions/%s/cancel", leaves), "{'immediately':true}");
  const char *joins = subscription_uncharged(&tenant, customer_new(&tenant, NULL), plan, days_ago(0));
  const json_t *started =
      api_post(&tenant, 201, "/api/billing/runs", "{'dryRun':true,'asOf':'%sT12:00:00Z'}", days_ago(-7));
  const char *run = json_at(started, "id");
  WAIT_UNTIL(run_is(&tenant, run, "completed"), "the dry run");
  const json_t *difference = json_node_at(run_shown(&tenant, run), "result.difference");
  cr_expect_str_eq(json_at(difference, "sinceRunId"), last);
  cr_expect_eq(json_number_at(difference, "new.count"), 1);
  cr_expect_str_eq(json_at(difference, "new.subscriptions.0.subscriptionId"), joins);
  cr_expect_eq(json_number_at(difference, "gone.count"), 1);
  cr_expect_str_eq(json_at(difference, "gone.subscriptions.0.subscriptionId"), leaves);
  cr_expect_eq(json_number_at(difference, "gone.subscriptions.0.before"), 5);
  cr_expect_eq(json_number_at(difference, "changed.count"), 1);
  cr_expect_eq(json_number_at(difference, "changed.subscriptions.0.before"), 10);
  cr_expect_eq(json_number_at(difference, "changed.subscriptions.0.amount"), 5);
  cr_expect_str_eq(
      json_at(api_post(&tenant, 400, "/api/billing/runs", "{'dryRun':true,'asOf':'2999-01-01T00:00:00Z'}"), "field"),
      "asOf");
}
