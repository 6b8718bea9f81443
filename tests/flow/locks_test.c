/* The order of locks (ARCHITECTURE.md): who waits for one has taken none that comes after it. The test holds the one
 * that comes first, and looks, while a worker waits for it, whether the other is free. */
#include <libpq-fe.h>

#include "flow.h"

TestSuite(locks, .timeout = 180);

/* Rows are told by FROM and WHERE. */
static struct pg_conn *hold_rows(const char *rows) {
  return hold(keep_text("SELECT %s FOR UPDATE", rows));
}

static void expect_free(const char *rows, const char *when) {
  cr_expect_str_eq(sql_state(NULL, "postgres", keep_text("SELECT %s FOR UPDATE NOWAIT", rows)), "00000",
                   "%s: somebody holds %s", when, rows);
}

/* A batch has its rows of consumer_offsets; a task has none. */
static bool stops_a_batch(struct pg_conn *holder) {
  return sql_int(NULL, keep_text("SELECT count(*) FROM pg_locks WHERE relation = 'consumer_offsets'::regclass AND "
                                 "granted AND %d = ANY (pg_blocking_pids(pid))",
                                 PQbackendPID(holder))) > 0;
}

/* While the command waits for the holder, nobody has the later ones. body: NULL for DELETE. */
static void expect_later(const struct tenant *tenant, struct pg_conn *holder, const char *later, const char *path,
                         const char *body) {
  const char *command = command_new(tenant, path, body);
  WAIT_UNTIL(stops_a_batch(holder), "%s to come to its lock", path);
  expect_free(later, path);
  let_go(holder);
  WAIT_UNTIL(command_is(tenant, command, "succeeded"), "the answer to %s", path);
}

static void expect_order(const struct tenant *tenant, const char *first, const char *later, const char *path,
                         const char *body) {
  expect_later(tenant, hold_rows(first), later, path, body);
}

static const char *rows_of(const char *table, const char *column, const char *id) {
  return keep_text("FROM %s WHERE %s = '%s'", table, column, id);
}

static const char *draft_of(const struct tenant *tenant, const char *customer, const char *price) {
  return json_at(api_post(tenant, 201, "/api/billing/invoices",
                          "{'customerId':'%s','items':[{'description':'A','unitPrice':'%s'}]}", customer, price),
                 "id");
}

static const char *grant_of(const struct tenant *tenant, const char *customer, int amount) {
  return json_at(api_post(tenant, 201, keep_text("/api/billing/customers/%s/credits", customer),
                          "{'amount':%d,'currency':'USD'}", amount),
                 "id");
}

Test(locks, a_customer_s_billing_comes_before_coupons) {
  struct tenant tenant = tenant_new();
  const char *customer = customer_new(&tenant, NULL), *plan = plan_of_days(&tenant, 30, "30.00");
  api_post(&tenant, 201, "/api/billing/coupons", "{'code':'HALF','percentOff':'50','duration':'forever'}");
  subscription_new(&tenant, customer, plan, days_ago(0));
  expect_order(&tenant, rows_of("customer_billing", "customer_id", customer),
               rows_of("coupons", "tenant_id", tenant.id), "/api/billing/subscriptions",
               keep_text("{'customerId':'%s','planId':'%s','coupons':['HALF']}", customer, plan));
  expect_sound_books(&tenant);
}

/* There is no row yet: another first subscription is about to make it. */
Test(locks, a_customer_s_billing_comes_first_for_a_first_subscription_too) {
  struct tenant tenant = tenant_new();
  const char *customer = customer_new(&tenant, NULL), *plan = plan_of_days(&tenant, 30, "30.00");
  api_post(&tenant, 201, "/api/billing/coupons", "{'code':'HALF','percentOff':'50','duration':'forever'}");
  struct pg_conn *holder =
      hold(keep_text("INSERT INTO customer_billing (tenant_id, customer_id) VALUES ('%s', '%s')", tenant.id, customer));
  expect_later(&tenant, holder, rows_of("coupons", "tenant_id", tenant.id), "/api/billing/subscriptions",
               keep_text("{'customerId':'%s','planId':'%s','coupons':['HALF']}", customer, plan));
  expect_sound_books(&tenant);
}

