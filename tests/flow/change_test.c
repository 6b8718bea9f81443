/* subscription.change-plan, .preview and .withdraw-change (BILL-022 to BILL-024, BILL-052). A plan is billed every 30
 * days, and the subscription began 15 days ago, so that each share is known whatever the month. */
#include "flow.h"

TestSuite(change, .timeout = 180);

/* A tenant with a subscription that began 15 days ago, its first invoice finalised. */
struct subscriber {
  struct tenant tenant;
  const char *customer, *plan, *subscription;
};

static struct subscriber subscribe_to(struct tenant tenant, const char *plan, int days) {
  struct subscriber s = {.tenant = tenant, .plan = plan};
  s.customer = customer_new(&s.tenant, NULL);
  s.subscription = subscription_new(&s.tenant, s.customer, s.plan, days_ago(days));
  WAIT_UNTIL(invoices_are(&s.tenant, 1), "the first invoice");
  return s;
}

static struct subscriber subscribe(const char *price) {
  struct tenant tenant = tenant_new();
  return subscribe_to(tenant, plan_of_days(&tenant, 30, price), 15);
}

/* Lines of changes, invoiced or waiting, in the order in which they were made. */
static const char *lines_of(const struct tenant *tenant) {
  return sql_text(tenant, "SELECT string_agg(kind || ' ' || amount_minor, ', ' ORDER BY revision, line) "
                          "FROM invoice_items WHERE tenant_id = $1 AND revision > 0");
}

static const char *waiting_of(const struct tenant *tenant) {
  return sql_text(tenant, "SELECT string_agg((line->>'kind') || ' ' || (line->>'amount'), ', ' ORDER BY id) "
                          "FROM pending_lines WHERE tenant_id = $1");
}

static int64_t invoiced(const struct tenant *tenant) {
  return sql_int(tenant, "SELECT COALESCE(sum(amount_minor), 0) FROM invoice_items WHERE tenant_id = $1");
}

static int64_t waiting(const struct tenant *tenant) {
  return sql_int(tenant, "SELECT COALESCE(sum((line->>'amount')::numeric * 100), 0)::bigint FROM pending_lines "
                         "WHERE tenant_id = $1");
}

/* The period's end comes: all that the subscription knows of days is moved back. What is invoiced already is not, so
 * that periods do not tile any more: no test that does this ends with expect_sound_books(). */
static void pass_days(const struct tenant *tenant, int days) {
  sql_do(tenant, keep_text("UPDATE subscriptions SET start_date = start_date - %1$d, anchor_date = anchor_date - %1$d,"
                           " cancel_at = cancel_at - interval '%1$d days',"
                           " next_billing_at = next_billing_at - interval '%1$d days',"
                           " current_period_start = current_period_start - interval '%1$d days',"
                           " current_period_end = current_period_end - interval '%1$d days' WHERE tenant_id = $1",
                           days));
  sql_do(tenant, keep_text("UPDATE customer_billing SET next_billing_at = next_billing_at - interval '%d days' "
                           "WHERE tenant_id = $1",
                           days));
}

/* ---- now ---- */

/* BILL-023: 10 → 20 halfway through the period: −5.00 + 10.00 = +5.00; and the preview said so. */
Test(change, ten_to_twenty_halfway_is_plus_five) {
  struct subscriber s = subscribe("10.00");
  const char *body = keep_text("{'planId':'%s'}", plan_of_days(&s.tenant, 30, "20.00"));
  const json_t *preview = api_post(&s.tenant, 200, subscription_path(s.subscription, "preview"), "%s", body);
  cr_expect_str_eq(json_at(preview, "when"), "now", "dearer by the day");
  cr_expect_str_eq(json_at(preview, "billing"), "now");
  cr_expect_eq(json_number_at(preview, "subtotal"), 5.00);
  cr_expect_eq(json_number_at(preview, "lines.0.amount"), -5.00);
  cr_expect_eq(json_number_at(preview, "lines.1.amount"), 10.00);
  cr_expect(invoices_are(&s.tenant, 1), "a preview writes nothing");
  cr_expect_eq(sql_int(&s.tenant, "SELECT version FROM subscriptions WHERE tenant_id = $1"), 1);

  const json_t *answer = api_post(&s.tenant, 200, subscription_path(s.subscription, "change-plan"), "%s", body);
  cr_expect_eq(json_number_at(answer, "currentPrice"), 20.00);
  cr_expect_str_eq(json_at(answer, "nextBillingDate"), keep_text("%sT00:00:00.000Z", days_ago(-15)));
  WAIT_UNTIL(invoices_are(&s.tenant, 2), "the invoice of the change");
  cr_expect_str_eq(lines_of(&s.tenant), "credit -500, subscription 1000");
  cr_expect_eq(sql_int(&s.tenant, "SELECT subtotal_minor FROM invoices WHERE tenant_id = $1 ORDER BY number DESC"),
               500);
  WAIT_UNTIL(count_messages(&s.tenant, "subscription.changed") == 1, "subscription.changed");
  cr_expect_str_eq(json_at(messages_of(&s.tenant, "subscription.changed"), "0.planId"), json_at(answer, "planId"));
  const json_t *commands = messages_of(&s.tenant, "invoice.create");
  cr_expect_eq(json_number_at(commands, "1.lines.0.credits.revision"), 0);
  cr_expect_str_eq(json_at(commands, "1.lines.0.credits.kind"), "subscription");
  cr_expect_str_eq(json_at(commands, "1.lines.0.provenance.change.cuts.0"), days_ago(0));
  expect_sound_books(&s.tenant);
}

