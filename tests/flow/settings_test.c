/* GET and PATCH /api/settings: what a tenant sets holds for what is made from then on. */
#include "flow.h"

TestSuite(settings, .timeout = 120);

static const char *tag_of(const struct tenant *tenant) {
  struct answer answer = api_call(tenant, "GET", "/api/settings", NULL);
  cr_assert_eq(answer.status, 200, "%s", answer.text);
  const char *tag = answer_header(&answer, "ETag");
  cr_assert_not_null(tag);
  return tag;
}

static const json_t *set(const struct tenant *tenant, const char *body) {
  struct answer answer = api_call(tenant, "PATCH", "/api/settings", "%s", body);
  cr_assert_eq(answer.status, 200, "%s: %d %s", body, answer.status, answer.text);
  return json_node_at(answer.json, "data");
}

static int64_t setting_changes(const struct tenant *tenant) {
  return sql_int(tenant, "SELECT count(*) FROM audit_log WHERE tenant_id = $1 AND action = 'settings.update'");
}

Test(settings, are_shown_changed_in_part_and_audited) {
  struct tenant tenant = tenant_new();
  const json_t *shown = api_get(&tenant, 200, "/api/settings");
  cr_expect_str_eq(json_at(shown, "timeZone"), "UTC");
  cr_expect_str_eq(json_at(shown, "taxRounding"), "total");
  cr_expect_eq(json_number_at(shown, "draftHours"), 0);
  const char *first = tag_of(&tenant);
  const json_t *changed =
      set(&tenant, "{'seller':{'name':'Acme ™ GmbH','email':'bills@acme.example','address':{'line1':'Weg 1',"
                   "'city':'Köln','country':'DE'},'taxIds':[{'type':'eu_vat','value':'DE1'}],"
                   "'bankDetails':'IBAN DE00\\nBIC X','footer':null},'timeZone':'Europe/Berlin',"
                   "'locale':'de-DE','currency':'EUR','taxRounding':'line','taxCountry':'DE',"
                   "'invoiceSeries':'RE-26','creditNoteSeries':'GU','draftHours':24,'netTermsDays':14,"
                   "'billingSchedule':{'enabled':true,'hourOfDay':5}}");
  cr_expect_eq(json_number_at(changed, "version"), json_number_at(shown, "version") + 1);
  cr_expect_str_eq(json_at(changed, "seller.address.city"), "Köln");
  cr_expect_str_eq(json_at(changed, "seller.bankDetails"), "IBAN DE00\nBIC X");
  cr_expect_eq(json_number_at(changed, "billingSchedule.hourOfDay"), 5);
  cr_expect(json_equal(changed, api_get(&tenant, 200, "/api/settings")));
  const char *second = tag_of(&tenant);
  cr_expect_str_neq(first, second);
  cr_expect_eq(setting_changes(&tenant), 1);
  set(&tenant, "{'netTermsDays':14.0,'timeZone':'Europe/Berlin'}");
  cr_expect_str_eq(tag_of(&tenant), second, "what changes nothing makes no version");
  const json_t *cleared =
      set(&tenant, "{'seller':null,'taxCountry':null,'billingSchedule':{'enabled':false,'hourOfDay':null}}");
  cr_expect_eq(json_object_size(json_node_at(cleared, "seller")), 0);
  cr_expect_null(json_at(cleared, "taxCountry"));
  cr_expect(json_is_false(json_node_at(cleared, "billingSchedule.enabled")));
  cr_expect_str_eq(json_at(cleared, "locale"), "de-DE", "it was left out");
}

Test(settings, that_somebody_else_changed_are_412) {
  struct tenant tenant = tenant_new();
  const char *const known[] = {keep_text("If-Match: %s", tag_of(&tenant)), NULL};
  struct answer answer = http_request("PATCH", "/api/settings", tenant.token, quotes("{'draftHours':1}"), known);
  cr_expect_eq(answer.status, 200, "%s", answer.text);
  answer = http_request("PATCH", "/api/settings", tenant.token, quotes("{'draftHours':2}"), known);
  cr_expect_eq(answer.status, 412, "%s", answer.text);
  cr_expect_eq(json_number_at(api_get(&tenant, 200, "/api/settings"), "draftHours"), 1);
  cr_expect_eq(setting_changes(&tenant), 1);
}

