/* Changes of what is charged in arrears, or has a minimum commitment (BILL-022, BILL-030, BILL-052): two subscriptions
 * live on one test clock, one is changed there and back, and both cost the same to the cent. */
#include "flow.h"

TestSuite(arrears, .timeout = 240);

static const char *plan_of(const struct tenant *tenant, const char *members) {
  return plan_with(tenant, "'billingCycle':'monthly',%s", members);
}

/* Prices that no number of days divides. */
#define ARREARS                                                                          \
  "'components':[{'code':'base','model':'flat','timing':'arrears','unitPrice':'19.97'}," \
  "{'code':'seats','model':'per_unit','timing':'arrears','unitPrice':'3.31'},"           \
  "{'code':'desk','model':'flat','unitPrice':'7.77'}],'minimumCommitment':'61.03'"
#define IN_ADVANCE                                                    \
  "'components':[{'code':'base','model':'flat','unitPrice':'41.11'}," \
  "{'code':'desk','model':'flat','timing':'arrears','unitPrice':'5.55'}]"

struct pair {
  struct tenant tenant;
  const char *clock, *plan, *twin, *other;
  const char *steady, *changed; /* subscriptions, of a customer each */
};

static const char *subscribe(const struct pair *pair) {
  const char *customer = customer_new(&pair->tenant, "'testClockId':'%s'", pair->clock);
  return subscription_with(&pair->tenant, customer, pair->plan, "'quantity':3,'collection':'manual'");
}

static struct pair pair_new(const char *more) {
  struct pair pair = {.tenant = tenant_new_test()};
  pair.clock = test_clock_new(&pair.tenant, "2030-08-10T12:00:00Z");
  pair.plan = plan_of(&pair.tenant, keep_text("%s%s", ARREARS, more));
  pair.twin = plan_of(&pair.tenant, keep_text("%s%s", ARREARS, more));
  pair.other = plan_of(&pair.tenant, keep_text("%s%s", IN_ADVANCE, more));
  pair.steady = subscribe(&pair);
  pair.changed = subscribe(&pair);
  return pair;
}

static void change(const struct pair *pair, const char *plan, int quantity) {
  api_post(&pair->tenant, 200, keep_text("/api/billing/subscriptions/%s/change-plan", pair->changed),
           "{'planId':'%s','quantity':%d,'when':'now'}", plan, quantity);
}

static void change_on(const struct pair *pair, const char *time, const char *plan, int quantity) {
  test_clock_advance(&pair->tenant, pair->clock, time);
  change(pair, plan, quantity);
}

static int64_t cost_of(const struct pair *pair, const char *subscription) {
  return sql_int(&pair->tenant,
                 keep_text("SELECT COALESCE(sum(amount_minor), 0)::bigint FROM invoice_items WHERE tenant_id = $1 "
                           "AND subscription_id = '%s'",
                           subscription));
}

static void expect_same_cost(const struct pair *pair) {
  test_clock_advance(&pair->tenant, pair->clock, "2030-10-10T12:00:00Z");
  cr_expect_eq(sql_int(&pair->tenant, "SELECT count(*) FROM dead_letters WHERE tenant_id = $1"), 0);
  cr_expect_eq(cost_of(pair, pair->changed), cost_of(pair, pair->steady));
  expect_sound_books(&pair->tenant);
}

/* Each piece is priced by what it leaves of the whole: however often the period is cut, the pieces sum to it. */
Test(arrears, to_a_plan_of_the_same_price_and_on_costs_the_same) {
  struct pair pair = pair_new("");
  change_on(&pair, "2030-08-17T09:00:00Z", pair.twin, 3);
  change_on(&pair, "2030-08-23T09:00:00Z", pair.plan, 3);
  change_on(&pair, "2030-08-23T17:00:00Z", pair.twin, 3);
  change_on(&pair, "2030-09-04T09:00:00Z", pair.plan, 3);
  change_on(&pair, "2030-09-10T09:00:00Z", pair.twin, 3); /* the first day of a period */
  change_on(&pair, "2030-10-09T09:00:00Z", pair.plan, 3); /* and the last */
  expect_same_cost(&pair);
  cr_expect_eq(cost_of(&pair, pair.steady), 777 + 2 * 6103, "what is missing to the minimum included");
}