/* What is refused writes nothing and waits for nobody: a first subscription with a wrong coupon makes no row. */
Test(locks, a_wrong_coupon_is_refused_before_the_customer_s_billing_is_looked_at) {
  struct tenant tenant = tenant_new();
  const char *customer = customer_new(&tenant, NULL), *plan = plan_of_days(&tenant, 30, "30.00");
  struct pg_conn *holder =
      hold(keep_text("INSERT INTO customer_billing (tenant_id, customer_id) VALUES ('%s', '%s')", tenant.id, customer));
  api_post(&tenant, 404, "/api/billing/subscriptions", "{'customerId':'%s','planId':'%s','coupons':['NONE']}", customer,
           plan);
  let_go(holder);
}

Test(locks, a_customer_s_billing_comes_before_its_subscriptions) {
  struct tenant tenant = tenant_new_test();
  const char *clock = test_clock_new(&tenant, "2030-09-01T00:00:00Z");
  const char *customer = customer_new(&tenant, "'testClockId':'%s'", clock);
  const char *subscription = subscription_with(&tenant, customer, plan_of_days(&tenant, 30, "30.00"), NULL);
  expect_order(&tenant, rows_of("customer_billing", "customer_id", customer),
               rows_of("subscriptions", "id", subscription), keep_text("/api/test-clocks/%s", clock), NULL);
}

Test(locks, a_payment_comes_before_its_invoice) {
  struct tenant tenant = tenant_new();
  const char *customer = customer_new(&tenant, NULL);
  subscription_new(&tenant, customer, plan_of_days(&tenant, 30, "30.00"), days_ago(0));
  WAIT_UNTIL(sql_int(&tenant, "SELECT count(*) FROM payments WHERE tenant_id = $1") == 1, "a payment that waits");
  const char *invoice = sql_text(&tenant, "SELECT id FROM invoices WHERE tenant_id = $1");
  expect_order(&tenant, rows_of("payments", "invoice_id", invoice), rows_of("invoices", "id", invoice),
               keep_text("/api/billing/invoices/%s/payment", invoice), "{}");
  expect_sound_books(&tenant);
}

/* A subscription with a fixed coupon, and an invoice of it that has used account credit. */
static const char *credited_invoice(const struct tenant *tenant) {
  const char *customer = customer_new(tenant, NULL);
  api_post(tenant, 201, "/api/billing/coupons", "{'code':'FIVE','amountOff':5,'currency':'USD','duration':'forever'}");
  api_post(tenant, 201, keep_text("/api/billing/customers/%s/credits", customer), "{'amount':2,'currency':'USD'}");
  api_post(tenant, 201, "/api/billing/subscriptions", "{'customerId':'%s','planId':'%s','coupons':['FIVE']}", customer,
           plan_of_days(tenant, 30, "30.00"));
  WAIT_UNTIL(sql_int(tenant, "SELECT count(*) FROM invoices WHERE tenant_id = $1") == 1, "the invoice");
  const char *invoice = sql_text(tenant, "SELECT id FROM invoices WHERE tenant_id = $1 AND credit_applied_minor = 200");
  cr_assert_not_null(invoice);
  return invoice;
}

Test(locks, invoices_come_before_account_credit) {
  struct tenant tenant = tenant_new();
  const char *invoice = credited_invoice(&tenant);
  expect_order(&tenant, rows_of("invoices", "id", invoice), rows_of("credit_grants", "tenant_id", tenant.id),
               keep_text("/api/billing/invoices/%s/void", invoice), "{}");
  expect_sound_books(&tenant);
}

Test(locks, account_credit_comes_before_fixed_coupons) {
  struct tenant tenant = tenant_new();
  const char *invoice = credited_invoice(&tenant);
  expect_order(&tenant, rows_of("credit_grants", "tenant_id", tenant.id),
               rows_of("subscription_coupons", "tenant_id", tenant.id),
               keep_text("/api/billing/invoices/%s/void", invoice), "{}");
  expect_sound_books(&tenant);
}