/* BILL-022, BILL-024: there and back, several times a day, is worth nothing to the cent. */
Test(change, there_and_back_nets_to_zero) {
  struct subscriber s = subscribe("19.95");
  const char *dear = plan_of_days(&s.tenant, 30, "33.33");
  for (int round = 0; round < 3; round++) {
    api_post(&s.tenant, 200, subscription_path(s.subscription, "change-plan"), "{'planId':'%s','quantity':%d}", dear,
             round + 1);
    api_post(&s.tenant, 200, subscription_path(s.subscription, "change-plan"),
             "{'planId':'%s','quantity':1,'when':'now'}", s.plan);
  }
  WAIT_UNTIL(invoices_are(&s.tenant, 4), "an invoice for each upgrade");
  cr_expect_eq(invoiced(&s.tenant) + waiting(&s.tenant), 1995);
  expect_sound_books(&s.tenant);
}

/* BILL-024: a quantity changes like a price. */
Test(change, of_the_quantity_is_a_credit_and_a_charge) {
  struct subscriber s = subscribe("10.00");
  const json_t *answer = api_post(&s.tenant, 200, subscription_path(s.subscription, "change-plan"), "{'quantity':3}");
  cr_expect_eq(json_number_at(answer, "quantity"), 3);
  WAIT_UNTIL(invoices_are(&s.tenant, 2), "the invoice of the change");
  cr_expect_str_eq(lines_of(&s.tenant), "credit -500, subscription 1500");
  api_post(&s.tenant, 200, subscription_path(s.subscription, "change-plan"),
           "{'quantity':'2.5','when':'now','billing':'now'}");
  WAIT_UNTIL(invoices_are(&s.tenant, 3), "a negative invoice");
  cr_expect_str_eq(lines_of(&s.tenant), "credit -500, subscription 1500, credit -1500, subscription 1250");
  expect_sound_books(&s.tenant);
}

/* What is negative waits for the next invoice, and is on it. */
Test(change, that_is_cheaper_waits_for_the_next_invoice) {
  struct subscriber s = subscribe("20.00");
  const char *cheap = plan_of_days(&s.tenant, 30, "10.00");
  api_post(&s.tenant, 200, subscription_path(s.subscription, "change-plan"), "{'planId':'%s','when':'now'}", cheap);
  cr_expect_str_eq(waiting_of(&s.tenant), "credit -10.00, subscription 5.00");
  pass_days(&s.tenant, 15);
  billing_run(&s.tenant);
  WAIT_UNTIL(invoices_are(&s.tenant, 2), "the invoice of the next period");
  cr_expect_eq(sql_int(&s.tenant, "SELECT subtotal_minor FROM invoices WHERE tenant_id = $1 ORDER BY number DESC"),
               500);
  cr_expect_str_eq(lines_of(&s.tenant), "credit -1000, subscription 500");
  cr_expect_null(waiting_of(&s.tenant));
}

/* BILL-053: and on a last one when there is no other. */
Test(change, that_waits_is_on_the_last_invoice_of_a_cancel) {
  struct subscriber s = subscribe("20.00");
  api_post(&s.tenant, 200, subscription_path(s.subscription, "change-plan"), "{'planId':'%s','when':'now'}",
           plan_of_days(&s.tenant, 30, "10.00"));
  api_post(&s.tenant, 200, subscription_path(s.subscription, "cancel"), "{'immediately':true}");
  WAIT_UNTIL(invoices_are(&s.tenant, 2), "the last invoice");
  cr_expect_eq(sql_int(&s.tenant, "SELECT total_minor FROM invoices WHERE tenant_id = $1 ORDER BY number DESC"), -500);
  cr_expect_null(waiting_of(&s.tenant));
  expect_sound_books(&s.tenant);
}

/* The preview of a cancel is that of its last invoice. */
Test(change, a_cancel_can_be_previewed) {
  struct subscriber s = subscribe("20.00");
  api_post(&s.tenant, 200, subscription_path(s.subscription, "change-plan"), "{'planId':'%s','when':'now'}",
           plan_of_days(&s.tenant, 30, "10.00"));
  const json_t *preview =
      api_post(&s.tenant, 200, subscription_path(s.subscription, "preview"), "{'immediately':true}");
  cr_expect_str_eq(json_at(preview, "when"), "now");
  cr_expect_eq(json_array_size(json_node_at(preview, "lines")), 0);
  cr_expect_eq(json_number_at(preview, "waiting.0.amount"), -10.00);
  cr_expect_eq(json_number_at(preview, "waiting.1.amount"), 5.00);
  preview = api_post(&s.tenant, 200, subscription_path(s.subscription, "preview"), "{'immediately':false}");
  cr_expect_str_eq(json_at(preview, "when"), "period_end");
  cr_expect_str_eq(json_at(preview, "at"), keep_text("%sT00:00:00.000Z", days_ago(-15)));
  const json_t *shown = api_get(&s.tenant, 200, "/api/billing/subscriptions/%s", s.subscription);
  cr_expect_str_eq(json_at(shown, "status"), "active");
  cr_expect(json_is_false(json_node_at(shown, "cancelAtPeriodEnd")));
  cr_expect_str_eq(waiting_of(&s.tenant), "credit -10.00, subscription 5.00");
}