Test(arrears, by_the_second_they_do_too) {
  struct pair pair = pair_new(",'prorationBasis':'second'");
  change_on(&pair, "2030-08-17T09:17:23Z", pair.twin, 3);
  change_on(&pair, "2030-08-17T21:41:07Z", pair.plan, 3);
  change_on(&pair, "2030-09-10T00:00:01Z", pair.twin, 3);
  change_on(&pair, "2030-09-29T23:59:59Z", pair.plan, 3);
  expect_same_cost(&pair);
}

/* A detour takes no time, by whatever plan: a component may be in advance there and in arrears here. */
Test(arrears, there_and_back_on_a_day_nets_to_zero) {
  struct pair pair = pair_new("");
  test_clock_advance(&pair.tenant, pair.clock, "2030-08-21T12:00:00Z");
  for (int round = 1; round <= 2; round++) {
    change(&pair, pair.other, 7 * round);
    change(&pair, pair.twin, 1);
    change(&pair, pair.plan, 3);
  }
  test_clock_advance(&pair.tenant, pair.clock, "2030-09-02T12:00:00Z");
  change(&pair, pair.other, 2);
  change(&pair, pair.plan, 3);
  expect_same_cost(&pair);
}

/* What the detour charged in advance for a period that was renewed early is in arrears again when that is over
 * (BILL-060). */
Test(arrears, a_detour_that_renews_early_nets_to_zero) {
  struct pair pair = pair_new("");
  test_clock_advance(&pair.tenant, pair.clock, "2030-08-21T12:00:00Z");
  change(&pair, pair.other, 2);
  api_post(&pair.tenant, 200, keep_text("/api/billing/subscriptions/%s/renew", pair.changed), "{}");
  change(&pair, pair.plan, 3);
  expect_same_cost(&pair);
}

/* BILL-052: another interval settles what was in arrears, and what comes after it does not look back beyond it. */
Test(arrears, that_another_interval_settled_are_not_looked_for_again) {
  struct pair pair = pair_new("");
  const char *yearly = json_at(api_post(&pair.tenant, 201, "/api/plans",
                                        "{'code':'y-%s','name':'Year','currency':'USD','billingCycle':'yearly',"
                                        "'price':'365.00'}",
                                        new_id()),
                               "id");
  change_on(&pair, "2030-08-15T12:00:00Z", pair.other, 3);
  change_on(&pair, "2030-08-20T12:00:00Z", yearly, 1);
  change_on(&pair, "2030-08-25T12:00:00Z", yearly, 2);
  api_post(&pair.tenant, 200, keep_text("/api/billing/subscriptions/%s/cancel", pair.changed),
           "{'immediately':true,'prorate':true}");
  test_clock_advance(&pair.tenant, pair.clock, "2030-08-26T12:00:00Z");
  cr_expect_str_eq(
      sql_text(&pair.tenant, keep_text("SELECT string_agg(amount_minor::text, ' ' ORDER BY amount_minor) "
                                       "FROM invoice_items WHERE tenant_id = $1 AND subscription_id = '%s' "
                                       "AND period_start >= '2030-08-20' AND period_end > '2031-01-01'",
                                       pair.changed)),
      "-36000 36500 72000", "a year, five days of it, and twice the rest");
  expect_sound_books(&pair.tenant);
}

/* BILL-030: each state has its part of the minimum, 10 days of 31 and 21 of them: 19.69 and 100.00 - 32.26. */
Test(arrears, the_minimum_of_each_plan_counts_for_its_days) {
  struct pair pair = pair_new("");
  const char *dear = plan_of(&pair.tenant, "'components':[{'code':'a','model':'flat','timing':'arrears','unitPrice':"
                                           "'0.31'}],'minimumCommitment':'100.00'");
  change_on(&pair, "2030-08-20T12:00:00Z", dear, 3);
  test_clock_advance(&pair.tenant, pair.clock, "2030-09-10T12:00:00Z");
  cr_expect_eq(cost_of(&pair, pair.changed), 1969 + 10000 - 3226);
  expect_sound_books(&pair.tenant);
}