/* Three drafts, each of which takes something back of the one before it. */
static const char *drafts_in_a_row(const struct tenant *tenant, const char *clock) {
  sql_do(tenant, "UPDATE tenants SET draft_hours = 24 WHERE id = $1");
  const char *customer = customer_new(tenant, "'testClockId':'%s'", clock);
  const char *subscription = subscription_with(tenant, customer, plan_of_days(tenant, 30, "30.00"), NULL);
  for (int quantity = 2; quantity < 4; quantity++)
    api_post(tenant, 200, keep_text("/api/billing/subscriptions/%s/change-plan", subscription),
             "{'quantity':%d,'when':'now'}", quantity);
  WAIT_UNTIL(sql_int(tenant, "SELECT count(*) FROM invoices WHERE tenant_id = $1 AND status = 'draft'") == 3, "drafts");
  return subscription;
}

/* Whichever has the greatest id: no lock but the first is held while the first is waited for. */
Test(locks, drafts_are_locked_with_all_that_they_need_by_their_ids) {
  struct tenant tenant = tenant_new_test();
  const char *clock = test_clock_new(&tenant, "2030-09-01T00:00:00Z");
  const char *subscription = drafts_in_a_row(&tenant, clock);
  const char *last = sql_text(&tenant, keep_text("SELECT invoice_id FROM invoice_items WHERE tenant_id = $1 AND "
                                                 "subscription_id = '%s' AND kind <> 'credit' "
                                                 "ORDER BY revision DESC LIMIT 1",
                                                 subscription));
  const char *least = sql_text(&tenant, "SELECT id FROM invoices WHERE tenant_id = $1 ORDER BY id LIMIT 1");
  expect_order(&tenant, rows_of("invoices", "id", least),
               keep_text("FROM invoices WHERE tenant_id = '%s' AND id > '%s'", tenant.id, least),
               keep_text("/api/billing/invoices/%s/finalize", last), "{}");
  cr_expect_eq(sql_int(&tenant, "SELECT count(*) FROM invoices WHERE tenant_id = $1 AND status = 'draft'"), 0);
  test_clock_advance(&tenant, clock, "2030-09-03T00:00:00Z");
  expect_sound_books(&tenant);
}

/* The tenant wants no drafts any more: the invoice of one more change needs all three. */
Test(locks, drafts_in_the_way_of_an_invoice_come_before_account_credit) {
  struct tenant tenant = tenant_new_test();
  const char *clock = test_clock_new(&tenant, "2030-09-01T00:00:00Z"), *subscription = drafts_in_a_row(&tenant, clock);
  const char *customer = sql_text(&tenant, "SELECT id FROM customers WHERE tenant_id = $1");
  const char *first =
      sql_text(&tenant, "SELECT invoice_id FROM invoice_items WHERE tenant_id = $1 ORDER BY revision LIMIT 1");
  grant_of(&tenant, customer, 5);
  sql_do(&tenant, "UPDATE tenants SET draft_hours = 0 WHERE id = $1");
  expect_order(&tenant, rows_of("invoices", "id", first), rows_of("credit_grants", "tenant_id", tenant.id),
               keep_text("/api/billing/subscriptions/%s/change-plan", subscription), "{'quantity':4,'when':'now'}");
  WAIT_UNTIL(sql_int(&tenant, "SELECT count(*) FROM invoices WHERE tenant_id = $1 AND number IS NOT NULL") == 4,
             "all invoices");
  cr_expect_str_eq(sql_text(&tenant,
                            "SELECT string_agg(total_minor || ' ' || credit_applied_minor, ', ' ORDER BY number) "
                            "FROM invoices WHERE tenant_id = $1"),
                   "3000 500, 3000 0, 3000 0, 3000 0");
  expect_sound_books(&tenant);
}

/* The task holds what is due and waits for nothing more: what needs a draft that somebody else has is left for later,
 * and nothing else. */
