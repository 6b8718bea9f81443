/* GET /api/billing/invoices/{id}/items/{itemId}/explain (BILL-025): how each kind of line came about, as a finance
 * person reads it, and that computing it again comes to what is stored. Lines made by all other flows are explained by
 * expect_sound_books(). */
#include "flow.h"

TestSuite(explain, .timeout = 180);

static const char *subscribe(const struct tenant *tenant, const char *plan, const char *members) {
  return json_at(api_post(tenant, 201, "/api/billing/subscriptions",
                          "{'customerId':'%s','planId':'%s','collection':'manual',%s}", customer_new(tenant, NULL),
                          plan, members),
                 "id");
}

static void await_lines(const struct tenant *tenant, int64_t count) {
  static const char sql[] = "SELECT count(*) FROM invoice_items WHERE tenant_id = $1";
  WAIT_UNTIL(sql_int(tenant, sql) >= count, "%lld lines, there are %lld", (long long)count,
             (long long)sql_int(tenant, sql));
}

/* The path of the one line that meets the condition. */
static const char *path_of(const struct tenant *tenant, const char *condition) {
  const json_t *lines = sql_rows(
      tenant, NULL, keep_text("SELECT invoice_id, id FROM invoice_items WHERE tenant_id = $1 AND %s", condition));
  cr_assert_eq(json_array_size(lines), 1, "%zu lines: %s", json_array_size(lines), condition);
  return keep_text("/api/billing/invoices/%s/items/%s/explain", json_at(lines, "0.0"), json_at(lines, "0.1"));
}

static const json_t *explained(const struct tenant *tenant, const char *condition) {
  const json_t *explanation = api_get(tenant, 200, "%s", path_of(tenant, condition));
  cr_expect(json_is_true(json_object_get(explanation, "matches")), "%s: %s", condition,
            json_at(explanation, "parts.0.problem"));
  return explanation;
}

/* "expression = result; …" of a part's steps. */
static const char *steps_of(const json_t *explanation, int part) {
  const char *text = "";
  size_t index;
  const json_t *step;
  json_array_foreach(json_node_at(explanation, keep_text("parts.%d.steps", part)), index, step) {
    cr_expect(json_at(step, "text") && json_at(step, "rules.0"), "a step without text or rule");
    text = keep_text("%s%s%s = %s", text, index ? "; " : "", json_at(step, "expression"), json_at(step, "result"));
  }
  return text;
}

/* -- prices -- */

static const char models[] = "'billingCycle':'weekly','components':["
                             "{'code':'flat','model':'flat','unitPrice':'31.00'},"
                             "{'code':'seats','model':'per_unit','unitPrice':'0.0125','freeUnits':2},"
                             "{'code':'steps','model':'graduated','tiers':[{'upTo':10,'unitPrice':10,'flatFee':2},{'"
                             "upTo':null,'unitPrice':'5'}]},"
                             "{'code':'bulk','model':'volume','timing':'arrears','tiers':[{'upTo':10,'unitPrice':2},{'"
                             "upTo':null,'unitPrice':1}]},"
                             "{'code':'packs','model':'package','timing':'arrears','unitPrice':100,'packageSize':10}],"
                             "'setupFee':'25.00','minimumCommitment':'500.00'";

static int weekday(int days_back) {
  return (int)sql_int(NULL, keep_text("SELECT extract(isodow FROM date '%s')::bigint", days_ago(days_back)));
}

