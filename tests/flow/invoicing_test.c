/* Invoices, coupons, taxes, account credit and credit notes through the API: BILL-040 to BILL-043, BILL-070 to
 * BILL-072. */
#include "flow.h"

TestSuite(invoicing, .timeout = 180);

static const json_t *the_invoice(const struct tenant *tenant) {
  const char *id = NULL;
  WAIT_UNTIL((id = sql_text(tenant, "SELECT id FROM invoices WHERE tenant_id = $1 ORDER BY created_at DESC LIMIT 1")) !=
                 NULL,
             "an invoice");
  return api_get(tenant, 200, "/api/billing/invoices/%s", id);
}

/* -- drafts (BILL-071) -- */

Test(invoicing, bill_071_a_draft_period_comes_before_finalisation) {
  struct tenant tenant = tenant_new();
  sql_do(&tenant, "UPDATE tenants SET draft_hours = 24 WHERE id = $1");
  const char *customer = customer_new(&tenant, NULL);
  subscription_new(&tenant, customer, plan_new(&tenant, "9.00", "USD", "monthly"), days_ago(0));
  const json_t *draft = the_invoice(&tenant);
  cr_expect_str_eq(json_at(draft, "status"), "draft");
  cr_expect_null(json_at(draft, "invoiceNumber"));
  cr_expect_eq(json_number_at(draft, "amountDue"), 0);
  WAIT_UNTIL(count_messages(&tenant, "invoice.drafted") == 1, "invoice.drafted");
  cr_expect_eq(count_messages(&tenant, "invoice.finalised"), 0);
  sql_do(&tenant, "UPDATE invoices SET auto_finalise_at = now() WHERE tenant_id = $1");
  WAIT_UNTIL(sql_int(&tenant, "SELECT count(*) FROM invoices WHERE tenant_id = $1 AND status = 'open'") == 1,
             "the task to finalise it");
  const json_t *invoice = api_get(&tenant, 200, "/api/billing/invoices/%s", json_at(draft, "id"));
  cr_expect_str_eq(json_at(invoice, "invoiceNumber"), "INV-000001");
  cr_expect_eq(json_number_at(invoice, "totalAmount"), 9.00);
  cr_expect_str_eq(json_at(invoice, "items.0.id"), json_at(draft, "items.0.id"));
  WAIT_UNTIL(count_messages(&tenant, "invoice.finalised") == 1, "invoice.finalised");
  expect_sound_books(&tenant);
}

/* -- coupons and tax rates as resources -- */

static const char *id_of(const json_t *resource) {
  const char *id = json_at(resource, "id");
  cr_assert_not_null(id);
  return id;
}

Test(invoicing, bill_040_a_coupon_is_made_changed_and_archived) {
  struct tenant tenant = tenant_new();
  const char *plan = plan_new(&tenant, "9.00", "USD", "monthly");
  const json_t *made = api_post(&tenant, 201, "/api/billing/coupons",
                                "{'code':'FIFTH','percentOff':'20','duration':'repeating','durationInPeriods':3,"
                                "'maxRedemptions':5,'redeemBy':'2099-01-01T00:00:00Z','planIds':['%s']}",
                                plan);
  cr_expect_eq(json_number_at(made, "percentOff"), 20);
  cr_expect_str_eq(json_at(made, "planIds.0"), plan);
  cr_expect_str_eq(
      json_at(api_post(&tenant, 409, "/api/billing/coupons", "{'code':'FIFTH','percentOff':1,'duration':'once'}"),
              "field"),
      "code");
  const char *path = keep_text("/api/billing/coupons/%s", id_of(made));
  struct answer changed = api_call(&tenant, "PATCH", path, "{'name':'A fifth','maxRedemptions':null}");
  cr_expect_eq(changed.status, 200, "%s", changed.text);
  cr_expect_str_eq(json_at(changed.json, "data.name"), "A fifth");
  cr_expect_null(json_at(changed.json, "data.maxRedemptions"));
  cr_expect_not_null(json_at(changed.json, "data.redeemBy"));
  cr_expect_eq(api_call(&tenant, "DELETE", path, NULL).status, 204);
  cr_expect_eq(api_call(&tenant, "DELETE", path, NULL).status, 409);
  cr_expect_str_eq(json_at(api_get(&tenant, 200, "%s", path), "status"), "archived");
  cr_expect_eq(json_array_size(api_get(&tenant, 200, "/api/billing/coupons?status=archived&code=FIFTH")), 1);
  WAIT_UNTIL(count_messages(&tenant, "coupon.archived") == 1, "coupon.archived");
  cr_expect_eq(count_messages(&tenant, "coupon.created"), 1);
  cr_expect_eq(count_messages(&tenant, "coupon.updated"), 1);
  cr_expect_eq(count_messages(&tenant, "coupon.create"), 2);
  cr_expect_eq(count_messages(&tenant, "coupon.update"), 1);
  cr_expect_eq(count_messages(&tenant, "coupon.archive"), 2);
}

struct refusal {
  int status;
  const char *field, *body;
};

static void expect_refusals(const struct tenant *tenant, const char *path, const struct refusal *cases, size_t count) {
  for (size_t i = 0; i < count; i++) {
    const json_t *error = api_post(tenant, cases[i].status, path, "%s", cases[i].body);
    cr_expect_str_eq(json_at(error, "field"), cases[i].field, "%s: %s", cases[i].body, json_at(error, "message"));
  }
}

