/* Tenant B sees nothing of A's: in every table and view, by every route, with every message. A has something of
 * everything, and a new table or route that A has nothing of fails here. */
#include "harness/harness.h"
#include "harness/sources.h"

TestSuite(tenant, .timeout = 180);

/* -- two tenants: one with a life, one without -- */

struct life {
  struct tenant tenant;
  const char *customer, *plan, *method, *subscription, *run, *invoice, *payment, *dead_letter, *operation, *clock;
  const char *coupon, *tax_rate, *credit_note, *item;
};

static void await(const struct tenant *tenant, const char *what, const char *count_sql) {
  WAIT_UNTIL(sql_int(tenant, count_sql) > 0, "%s", what);
}

static const char *poison(const struct tenant *tenant) {
  const char *const headers[] = {"ce_specversion", "1.0",      "ce_id",     new_id(),
                                 "ce_type",        "no.such",  "ce_source", "/tests",
                                 "ce_subject",     new_id(),   "ce_time",   "2026-11-21T00:00:00Z",
                                 "ce_tenantid",    tenant->id, NULL};
  kafka_produce("cloudbill.plan.commands", NULL, "{}", 2, headers);
  await(tenant, "a dead letter", "SELECT count(*) FROM dead_letters WHERE tenant_id = $1");
  return sql_text(tenant, "SELECT id FROM dead_letters WHERE tenant_id = $1");
}

static void park_one(const struct life *a) {
  const char *parked = subscription_new(&a->tenant, customer_new(&a->tenant, NULL), a->plan, days_ago(40));
  sql_do(NULL, keep_text("UPDATE subscriptions SET time_zone = 'Nowhere/Land' WHERE id = '%s'", parked));
}

/* A coupon with its redemption and use, a tax rate, account credit with its use, a credit note. */
static void invoice_everything(struct life *a) {
  const char *coupon = new_id(), *grant = new_id(), *note = new_id();
  a->coupon = coupon;
  a->credit_note = note;
  a->tax_rate = new_id();
  const char *const rows[] = {
      keep_text("INSERT INTO coupons (tenant_id, id, code, percent_off, duration, created_at, updated_at) "
                "VALUES ($1, '%s', 'TENTH', 10, 'forever', now(), now())",
                coupon),
      keep_text("INSERT INTO subscription_coupons (tenant_id, subscription_id, position, coupon_id, from_period_index, "
                "redeemed_at) VALUES ($1, '%s', 1, '%s', 0, now())",
                a->subscription, coupon),
      keep_text("INSERT INTO coupon_uses VALUES ($1, '%s', '%s', 0, 1)", a->subscription, coupon),
      keep_text("INSERT INTO tax_rates (tenant_id, id, code, name, percentage, category, created_at, updated_at) "
                "VALUES ($1, '%s', 'VAT', 'VAT', 19, 'standard', now(), now())",
                a->tax_rate),
      keep_text(
          "INSERT INTO credit_grants (tenant_id, id, customer_id, currency, amount_minor, remaining_minor, source, "
          "granted_at) VALUES ($1, '%s', '%s', 'USD', 2, 1, 'grant', now())",
          grant, a->customer),
      keep_text("INSERT INTO subscription_items (tenant_id, subscription_id, item, plan_id, plan_version, quantity, "
                "created_at) VALUES ($1, '%s', 1, '%s', 1, 1, now())",
                a->subscription, a->plan),
      keep_text("INSERT INTO pending_lines (tenant_id, id, subscription_id, line, created_at) "
                "SELECT $1, '%s', '%s', '{\"credits\":{\"item\":0,\"component\":\"base\",\"periodIndex\":0,"
                "\"kind\":\"subscription\",\"revision\":0}}', now()",
                new_id(), a->subscription),
      keep_text("INSERT INTO scheduled_changes (tenant_id, id, subscription_id, period_index, effective_at, quantity, "
                "status, requested_by, created_at, resolved_at) "
                "VALUES ($1, '%s', '%s', 1, now(), 2, 'withdrawn', 'nobody', now(), now())",
                new_id(), a->subscription),
      keep_text("INSERT INTO subscription_history VALUES ($1, '%s', '%s', now(), 1, 'past_due', NULL, '{}')", new_id(),
                a->subscription),
      keep_text("INSERT INTO credit_uses VALUES ($1, '%s', '%s', 1, now())", a->invoice, grant),
      keep_text(
          "INSERT INTO credit_notes (tenant_id, id, series, number, invoice_id, customer_id, currency, disposition, "
          "amount_minor, tax_minor, total_minor, applied_minor, left_minor, returned_minor, "
          "expired_minor, issue_date, created_at, provenance) "
          "VALUES ($1, '%s', 'CN', 1, '%s', '%s', 'USD', 'credit', 1, 0, 1, 0, 1, 0, 0, now(), now(), "
          "'{\"basis\":\"lines\",\"lines\":[{\"amount\":\"9.00\",\"asked\":\"0.01\"}]}')",
          note, a->invoice, a->customer),
      keep_text("INSERT INTO credit_note_items VALUES ($1, '%s', 1, '%s', 1, 1, 0)", note, a->invoice)};
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) sql_do(&a->tenant, rows[i]);
}

