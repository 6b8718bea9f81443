/* The main job: a subscription that began in the past becomes invoices, charged cards, a ledger that balances and
 * mails, through four workers, once; and whatever is sent twice changes nothing. */
#include "flow.h"

TestSuite(subscription_create, .timeout = 180);

/* A customer with a good card, a plan of 49.00 a month, a subscription from `start` on. */
struct subscriber {
  struct tenant tenant;
  const char *customer, *email, *plan, *subscription;
};

static struct subscriber subscribe(const char *start, const char *card) {
  struct subscriber s = {.tenant = tenant_new(), .email = keep_text("%s@subscriber.example", new_id())};
  s.customer =
      json_at(api_post(&s.tenant, 201, "/api/customers", "{'name':'Ærø & Søn A/S','email':'%s'}", s.email), "id");
  s.plan = plan_new(&s.tenant, "49.00", "USD", "monthly");
  if (card) payment_method_new(&s.tenant, s.customer, card);
  s.subscription = subscription_new(&s.tenant, s.customer, s.plan, start);
  return s;
}

static void expect_events(const struct subscriber *s, int64_t periods) {
  const json_t *created = messages_of(&s->tenant, "subscription.created");
  cr_assert_eq(json_array_size(created), 1);
  cr_expect_str_eq(json_at(created, "0.subscriptionId"), s->subscription);
  cr_expect_eq(json_number_at(created, "0.price"), 49.00);
  cr_expect_eq(count_messages(&s->tenant, "customer.created"), 1);
  cr_expect_eq(count_messages(&s->tenant, "plan.created"), 1);
  cr_expect_eq(count_messages(&s->tenant, "payment-method.created"), 1);
  cr_expect_eq(count_messages(&s->tenant, "invoice.create"), periods);
  cr_expect_eq(count_messages(&s->tenant, "invoice.finalised"), periods);
  cr_expect_eq(count_messages(&s->tenant, "invoice.paid"), periods);
  cr_expect_eq(count_messages(&s->tenant, "payment.succeeded"), periods);
  cr_expect_eq(count_messages(&s->tenant, "subscription.renewed"), periods - 1);
  cr_expect_eq(count_messages(&s->tenant, "billing-run.started"), 1);
  const json_t *completed = messages_of(&s->tenant, "billing-run.completed");
  cr_assert_eq(json_array_size(completed), 1);
  cr_expect_eq(json_number_at(completed, "0.due"), periods - 1);
  cr_expect_eq(json_number_at(completed, "0.invoiced"), periods - 1);
}

static bool mails_are(const char *email, size_t count) {
  return mails_for(email).count == count;
}

/* An invoice and a receipt for each period, each once, each naming its invoice. */
static void expect_mails(const struct subscriber *s, int64_t periods) {
  WAIT_UNTIL(mails_are(s->email, 2 * (size_t)periods), "%lld mails, there are %zu", (long long)(2 * periods),
             mails_for(s->email).count);
  struct mails mails = mails_for(s->email);
  for (size_t i = 0; i < mails.count; i++) {
    cr_expect_eq(mails.at[i].copies, 1, "%s came %d times", mails.at[i].subject, mails.at[i].copies);
    cr_expect(strstr(mails.at[i].text, "INV-0"), "%s names no invoice", mails.at[i].subject);
  }
  WAIT_UNTIL(sql_int(&s->tenant, "SELECT count(*) FROM notifications WHERE tenant_id = $1 AND status = 'sent'") ==
                 2 * periods,
             "what the mail server has taken to be recorded");
  WAIT_UNTIL(count_messages(&s->tenant, "notification.sent") == 2 * (size_t)periods, "notification.sent for each");
}

static void expect_money(const struct subscriber *s, int64_t periods) {
  cr_expect_eq(
      sql_int(&s->tenant, "SELECT sum(amount_minor) FROM ledger_entries WHERE tenant_id = $1 AND account = 'cash'"),
      4900 * periods);
  cr_expect_eq(
      sql_int(&s->tenant, "SELECT sum(amount_minor) FROM ledger_entries WHERE tenant_id = $1 AND account = 'revenue'"),
      -4900 * periods);
  cr_expect_eq(sql_int(&s->tenant, "SELECT count(*) FROM payments WHERE tenant_id = $1 AND attempts = 1"), periods);
}

Test(subscription_create, bills_every_period_since_the_start_down_to_the_mail) {
  process_hold("notifications", false);
  const char *start = days_ago(100);
  int64_t periods = periods_begun(start, "1 month");
  struct subscriber s = subscribe(start, "pm_card_visa");
  WAIT_UNTIL(all_are_paid(&s.tenant, 1), "the first invoice to be paid");
  const char *run = billing_run(&s.tenant);
  WAIT_UNTIL(all_are_paid(&s.tenant, periods), "%lld paid invoices", (long long)periods);
  expect_mails(&s, periods);
  expect_events(&s, periods);
  expect_money(&s, periods);
  expect_sound_books(&s.tenant);
  const json_t *shown = api_get(&s.tenant, 200, "/api/billing/runs/%s", run);
  cr_expect_eq(json_number_at(shown, "amounts.0.total"), 49.00 * (double)(periods - 1));
}