Test(invoicing, bill_040_a_coupon_that_is_none_is_refused_by_field) {
  struct tenant tenant = tenant_new();
  static const struct refusal cases[] = {
      {400, "percentOff", "{'code':'A','duration':'once'}"},
      {400, "percentOff", "{'code':'A','duration':'once','percentOff':10,'amountOff':1,'currency':'USD'}"},
      {400, "percentOff", "{'code':'A','duration':'once','percentOff':0}"},
      {400, "percentOff", "{'code':'A','duration':'once','percentOff':100.5}"},
      {400, "percentOff", "{'code':'A','duration':'once','percentOff':'1.0000001'}"},
      {400, "amountOff", "{'code':'A','duration':'once','amountOff':'1.005','currency':'USD'}"},
      {400, "amountOff", "{'code':'A','duration':'once','amountOff':'0.00','currency':'USD'}"},
      {400, "amountOff", "{'code':'A','duration':'once','amountOff':'99999999999999','currency':'USD'}"},
      {400, "currency", "{'code':'A','duration':'once','amountOff':1}"},
      {400, "currency", "{'code':'A','duration':'once','amountOff':1,'currency':'XYZ'}"},
      {400, "durationInPeriods", "{'code':'A','duration':'repeating','percentOff':10}"},
      {400, "durationInPeriods", "{'code':'A','duration':'once','durationInPeriods':2,'percentOff':10}"},
      {400, "duration", "{'code':'A','duration':'twice','percentOff':10}"},
      {400, "code", "{'code':'A B','duration':'once','percentOff':10}"},
      {400, "maxRedemptions", "{'code':'A','duration':'once','percentOff':10,'maxRedemptions':0}"},
      {400, "redeemBy", "{'code':'A','duration':'once','percentOff':10,'redeemBy':'tomorrow'}"},
      {404, "planIds[0]", "{'code':'A','duration':'once','percentOff':10,'planIds':['none']}"},
  };
  expect_refusals(&tenant, "/api/billing/coupons", cases, sizeof cases / sizeof *cases);
}

Test(invoicing, bill_041_a_tax_rate_is_made_and_archived) {
  struct tenant tenant = tenant_new();
  static const char body[] = "{'code':'VAT','name':'VAT','percentage':'19.000','country':'DE'}";
  const json_t *made = api_post(&tenant, 201, "/api/billing/tax-rates", body);
  cr_expect_eq(json_number_at(made, "percentage"), 19);
  cr_expect_str_eq(json_at(made, "category"), "standard");
  static const struct refusal cases[] = {
      {409, "code", "{'code':'VAT','name':'VAT','percentage':7}"},
      {409, "country", "{'code':'VAT2','name':'VAT','percentage':7,'country':'DE'}"},
      {400, "percentage", "{'code':'B','name':'B','percentage':101}"},
      {400, "percentage", "{'code':'B','name':'B','percentage':-1}"},
      {400, "percentage", "{'code':'B','name':'B','percentage':'1e1'}"},
      {400, "country", "{'code':'B','name':'B','percentage':1,'country':'Germany'}"},
      {400, "region", "{'code':'B','name':'B','percentage':1,'country':null,'region':'CA'}"},
      {400, "category", "{'code':'B','name':'B','percentage':1,'category':'zero'}"},
  };
  expect_refusals(&tenant, "/api/billing/tax-rates", cases, sizeof cases / sizeof *cases);
  const char *path = keep_text("/api/billing/tax-rates/%s", id_of(made));
  cr_expect_eq(api_call(&tenant, "DELETE", path, NULL).status, 204);
  cr_expect_eq(api_call(&tenant, "DELETE", path, NULL).status, 409);
  api_post(&tenant, 201, "/api/billing/tax-rates", "{'code':'VAT2','name':'VAT','percentage':7,'country':'DE'}");
  WAIT_UNTIL(count_messages(&tenant, "tax-rate.created") == 2, "tax-rate.created");
  cr_expect_eq(count_messages(&tenant, "tax-rate.archived"), 1);
  cr_expect_geq(count_messages(&tenant, "tax-rate.create"), 2);
  cr_expect_eq(count_messages(&tenant, "tax-rate.archive"), 2);
}

/* -- what they do to invoices -- */

/* Redeems a coupon for the periods from the second on. */
static void redeem_later(const struct tenant *tenant, const char *subscription, const char *coupon, int position,
                         const char *periods) {
  sql_do(tenant, keep_text("INSERT INTO subscription_coupons VALUES ($1, '%s', %d, '%s', 1, %s, now())", subscription,
                           position, coupon, periods));
}

static const char *coupon_new(const struct tenant *tenant, const char *members) {
  return id_of(api_post(tenant, 201, "/api/billing/coupons", "{'code':'C-%s',%s}", new_id(), members));
}

/* The invoice of a subscription's n-th period. */
static const json_t *invoice_of_period(const struct tenant *tenant, const char *subscription, int n) {
  const char *sql = keep_text("SELECT invoice_id FROM invoice_items WHERE tenant_id = $1 AND subscription_id = '%s' "
                              "AND period_index = %d LIMIT 1",
                              subscription, n);
  WAIT_UNTIL(sql_text(tenant, sql), "the invoice of period %d", n);
  return api_get(tenant, 200, "/api/billing/invoices/%s", sql_text(tenant, sql));
}

/* What billing-cycle would ask for, as it does. Returns the invoice's id. */
static const char *ask_for_invoice(const struct tenant *tenant, const char *customer, const char *lines) {
  const char *invoice = new_id();
  const char *body = quotes(keep_text("{'invoiceId':'%s','customerId':'%s','currency':'USD','issueDate':'2026-08-31',"
                                      "'collection':'manual','runId':null,'lines':[%s]}",
                                      invoice, customer, lines));
  const char *const headers[] = {
      "ce_specversion", "1.0",      "ce_id",      new_id(), "ce_type", "invoice.create",
      "ce_source",      "/tests",   "ce_subject", invoice,  "ce_time", "2026-11-21T00:00:00Z",
      "ce_tenantid",    tenant->id, NULL};
  kafka_produce("cloudbill.invoice.commands", customer, body, strlen(body), headers);
  return invoice;
}