/* A subscription that will fall due on a test clock. */
static void live_on_a_clock(struct life *a) {
  a->clock = test_clock_new(&a->tenant, "2026-01-01T00:00:00Z");
  subscription_new(&a->tenant, customer_new(&a->tenant, "'testClockId':'%s'", a->clock), a->plan, "2026-01-01");
}

/* Mails, charges and counts follow the invoices by themselves: what changes later than this was not their doing. */
static void await_rest(const struct tenant *tenant) {
  static const char restless[] =
      "SELECT"
      " (SELECT count(*) FROM payments WHERE tenant_id = $1 AND status IN ('processing', 'unknown')) +"
      " (SELECT count(*) FROM notifications WHERE tenant_id = $1 AND status <> 'sent') +"
      " (SELECT count(*) FROM invoices i WHERE tenant_id = $1 AND NOT EXISTS (SELECT FROM notifications n"
      "  WHERE n.tenant_id = i.tenant_id AND n.invoice_id = i.id AND n.template = 'invoice'))";
  WAIT_UNTIL(sql_int(tenant, restless) == 0, "rest");
  const char *seen = fingerprint(tenant);
  int64_t since_ms = stopwatch_ms();
  WAIT_UNTIL(strcmp(fingerprint(tenant), seen) == 0 ? stopwatch_ms() - since_ms >= 1000
                                                    : (seen = fingerprint(tenant), since_ms = stopwatch_ms(), false),
             "a second in which nothing changes");
}

static struct life life_new(void) {
  struct life a = {.tenant = tenant_new_test()};
  a.customer = customer_new(&a.tenant, NULL);
  a.plan = plan_new(&a.tenant, "9.00", "USD", "monthly");
  a.method = payment_method_new(&a.tenant, a.customer, "pm_card_visa");
  a.subscription = subscription_new(&a.tenant, a.customer, a.plan, days_ago(40));
  park_one(&a);
  live_on_a_clock(&a);
  billing_dry_run(&a.tenant);
  a.run = billing_run(&a.tenant);
  a.dead_letter = poison(&a.tenant);
  await(&a.tenant, "a paid invoice", "SELECT count(*) FROM invoices WHERE tenant_id = $1 AND status = 'paid'");
  await(&a.tenant, "a mail", "SELECT count(*) FROM notifications WHERE tenant_id = $1 AND status = 'sent'");
  await(&a.tenant, "the run's amounts", "SELECT count(*) FROM billing_run_amounts WHERE tenant_id = $1");
  a.invoice = sql_text(&a.tenant, "SELECT id FROM invoices WHERE tenant_id = $1 AND status = 'paid'");
  a.item = sql_text(&a.tenant,
                    keep_text("SELECT id FROM invoice_items WHERE tenant_id = $1 AND invoice_id = '%s'", a.invoice));
  a.payment = sql_text(&a.tenant, "SELECT id FROM payments WHERE tenant_id = $1 AND status = 'succeeded'");
  a.operation = sql_text(&a.tenant, "SELECT id FROM commands WHERE tenant_id = $1 LIMIT 1");
  invoice_everything(&a);
  await_rest(&a.tenant);
  return a;
}

/* -- tables and views -- */

#define MACHINERY "'consumer_offsets', 'outbox', 'schema_migrations', 'worker_heartbeats'"

