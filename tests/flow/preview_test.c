/* BILL-052: a preview is the invoice that the change then makes, line by line and to the cent, and writes nothing. Each
 * kind of change meets each kind of coupon; tax, exemption and account credit go round. */
#include <stdlib.h>

#include "flow.h"

TestSuite(preview, .timeout = 300);

/* What a tenant's cases share. */
struct shop {
  struct tenant tenant;
  const char *clock, *plan, *dear, *cheap, *add_on, *weekly, *yearly;
  const char *half, *five, *three, *hundred; /* coupons */
};

struct preview_case {
  const char *name, *customer, *subscription;
  const json_t *preview;
};

static const char *made(const struct tenant *tenant, const char *path, const char *body) {
  return json_at(api_post(tenant, 201, path, "%s", body), "id");
}

static const char *plan_of(const struct tenant *tenant, const char *price, const char *interval, const char *more) {
  return made(tenant, "/api/plans",
              keep_text("{'code':'p-%s','name':'Plan %s','currency':'USD',%s,%s'components':["
                        "{'code':'base','model':'per_unit','timing':'advance','unitPrice':'%s'},"
                        "{'code':'seats','model':'volume','timing':'advance','taxCode':'books','tiers':["
                        "{'upTo':2,'unitPrice':'1.11','flatFee':'0.50'},{'upTo':null,'unitPrice':'0.99'}]},"
                        "{'code':'after','model':'flat','timing':'arrears','unitPrice':'2.22'}]}",
                        new_id(), price, interval, more, price));
}

static const char *coupon(const struct tenant *tenant, const char *members) {
  const char *code = keep_text("C%s", new_id());
  made(tenant, "/api/billing/coupons", keep_text("{'code':'%s',%s}", code, members));
  return code;
}

static struct shop shop_new(const char *rounding, const char *rates) {
  static const char *const thirty = "'interval':'day','intervalCount':30", *const week = "'billingCycle':'weekly'";
  struct shop shop = {.tenant = tenant_new_test()};
  const struct tenant *tenant = &shop.tenant;
  sql_do(tenant, keep_text("UPDATE tenants SET tax_rounding = '%s' WHERE id = $1", rounding));
  made(tenant, "/api/billing/tax-rates",
       keep_text("{'code':'A','name':'A','percentage':'19','country':'DE',%s}", rates));
  made(tenant, "/api/billing/tax-rates",
       keep_text("{'code':'B','name':'B','percentage':'7.7','country':'DE','taxCode':'books',%s}", rates));
  shop.clock = test_clock_new(tenant, "2030-09-01T00:00:00Z");
  shop.plan = plan_of(tenant, "19.95", thirty, "");
  shop.dear = plan_of(tenant, "33.33", thirty, "");
  shop.cheap = plan_of(tenant, "7.77", thirty, "");
  shop.add_on = plan_of(tenant, "4.44", thirty, "'setupFee':'2.50',");
  shop.weekly = plan_of(tenant, "5.55", week, "");
  shop.yearly = plan_of(tenant, "199.99", "'billingCycle':'yearly'", "");
  shop.half = coupon(tenant, "'percentOff':'12.5','duration':'forever'");
  shop.five = coupon(tenant, "'amountOff':'5.00','currency':'USD','duration':'once'");
  shop.three = coupon(tenant, "'amountOff':'3.33','currency':'USD','duration':'repeating','durationInPeriods':2");
  shop.hundred = coupon(tenant, "'amountOff':'100.00','currency':'USD','duration':'forever'");
  return shop;
}

enum { COUPONS = 5, CHANGES = 11 };

static const char *coupons_of(const struct shop *shop, int which) {
  switch (which) {
  case 1: return keep_text("'%s'", shop->half);
  case 2: return keep_text("'%s'", shop->five);
  case 3: return keep_text("'%s','%s'", shop->half, shop->three);
  case 4: return keep_text("'%s'", shop->hundred);
  }
  return "";
}

static const char *change_of(const struct shop *shop, int which) {
  switch (which) {
  case 0: return keep_text("{'planId':'%s'}", shop->dear);
  case 1: return "{'quantity':5}";
  case 2: return "{'quantity':'1.5','when':'now'}";
  case 3: return keep_text("{'items':[{'planId':'%s','quantity':2}]}", shop->add_on);
  case 4: return keep_text("{'planId':'%s','when':'now','billing':'now'}", shop->cheap);
  case 5: return keep_text("{'planId':'%s','when':'now'}", shop->cheap);
  case 6: return keep_text("{'planId':'%s','quantity':3,'when':'now','billing':'next_invoice'}", shop->dear);
  case 7: return keep_text("{'planId':'%s'}", shop->cheap);
  case 8: return keep_text("{'planId':'%s','when':'now'}", shop->weekly);
  case 9: return "{'immediately':true}";
  }
  return "{'immediately':false}";
}