static const json_t *await_invoice(const struct tenant *tenant, const char *invoice) {
  WAIT_UNTIL(sql_int(tenant, keep_text("SELECT count(*) FROM invoices WHERE tenant_id = $1 AND id = '%s'", invoice)) ==
                 1,
             "invoice %s", invoice);
  return api_get(tenant, 200, "/api/billing/invoices/%s", invoice);
}

/* A line of a subscription's period 1. */
static const char *line_of(const char *subscription, const char *component, const char *kind, int revision,
                           const char *amount, const char *more) {
  return keep_text("{'subscriptionId':'%s','item':0,'component':'%s','periodIndex':1,'kind':'%s','revision':%d,"
                   "'description':'%s','quantity':1,'unitPrice':'%s','amount':'%s',%s'periodStart':"
                   "'2026-08-31T00:00:00Z','periodEnd':'2026-09-30T00:00:00Z',"
                   "'provenance':{'quantity':'1','unitPrice':'%s'}}",
                   subscription, component, kind, revision, component, amount, amount, more, amount);
}

Test(invoicing, bill_042_the_example_on_an_invoice) {
  struct tenant tenant = tenant_new();
  static const char *const rates[] = {"'a','percentage':10,'taxCode':'a'", "'b','percentage':0,'taxCode':'b'",
                                      "'c','percentage':20,'taxCode':'c'"};
  for (size_t i = 0; i < 3; i++) api_post(&tenant, 201, "/api/billing/tax-rates", "{'name':'Tax','code':%s}", rates[i]);
  const char *customer = customer_new(&tenant, NULL);
  const char *s = subscription_new(&tenant, customer, plan_new(&tenant, "1.00", "USD", "monthly"), days_ago(0));
  redeem_later(&tenant, s, coupon_new(&tenant, "'percentOff':5,'duration':'forever'"), 1, "NULL");
  const char *lines = keep_text("%s,%s,%s,%s", line_of(s, "one", "fee", 0, "100.00", "'taxCode':'a',"),
                                line_of(s, "two", "fee", 0, "50.00", "'taxCode':'b',"),
                                line_of(s, "three", "fee", 0, "30.00", "'taxCode':'c',"),
                                line_of(s, "four", "fee", 0, "20.00", "'taxCode':'c',"));
  const json_t *invoice = await_invoice(&tenant, ask_for_invoice(&tenant, customer, lines));
  cr_expect_eq(json_number_at(invoice, "subtotal"), 200.00);
  cr_expect_eq(json_number_at(invoice, "discountAmount"), 10.00);
  cr_expect_eq(json_number_at(invoice, "taxAmount"), 19.00);
  cr_expect_eq(json_number_at(invoice, "totalAmount"), 209.00);
  static const double taxes[] = {9.50, 0, 5.70, 3.80};
  for (size_t i = 0; i < 4; i++)
    cr_expect_eq(json_number_at(invoice, keep_text("items.%zu.taxAmount", i)), taxes[i], "line %zu", i);
  expect_sound_books(&tenant);
}

/* From 30 to 40 halfway and back at once, with half and 5.00 off: the credit takes its share back, the charge gets it.
 */
Test(invoicing, bill_022_a_credit_takes_back_its_share_of_the_discount) {
  struct tenant tenant = tenant_new();
  api_post(&tenant, 201, "/api/billing/tax-rates", "{'name':'Tax','code':'a','percentage':'19'}");
  const char *customer = customer_new(&tenant, NULL);
  const char *s = subscription_new(&tenant, customer, plan_new(&tenant, "1.00", "USD", "monthly"), days_ago(0));
  await_invoice(&tenant, json_at(invoice_of_period(&tenant, s, 0), "id"));
  redeem_later(&tenant, s, coupon_new(&tenant, "'percentOff':50,'duration':'forever'"), 1, "NULL");
  redeem_later(&tenant, s, coupon_new(&tenant, "'amountOff':5,'currency':'USD','duration':'forever'"), 2, "NULL");
  const char *of_first = "'credits':{'item':0,'component':'base','periodIndex':1,'kind':'usage','revision':0},";
  const char *of_second = "'credits':{'item':0,'component':'base','periodIndex':1,'kind':'usage','revision':1},";
  const char *invoices[] = {ask_for_invoice(&tenant, customer, line_of(s, "base", "usage", 0, "30.00", "")),
                            ask_for_invoice(&tenant, customer,
                                            keep_text("%s,%s", line_of(s, "base", "credit", 1, "-15.00", of_first),
                                                      line_of(s, "base", "usage", 1, "20.00", ""))),
                            ask_for_invoice(&tenant, customer,
                                            keep_text("%s,%s", line_of(s, "base", "credit", 2, "-20.00", of_second),
                                                      line_of(s, "base", "usage", 2, "15.00", "")))};
  /* 30 - 15 - 5; -15 + (7.50 + 2.50) and 20 - 10 - 2.50; and back: -20 + (10 + 2.50) and 15 - 7.50 - 2.50 */
  static const double net[] = {10.00, 2.50, -2.50};
  double discounts[] = {20.00, 2.50, -2.50};
  for (size_t i = 0; i < 3; i++) {
    const json_t *invoice = await_invoice(&tenant, invoices[i]);
    cr_expect_eq(json_number_at(invoice, "subtotal") - json_number_at(invoice, "discountAmount"), net[i],
                 "invoice %zu: %f", i, json_number_at(invoice, "subtotal") - json_number_at(invoice, "discountAmount"));
    cr_expect_eq(json_number_at(invoice, "discountAmount"), discounts[i], "invoice %zu", i);
  }
  cr_expect_eq(json_number_at(await_invoice(&tenant, invoices[1]), "totalAmount") +
                   json_number_at(await_invoice(&tenant, invoices[2]), "totalAmount"),
               0, "there and back is nothing, with tax");
  cr_expect_str_eq(json_at(await_invoice(&tenant, invoices[2]), "status"), "paid", "below zero: account credit");
  cr_expect_eq(sql_int(&tenant, "SELECT remaining_minor FROM credit_grants WHERE tenant_id = $1"), 298);
  cr_expect_eq(sql_int(&tenant, "SELECT sum(used_minor) FROM coupon_uses WHERE tenant_id = $1"), 500,
               "a fixed coupon gives its amount once a period");
  const char *next = ask_for_invoice(&tenant, customer, line_of(s, "extra", "fee", 0, "100.00", ""));
  const json_t *invoice = await_invoice(&tenant, next); /* 100 - 50, and 19 % */
  cr_expect_eq(json_number_at(invoice, "totalAmount"), 59.50);
  cr_expect_eq(json_number_at(invoice, "creditApplied"), 2.98);
  cr_expect_eq(json_number_at(invoice, "amountDue"), 56.52);
  expect_sound_books(&tenant);
}