/* Names of tables and views that belong to tenants, and the column that says to whom. */
static const json_t *relations(void) {
  return sql_rows(NULL, NULL,
                  "SELECT relname, CASE relname WHEN 'tenants' THEN 'id' ELSE 'tenant_id' END FROM pg_class "
                  "WHERE relnamespace = 'cloudbill'::regnamespace AND relkind IN ('r', 'p', 'v') "
                  "AND relname NOT IN (" MACHINERY ") ORDER BY 1");
}

static int64_t count_as(const char *role, const struct tenant *as, const char *relation, const char *condition) {
  const char *sql = keep_text("SELECT count(*) FROM cloudbill.%s WHERE %s", relation, condition);
  return strtoll(json_at(sql_rows(as, role, sql), "0.0"), NULL, 10);
}

/* Facts that a transaction leaves open, messages that a test clock waits for, what nobody pays, what must never be. */
static bool is_empty_at_rest(const char *relation) {
  if (strncmp(relation, "invariant_", 10) == 0) return true;
  return strcmp(relation, "ledger_open_facts") == 0 || strcmp(relation, "test_clock_messages") == 0 ||
         strcmp(relation, "overdue_invoices") == 0;
}

Test(tenant, b_sees_no_row_of_a_in_any_table_or_view) {
  struct life a = life_new();
  struct tenant b = tenant_new();
  size_t index;
  const json_t *relation;
  cr_assert_gt(json_array_size(relations()), 30);
  json_array_foreach(relations(), index, relation) {
    const char *name = json_at(relation, "0"), *column = json_at(relation, "1");
    const char *of_a = keep_text("%s = '%s'", column, a.tenant.id);
    int64_t rows = sql_int(NULL, keep_text("SELECT count(*) FROM %s WHERE %s", name, of_a));
    if (!is_empty_at_rest(name)) cr_expect_gt(rows, 0, "A has nothing in %s: this test must make something", name);
    cr_expect_eq(count_as("cloudbill_api", &a.tenant, name, of_a), rows, "A does not see all of its own in %s", name);
    cr_expect_eq(count_as("cloudbill_api", &b, name, of_a), 0, "B sees A's rows in %s", name);
    cr_expect_eq(count_as("cloudbill_api", &b, name, keep_text("%s <> '%s'", column, b.id)), 0, "B sees others in %s",
                 name);
    cr_expect_eq(count_as("cloudbill_api", NULL, name, "true"), 0, "nobody sees rows in %s", name);
    cr_expect_geq(count_as("cloudbill_worker", NULL, name, of_a), rows, "workers do not see %s", name);
  }
}

Test(tenant, the_machinery_is_closed_to_the_api) {
  struct tenant b = tenant_new();
  static const char *const closed[] = {"consumer_offsets", "outbox", "schema_migrations"};
  for (size_t i = 0; i < sizeof closed / sizeof *closed; i++)
    cr_expect_str_eq(sql_state(&b, "cloudbill_api", keep_text("SELECT FROM cloudbill.%s", closed[i])), "42501", "%s",
                     closed[i]);
}

