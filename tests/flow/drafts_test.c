/* In which order drafts are finalised (BILL-071): what an invoice takes back of another must be known before, its
 * discount and its tax (BILL-022). */
#include "flow.h"

TestSuite(drafts, .timeout = 180);

enum { CUSTOMERS = 8 };

/* Customers on one clock, each with 30 days at 30.00 with a coupon of half, changed on the same day to twice, three and
 * four times that: each a draft for a day, all made at one instant. */
struct shop {
  struct tenant tenant;
  const char *clock, *subscriptions[CUSTOMERS], *customers[CUSTOMERS];
};

static struct shop shop_new(int changes) {
  struct shop shop = {.tenant = tenant_new_test()};
  const struct tenant *tenant = &shop.tenant;
  sql_do(tenant, "UPDATE tenants SET draft_hours = 24 WHERE id = $1");
  shop.clock = test_clock_new(tenant, "2030-09-01T00:00:00Z");
  api_post(tenant, 201, "/api/billing/coupons", "{'code':'HALF','percentOff':'50','duration':'forever'}");
  const char *plan = plan_of_days(tenant, 30, "30.00");
  for (int n = 0; n < CUSTOMERS; n++) {
    shop.customers[n] = customer_new(tenant, "'testClockId':'%s'", shop.clock);
    shop.subscriptions[n] = subscription_with(tenant, shop.customers[n], plan, "'coupons':['HALF']");
    for (int quantity = 2; quantity < 2 + changes; quantity++)
      api_post(tenant, 200, keep_text("/api/billing/subscriptions/%s/change-plan", shop.subscriptions[n]),
               "{'quantity':%d,'when':'now'}", quantity);
  }
  WAIT_UNTIL(sql_int(tenant, "SELECT count(*) FROM invoices WHERE tenant_id = $1 AND status = 'draft'") ==
                 (int64_t)CUSTOMERS * (1 + changes),
             "all drafts");
  return shop;
}

/* Minor units of a customer's finalised invoices, in the order of their numbers. */
static const char *totals_of(const struct shop *shop, int customer) {
  return sql_text(&shop->tenant, keep_text("SELECT string_agg(total_minor::text, ' ' ORDER BY number) FROM invoices "
                                           "WHERE tenant_id = $1 AND customer_id = '%s' AND number IS NOT NULL",
                                           shop->customers[customer]));
}

Test(drafts, bill_071_those_of_one_instant_come_in_the_order_in_which_they_need_each_other) {
  struct shop shop = shop_new(3);
  test_clock_advance(&shop.tenant, shop.clock, "2030-09-03T00:00:00Z");
  for (int n = 0; n < CUSTOMERS; n++) cr_expect_str_eq(totals_of(&shop, n), "1500 1500 1500 1500");
  expect_sound_books(&shop.tenant);
}

Test(drafts, bill_071_finalising_one_by_hand_finalises_what_it_needs) {
  struct shop shop = shop_new(2);
  for (int n = 0; n < CUSTOMERS; n++) {
    /* the one in the middle needs the first, and the last needs both */
    const char *draft = sql_text(
        &shop.tenant, keep_text("SELECT invoice_id FROM invoice_items WHERE tenant_id = $1 AND subscription_id "
                                "= '%s' AND kind <> 'credit' ORDER BY revision DESC OFFSET %d LIMIT 1",
                                shop.subscriptions[n], n % 2));
    const json_t *open = api_post(&shop.tenant, 200, keep_text("/api/billing/invoices/%s/finalize", draft), "{}");
    cr_expect_eq(json_number_at(open, "totalAmount"), 15);
    cr_expect_str_eq(totals_of(&shop, n), n % 2 ? "1500 1500" : "1500 1500 1500");
  }
  test_clock_advance(&shop.tenant, shop.clock, "2030-09-03T00:00:00Z");
  for (int n = 0; n < CUSTOMERS; n++) cr_expect_str_eq(totals_of(&shop, n), "1500 1500 1500");
  expect_sound_books(&shop.tenant);
}

/* Nothing takes back what may still become something else. */
Test(drafts, bill_071_what_is_no_draft_finalises_those_that_it_takes_back) {
  struct shop shop = shop_new(1);
  sql_do(&shop.tenant, "UPDATE tenants SET draft_hours = 0 WHERE id = $1");
  for (int n = 0; n < CUSTOMERS; n++)
    api_post(&shop.tenant, 200, keep_text("/api/billing/subscriptions/%s/change-plan", shop.subscriptions[n]),
             "{'quantity':3,'when':'now'}");
  WAIT_UNTIL(sql_int(&shop.tenant, "SELECT count(*) FROM invoices WHERE tenant_id = $1 AND number IS NOT NULL") >=
                 (int64_t)CUSTOMERS * 3,
             "all invoices");
  for (int n = 0; n < CUSTOMERS; n++) cr_expect_str_eq(totals_of(&shop, n), "1500 1500 1500");
  expect_sound_books(&shop.tenant);
}