Test(subscription_create, is_answered_with_the_subscription) {
  struct subscriber s = subscribe(days_ago(0), NULL);
  const json_t *shown = api_get(&s.tenant, 200, "/api/billing/subscriptions/%s", s.subscription);
  cr_expect_str_eq(json_at(shown, "status"), "active");
  cr_expect_str_eq(json_at(shown, "planId"), s.plan);
  cr_expect_str_eq(json_at(shown, "customerId"), s.customer);
  cr_expect_str_eq(json_at(shown, "currency"), "USD");
  cr_expect_str_eq(json_at(shown, "billingCycle"), "monthly");
  cr_expect_eq(json_number_at(shown, "currentPrice"), 49.00);
  cr_expect_eq(json_number_at(shown, "quantity"), 1);
  cr_expect_str_eq(json_at(shown, "startDate"), days_ago(0));
  cr_expect_not_null(json_at(shown, "nextBillingDate"));
}

Test(subscription_create, an_invoice_says_what_it_is_for) {
  struct subscriber s = subscribe(days_ago(3), "pm_card_visa");
  WAIT_UNTIL(all_are_paid(&s.tenant, 1), "the first invoice to be paid");
  const json_t *list = api_get(&s.tenant, 200, "/api/billing/invoices?subscriptionId=%s", s.subscription);
  const json_t *invoice = json_array_get(list, 0);
  cr_expect_str_eq(json_at(invoice, "invoiceNumber"), "INV-000001");
  cr_expect_str_eq(json_at(invoice, "status"), "paid");
  cr_expect_eq(json_number_at(invoice, "totalAmount"), 49.00);
  cr_expect_eq(json_number_at(invoice, "amountDue"), 0);
  cr_expect_eq(json_number_at(invoice, "items.0.amount"), 49.00);
  cr_expect_str_eq(json_at(invoice, "items.0.itemType"), "subscription");
  cr_expect_str_eq(json_at(invoice, "items.0.periodStart"), keep_text("%sT00:00:00.000Z", days_ago(3)));
}

/* BILL-005, BILL-001: each currency by itself, with its own digits. */
Test(subscription_create, every_currency_keeps_its_digits) {
  static const struct {
    const char *currency, *price;
    int64_t minor;
  } cases[] = {{"JPY", "7000", 7000}, {"KWD", "12.345", 12345}, {"EUR", "9.99", 999}};
  struct tenant tenant = tenant_new();
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    const char *customer = customer_new(&tenant, "'currency':'%s'", cases[i].currency);
    payment_method_new(&tenant, customer, "pm_card_visa");
    subscription_new(&tenant, customer, plan_new(&tenant, cases[i].price, cases[i].currency, "monthly"), days_ago(1));
  }
  WAIT_UNTIL(all_are_paid(&tenant, 3), "three paid invoices");
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
    cr_expect_eq(sql_int(&tenant, keep_text("SELECT sum(amount_paid_minor) FROM invoices WHERE tenant_id = $1 "
                                            "AND currency = '%s'",
                                            cases[i].currency)),
                 cases[i].minor, "%s", cases[i].currency);
  expect_sound_books(&tenant);
}

/* BILL-010 and BILL-014, over the whole way: the anchor day does not wear off. */
Test(subscription_create, the_31st_comes_back_after_a_short_month) {
  struct tenant tenant = tenant_new();
  const char *customer = customer_new(&tenant, NULL), *plan = plan_new(&tenant, "10.00", "USD", "monthly");
  const char *subscription = json_at(api_post(&tenant, 201, "/api/billing/subscriptions",
                                              "{'customerId':'%s','planId':'%s','startDate':'2025-12-31',"
                                              "'collection':'manual'}",
                                              customer, plan),
                                     "id");
  int64_t periods = periods_begun("2025-12-31", "1 month");
  billing_run(&tenant);
  WAIT_UNTIL(sql_int(&tenant, "SELECT count(*) FROM invoices WHERE tenant_id = $1") == periods, "%lld invoices",
             (long long)periods);
  cr_expect_str_eq(sql_text(&tenant, "SELECT string_agg(to_char(period_start, 'MM-DD'), ' ' ORDER BY period_index) "
                                     "FROM invoice_items WHERE tenant_id = $1 AND period_index < 6"),
                   "12-31 01-31 02-28 03-31 04-30 05-31", "%s", subscription);
  expect_sound_books(&tenant);
}

/* -- whoever sends what he has sent -- */

static void send_all_again(const struct tenant *tenant, const char *topic) {
  struct records records = kafka_read(topic, "ce_tenantid", tenant->id);
  cr_expect_gt(records.count, 0, "%s is empty", topic);
  send_each_again(&records);
}