/* What the API's role may write at all, it may write only in its tenant's name; 42501 is "not permitted". */
Test(tenant, b_cannot_write_in_a_s_name) {
  struct life a = life_new();
  struct tenant b = tenant_new();
  const char *session = keep_text("INSERT INTO cloudbill.sessions (tenant_id, id, user_id, refresh_hash, expires_at) "
                                  "VALUES ('%s', '%s', '%s', '', now())",
                                  a.tenant.id, new_id(), a.tenant.user_id);
  const char *audit =
      keep_text("INSERT INTO cloudbill.audit_log (tenant_id, id, at, actor, action, outcome, resource_type, "
                "resource_id, request_id, address) VALUES ('%s', '%s', now(), '', '', 'failed', '', '', '', '')",
                a.tenant.id, new_id());
  cr_expect_str_eq(sql_state(&a.tenant, "cloudbill_api", session), "00000");
  cr_expect_str_eq(sql_state(&b, "cloudbill_api", session), "42501");
  cr_expect_str_eq(sql_state(&a.tenant, "cloudbill_api", audit), "00000");
  cr_expect_str_eq(sql_state(&b, "cloudbill_api", audit), "42501");
  const char *outcome = keep_text("INSERT INTO cloudbill.commands (tenant_id, id, type, caller, body_hash, status, "
                                  "http_status) VALUES ('%s', '%s', '', '', '', 'succeeded', 200)",
                                  a.tenant.id, new_id());
  cr_expect_str_eq(sql_state(&a.tenant, "cloudbill_api", outcome), "00000");
  cr_expect_str_eq(sql_state(&b, "cloudbill_api", outcome), "42501");
  const char *steal = keep_text("WITH moved AS (UPDATE cloudbill.sessions SET ended_at = now() WHERE tenant_id = '%s' "
                                "RETURNING 1) SELECT count(*) FROM moved",
                                a.tenant.id);
  cr_expect_str_eq(json_at(sql_rows(&b, "cloudbill_api", steal), "0.0"), "0");
  const char *settings =
      keep_text("WITH set AS (UPDATE cloudbill.tenants SET draft_hours = 1 WHERE id = '%s' RETURNING 1), "
                "due AS (UPDATE cloudbill.billing_schedules SET is_enabled = false WHERE tenant_id = "
                "'%s' RETURNING 1) SELECT (SELECT count(*) FROM set) + (SELECT count(*) FROM due)",
                a.tenant.id, a.tenant.id);
  cr_expect_str_eq(json_at(sql_rows(&a.tenant, "cloudbill_api", settings), "0.0"), "2");
  cr_expect_str_eq(json_at(sql_rows(&b, "cloudbill_api", settings), "0.0"), "0");
  cr_expect_str_eq(sql_state(&a.tenant, "cloudbill_api", "UPDATE cloudbill.tenants SET status = 'SUSPENDED'"), "42501",
                   "no setting");
  cr_expect_str_eq(
      sql_state(&b, "cloudbill_api", keep_text("UPDATE cloudbill.sessions SET tenant_id = '%s'", a.tenant.id)),
      "42501");
}

/* -- routes -- */

/* What {id} stands for, by the segment before it. */
static const char *id_for(const struct life *a, const char *path) {
  const struct {
    const char *before, *id;
  } ids[] = {{"/customers/{", a->customer},      {"/plans/{", a->plan},       {"/subscriptions/{", a->subscription},
             {"/invoices/{", a->invoice},        {"/payments/{", a->payment}, {"/payment-methods/{", a->method},
             {"/test-clocks/{", a->clock},       {"/runs/{", a->run},         {"/dead-letters/{", a->dead_letter},
             {"/operations/{", a->operation},    {"/coupons/{", a->coupon},   {"/tax-rates/{", a->tax_rate},
             {"/credit-notes/{", a->credit_note}};
  for (size_t i = 0; i < sizeof ids / sizeof *ids; i++)
    if (strstr(path, ids[i].before)) return ids[i].id;
  cr_assert_fail("%s: this test does not know such an id", path);
  return NULL;
}

/* A path below a resource that B must not see has the same id twice: what comes first is refused. */
static const char *with_id(const char *path, const char *id) {
  for (const char *open; (open = strchr(path, '{'));)
    path = keep_text("%.*s%s%s", (int)(open - path), path, id, strchr(open, '}') + 1);
  return path;
}

/* A's own: each {id} of the path is what it stands for. */
static const char *own_path(const struct life *a, const char *path) {
  const char *item = strstr(path, "/items/{"),
             *first = with_id(item ? keep_text("%.*s", (int)(item - path), path) : path, id_for(a, path));
  return item ? keep_text("%s%s", first, with_id(item, a->item)) : first;
}

static bool is_kind(const struct api_route *route, const char *kind) {
  return strcmp(route->kind, kind) == 0;
}

/* The refusal without what differs from one request to the next. */
static const char *refusal(const struct answer *answer, const char *id) {
  char *text = json_dumps(json_object_get(answer->json, "error"), JSON_SORT_KEYS);
  cr_assert_not_null(text, "%s", answer->text);
  for (char *at; (at = strstr(text, id));) memset(at, 'x', strlen(id));
  const char *kept = keep_text("%s", text);
  free(text);
  return kept;
}

/* 404 for A's id, and not to be told from the answer for an id that nobody has. */
static void expect_not_there(const struct tenant *b, const struct api_route *route, const char *id, const char *body) {
  const char *nobody = new_id();
  struct answer of_a = http_request(route->method, with_id(route->path, id), b->token, body, NULL);
  struct answer of_nobody = http_request(route->method, with_id(route->path, nobody), b->token, body, NULL);
  cr_expect_eq(of_a.status, 404, "%s %s: %d %s", route->method, route->path, of_a.status, of_a.text);
  cr_expect_str_eq(refusal(&of_a, id), refusal(&of_nobody, nobody), "%s %s", route->method, route->path);
}

