/* What can be done about billing runs: paused, started by themselves, unstuck (BILL-060 to BILL-065). */
#include "flow.h"

TestSuite(runs, .timeout = 240);

static int64_t invoices_of(const struct tenant *tenant) {
  return sql_int(tenant, "SELECT count(*) FROM invoices WHERE tenant_id = $1");
}

/* BILL-035: a new price while a run is going on is a version for those to come. A run of several steps: a subscription
 * gets 120 periods in one. */
Test(runs, a_price_that_changes_meanwhile_changes_nothing_of_it) {
  struct tenant tenant = tenant_new();
  const char *plan = plan_new(&tenant, "1.00", "USD", "daily");
  subscription_uncharged(&tenant, customer_new(&tenant, NULL), plan, days_ago(130)); /* two steps */
  const char *run = json_at(api_post(&tenant, 201, "/api/billing/runs", "{}"), "id");
  WAIT_UNTIL(json_number_at(run_shown(&tenant, run), "due") > 0, "the run to be going on");
  struct answer patched = api_call(&tenant, "PATCH", keep_text("/api/plans/%s", plan), "{'price':'9.00'}");
  cr_assert_eq(patched.status, 200, "%s", patched.text);
  WAIT_UNTIL(run_is(&tenant, run, "completed"), "the run");
  cr_expect_eq(sql_int(&tenant, "SELECT count(*) FROM invoices WHERE tenant_id = $1 AND total_minor <> 100"), 0);
  cr_expect_eq(invoices_of(&tenant), 131);
  expect_sound_books(&tenant);
}

Test(runs, one_that_is_paused_bills_nothing_until_it_is_resumed) {
  struct tenant tenant = tenant_new();
  const char *start = days_ago(1300);
  subscription_uncharged(&tenant, customer_new(&tenant, NULL), plan_new(&tenant, "1.00", "USD", "daily"), start);
  const char *run = json_at(api_post(&tenant, 201, "/api/billing/runs", "{}"), "id");
  const char *pause = keep_text("/api/billing/runs/%s/pause", run),
             *resume = keep_text("/api/billing/runs/%s/resume", run);
  const json_t *paused = api_post(&tenant, 200, pause, "{}");
  cr_expect_str_eq(json_at(paused, "status"), "paused");
  double due = json_number_at(paused, "due");
  cr_expect_lt(due, 1300, "it was over before it was paused");
  for (int i = 0; i < 30; i++) wait_a_moment();
  cr_expect_eq(json_number_at(run_shown(&tenant, run), "due"), due);
  cr_expect_str_eq(json_at(api_post(&tenant, 409, pause, "{}"), "details.allowed.0"), "resume");
  cr_expect_str_eq(json_at(api_post(&tenant, 200, resume, "{}"), "status"), "running");
  WAIT_UNTIL(run_is(&tenant, run, "completed"), "the run to complete");
  cr_expect_eq(json_number_at(run_shown(&tenant, run), "due"), (double)(periods_begun(start, "1 day") - 1));
  cr_expect_null(json_at(api_post(&tenant, 409, resume, "{}"), "details.allowed.0"));
  cr_expect_eq(count_messages(&tenant, "billing-run.pause"), 2);
  cr_expect_eq(count_messages(&tenant, "billing-run.resume"), 2);
  WAIT_UNTIL(count_messages(&tenant, "billing-run.resumed") == 1, "the event");
  cr_expect_eq(count_messages(&tenant, "billing-run.paused"), 1);
}

