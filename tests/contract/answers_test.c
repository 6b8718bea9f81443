/* What the API answers is what openapi.yaml says of it: each member, and no other. */
#include "harness/harness.h"
#include "harness/sources.h"

TestSuite(answers, .timeout = 120);

/* -- openapi.yaml's schemas: members stand eight spaces deep, `required` in brackets -- */

static const char *schema_part(const char *name) {
  const char *text = source_text("schemas/openapi.yaml");
  const char *schemas = strstr(text, "\n  schemas:\n");
  cr_assert_not_null(schemas);
  const char *start = strstr(schemas, keep_text("\n    %s:\n", name));
  cr_assert_not_null(start, "openapi.yaml has no schema %s", name);
  const char *end = start + 1;
  do end = strchr(end + 1, '\n');
  while (end && strncmp(end, "\n     ", 6) == 0);
  return keep_text("%.*s", (int)(end ? end - start : (ptrdiff_t)strlen(start)), start);
}

static const char **members_of(const char *schema) {
  return matches(schema_part(schema), "^        ([A-Za-z0-9]+):");
}

static bool is_required(const char *schema, const char *member) {
  const char *part = schema_part(schema), *start = strstr(part, "required: [");
  if (!start) return false;
  const char *list = keep_text("%.*s", (int)strcspn(start, "]"), start);
  return count_of(matches(list, "([A-Za-z0-9]+)"), member) > 0;
}

static void expect_members(const json_t *answer, const char *schema) {
  const char **members = members_of(schema);
  const char *name;
  json_t *value;
  cr_assert(json_is_object(answer), "%s", schema);
  json_object_foreach((json_t *)(uintptr_t)answer, name, value)
      cr_expect_eq(count_of(members, name), 1, "openapi.yaml's %s lacks %s", schema, name);
  for (; *members; members++)
    cr_expect(json_object_get(answer, *members) || !is_required(schema, *members), "the answer lacks %s of %s",
              *members, schema);
}

/* -- something of everything -- */

static void await(const struct tenant *tenant, const char *count_sql) {
  WAIT_UNTIL(sql_int(tenant, count_sql) > 0, "%s", count_sql);
}

static void bury_something(const struct tenant *tenant) {
  const char *const headers[] = {"ce_specversion", "1.0",      "ce_id",     new_id(),
                                 "ce_type",        "no.such",  "ce_source", "/tests",
                                 "ce_subject",     new_id(),   "ce_time",   "2026-11-21T00:00:00Z",
                                 "ce_tenantid",    tenant->id, NULL};
  kafka_produce("cloudbill.plan.commands", NULL, "{}", 2, headers);
  await(tenant, "SELECT count(*) FROM dead_letters WHERE tenant_id = $1");
}

static struct tenant tenant_with_everything(void) {
  struct tenant tenant = tenant_new_test();
  const char *customer = customer_new(&tenant, NULL), *plan = plan_new(&tenant, "9.00", "USD", "weekly");
  test_clock_new(&tenant, "2026-01-01T00:00:00Z");
  payment_method_new(&tenant, customer, "pm_card_visa");
  subscription_new(&tenant, customer, plan, days_ago(10));
  const char *parked = subscription_new(&tenant, customer_new(&tenant, NULL), plan, days_ago(10));
  sql_do(NULL, keep_text("UPDATE subscriptions SET time_zone = 'Nowhere/Land' WHERE id = '%s'", parked));
  billing_run(&tenant);
  await(&tenant, "SELECT count(*) FROM payments WHERE tenant_id = $1 AND status = 'succeeded'");
  api_post(&tenant, 201, "/api/billing/coupons", "{'code':'A','percentOff':10,'duration':'once'}");
  api_post(&tenant, 201, "/api/billing/tax-rates", "{'code':'A','name':'A','percentage':10}");
  api_post(&tenant, 201, "/api/billing/credit-notes", "{'invoiceId':'%s','amount':1}",
           sql_text(&tenant, "SELECT id FROM invoices WHERE tenant_id = $1 AND status = 'paid' LIMIT 1"));
  bury_something(&tenant);
  return tenant;
}

/* A list and the schema of its elements; each of them is found below the list's path as well. */
static const struct {
  const char *list, *schema;
} resources[] = {
    {"/api/customers", "Customer"},
    {"/api/test-clocks", "TestClock"},
    {"/api/plans", "Plan"},
    {"/api/billing/subscriptions", "Subscription"},
    {"/api/billing/invoices?status=paid", "Invoice"},
    {"/api/billing/coupons", "Coupon"},
    {"/api/billing/tax-rates", "TaxRate"},
    {"/api/billing/credit-notes", "CreditNote"},
    {"/api/payments?status=succeeded", "Payment"},
    {"/api/payment-methods", "PaymentMethod"},
    {"/api/billing/runs", "BillingRun"},
    {"/api/dead-letters", "DeadLetter"},
};