Test(settings, that_are_none_are_refused_by_field_and_nothing_is_changed) {
  static const struct {
    const char *field, *body;
  } cases[] = {
      {"timeZone", "{'timeZone':'Nowhere/Land'}"},
      {"timeZone", "{'timeZone':'../etc/passwd'}"},
      {"timeZone", "{'timeZone':''}"},
      {"timeZone", "{'timeZone':null}"},
      {"timeZone", "{'timeZone':5}"},
      {"currency", "{'currency':'XYZ'}"},
      {"currency", "{'currency':'eur'}"},
      {"locale", "{'locale':'e'}"},
      {"locale", "{'locale':'german'}"},
      {"locale", "{'locale':'de-'}"},
      {"locale", "{'locale':'de_DE'}"},
      {"taxRounding", "{'taxRounding':'lines'}"},
      {"taxCountry", "{'taxCountry':'Germany'}"},
      {"invoiceSeries", "{'invoiceSeries':''}"},
      {"invoiceSeries", "{'invoiceSeries':'inv'}"},
      {"invoiceSeries", "{'invoiceSeries':'INV 1'}"},
      {"creditNoteSeries", "{'creditNoteSeries':'ABCDEFGHIJKLMNOPQ'}"},
      {"draftHours", "{'draftHours':-1}"},
      {"draftHours", "{'draftHours':721}"},
      {"draftHours", "{'draftHours':1.5}"},
      {"draftHours", "{'draftHours':'1'}"},
      {"draftHours", "{'draftHours':null}"},
      {"netTermsDays", "{'netTermsDays':366}"},
      {"netTermsDays", "{'netTermsDays':1e2}"},
      {"netTermsDays", "{'netTermsDays':1000000000000000000}"},
      {"netTermsDays", "{'netTermsDays':-0.5}"},
      {"draftHours", "{'draftHours':99999999999999999999999999}"},
      {"seller", "{'seller':'Acme'}"},
      {"seller.name", "{'seller':{'name':' '}}"},
      {"seller.name", "{'seller':{'name':'a\\nb'}}"},
      {"seller.logo", "{'seller':{'logo':'x'}}"},
      {"seller.email", "{'seller':{'email':'nobody'}}"},
      {"seller.email", "{'seller':{'email':'a@b..c'}}"},
      {"seller.footer", "{'seller':{'footer':'\\u00a0'}}"},
      {"seller.bankDetails", "{'seller':{'bankDetails':'a\\tb'}}"},
      {"seller.address", "{'seller':{'address':'Weg 1'}}"},
      {"seller.address.country", "{'seller':{'address':{'country':'de'}}}"},
      {"seller.taxIds", "{'seller':{'taxIds':null}}"},
      {"seller.taxIds[0].value", "{'seller':{'taxIds':[{'type':'eu_vat'}]}}"},
      {"seller.taxIds[1]", "{'seller':{'taxIds':[{'type':'a','value':'b'},'c']}}"},
      {"billingSchedule", "{'billingSchedule':null}"},
      {"billingSchedule.hourOfDay", "{'billingSchedule':{'enabled':true}}"},
      {"billingSchedule.hourOfDay", "{'billingSchedule':{'enabled':true,'hourOfDay':24}}"},
      {"billingSchedule.enabled", "{'billingSchedule':{'enabled':'yes','hourOfDay':null}}"},
      {"dunning", "{'dunning':{}}"},
      {"version", "{'version':5}"},
  };
  struct tenant tenant = tenant_new();
  const json_t *before = api_get(&tenant, 200, "/api/settings");
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    struct answer answer = api_call(&tenant, "PATCH", "/api/settings", "%s", cases[i].body);
    cr_expect_eq(answer.status, 400, "%s: %d %s", cases[i].body, answer.status, answer.text);
    cr_expect_str_eq(json_at(answer.json, "error.field"), cases[i].field, "%s: %s", cases[i].body, answer.text);
  }
  struct answer both = api_call(&tenant, "PATCH", "/api/settings", "{'draftHours':-1,'locale':'e','netTermsDays':7}");
  cr_expect_eq(json_array_size(json_node_at(both.json, "error.details")), 2, "%s", both.text);
  cr_expect(json_equal(before, api_get(&tenant, 200, "/api/settings")));
  cr_expect_eq(setting_changes(&tenant), 0);
}

/* Who may: the roles with settings:*. */
Test(settings, are_the_administrators) {
  struct tenant tenant = tenant_new();
  static const char *const others[] = {"BILLING_ADMIN", "USER", "VIEWER"};
  for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
    sql_do(&tenant, keep_text("UPDATE users SET role = '%s' WHERE tenant_id = $1", others[i]));
    cr_expect_eq(api_call(&tenant, "GET", "/api/settings", NULL).status, 403, "%s", others[i]);
    cr_expect_eq(api_call(&tenant, "PATCH", "/api/settings", "{'draftHours':1}").status, 403, "%s", others[i]);
  }
  cr_expect_eq(http_request("GET", "/api/settings", NULL, NULL, NULL).status, 401);
}