/* round: which of those to whom something else happens, too. */
static struct preview_case begin_case(const struct shop *shop, const char *plan, int coupons, int round) {
  static const char *const credits[] = {NULL, "3.00", "500.00"};
  struct preview_case c = {.name = keep_text("case %d, coupons %d", round / COUPONS, coupons)};
  const char *credit = credits[round % 3];
  c.customer = customer_new(&shop->tenant, "'testClockId':'%s','address':{'country':'DE'},'taxExempt':%s", shop->clock,
                            round % 5 == 4 ? "true" : "false");
  c.subscription = made(&shop->tenant, "/api/billing/subscriptions",
                        keep_text("{'customerId':'%s','planId':'%s','quantity':2,'coupons':[%s]}", c.customer, plan,
                                  coupons_of(shop, coupons)));
  if (credit)
    made(&shop->tenant, keep_text("/api/billing/customers/%s/credits", c.customer),
         keep_text("{'amount':'%s','currency':'USD','reason':'gift'}", credit));
  return c;
}

/* All that a change could touch of a tenant. */
static const char *traces(const struct tenant *tenant) {
  static const char *const tables[] = {
      "subscriptions", "subscription_items", "subscription_coupons", "coupons",           "coupon_uses",
      "credit_grants", "credit_uses",        "pending_lines",        "invoices",          "invoice_items",
      "credit_notes",  "ledger_entries",     "customer_billing",     "scheduled_changes", "invoice_series"};
  const char *text = "";
  for (size_t i = 0; i < sizeof tables / sizeof *tables; i++)
    text = keep_text(
        "%s %s", text,
        sql_text(tenant, keep_text("SELECT count(*) || COALESCE(md5(string_agg(t::text, ';' ORDER BY t::text)), '') "
                                   "FROM %s t WHERE tenant_id = $1",
                                   tables[i])));
  return text;
}

static bool is_same(const json_t *a, const json_t *b) {
  if (json_is_number(a) && json_is_number(b)) return json_number_value(a) == json_number_value(b);
  return json_equal(a, b);
}

static const char *text_of(const json_t *value) {
  char *text = value ? json_dumps(value, JSON_ENCODE_ANY) : NULL, *kept = keep_text("%s", text ? text : "there");
  free(text);
  return kept;
}

static void expect_members(const json_t *shown, const json_t *real, const char *name) {
  const char *key;
  json_t *value;
  json_object_foreach((json_t *)(uintptr_t)shown, key, value) {
    const json_t *other = json_object_get(real, key);
    if (strcmp(key, "items") == 0) continue;
    cr_expect(other && is_same(value, other), "%s: %s is %s, not %s", name, key, text_of(value), text_of(other));
  }
}

static void expect_lines(const struct preview_case *c, const json_t *shown, const json_t *real) {
  const json_t *lines = json_object_get(shown, "items"), *real_lines = json_object_get(real, "items");
  cr_assert_eq(json_array_size(lines), json_array_size(real_lines), "%s: lines", c->name);
  for (size_t i = 0; i < json_array_size(lines); i++)
    expect_members(json_array_get(lines, i), json_array_get(real_lines, i), keep_text("%s, line %zu", c->name, i));
}

/* Whatever the preview shows, the invoice has. */
static void expect_invoice(const struct preview_case *c, const json_t *shown, const json_t *real) {
  expect_members(shown, real, c->name);
  expect_lines(c, shown, real);
}

static int64_t invoices_of(const struct shop *shop, const struct preview_case *c) {
  return sql_int(&shop->tenant,
                 keep_text("SELECT count(*) FROM invoices WHERE tenant_id = $1 AND customer_id = '%s'", c->customer));
}

/* Counted from 0, by number. */
static const json_t *invoice_of(const struct shop *shop, const struct preview_case *c, size_t which) {
  return api_get(
      &shop->tenant, 200, "/api/billing/invoices/%s",
      sql_text(&shop->tenant, keep_text("SELECT id FROM invoices WHERE tenant_id = $1 AND customer_id = '%s' "
                                        "ORDER BY number OFFSET %zu LIMIT 1",
                                        c->customer, which)));
}