Test(invoicing, bill_040_coupons_end_with_their_periods_and_a_fixed_rest_is_lost) {
  struct tenant tenant = tenant_new();
  const char *subscription =
      subscription_new(&tenant, customer_new(&tenant, NULL), plan_new(&tenant, "8.00", "USD", "daily"), days_ago(4));
  redeem_later(&tenant, subscription, coupon_new(&tenant, "'percentOff':50,'duration':'forever'"), 1, "NULL");
  redeem_later(&tenant, subscription,
               coupon_new(&tenant, "'amountOff':5,'currency':'USD','duration':'repeating','durationInPeriods':2"), 2,
               "2");
  billing_run(&tenant);
  static const double totals[] = {8.00, 0.00, 0.00, 4.00, 4.00};
  for (int n = 0; n < 5; n++) {
    const json_t *invoice = invoice_of_period(&tenant, subscription, n);
    cr_expect_eq(json_number_at(invoice, "totalAmount"), totals[n], "period %d: %f", n,
                 json_number_at(invoice, "totalAmount"));
    cr_expect_str_eq(json_at(invoice, "status"), totals[n] > 0 ? "open" : "paid", "period %d", n);
  }
  expect_sound_books(&tenant);
}

Test(invoicing, bill_041_exempt_and_reverse_charge_customers_pay_no_tax_and_inclusive_prices_have_it_in_them) {
  struct tenant tenant = tenant_new();
  sql_do(&tenant, "UPDATE tenants SET tax_country = 'FR' WHERE id = $1");
  const char *rate = json_at(api_post(&tenant, 201, "/api/billing/tax-rates",
                                      "{'name':'USt','code':'DE','percentage':19,'inclusive':true,'country':'DE'}"),
                             "id");
  static const struct {
    const char *customer;
    double subtotal, tax, total;
    const char *category;
  } cases[] = {
      {"'address':{'country':'DE'}", 100.00, 19.00, 119.00, "standard"},
      {"'address':{'country':'DE'},'taxExempt':true", 119.00, 0, 119.00, "exempt"},
      {"'address':{'country':'DE'},'taxIds':[{'type':'eu_vat','value':'DE1'}]", 119.00, 0, 119.00, "reverse_charge"},
      {"'address':{'country':'AT'}", 119.00, 0, 119.00, "zero"},
      {"'address':{'country':'AT'},'billingAddress':{'country':'DE'}", 100.00, 19.00, 119.00, "standard"},
  };
  const char *plan = plan_new(&tenant, "119.00", "USD", "monthly");
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    const char *customer = customer_new(&tenant, "%s", cases[i].customer);
    const json_t *invoice = invoice_of_period(&tenant, subscription_new(&tenant, customer, plan, days_ago(0)), 0);
    cr_expect_eq(json_number_at(invoice, "subtotal"), cases[i].subtotal, "%s", cases[i].customer);
    cr_expect_eq(json_number_at(invoice, "taxAmount"), cases[i].tax, "%s", cases[i].customer);
    cr_expect_eq(json_number_at(invoice, "totalAmount"), cases[i].total, "%s", cases[i].customer);
    cr_expect_str_eq(json_at(invoice, "items.0.taxCategory"), cases[i].category, "%s", cases[i].customer);
    const char *id = json_at(invoice, "items.0.taxRateId");
    cr_expect(cases[i].tax > 0 ? id && strcmp(id, rate) == 0 : !id, "%s: %s", cases[i].customer, id);
    cr_expect_eq(json_number_at(invoice, "items.0.unitPrice"), 119.00);
  }
  expect_sound_books(&tenant);
}

/* -- payments from outside (BILL-072) -- */

static const json_t *pay(const struct tenant *tenant, int status, const char *invoice, const char *body) {
  return api_post(tenant, status, keep_text("/api/billing/invoices/%s/payment", invoice), "%s", body);
}

static const char *open_invoice(const struct tenant *tenant, const char *customer, const char *price) {
  const char *s = subscription_new(tenant, customer, plan_new(tenant, price, "USD", "monthly"), days_ago(0));
  return json_at(invoice_of_period(tenant, s, 0), "id");
}