Test(change, without_proration_costs_nothing_until_the_boundary) {
  struct subscriber s = subscribe("10.00");
  api_post(&s.tenant, 200, subscription_path(s.subscription, "change-plan"), "{'planId':'%s','prorate':false}",
           plan_of_days(&s.tenant, 30, "20.00"));
  cr_expect_null(waiting_of(&s.tenant));
  pass_days(&s.tenant, 15);
  billing_run(&s.tenant);
  WAIT_UNTIL(invoices_are(&s.tenant, 2), "the next period");
  cr_expect_eq(invoiced(&s.tenant), 3000);
}

/* BILL-022: what is left of the charge is credited later as what it was, whatever the item is by then. */
Test(change, without_proration_leaves_the_charge_to_be_credited_as_what_it_was) {
  struct subscriber s = subscribe("10.00");
  api_post(&s.tenant, 200, subscription_path(s.subscription, "change-plan"),
           "{'planId':'%s','prorate':false,'when':'now'}", plan_of_days(&s.tenant, 30, "20.00"));
  api_post(&s.tenant, 200, subscription_path(s.subscription, "change-plan"),
           "{'planId':'%s','when':'now','billing':'now'}", plan_of_days(&s.tenant, 30, "30.00"));
  WAIT_UNTIL(invoices_are(&s.tenant, 2), "the invoice of the second change");
  cr_expect_str_eq(lines_of(&s.tenant), "credit -500, subscription 1500");
  const char *text =
      sql_text(&s.tenant, "SELECT description FROM invoice_items WHERE tenant_id = $1 AND kind = 'credit'");
  cr_expect_str_eq(text, keep_text("Plan 10.00, unused %s to %s", days_ago(0), days_ago(-15)));
  expect_sound_books(&s.tenant);
}

/* BILL-022, BILL-040: two changes wait for one invoice; the second takes back a line of the same invoice, with its
 * share of the coupon and its tax. */
Test(change, twice_before_the_next_invoice_takes_its_discount_back) {
  struct tenant tenant = tenant_new();
  api_post(&tenant, 201, "/api/billing/tax-rates", "{'code':'vat','name':'VAT','percentage':10}");
  api_post(&tenant, 201, "/api/billing/coupons", "{'code':'HALF','percentOff':50,'duration':'forever'}");
  struct subscriber s = {
      .tenant = tenant, .plan = plan_of_days(&tenant, 30, "10.00"), .customer = customer_new(&tenant, NULL)};
  s.subscription = subscription_with(&tenant, s.customer, s.plan, "'startDate':'%s','coupons':['HALF']", days_ago(15));
  WAIT_UNTIL(invoices_are(&tenant, 1), "the first invoice");
  for (int quantity = 2; quantity <= 3; quantity++)
    api_post(&tenant, 200, subscription_path(s.subscription, "change-plan"),
             "{'quantity':%d,'when':'now','billing':'next_invoice'}", quantity);
  api_post(&tenant, 200, subscription_path(s.subscription, "change-plan"),
           "{'quantity':1,'when':'now','billing':'now'}");
  WAIT_UNTIL(invoices_are(&tenant, 2), "the invoice of all three");
  cr_expect_str_eq(sql_text(&tenant, "SELECT string_agg(concat_ws(' ', amount_minor, discount_minor, tax_minor), ', ' "
                                     "ORDER BY revision, line) FROM invoice_items WHERE tenant_id = $1"),
                   "1000 500 50, -500 -250 -25, 1000 500 50, -1000 -500 -50, 1500 750 75, -1500 -750 -75, 500 250 25",
                   "there and back nets to zero");
  expect_sound_books(&tenant);
}

/* BILL-020: by the second, from the instant of the change on. */
Test(change, by_second_counts_from_the_instant) {
  struct tenant tenant = tenant_new();
  struct subscriber s =
      subscribe_to(tenant, plan_with(&tenant, THIRTY_DAYS ",'price':'3000.00','prorationBasis':'second'"), 15);
  const char *dear = plan_with(&s.tenant, THIRTY_DAYS ",'price':'6000.00','prorationBasis':'second'");
  api_post(&s.tenant, 200, subscription_path(s.subscription, "change-plan"), "{'planId':'%s'}", dear);
  WAIT_UNTIL(invoices_are(&s.tenant, 2), "the invoice of the change");
  int64_t used = sql_int(&s.tenant, "SELECT extract(epoch FROM charge_cuts[1] - current_period_start)::bigint "
                                    "FROM subscriptions WHERE tenant_id = $1");
  int64_t whole = INT64_C(30) * 86400;
  cr_expect(used > INT64_C(15) * 86400 && used < INT64_C(16) * 86400);
  int64_t credit = 300000 - (INT64_C(600000) * used + whole) / (2 * whole);
  int64_t charge = 600000 - (INT64_C(1200000) * used + whole) / (2 * whole);
  cr_expect_str_eq(lines_of(&s.tenant),
                   keep_text("credit -%lld, subscription %lld", (long long)credit, (long long)charge));
}

/* ---- add-ons: BILL-030 ---- */

