/* Rules that show over weeks, each a life on a test clock: trials, coupons, local midnights, currencies apart. Expected
 * amounts are worked out by hand beside the case. */
#include <pthread.h>

#include "life.h"

TestSuite(over_time, .timeout = 240);

static const char *status_of(const struct life *life, const char *subscription) {
  return json_at(api_get(&life->tenant, 200, "/api/billing/subscriptions/%s", subscription), "status");
}

/* BILL-056 */
Test(over_time, a_trial_is_announced_three_days_before_it_ends) {
  struct life life = life_at("2027-01-01T09:00:00Z", "");
  const char *s = subscribe(&life, plan_new(&life.tenant, "7.00", "USD", "weekly"), ",'trialDays':10");
  advance(&life, "2027-01-07T23:59:59Z");
  cr_expect_eq(count_messages(&life.tenant, "subscription.trial_ending"), 0);
  advance(&life, "2027-01-08T00:00:00Z");
  WAIT_UNTIL(count_messages(&life.tenant, "subscription.trial_ending") == 1, "the notice");
  cr_expect_str_eq(json_at(messages_of(&life.tenant, "subscription.trial_ending"), "0.trialEndsAt"),
                   "2027-01-11T00:00:00.000Z");
  advance(&life, "2027-01-10T23:59:59Z");
  cr_expect_str_eq(status_of(&life, s), "trialing");
  cr_expect_null(invoices_as(&life.tenant, "v.id::text"));
  advance(&life, "2027-01-18T00:00:00Z");
  cr_expect_str_eq(status_of(&life, s), "active");
  cr_expect_str_eq(invoices_as(&life.tenant, "v.issue_date || ' ' || v.total_minor"), "2027-01-11 700, 2027-01-18 700");
  cr_expect_eq(count_messages(&life.tenant, "subscription.trial_ending"), 1);
  cr_expect_eq(count_messages(&life.tenant, "subscription.activated"), 1);
  expect_sound_books(&life.tenant);
}

/* BILL-051: 23 hours, and the invoice of what does not begin is void. */
Test(over_time, a_first_payment_is_waited_for_twenty_three_hours) {
  struct life life = life_at("2027-01-01T00:00:00Z", "");
  const char *plan = plan_new(&life.tenant, "7.00", "USD", "weekly"), *s[2];
  for (int i = 0; i < 2; i++) {
    s[i] = subscribe(&life, plan, ",'paymentBehavior':'require_payment'");
    WAIT_UNTIL(sql_int(&life.tenant, "SELECT count(*) FROM invoices WHERE tenant_id = $1") == i + 1, "its invoice");
  }
  api_post(&life.tenant, 200, keep_text("/api/billing/subscriptions/%s/cancel", s[1]), "{'immediately':true}");
  advance(&life, "2027-01-01T22:59:59Z");
  cr_expect_str_eq(status_of(&life, s[0]), "incomplete");
  cr_expect_str_eq(invoices_as(&life.tenant, "v.status"), "open, void");
  advance(&life, "2027-01-09T00:00:00Z");
  cr_expect_str_eq(status_of(&life, s[0]), "expired");
  cr_expect_str_eq(json_at(api_get(&life.tenant, 200, "/api/billing/subscriptions/%s", s[0]), "expiresAt"),
                   "2027-01-01T23:00:00.000Z");
  cr_expect_str_eq(invoices_as(&life.tenant, "v.status"), "void, void");
  expect_sound_books(&life.tenant);
}

/* BILL-056: who is to be charged after all is told, at the third day before or at once, and once. A trial until the
 * 11th. */