/* BILL-063 */
Test(runs, what_was_parked_is_billed_again) {
  struct tenant tenant = tenant_new();
  const char *subscription = subscription_uncharged(&tenant, customer_new(&tenant, NULL),
                                                    plan_new(&tenant, "5.00", "USD", "weekly"), days_ago(10));
  const char *unpark = keep_text("/api/billing/subscriptions/%s/unpark", subscription);
  api_post(&tenant, 409, unpark, "{}");
  sql_do(&tenant, "UPDATE subscriptions SET time_zone = 'Nowhere/Land' WHERE tenant_id = $1");
  const char *run = billing_run(&tenant);
  api_post(&tenant, 409, unpark, "{}");
  sql_do(&tenant, "UPDATE subscriptions SET time_zone = 'Europe/Paris' WHERE tenant_id = $1");
  const json_t *shown = api_post(&tenant, 200, unpark, "{}");
  cr_expect_null(json_at(shown, "parkedAt"));
  cr_expect_not_null(json_at(shown, "nextBillingDate"));
  cr_expect_not_null(json_at(api_get(&tenant, 200, "/api/billing/runs/%s/parked", run), "0.resolvedAt"));
  cr_expect_eq(json_number_at(run_shown(&tenant, billing_run(&tenant)), "invoiced"), 1);
  WAIT_UNTIL(count_messages(&tenant, "subscription.unparked") == 1, "the event");
  cr_expect_eq(count_messages(&tenant, "subscription.unpark"), 3);
  api_post(&tenant, 404, keep_text("/api/billing/subscriptions/%s/unpark", new_id()), "{}");
}

/* More than 48 MiB of lines that wait for one invoice: nobody could make it. They wait on, and the others are billed.
 */
Test(runs, bill_063_who_has_more_waiting_than_a_step_holds_is_parked_alone) {
  struct tenant tenant = tenant_new();
  const char *plan = plan_new(&tenant, "5.00", "USD", "weekly");
  const char *much = subscription_uncharged(&tenant, customer_new(&tenant, NULL), plan, days_ago(10));
  subscription_uncharged(&tenant, customer_new(&tenant, NULL), plan, days_ago(10));
  sql_do(&tenant, keep_text("INSERT INTO pending_lines (tenant_id, id, subscription_id, line, created_at) "
                            "SELECT $1, gen_random_uuid(), '%s', to_jsonb(repeat('x', 65536)), now() "
                            "FROM generate_series(1, 800)",
                            much));
  const char *id = billing_run(&tenant);
  const json_t *run = run_shown(&tenant, id), *parked = api_get(&tenant, 200, "/api/billing/runs/%s/parked", id);
  cr_expect_eq(json_number_at(run, "due"), 2);
  cr_expect_eq(json_number_at(run, "invoiced"), 1);
  cr_expect_eq(json_number_at(run, "parked"), 1);
  cr_expect_str_eq(json_at(parked, "0.subscriptionId"), much);
  cr_expect_not_null(strstr(json_at(parked, "0.reason"), "wait for the next invoice are too many: 800"));
  cr_expect_eq(sql_int(&tenant, "SELECT count(*) FROM pending_lines WHERE tenant_id = $1"), 800);
  sql_do(&tenant, "DELETE FROM pending_lines WHERE tenant_id = $1");
  api_post(&tenant, 200, keep_text("/api/billing/subscriptions/%s/unpark", much), "{}");
  cr_expect_eq(json_number_at(run_shown(&tenant, billing_run(&tenant)), "invoiced"), 1);
}

/* A statement that the database refuses for one customer stops nobody else. */
Test(runs, a_customer_whom_the_database_refuses_is_parked_alone) {
  struct tenant tenant = tenant_new();
  const char *plan = plan_new(&tenant, "5.00", "USD", "weekly");
  const char *bad = subscription_uncharged(&tenant, customer_new(&tenant, NULL), plan, days_ago(10));
  for (int i = 0; i < 3; i++) subscription_uncharged(&tenant, customer_new(&tenant, NULL), plan, days_ago(10));
  sql_do(NULL, keep_text("CREATE TRIGGER bent BEFORE UPDATE ON subscriptions FOR EACH ROW WHEN (NEW.id = '%s' AND "
                         "NEW.next_period_index > OLD.next_period_index) EXECUTE FUNCTION refuse()",
                         bad));
  const json_t *shown = run_shown(&tenant, billing_run(&tenant));
  sql_do(NULL, "DROP TRIGGER bent ON subscriptions");
  cr_expect_eq(json_number_at(shown, "due"), 4);
  cr_expect_eq(json_number_at(shown, "invoiced"), 3);
  cr_expect_eq(json_number_at(shown, "parked"), 1);
  const json_t *parked = api_get(&tenant, 200, "/api/billing/runs/%s/parked", json_at(shown, "id"));
  cr_expect_str_eq(json_at(parked, "0.subscriptionId"), bad);
  cr_expect_str_eq(json_at(parked, "0.reasonCode"), "IMMUTABLE");
  expect_sound_books(&tenant);
}