Test(settings, a_zone_that_is_not_known_cannot_be_stored_and_would_not_stop_a_schedule) {
  struct tenant tenant = tenant_new();
  cr_expect_str_eq(
      sql_state(&tenant, "postgres",
                keep_text("UPDATE cloudbill.tenants SET time_zone = 'Nowhere/Land' WHERE id = '%s'", tenant.id)),
      "23514");
  cr_expect_eq(sql_int(NULL, "SELECT (billing_schedule_next(5::smallint, 'Nowhere/Land', '2026-11-21T04:00:00Z') = "
                             "'2026-11-21T05:00:00Z')::int"),
               1, "in UTC");
}

/* -- the billing schedule -- */

static const char *due_of(const struct tenant *tenant) {
  return sql_text(tenant, "SELECT to_char(next_due_at AT TIME ZONE t.time_zone, 'HH24:MI') || ' ' || is_enabled "
                          "FROM billing_schedules s JOIN tenants t ON t.id = s.tenant_id WHERE s.tenant_id = $1");
}

Test(settings, a_schedule_is_due_at_its_hour_of_the_tenant_s_zone) {
  struct tenant tenant = tenant_new();
  set(&tenant, "{'billingSchedule':{'enabled':true,'hourOfDay':5},'timeZone':'Asia/Kathmandu'}");
  cr_expect_str_eq(due_of(&tenant), "05:00 true");
  set(&tenant, "{'timeZone':'America/New_York'}");
  cr_expect_str_eq(due_of(&tenant), "05:00 true");
  const char *due = sql_text(&tenant, "SELECT next_due_at FROM billing_schedules WHERE tenant_id = $1");
  set(&tenant, "{'draftHours':2}");
  cr_expect_str_eq(sql_text(&tenant, "SELECT next_due_at FROM billing_schedules WHERE tenant_id = $1"), due,
                   "nothing of it was changed");
  cr_expect_eq(sql_int(&tenant, "SELECT (next_due_at > now() AND next_due_at <= now() + interval '1 day')::int "
                                "FROM billing_schedules WHERE tenant_id = $1"),
               1);
  set(&tenant, "{'billingSchedule':{'enabled':false,'hourOfDay':null}}");
  cr_expect(strstr(due_of(&tenant), ":00 false"), "%s", due_of(&tenant));
}

Test(settings, a_schedule_that_was_switched_on_starts_runs) {
  struct tenant tenant = tenant_new();
  subscription_new(&tenant, customer_new(&tenant, NULL), plan_new(&tenant, "5.00", "USD", "weekly"), days_ago(10));
  set(&tenant, "{'billingSchedule':{'enabled':true,'hourOfDay':null}}");
  sql_do(&tenant, "UPDATE billing_schedules SET next_due_at = now() WHERE tenant_id = $1");
  WAIT_UNTIL(sql_int(&tenant, "SELECT count(*) FROM billing_runs WHERE tenant_id = $1 AND status = 'completed'") == 1,
             "a run that started by itself");
  expect_sound_books(&tenant);
}

/* -- what they do -- */

/* With two components of 0.45 and 10 percent of tax: 0.09 of the sum, or 0.05 of each line. */
static const char *invoice_of_two(const struct tenant *tenant, const char *plan, const char *customer) {
  const char *s = json_at(api_post(tenant, 201, "/api/billing/subscriptions",
                                   "{'customerId':'%s','planId':'%s','collection':'manual'}", customer, plan),
                          "id");
  const char *sql =
      keep_text("SELECT invoice_id FROM invoice_items WHERE tenant_id = $1 AND subscription_id = '%s' LIMIT 1", s);
  WAIT_UNTIL(sql_text(tenant, sql) != NULL, "the invoice of %s", s);
  return sql_text(tenant, sql);
}

static double tax_of(const struct tenant *tenant, const char *invoice) {
  return json_number_at(api_get(tenant, 200, "/api/billing/invoices/%s", invoice), "taxAmount");
}

static int64_t terms_of(const struct tenant *tenant, const char *invoice) {
  return sql_int(tenant,
                 keep_text("SELECT due_date - issue_date FROM invoices WHERE tenant_id = $1 AND id = '%s'", invoice));
}