Test(invoicing, bill_072_an_invoice_is_paid_outside_in_part_and_beyond) {
  struct tenant tenant = tenant_new();
  const char *customer = customer_new(&tenant, NULL), *invoice = open_invoice(&tenant, customer, "30.00");
  const json_t *first = pay(&tenant, 200, invoice, "{'amount':'10.00','method':'bank_transfer','reference':'4711'}");
  cr_expect_str_eq(json_at(first, "status"), "succeeded");
  cr_expect_str_eq(json_at(first, "source"), "outside");
  cr_expect_str_eq(json_at(first, "paymentMethodType"), "bank_transfer");
  cr_expect_str_eq(json_at(first, "transactionId"), "4711");
  const json_t *partly = await_invoice(&tenant, invoice);
  cr_expect_str_eq(json_at(partly, "status"), "open");
  cr_expect_eq(json_number_at(partly, "amountDue"), 20.00);
  pay(&tenant, 200, invoice, "{'amount':25.5}");
  const json_t *paid = await_invoice(&tenant, invoice);
  cr_expect_str_eq(json_at(paid, "status"), "paid");
  cr_expect_eq(json_number_at(paid, "amountPaid"), 30.00);
  cr_expect_eq(json_number_at(paid, "amountDue"), 0);
  cr_expect_eq(sql_int(&tenant, "SELECT remaining_minor FROM credit_grants WHERE tenant_id = $1"), 550);
  const json_t *error = pay(&tenant, 409, invoice, "{'amount':1}");
  cr_expect_str_eq(json_at(error, "code"), "ILLEGAL_TRANSITION");
  cr_expect_eq(json_array_size(json_node_at(error, "details.allowed")), 0);
  WAIT_UNTIL(count_messages(&tenant, "invoice.paid") == 1, "invoice.paid");
  cr_expect_eq(count_messages(&tenant, "payment.succeeded"), 2);
  cr_expect_eq(count_messages(&tenant, "invoice.pay"), 3);
  /* what was too much pays the next */
  const json_t *next = await_invoice(&tenant, open_invoice(&tenant, customer, "7.00"));
  cr_expect_eq(json_number_at(next, "creditApplied"), 5.50);
  cr_expect_eq(json_number_at(next, "amountDue"), 1.50);
  expect_sound_books(&tenant);
}

Test(invoicing, bill_072_a_payment_that_is_none_is_refused_by_field) {
  struct tenant tenant = tenant_new();
  const char *invoice = open_invoice(&tenant, customer_new(&tenant, NULL), "30.00");
  static const struct refusal cases[] = {
      {400, "amount", "{'amount':0}"},      {400, "amount", "{'amount':'1.005'}"},
      {400, "amount", "{'amount':-1}"},     {400, "amount", "{'amount':'99999999999999'}"},
      {400, "amount", "{'method':'cash'}"}, {400, "paymentMethodId", "{'paymentMethodId':'x'}"},
  };
  const char *path = keep_text("/api/billing/invoices/%s/payment", invoice);
  expect_refusals(&tenant, path, cases, sizeof cases / sizeof *cases);
  cr_expect_str_eq(json_at(pay(&tenant, 404, invoice, keep_text("{'paymentMethodId':'%s'}", new_id())), "field"),
                   "paymentMethodId");
  expect_sound_books(&tenant);
}

Test(invoicing, an_invoice_is_collected_by_a_named_method) {
  struct tenant tenant = tenant_new();
  const char *customer = customer_new(&tenant, NULL);
  const char *plan = plan_new(&tenant, "30.00", "USD", "monthly");
  const char *s = json_at(api_post(&tenant, 201, "/api/billing/subscriptions",
                                   "{'customerId':'%s','planId':'%s','collection':'manual'}", customer, plan),
                          "id");
  const char *invoice = json_at(invoice_of_period(&tenant, s, 0), "id");
  payment_method_new(&tenant, customer, "pm_card_chargeDeclined");
  const char *other = json_at(api_post(&tenant, 201, "/api/payment-methods",
                                       "{'customerId':'%s','token':'pm_card_visa','setDefault':false}", customer),
                              "id");
  pay(&tenant, 200, invoice, keep_text("{'paymentMethodId':'%s'}", other));
  WAIT_UNTIL(sql_int(&tenant, "SELECT count(*) FROM invoices WHERE tenant_id = $1 AND status = 'paid'") == 1,
             "the payment");
  cr_expect_str_eq(sql_text(&tenant, "SELECT payment_method_id FROM payments WHERE tenant_id = $1"), other);
  expect_sound_books(&tenant);
}

/* -- account credit -- */

Test(invoicing, bill_040_granted_credit_is_used_oldest_first_and_expires) {
  struct tenant tenant = tenant_new();
  const char *customer = customer_new(&tenant, NULL);
  const char *path = keep_text("/api/billing/customers/%s/credits", customer);
  const json_t *first = api_post(&tenant, 201, path, "{'amount':'5.00','currency':'USD','reason':'Sorry'}");
  const json_t *second =
      api_post(&tenant, 201, path, "{'amount':'9.00','currency':'USD','expiresAt':'2099-01-01T00:00:00Z'}");
  static const struct refusal cases[] = {
      {400, "amount", "{'amount':0,'currency':'USD'}"},
      {400, "amount", "{'amount':'0.001','currency':'USD'}"},
      {400, "currency", "{'amount':1,'currency':'XXA'}"},
      {400, "expiresAt", "{'amount':1,'currency':'USD','expiresAt':'2001-01-01T00:00:00Z'}"},
  };
  expect_refusals(&tenant, path, cases, sizeof cases / sizeof *cases);
  const json_t *invoice = await_invoice(&tenant, open_invoice(&tenant, customer, "8.00"));
  cr_expect_eq(json_number_at(invoice, "creditApplied"), 8.00);
  cr_expect_str_eq(json_at(invoice, "status"), "paid");
  cr_expect_eq(
      sql_int(&tenant, keep_text("SELECT remaining_minor FROM credit_grants WHERE tenant_id = $1 AND id = '%s'",
                                 json_at(first, "id"))),
      0);
  cr_expect_eq(
      sql_int(&tenant, keep_text("SELECT remaining_minor FROM credit_grants WHERE tenant_id = $1 AND id = '%s'",
                                 json_at(second, "id"))),
      600);
  const json_t *balance = api_get(&tenant, 200, "/api/customers/%s/balance", customer);
  cr_expect_eq(json_number_at(balance, "0.credit"), 6.00);
  cr_expect_eq(json_number_at(balance, "0.due"), 0);
  sql_do(&tenant, "UPDATE credit_grants SET expires_at = now() WHERE tenant_id = $1 AND expires_at IS NOT NULL");
  WAIT_UNTIL(count_messages(&tenant, "credit.expired") == 1, "credit.expired");
  cr_expect_eq(json_array_size(api_get(&tenant, 200, "/api/customers/%s/balance", customer)), 0);
  cr_expect_eq(json_array_size(api_get(&tenant, 200, "%s", path)), 2);
  cr_expect_eq(count_messages(&tenant, "credit.granted"), 2);
  cr_expect_geq(count_messages(&tenant, "credit.grant"), 2);
  cr_expect_geq(json_array_size(api_get(&tenant, 200, "/api/customers/%s/ledger", customer)), 8);
  expect_sound_books(&tenant);
}