/* An invoice that cannot be made: here, of a period that is billed already (BILL-060). */
Test(runs, one_that_waits_for_a_dead_letter_says_so_and_completes_when_it_is_dropped) {
  struct tenant tenant = tenant_new();
  subscription_uncharged(&tenant, customer_new(&tenant, NULL), plan_new(&tenant, "5.00", "USD", "weekly"),
                         days_ago(10));
  billing_run(&tenant);
  sql_do(&tenant, "UPDATE subscriptions SET next_period_index = 0, next_billing_at = now() - interval '10 days', "
                  "current_period_start = NULL, current_period_end = NULL WHERE tenant_id = $1");
  sql_do(&tenant, "UPDATE customer_billing SET next_billing_at = now() - interval '10 days' WHERE tenant_id = $1");
  const char *run = json_at(api_post(&tenant, 201, "/api/billing/runs", "{}"), "id");
  static const char dead[] =
      "SELECT count(*) FROM dead_letters WHERE tenant_id = $1 AND message_type = 'invoice.create'";
  WAIT_UNTIL(sql_int(&tenant, dead) == 2, "the run to be stuck");
  const json_t *shown = run_shown(&tenant, run);
  cr_expect_str_eq(json_at(shown, "status"), "running");
  cr_expect_eq(json_number_at(shown, "stuck.deadLetters"), 2);
  cr_expect_not_null(json_at(shown, "stuck.reason"));
  const char *first = json_at(shown, "stuck.deadLetterIds.0"), *second = json_at(shown, "stuck.deadLetterIds.1");
  api_post(&tenant, 200, keep_text("/api/dead-letters/%s/replay", first), "{}"); /* it dies again */
  WAIT_UNTIL(sql_int(&tenant, dead) == 3, "its next death");
  api_post(&tenant, 200, keep_text("/api/dead-letters/%s/drop", second), "{}");
  cr_expect(run_is(&tenant, run, "running"));
  api_post(&tenant, 200,
           keep_text("/api/dead-letters/%s/drop", json_at(run_shown(&tenant, run), "stuck.deadLetterIds.0")), "{}");
  WAIT_UNTIL(run_is(&tenant, run, "completed"), "the run to complete");
  cr_expect_eq(json_number_at(run_shown(&tenant, run), "invoicesDropped"), 2);
}

/* The cause is gone, the commands are sent again, and the run completes as if nothing had been. */
Test(runs, one_that_waits_for_dead_letters_completes_when_they_are_replayed) {
  struct tenant tenant = tenant_new();
  subscription_uncharged(&tenant, customer_new(&tenant, NULL), plan_new(&tenant, "5.00", "USD", "weekly"),
                         days_ago(15));
  WAIT_UNTIL(invoices_of(&tenant) == 1, "the first invoice");
  sql_do(&tenant, "UPDATE invoice_series SET next_number = 9223372036854775807 WHERE tenant_id = $1"); /* the last */
  const char *run = json_at(api_post(&tenant, 201, "/api/billing/runs", "{}"), "id");
  static const char dead[] = "SELECT count(*) FROM dead_letters WHERE tenant_id = $1 AND status = 'dead'";
  WAIT_UNTIL(sql_int(&tenant, dead) == 2, "the run to be stuck");
  cr_expect(run_is(&tenant, run, "running"));
  cr_expect_eq(json_number_at(run_shown(&tenant, run), "stuck.deadLetters"), 2);
  sql_do(&tenant, "UPDATE invoice_series SET next_number = 2 WHERE tenant_id = $1");
  const json_t *letters = sql_rows(&tenant, NULL, "SELECT id FROM dead_letters WHERE tenant_id = $1");
  const char *doubles[2]; /* dropped: one before the invoice is there, and one after */
  for (size_t i = 0; i < 2; i++) doubles[i] = dead_letter_again(&tenant, json_at(letters, "0.0"));
  api_post(&tenant, 200, keep_text("/api/dead-letters/%s/drop", doubles[0]), "{}");
  for (size_t i = 0; i < 2; i++)
    api_post(&tenant, 200, keep_text("/api/dead-letters/%s/replay", json_at(letters, keep_text("%zu.0", i))), "{}");
  WAIT_UNTIL(run_is(&tenant, run, "completed"), "the run to complete");
  api_post(&tenant, 200, keep_text("/api/dead-letters/%s/drop", doubles[1]), "{}");
  const json_t *shown = run_shown(&tenant, run);
  cr_expect_eq(json_number_at(shown, "invoicesFinalised"), 2);
  cr_expect_eq(json_number_at(shown, "invoicesDropped"), 0);
  cr_expect_eq(invoices_of(&tenant), 3);
  expect_sound_books(&tenant);
}