Test(answers, are_what_openapi_says) {
  struct tenant tenant = tenant_with_everything();
  for (size_t i = 0; i < sizeof resources / sizeof *resources; i++) {
    const json_t *first = json_array_get(api_get(&tenant, 200, "%s", resources[i].list), 0);
    cr_assert_not_null(first, "%s is empty", resources[i].list);
    expect_members(first, resources[i].schema);
    const char *path =
        keep_text("%.*s/%s", (int)strcspn(resources[i].list, "?"), resources[i].list, json_at(first, "id"));
    expect_members(api_get(&tenant, 200, "%s", path), resources[i].schema);
  }
  expect_members(api_get(&tenant, 200, "/api/settings"), "Settings");
  const json_t *invoice = json_array_get(api_get(&tenant, 200, "/api/billing/invoices?status=paid"), 0);
  expect_members(json_node_at(invoice, "items.0"), "InvoiceItem");
  const json_t *explanation = api_get(&tenant, 200, "/api/billing/invoices/%s/items/%s/explain", json_at(invoice, "id"),
                                      json_at(invoice, "items.0.id"));
  expect_members(explanation, "Explanation");
  expect_members(json_node_at(explanation, "parts.0"), "ExplanationPart");
  expect_members(json_node_at(explanation, "parts.0.steps.0"), "ExplanationStep");
  const char *of_customer = json_at(invoice, "customerId");
  expect_members(json_array_get(api_get(&tenant, 200, "/api/billing/customers/%s/credits", of_customer), 0), "Credit");
  expect_members(json_array_get(api_get(&tenant, 200, "/api/customers/%s/balance", of_customer), 0), "BalanceRow");
  expect_members(json_array_get(api_get(&tenant, 200, "/api/customers/%s/ledger", of_customer), 0), "LedgerEntry");
  const char *run = json_at(json_array_get(api_get(&tenant, 200, "/api/billing/runs"), 0), "id");
  expect_members(json_array_get(api_get(&tenant, 200, "/api/billing/runs/%s/parked", run), 0), "Parked");
  expect_members(api_get(&tenant, 200, "/api/monitoring/health"), "Monitoring");
  expect_members(json_array_get(json_node_at(api_get(&tenant, 200, "/api/monitoring/health"), "services"), 0),
                 "Service");
  const char *operation =
      sql_text(&tenant, "SELECT id FROM commands WHERE tenant_id = $1 AND status = 'succeeded' LIMIT 1");
  expect_members(api_get(&tenant, 200, "/api/operations/%s", operation), "Operation");
}

/* -- If-Match: no command changes what is not as its sender has seen it -- */

/* The id of something that the list above the path has. */
static const char *id_below(const struct tenant *tenant, const char *path) {
  const char *list = keep_text("%.*s", (int)(strstr(path, "/{") - path), path);
  if (strcmp(list, "/api/billing/customers") == 0) list = "/api/customers";
  const json_t *first = json_array_get(api_get(tenant, 200, "%s", list), 0);
  cr_assert_not_null(first, "tenant_with_everything() makes nothing for %s", list);
  return json_at(first, "id");
}

static const char *example_body(const char *command) {
  json_t *schema = json_loads(source_text(keep_text("schemas/commands/%s.json", command)), 0, NULL);
  char *text = json_dumps(json_array_get(json_object_get(schema, "examples"), 0), 0);
  const char *kept = keep_text("%s", text);
  free(text);
  json_decref(schema);
  return kept;
}

Test(answers, to_a_change_of_another_version_are_412) {
  static const char *const version_zero[] = {"If-Match: \"0\"", NULL};
  struct tenant tenant = tenant_with_everything();
  struct api_route rows[API_ROUTES_MAX];
  size_t count = api_routes(rows);
  for (size_t i = 0; i < count; i++) {
    const char *open = strchr(rows[i].path, '{');
    if (strcmp(rows[i].kind, "COMMAND") != 0 || !open) continue;
    const char *rest = strchr(open, '}') + 1, *further = strchr(rest, '{');
    int length = (int)(further ? further - rest : (long)strlen(rest));
    const char *path = keep_text("%.*s%s%.*s%s", (int)(open - rows[i].path), rows[i].path,
                                 id_below(&tenant, rows[i].path), length, rest, further ? new_id() : "");
    const char *body = strcmp(rows[i].method, "DELETE") == 0 ? NULL : example_body(rows[i].command);
    struct answer answer = http_request(rows[i].method, path, tenant.token, body, version_zero);
    cr_expect_eq(answer.status, 412, "%s %s: %d %s; does its handler call message_expect_version?", rows[i].method,
                 rows[i].path, answer.status, answer.text);
  }
}

Test(answers, of_login_are_what_openapi_says) {
  struct tenant tenant = tenant_new();
  const json_t *login =
      api_post(&tenant, 200, "/api/auth/login", "{'email':'%s','password':'%s'}", tenant.email, tenant.password);
  expect_members(login, "Login");
  expect_members(json_node_at(login, "user"), "User");
}

Test(answers, come_in_the_envelope) {
  struct tenant tenant = tenant_new();
  struct answer list = api_call(&tenant, "GET", "/api/plans?limit=5", NULL),
                error = api_call(&tenant, "GET", "/api/plans/none", NULL);
  cr_expect(json_is_true(json_object_get(list.json, "success")) && json_at(list.json, "timestamp"));
  cr_expect_eq(json_number_at(list.json, "pagination.limit"), 5);
  cr_expect_eq(json_number_at(list.json, "pagination.page"), 1);
  cr_expect_eq(json_number_at(list.json, "pagination.total"), 0);
  cr_expect_eq(json_number_at(list.json, "pagination.totalPages"), 0);
  cr_expect_eq(error.status, 404);
  cr_expect(json_is_false(json_object_get(error.json, "success")) && json_at(error.json, "timestamp"));
  expect_members(json_object_get(error.json, "error"), "Error");
}
