/* BILL-030: what a change takes back does not count towards the minimum commitment. What it was to take back and could
 * not, for the invoice of the line had become void by then or a note had come first, was charged, and counts. Whoever
 * makes the invoice of the true-up finds it so: a run, a dry one, somebody's word, a draft, a preview. */
#include "flow.h"

TestSuite(true_up, .timeout = 180);

/* 30.00 each 30 days, at least 40.00, and on the 16th of them 9.00 with the same minimum: 15.00 are to be taken back
 * and 4.50 to be charged on the next invoice. */
struct story {
  struct tenant tenant;
  const char *clock, *customer, *subscription;
};

static const char *plan_of(const struct tenant *tenant, const char *price) {
  return plan_with(tenant, THIRTY_DAYS ",'price':'%s','minimumCommitment':'40.00'", price);
}

static const char *act(const struct story *s, const char *verb) {
  return subscription_path(s->subscription, verb);
}

static void change_for_later(const struct story *s) {
  api_post(&s->tenant, 200, act(s, "change-plan"), "{'planId':'%s','when':'now','billing':'next_invoice'}",
           plan_of(&s->tenant, "9.00"));
}

static void void_first(const struct story *s) {
  const char *first = sql_text(&s->tenant, "SELECT id FROM invoices WHERE tenant_id = $1 ORDER BY number LIMIT 1");
  api_post(&s->tenant, 200, keep_text("/api/billing/invoices/%s/void", first), "{}");
}

static void go_on_until(const struct story *s, const char *instant) {
  test_clock_advance(&s->tenant, s->clock, instant);
}

static struct story subscribe_until(const char *instant) {
  struct story s = {.tenant = tenant_new_test()};
  s.clock = test_clock_new(&s.tenant, "2031-01-01T12:00:00Z");
  s.customer = customer_new(&s.tenant, "'testClockId':'%s'", s.clock);
  s.subscription = subscription_with(&s.tenant, s.customer, plan_of(&s.tenant, "30.00"), NULL);
  go_on_until(&s, instant);
  return s;
}

static struct story begin(void) {
  struct story s = subscribe_until("2031-01-16T12:00:00Z");
  change_for_later(&s);
  void_first(&s);
  return s;
}

/* Of the invoices after the first. */
static const char *later_lines(const struct story *s) {
  return sql_text(&s->tenant,
                  "SELECT string_agg(kind || ' ' || amount_minor, ', ' ORDER BY period_index, revision, kind) "
                  "FROM invoice_items WHERE tenant_id = $1 AND (revision > 0 OR period_index > 0)");
}

/* Explain comes to its amount, at the end by these steps, "expression = result; …". */
static void expect_true_up(const struct story *s, const char *condition, const char *steps) {
  const json_t *line = sql_rows(&s->tenant, NULL,
                                keep_text("SELECT invoice_id, id FROM invoice_items WHERE tenant_id = $1 "
                                          "AND kind = 'fee' AND %s",
                                          condition));
  const json_t *explanation =
      api_get(&s->tenant, 200, "/api/billing/invoices/%s/items/%s/explain", json_at(line, "0.0"), json_at(line, "0.1"));
  const json_t *step;
  const char *text = "";
  size_t index;
  json_array_foreach(json_node_at(explanation, "parts.0.steps"), index, step) text =
      keep_text("%s; %s = %s", text, json_at(step, "expression"), json_at(step, "result"));
  cr_expect(json_is_true(json_object_get(explanation, "matches")));
  cr_expect(strstr(text, keep_text("; %s", steps)), "%s is not in %s", steps, text);
}

/* 30.00 and 4.50 were charged, and nothing was taken back: 5.50 are missing, not 20.50. */
Test(true_up, bill_030_counts_what_a_void_kept_from_being_taken_back) {
  struct story s = begin();
  go_on_until(&s, "2031-01-31T12:00:00Z");
  cr_expect_str_eq(later_lines(&s), "credit 0, subscription 450, fee 550, subscription 900");
  expect_sound_books(&s.tenant);
}

/* A dry run ahead of time shows the same. */
Test(true_up, bill_062_is_that_of_a_dry_run) {
  struct story s = {.tenant = tenant_new()};
  s.customer = customer_new(&s.tenant, NULL);
  s.subscription = subscription_new(&s.tenant, s.customer, plan_of(&s.tenant, "30.00"), days_ago(15));
  WAIT_UNTIL(invoices_are(&s.tenant, 1), "the first invoice");
  change_for_later(&s);
  void_first(&s);
  const char *run = json_at(
      api_post(&s.tenant, 201, "/api/billing/runs", "{'dryRun':true,'asOf':'%sT12:00:00Z'}", days_ago(-15)), "id");
  const char *path = keep_text("/api/billing/runs/%s", run);
  WAIT_UNTIL(strcmp(json_at(api_get(&s.tenant, 200, "%s", path), "status"), "completed") == 0, "the dry run");
  cr_expect_eq(json_number_at(api_get(&s.tenant, 200, "%s", path), "amounts.0.total"), 5.50 + 4.50 + 9.00);
}

/* The change's lines came on an invoice before the period was over: 3.00 of the 4.50 were taken back for twice as many,
 * at 6.00. Of 40.00 only 2.50 are missing. */
Test(true_up, bill_030_counts_what_was_not_taken_back_on_an_earlier_invoice) {
  struct story s = begin();
  go_on_until(&s, "2031-01-21T12:00:00Z");
  api_post(&s.tenant, 200, act(&s, "change-plan"), "{'quantity':2,'when':'now','billing':'now'}");
  WAIT_UNTIL(invoices_are(&s.tenant, 2), "the invoice of the second change");
  cr_expect_str_eq(later_lines(&s), "credit 0, subscription 450, credit -300, subscription 600");
  go_on_until(&s, "2031-01-31T12:00:00Z");
  cr_expect_str_eq(later_lines(&s),
                   "credit 0, subscription 450, credit -300, fee 250, subscription 600, subscription 1800");
  expect_sound_books(&s.tenant);
}