/* -- invoices by hand (BILL-070) -- */

static const json_t *act(const struct tenant *tenant, int status, const char *invoice, const char *verb) {
  return api_post(tenant, status, keep_text("/api/billing/invoices/%s/%s", invoice, verb), "{}");
}

Test(invoicing, bill_070_an_invoice_is_written_by_hand_finalised_and_voided) {
  struct tenant tenant = tenant_new();
  api_post(&tenant, 201, "/api/billing/tax-rates", "{'name':'Tax','code':'a','percentage':'19','taxCode':'work'}");
  const char *customer = customer_new(&tenant, "'netTermsDays':14");
  api_post(&tenant, 201, keep_text("/api/billing/customers/%s/credits", customer), "{'amount':1,'currency':'USD'}");
  const json_t *draft =
      api_post(&tenant, 201, "/api/billing/invoices",
               "{'customerId':'%s','items':[{'description':'Work','quantity':'1.5','unitPrice':'33.333',"
               "'taxCode':'work'},{'description':'Goodwill','unitPrice':'-10.00'}],'notes':'Thanks'}",
               customer);
  const char *invoice = json_at(draft, "id");
  cr_expect_str_eq(json_at(draft, "status"), "draft");
  cr_expect_eq(json_number_at(draft, "items.0.amount"), 50.00);
  cr_expect_eq(json_number_at(draft, "totalAmount"), 49.50);
  cr_expect_eq(json_number_at(draft, "creditApplied"), 0);
  cr_expect_str_eq(json_at(act(&tenant, 409, invoice, "void"), "details.allowed.0"), "finalize");
  cr_expect_str_eq(json_at(act(&tenant, 409, invoice, "send"), "code"), "ILLEGAL_TRANSITION");
  cr_expect_str_eq(json_at(pay(&tenant, 409, invoice, "{'amount':1}"), "code"), "ILLEGAL_TRANSITION");
  const char *items = keep_text("/api/billing/invoices/%s/items", invoice);
  cr_expect_eq(json_number_at(api_post(&tenant, 201, items, "{'description':'More','quantity':2,'unitPrice':'5'}"),
                              "totalAmount"),
               59.50);
  static const struct refusal cases[] = {
      {400, "quantity", "{'description':'A','quantity':0,'unitPrice':1}"},
      {400, "unitPrice", "{'description':'A','unitPrice':'1.0000000000001'}"},
      {400, "unitPrice", "{'description':'A','quantity':1000000,'unitPrice':'999999999999'}"},
      {400, "description", "{'unitPrice':1}"},
  };
  expect_refusals(&tenant, items, cases, sizeof cases / sizeof *cases);
  const json_t *open = act(&tenant, 200, invoice, "finalize");
  cr_expect_str_eq(json_at(open, "status"), "open");
  cr_expect_str_eq(json_at(open, "invoiceNumber"), "INV-000001");
  cr_expect_str_eq(json_at(open, "items.0.id"), json_at(draft, "items.0.id"));
  cr_expect_eq(json_number_at(open, "creditApplied"), 1.00);
  cr_expect_eq(json_number_at(open, "amountDue"), 58.50);
  cr_expect_str_eq(json_at(open, "dueDate"),
                   sql_text(&tenant, "SELECT issue_date + 14 FROM invoices WHERE tenant_id = $1"));
  api_post(&tenant, 409, items, "{'description':'Late','unitPrice':1}");
  act(&tenant, 409, invoice, "finalize");
  act(&tenant, 200, invoice, "send");
  WAIT_UNTIL(sql_int(&tenant, "SELECT count(*) FROM notifications WHERE tenant_id = $1 AND template = 'invoice'") == 2,
             "a second mail");
  cr_expect_str_eq(json_at(act(&tenant, 200, invoice, "void"), "status"), "void");
  act(&tenant, 409, invoice, "void");
  cr_expect_eq(sql_int(&tenant, "SELECT sum(remaining_minor) FROM credit_grants WHERE tenant_id = $1"), 100);
  static const char *const said[] = {"invoice.draft",     "invoice.add_item", "invoice.finalise",
                                     "invoice.void",      "invoice.send",     "invoice.drafted",
                                     "invoice.finalised", "invoice.voided",   "invoice.sent"};
  for (size_t i = 0; i < sizeof said / sizeof *said; i++)
    WAIT_UNTIL(count_messages(&tenant, said[i]) > 0, "%s", said[i]);
  expect_sound_books(&tenant);
}

static struct answer delete_draft(const struct tenant *tenant, const char *invoice, const char *version) {
  const char *const headers[] = {version ? keep_text("If-Match: \"%s\"", version) : NULL, NULL};
  return http_request("DELETE", keep_text("/api/billing/invoices/%s", invoice), tenant->token, NULL, headers);
}

static void expect_not_deleted(const struct tenant *tenant, const char *invoice, const char *allowed) {
  struct answer answer = delete_draft(tenant, invoice, NULL);
  cr_expect_eq(answer.status, 409, "%s", answer.text);
  cr_expect_str_eq(json_at(answer.json, "error.details.allowed.0"), allowed, "%s", answer.text);
  api_get(tenant, 200, "/api/billing/invoices/%s", invoice);
}