Test(change, of_add_ons_leaves_what_stays_alone) {
  struct subscriber s = subscribe("10.00");
  const char *add_on = plan_with(&s.tenant, THIRTY_DAYS ",'price':'6.00','setupFee':'2.50'");
  const json_t *answer = api_post(&s.tenant, 200, subscription_path(s.subscription, "change-plan"),
                                  "{'items':[{'planId':'%s','quantity':2}]}", add_on);
  cr_expect_str_eq(json_at(answer, "items.0.planId"), add_on);
  cr_expect_eq(json_number_at(answer, "items.0.quantity"), 2);
  WAIT_UNTIL(invoices_are(&s.tenant, 2), "the invoice of the add-on");
  cr_expect_str_eq(lines_of(&s.tenant), "subscription 600");
  cr_expect_eq(sql_int(&s.tenant, "SELECT amount_minor FROM invoice_items WHERE tenant_id = $1 AND kind = 'fee'"), 250);

  api_post(&s.tenant, 200, subscription_path(s.subscription, "change-plan"),
           "{'items':[],'when':'now','billing':'now'}");
  WAIT_UNTIL(invoices_are(&s.tenant, 3), "its credit");
  cr_expect_str_eq(lines_of(&s.tenant), "subscription 600, credit -600");
  pass_days(&s.tenant, 15);
  billing_run(&s.tenant);
  WAIT_UNTIL(invoices_are(&s.tenant, 4), "the next period");
  cr_expect_eq(invoiced(&s.tenant), 1000 + 250 + 1000, "the plan alone");
}

/* ---- another interval: BILL-052 ---- */

Test(change, of_the_interval_begins_a_period_on_that_day) {
  struct subscriber s = subscribe("10.00");
  const char *yearly = plan_new(&s.tenant, "365.00", "USD", "yearly");
  const json_t *answer = api_post(&s.tenant, 200, subscription_path(s.subscription, "change-plan"),
                                  "{'planId':'%s','billingCycle':'yearly'}", yearly);
  cr_expect_str_eq(json_at(answer, "billingCycle"), "yearly");
  cr_expect_str_eq(json_at(answer, "currentPeriodStart"), keep_text("%sT00:00:00.000Z", days_ago(0)));
  WAIT_UNTIL(invoices_are(&s.tenant, 2), "the invoice of the change");
  cr_expect_eq(invoiced(&s.tenant), 1000 - 500 + 36500);
  cr_expect_eq(sql_int(&s.tenant, "SELECT max(period_index) FROM invoice_items WHERE tenant_id = $1"), 1,
               "no period has the number of an earlier one");
  const char *next =
      sql_text(&s.tenant, "SELECT (current_date + interval '1 year')::date::text WHERE $1::uuid IS NOT NULL");
  cr_expect_str_eq(json_at(answer, "nextBillingDate"), keep_text("%sT00:00:00.000Z", next));
  expect_sound_books(&s.tenant);
}

/* BILL-030: an add-on that comes with the new interval is new. */
Test(change, of_the_interval_charges_the_setup_fee_of_new_add_ons) {
  struct subscriber s = subscribe("10.00");
  api_post(&s.tenant, 200, subscription_path(s.subscription, "change-plan"),
           "{'planId':'%s','items':[{'planId':'%s'}]}", plan_new(&s.tenant, "365.00", "USD", "yearly"),
           plan_with(&s.tenant, "'price':'12.00','billingCycle':'yearly','setupFee':'2.50'"));
  WAIT_UNTIL(invoices_are(&s.tenant, 2), "the invoice of the change");
  cr_expect_eq(sql_int(&s.tenant, "SELECT amount_minor FROM invoice_items WHERE tenant_id = $1 AND kind = 'fee'"), 250);
  cr_expect_eq(invoiced(&s.tenant), 1000 - 500 + 36500 + 1200 + 250);
  expect_sound_books(&s.tenant);
}

Test(change, of_the_interval_needs_a_price_for_each_add_on) {
  struct subscriber s = subscribe("10.00");
  const char *yearly = plan_new(&s.tenant, "365.00", "USD", "yearly");
  api_post(&s.tenant, 200, subscription_path(s.subscription, "change-plan"), "{'items':[{'planId':'%s'}]}",
           plan_of_days(&s.tenant, 30, "1.00"));
  const json_t *error =
      api_post(&s.tenant, 409, subscription_path(s.subscription, "change-plan"), "{'planId':'%s'}", yearly);
  cr_expect_str_eq(json_at(error, "field"), "items");
  error = api_post(&s.tenant, 409, subscription_path(s.subscription, "change-plan"),
                   "{'planId':'%s','items':[{'planId':'%s'}]}", yearly, plan_of_days(&s.tenant, 30, "2.00"));
  cr_expect_str_eq(json_at(error, "field"), "items[0].planId");
  api_post(&s.tenant, 200, subscription_path(s.subscription, "change-plan"),
           "{'planId':'%s','items':[{'planId':'%s'}]}", yearly, plan_new(&s.tenant, "12.00", "USD", "yearly"));
}

/* ---- at the end of the period ---- */