Test(tenant, b_finds_nothing_of_a_by_any_get_route) {
  struct life a = life_new();
  struct tenant b = tenant_new();
  struct api_route routes[API_ROUTES_MAX];
  size_t count = api_routes(routes), tried = 0;
  for (size_t i = 0; i < count; i++) {
    if (strcmp(routes[i].method, "GET") != 0 || !strchr(routes[i].path, '{')) continue;
    const char *id = id_for(&a, routes[i].path);
    struct answer own = api_call(&a.tenant, "GET", own_path(&a, routes[i].path), NULL);
    cr_expect_eq(own.status, 200, "A's own %s: %d %s", routes[i].path, own.status, own.text);
    expect_not_there(&b, &routes[i], id, NULL);
    tried++;
  }
  cr_assert_gt(tried, 15);
}

static double total_of(const struct tenant *tenant, const char *path) {
  struct answer answer = api_call(tenant, "GET", path, NULL);
  cr_assert_eq(answer.status, 200, "%s: %s", path, answer.text);
  return json_number_at(answer.json, "pagination.total");
}

Test(tenant, b_s_lists_hold_nothing_of_a) {
  struct life a = life_new();
  struct tenant b = tenant_new();
  struct api_route routes[API_ROUTES_MAX];
  size_t count = api_routes(routes), tried = 0;
  for (size_t i = 0; i < count; i++) {
    if (!is_kind(&routes[i], "LIST") || strchr(routes[i].path, '{')) continue;
    cr_expect_gt(total_of(&a.tenant, routes[i].path), 0, "A has nothing in %s", routes[i].path);
    cr_expect_eq(total_of(&b, routes[i].path), 0, "%s", routes[i].path);
    tried++;
  }
  cr_assert_gt(tried, 8);
}

Test(tenant, b_s_filters_and_searches_reach_nothing_of_a) {
  struct life a = life_new();
  struct tenant b = tenant_new();
  const char *const paths[] = {keep_text("/api/billing/subscriptions?customerId=%s", a.customer),
                               keep_text("/api/billing/subscriptions?planId=%s", a.plan),
                               keep_text("/api/billing/invoices?customerId=%s", a.customer),
                               keep_text("/api/billing/invoices?runId=%s", a.run),
                               keep_text("/api/payments?invoiceId=%s", a.invoice),
                               keep_text("/api/payment-methods?customerId=%s", a.customer),
                               keep_text("/api/customers?q=Lovelace")};
  for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
    cr_expect_gt(total_of(&a.tenant, paths[i]), 0, "A: %s", paths[i]);
    cr_expect_eq(total_of(&b, paths[i]), 0, "B: %s", paths[i]);
  }
  const char *after_nobody = new_id();
  struct answer of_a = api_call(&b, "GET", keep_text("/api/customers?after=%s", a.customer), NULL);
  struct answer of_nobody = api_call(&b, "GET", keep_text("/api/customers?after=%s", after_nobody), NULL);
  cr_expect_eq(of_a.status, 400, "%s", of_a.text);
  cr_expect_str_eq(refusal(&of_a, a.customer), refusal(&of_nobody, after_nobody));
}

/* A body that its schema allows: the route must get as far as looking for the id. */
static const char *body_for(const struct api_route *route) {
  if (strcmp(route->method, "DELETE") == 0) return NULL;
  json_t *schema = json_loads(source_text(keep_text("schemas/commands/%s.json", route->command)), 0, NULL);
  char *text = json_dumps(json_array_get(json_object_get(schema, "examples"), 0), 0);
  const char *body = keep_text("%s", text);
  free(text);
  json_decref(schema);
  return body;
}

Test(tenant, b_does_nothing_to_a_by_any_action_route) {
  struct life a = life_new();
  struct tenant b = tenant_new();
  struct api_route routes[API_ROUTES_MAX];
  const char *before = fingerprint(&a.tenant);
  size_t count = api_routes(routes), tried = 0;
  for (size_t i = 0; i < count; i++) {
    if (!is_kind(&routes[i], "COMMAND") || !strchr(routes[i].path, '{')) continue;
    expect_not_there(&b, &routes[i], id_for(&a, routes[i].path), body_for(&routes[i]));
    tried++;
  }
  cr_assert_geq(tried, 4);
  cr_expect_str_eq(fingerprint(&a.tenant), before);
}