/* What fails for everybody is nobody's fault: no customer is parked; the run says why it waits, and goes on by itself.
 */
Test(runs, one_whose_steps_fail_is_set_back_and_tried_again) {
  struct tenant tenant = tenant_new(), other = tenant_new();
  for (int t = 0; t < 2; t++) {
    const struct tenant *whose = t ? &other : &tenant;
    subscription_uncharged(whose, customer_new(whose, NULL), plan_new(whose, "5.00", "USD", "weekly"), days_ago(10));
  }
  sql_do(NULL, keep_text("CREATE TRIGGER stuck BEFORE INSERT ON billing_run_tallies FOR EACH ROW WHEN (NEW.tenant_id = "
                         "'%s') EXECUTE FUNCTION refuse()",
                         tenant.id));
  const char *run = json_at(api_post(&tenant, 201, "/api/billing/runs", "{}"), "id");
  WAIT_UNTIL(json_at(run_shown(&tenant, run), "error.code"), "the run to say what is wrong");
  cr_expect_str_eq(json_at(run_shown(&tenant, run), "error.code"), "IMMUTABLE");
  cr_expect_eq(json_number_at(run_shown(&other, billing_run(&other)), "invoiced"), 1, "it keeps nobody else");
  sql_do(NULL, "DROP TRIGGER stuck ON billing_run_tallies");
  WAIT_UNTIL(run_is(&tenant, run, "completed"), "the run to complete");
  const json_t *shown = run_shown(&tenant, run);
  cr_expect_null(json_at(shown, "error.code"));
  cr_expect_eq(json_number_at(shown, "invoiced"), 1);
  cr_expect_eq(json_number_at(shown, "parked"), 0);
  expect_sound_books(&tenant);
}

static void let_schedule_be_due(const struct tenant *tenant) {
  sql_do(
      tenant,
      "UPDATE billing_schedules SET is_enabled = true, next_due_at = now() - interval '3 days' WHERE tenant_id = $1");
}

static bool schedule_moved(const struct tenant *tenant) {
  return sql_int(tenant, "SELECT count(*) FROM billing_schedules WHERE tenant_id = $1 AND next_due_at > now()") == 1;
}

/* After three days of downtime: one run for all of them, oldest period first; and none when nothing is due. */
Test(runs, start_by_themselves_once_for_each_due_time) {
  struct tenant tenant = tenant_new();
  subscription_uncharged(&tenant, customer_new(&tenant, NULL), plan_new(&tenant, "1.00", "USD", "daily"), days_ago(3));
  WAIT_UNTIL(invoices_of(&tenant) == 1, "the first invoice");
  let_schedule_be_due(&tenant);
  WAIT_UNTIL(schedule_moved(&tenant), "the schedule to move on");
  WAIT_UNTIL(sql_int(&tenant, "SELECT count(*) FROM billing_runs WHERE tenant_id = $1 AND status = 'completed'") == 1,
             "its run");
  cr_expect_eq(invoices_of(&tenant), periods_begun(days_ago(3), "1 day"));
  cr_expect_eq(sql_int(&tenant,
                       "SELECT count(*) FROM (SELECT number, period_start, lag(period_start) OVER (ORDER BY number) "
                       "AS before FROM invoices WHERE tenant_id = $1) i WHERE period_start < before"),
               0);
  cr_expect_str_eq(sql_text(&tenant, "SELECT requested_by FROM billing_runs WHERE tenant_id = $1"), "schedule");
  cr_expect_eq(sql_int(&tenant, "SELECT count(*) FROM billing_schedules WHERE tenant_id = $1 AND next_due_at = "
                                "date_trunc('hour', now()) + interval '1 hour'"),
               1);
  let_schedule_be_due(&tenant);
  WAIT_UNTIL(schedule_moved(&tenant), "the schedule to move on again");
  cr_expect_eq(sql_int(&tenant, "SELECT count(*) FROM billing_runs WHERE tenant_id = $1"), 1);
  expect_sound_books(&tenant);
}