Test(invoicing, bill_070_a_draft_by_hand_can_be_deleted) {
  struct tenant tenant = tenant_new();
  const char *customer = customer_new(&tenant, NULL);
  api_post(&tenant, 201, keep_text("/api/billing/customers/%s/credits", customer), "{'amount':5,'currency':'USD'}");
  const char *body = keep_text("{'customerId':'%s','items':[{'description':'A','unitPrice':20}]}", customer);
  const char *wrong = id_of(api_post(&tenant, 201, "/api/billing/invoices", "%s", body));
  cr_expect_eq(delete_draft(&tenant, wrong, "7").status, 412);
  cr_expect_eq(delete_draft(&tenant, wrong, "1").status, 204);
  cr_expect_eq(delete_draft(&tenant, wrong, NULL).status, 404);
  api_get(&tenant, 404, "/api/billing/invoices/%s", wrong);
  act(&tenant, 404, wrong, "finalize");
  const char *empty =
      id_of(api_post(&tenant, 201, "/api/billing/invoices", "{'customerId':'%s','items':[]}", customer));
  cr_expect_eq(delete_draft(&tenant, empty, NULL).status, 204);
  cr_expect_eq(sql_int(&tenant, "SELECT count(*) FROM invoice_items WHERE tenant_id = $1"), 0);
  cr_expect_eq(sql_int(&tenant, "SELECT sum(remaining_minor) FROM credit_grants WHERE tenant_id = $1"), 500);
  WAIT_UNTIL(count_messages(&tenant, "invoice.deleted") == 2, "invoice.deleted");
  cr_expect_eq(count_messages(&tenant, "invoice.delete"), 4, "each that was asked for");
  const char *right = id_of(api_post(&tenant, 201, "/api/billing/invoices", "%s", body));
  const json_t *open = act(&tenant, 200, right, "finalize");
  cr_expect_str_eq(json_at(open, "invoiceNumber"), "INV-000001", "no number was used");
  cr_expect_eq(json_number_at(open, "creditApplied"), 5);
  expect_not_deleted(&tenant, right, "payment");
  act(&tenant, 200, right, "void");
  cr_expect_eq(delete_draft(&tenant, right, NULL).status, 409);
  expect_sound_books(&tenant);
}

/* BILL-060: what a run charged is charged once; without its draft it never would be. */
Test(invoicing, bill_060_a_draft_of_billing_cannot_be_deleted) {
  struct tenant tenant = tenant_new();
  sql_do(&tenant, "UPDATE tenants SET draft_hours = 24 WHERE id = $1");
  subscription_new(&tenant, customer_new(&tenant, NULL), plan_new(&tenant, "9.00", "USD", "monthly"), days_ago(0));
  const char *draft = json_at(the_invoice(&tenant), "id");
  expect_not_deleted(&tenant, draft, "finalize");
  api_post(&tenant, 201, keep_text("/api/billing/invoices/%s/items", draft), "{'description':'B','unitPrice':1}");
  expect_not_deleted(&tenant, draft, "finalize");
  expect_sound_books(&tenant);
}

Test(invoicing, bill_070_what_is_given_up_can_still_be_paid) {
  struct tenant tenant = tenant_new();
  const char *invoice = open_invoice(&tenant, customer_new(&tenant, NULL), "30.00");
  cr_expect_str_eq(json_at(act(&tenant, 200, invoice, "uncollectible"), "status"), "uncollectible");
  cr_expect_eq(sql_int(&tenant, "SELECT sum(amount_minor) FROM ledger_entries WHERE tenant_id = $1 AND account = "
                                "'bad_debt'"),
               3000);
  pay(&tenant, 200, invoice, "{'amount':10}");
  cr_expect_str_eq(json_at(await_invoice(&tenant, invoice), "status"), "uncollectible");
  pay(&tenant, 200, invoice, "{'amount':20}");
  cr_expect_str_eq(json_at(await_invoice(&tenant, invoice), "status"), "paid");
  cr_expect_eq(sql_int(&tenant, "SELECT sum(amount_minor) FROM ledger_entries WHERE tenant_id = $1 AND account = "
                                "'bad_debt'"),
               0);
  WAIT_UNTIL(count_messages(&tenant, "invoice.uncollectible") == 1, "invoice.uncollectible");
  cr_expect_eq(count_messages(&tenant, "invoice.write_off"), 1);
  expect_sound_books(&tenant);
}

/* -- credit notes (BILL-043) -- */

static const json_t *note(const struct tenant *tenant, int status, const char *invoice, const char *more) {
  return api_post(tenant, status, "/api/billing/credit-notes", "{'invoiceId':'%s'%s}", invoice, more);
}

static const char *invoice_by_hand(const struct tenant *tenant, const char *customer, const char *items) {
  const char *invoice = json_at(
      api_post(tenant, 201, "/api/billing/invoices", "{'customerId':'%s','items':[%s]}", customer, items), "id");
  act(tenant, 200, invoice, "finalize");
  return invoice;
}