Test(locks, the_task_waits_for_no_draft) {
  struct tenant tenant = tenant_new_test();
  const char *clock = test_clock_new(&tenant, "2030-09-01T00:00:00Z");
  const char *subscription = drafts_in_a_row(&tenant, clock),
             *other = customer_new(&tenant, "'testClockId':'%s'", clock);
  api_post(&tenant, 201, "/api/billing/subscriptions", "{'customerId':'%s','planId':'%s'}", other,
           sql_text(&tenant, "SELECT id FROM plans WHERE tenant_id = $1"));
  WAIT_UNTIL(sql_int(&tenant, "SELECT count(*) FROM invoices WHERE tenant_id = $1 AND status = 'draft'") == 4,
             "the draft of the other");
  struct pg_conn *holder =
      hold(keep_text("SELECT FROM invoices v WHERE tenant_id = '%s' AND subscription_id = '%s' AND NOT EXISTS (SELECT "
                     "FROM invoice_items i WHERE i.tenant_id = v.tenant_id AND i.invoice_id = v.id AND "
                     "i.kind = 'credit') FOR UPDATE",
                     tenant.id, subscription));
  command_new(&tenant, keep_text("/api/test-clocks/%s/advance", clock), "{'to':'2030-09-03T00:00:00Z'}");
  WAIT_UNTIL(sql_int(&tenant, "SELECT count(*) FROM test_clocks WHERE tenant_id = $1 AND frozen_at >= "
                              "(SELECT max(auto_finalise_at) FROM invoices WHERE tenant_id = $1)") == 1,
             "all to be due");
  for (int looks = 0; looks < 20; looks++, wait_a_moment()) cr_assert_eq(waiting_for(holder), 0);
  WAIT_UNTIL(sql_int(&tenant, keep_text("SELECT count(*) FROM invoices WHERE tenant_id = $1 AND customer_id = '%s' AND "
                                        "number IS NOT NULL",
                                        other)) == 1,
             "the other's invoice");
  cr_expect_eq(sql_int(&tenant, "SELECT count(*) FROM invoices WHERE tenant_id = $1 AND status = 'draft'"), 3);
  let_go(holder);
  WAIT_UNTIL(sql_int(&tenant, "SELECT count(*) FROM test_clocks WHERE tenant_id = $1 AND status = 'ready'") == 1,
             "the clock to come to its time");
  cr_expect_eq(sql_int(&tenant, "SELECT count(*) FROM invoices WHERE tenant_id = $1 AND status = 'draft'"), 0);
  expect_sound_books(&tenant);
}

/* A batch may have invoices and notes, in any order. */
Test(locks, numbers_of_invoices_come_before_those_of_credit_notes) {
  struct tenant tenant = tenant_new();
  const char *invoice = draft_of(&tenant, customer_new(&tenant, NULL), "10.00");
  const char *note = keep_text("{'invoiceId':'%s','amount':1,'reason':'goodwill'}", invoice);
  api_post(&tenant, 200, keep_text("/api/billing/invoices/%s/finalize", invoice), "{}");
  api_post(&tenant, 201, "/api/billing/credit-notes", "%s", note);
  const char *of_tenant = rows_of("invoice_series", "tenant_id", tenant.id);
  expect_order(&tenant, keep_text("%s AND series = 'INV'", of_tenant), keep_text("%s AND series = 'CN'", of_tenant),
               "/api/billing/credit-notes", note);
  expect_sound_books(&tenant);
}

/* A cancellation gives back on two invoices. */
Test(locks, notes_lock_their_invoices_at_once) {
  struct tenant tenant = tenant_new();
  const char *customer = customer_new(&tenant, NULL);
  const char *subscription = subscription_new(&tenant, customer, plan_of_days(&tenant, 30, "30.00"), days_ago(0));
  const char *path = keep_text("/api/billing/subscriptions/%s", subscription);
  api_post(&tenant, 200, keep_text("%s/change-plan", path), "{'quantity':2,'when':'now'}");
  WAIT_UNTIL(sql_int(&tenant, "SELECT count(*) FROM invoices WHERE tenant_id = $1") == 2, "two invoices");
  const char *least = sql_text(&tenant, "SELECT id FROM invoices WHERE tenant_id = $1 ORDER BY id LIMIT 1");
  expect_order(&tenant, rows_of("invoices", "id", least),
               keep_text("FROM invoices WHERE tenant_id = '%s' AND id > '%s'", tenant.id, least),
               keep_text("%s/cancel", path), "{'immediately':true,'prorate':true}");
  WAIT_UNTIL(sql_int(&tenant, "SELECT count(*) FROM credit_notes WHERE tenant_id = $1") == 2, "a note on each");
  expect_sound_books(&tenant);
}