/* A first period of 3 days in 7, then a whole one; twelve of everything. */
Test(explain, bill_025_every_price_model_timing_and_fee) {
  struct tenant tenant = tenant_new();
  subscribe(&tenant, plan_with(&tenant, "%s", models),
            keep_text("'quantity':12,'startDate':'%s','billingAnchor':%d", days_ago(9), weekday(6)));
  billing_run(&tenant);
  await_lines(&tenant, 10);
  const char *start = days_ago(9), *end = days_ago(6), *anchor = days_ago(13);
  const char *days = keep_text("%s − %s = 7; %s − %s = 3", end, anchor, end, start);
  const struct {
    const char *component, *steps;
  } firsts[] = {
      {"flat", "31.00 = 31.00; 31.00 × 3/7 = 13.29"},
      {"seats", "12 − 2 = 10; 0.0125 × 10 = 0.125; 0.125 × 3/7 = 0.05"},
      {"steps", "10.00 × 10 + 2.00 = 102.00; 5.00 × 2 = 10.00; 102.00 + 10.00 = 112.00; 112.00 × 3/7 = 48.00"},
      {"bulk", "1.00 × 12 = 12.00; 12.00 × 3/7 = 5.14"},
      {"packs", "100.00 × 2 = 200.00; 200.00 × 3/7 = 85.71"},
  };
  for (size_t i = 0; i < sizeof firsts / sizeof *firsts; i++) {
    const json_t *explanation =
        explained(&tenant, keep_text("component = '%s' AND period_index = 0", firsts[i].component));
    cr_expect_str_eq(steps_of(explanation, 0), keep_text("%s; %s", days, firsts[i].steps));
    cr_expect_eq(json_number_at(explanation, "inputs.planVersion"), 1);
  }
  cr_expect_str_eq(steps_of(explained(&tenant, "component = 'setup'"), 0), "25.00 = 25.00");
  cr_expect_str_eq(steps_of(explained(&tenant, "component = 'minimum' AND period_index = 0"), 0),
                   keep_text("%s; 500.00 × 3/7 = 214.29; 214.29 − 152.19 = 62.10", days));
  cr_expect_str_eq(
      steps_of(explained(&tenant, "component = 'flat' AND period_index = 1"), 0),
      keep_text("%s − %s = 7; %s − %s = 7; 31.00 = 31.00; 31.00 = 31.00", days_ago(-1), end, days_ago(-1), end));
  expect_sound_books(&tenant);
}

static const char minimal[] = "'billingCycle':'weekly','components':[{'code':'c','model':'flat','unitPrice':10}],"
                              "'minimumCommitment':'100.00'";

/* A period that was begun before its time has its own, at its own end (BILL-055). */
Test(explain, bill_025_the_minimum_of_a_renewed_period) {
  struct tenant tenant = tenant_new_test();
  const char *clock = test_clock_new(&tenant, "2027-03-01T12:00:00Z");
  const char *customer = customer_new(&tenant, "'testClockId':'%s'", clock);
  const char *id = json_at(api_post(&tenant, 201, "/api/billing/subscriptions",
                                    "{'customerId':'%s','planId':'%s','collection':'manual'}", customer,
                                    plan_with(&tenant, "%s", minimal)),
                           "id");
  api_post(&tenant, 200, keep_text("/api/billing/subscriptions/%s/renew", id), "{}");
  test_clock_advance(&tenant, clock, "2027-03-16T12:00:00Z");
  static const char *const days[] = {"2027-03-08 − 2027-03-01", "2027-03-15 − 2027-03-08"};
  for (int i = 0; i < 2; i++)
    cr_expect_str_eq(steps_of(explained(&tenant, keep_text("component = 'minimum' AND period_index = %d", i)), 0),
                     keep_text("%s = 7; %s = 7; 100.00 × 7/7 = 100.00; 100.00 − 10.00 = 90.00", days[i], days[i]));
  expect_sound_books(&tenant);
}

/* What was renewed before its time and ends before it begins owes nothing for what has not begun: 14.29 of one day in
 * seven are 4.29 more than was charged for it, and the 10.00 of the other make nothing up. */
Test(explain, bill_030_a_period_that_never_began_has_no_minimum) {
  struct tenant tenant = tenant_new();
  const char *id = subscribe(&tenant, plan_with(&tenant, "%s", minimal), keep_text("'startDate':'%s'", days_ago(1)));
  api_post(&tenant, 200, keep_text("/api/billing/subscriptions/%s/renew", id), "{}");
  api_post(&tenant, 200, keep_text("/api/billing/subscriptions/%s/cancel", id), "{'immediately':true}");
  await_lines(&tenant, 3);
  cr_expect_str_eq(sql_text(&tenant, "SELECT string_agg(period_index || ' ' || amount_minor, ', ') FROM invoice_items "
                                     "WHERE tenant_id = $1 AND component = 'minimum'"),
                   "0 429");
  expect_sound_books(&tenant);
}

Test(explain, bill_025_a_price_of_its_own) {
  struct tenant tenant = tenant_new();
  subscribe(&tenant, plan_with(&tenant, "'billingCycle':'weekly','price':'9.00'"),
            keep_text("'currentPrice':'7.50','quantity':2,'startDate':'%s'", days_ago(0)));
  await_lines(&tenant, 1);
  const json_t *own = explained(&tenant, "true");
  cr_expect_str_eq(json_at(own, "inputs.price"), "7.5");
  cr_expect_str_eq(json_at(own, "parts.0.computed"), "15.00");
  expect_sound_books(&tenant);
}