Test(invoicing, bill_043_notes_give_back_the_invoice_and_no_cent_more) {
  struct tenant tenant = tenant_new();
  api_post(&tenant, 201, "/api/billing/tax-rates", "{'name':'Tax','code':'a','percentage':'19'}");
  const char *customer = customer_new(&tenant, NULL);
  const char *invoice = invoice_by_hand(
      &tenant, customer, "{'description':'A','unitPrice':'10.00'},{'description':'B','unitPrice':'3.33'}");
  const char *line = json_at(await_invoice(&tenant, invoice), "items.0.id");
  static const struct refusal cases[] = {
      {400, "amount", "'amount':0"},
      {400, "amount", "'amount':'13.34'"},
      {404, "items[0].itemId", "'items':[{'itemId':'01980c5e-7a12-7a33-b2c3-d4e5f6071804','amount':1}]"},
      {400, "amount", "'amount':1,'items':[{'itemId':'01980c5e-7a12-7a33-b2c3-d4e5f6071804','amount':1}]"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
    cr_expect_str_eq(json_at(note(&tenant, cases[i].status, invoice, keep_text(",%s", cases[i].body)), "field"),
                     cases[i].field, "%s", cases[i].body);
  /* 10.00 + 3.33 + 2.53 = 15.86 are due: a note takes from that first */
  const json_t *by_line = note(&tenant, 201, invoice, keep_text(",'items':[{'itemId':'%s','amount':'3.33'}]", line));
  cr_expect_eq(json_number_at(by_line, "taxAmount"), 0.63);
  cr_expect_eq(json_number_at(by_line, "amountApplied"), 3.96);
  cr_expect_eq(json_number_at(await_invoice(&tenant, invoice), "amountDue"), 11.90);
  pay(&tenant, 200, invoice, "{'amount':'11.90'}");
  const json_t *by_amount = note(&tenant, 201, invoice, ",'amount':'2.00','reason':'Late'");
  cr_expect_eq(json_number_at(by_amount, "amountCredited"), json_number_at(by_amount, "totalAmount"));
  const json_t *whole = note(&tenant, 201, invoice, ",'disposition':'refund'");
  cr_expect_eq(json_number_at(whole, "amountRefundable"), json_number_at(whole, "totalAmount"));
  cr_expect_eq(json_number_at(await_invoice(&tenant, invoice), "amountCredited"), 15.86);
  note(&tenant, 409, invoice, "");
  const json_t *balance = api_get(&tenant, 200, "/api/customers/%s/balance", customer);
  cr_expect_eq(json_number_at(balance, "0.credit") + json_number_at(balance, "0.refundable"), 11.90);
  cr_expect_eq(json_array_size(api_get(&tenant, 200, "/api/billing/credit-notes?invoiceId=%s", invoice)), 3);
  cr_expect_str_eq(json_at(by_line, "creditNoteNumber"), "CN-000001");
  WAIT_UNTIL(count_messages(&tenant, "credit-note.created") == 3, "credit-note.created");
  cr_expect_geq(count_messages(&tenant, "credit-note.issue"), 3);
  expect_sound_books(&tenant);
}

/* Billing asks for so much of the usage of period 1, and for what was never invoiced; twice. */
static void ask_for_note(const struct tenant *tenant, const char *customer, const char *subscription,
                         const char *amount) {
  const char *id = new_id();
  const char *body =
      quotes(keep_text("{'creditNoteId':'%s','customerId':'%s','subscriptionId':'%s','currency':'USD',"
                       "'lines':[{'item':0,'component':'base','periodIndex':1,'kind':'usage','revision':0,"
                       "'amount':'%s'},{'item':0,'component':'none','periodIndex':1,'kind':'usage',"
                       "'revision':0,'amount':'1.00'}]}",
                       id, customer, subscription, amount));
  for (int i = 0; i < 2; i++) {
    const char *const headers[] = {"ce_dataschema",
                                   "/schemas/commands/credit-note.create.json",
                                   "ce_specversion",
                                   "1.0",
                                   "ce_id",
                                   new_id(),
                                   "ce_type",
                                   "credit-note.create",
                                   "ce_source",
                                   "/tests",
                                   "ce_subject",
                                   id,
                                   "ce_time",
                                   "2026-11-21T00:00:00Z",
                                   "ce_tenantid",
                                   tenant->id,
                                   NULL};
    kafka_produce("cloudbill.invoice.commands", customer, body, strlen(body), headers);
  }
}

Test(invoicing, bill_053_unused_time_is_credited_with_its_share_of_discount_and_tax) {
  struct tenant tenant = tenant_new();
  api_post(&tenant, 201, "/api/billing/tax-rates", "{'name':'Tax','code':'a','percentage':'10'}");
  const char *customer = customer_new(&tenant, NULL);
  const char *s = subscription_new(&tenant, customer, plan_new(&tenant, "1.00", "USD", "monthly"), days_ago(0));
  redeem_later(&tenant, s, coupon_new(&tenant, "'percentOff':50,'duration':'forever'"), 1, "NULL");
  const char *invoice = ask_for_invoice(&tenant, customer, line_of(s, "base", "usage", 0, "30.00", ""));
  ask_for_note(&tenant, customer, s, "10.00"); /* once, however often it comes */
  WAIT_UNTIL(count_messages(&tenant, "credit-note.created") == 1, "credit-note.created");
  cr_expect_eq(json_number_at(messages_of(&tenant, "credit-note.created"), "0.totalAmount"), 5.50);
  cr_expect_eq(json_number_at(await_invoice(&tenant, invoice), "amountDue"), 11.00);
  cr_expect_eq(count_messages(&tenant, "credit-note.create"), 2);
  expect_sound_books(&tenant);
}

/* 10.00 are all that the invoice has, and 1.00 the older one: 19.00 of what is unused are given back nowhere. */
Test(invoicing, bill_043_what_no_invoice_has_room_for_is_counted) {
  struct tenant tenant = tenant_new();
  const char *customer = customer_new(&tenant, NULL);
  const char *s = subscription_new(&tenant, customer, plan_new(&tenant, "1.00", "USD", "monthly"), days_ago(0));
  const char *lines =
      keep_text("%s,%s", line_of(s, "base", "usage", 0, "30.00", ""), line_of(s, "less", "discount", 0, "-20.00", ""));
  (void)await_invoice(&tenant, ask_for_invoice(&tenant, customer, lines));
  ask_for_note(&tenant, customer, s, "30.00");
  WAIT_UNTIL(count_messages(&tenant, "credit-note.created") == 2, "credit-note.created");
  cr_expect_eq(sql_int(&tenant, "SELECT sum(total_minor) FROM credit_notes WHERE tenant_id = $1"), 1100);
  const char *url = keep_text("http://%s/metrics", setting("INVOICING_INTERNAL_ADDRESS"));
  WAIT_UNTIL(strstr(http_request("GET", url, NULL, NULL, NULL).text, "cloudbill_credits_unplaced_total"), "the metric");
  expect_sound_books(&tenant);
}