Test(change, to_what_is_cheaper_comes_with_the_next_period) {
  struct subscriber s = subscribe("20.00");
  const char *cheap = plan_of_days(&s.tenant, 30, "10.00");
  const json_t *preview =
      api_post(&s.tenant, 200, subscription_path(s.subscription, "preview"), "{'planId':'%s'}", cheap);
  cr_expect_str_eq(json_at(preview, "when"), "period_end");
  cr_expect_eq(json_number_at(preview, "subtotal"), 10.00, "what the next period will cost");
  const json_t *answer =
      api_post(&s.tenant, 200, subscription_path(s.subscription, "change-plan"), "{'planId':'%s'}", cheap);
  cr_expect_str_eq(json_at(answer, "planId"), s.plan, "not yet");
  WAIT_UNTIL(count_messages(&s.tenant, "subscription.change_scheduled") == 1, "subscription.change_scheduled");
  const json_t *list = api_get(&s.tenant, 200, "%s", subscription_path(s.subscription, "scheduled-changes"));
  cr_expect_eq(json_array_size(list), 1);
  cr_expect_str_eq(json_at(list, "0.status"), "pending");
  cr_expect_str_eq(json_at(list, "0.planId"), cheap);
  cr_expect_str_eq(json_at(list, "0.effectiveAt"), json_at(answer, "currentPeriodEnd"));
  const json_t *refused = api_post(&s.tenant, 409, subscription_path(s.subscription, "renew"), "{}");
  cr_expect_str_eq(json_at(refused, "details.changeId"), json_at(list, "0.id"));

  pass_days(&s.tenant, 15);
  billing_run(&s.tenant);
  WAIT_UNTIL(invoices_are(&s.tenant, 2), "the next period");
  cr_expect_eq(invoiced(&s.tenant), 2000 + 1000);
  const json_t *shown = api_get(&s.tenant, 200, "/api/billing/subscriptions/%s", s.subscription);
  cr_expect_str_eq(json_at(shown, "planId"), cheap);
  cr_expect_eq(json_number_at(shown, "currentPrice"), 10.00);
  list = api_get(&s.tenant, 200, "%s", subscription_path(s.subscription, "scheduled-changes"));
  cr_expect_str_eq(json_at(list, "0.status"), "applied");
  WAIT_UNTIL(count_messages(&s.tenant, "subscription.changed") == 1, "subscription.changed");
}

/* BILL-052: the grid of the new interval begins at the boundary. */
Test(change, of_the_interval_at_the_end_of_the_period) {
  struct subscriber s = subscribe("20.00");
  api_post(&s.tenant, 200, subscription_path(s.subscription, "change-plan"),
           "{'planId':'%s','when':'period_end','quantity':2}", plan_new(&s.tenant, "5.00", "USD", "weekly"));
  pass_days(&s.tenant, 15);
  billing_run(&s.tenant);
  WAIT_UNTIL(invoices_are(&s.tenant, 2), "the first week");
  cr_expect_eq(invoiced(&s.tenant), 2000 + 1000);
  const json_t *shown = api_get(&s.tenant, 200, "/api/billing/subscriptions/%s", s.subscription);
  cr_expect_str_eq(json_at(shown, "billingCycle"), "weekly");
  cr_expect_str_eq(json_at(shown, "currentPeriodStart"), keep_text("%sT00:00:00.000Z", days_ago(0)));
  cr_expect_str_eq(json_at(shown, "nextBillingDate"), keep_text("%sT00:00:00.000Z", days_ago(-7)));
}

Test(change, that_is_scheduled_can_be_withdrawn_and_replaced) {
  struct subscriber s = subscribe("20.00");
  api_post(&s.tenant, 200, subscription_path(s.subscription, "change-plan"), "{'quantity':7,'when':'period_end'}");
  api_post(&s.tenant, 200, subscription_path(s.subscription, "change-plan"), "{'quantity':8,'when':'period_end'}");
  const json_t *list = api_get(&s.tenant, 200, "%s", subscription_path(s.subscription, "scheduled-changes"));
  cr_expect_eq(json_array_size(list), 2);
  cr_expect_str_eq(json_at(list, "0.status"), "pending");
  cr_expect_eq(json_number_at(list, "0.quantity"), 8);
  cr_expect_str_eq(json_at(list, "1.status"), "replaced");
  const char *path = keep_text("%s/%s", subscription_path(s.subscription, "scheduled-changes"), json_at(list, "0.id"));
  cr_expect_eq(api_call(&s.tenant, "DELETE", path, NULL).status, 204);
  cr_expect_eq(api_call(&s.tenant, "DELETE", path, NULL).status, 409, "once more");
  cr_expect_eq(api_call(&s.tenant, "DELETE",
                        keep_text("%s/%s", subscription_path(s.subscription, "scheduled-changes"), new_id()), NULL)
                   .status,
               404);
  WAIT_UNTIL(count_messages(&s.tenant, "subscription.change_withdrawn") == 1, "subscription.change_withdrawn");
  cr_expect_eq(count_messages(&s.tenant, "subscription.withdraw-change"), 3);
  pass_days(&s.tenant, 15);
  billing_run(&s.tenant);
  WAIT_UNTIL(invoices_are(&s.tenant, 2), "the next period");
  cr_expect_eq(invoiced(&s.tenant), 4000, "as before");
}

/* ---- what is refused ---- */