Test(explain, bill_025_lines_by_hand) {
  struct tenant tenant = tenant_new();
  const json_t *draft = api_post(&tenant, 201, "/api/billing/invoices",
                                 "{'customerId':'%s','currency':'USD','items':["
                                 "{'description':'Work','quantity':'2.5','unitPrice':'0.333'},"
                                 "{'description':'Off','quantity':1,'unitPrice':-0.5}]}",
                                 customer_new(&tenant, NULL));
  const json_t *work = explained(&tenant, "description = 'Work'");
  cr_expect_str_eq(steps_of(work, 0), "0.333 × 2.5 = 0.83");
  cr_expect_str_eq(json_at(work, "status"), "draft");
  cr_expect_null(json_at(work, "invoiceNumber"));
  cr_expect_str_eq(steps_of(explained(&tenant, "description = 'Off'"), 0), "-0.50 × 1 = -0.50");
  api_post(&tenant, 200, keep_text("/api/billing/invoices/%s/finalize", json_at(draft, "id")), "{}");
  cr_expect_str_eq(json_at(explained(&tenant, "description = 'Work'"), "invoiceNumber"), "INV-000001");
  expect_sound_books(&tenant);
}

/* -- changes, discounts, taxes -- */

static const char *thirty_days(const struct tenant *tenant, const char *basis, int price) {
  return plan_with(tenant, THIRTY_DAYS ",'prorationBasis':'%s','price':%d", basis, price);
}

/* 30 days at 3000.00 with 10 percent off and 19 percent of tax in the price; halfway to 6000.00, and back. */
static struct tenant change_there_and_back(const char *basis) {
  struct tenant tenant = tenant_new();
  sql_do(&tenant, "UPDATE tenants SET tax_rounding = 'line' WHERE id = $1");
  api_post(&tenant, 201, "/api/billing/tax-rates", "{'name':'VAT','code':'VAT','percentage':19,'inclusive':true}");
  api_post(&tenant, 201, "/api/billing/coupons", "{'code':'TENTH','percentOff':10,'duration':'forever'}");
  api_post(&tenant, 201, "/api/billing/coupons",
           "{'code':'FIFTY','amountOff':50,'currency':'USD','duration':'forever'}");
  const char *cheap = thirty_days(&tenant, basis, 3000), *dear = thirty_days(&tenant, basis, 6000);
  const char *id = subscribe(&tenant, cheap, keep_text("'startDate':'%s','coupons':['TENTH','FIFTY']", days_ago(15)));
  await_lines(&tenant, 1);
  const char *change = keep_text("/api/billing/subscriptions/%s/change-plan", id);
  api_post(&tenant, 200, change, "{'planId':'%s','when':'now','billing':'now'}", dear);
  await_lines(&tenant, 3);
  api_post(&tenant, 200, change, "{'planId':'%s','when':'now','billing':'now'}", cheap);
  await_lines(&tenant, 5);
  return tenant;
}

Test(explain, bill_022_a_change_there_and_back_with_discount_and_tax) {
  struct tenant tenant = change_there_and_back("day");
  const json_t *first = explained(&tenant, "revision = 0");
  cr_expect_str_eq(steps_of(first, 1), "3000.00 × 10/100 = 300.00; 300.00 × 3000.00/3000.00 = 300.00; 50.00 = 50.00; "
                                       "50.00 × 2700.00/2700.00 = 50.00");
  cr_expect_str_eq(steps_of(first, 2), "19 = 19; 2650.00 × 19/119 = 423.11; 350.00 − 350.00 × 19/119 = 294.12; "
                                       "3000.00 − 350.00 − 423.11 + 294.12 = 2521.01");
  const json_t *credit = explained(&tenant, "kind = 'credit' AND credits->>'revision' = '0'");
  cr_expect_str_eq(steps_of(credit, 0),
                   "3000.00 = 3000.00; 3000.00 − 3000.00 × 15/30 = 1500.00; 0 − 1500.00 = -1500.00");
  cr_expect_str_eq(steps_of(credit, 1), "350.00 × 1500.00/3000.00 − 0.00 = -175.00");
  cr_expect_str_eq(json_at(credit, "takesBack.itemId"), json_at(first, "itemId"));
  cr_expect_str_eq(json_at(credit, "takesBack.charged"), "3000.00");
  const json_t *charge = explained(&tenant, "kind = 'subscription' AND revision > 0 AND listed_minor = 300000");
  cr_expect(strstr(steps_of(charge, 0), "6000.00 = 6000.00; 6000.00 = 6000.00; 6000.00 − 6000.00 × 15/30 = 3000.00"),
            "%s", steps_of(charge, 0));
  expect_sound_books(&tenant);
}