Test(settings, bill_041_bill_071_hold_for_what_is_made_afterwards) {
  struct tenant tenant = tenant_new();
  api_post(&tenant, 201, "/api/billing/tax-rates", "{'name':'VAT','code':'VAT','percentage':10}");
  const char *plan =
      json_at(api_post(&tenant, 201, "/api/plans",
                       "{'code':'two','name':'Two','currency':'USD','billingCycle':'monthly','components':["
                       "{'code':'a','model':'flat','unitPrice':'0.45'},"
                       "{'code':'b','model':'flat','unitPrice':'0.45'}]}"),
              "id");
  const char *customer = customer_new(&tenant, NULL);
  const char *before = invoice_of_two(&tenant, plan, customer);
  cr_expect_eq(tax_of(&tenant, before), 0.09);
  set(&tenant, "{'taxRounding':'line','netTermsDays':30,'invoiceSeries':'NEW','seller':{'name':'Acme'}}");

  const char *after = invoice_of_two(&tenant, plan, customer_new(&tenant, NULL));
  const json_t *shown = api_get(&tenant, 200, "/api/billing/invoices/%s", after);
  cr_expect_eq(tax_of(&tenant, after), 0.10, "0.05 of each line");
  cr_expect_str_eq(json_at(shown, "invoiceNumber"), "NEW-000001");
  cr_expect_eq(terms_of(&tenant, after), 30);
  const char *same = invoice_of_two(&tenant, plan, customer);
  cr_expect_eq(terms_of(&tenant, same), 0, "the customer has its own net terms since it was made");
  cr_expect_eq(tax_of(&tenant, same), 0.10);

  const json_t *old = api_get(&tenant, 200, "/api/billing/invoices/%s", before);
  cr_expect_str_eq(json_at(old, "taxRounding"), "total");
  cr_expect_eq(json_number_at(old, "taxAmount"), 0.09);
  cr_expect_str_eq(json_at(old, "invoiceNumber"), "INV-000001");
  cr_expect_str_eq(
      sql_text(&tenant, keep_text("SELECT seller FROM invoices WHERE tenant_id = $1 AND id = '%s'", before)), "{}");

  set(&tenant, "{'draftHours':1,'invoiceSeries':'INV'}");
  const char *draft = invoice_of_two(&tenant, plan, customer);
  cr_expect_str_eq(json_at(api_get(&tenant, 200, "/api/billing/invoices/%s", draft), "status"), "draft");
  api_post(&tenant, 200, keep_text("/api/billing/invoices/%s/finalize", draft), "{}");
  cr_expect_str_eq(json_at(api_get(&tenant, 200, "/api/billing/invoices/%s", draft), "invoiceNumber"), "INV-000002",
                   "a series goes on where it was left");
  expect_sound_books(&tenant);
}

/* Numbers of invoices and of credit notes have no gaps, each by itself. */
Test(settings, a_series_of_the_other_kind_is_409) {
  struct tenant tenant = tenant_new();
  const char *customer = customer_new(&tenant, NULL);
  const char *invoice = invoice_of_two(&tenant, plan_new(&tenant, "5.00", "USD", "monthly"), customer);
  api_post(&tenant, 201, "/api/billing/credit-notes", "{'invoiceId':'%s','amount':1}", invoice);
  static const struct {
    const char *field, *body;
  } cases[] = {{"invoiceSeries", "{'invoiceSeries':'CN'}"},
               {"invoiceSeries", "{'creditNoteSeries':'INV'}"},
               {"invoiceSeries", "{'invoiceSeries':'A','creditNoteSeries':'A'}"},
               {"invoiceSeries", "{'invoiceSeries':'CN','creditNoteSeries':'INV'}"}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    struct answer answer = api_call(&tenant, "PATCH", "/api/settings", "%s", cases[i].body);
    cr_expect_eq(answer.status, 409, "%s: %s", cases[i].body, answer.text);
    cr_expect_str_eq(json_at(answer.json, "error.field"), cases[i].field, "%s", cases[i].body);
  }
  set(&tenant, "{'invoiceSeries':'A','creditNoteSeries':'B'}");
  struct answer used = api_call(&tenant, "PATCH", "/api/settings", "{'creditNoteSeries':'INV'}");
  cr_expect_eq(used.status, 409, "INV has numbered invoices: %s", used.text);
  cr_expect_str_eq(json_at(used.json, "error.field"), "creditNoteSeries");
  expect_sound_books(&tenant);
}