static void preview_all(const struct shop *shop, struct preview_case *cases) {
  const char *before = traces(&shop->tenant);
  for (int n = 0; n < CHANGES * COUPONS; n++)
    cases[n].preview =
        api_post(&shop->tenant, 200, keep_text("/api/billing/subscriptions/%s/preview", cases[n].subscription), "%s",
                 change_of(shop, n / COUPONS));
  cr_expect_str_eq(traces(&shop->tenant), before, "a preview writes nothing");
}

static void change(const struct shop *shop, const struct preview_case *c, int change) {
  const char *verb = change >= CHANGES - 2 ? "cancel" : "change-plan";
  api_post(&shop->tenant, 200, keep_text("/api/billing/subscriptions/%s/%s", c->subscription, verb), "%s",
           change_of(shop, change));
}

/* The invoices that come after those that were there before. */
static void expect_invoices(const struct shop *shop, const struct preview_case *c, size_t before) {
  const json_t *shown = json_node_at(c->preview, "invoices");
  for (size_t i = 0; i < json_array_size(shown); i++)
    expect_invoice(c, json_array_get(shown, i), invoice_of(shop, c, before + i));
}

/* And so have its drafts, which come after the one that was under way: the same lines, with the same discounts. */
static void expect_drafts(const struct shop *shop, const struct preview_case *c) {
  const json_t *shown = json_node_at(c->preview, "invoices");
  const json_t *drafts =
      sql_rows(&shop->tenant, NULL,
               keep_text("SELECT id FROM invoices WHERE tenant_id = $1 AND customer_id = '%s' AND status = 'draft' "
                         "ORDER BY auto_finalise_at OFFSET 1",
                         c->customer));
  cr_assert_eq(json_array_size(shown), json_array_size(drafts), "%s: drafts", c->name);
  for (size_t i = 0; i < json_array_size(shown); i++)
    expect_lines(c, json_array_get(shown, i),
                 api_get(&shop->tenant, 200, "/api/billing/invoices/%s", json_at(json_array_get(drafts, i), "0")));
}

/* Of a change, with account credit that it will have used up. */
static void begin_draft(const struct shop *shop, const struct preview_case *c) {
  made(&shop->tenant, keep_text("/api/billing/customers/%s/credits", c->customer),
       "{'amount':'4.00','currency':'USD','reason':'gift'}");
  api_post(&shop->tenant, 200, keep_text("/api/billing/subscriptions/%s/change-plan", c->subscription),
           "{'quantity':3,'when':'now','billing':'now'}");
}

/* With hours of drafts, another change is a draft under way when the preview is made: it comes first. */
static void expect_previews(const char *rounding, const char *rates, int draft_hours) {
  struct shop shop = shop_new(rounding, rates);
  struct preview_case cases[CHANGES * COUPONS];
  size_t before = draft_hours ? 2 : 1;
  int compared = 0;
  sql_do(&shop.tenant, keep_text("UPDATE tenants SET draft_hours = %d WHERE id = $1", draft_hours));
  for (int n = 0; n < CHANGES * COUPONS; n++) cases[n] = begin_case(&shop, shop.plan, n % COUPONS, n);
  test_clock_advance(&shop.tenant, shop.clock, "2030-09-14T11:00:00Z");
  for (int n = 0; draft_hours && n < CHANGES * COUPONS; n++) begin_draft(&shop, &cases[n]);
  test_clock_advance(&shop.tenant, shop.clock, "2030-09-14T12:00:00Z");
  preview_all(&shop, cases);
  for (int n = 0; n < CHANGES * COUPONS; n++) change(&shop, &cases[n], n / COUPONS);
  test_clock_advance(&shop.tenant, shop.clock, "2030-09-14T13:00:00Z");
  for (int n = 0; draft_hours && n < CHANGES * COUPONS; n++) expect_drafts(&shop, &cases[n]);
  test_clock_advance(&shop.tenant, shop.clock, "2030-09-16T12:00:00Z");
  for (int n = 0; n < CHANGES * COUPONS; n++) expect_invoices(&shop, &cases[n], before);
  test_clock_advance(&shop.tenant, shop.clock, "2030-10-02T12:00:00Z");
  for (int n = 0; n < CHANGES * COUPONS; n++) {
    const json_t *next = json_node_at(cases[n].preview, "nextInvoice");
    if (!json_is_object(next)) continue;
    expect_invoice(&cases[n], next,
                   invoice_of(&shop, &cases[n], before + json_array_size(json_node_at(cases[n].preview, "invoices"))));
    compared++;
  }
  cr_expect_geq(compared, 4 * COUPONS);
  expect_sound_books(&shop.tenant);
}