Test(change, is_refused_with_the_field_that_is_wrong) {
  struct subscriber s = subscribe("10.00");
  const char *euro = json_at(api_post(&s.tenant, 201, "/api/plans",
                                      "{'code':'p-%s','name':'Euro','price':'5.00','currency':'EUR','interval':'day',"
                                      "'intervalCount':30}",
                                      new_id()),
                             "id");
  const char *old = plan_of_days(&s.tenant, 30, "30.00");
  sql_do(&s.tenant, keep_text("UPDATE plans SET status = 'deprecated' WHERE tenant_id = $1 AND id = '%s'", old));
  const struct {
    int status;
    const char *body, *field;
  } cases[] = {
      {400, "{}", "planId"},
      {400, "{'quantity':0}", "quantity"},
      {400, "{'quantity':-1}", "quantity"},
      {400, "{'quantity':1000000000000000000}", "quantity"},
      {400, "{'quantity':'1000000001'}", "quantity"},
      {400, "{'quantity':'1.0000001'}", "quantity"},
      {400, "{'quantity':'1e3'}", "quantity"},
      {400, "{'quantity':2,'when':'2020-01-01'}", "when"},
      {400, "{'quantity':2,'effectiveAt':'2020-01-01T00:00:00Z'}", "effectiveAt"}, /* the past is billed */
      {400, "{'quantity':2,'billing':'never'}", "billing"},
      {400, "{'items':[{}]}", "items[0].planId"},
      {404, "{'planId':'no-such-plan'}", "planId"},
      {409, keep_text("{'planId':'%s'}", euro), "planId"},
      {409, keep_text("{'planId':'%s'}", old), "planId"},
      {409, keep_text("{'planId':'%s','billingCycle':'yearly'}", s.plan), "billingCycle"},
      {409, keep_text("{'items':[{'planId':'%s'}]}", euro), "items[0].planId"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    static const char *const verbs[] = {"change-plan", "preview"};
    for (size_t v = 0; v < 2; v++) {
      const json_t *error =
          api_post(&s.tenant, cases[i].status, subscription_path(s.subscription, verbs[v]), "%s", cases[i].body);
      cr_expect_str_eq(json_at(error, "field") ? json_at(error, "field") : "", cases[i].field, "%s %s", verbs[v],
                       cases[i].body);
    }
  }
  cr_expect_eq(sql_int(&s.tenant, "SELECT version FROM subscriptions WHERE tenant_id = $1"), 1, "nothing half done");
  api_post(&s.tenant, 200, subscription_path(s.subscription, "cancel"), "{'immediately':true}");
  const json_t *error = api_post(&s.tenant, 409, subscription_path(s.subscription, "change-plan"), "{'quantity':2}");
  cr_expect_str_eq(json_at(error, "code"), "ILLEGAL_TRANSITION");
  cr_expect(json_is_array(json_node_at(error, "details.allowed")));
  cr_expect_gt(count_messages(&s.tenant, "subscription.preview"), 0);
}

Test(change, sent_twice_is_done_once) {
  struct subscriber s = subscribe("10.00");
  api_post(&s.tenant, 200, subscription_path(s.subscription, "change-plan"), "{'quantity':3}");
  WAIT_UNTIL(invoices_are(&s.tenant, 2), "the invoice of the change");
  struct records sent = kafka_read("cloudbill.subscription.commands", "ce_type", "subscription.change-plan");
  for (size_t i = 0; i < sent.count; i++)
    if (strcmp(record_header(&sent.at[i], "ce_subject"), s.subscription) == 0) send_again(&sent.at[i]);
  cr_expect_eq(sql_int(&s.tenant, "SELECT version FROM subscriptions WHERE tenant_id = $1"), 2);
  cr_expect(invoices_are(&s.tenant, 2));
  expect_sound_books(&s.tenant);
}

/* BILL-022: of 10.00, half of it unused, a credit note gave back 8.00: a change can credit 2.00, and not 5.00 once
 * more. */
Test(change, credits_no_more_than_credit_notes_left_of_a_line) {
  struct subscriber s = subscribe("10.00");
  const char *invoice = sql_text(&s.tenant, "SELECT id::text FROM invoices WHERE tenant_id = $1");
  api_post(&s.tenant, 201, "/api/billing/credit-notes", "{'invoiceId':'%s','amount':8,'reason':'goodwill'}", invoice);
  const char *change = keep_text("{'planId':'%s','when':'now'}", plan_of_days(&s.tenant, 30, "20.00"));
  const json_t *preview = api_post(&s.tenant, 200, subscription_path(s.subscription, "preview"), "%s", change);
  cr_expect_eq(json_number_at(preview, "subtotal"), 8);
  api_post(&s.tenant, 200, subscription_path(s.subscription, "change-plan"), "%s", change);
  WAIT_UNTIL(invoices_are(&s.tenant, 2), "the invoice of the change");
  cr_expect_str_eq(lines_of(&s.tenant), "credit -200, subscription 1000");
  expect_sound_books(&s.tenant);
}

static struct subscriber change_that_waits(void) {
  struct subscriber s = subscribe("10.00");
  api_post(&s.tenant, 200, subscription_path(s.subscription, "change-plan"),
           "{'planId':'%s','when':'now','billing':'next_invoice'}", plan_of_days(&s.tenant, 30, "20.00"));
  cr_expect_str_eq(waiting_of(&s.tenant), "credit -5.00, subscription 10.00");
  return s;
}

/* BILL-022: a credit that waits for its invoice is part of what is given back: a note cannot give it once more. */
Test(change, that_waits_leaves_the_rest_to_credit_notes) {
  struct subscriber s = change_that_waits();
  const char *invoice = sql_text(&s.tenant, "SELECT id::text FROM invoices WHERE tenant_id = $1");
  api_post(&s.tenant, 400, "/api/billing/credit-notes", "{'invoiceId':'%s','amount':5.01}", invoice);
  const json_t *note = api_post(&s.tenant, 201, "/api/billing/credit-notes", "{'invoiceId':'%s'}", invoice);
  cr_expect_eq(json_number_at(note, "totalAmount"), 5);
  api_post(&s.tenant, 200, subscription_path(s.subscription, "cancel"), "{'immediately':true,'prorate':false}");
  WAIT_UNTIL(invoices_are(&s.tenant, 2), "the last invoice");
  cr_expect_eq(invoiced(&s.tenant), 1500);
  expect_sound_books(&s.tenant);
}

/* And of what is void by then nothing is taken back. */
Test(change, that_waits_credits_nothing_of_an_invoice_that_is_void_by_then) {
  struct subscriber s = change_that_waits();
  const char *invoice = sql_text(&s.tenant, "SELECT id::text FROM invoices WHERE tenant_id = $1");
  api_post(&s.tenant, 200, keep_text("/api/billing/invoices/%s/void", invoice), "{}");
  const json_t *preview =
      api_post(&s.tenant, 200, subscription_path(s.subscription, "preview"), "{'quantity':2,'when':'now'}");
  cr_expect_eq(json_number_at(preview, "invoices.0.subtotal"), 20, "10.00 wait, and 20.00 less 10.00 are new");
  api_post(&s.tenant, 200, subscription_path(s.subscription, "cancel"), "{'immediately':true,'prorate':false}");
  WAIT_UNTIL(invoices_are(&s.tenant, 2), "the last invoice");
  cr_expect_str_eq(lines_of(&s.tenant), "credit 0, subscription 1000");
  expect_sound_books(&s.tenant);
}

/* Nor makes such a credit alone an invoice. */
Test(change, that_waits_makes_no_invoice_of_a_credit_of_what_is_void) {
  static const char *const ends[] = {"{'immediately':true,'prorate':false}", "{'immediately':false}"};
  for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
    struct subscriber s = subscribe("10.00");
    const char *invoice = sql_text(&s.tenant, "SELECT id::text FROM invoices WHERE tenant_id = $1");
    api_post(&s.tenant, 200, subscription_path(s.subscription, "change-plan"),
             "{'planId':'%s','when':'now','billing':'next_invoice'}", plan_of_days(&s.tenant, 30, "0.00"));
    cr_expect_str_eq(waiting_of(&s.tenant), "credit -5.00");
    api_post(&s.tenant, 200, keep_text("/api/billing/invoices/%s/void", invoice), "{}");
    const json_t *preview = api_post(&s.tenant, 200, subscription_path(s.subscription, "preview"), "%s", ends[i]);
    cr_expect_eq(json_array_size(json_node_at(preview, "waiting")), 0);
    cr_expect_eq(json_array_size(json_node_at(preview, "invoices")), 0);
    cr_expect(json_is_null(json_node_at(preview, "nextInvoice")));
    api_post(&s.tenant, 200, subscription_path(s.subscription, "cancel"), "%s", ends[i]);
    pass_days(&s.tenant, 16);
    billing_run(&s.tenant);
    cr_expect_eq(count_messages(&s.tenant, "invoice.create"), 1);
    cr_expect_null(waiting_of(&s.tenant), "nothing can follow");
  }
}

