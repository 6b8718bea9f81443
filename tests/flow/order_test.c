/* What must not depend on the order or the size of steps: independent changes, and the pace of time. The lives are
 * random, their seeds printed. */
#include "flow.h"

#include "unit/property.h"

TestSuite(order, .timeout = 240);

enum { PLANS = 3 };

/* One customer on a clock of a tenant, subscribed to a plan with two add-ons. */
struct life {
  const struct tenant *tenant;
  const char *clock, *customer, *subscription;
};

static void make_plans(const struct tenant *tenant, struct dice *dice, const char **plans) {
  for (int i = 0; i < PLANS; i++)
    plans[i] = json_at(
        api_post(tenant, 201, "/api/plans",
                 "{'code':'p-%s','name':'Plan %d','currency':'USD','billingCycle':'monthly','setupFee':'%d.11',"
                 "'minimumCommitment':'%d.00','components':[{'code':'now','model':'per_unit','unitPrice':'%d.33'},"
                 "{'code':'then','model':'graduated','timing':'arrears','tiers':[{'upTo':3,'unitPrice':'%d.07'},"
                 "{'upTo':null,'unitPrice':'1.09','flatFee':'2.22'}]}]}",
                 new_id(), i, i, 40 * i, (int)dice_between(dice, 1, 99), (int)dice_between(dice, 1, 99)),
        "id");
}

static struct life begin(const struct tenant *tenant, const char *const *plans, const char *start, int trial_days) {
  struct life life = {.tenant = tenant, .clock = test_clock_new(tenant, keep_text("%sT06:00:00Z", start))};
  life.customer = customer_new(tenant, "'testClockId':'%s','timeZone':'America/New_York'", life.clock);
  life.subscription = json_at(
      api_post(tenant, 201, "/api/billing/subscriptions",
               "{'customerId':'%s','planId':'%s','quantity':2,'collection':'manual','startDate':'%s','trialDays':%d,"
               "'billingAnchor':31,'coupons':['EIGHTH'],'items':[{'planId':'%s'},{'planId':'%s'}]}",
               life.customer, plans[0], start, trial_days, plans[1], plans[2]),
      "id");
  return life;
}

static void make_catalogue(const struct tenant *tenant, struct dice *dice, const char **plans) {
  make_plans(tenant, dice, plans);
  api_post(tenant, 201, "/api/billing/tax-rates", "{'code':'vat','name':'VAT','percentage':'8.875'}");
  api_post(tenant, 201, "/api/billing/coupons",
           "{'code':'EIGHTH','percentOff':'12.5','duration':'repeating','durationInPeriods':5}");
}

static const char *day_after(const char *start, int days) {
  return sql_text(NULL, keep_text("SELECT (date '%s' + %d)::text", start, days));
}

static void advance_to(const struct life *life, const char *day) {
  test_clock_advance(life->tenant, life->clock, keep_text("%sT12:00:00Z", day));
}

/* -- the pace of time -- */

static const char *invoices_of(const struct life *life) {
  return sql_text(
      life->tenant,
      keep_text("SELECT string_agg(concat_ws(' ', v.issue_date, v.total_minor, x.component, x.amount_minor, "
                "x.discount_minor, x.tax_minor, x.period_start, x.period_end), E'\\n' ORDER BY v.number, "
                "x.line) FROM invoices v JOIN invoice_items x ON x.tenant_id = v.tenant_id AND "
                "x.invoice_id = v.id WHERE v.tenant_id = $1 AND v.customer_id = '%s'",
                life->customer));
}

Test(order, month_by_month_or_all_at_once_bills_the_same) {
  struct dice dice = dice_new();
  struct tenant tenant = tenant_new_test();
  const char *plans[PLANS];
  make_catalogue(&tenant, &dice, plans);
  const char *start = day_after("2031-01-01", (int)dice_between(&dice, 0, 364)), *end = day_after(start, 400);
  int trial = 7 * (int)dice_between(&dice, 0, 2);
  struct life at_once = begin(&tenant, plans, start, trial), slowly = begin(&tenant, plans, start, trial);
  advance_to(&at_once, end);
  for (int days = 0; days < 400; days += (int)dice_between(&dice, 1, 60)) advance_to(&slowly, day_after(start, days));
  advance_to(&slowly, end);
  cr_expect_str_eq(invoices_of(&slowly), invoices_of(&at_once), "from %s", start);
  expect_sound_books(&tenant);
}

/* -- independent changes -- */

/* One of the items gets another quantity; the whole list is sent, the others as they are. */
static void change(const struct life *life, const char *const *plans, const int *quantities) {
  api_post(life->tenant, 200, keep_text("/api/billing/subscriptions/%s/change-plan", life->subscription),
           "{'quantity':%d,'when':'now','items':[{'planId':'%s','quantity':%d},{'planId':'%s','quantity':%d}]}",
           quantities[0], plans[1], quantities[1], plans[2], quantities[2]);
}

static void change_in_order(const struct life *life, const char *const *plans, const int *wanted, const int *order) {
  int quantities[PLANS] = {2, 1, 1};
  for (int n = 0; n < PLANS; n++) {
    quantities[order[n]] = wanted[order[n]];
    change(life, plans, quantities);
  }
}

/* What each item came to, at its listed price. */
static const char *charged(const struct life *life) {
  return sql_text(life->tenant,
                  keep_text("SELECT string_agg(concat_ws(' ', item, component, amount), ', ' ORDER BY item, component) "
                            "FROM (SELECT x.item, x.component, sum(x.amount_minor) AS amount FROM invoice_items x "
                            "JOIN invoices v ON v.tenant_id = x.tenant_id AND v.id = x.invoice_id "
                            "WHERE v.tenant_id = $1 AND v.customer_id = '%s' GROUP BY 1, 2) l WHERE amount <> 0",
                            life->customer));
}

Test(order, of_independent_changes_makes_no_difference) {
  static const int orders[][PLANS] = {{0, 1, 2}, {2, 1, 0}, {1, 2, 0}};
  struct dice dice = dice_new();
  struct tenant tenant = tenant_new_test();
  const char *plans[PLANS], *sums[3] = {NULL};
  make_catalogue(&tenant, &dice, plans);
  int wanted[PLANS], day = (int)dice_between(&dice, 0, 27);
  for (int i = 0; i < PLANS; i++) wanted[i] = (int)dice_between(&dice, 2, 9);
  for (int n = 0; n < 3; n++) {
    struct life life = begin(&tenant, plans, "2031-03-31", 0);
    advance_to(&life, day_after("2031-03-31", day));
    change_in_order(&life, plans, wanted, orders[n]);
    advance_to(&life, "2031-06-01");
    sums[n] = charged(&life);
    cr_expect_str_eq(sums[n], sums[0], "on day %d: %d, %d, %d", day, wanted[0], wanted[1], wanted[2]);
  }
  expect_sound_books(&tenant);
}