/* BILL-043: notes are on what has a number; so these are finalised first, as they were made. What the preview told
 * comes. */
Test(drafts, bill_071_a_cancellation_finalises_what_it_gives_back) {
  struct shop shop = shop_new(2);
  test_clock_advance(&shop.tenant, shop.clock, "2030-09-01T12:00:00Z");
  for (int n = 0; n < CUSTOMERS; n++) {
    const char *path = keep_text("/api/billing/subscriptions/%s", shop.subscriptions[n]);
    const json_t *preview =
        api_post(&shop.tenant, 200, keep_text("%s/preview", path), "{'immediately':true,'prorate':true}");
    api_post(&shop.tenant, 200, keep_text("%s/cancel", path), "{'immediately':true,'prorate':true}");
    const char *notes =
        keep_text("SELECT count(*) FROM credit_notes WHERE tenant_id = $1 AND customer_id = '%s'", shop.customers[n]);
    const json_t *told = json_node_at(preview, "creditNotes");
    WAIT_UNTIL(sql_int(&shop.tenant, notes) == (int64_t)json_array_size(told), "the credit notes");
    cr_expect_str_eq(totals_of(&shop, n), "1500 1500 1500");
    double minor = 0;
    for (size_t i = 0; i < json_array_size(told); i++)
      minor += 100 * json_number_at(json_array_get(told, i), "totalAmount");
    cr_expect_eq(sql_int(&shop.tenant, keep_text("SELECT sum(total_minor) FROM credit_notes WHERE tenant_id = $1 AND "
                                                 "customer_id = '%s'",
                                                 shop.customers[n])),
                 (int64_t)(minor + 0.5));
    cr_expect_eq((int64_t)(minor + 0.5), 4500);
  }
  expect_sound_books(&shop.tenant);
}

/* A preview at the instant at which the drafts were made: its own comes after them. */
Test(drafts, bill_071_a_preview_comes_after_the_drafts_of_its_instant) {
  struct shop shop = shop_new(1);
  for (int n = 0; n < CUSTOMERS; n++) {
    const json_t *preview =
        api_post(&shop.tenant, 200, keep_text("/api/billing/subscriptions/%s/preview", shop.subscriptions[n]),
                 "{'quantity':4,'when':'now'}");
    cr_expect_eq(json_number_at(preview, "invoices.0.totalAmount"), 30);
  }
}

/* A fixed coupon gives its amount once a period: a draft shows none of it when one before it will have taken it, also
 * when no more drafts are made by then. */
Test(drafts, bill_071_that_is_changed_leaves_the_coupon_to_those_before_it) {
  static const char discounts[] =
      "SELECT string_agg(discount_minor::text, ' ' ORDER BY created_at) FROM invoices WHERE tenant_id = $1";
  struct tenant tenant = tenant_new_test();
  sql_do(&tenant, "UPDATE tenants SET draft_hours = 24 WHERE id = $1");
  const char *clock = test_clock_new(&tenant, "2030-09-01T00:00:00Z");
  api_post(&tenant, 201, "/api/billing/coupons",
           "{'code':'FIVE','amountOff':'5.00','currency':'USD','duration':'forever'}");
  const char *plan = plan_new(&tenant, "30.00", "USD", "monthly"),
             *add_on = plan_new(&tenant, "10.00", "USD", "monthly");
  const char *id = json_at(api_post(&tenant, 201, "/api/billing/subscriptions",
                                    "{'customerId':'%s','planId':'%s','coupons':['FIVE']}",
                                    customer_new(&tenant, "'testClockId':'%s'", clock), plan),
                           "id");
  test_clock_advance(&tenant, clock, "2030-09-01T12:00:00Z");
  api_post(&tenant, 200, keep_text("/api/billing/subscriptions/%s/change-plan", id),
           "{'items':[{'planId':'%s'}],'when':'now','billing':'now'}", add_on);
  WAIT_UNTIL(sql_int(&tenant, "SELECT count(*) FROM invoices WHERE tenant_id = $1") == 2, "the second draft");
  cr_expect_str_eq(sql_text(&tenant, discounts), "500 0");
  sql_do(&tenant, "UPDATE tenants SET draft_hours = 0 WHERE id = $1");
  const char *second =
      sql_text(&tenant, "SELECT id FROM invoices WHERE tenant_id = $1 ORDER BY created_at DESC LIMIT 1");
  api_post(&tenant, 201, keep_text("/api/billing/invoices/%s/items", second),
           "{'description':'Work','unitPrice':'1.00'}");
  cr_expect_str_eq(sql_text(&tenant, discounts), "500 0");
  test_clock_advance(&tenant, clock, "2030-09-03T00:00:00Z");
  cr_expect_str_eq(sql_text(&tenant, discounts), "500 0");
  expect_sound_books(&tenant);
}