Test(subscription_create, what_comes_again_changes_nothing) {
  process_hold("notifications", false);
  static const char *const topics[] = {"cloudbill.customer.commands",    "cloudbill.plan.commands",
                                       "cloudbill.payment.commands",     "cloudbill.subscription.commands",
                                       "cloudbill.billing-run.commands", "cloudbill.invoice.commands",
                                       "cloudbill.invoice.events",       "cloudbill.payment.events"};
  const char *start = days_ago(40);
  int64_t periods = periods_begun(start, "1 month");
  struct subscriber s = subscribe(start, "pm_card_visa");
  billing_run(&s.tenant);
  WAIT_UNTIL(all_are_paid(&s.tenant, periods), "%lld paid invoices", (long long)periods);
  expect_mails(&s, periods);
  expect_sound_books(&s.tenant);
  const char *before = fingerprint(&s.tenant);
  for (size_t i = 0; i < sizeof topics / sizeof *topics; i++) send_all_again(&s.tenant, topics[i]);
  cr_expect_str_eq(fingerprint(&s.tenant), before);
  cr_expect_eq(mails_for(s.email).count, 2 * (size_t)periods);
  expect_sound_books(&s.tenant);
}

Test(subscription_create, is_refused_with_what_is_wrong) {
  static const struct {
    int status;
    const char *code, *field, *members;
  } cases[] = {
      {400, "VALIDATION_ERROR", "quantity", "'quantity':0"},
      {400, "VALIDATION_ERROR", "startDate", "'startDate':'2026-02-30'"},
      {400, "VALIDATION_ERROR", "startDate", "'startDate':'1999-01-01'"},
      {400, "VALIDATION_ERROR", "currency", "'currency':'XYZ'"},
      {400, "VALIDATION_ERROR", "currency", "'currency':'JPY'"},
      {400, "VALIDATION_ERROR", "currentPrice", "'currentPrice':'1.234'"},
      {400, "VALIDATION_ERROR", "currentPrice", "'currentPrice':1e2"},
      {400, "VALIDATION_ERROR", "billingAnchor", "'billingAnchor':32"},
      {400, "VALIDATION_ERROR", "trialDays", "'trialDays':'7'"},
      {400, "VALIDATION_ERROR", "quantity", "'currentPrice':'9999999999999','quantity':1000000"},
      {400, "VALIDATION_ERROR", "quantity", "'currentPrice':'9999999999.99','quantity':1000"}, /* no room for a tax */
      {409, "CONFLICT", "billingCycle", "'billingCycle':'yearly'"},
  };
  struct tenant tenant = tenant_new();
  const char *customer = customer_new(&tenant, NULL), *plan = plan_new(&tenant, "10.00", "USD", "monthly");
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    const json_t *error = api_post(&tenant, cases[i].status, "/api/billing/subscriptions",
                                   "{'customerId':'%s','planId':'%s',%s}", customer, plan, cases[i].members);
    cr_expect_str_eq(json_at(error, "code"), cases[i].code, "%s", cases[i].members);
    cr_expect_str_eq(json_at(error, "field"), cases[i].field, "%s", cases[i].members);
  }
  cr_expect_eq(sql_int(&tenant, "SELECT count(*) FROM subscriptions WHERE tenant_id = $1"), 0);
  cr_expect_eq(sql_int(NULL, keep_text("SELECT count(*) FROM dead_letters WHERE tenant_id = '%s'", tenant.id)), 0);
}

/* Two of a day share an invoice (BILL-061), unless its sums would have no room for both. */
Test(subscription_create, bill_061_of_more_than_one_sum_can_hold_makes_two_invoices) {
  struct tenant tenant = tenant_new_test();
  const char *clock = test_clock_new(&tenant, "2031-01-01T00:00:00Z");
  const char *customer = customer_new(&tenant, "'testClockId':'%s'", clock);
  const char *plan = plan_new(&tenant, "2000000000000.00", "USD", "monthly");
  for (int i = 0; i < 2; i++) subscription_with(&tenant, customer, plan, "'startDate':'2031-01-02'");
  test_clock_advance(&tenant, clock, "2031-01-03T00:00:00Z");
  cr_expect_eq(sql_int(&tenant, "SELECT count(*) FROM invoices WHERE tenant_id = $1 AND total_minor = 200000000000000"),
               2);
  expect_sound_books(&tenant);
}

Test(subscription_create, of_what_is_not_there_is_not_found) {
  struct tenant tenant = tenant_new(), other = tenant_new();
  const char *mine = customer_new(&tenant, NULL), *plan = plan_new(&tenant, "10.00", "USD", "monthly");
  const char *theirs = customer_new(&other, NULL);
  static const char body[] = "{'customerId':'%s','planId':'%s'}";
  cr_expect_str_eq(json_at(api_post(&tenant, 404, "/api/billing/subscriptions", body, mine, "no-such-plan"), "code"),
                   "NOT_FOUND");
  cr_expect_str_eq(json_at(api_post(&tenant, 404, "/api/billing/subscriptions", body, new_id(), plan), "code"),
                   "NOT_FOUND");
  cr_expect_str_eq(json_at(api_post(&tenant, 404, "/api/billing/subscriptions", body, theirs, plan), "code"),
                   "NOT_FOUND");
  cr_expect_str_eq(json_at(api_post(&other, 404, "/api/billing/subscriptions", body, theirs, plan), "code"),
                   "NOT_FOUND");
}