/* What is on a void invoice was charged to nobody. */
Test(change, credits_nothing_of_a_void_invoice) {
  struct subscriber s = subscribe("10.00");
  const char *invoice = sql_text(&s.tenant, "SELECT id::text FROM invoices WHERE tenant_id = $1");
  api_post(&s.tenant, 200, keep_text("/api/billing/invoices/%s/void", invoice), "{}");
  api_post(&s.tenant, 200, subscription_path(s.subscription, "change-plan"), "{'planId':'%s','when':'now'}",
           plan_of_days(&s.tenant, 30, "20.00"));
  WAIT_UNTIL(invoices_are(&s.tenant, 2), "the invoice of the change");
  cr_expect_str_eq(lines_of(&s.tenant), "subscription 1000");
  api_post(&s.tenant, 200, subscription_path(s.subscription, "cancel"), "{'immediately':true,'prorate':true}");
  WAIT_UNTIL(sql_int(&s.tenant,
                     "SELECT COALESCE(sum(amount_minor), 0)::bigint FROM credit_notes WHERE tenant_id = $1") == 1000,
             "the note on the second invoice");
  expect_sound_books(&s.tenant);
}

/* ---- what one may use, and what happened ---- */

/* BILL-036 */
Test(change, entitlements_are_those_of_all_plans) {
  struct tenant tenant = tenant_new();
  struct subscriber s = subscribe_to(
      tenant,
      plan_with(&tenant, THIRTY_DAYS ",'price':'10.00','features':['reports'],'limits':{'seats':5,'projects':null}"),
      15);
  const char *add_on = plan_with(
      &s.tenant, THIRTY_DAYS ",'price':'1.00','features':['export'],'limits':{'seats':10,'projects':3,'exports':7}");
  api_post(&s.tenant, 200, subscription_path(s.subscription, "change-plan"), "{'items':[{'planId':'%s','quantity':3}]}",
           add_on);
  const json_t *shown = api_get(&s.tenant, 200, "%s", subscription_path(s.subscription, "entitlements"));
  cr_expect_str_eq(json_at(shown, "status"), "active");
  cr_expect(json_is_true(json_node_at(shown, "isUsable")));
  cr_expect_eq(json_array_size(json_node_at(shown, "features")), 2);
  cr_expect_eq(json_number_at(shown, "limits.seats"), 5 + 3 * 10);
  cr_expect_eq(json_number_at(shown, "limits.exports"), 21);
  cr_expect(json_is_null(json_node_at(shown, "limits.projects")), "without limit");
  api_post(&s.tenant, 200, subscription_path(s.subscription, "suspend"), "{}");
  shown = api_get(&s.tenant, 200, "%s", subscription_path(s.subscription, "entitlements"));
  cr_expect(json_is_false(json_node_at(shown, "isUsable")));
  api_get(&s.tenant, 404, "%s", subscription_path(new_id(), "entitlements"));
}

