/* BILL-052: a preview is the invoice that the change then makes, line by line and to the cent, and writes nothing. Each
 * kind of change meets each kind of coupon; tax, exemption and account credit go round. */
#include <stdlib.h>

#include "flow.h"

TestSuite(preview, .timeout = 300);

/* What a tenant's cases share. */
struct shop {
  struct tenant tenant;
  const char *clock, *plan, *dear, *cheap, *add_on, *weekly;
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

static struct preview_case begin_case(const struct shop *shop, int change, int coupons) {
  static const char *const credits[] = {NULL, "3.00", "500.00"};
  struct preview_case c = {.name = keep_text("change %d, coupons %d", change, coupons)};
  int round = change * COUPONS + coupons;
  const char *credit = credits[round % 3];
  c.customer = customer_new(&shop->tenant, "'testClockId':'%s','address':{'country':'DE'},'taxExempt':%s", shop->clock,
                            round % 5 == 4 ? "true" : "false");
  c.subscription = made(&shop->tenant, "/api/billing/subscriptions",
                        keep_text("{'customerId':'%s','planId':'%s','quantity':2,'coupons':[%s]}", c.customer,
                                  shop->plan, coupons_of(shop, coupons)));
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

/* Whatever the preview shows, the invoice has. */
static void expect_invoice(const struct preview_case *c, const json_t *shown, const json_t *real) {
  const json_t *lines = json_object_get(shown, "items"), *real_lines = json_object_get(real, "items");
  expect_members(shown, real, c->name);
  cr_assert_eq(json_array_size(lines), json_array_size(real_lines), "%s: lines", c->name);
  for (size_t i = 0; i < json_array_size(lines); i++)
    expect_members(json_array_get(lines, i), json_array_get(real_lines, i), keep_text("%s, line %zu", c->name, i));
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

static void change_and_compare(const struct shop *shop, const struct preview_case *c, int change) {
  const json_t *shown = json_node_at(c->preview, "invoices");
  const char *verb = change >= CHANGES - 2 ? "cancel" : "change-plan";
  api_post(&shop->tenant, 200, keep_text("/api/billing/subscriptions/%s/%s", c->subscription, verb), "%s",
           change_of(shop, change));
  cr_assert_leq(json_array_size(shown), 1, "%s", c->name);
  if (json_array_size(shown) == 0) return;
  WAIT_UNTIL(invoices_of(shop, c) == 2, "%s: the invoice", c->name);
  expect_invoice(c, json_array_get(shown, 0), invoice_of(shop, c, 1));
}

static void expect_previews(const char *rounding, const char *rates) {
  struct shop shop = shop_new(rounding, rates);
  struct preview_case cases[CHANGES * COUPONS];
  for (int n = 0; n < CHANGES * COUPONS; n++) cases[n] = begin_case(&shop, n / COUPONS, n % COUPONS);
  test_clock_advance(&shop.tenant, shop.clock, "2030-09-16T12:00:00Z");
  preview_all(&shop, cases);
  for (int n = 0; n < CHANGES * COUPONS; n++) change_and_compare(&shop, &cases[n], n / COUPONS);
  test_clock_advance(&shop.tenant, shop.clock, "2030-10-01T12:00:00Z");
  int compared = 0;
  for (int n = 0; n < CHANGES * COUPONS; n++) {
    const json_t *next = json_node_at(cases[n].preview, "nextInvoice");
    if (!json_is_object(next)) continue;
    expect_invoice(&cases[n], next,
                   invoice_of(&shop, &cases[n], 1 + json_array_size(json_node_at(cases[n].preview, "invoices"))));
    compared++;
  }
  cr_expect_geq(compared, 4 * COUPONS);
  expect_sound_books(&shop.tenant);
}

Test(preview, is_the_invoice_with_exclusive_tax) {
  expect_previews("total", "'inclusive':false");
}

Test(preview, is_the_invoice_with_inclusive_tax) {
  expect_previews("line", "'inclusive':true");
}