Test(explain, bill_020_the_same_by_the_second) {
  struct tenant tenant = change_there_and_back("second");
  const json_t *credit = explained(&tenant, "kind = 'credit' AND credits->>'revision' = '0'");
  cr_expect(strstr(steps_of(credit, 0), "/2592000"), "%s", steps_of(credit, 0));
  expect_sound_books(&tenant);
}

/* Several subscriptions on one invoice, and a coupon of the one alone. */
Test(explain, bill_040_a_share_of_a_coupon_and_of_a_tax) {
  struct tenant tenant = tenant_new();
  api_post(&tenant, 201, "/api/billing/tax-rates", "{'name':'VAT','code':'VAT','percentage':'7.7'}");
  api_post(&tenant, 201, "/api/billing/coupons", "{'code':'FIVE','amountOff':5,'currency':'USD','duration':'once'}");
  subscribe(&tenant,
            plan_with(&tenant, "'billingCycle':'weekly','components':[{'code':'a','model':'flat','unitPrice':'10.01'},"
                               "{'code':'b','model':'flat','unitPrice':'20.02'}]"),
            keep_text("'coupons':['FIVE'],'startDate':'%s'", days_ago(0)));
  await_lines(&tenant, 2);
  const json_t *line = explained(&tenant, "component = 'b'");
  cr_expect_str_eq(steps_of(line, 1), "5.00 = 5.00; 5.00 × 20.02/30.03 = 3.33");
  cr_expect_str_eq(steps_of(line, 2), "7.7 = 7.7; 25.03 × 7.7/100 = 1.93; 16.69 × 7.7/100 = 1.29");
  cr_expect_str_eq(json_at(line, "discounts.0.left"), "5.00");
  expect_sound_books(&tenant);
}

/* -- what is not as it was billed -- */

/* Past the triggers that keep lines as they are. */
static void tamper(const char *assignment, const char *condition, const struct tenant *tenant) {
  sql_do(NULL, keep_text("BEGIN; SET LOCAL session_replication_role = replica; "
                         "UPDATE invoice_items SET %s WHERE tenant_id = '%s' AND %s; COMMIT",
                         assignment, tenant->id, condition));
}