/* Nobody bills past a run that somebody has stopped. */
Test(runs, do_not_start_past_one_that_is_paused) {
  struct tenant tenant = tenant_new();
  subscription_uncharged(&tenant, customer_new(&tenant, NULL), plan_new(&tenant, "1.00", "USD", "daily"), days_ago(3));
  sql_do(&tenant, "INSERT INTO billing_runs (tenant_id, id, as_of, status, requested_by, started_at) "
                  "VALUES ($1, gen_random_uuid(), now(), 'paused', 'test', now())");
  let_schedule_be_due(&tenant);
  WAIT_UNTIL(schedule_moved(&tenant), "the schedule to move on");
  cr_expect_eq(sql_int(&tenant, "SELECT count(*) FROM billing_runs WHERE tenant_id = $1"), 1);
}

Test(runs, have_hours_in_the_tenant_s_zone) {
  static const struct {
    const char *hour, *zone, *after, *next;
  } cases[] = {
      {"NULL", "Europe/Paris", "2026-11-21 10:00:00+00", "2026-11-21 11:00:00"},
      {"NULL", "UTC", "2026-11-21 10:59:59+00", "2026-11-21 11:00:00"},
      {"2", "Europe/Paris", "2026-11-21 00:59:59+00", "2026-11-21 01:00:00"},
      {"2", "Europe/Paris", "2026-11-21 01:00:00+00", "2026-11-22 01:00:00"},
      {"2", "Europe/Paris", "2026-03-28 12:00:00+00", "2026-03-29 01:00:00"}, /* 02:00 does not exist there that day */
      {"23", "America/New_York", "2026-06-30 12:00:00+00", "2026-07-01 03:00:00"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
    cr_expect_str_eq(
        sql_text(NULL, keep_text("SELECT billing_schedule_next(%s::smallint, '%s', '%s') AT TIME ZONE 'UTC'",
                                 cases[i].hour, cases[i].zone, cases[i].after)),
        cases[i].next, "case %zu", i);
}

/* Two processes of the worker: whoever finds a schedule due, it makes one run for each due time. */
Test(runs, two_schedulers_start_one) {
  enum { TENANTS = 4, TIMES = 3 };
  struct tenant tenants[TENANTS];
  process_do("start", "billing-cycle@2");
  for (int t = 0; t < TENANTS; t++) {
    tenants[t] = tenant_new();
    subscription_uncharged(&tenants[t], customer_new(&tenants[t], NULL), plan_new(&tenants[t], "1.00", "USD", "daily"),
                           days_ago(3));
  }
  for (int i = 0; i < TIMES; i++) {
    for (int t = 0; t < TENANTS; t++) {
      sql_do(&tenants[t],
             "UPDATE customer_billing SET next_billing_at = now() - interval '1 day' WHERE tenant_id = $1");
      let_schedule_be_due(&tenants[t]);
    }
    for (int t = 0; t < TENANTS; t++) {
      const char *over = "SELECT count(*) FROM billing_runs WHERE tenant_id = $1 AND status = 'completed'";
      WAIT_UNTIL(schedule_moved(&tenants[t]), "the schedule to move on");
      WAIT_UNTIL(sql_int(&tenants[t], over) == i + 1, "run %d", i + 1);
      cr_expect_eq(sql_int(&tenants[t], "SELECT count(*) FROM billing_runs WHERE tenant_id = $1"), i + 1);
    }
  }
  process_do("stop", "billing-cycle@2");
  for (int t = 0; t < TENANTS; t++) expect_sound_books(&tenants[t]);
}

/* BILL-065: the views find what must never be. */
Test(runs, invariants_are_views_that_find_what_must_never_be) {
  struct tenant tenant = tenant_new();
  const char *customer = customer_new(&tenant, NULL);
  subscription_new(&tenant, customer, plan_new(&tenant, "5.00", "USD", "monthly"), days_ago(1));
  WAIT_UNTIL(sql_int(&tenant, "SELECT count(*) FROM payments WHERE tenant_id = $1") == 1,
             "the payment that waits for a method");
  static const char lost[] = "SELECT count(*) FROM invariant_subscriptions_without_boundary WHERE tenant_id = $1",
                    stranded[] = "SELECT count(*) FROM invariant_invoices_without_next_step WHERE tenant_id = $1";
  cr_expect_eq(sql_int(&tenant, lost), 0);
  cr_expect_eq(sql_int(&tenant, stranded), 0);
  sql_do(&tenant, "UPDATE subscriptions SET next_billing_at = NULL WHERE tenant_id = $1");
  cr_expect_eq(sql_int(&tenant, lost), 1);
  sql_do(NULL, keep_text("ALTER TABLE invoices DISABLE TRIGGER immutable; UPDATE invoices SET due_date = '2020-01-01' "
                         "WHERE tenant_id = '%s'; "
                         "ALTER TABLE invoices ENABLE TRIGGER immutable",
                         tenant.id));
  cr_expect_eq(sql_int(&tenant, stranded), 0, "it is given up at a time");
  sql_do(&tenant, "UPDATE payments SET next_attempt_at = NULL WHERE tenant_id = $1");
  cr_expect_eq(sql_int(&tenant, stranded), 1);
}

static int64_t stranded(const struct tenant *tenant) {
  return sql_int(tenant, "SELECT count(*) FROM invariant_invoices_without_next_step WHERE tenant_id = $1");
}

/* The mail about the one invoice is about that one, or, as if there were none, about nothing. */
static void let_mail_be_about(const struct tenant *tenant, const char *invoice) {
  sql_do(tenant, keep_text("UPDATE notifications SET invoice_id = %s WHERE tenant_id = $1 AND template = 'invoice'",
                           invoice ? keep_text("'%s'", invoice) : "NULL"));
}

/* What customers pay by themselves must have been sent to them; past its due date by their own clock. */
Test(runs, an_overdue_invoice_that_nobody_was_sent_has_no_next_step) {
  struct tenant tenant = tenant_new_test();
  const char *clock = test_clock_new(&tenant, "2026-01-01T00:00:00Z");
  const char *customer = customer_new(&tenant, "'testClockId':'%s','netTermsDays':14", clock);
  subscription_uncharged(&tenant, customer, plan_new(&tenant, "5.00", "USD", "yearly"), "2026-01-01");
  WAIT_UNTIL(sql_int(&tenant, "SELECT count(*) FROM notifications WHERE tenant_id = $1") == 1, "the mail");
  const char *invoice = sql_text(&tenant, "SELECT invoice_id FROM notifications WHERE tenant_id = $1");
  let_mail_be_about(&tenant, NULL);
  test_clock_advance(&tenant, clock, "2026-01-16T00:00:00Z");
  cr_expect_eq(stranded(&tenant), 0, "it was due yesterday");
  test_clock_advance(&tenant, clock, "2026-01-17T00:00:00Z");
  cr_expect_eq(stranded(&tenant), 1);
  let_mail_be_about(&tenant, invoice);
  cr_expect_eq(stranded(&tenant), 0);
  let_mail_be_about(&tenant, NULL);
  api_post(&tenant, 200, keep_text("/api/billing/invoices/%s/payment", invoice), "{'amount':5}");
  cr_expect_eq(stranded(&tenant), 0, "it is paid");
}