/* -- several customers, by their ids -- */

/* Two customers, each with a subscription; the id of the one that is to be locked first. */
static const char *two_customers(const struct tenant *tenant, const char *plan, const char *start) {
  for (int i = 0; i < 2; i++) subscription_new(tenant, customer_new(tenant, NULL), plan, start);
  return sql_text(tenant, "SELECT customer_id FROM customer_billing WHERE tenant_id = $1 ORDER BY 1 LIMIT 1");
}

static const char *other_than(const struct tenant *tenant, const char *customer) {
  return keep_text("FROM customer_billing WHERE tenant_id = '%s' AND customer_id <> '%s'", tenant->id, customer);
}

/* Whoever is due first. It is a task that does it. */
Test(locks, a_dry_run_locks_its_customers_by_their_ids) {
  struct tenant tenant = tenant_new();
  const char *least = two_customers(&tenant, plan_new(&tenant, "5.00", "USD", "weekly"), days_ago(10));
  sql_do(&tenant, keep_text("UPDATE customer_billing SET next_billing_at = next_billing_at - interval '1 hour' "
                            "WHERE tenant_id = $1 AND customer_id <> '%s'",
                            least));
  struct pg_conn *holder = hold_rows(rows_of("customer_billing", "customer_id", least));
  api_post(&tenant, 201, "/api/billing/runs", "{'dryRun':true}");
  WAIT_UNTIL(waiting_for(holder) > 0, "the dry run to come to its customers");
  expect_free(other_than(&tenant, least), "a dry run");
  let_go(holder);
  const json_t *runs = NULL;
  WAIT_UNTIL((runs = api_get(&tenant, 200, "/api/billing/runs?limit=1")) &&
                 strcmp(json_at(runs, "0.status"), "completed") == 0,
             "the dry run");
  cr_expect_eq(json_number_at(runs, "0.invoiced"), 2);
}

/* A thousand subscriptions are read at once; the customer with the least id comes after them. */
Test(locks, a_migration_locks_all_its_customers_by_their_ids) {
  struct tenant tenant = tenant_new();
  const char *plan = plan_new(&tenant, "10.00", "USD", "monthly"), *least = two_customers(&tenant, plan, days_ago(0));
  sql_do(&tenant, keep_text("INSERT INTO subscriptions SELECT (jsonb_populate_record(s, jsonb_build_object('id', "
                            "'00000000' || substr(gen_random_uuid()::text, 9)))).* "
                            "FROM subscriptions s, generate_series(1, 1000) WHERE tenant_id = $1 AND customer_id <> "
                            "'%s'",
                            least));
  cr_assert_eq(api_call(&tenant, "PATCH", keep_text("/api/plans/%s", plan), "{'price':12}").status, 200);
  expect_order(&tenant, rows_of("customer_billing", "customer_id", least), other_than(&tenant, least),
               keep_text("/api/plans/%s/migrate", plan), "{'fromVersion':1}");
  cr_expect_eq(sql_int(&tenant, "SELECT count(*) FROM scheduled_changes WHERE tenant_id = $1 AND status = 'pending'"),
               1002);
}

/* -- the run's row, when several replicas are at it: who holds it shared does not change it -- */

/* A run with one customer; another replica bills a slice of it until `slice` is let go. */
struct crowd {
  struct tenant tenant;
  const char *run, *customers;
  struct pg_conn *slice;
};

static struct crowd crowd_try(int failures) {
  struct crowd crowd = {.tenant = tenant_new(), .run = new_id()};
  const struct tenant *tenant = &crowd.tenant;
  subscription_new(tenant, customer_new(tenant, NULL), plan_new(tenant, "5.00", "USD", "weekly"), days_ago(10));
  crowd.customers = rows_of("customer_billing", "tenant_id", tenant->id);
  sql_do(tenant,
         keep_text("INSERT INTO billing_runs (tenant_id, id, as_of, status, requested_by, started_at, failures, "
                   "error_code, error_text, retry_at) SELECT $1, '%s', now(), 'running', 'test', now(), n, "
                   "code, code, now() + interval '1 second' "
                   "FROM (VALUES (0, NULL), (1, 'INTERNAL')) AS f (n, code) WHERE n = %d",
                   crowd.run, failures));
  crowd.slice = hold(keep_text("SELECT FROM billing_runs WHERE id = '%s' FOR SHARE", crowd.run));
  return crowd;
}