Test(preview, is_the_invoice_with_exclusive_tax) {
  expect_previews("total", "'inclusive':false", 0);
}

Test(preview, is_the_invoice_with_inclusive_tax) {
  expect_previews("line", "'inclusive':true", 0);
}

Test(preview, bill_071_counts_drafts_under_way) {
  expect_previews("total", "'inclusive':false", 24);
}

/* The first invoice, with the whole of a fixed coupon, is a draft still when the plan changes: what its credit takes
 * back of the coupon is all that there is for the new charge. */
Test(preview, bill_071_a_draft_has_what_drafts_before_it_leave_of_a_coupon) {
  struct shop shop = shop_new("total", "'inclusive':false");
  struct preview_case c = {.name = "a draft after a draft", .customer = NULL};
  sql_do(&shop.tenant, "UPDATE tenants SET draft_hours = 480 WHERE id = $1");
  c.customer = customer_new(&shop.tenant, "'testClockId':'%s'", shop.clock);
  c.subscription = made(
      &shop.tenant, "/api/billing/subscriptions",
      keep_text("{'customerId':'%s','planId':'%s','quantity':2,'coupons':['%s']}", c.customer, shop.plan, shop.five));
  test_clock_advance(&shop.tenant, shop.clock, "2030-09-11T12:00:00Z");
  const char *upgrade = keep_text("{'planId':'%s','when':'now','billing':'now'}", shop.dear);
  const char *path = keep_text("/api/billing/subscriptions/%s", c.subscription);
  c.preview = api_post(&shop.tenant, 200, keep_text("%s/preview", path), "%s", upgrade);
  api_post(&shop.tenant, 200, keep_text("%s/change-plan", path), "%s", upgrade);
  test_clock_advance(&shop.tenant, shop.clock, "2030-09-11T13:00:00Z");
  expect_drafts(&shop, &c);
  test_clock_advance(&shop.tenant, shop.clock, "2030-10-02T13:00:00Z");
  expect_invoices(&shop, &c, 1);
  expect_sound_books(&shop.tenant);
}

/* BILL-055: at the end of a period with a renewed one after it only what waits is billed; else the next invoice is that
 * of the first boundary after all of them. */
Test(preview, bill_055_finds_the_next_invoice_of_what_was_renewed_early) {
  static const char *const bodies[] = {"{'quantity':5,'when':'now','billing':'next_invoice'}",
                                       "{'quantity':5,'when':'period_end'}"};
  static const char *const days[] = {"2030-10-01", "2030-11-01"};
  struct shop shop = shop_new("total", "'inclusive':false");
  struct preview_case cases[2];
  const char *plan = plan_new(&shop.tenant, "10.00", "USD", "monthly");
  for (int n = 0; n < 2; n++) {
    cases[n] = begin_case(&shop, plan, 0, 0);
    api_post(&shop.tenant, 200, keep_text("/api/billing/subscriptions/%s/renew", cases[n].subscription), "{}");
  }
  test_clock_advance(&shop.tenant, shop.clock, "2030-09-14T12:00:00Z");
  for (int n = 0; n < 2; n++) {
    const char *subscription = keep_text("/api/billing/subscriptions/%s", cases[n].subscription);
    cases[n].preview = api_post(&shop.tenant, 200, keep_text("%s/preview", subscription), "%s", bodies[n]);
    api_post(&shop.tenant, 200, keep_text("%s/change-plan", subscription), "%s", bodies[n]);
  }
  test_clock_advance(&shop.tenant, shop.clock, "2030-11-02T12:00:00Z");
  for (int n = 0; n < 2; n++) {
    const json_t *real = invoice_of(&shop, &cases[n], 2);
    expect_invoice(&cases[n], json_node_at(cases[n].preview, "nextInvoice"), real);
    cr_expect_str_eq(json_at(real, "issueDate"), days[n]);
  }
  expect_sound_books(&shop.tenant);
}