Test(explain, bill_025_a_line_that_was_changed_does_not_match) {
  static const struct {
    const char *assignment;
    int part;
    const char *stored, *computed, *problem;
  } cases[] = {
      {"amount_minor = amount_minor + 1", 0, "10.01", "10.00", NULL},
      {"discount_minor = discount_minor - 1", 1, "0.99", "1.00", NULL},
      {"tax_minor = 0", 2, "0.00", "1.71", NULL},
      {"provenance = provenance::jsonb || '{\"price\":\"11\"}'", 0, "10.00", "11.00", NULL},
      {"provenance = provenance::jsonb || '{\"days\":6}'", 0, "10.00", NULL, "the calendar counts other days"},
      {"provenance = provenance::jsonb || '{\"anchor\":\"2001-01-01\"}'", 0, "10.00", NULL,
       "do not lie within the period"},
      {"provenance = provenance::jsonb || '{\"period\":2147483647,\"interval\":\"year\"}'", 0, "10.00", NULL,
       "year 9999"},
      {"provenance = provenance::jsonb || '{\"timeZone\":\"Nowhere/Land\"}'", 0, "10.00", NULL, "timeZone"},
      {"provenance = provenance::jsonb || '{\"model\":\"graduated\"}'", 0, "10.00", NULL, "unitPrice"},
      {"provenance = provenance::jsonb || '{\"intervalCount\":0}'", 0, "10.00", NULL, "intervalCount"},
      {"provenance = provenance::jsonb || '{\"interval\":\"month\",\"anchorDay\":0}'", 0, "10.00", NULL, "anchorDay"},
      {"provenance = '{\"planVersion\":1}'", 0, "10.00", NULL, "does not say how"},
      {"discounts = jsonb_set(discounts::jsonb, '{0,percentOff}', '\"20\"')", 1, "1.00", "2.00", NULL},
      {"discounts = jsonb_set(discounts::jsonb, '{0,percentOff}', '\"0\"')", 1, "1.00", NULL, "cannot have"},
      {"discounts = '[{}]'", 1, "1.00", NULL, "without its amount"},
      {"tax_rate_id = (SELECT id FROM tax_rates r WHERE r.tenant_id = invoice_items.tenant_id AND code = 'LESS')", 2,
       "1.71", NULL, "LESS is another"},
      {"tax_rate_id = (SELECT id FROM tax_rates r WHERE r.tenant_id = invoice_items.tenant_id AND code = 'BOOKS')", 2,
       "1.71", NULL, "BOOKS is for another place or tax code"},
  };
  struct tenant tenant = tenant_new();
  api_post(&tenant, 201, "/api/billing/tax-rates", "{'name':'VAT','code':'VAT','percentage':19}");
  api_post(&tenant, 201, "/api/billing/tax-rates", "{'name':'Less','code':'LESS','percentage':7,'country':'FR'}");
  api_post(&tenant, 201, "/api/billing/tax-rates", "{'name':'B','code':'BOOKS','percentage':19,'taxCode':'books'}");
  api_post(&tenant, 201, "/api/billing/coupons", "{'code':'TENTH','percentOff':10,'duration':'forever'}");
  subscribe(&tenant, plan_with(&tenant, "'billingCycle':'weekly','price':10"),
            keep_text("'coupons':['TENTH'],'startDate':'%s'", days_ago(0)));
  await_lines(&tenant, 1);
  const char *path = path_of(&tenant, "true");
  cr_expect_str_eq(json_at(explained(&tenant, "true"), "parts.2.steps.0.text"),
                   "The rate VAT (country any, region any, tax code any: the narrowest that fits) is 19 percent.");
  sql_do(NULL, "CREATE TEMP TABLE as_billed AS SELECT * FROM invoice_items WHERE false");
  sql_do(&tenant, "INSERT INTO as_billed SELECT * FROM invoice_items WHERE tenant_id = $1");
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    tamper(cases[i].assignment, "true", &tenant);
    const json_t *explanation = api_get(&tenant, 200, "%s", path);
    const json_t *part = json_node_at(explanation, keep_text("parts.%d", cases[i].part));
    const char *computed = json_at(part, "computed"), *problem = json_at(part, "problem");
    cr_expect(json_is_false(json_object_get(explanation, "matches")), "%s", cases[i].assignment);
    cr_expect(json_is_false(json_object_get(part, "matches")), "%s", cases[i].assignment);
    cr_expect_str_eq(json_at(part, "stored"), cases[i].stored, "%s", cases[i].assignment);
    cr_expect(cases[i].computed ? computed && strcmp(computed, cases[i].computed) == 0 : !computed, "%s: %s",
              cases[i].assignment, computed);
    cr_expect(cases[i].problem ? problem && strstr(problem, cases[i].problem) : !problem, "%s: %s", cases[i].assignment,
              problem);
    tamper("(amount_minor, discount_minor, tax_minor, provenance, discounts, tax_rate_id) = (SELECT amount_minor, "
           "discount_minor, tax_minor, provenance, discounts, tax_rate_id FROM as_billed)",
           "true", &tenant);
  }
  explained(&tenant, "true");
}

/* -- credit notes -- */

static const char *note_path(const struct tenant *tenant, const char *note, const char *invoice, const char *name) {
  const char *item = sql_text(
      tenant,
      keep_text("SELECT id FROM invoice_items WHERE tenant_id = $1 AND invoice_id = '%s' AND description = '%s'",
                invoice, name));
  return keep_text("/api/billing/credit-notes/%s/items/%s/explain", note, item);
}

static const char *note_on(const struct tenant *tenant, const char *invoice, const char *more) {
  return json_at(api_post(tenant, 201, "/api/billing/credit-notes", "{'invoiceId':'%s'%s}", invoice, more), "id");
}