static bool is_begun(const struct crowd *crowd) {
  return sql_int(&crowd->tenant, "SELECT count(*) FROM billing_runs WHERE tenant_id = $1 AND retry_at > now()") == 0;
}

/* Nobody begins before the other is at it: the run is to be tried in a second. When that was too soon, one more. */
static struct crowd crowd_new(int failures) {
  struct crowd crowd = crowd_try(failures);
  for (; is_begun(&crowd); crowd = crowd_try(failures)) let_go(crowd.slice);
  return crowd;
}

static void crowd_disperse(struct crowd *crowd) {
  let_go(crowd->slice);
  WAIT_UNTIL(run_is(&crowd->tenant, crowd->run, "completed"), "the run to complete");
  const json_t *run = run_shown(&crowd->tenant, crowd->run);
  cr_expect_eq(json_number_at(run, "due"), 1);
  cr_expect_null(json_at(run, "error.code"));
  expect_sound_books(&crowd->tenant);
}

Test(locks, a_run_that_failed_is_changed_before_its_customers_are_locked) {
  struct crowd crowd = crowd_new(1);
  WAIT_UNTIL(waiting_for(crowd.slice) > 0, "the run to be gone on with");
  expect_free(crowd.customers, "the run is waited for");
  crowd_disperse(&crowd);
}

Test(locks, a_run_is_not_ended_while_others_bill_slices_of_it) {
  struct crowd crowd = crowd_new(0);
  WAIT_UNTIL(json_number_at(run_shown(&crowd.tenant, crowd.run), "due") == 1, "the other slice");
  for (int looks = 0; looks < 10; looks++, wait_a_moment()) cr_assert_eq(waiting_for(crowd.slice), 0);
  cr_expect_eq(sql_int(&crowd.tenant, "SELECT count(claimed_at) FROM billing_runs WHERE tenant_id = $1"), 0);
  crowd_disperse(&crowd);
}

/* -- what a lock was waited for, and what came meanwhile -- */

/* BILL-040: an invoice waits for the customer's credit; while it waits, more of it comes back. What it does not hold it
 * does not use, for another could use it as well: that is for the next invoice. */
Test(locks, bill_040_credit_that_comes_back_while_a_lock_is_waited_for_is_for_the_next_invoice) {
  struct tenant tenant = tenant_new();
  const char *customer = customer_new(&tenant, NULL);
  const char *older = grant_of(&tenant, customer, 5);
  const char *first = draft_of(&tenant, customer, "8.00"), *second = draft_of(&tenant, customer, "10.00");
  const char *third = draft_of(&tenant, customer, "20.00");
  cr_assert_eq(json_number_at(api_post(&tenant, 200, keep_text("/api/billing/invoices/%s/finalize", first), "{}"),
                              "creditApplied"),
               5);
  const char *newer = grant_of(&tenant, customer, 3);
  struct pg_conn *holder =
      hold(keep_text("SELECT FROM credit_grants WHERE id = '%s' FOR UPDATE; %s", newer, sql_of_void(first)));
  const char *command = command_new(&tenant, keep_text("/api/billing/invoices/%s/finalize", second), "{}");
  WAIT_UNTIL(waiting_for(holder) == 1, "the invoice to wait for its credit");
  let_go(holder);
  WAIT_UNTIL(command_is(&tenant, command, "succeeded"), "the invoice");
  cr_expect_eq(json_number_at(api_get(&tenant, 200, "/api/billing/invoices/%s", second), "creditApplied"), 3);
  cr_expect_eq(
      sql_int(&tenant,
              keep_text("SELECT remaining_minor FROM credit_grants WHERE tenant_id = $1 AND id = '%s'", older)),
      500);
  cr_expect_eq(json_number_at(api_post(&tenant, 200, keep_text("/api/billing/invoices/%s/finalize", third), "{}"),
                              "creditApplied"),
               5);
  expect_sound_books(&tenant);
}
