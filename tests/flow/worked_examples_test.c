/* The worked examples of the billing rules, once through the API, on a test clock. Each is a row of a table through the
 * domain as well, in tests/unit/domain:
 *
 *   BILL-010  calendar.c      BILL-023  proration.c, price.c, change.c
 *   BILL-021  proration.c, price.c, calendar.c (15 as the day of the month)
 *   BILL-031, BILL-032, BILL-033  price.c (a quantity of 0, too, which no subscription has)
 *   BILL-042  tax.c, discount.c; through the API: invoicing_test.c, with what explains it */
#include "flow.h"

TestSuite(worked_examples, .timeout = 240);

#define MONTHLY "'billingCycle':'monthly'"
#define GRADUATED                                                                                               \
  MONTHLY ",'components':[{'code':'c','model':'graduated','tiers':[{'upTo':10,'unitPrice':'10','flatFee':'2'}," \
          "{'upTo':20,'unitPrice':'5','flatFee':'3'},{'upTo':null,'unitPrice':'5','flatFee':'3'}]}]"
#define VOLUME                                                                                                \
  MONTHLY ",'components':[{'code':'c','model':'volume','tiers':[{'upTo':100,'unitPrice':'2','flatFee':'10'}," \
          "{'upTo':200,'unitPrice':'1'},{'upTo':null,'unitPrice':'0.5','flatFee':'50'}]}]"

/* lines: minor units, from, to; of one month where that is not what matters. */
static const struct {
  const char *rule, *plan, *start, *members;
  const char *at, *new_plan; /* a change within the period; NULL: none */
  const char *until, *lines;
} examples[] = {
    {"BILL-010", MONTHLY ",'price':'1'", "2031-01-31", NULL, NULL, NULL, "2031-04-30",
     "100 2031-01-31 2031-02-28, 100 2031-02-28 2031-03-31, 100 2031-03-31 2031-04-30, 100 2031-04-30 2031-05-31"},
    {"BILL-010, a leap year", MONTHLY ",'price':'1'", "2032-01-31", NULL, NULL, NULL, "2032-02-29",
     "100 2032-01-31 2032-02-29, 100 2032-02-29 2032-03-31"},
    {"BILL-010, by the year", "'billingCycle':'yearly','price':'1'", "2028-02-29", NULL, NULL, NULL, "2032-02-29",
     "100 2028-02-29 2029-02-28, 100 2029-02-28 2030-02-28, 100 2030-02-28 2031-02-28, 100 2031-02-28 2032-02-29, "
     "100 2032-02-29 2033-02-28"},
    {"BILL-021", MONTHLY ",'price':'10'", "2031-09-01", NULL, "2031-09-16", MONTHLY ",'price':'5'", NULL,
     "1000 2031-09-01 2031-10-01, -500 2031-09-16 2031-10-01, 250 2031-09-16 2031-10-01"},
    {"BILL-021, a short first period", MONTHLY ",'price':'10'", "2011-09-01", "'billingAnchor':15", NULL, NULL, NULL,
     "452 2011-09-01 2011-09-15"},
    {"BILL-023", THIRTY_DAYS ",'price':'10'", "2031-09-01", NULL, "2031-09-16", THIRTY_DAYS ",'price':'20'", NULL,
     "1000 2031-09-01 2031-10-01, -500 2031-09-16 2031-10-01, 1000 2031-09-16 2031-10-01"},
    {"BILL-023, 8 days left", THIRTY_DAYS ",'price':'19.95'", "2031-09-01", NULL, "2031-09-23",
     THIRTY_DAYS ",'price':'0'", NULL, "1995 2031-09-01 2031-10-01, -532 2031-09-23 2031-10-01"},
    {"BILL-031", GRADUATED, "2031-09-01", "'quantity':1", NULL, NULL, NULL, "1200 2031-09-01 2031-10-01"},
    {"BILL-031", GRADUATED, "2031-09-01", "'quantity':10", NULL, NULL, NULL, "10200 2031-09-01 2031-10-01"},
    {"BILL-031", GRADUATED, "2031-09-01", "'quantity':11", NULL, NULL, NULL, "11000 2031-09-01 2031-10-01"},
    {"BILL-031", GRADUATED, "2031-09-01", "'quantity':21", NULL, NULL, NULL, "16300 2031-09-01 2031-10-01"},
    {"BILL-032", VOLUME, "2031-09-01", "'quantity':1", NULL, NULL, NULL, "1200 2031-09-01 2031-10-01"},
    {"BILL-032", VOLUME, "2031-09-01", "'quantity':100", NULL, NULL, NULL, "21000 2031-09-01 2031-10-01"},
    {"BILL-032", VOLUME, "2031-09-01", "'quantity':101", NULL, NULL, NULL, "10100 2031-09-01 2031-10-01"},
    {"BILL-032", VOLUME, "2031-09-01", "'quantity':300", NULL, NULL, NULL, "20000 2031-09-01 2031-10-01"},
    {"BILL-033", MONTHLY ",'components':[{'code':'c','model':'package','unitPrice':'100','packageSize':10}]",
     "2031-09-01", "'quantity':121", NULL, NULL, NULL, "130000 2031-09-01 2031-10-01"},
    {"BILL-033, 10 free",
     MONTHLY ",'components':[{'code':'c','model':'package','unitPrice':'100','packageSize':10,'freeUnits':10}]",
     "2031-09-01", "'quantity':121", NULL, NULL, NULL, "120000 2031-09-01 2031-10-01"},
};

static const char *plan_id(const struct tenant *tenant, const char *members) {
  return json_at(
      api_post(tenant, 201, "/api/plans", "{'code':'p-%s','name':'P','currency':'USD',%s}", new_id(), members), "id");
}

static void advance_to(const struct tenant *tenant, const char *clock, const char *day) {
  test_clock_advance(tenant, clock, keep_text("%sT12:00:00Z", day));
}

Test(worked_examples, come_to_the_cent) {
  struct tenant tenant = tenant_new_test();
  for (size_t i = 0; i < sizeof examples / sizeof *examples; i++) {
    const char *start = examples[i].start, *more = examples[i].members;
    const char *clock = test_clock_new(&tenant, keep_text("%sT00:00:00Z", start));
    const char *customer = customer_new(&tenant, "'testClockId':'%s'", clock);
    const char *subscription =
        json_at(api_post(&tenant, 201, "/api/billing/subscriptions",
                         "{'customerId':'%s','planId':'%s','collection':'manual','startDate':'%s'%s%s}", customer,
                         plan_id(&tenant, examples[i].plan), start, more ? "," : "", more ? more : ""),
                "id");
    advance_to(&tenant, clock, examples[i].at ? examples[i].at : start);
    if (examples[i].at)
      api_post(&tenant, 200, keep_text("/api/billing/subscriptions/%s/change-plan", subscription),
               "{'planId':'%s','when':'now','billing':'now'}", plan_id(&tenant, examples[i].new_plan));
    advance_to(&tenant, clock, examples[i].until ? examples[i].until : examples[i].at ? examples[i].at : start);
    const char *lines =
        sql_text(&tenant, keep_text("SELECT string_agg(concat_ws(' ', x.amount_minor, x.period_start::date, "
                                    "x.period_end::date), ', ' ORDER BY v.number, x.line) FROM invoice_items x "
                                    "JOIN invoices v ON v.tenant_id = x.tenant_id AND v.id = x.invoice_id "
                                    "WHERE x.tenant_id = $1 AND x.subscription_id = '%s'",
                                    subscription));
    cr_expect_str_eq(lines, examples[i].lines, "%s", examples[i].rule);
  }
  expect_sound_books(&tenant);
}