static const char *amount_of_first(const char *subscription, const char *more_minor) {
  return keep_text("UPDATE invoice_items SET amount_minor = amount_minor %s WHERE tenant_id = $1 AND subscription_id = "
                   "'%s' AND revision = 0",
                   more_minor, subscription);
}

static const char *currency_of_change(const char *subscription, const char *code) {
  return keep_text("UPDATE invoices SET currency = '%s' WHERE tenant_id = $1 AND id = (SELECT invoice_id FROM "
                   "invoice_items WHERE tenant_id = $1 AND subscription_id = '%s' AND kind = 'credit')",
                   code, subscription);
}

static int64_t drafts_of(const struct shop *shop, const char *where) {
  return sql_int(&shop->tenant,
                 keep_text("SELECT count(*) FROM invoices WHERE tenant_id = $1 AND status = 'draft' AND %s", where));
}

/* One has an amount that cannot be taxed, and another takes something back of it; one has a currency that is none. */
Test(drafts, bill_071_that_cannot_be_finalised_are_set_aside_and_stop_nobody) {
  struct shop shop = shop_new(1);
  const char *large = shop.subscriptions[0], *strange = shop.subscriptions[1];
  sql_do(&shop.tenant, amount_of_first(large, "+ 10000000000000000"));
  sql_do(&shop.tenant, currency_of_change(strange, "ZZZ"));
  test_clock_advance(&shop.tenant, shop.clock, "2030-09-03T00:00:00Z");
  cr_expect_eq(drafts_of(&shop, "true"), 3);
  cr_expect_eq(drafts_of(&shop, "failures BETWEEN 5 AND 12 AND retry_at > '2030-09-03'"), 3);
  cr_expect_str_eq(totals_of(&shop, 1), "1500");
  for (int n = 2; n < CUSTOMERS; n++) cr_expect_str_eq(totals_of(&shop, n), "1500 1500");
  const json_t *shown =
      api_get(&shop.tenant, 200, "/api/billing/invoices/%s",
              sql_text(&shop.tenant, keep_text("SELECT invoice_id FROM invoice_items WHERE tenant_id = $1 AND "
                                               "subscription_id = '%s' AND revision = 0",
                                               large)));
  cr_expect_str_eq(json_at(shown, "finalisationError.code"), "VALIDATION_ERROR");

  sql_do(&shop.tenant, amount_of_first(large, "- 10000000000000000"));
  sql_do(&shop.tenant, currency_of_change(strange, "USD"));
  test_clock_advance(&shop.tenant, shop.clock, "2030-09-06T00:00:00Z");
  for (int n = 0; n < CUSTOMERS; n++) cr_expect_str_eq(totals_of(&shop, n), "1500 1500");
  shown = api_get(&shop.tenant, 200, "/api/billing/invoices/%s", json_at(shown, "id"));
  cr_expect(json_is_null(json_node_at(shown, "finalisationError")));
  expect_sound_books(&shop.tenant);
}

/* As an item that is added writes it: the row that a payment waits for goes, and another takes its place. */
Test(drafts, bill_070_one_that_is_being_replaced_is_there) {
  struct tenant tenant = tenant_new();
  const char *draft = json_at(api_post(&tenant, 201, "/api/billing/invoices",
                                       "{'customerId':'%s','items':[{'description':'Work','unitPrice':'5.00'}]}",
                                       customer_new(&tenant, NULL)),
                              "id");
  struct pg_conn *holder = hold(
      keep_text("SET LOCAL session_replication_role = replica;"
                "WITH draft AS (DELETE FROM invoices WHERE id = '%s' RETURNING *) INSERT INTO invoices "
                "(tenant_id, id, customer_id, status, currency, subtotal_minor, total_minor, collection, issue_date, "
                "due_date, created_at, updated_at, version) SELECT tenant_id, id, customer_id, status, currency, "
                "subtotal_minor, total_minor, collection, issue_date, due_date, created_at, updated_at, version + 1 "
                "FROM draft",
                draft));
  const char *payment = command_new(&tenant, keep_text("/api/billing/invoices/%s/payment", draft), "{'amount':1}");
  WAIT_UNTIL(waiting_for(holder) == 1, "the payment to come to the draft");
  let_go(holder);
  WAIT_UNTIL(command_is(&tenant, payment, "failed"), "the answer");
  cr_expect_str_eq(json_at(api_get(&tenant, 200, "/api/operations/%s", payment), "error.code"), "ILLEGAL_TRANSITION");
}