/* 10.00 and 20.00 with 19 percent of tax each: 4.50 of all, 1.00 of the first, then the rest. */
Test(explain, bill_043_lines_of_credit_notes) {
  struct tenant tenant = tenant_new();
  api_post(&tenant, 201, "/api/billing/tax-rates", "{'name':'VAT','code':'VAT','percentage':19}");
  const json_t *draft = api_post(&tenant, 201, "/api/billing/invoices",
                                 "{'customerId':'%s','currency':'USD','items':[{'description':'A','unitPrice':10},"
                                 "{'description':'B','unitPrice':20}]}",
                                 customer_new(&tenant, NULL));
  const char *invoice = json_at(draft, "id");
  api_post(&tenant, 200, keep_text("/api/billing/invoices/%s/finalize", invoice), "{}");
  const char *some = note_on(&tenant, invoice, ",'amount':'4.50'");
  const char *one =
      note_on(&tenant, invoice, keep_text(",'items':[{'itemId':'%s','amount':1}]", json_at(draft, "items.0.id")));
  const char *rest = note_on(&tenant, invoice, "");
  const struct {
    const char *note, *line, *amount, *tax;
  } cases[] = {
      {some, "A", "10.00 − 0.00 = 10.00; 4.50 × 10.00/30.00 = 1.50", "1.90 × 1.50/10.00 − 0.00 = 0.29"},
      {some, "B", "20.00 − 0.00 = 20.00; 4.50 × 20.00/30.00 = 3.00", "3.80 × 3.00/20.00 − 0.00 = 0.57"},
      {one, "A", "10.00 − 1.50 = 8.50; 1.00 = 1.00", "1.90 × 2.50/10.00 − 0.29 = 0.19"},
      {rest, "A", "10.00 − 2.50 = 7.50", "1.90 − 0.48 = 1.42"},
      {rest, "B", "20.00 − 3.00 = 17.00", "3.80 − 0.57 = 3.23"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    const json_t *explanation = api_get(&tenant, 200, "%s", note_path(&tenant, cases[i].note, invoice, cases[i].line));
    cr_expect(json_is_true(json_object_get(explanation, "matches")), "case %zu", i);
    cr_expect_str_eq(steps_of(explanation, 0), cases[i].amount);
    cr_expect_str_eq(steps_of(explanation, 1), cases[i].tax);
  }
  api_get(&tenant, 404, "%s", note_path(&tenant, one, invoice, "B"));
  sql_do(NULL,
         keep_text("BEGIN; SET LOCAL session_replication_role = replica; UPDATE credit_note_items SET tax_minor = "
                   "tax_minor + 1 WHERE credit_note_id = '%s'; UPDATE credit_notes SET provenance = provenance || "
                   "'{\"basis\":\"none\"}' WHERE id = '%s'; COMMIT",
                   one, some));
  const json_t *changed = api_get(&tenant, 200, "%s", note_path(&tenant, one, invoice, "A"));
  cr_expect(json_is_true(json_node_at(changed, "parts.0.matches")));
  cr_expect(json_is_false(json_node_at(changed, "parts.1.matches")));
  cr_expect_str_eq(json_at(changed, "parts.1.computed"), "0.19");
  struct answer broken = api_call(&tenant, "GET", note_path(&tenant, some, invoice, "A"), NULL);
  cr_expect_eq(broken.status, 500, "%s", broken.text);
}

Test(explain, a_line_that_is_not_there_is_404) {
  struct tenant tenant = tenant_new(), other = tenant_new();
  const char *plan = plan_with(&tenant, "'billingCycle':'weekly','price':10");
  subscribe(&tenant, plan, keep_text("'startDate':'%s'", days_ago(8)));
  billing_run(&tenant);
  await_lines(&tenant, 2);
  const char *first = path_of(&tenant, "period_index = 0"), *second = path_of(&tenant, "period_index = 1");
  const char *item = strstr(second, "/items/");
  api_get(&tenant, 200, "%s", first);
  api_get(&other, 404, "%s", first);
  api_get(&tenant, 404, "%.*s%s", (int)(strstr(first, "/items/") - first), first, item);
  api_get(&tenant, 404, "%.*s/items/%s/explain", (int)(strstr(first, "/items/") - first), first, new_id());
  api_get(&tenant, 404, "/api/billing/invoices/%s%s", new_id(), item);
  api_get(&tenant, 400, "%.*s/items/none/explain", (int)(strstr(first, "/items/") - first), first);
  cr_expect_eq(api_call(&tenant, "POST", first, "{}").status, 405);
}
