/* When a change that is scheduled takes effect (BILL-052), wherever its boundary moves. */
#include "life.h"

TestSuite(scheduled_change, .timeout = 240);

static const char *act(const struct life *life, const char *subscription, const char *verb, const char *body) {
  const char *path = keep_text("/api/billing/subscriptions/%s/%s", subscription, verb);
  return json_at(api_post(&life->tenant, 200, path, "%s", body), "currentPeriodEnd");
}

/* "status effectiveAt" of the only one there is. */
static const char *scheduled(const struct life *life, const char *subscription) {
  const json_t *list = api_get(&life->tenant, 200, "/api/billing/subscriptions/%s/scheduled-changes", subscription);
  cr_assert_eq(json_array_size(list), 1);
  const char *at = json_at(list, "0.effectiveAt");
  return keep_text("%s %.10s", json_at(list, "0.status"), at ? at : "-");
}

static double quantity_of(const struct life *life, const char *subscription) {
  return json_number_at(api_get(&life->tenant, 200, "/api/billing/subscriptions/%s", subscription), "quantity");
}

/* A month's plan of 31.00, from the tenth of January on; three of them from the next period on. */
static const char *waits_for_three(const struct life *life, const char *members) {
  const char *s = subscribe(life, plan_new(&life->tenant, "31.00", "USD", "monthly"), members);
  act(life, s, "change-plan", "{'quantity':3,'when':'period_end'}");
  return s;
}

Test(scheduled_change, a_change_takes_effect_when_the_list_says) {
  struct life life = life_at("2027-01-10T09:00:00Z", "");
  const char *s = waits_for_three(&life, "");
  cr_expect_str_eq(scheduled(&life, s), "pending 2027-02-10");
  advance(&life, "2027-01-15T09:00:00Z");
  act(&life, s, "suspend", "{}");
  cr_expect_str_eq(scheduled(&life, s), "pending -", "nobody knows");
  advance(&life, "2027-01-20T09:00:00Z");
  act(&life, s, "reactivate", "{}");
  cr_expect_str_eq(scheduled(&life, s), "pending 2027-02-10");
  cr_assert_eq(
      api_call(&life.tenant, "PATCH", keep_text("/api/customers/%s", life.customer), "{'timeZone':'Asia/Tokyo'}")
          .status,
      200);
  cr_expect_str_eq(scheduled(&life, s), "pending 2027-02-10", "the boundary that was told stays");
  advance(&life, "2027-02-10T00:00:00Z");
  cr_expect_str_eq(scheduled(&life, s), "applied 2027-02-10");
  cr_expect_eq(quantity_of(&life, s), 3);
  expect_sound_books(&life.tenant);
}

/* In the order of the periods: what was renewed early was renewed as it was. */
Test(scheduled_change, a_change_waits_for_the_end_of_what_was_renewed) {
  struct life life = life_at("2027-01-10T09:00:00Z", "");
  const char *s = subscribe(&life, plan_new(&life.tenant, "31.00", "USD", "monthly"), "");
  act(&life, s, "renew", "{}");
  act(&life, s, "renew", "{}");
  act(&life, s, "change-plan", "{'quantity':3,'when':'period_end'}");
  cr_expect_str_eq(scheduled(&life, s), "pending 2027-04-10");
  advance(&life, "2027-02-10T09:00:00Z");
  cr_expect_str_eq(scheduled(&life, s), "pending 2027-04-10");
  cr_expect_eq(quantity_of(&life, s), 1);
  advance(&life, "2027-04-10T09:00:00Z");
  cr_expect_str_eq(scheduled(&life, s), "applied 2027-04-10");
  cr_expect_eq(quantity_of(&life, s), 3);
  expect_sound_books(&life.tenant);
}

/* A trial and a start to come: the first period has the change already. */
Test(scheduled_change, a_change_of_what_has_not_begun_takes_effect_with_it) {
  struct life life = life_at("2027-01-10T09:00:00Z", "");
  const char *trial = waits_for_three(&life, ",'trialDays':10");
  const char *later = waits_for_three(&life, ",'startDate':'2027-01-25'");
  cr_expect_str_eq(scheduled(&life, trial), "pending 2027-01-20");
  cr_expect_str_eq(scheduled(&life, later), "pending 2027-01-25");
  advance(&life, "2027-01-25T00:00:00Z");
  cr_expect_str_eq(scheduled(&life, trial), "applied 2027-01-20");
  cr_expect_str_eq(scheduled(&life, later), "applied 2027-01-25");
  cr_expect_str_eq(invoices_as(&life.tenant, "v.issue_date || ' ' || v.total_minor"),
                   "2027-01-20 9300, 2027-01-25 9300");
  expect_sound_books(&life.tenant);
}