Test(over_time, a_trial_that_was_interrupted_goes_on_and_is_announced) {
  static const struct {
    const char *verb, *stopped, *resumed, *status, *announced, *charged;
  } cases[] = {
      {"suspend", "2027-01-03", "2027-01-05", "trialing", "01-08", "2027-01-11 900"},
      {"suspend", "2027-01-03", "2027-01-09", "trialing", "01-09", "2027-01-11 900"},
      {"suspend", "2027-01-09", "2027-01-10", "trialing", "01-08", "2027-01-11 900"},
      {"suspend", "2027-01-03", "2027-01-12", "active", "", "2027-01-12 800"},
      {"cancel", "2027-01-03", "2027-01-09", "trialing", "01-09", "2027-01-11 900"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    struct life life = life_at("2027-01-01T00:00:00Z", "");
    const char *plan = json_at(api_post(&life.tenant, 201, "/api/plans",
                                        "{'code':'w','name':'W','price':'7.00','setupFee':'2.00','currency':'USD',"
                                        "'billingCycle':'weekly'}"),
                               "id");
    const char *s = subscribe(&life, plan, ",'trialDays':10");
    const char *path = keep_text("/api/billing/subscriptions/%s", s);
    advance(&life, keep_text("%sT00:00:01Z", cases[i].stopped));
    api_post(&life.tenant, 200, keep_text("%s/%s", path, cases[i].verb), "{}");
    advance(&life, keep_text("%sT00:00:00Z", cases[i].resumed));
    api_post(&life.tenant, 200, keep_text("%s/reactivate", path), "{}");
    cr_expect_str_eq(status_of(&life, s), cases[i].status, "case %zu", i);
    advance(&life, "2027-01-13T00:00:00Z");
    cr_expect_str_eq(sql_text(&life.tenant,
                              "SELECT COALESCE(string_agg(to_char(at AT TIME ZONE 'UTC', 'MM-DD'), ' '), '') "
                              "FROM subscription_history WHERE tenant_id = $1 AND what = 'trial_ending'"),
                     cases[i].announced, "case %zu", i);
    cr_expect_str_eq(status_of(&life, s), "active", "case %zu", i);
    cr_expect_str_eq(invoices_as(&life.tenant, "v.issue_date || ' ' || v.total_minor"), cases[i].charged, "case %zu",
                     i);
    expect_sound_books(&life.tenant);
  }
}

/* -- coupons given with subscription.create (BILL-040) -- */

static void coupon(const struct tenant *tenant, const char *code, const char *members) {
  api_post(tenant, 201, "/api/billing/coupons", "{'code':'%s',%s}", code, members);
}

/* In the order given: half of 10.00, a tenth of the rest in the first period, 1.00 off what is left in two. */
Test(over_time, coupons_last_once_for_some_periods_and_for_ever) {
  struct life life = life_at("2027-01-01T00:00:00Z", "");
  coupon(&life.tenant, "HALF", "'percentOff':50,'duration':'forever'");
  coupon(&life.tenant, "ONCE", "'percentOff':10,'duration':'once'");
  coupon(&life.tenant, "TWICE", "'amountOff':1,'currency':'USD','duration':'repeating','durationInPeriods':2");
  coupon(&life.tenant, "ALL", "'percentOff':100,'duration':'once'");
  const char *plan = plan_new(&life.tenant, "10.00", "USD", "weekly");
  subscribe(&life, plan, ",'coupons':['HALF','ONCE','TWICE']");
  advance(&life, "2027-01-22T00:00:00Z");
  cr_expect_str_eq(invoices_as(&life.tenant, "v.discount_minor || ' ' || v.total_minor"),
                   "650 350, 600 400, 500 500, 500 500");
  cr_expect_eq(json_number_at(api_get(&life.tenant, 200, "/api/billing/coupons?code=TWICE"), "0.timesRedeemed"), 1);
  subscribe(&life, plan, ",'coupons':['ALL']"); /* an invoice of zero is finalised and paid at once */
  static const char zero[] = "SELECT status || ' ' || (number IS NOT NULL) FROM invoices WHERE tenant_id = $1 "
                             "AND total_minor = 0 AND subtotal_minor = 1000";
  WAIT_UNTIL(sql_text(&life.tenant, zero), "the invoice of zero");
  cr_expect_str_eq(sql_text(&life.tenant, zero), "paid true");
  WAIT_UNTIL(count_messages(&life.tenant, "invoice.paid") == 1, "invoice.paid");
  cr_expect_eq(sql_int(&life.tenant, "SELECT count(*) FROM payments WHERE tenant_id = $1"), 0);
  expect_sound_books(&life.tenant);
}

struct redeemer {
  const struct tenant *tenant;
  const char *body;
  int status;
};

static void *redeem(void *context) {
  struct redeemer *redeemer = context;
  redeemer->status =
      http_request("POST", "/api/billing/subscriptions", redeemer->tenant->token, redeemer->body, NULL).status;
  return NULL;
}

Test(over_time, the_last_redemptions_go_to_so_many_however_many_ask_at_once) {
  enum { ASKING = 8, ALLOWED = 3 };
  struct tenant tenant = tenant_new();
  struct redeemer redeemers[ASKING];
  pthread_t threads[ASKING];
  int had = 0;
  coupon(&tenant, "FEW", keep_text("'percentOff':10,'duration':'once','maxRedemptions':%d", ALLOWED));
  const char *plan = plan_new(&tenant, "10.00", "USD", "weekly");
  for (int i = 0; i < ASKING; i++)
    redeemers[i] = (struct redeemer){.tenant = &tenant,
                                     .body = quotes(keep_text("{'customerId':'%s','planId':'%s','coupons':['FEW']}",
                                                              customer_new(&tenant, NULL), plan))};
  for (int i = 0; i < ASKING; i++) cr_assert_eq(pthread_create(&threads[i], NULL, redeem, &redeemers[i]), 0);
  for (int i = 0; i < ASKING; i++) pthread_join(threads[i], NULL);
  for (int i = 0; i < ASKING; i++) {
    cr_expect(redeemers[i].status == 201 || redeemers[i].status == 409, "%d", redeemers[i].status);
    had += redeemers[i].status == 201;
  }
  cr_expect_eq(had, ALLOWED);
  cr_expect_eq(json_number_at(api_get(&tenant, 200, "/api/billing/coupons?code=FEW"), "0.timesRedeemed"), ALLOWED);
  cr_expect_eq(sql_int(&tenant, "SELECT count(*) FROM subscriptions WHERE tenant_id = $1"), ALLOWED);
}

Test(over_time, a_coupon_that_does_not_fit_is_refused_and_not_redeemed) {
  static const struct {
    int status;
    const char *codes, *field;
  } cases[] = {{400, "'EURO'", "coupons[0]"},
               {400, "'GOOD','OTHER'", "coupons[1]"},
               {400, "'GOOD','GOOD'", "coupons"},
               {409, "'GONE'", "coupons[0]"},
               {404, "'GOOD','NONE'", "coupons[1]"}};
  struct tenant tenant = tenant_new();
  const char *customer = customer_new(&tenant, NULL), *plan = plan_new(&tenant, "10.00", "USD", "weekly");
  const char *other = plan_new(&tenant, "1.00", "USD", "weekly");
  coupon(&tenant, "GOOD", "'percentOff':10,'duration':'once'");
  coupon(&tenant, "EURO", "'amountOff':1,'currency':'EUR','duration':'once'");
  coupon(&tenant, "OTHER", keep_text("'percentOff':10,'duration':'once','planIds':['%s']", other));
  coupon(&tenant, "GONE", "'percentOff':10,'duration':'once'");
  const char *gone = json_at(api_get(&tenant, 200, "/api/billing/coupons?code=GONE"), "0.id");
  cr_assert_eq(api_call(&tenant, "DELETE", keep_text("/api/billing/coupons/%s", gone), NULL).status, 204);
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
    cr_expect_str_eq(
        json_at(api_post(&tenant, cases[i].status, "/api/billing/subscriptions",
                         "{'customerId':'%s','planId':'%s','coupons':[%s]}", customer, plan, cases[i].codes),
                "field"),
        cases[i].field, "%s", cases[i].codes);
  cr_expect_eq(sql_int(&tenant, "SELECT COALESCE(sum(times_redeemed), 0)::bigint FROM coupons WHERE tenant_id = $1"),
               0);
  cr_expect_eq(sql_int(&tenant, "SELECT count(*) FROM subscriptions WHERE tenant_id = $1"), 0);
}

/* -- tax by line and by total (BILL-041): 10 % of twice 1.05 -- */

Test(over_time, tax_is_rounded_as_the_tenant_wants) {
  static const struct { const char *rounding, *taxes; } cases[] = {{"total", "11 10"}, {"line", "11 11"}};
  for (size_t i = 0; i < 2; i++) {
    struct tenant tenant = tenant_new();
    sql_do(&tenant, keep_text("UPDATE tenants SET tax_rounding = '%s' WHERE id = $1", cases[i].rounding));
    api_post(&tenant, 201, "/api/billing/tax-rates", "{'code':'T','name':'Tax','percentage':10}");
    const char *plan = json_at(
        api_post(
            &tenant, 201, "/api/plans",
            "{'code':'p','name':'Plan','currency':'USD','billingCycle':'weekly','components':[{'code':'one','model':"
            "'flat','unitPrice':'1.05'},{'code':'two','model':'flat','unitPrice':'1.05'}]}"),
        "id");
    subscription_new(&tenant, customer_new(&tenant, NULL), plan, days_ago(0));
    static const char taxes[] = "SELECT string_agg(tax_minor::text, ' ' ORDER BY line) FROM invoice_items WHERE "
                                "tenant_id = $1";
    WAIT_UNTIL(sql_text(&tenant, taxes), "the invoice");
    cr_expect_str_eq(sql_text(&tenant, taxes), cases[i].taxes, "%s", cases[i].rounding);
    expect_sound_books(&tenant);
  }
}

/* -- nothing, and less than nothing (BILL-040, BILL-070) -- */

Test(over_time, an_invoice_below_zero_is_paid_at_once_and_becomes_credit) {
  static const struct {
    const char *price;
    double total, credit;
  } cases[] = {{"10.00", 0, 0}, {"4.00", -6.00, 6.00}};
  for (size_t i = 0; i < 2; i++) {
    struct tenant tenant = tenant_new();
    const char *customer = customer_new(&tenant, NULL);
    const char *invoice = json_at(api_post(&tenant, 201, "/api/billing/invoices",
                                           "{'customerId':'%s','items':[{'description':'A','unitPrice':'%s'},"
                                           "{'description':'B','unitPrice':'-10.00'}]}",
                                           customer, cases[i].price),
                                  "id");
    const json_t *made = api_post(&tenant, 200, keep_text("/api/billing/invoices/%s/finalize", invoice), "{}");
    cr_expect_str_eq(json_at(made, "status"), "paid");
    cr_expect_str_eq(json_at(made, "invoiceNumber"), "INV-000001");
    cr_expect_eq(json_number_at(made, "totalAmount"), cases[i].total);
    cr_expect_eq(json_number_at(made, "amountDue"), 0);
    WAIT_UNTIL(count_messages(&tenant, "invoice.paid") == 1, "invoice.paid");
    const json_t *balance = api_get(&tenant, 200, "/api/customers/%s/balance", customer);
    cr_expect_eq(json_array_size(balance) ? json_number_at(balance, "0.credit") : 0, cases[i].credit);
    cr_expect_eq(sql_int(&tenant, "SELECT count(*) FROM payments WHERE tenant_id = $1"), 0);
    expect_sound_books(&tenant);
  }
}

/* Each line fits, their sum does not; a line that alone does not. Nothing is half done. */
Test(over_time, an_invoice_of_more_than_can_be_counted_is_refused) {
  static const char *const items[] = {
      "{'description':'A','unitPrice':'9999999999999.99'},{'description':'B','unitPrice':'9999999999999.99'}",
      "{'description':'A','quantity':1000000000,'unitPrice':'9999999999.99'}"};
  struct tenant tenant = tenant_new();
  const char *customer = customer_new(&tenant, NULL);
  for (size_t i = 0; i < 2; i++) {
    const json_t *error =
        api_post(&tenant, 400, "/api/billing/invoices", "{'customerId':'%s','items':[%s]}", customer, items[i]);
    cr_expect_str_eq(json_at(error, "code"), "VALIDATION_ERROR", "%s", items[i]);
    cr_expect(json_at(error, "field") && strncmp(json_at(error, "field"), "items", 5) == 0, "%s", items[i]);
  }
  cr_expect_eq(sql_int(&tenant, "SELECT count(*) FROM invoices WHERE tenant_id = $1"), 0);
}

/* -- several subscriptions, two currencies (BILL-005, BILL-061) -- */

Test(over_time, lines_of_a_day_share_an_invoice_for_each_currency) {
  struct life life = life_at("2027-01-01T00:00:00Z", "");
  static const char *const prices[][2] = {{"1.00", "USD"}, {"2.00", "EUR"}, {"4.00", "USD"}, {"8.00", "EUR"}};
  for (size_t i = 0; i < 4; i++)
    subscribe(&life, plan_new(&life.tenant, prices[i][0], prices[i][1], "weekly"),
              keep_text(",'currency':'%s'", prices[i][1]));
  advance(&life, "2027-01-08T00:00:00Z");
  cr_expect_str_eq(sql_text(&life.tenant,
                            "SELECT string_agg(v.currency || ' ' || v.total_minor || ' ' || (SELECT count(*) FROM "
                            "invoice_items i WHERE i.tenant_id = v.tenant_id AND i.invoice_id = v.id), ', ' ORDER BY "
                            "v.currency) FROM invoices v WHERE v.tenant_id = $1 AND v.issue_date = '2027-01-08'"),
                   "EUR 1000 2, USD 500 2");
  const json_t *balance = api_get(&life.tenant, 200, "/api/customers/%s/balance", life.customer);
  cr_expect_eq(json_array_size(balance), 2);
  cr_expect_str_eq(json_at(balance, "0.currency"), "EUR");
  cr_expect_eq(json_number_at(balance, "0.due"), 20.00);
  cr_expect_eq(json_number_at(balance, "1.due"), 10.00);
  expect_sound_books(&life.tenant);
}

/* -- a proration by the second, over a boundary (BILL-020) -- */

/* 30 days cost 2592.00: 0.001 a second. After 10 days and an hour 2 for the rest: 1724.40 more. */
Test(over_time, by_the_second_a_change_is_charged_from_its_instant) {
  struct life life = life_at("2027-01-01T00:00:00Z", "");
  const char *plan = json_at(api_post(&life.tenant, 201, "/api/plans",
                                      "{'code':'p','name':'Plan','currency':'USD','price':'2592.00','interval':'day',"
                                      "'intervalCount':30,'prorationBasis':'second'}"),
                             "id");
  const char *s = subscribe(&life, plan, "");
  advance(&life, "2027-01-11T01:00:00Z");
  api_post(&life.tenant, 200, keep_text("/api/billing/subscriptions/%s/change-plan", s), "{'quantity':2,'when':'now'}");
  advance(&life, "2027-01-31T00:00:00Z");
  cr_expect_str_eq(invoices_as(&life.tenant, "v.issue_date || ' ' || v.total_minor"),
                   "2027-01-01 259200, 2027-01-11 172440, 2027-01-31 518400");
  expect_sound_books(&life.tenant);
}

/* BILL-013, BILL-021: by the second a period is as long as it was told: this one from midnight in Tokyo, on January 31
 * at 15:00, to midnight in New York, on March 1 at 5:00, 686 hours, of which the half is left at the change. */
Test(over_time, by_the_second_a_period_that_another_zone_ends_is_as_long_as_it_was_told) {
  struct life life = life_at("2027-01-01T00:00:00Z", ",'timeZone':'Asia/Tokyo'");
  const char *plan = json_at(api_post(&life.tenant, 201, "/api/plans",
                                      "{'code':'exact','name':'Exact','price':'10.00','currency':'USD',"
                                      "'billingCycle':'monthly','prorationBasis':'second'}"),
                             "id");
  const char *s = subscribe(&life, plan, ",'billingAnchor':'calendar'");
  advance(&life, "2027-01-15T00:00:00Z");
  api_call(&life.tenant, "PATCH", keep_text("/api/customers/%s", life.customer), "{'timeZone':'America/New_York'}");
  advance(&life, "2027-02-14T22:00:00Z");
  api_post(&life.tenant, 200, subscription_path(s, "change-plan"), "{'quantity':2,'when':'now'}");
  WAIT_UNTIL(sql_int(&life.tenant, "SELECT count(*) FROM invoice_items WHERE tenant_id = $1 AND revision > 0") == 2,
             "the invoice of the change");
  cr_expect_str_eq(sql_text(&life.tenant, "SELECT string_agg(kind || ' ' || amount_minor, ', ' ORDER BY kind) "
                                          "FROM invoice_items WHERE tenant_id = $1 AND revision > 0"),
                   "credit -500, subscription 1000");
  expect_sound_books(&life.tenant);
}

/* -- local midnights (BILL-013): one that does not exist, one that comes twice -- */

static const struct {
  const char *zone, *start, *until, *bounds;
} midnights[] = {
    /* Beirut 2024-03-31: 00:00 → 01:00, so the day begins at 01:00 +03; Santiago 2024-09-08: the same at -04 → -03 */
    {"Asia/Beirut", "2024-02-29T12:00:00Z", "2024-05-01T00:00:00Z",
     "2024-02-28 22:00, 2024-03-30 22:00, 2024-04-29 21:00"},
    {"America/Santiago", "2024-08-08T12:00:00Z", "2024-10-09T00:00:00Z",
     "2024-08-08 04:00, 2024-09-08 04:00, 2024-10-08 03:00"},
    /* The Azores 2024-10-27: at 01:00 it is 00:00 again; Havana 2024-11-03: the same */
    {"Atlantic/Azores", "2024-09-27T12:00:00Z", "2024-11-28T00:00:00Z",
     "2024-09-27 00:00, 2024-10-27 00:00, 2024-11-27 01:00"},
    {"America/Havana", "2024-10-03T12:00:00Z", "2024-12-04T00:00:00Z",
     "2024-10-03 04:00, 2024-11-03 04:00, 2024-12-03 05:00"},
};

Test(over_time, a_boundary_is_the_first_instant_of_its_date) {
  for (size_t i = 0; i < sizeof midnights / sizeof *midnights; i++) {
    struct life life = life_at(midnights[i].start, keep_text(",'timeZone':'%s'", midnights[i].zone));
    const char *day = strncmp(midnights[i].zone, "Asia", 4) == 0 ? ",'billingAnchor':31" : "";
    subscribe(&life, plan_new(&life.tenant, "31.00", "USD", "monthly"), day);
    advance(&life, midnights[i].until);
    cr_expect_str_eq(sql_text(&life.tenant,
                              "SELECT string_agg(to_char(period_start AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI'), ', ' "
                              "ORDER BY period_start) FROM invoice_items WHERE tenant_id = $1"),
                     midnights[i].bounds, "%s", midnights[i].zone);
    expect_sound_books(&life.tenant);
  }
}