/* However many drafts come first: what they use of account credit is not there for the next invoice. */
Test(preview, bill_071_counts_all_drafts_under_way) {
  enum { DAYS = 210 };
  struct tenant tenant = tenant_new();
  const char *customer = customer_new(&tenant, NULL);
  sql_do(&tenant, "UPDATE tenants SET draft_hours = 24 WHERE id = $1");
  const char *subscription =
      subscription_new(&tenant, customer, plan_new(&tenant, "1.00", "USD", "daily"), days_ago(DAYS));
  billing_run(&tenant);
  WAIT_UNTIL(sql_int(&tenant, "SELECT count(*) FROM invoices WHERE tenant_id = $1 AND status = 'draft'") == DAYS + 1,
             "a draft for each day");
  made(&tenant, keep_text("/api/billing/customers/%s/credits", customer),
       keep_text("{'amount':'%d.50','currency':'USD','reason':'gift'}", DAYS + 1));
  const char *path = keep_text("/api/billing/subscriptions/%s/preview", subscription);
  const json_t *preview = api_post(&tenant, 200, path, "{'quantity':2,'when':'period_end'}");
  cr_expect_eq(json_number_at(preview, "nextInvoice.totalAmount"), 2);
  cr_expect_eq(json_number_at(preview, "nextInvoice.creditApplied"), 0.5);
}

/* More than a preview can hold is said, not left out. */
Test(preview, bill_071_refuses_what_it_cannot_compute_exactly) {
  struct tenant tenant = tenant_new();
  const char *customer = customer_new(&tenant, NULL);
  const char *subscription =
      subscription_new(&tenant, customer, plan_new(&tenant, "1.00", "USD", "daily"), days_ago(0));
  sql_do(&tenant, keep_text("INSERT INTO invoices (tenant_id, id, customer_id, status, currency, subtotal_minor, "
                            "total_minor, collection, issue_date, due_date, auto_finalise_at, created_at, updated_at) "
                            "SELECT $1::uuid, gen_random_uuid(), '%s', 'draft', 'USD', 0, 0, 'manual', current_date, "
                            "current_date, now() + interval '1 day', now(), now() FROM generate_series(1, 100)",
                            customer));
  sql_do(&tenant,
         "INSERT INTO invoice_items (tenant_id, invoice_id, line, id, kind, description, quantity, unit_price, "
         "amount_minor, provenance) SELECT tenant_id, id, n, gen_random_uuid(), 'fee', 'Fee', 1, 0, 0, '{}' "
         "FROM invoices, generate_series(1, 201) n WHERE tenant_id = $1 AND status = 'draft'");
  const json_t *error = api_post(&tenant, 409, keep_text("/api/billing/subscriptions/%s/preview", subscription),
                                 "{'quantity':2,'when':'period_end'}");
  cr_expect(strstr(json_at(error, "message"), "20100 lines"), "%s", json_at(error, "message"));
}

/* -- of a cancellation: its credit notes, and its last invoice -- */

enum { LIVES = 10, CANCELLED = LIVES * COUPONS / 3 };

/* What happened in the period before it is cancelled. What cannot be done (an invoice of nothing has nothing to be paid
 * or credited) is left. */
static void live(const struct shop *shop, const struct preview_case *c, int life) {
  const struct tenant *tenant = &shop->tenant;
  const char *invoice = json_at(invoice_of(shop, c, 0), "id");
  const char *subscription = keep_text("/api/billing/subscriptions/%s", c->subscription);
  const char *pay = keep_text("/api/billing/invoices/%s/payment", invoice);
  switch (life) {
  case 1: api_call(tenant, "POST", "/api/billing/credit-notes", "{'invoiceId':'%s','amount':'5.01'}", invoice); break;
  case 2: api_call(tenant, "POST", pay, "{'amount':'7.00'}"); break;
  case 3: api_call(tenant, "POST", pay, "{'amount':'900.00'}"); break;
  case 4:
    api_post(tenant, 200, keep_text("%s/change-plan", subscription), "{'planId':'%s','billing':'now'}", shop->dear);
    break;
  case 5:
    api_post(tenant, 200, keep_text("%s/change-plan", subscription),
             "{'planId':'%s','when':'now','billing':'next_invoice'}", shop->cheap);
    break;
  case 6: api_post(tenant, 200, keep_text("%s/renew", subscription), "{}"); break;
  case 7:
    api_post(tenant, 200, keep_text("%s/change-plan", subscription), "{'planId':'%s','when':'now','billing':'now'}",
             shop->cheap);
    break;
  case 8:
    api_call(tenant, "POST", "/api/billing/credit-notes", "{'invoiceId':'%s','amount':'19.00','disposition':'refund'}",
             invoice);
    api_call(tenant, "POST", pay, "{'amount':'900.00'}");
    break;
  }
}