Test(tenant, b_makes_nothing_of_what_is_a_s) {
  struct life a = life_new();
  struct tenant b = tenant_new();
  const char *customer = customer_new(&b, NULL), *plan = plan_new(&b, "1.00", "USD", "monthly");
  const char *before = fingerprint(&a.tenant);
  static const char subscription[] = "{'customerId':'%s','planId':'%s'}";
  api_post(&b, 404, "/api/billing/subscriptions", subscription, a.customer, plan);
  api_post(&b, 404, "/api/billing/subscriptions", subscription, customer, a.plan);
  api_post(&b, 404, "/api/payment-methods", "{'customerId':'%s','token':'pm_card_visa'}", a.customer);
  cr_expect_str_eq(fingerprint(&a.tenant), before);
  cr_expect_eq(sql_int(&b, "SELECT count(*) FROM subscriptions WHERE tenant_id = $1"), 0);
  cr_expect_eq(sql_int(&b, "SELECT count(*) FROM payment_methods WHERE tenant_id = $1"), 0);
}

Test(tenant, b_cannot_put_on_a_s_name) {
  struct life a = life_new();
  struct tenant b = tenant_new();
  struct api_route routes[API_ROUTES_MAX];
  const char *const in_a_s_name[] = {keep_text("X-Tenant-ID: %s", a.tenant.id), NULL};
  const char *const in_b_s_name[] = {keep_text("X-Tenant-ID: %s", b.id), NULL};
  size_t count = api_routes(routes);
  for (size_t i = 0; i < count; i++) {
    if (!is_kind(&routes[i], "LIST") || strchr(routes[i].path, '{')) continue;
    struct answer answer = http_request("GET", routes[i].path, b.token, NULL, in_a_s_name);
    cr_expect_eq(answer.status, 403, "%s: %d", routes[i].path, answer.status);
    cr_expect_str_eq(json_at(answer.json, "error.code"), "TENANT_ACCESS_DENIED");
    cr_expect_eq(http_request("GET", routes[i].path, b.token, NULL, in_b_s_name).status, 200, "%s", routes[i].path);
  }
}

/* -- messages: what claims to be B's does nothing to A -- */

Test(tenant, a_message_in_b_s_name_does_nothing_to_a) {
  struct life a = life_new();
  struct tenant b = tenant_new();
  const struct {
    const char *topic, *type, *subject, *body;
  } attacks[] = {
      {"cloudbill.subscription.commands", "subscription.cancel", a.subscription, "{'immediately':true}"},
      {"cloudbill.dead-letter.commands", "dead-letter.drop", a.dead_letter, "{}"},
      {"cloudbill.payment.commands", "payment.collect", a.invoice, keep_text("{'invoiceId':'%s'}", a.invoice)},
      {"cloudbill.payment.commands", "payment-method.create", new_id(),
       keep_text("{'customerId':'%s','token':'pm_card_visa'}", a.customer)},
      {"cloudbill.subscription.commands", "subscription.create", new_id(),
       keep_text("{'customerId':'%s','planId':'%s'}", a.customer, a.plan)},
  };
  const char *before = fingerprint(&a.tenant);
  for (size_t i = 0; i < sizeof attacks / sizeof *attacks; i++) {
    const char *const headers[] = {"ce_specversion",
                                   "1.0",
                                   "ce_id",
                                   new_id(),
                                   "ce_type",
                                   attacks[i].type,
                                   "ce_source",
                                   "/tests",
                                   "ce_subject",
                                   attacks[i].subject,
                                   "ce_time",
                                   "2026-11-21T00:00:00Z",
                                   "ce_tenantid",
                                   b.id,
                                   "ce_bodyhash",
                                   "",
                                   NULL};
    const char *body = quotes(attacks[i].body);
    struct record record = kafka_produce(attacks[i].topic, a.customer, body, strlen(body), headers);
    WAIT_UNTIL(is_consumed(&record), "%s to be consumed", attacks[i].type);
    cr_expect_str_eq(fingerprint(&a.tenant), before, "%s", attacks[i].type);
  }
}