/* "invoice paid" of each entry, in its order; the times never go back. */
static const char *told(const json_t *timeline) {
  const char *text = "", *before = "";
  size_t index;
  const json_t *entry;
  json_array_foreach((json_t *)(uintptr_t)timeline, index, entry) {
    cr_expect_leq(strcmp(before, json_at(entry, "at")), 0, "%s before %s", before, json_at(entry, "at"));
    before = json_at(entry, "at");
    text = keep_text("%s%s%s %s", text, *text ? ", " : "", json_at(entry, "type"), json_at(entry, "what"));
  }
  return text;
}

/* On a clock, so that nothing happens at the same time. */
Test(change, the_timeline_says_what_happened_and_who_did_it) {
  struct tenant tenant = tenant_new_test();
  const char *clock = test_clock_new(&tenant, "2026-03-01T00:00:00Z");
  struct subscriber s = {.tenant = tenant};
  s.customer = customer_new(&tenant, "'testClockId':'%s'", clock);
  s.subscription = subscription_with(&tenant, s.customer, plan_of_days(&tenant, 30, "10.00"),
                                     "'startDate':'2026-03-01','collection':'manual'");
  WAIT_UNTIL(invoices_are(&tenant, 1), "the first invoice");
  test_clock_advance(&tenant, clock, "2026-03-05T00:00:00Z");
  api_post(&s.tenant, 200, subscription_path(s.subscription, "change-plan"), "{'quantity':3}");
  WAIT_UNTIL(invoices_are(&s.tenant, 2), "the invoice of the change");
  test_clock_advance(&tenant, clock, "2026-03-06T00:00:00Z");
  api_post(&s.tenant, 200, subscription_path(s.subscription, "change-plan"), "{'quantity':1}");
  test_clock_advance(&tenant, clock, "2026-04-02T00:00:00Z");
  api_post(&s.tenant, 200, subscription_path(s.subscription, "renew"), "{}");
  WAIT_UNTIL(invoices_are(&s.tenant, 4), "the invoice of the renewal");
  test_clock_advance(&tenant, clock, "2026-04-03T00:00:00Z");
  api_post(&s.tenant, 200, subscription_path(s.subscription, "cancel"), "{}");
  api_post(&s.tenant, 200, subscription_path(s.subscription, "reactivate"), "{}");
  api_post(&s.tenant, 200, subscription_path(s.subscription, "cancel"),
           "{'immediately':true,'prorate':true,'reason':'enough'}");
  const json_t *timeline = NULL;
  WAIT_UNTIL((timeline = api_get(&s.tenant, 200, "%s", subscription_path(s.subscription, "timeline"))) &&
                 strstr(told(timeline), "creditNote issued, creditNote issued"),
             "the credit notes of the cancellation");
  cr_expect_str_eq(told(timeline), "subscription created, invoice invoiced, subscription changed, invoice invoiced,"
                                   " subscription change_scheduled, subscription changed, invoice invoiced,"
                                   " subscription renewed, invoice invoiced, subscription cancellation_scheduled,"
                                   " subscription reactivated, subscription cancelled, invoice paid,"
                                   " creditNote issued, creditNote issued");
  cr_expect_str_eq(json_at(timeline, "2.at"), "2026-03-05T00:00:00.000Z");
  cr_expect_eq(strncmp(json_at(timeline, "2.by"), "user:", 5), 0);
  cr_expect_eq(json_number_at(timeline, "2.details.quantity"), 3);
  cr_expect_eq(json_number_at(timeline, "3.amount"), 17.33);
  cr_expect_str_eq(json_at(timeline, "4.details.at"), "2026-03-31T00:00:00.000Z");
  cr_expect(!json_node_at(timeline, "5.by"), "time did it");
  cr_expect_str_eq(json_at(timeline, "11.details.reason"), "enough");
  cr_expect_not_null(json_at(timeline, "13.details.creditNoteNumber"));
  cr_expect(!strcmp(json_at(timeline, "13.invoiceNumber"), json_at(timeline, "6.invoiceNumber")) !=
                !strcmp(json_at(timeline, "14.invoiceNumber"), json_at(timeline, "6.invoiceNumber")),
            "one credit note for each of the two invoices");
  api_get(&s.tenant, 404, "%s", subscription_path(new_id(), "timeline"));
}