/* What counted once does not count again. Until the suspension 26.67 were agreed on, of which 30.00 and 4.50 less 3.00
 * are more; from the reactivation on 6.66, of which 1.50 is charged. */
Test(true_up, bill_030_counts_it_once) {
  struct story s = begin();
  go_on_until(&s, "2031-01-21T12:00:00Z");
  api_post(&s.tenant, 200, act(&s, "suspend"), "{}");
  WAIT_UNTIL(invoices_are(&s.tenant, 2), "the last invoice before the suspension");
  cr_expect_str_eq(later_lines(&s), "credit 0, subscription 450, fee 0");
  expect_true_up(&s, "true", "-3.50 + 15.00 = 11.50; 6.67 − 11.50 = -4.83; max(-4.83, 0.00) = 0.00");
  go_on_until(&s, "2031-01-26T12:00:00Z");
  api_post(&s.tenant, 200, act(&s, "reactivate"), "{}");
  go_on_until(&s, "2031-01-31T12:00:00Z");
  cr_expect_str_eq(later_lines(&s), "credit 0, subscription 450, fee 0, fee 516, subscription 150, subscription 900");
  expect_sound_books(&s.tenant);
}

/* A draft is computed anew when it is finalised, before its time or at it: what was taken off is not taken off twice.
 */
Test(true_up, bill_030_of_a_draft_is_the_same_when_it_is_finalised) {
  static const char *const ends[] = {"{}", NULL};
  for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
    struct story s = begin();
    sql_do(&s.tenant, "UPDATE tenants SET draft_hours = 24 WHERE id = $1");
    go_on_until(&s, "2031-01-31T12:00:00Z");
    const char *lines = "credit 0, subscription 450, fee 550, subscription 900";
    cr_expect_str_eq(later_lines(&s), lines);
    const char *draft = sql_text(&s.tenant, "SELECT id FROM invoices WHERE tenant_id = $1 AND status = 'draft'");
    if (ends[i]) api_post(&s.tenant, 200, keep_text("/api/billing/invoices/%s/finalize", draft), "%s", ends[i]);
    go_on_until(&s, "2031-02-02T12:00:00Z");
    cr_expect(invoices_are(&s.tenant, 2));
    cr_expect_str_eq(later_lines(&s), lines);
    expect_sound_books(&s.tenant);
  }
}

/* What was decided after a true-up does not count for it, though it is a draft still: until the suspension 15.00
 * of 20.00 were charged, and are, whatever is void later; then 9.00 of the 20.00 that are agreed on from the
 * reactivation on, and 15.00 that could not be taken back. */
Test(true_up, bill_030_of_a_draft_counts_no_credit_that_is_decided_after_it) {
  static const char drafts[] = "SELECT id FROM invoices WHERE tenant_id = $1 AND status = 'draft' "
                               "ORDER BY auto_finalise_at DESC LIMIT 1";
  struct story s = subscribe_until("2031-01-16T08:00:00Z");
  sql_do(&s.tenant, "UPDATE tenants SET draft_hours = 24 WHERE id = $1");
  api_post(&s.tenant, 200, act(&s, "suspend"), "{}");
  go_on_until(&s, "2031-01-16T09:00:00Z");
  cr_expect_str_eq(later_lines(&s), "fee 500");
  api_post(&s.tenant, 200, act(&s, "reactivate"), "{}");
  go_on_until(&s, "2031-01-16T10:00:00Z");
  change_for_later(&s);
  const char *reactivated = sql_text(&s.tenant, drafts);
  api_post(&s.tenant, 200, keep_text("/api/billing/invoices/%s/finalize", reactivated), "{}");
  api_post(&s.tenant, 200, keep_text("/api/billing/invoices/%s/void", reactivated), "{}");
  api_post(&s.tenant, 200, act(&s, "change-plan"), "{'quantity':2,'when':'now','billing':'now'}");
  go_on_until(&s, "2031-01-18T12:00:00Z");
  cr_expect(invoices_are(&s.tenant, 4));
  cr_expect_str_eq(later_lines(&s),
                   "fee 500, subscription 1500, credit 0, subscription 450, credit -450, subscription 900");
  go_on_until(&s, "2031-02-02T12:00:00Z");
  expect_true_up(&s, "amount_minor <> 500", "9.00 + 15.00 = 24.00; 20.00 − 24.00 = -4.00; max(-4.00, 0.00) = 0.00");
  expect_sound_books(&s.tenant);
}

/* What a cancellation shows is what it makes: of 26.67 nothing is missing. */
Test(true_up, bill_030_is_previewed_as_it_comes) {
  struct story s = begin();
  const char *cancel = "{'immediately':true,'prorate':false}";
  go_on_until(&s, "2031-01-21T12:00:00Z");
  const json_t *preview = api_post(&s.tenant, 200, act(&s, "preview"), "%s", cancel);
  cr_expect_eq(json_number_at(preview, "invoices.0.totalAmount"), 4.50);
  api_post(&s.tenant, 200, act(&s, "cancel"), "%s", cancel);
  WAIT_UNTIL(invoices_are(&s.tenant, 2), "the last invoice");
  cr_expect_str_eq(later_lines(&s), "credit 0, subscription 450, fee 0");
  expect_sound_books(&s.tenant);
}