/* Another interval begins a grid of its own today, and the boundary moves to the end of its first period. */
Test(scheduled_change, a_change_waits_for_the_boundary_of_the_new_interval) {
  struct life life = life_at("2027-01-10T09:00:00Z", "");
  const char *s = waits_for_three(&life, "");
  advance(&life, "2027-01-15T09:00:00Z");
  act(&life, s, "change-plan",
      keep_text("{'planId':'%s','when':'now'}", plan_new(&life.tenant, "7.00", "USD", "weekly")));
  cr_expect_str_eq(scheduled(&life, s), "pending 2027-01-22");
  advance(&life, "2027-01-22T09:00:00Z");
  cr_expect_str_eq(scheduled(&life, s), "applied 2027-01-22");
  cr_expect_eq(quantity_of(&life, s), 3);
  expect_sound_books(&life.tenant);
}

/* No run crosses the boundary, for nothing is billed: it has passed all the same. From Feb 20 on 19 days of 28 are left
 * of 3 x 31.00 and, of an add-on that comes with its setup fee of 9.00, of 28.00. */
Test(scheduled_change, a_boundary_that_passes_during_a_suspension_counts) {
  struct life life = life_at("2027-01-10T09:00:00Z", "");
  const char *s = subscribe(&life, plan_new(&life.tenant, "31.00", "USD", "monthly"), "");
  const char *add_on = json_at(api_post(&life.tenant, 201, "/api/plans",
                                        "{'code':'add-on','name':'Add-on','currency':'USD','billingCycle':'monthly',"
                                        "'price':'28.00','setupFee':'9.00'}"),
                               "id");
  act(&life, s, "change-plan", keep_text("{'quantity':3,'items':[{'planId':'%s'}],'when':'period_end'}", add_on));
  advance(&life, "2027-01-15T09:00:00Z");
  act(&life, s, "suspend", "{}");
  advance(&life, "2027-02-20T09:00:00Z");
  cr_expect_eq(quantity_of(&life, s), 1);
  const char *ends = act(&life, s, "reactivate", "{}");
  cr_expect_str_eq(ends, "2027-03-10T00:00:00.000Z");
  cr_expect_str_eq(scheduled(&life, s), "applied 2027-02-10");
  cr_expect_eq(quantity_of(&life, s), 3);
  WAIT_UNTIL(count_messages(&life.tenant, "subscription.changed") == 1, "subscription.changed");
  advance(&life, "2027-02-21T00:00:00Z");
  cr_expect_str_eq(
      sql_text(&life.tenant,
               "SELECT string_agg(component || ' ' || amount_minor, ', ' ORDER BY i.line) FROM invoice_items i "
               "JOIN invoices v ON v.tenant_id = i.tenant_id AND v.id = i.invoice_id WHERE v.tenant_id = $1 "
               "AND v.issue_date = '2027-02-20'"),
      "setup 900, base 5979, base 1800");
  expect_sound_books(&life.tenant);
}

/* The same into another interval: its grid began at that boundary, and its fifth week runs. */
Test(scheduled_change, another_interval_begins_during_a_suspension) {
  struct life life = life_at("2027-01-10T09:00:00Z", "");
  const char *s = subscribe(&life, plan_new(&life.tenant, "31.00", "USD", "monthly"), "");
  act(&life, s, "change-plan",
      keep_text("{'planId':'%s','when':'period_end'}", plan_new(&life.tenant, "7.00", "USD", "weekly")));
  act(&life, s, "suspend", "{}");
  advance(&life, "2027-03-12T09:00:00Z");
  cr_expect_str_eq(act(&life, s, "reactivate", "{}"), "2027-03-17T00:00:00.000Z");
  cr_expect_str_eq(scheduled(&life, s), "applied 2027-02-10");
  advance(&life, "2027-03-16T00:00:00Z");
  cr_expect_str_eq(invoices_as(&life.tenant, "v.issue_date || ' ' || v.subtotal_minor"),
                   "2027-01-10 3100, 2027-03-12 500");
  expect_sound_books(&life.tenant);
}