static const json_t *notes_of(const struct shop *shop, const struct preview_case *c, size_t before) {
  json_t *notes = keep_json(json_array());
  const json_t *ids = sql_rows(&shop->tenant, NULL,
                               keep_text("SELECT id FROM credit_notes WHERE tenant_id = $1 AND customer_id = '%s' "
                                         "ORDER BY number OFFSET %zu",
                                         c->customer, before));
  for (size_t i = 0; i < json_array_size(ids); i++)
    json_array_append(notes, (json_t *)(uintptr_t)api_get(&shop->tenant, 200, "/api/billing/credit-notes/%s",
                                                          json_at(json_array_get(ids, i), "0")));
  return notes;
}

static size_t expect_notes(const struct shop *shop, const struct preview_case *c, size_t before) {
  const json_t *shown = json_node_at(c->preview, "creditNotes"), *real = notes_of(shop, c, before);
  cr_assert_eq(json_array_size(shown), json_array_size(real), "%s: %zu credit notes instead of %zu", c->name,
               json_array_size(real), json_array_size(shown));
  for (size_t i = 0; i < json_array_size(shown); i++)
    expect_invoice(c, json_array_get(shown, i), json_array_get(real, i));
  return json_array_size(shown);
}

static int life_of(int n, int third) {
  return (3 * n + third) / COUPONS;
}

/* With hours of drafts, what was changed on the day of the cancellation is a draft under way. Of all lives with all
 * mixes of coupons each test has every third. */
static void expect_cancellations(const char *rounding, const char *rates, int draft_hours, int third) {
  static const char cancel[] = "{'immediately':true,'prorate':true}";
  struct shop shop = shop_new(rounding, rates);
  struct preview_case cases[CANCELLED];
  size_t notes_before[CANCELLED], invoices_before[CANCELLED], compared = 0;
  sql_do(&shop.tenant, keep_text("UPDATE tenants SET draft_hours = %d WHERE id = $1", draft_hours));
  for (int n = 0; n < CANCELLED; n++)
    cases[n] = begin_case(&shop, life_of(n, third) == 9 ? shop.yearly : shop.plan, (3 * n + third) % COUPONS, n);
  test_clock_advance(&shop.tenant, shop.clock, "2030-09-16T12:00:00Z");
  for (int n = 0; n < CANCELLED; n++) live(&shop, &cases[n], life_of(n, third));
  test_clock_advance(&shop.tenant, shop.clock, "2030-09-16T12:01:00Z");
  const char *before = traces(&shop.tenant);
  for (int n = 0; n < CANCELLED; n++) {
    cases[n].preview = api_post(
        &shop.tenant, 200, keep_text("/api/billing/subscriptions/%s/preview", cases[n].subscription), "%s", cancel);
    notes_before[n] = json_array_size(notes_of(&shop, &cases[n], 0));
    invoices_before[n] = (size_t)invoices_of(&shop, &cases[n]);
  }
  cr_expect_str_eq(traces(&shop.tenant), before, "a preview writes nothing");
  for (int n = 0; n < CANCELLED; n++)
    api_post(&shop.tenant, 200, keep_text("/api/billing/subscriptions/%s/cancel", cases[n].subscription), "%s", cancel);
  test_clock_advance(&shop.tenant, shop.clock, "2030-09-18T12:00:00Z");
  for (int n = 0; n < CANCELLED; n++) {
    compared += expect_notes(&shop, &cases[n], notes_before[n]);
    cr_expect_eq(invoices_of(&shop, &cases[n]),
                 (int64_t)(invoices_before[n] + json_array_size(json_node_at(cases[n].preview, "invoices"))), "%s",
                 cases[n].name);
    expect_invoices(&shop, &cases[n], invoices_before[n]);
  }
  cr_expect_geq(compared, CANCELLED / 2);
  expect_sound_books(&shop.tenant);
}

Test(preview, bill_043_is_the_credit_note_with_exclusive_tax) {
  expect_cancellations("total", "'inclusive':false", 0, 0);
}

Test(preview, bill_043_is_the_credit_note_with_inclusive_tax) {
  expect_cancellations("line", "'inclusive':true", 0, 1);
}

Test(preview, bill_043_is_the_credit_note_while_drafts_are_under_way) {
  expect_cancellations("total", "'inclusive':false", 24, 2);
}
