/* The life of a customer: changed, replaced, deleted while nothing is going on, restored. */
#include "flow.h"

TestSuite(customers, .timeout = 180);

static const char *made(const struct tenant *tenant) {
  const json_t *customer = api_post(
      tenant, 201, "/api/customers",
      "{'name':'Ada Lovelace','email':'ada@engine.example','phone':'+44 20 7946 0000',"
      "'address':{'line1':'12 St James Sq','city':'London','country':'GB'},'locale':'en-GB',"
      "'timeZone':'Europe/London','currency':'GBP','taxIds':[{'type':'gb_vat','value':'GB1'}],'taxExempt':true,"
      "'netTermsDays':30,'preferences':{'paper':true},'metadata':{'crm':'A-1'}}");
  return json_at(customer, "id");
}

static const char *path_of(const char *customer) {
  return keep_text("/api/customers/%s", customer);
}

static const json_t *call(const struct tenant *tenant, int status, const char *method, const char *path,
                          const char *body) {
  struct answer answer = http_request(method, path, tenant->token, body ? quotes(body) : NULL, NULL);
  cr_assert_eq(answer.status, status, "%s %s %s: %d %s", method, path, body ? body : "", answer.status, answer.text);
  return json_object_get(answer.json, status < 400 ? "data" : "error");
}

static const json_t *event(const struct tenant *tenant, const char *type, size_t count) {
  WAIT_UNTIL(count_messages(tenant, type) == count, "%zu %s", count, type);
  return json_array_get(messages_of(tenant, type), count - 1);
}

/* The client's own members may have any name, one of ours included. */
Test(customers, metadata_is_given_back_whatever_its_names) {
  struct tenant tenant = tenant_new();
  const char *customer = customer_new(&tenant, "'metadata':{'provenance':'fair','credits':2}");
  const json_t *metadata = json_node_at(api_get(&tenant, 200, "/api/customers/%s", customer), "metadata");
  cr_expect_str_eq(json_at(metadata, "provenance"), "fair");
  cr_expect_eq(json_number_at(metadata, "credits"), 2);
}

/* -- "customer.update" -- */

Test(customers, a_change_touches_what_it_names) {
  struct tenant tenant = tenant_new();
  const char *customer = made(&tenant);
  const json_t *before = api_get(&tenant, 200, "/api/customers/%s", customer);
  const json_t *after =
      call(&tenant, 200, "PATCH", path_of(customer), "{'name':'A. Lovelace','netTermsDays':14,'metadata':{'n':1.50}}");
  cr_expect(json_equal(after, api_get(&tenant, 200, "/api/customers/%s", customer)), "answered and stored differ");
  static const char *const changed[] = {"name", "netTermsDays", "metadata", "updatedAt", "version"};
  size_t differing = 0;
  const char *name;
  json_t *value;
  json_object_foreach((json_t *)(uintptr_t)before, name, value) differing +=
      !json_equal(value, json_object_get(after, name));
  cr_expect_eq(differing, sizeof changed / sizeof *changed);
  for (size_t i = 0; i < sizeof changed / sizeof *changed; i++)
    cr_expect(!json_equal(json_object_get(before, changed[i]), json_object_get(after, changed[i])), "%s", changed[i]);
  cr_expect_eq(json_number_at(after, "version"), 2);
  const json_t *told = event(&tenant, "customer.updated", 1);
  cr_expect_str_eq(json_at(told, "customerId"), customer);
  cr_expect_str_eq(json_at(told, "changed.0"), "metadata");
  cr_expect_str_eq(json_at(told, "changed.1"), "name");
  cr_expect_str_eq(json_at(told, "changed.2"), "netTermsDays");
  cr_expect_eq(json_array_size(json_node_at(told, "changed")), 3);
  cr_expect_eq(json_number_at(told, "version"), 2);
  cr_expect_eq(count_messages(&tenant, "customer.update"), 1);
}

Test(customers, null_clears_or_takes_the_tenant_s_setting) {
  struct tenant tenant = tenant_new_with("EUR", "Europe/Lisbon");
  const char *customer = made(&tenant);
  const json_t *after = call(&tenant, 200, "PATCH", path_of(customer),
                             "{'phone':null,'address':null,'taxIds':null,'taxExempt':null,'preferences':null,"
                             "'metadata':null,'locale':null,'timeZone':null,'currency':null,'netTermsDays':null}");
  cr_expect(json_is_null(json_node_at(after, "phone")));
  cr_expect(json_is_null(json_node_at(after, "address")));
  cr_expect_eq(json_array_size(json_node_at(after, "taxIds")), 0);
  cr_expect(json_is_false(json_node_at(after, "taxExempt")));
  cr_expect_eq(json_object_size(json_node_at(after, "preferences")), 0);
  cr_expect_eq(json_object_size(json_node_at(after, "metadata")), 0);
  cr_expect_str_eq(json_at(after, "locale"), "en");
  cr_expect_str_eq(json_at(after, "timeZone"), "Europe/Lisbon");
  cr_expect_str_eq(json_at(after, "currency"), "EUR");
  cr_expect_eq(json_number_at(after, "netTermsDays"), 0);
  cr_expect_str_eq(json_at(after, "name"), "Ada Lovelace");
}

Test(customers, a_change_that_changes_nothing_is_no_version_and_no_event) {
  struct tenant tenant = tenant_new();
  const char *customer = made(&tenant);
  cr_expect_eq(json_number_at(call(&tenant, 200, "PATCH", path_of(customer), "{}"), "version"), 1);
  const json_t *same = call(&tenant, 200, "PATCH", path_of(customer), "{'name':'Ada Lovelace','netTermsDays':30}");
  cr_expect_eq(json_number_at(same, "version"), 1);
  call(&tenant, 200, "PATCH", path_of(customer), "{'name':'Countess'}");
  cr_expect_eq(json_number_at(event(&tenant, "customer.updated", 1), "version"), 2);
}

Test(customers, a_change_that_is_none_is_refused_by_field) {
  static const struct {
    const char *field, *body;
  } cases[] = {
      {"name", "{'name':null}"},
      {"name", "{'name':''}"},
      {"email", "{'email':null}"},
      {"email", "{'email':'nobody'}"},
      {"phone", "{'phone':'call me'}"},
      {"timeZone", "{'timeZone':'Europe/Atlantis'}"},
      {"timeZone", "{'timeZone':'../../etc/passwd'}"},
      {"currency", "{'currency':'XXX'}"},
      {"netTermsDays", "{'netTermsDays':-1}"},
      {"netTermsDays", "{'netTermsDays':1.5}"},
      {"taxExempt", "{'taxExempt':'yes'}"},
      {"address.country", "{'address':{'country':'Britain'}}"},
      {"billingAddress", "{'billingAddress':'12 St James Sq'}"},
      {"version", "{'version':7}"},
      {"deletedAt", "{'deletedAt':null}"},
  };
  struct tenant tenant = tenant_new();
  const char *customer = made(&tenant);
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    const json_t *error = call(&tenant, 400, "PATCH", path_of(customer), cases[i].body);
    cr_expect_str_eq(json_at(error, "field"), cases[i].field, "%s", cases[i].body);
  }
  cr_expect_eq(json_number_at(api_get(&tenant, 200, "/api/customers/%s", customer), "version"), 1);
  call(&tenant, 404, "PATCH", path_of(new_id()), "{'name':'B'}");
}

/* Without the guard, the second of two who read the same version would undo the first one's change. */
Test(customers, a_change_of_what_somebody_else_changed_is_refused) {
  struct tenant tenant = tenant_new();
  const char *customer = made(&tenant);
  const char *const first[] = {"If-Match: \"1\"", NULL};
  struct answer one = http_request("PATCH", path_of(customer), tenant.token, "{\"name\":\"One\"}", first);
  cr_expect_eq(one.status, 200, "%s", one.text);
  struct answer two = http_request("PATCH", path_of(customer), tenant.token, "{\"name\":\"Two\"}", first);
  cr_expect_eq(two.status, 412, "%s", two.text);
  struct answer gone = http_request("DELETE", path_of(customer), tenant.token, NULL, first);
  cr_expect_eq(gone.status, 412, "%s", gone.text);
  cr_expect_str_eq(json_at(api_get(&tenant, 200, "/api/customers/%s", customer), "name"), "One");
}

/* -- "customer.replace" -- */

Test(customers, a_replacement_clears_what_it_leaves_out) {
  struct tenant tenant = tenant_new_with("EUR", "Europe/Lisbon");
  const char *customer = made(&tenant), *path = keep_text("/customers/%s", customer);
  const json_t *after = call(&tenant, 200, "PUT", path, "{'name':'B','email':'b@c.example','currency':'USD'}");
  const json_t *fresh = api_post(&tenant, 201, "/api/customers", "{'name':'B','email':'b@c.example','currency':'USD'}");
  static const char *const own[] = {"id", "createdAt", "updatedAt", "version"};
  for (size_t i = 0; i < sizeof own / sizeof *own; i++) {
    json_object_del((json_t *)(uintptr_t)after, own[i]);
    json_object_del((json_t *)(uintptr_t)fresh, own[i]);
  }
  cr_expect(json_equal(after, fresh), "it is not as if it had been created so");
  cr_expect_eq(json_number_at(event(&tenant, "customer.updated", 1), "version"), 2);
  cr_expect_str_eq(json_at(call(&tenant, 400, "PUT", path, "{'name':'B'}"), "field"), "email");
  cr_expect_eq(count_messages(&tenant, "customer.replace"), 1);
}

/* -- "customer.delete" and "customer.restore" -- */

static double total_of(const struct tenant *tenant, const char *query) {
  struct answer answer = api_call(tenant, "GET", keep_text("/api/customers?%s", query), NULL);
  cr_assert_eq(answer.status, 200, "%s", answer.text);
  return json_number_at(answer.json, "pagination.total");
}

Test(customers, a_deleted_one_is_gone_from_lists_and_stays_readable) {
  struct tenant tenant = tenant_new();
  const char *customer = made(&tenant), *plan = plan_new(&tenant, "5.00", "GBP", "monthly");
  struct answer answer = api_call(&tenant, "DELETE", path_of(customer), NULL);
  cr_assert_eq(answer.status, 204, "%s", answer.text);
  cr_expect_str_eq(answer.text, "");
  cr_expect_eq(json_number_at(event(&tenant, "customer.deleted", 1), "version"), 2);
  const json_t *shown = api_get(&tenant, 200, "/api/customers/%s", customer);
  cr_expect(json_is_string(json_node_at(shown, "deletedAt")));
  cr_expect_str_eq(json_at(shown, "name"), "Ada Lovelace");
  api_get(&tenant, 200, "/api/customers/%s/invoices", customer);
  cr_expect_eq(total_of(&tenant, ""), 0);
  cr_expect_eq(total_of(&tenant, "q=lovelace"), 0);
  cr_expect_eq(total_of(&tenant, "status=deleted"), 1);
  cr_expect_eq(total_of(&tenant, "status=all"), 1);

  const json_t *error = call(&tenant, 409, "PATCH", path_of(customer), "{'name':'B'}");
  cr_expect_str_eq(json_at(error, "details.allowed.0"), "restore");
  call(&tenant, 409, "PUT", keep_text("/customers/%s", customer), "{'name':'B','email':'b@c.example'}");
  call(&tenant, 409, "DELETE", path_of(customer), NULL);
  api_post(&tenant, 404, "/api/billing/subscriptions", "{'customerId':'%s','planId':'%s'}", customer, plan);
  api_post(&tenant, 404, "/api/payment-methods", "{'customerId':'%s','token':'pm_card_visa'}", customer);
  cr_expect_eq(count_messages(&tenant, "customer.delete"), 2);
}

Test(customers, a_restored_one_is_as_it_was) {
  struct tenant tenant = tenant_new();
  const char *customer = made(&tenant), *plan = plan_new(&tenant, "5.00", "GBP", "monthly");
  const json_t *error = api_post(&tenant, 409, keep_text("/api/customers/%s/restore", customer), "{}");
  cr_expect_str_eq(json_at(error, "code"), "ILLEGAL_TRANSITION");
  cr_expect_eq(api_call(&tenant, "DELETE", keep_text("/customers/%s", customer), NULL).status, 204);
  const json_t *restored = api_post(&tenant, 200, keep_text("/api/customers/%s/restore", customer), "{}");
  cr_expect(json_is_null(json_node_at(restored, "deletedAt")));
  cr_expect_eq(json_number_at(restored, "version"), 3);
  cr_expect_str_eq(json_at(restored, "phone"), "+44 20 7946 0000");
  cr_expect_eq(json_number_at(event(&tenant, "customer.restored", 1), "version"), 3);
  cr_expect_eq(total_of(&tenant, "q=lovelace"), 1);
  subscription_new(&tenant, customer, plan, days_ago(0));
  api_post(&tenant, 404, keep_text("/api/customers/%s/restore", new_id()), "{}");
  cr_expect_geq(count_messages(&tenant, "customer.restore"), 2);
}

Test(customers, what_is_going_on_stands_in_the_way) {
  struct tenant tenant = tenant_new();
  const char *customer = made(&tenant), *plan = plan_new(&tenant, "5.00", "GBP", "monthly");
  const char *subscription = subscription_new(&tenant, customer, plan, days_ago(0));
  WAIT_UNTIL(sql_int(&tenant, "SELECT count(*) FROM invoices WHERE tenant_id = $1 AND status = 'open'") == 1,
             "an open invoice");
  const json_t *error = call(&tenant, 409, "DELETE", path_of(customer), NULL);
  cr_expect_str_eq(json_at(error, "code"), "CONFLICT");
  cr_expect_eq(json_number_at(error, "details.subscriptions.count"), 1);
  cr_expect_str_eq(json_at(error, "details.subscriptions.ids.0"), subscription);
  cr_expect_eq(json_number_at(error, "details.invoices.count"), 1);

  api_post(&tenant, 200, keep_text("/api/billing/subscriptions/%s/cancel", subscription), "{'immediately':true}");
  error = call(&tenant, 409, "DELETE", path_of(customer), NULL);
  cr_expect_eq(json_number_at(error, "details.subscriptions.count"), 0);
  cr_expect_str_eq(json_at(error, "details.invoices.ids.0"),
                   sql_text(&tenant, "SELECT id FROM invoices WHERE tenant_id = $1"));

  payment_method_new(&tenant, customer, "pm_card_visa");
  WAIT_UNTIL(all_are_paid(&tenant, 1), "the invoice to be paid");
  cr_expect_eq(api_call(&tenant, "DELETE", path_of(customer), NULL).status, 204);
  expect_sound_books(&tenant);
}

/* -- a new time zone: BILL-013; tests/billing-cycle/zone_test.c has the arithmetic -- */

static const char *customer_in(const struct tenant *tenant, const char *zone) {
  return json_at(api_post(tenant, 201, "/api/customers", "{'name':'A','email':'a@b.example','timeZone':'%s'}", zone),
                 "id");
}

static void move_to(const struct tenant *tenant, const char *customer, const char *zone) {
  call(tenant, 200, "PATCH", path_of(customer), keep_text("{'timeZone':'%s'}", zone));
}

Test(customers, a_new_zone_leaves_the_period_that_runs_as_it_was_told) {
  struct tenant tenant = tenant_new();
  const char *customer = customer_in(&tenant, "Europe/Berlin"), *plan = plan_new(&tenant, "5.00", "USD", "weekly");
  const char *subscription = subscription_new(&tenant, customer, plan, days_ago(2));
  const char *over = subscription_new(&tenant, customer, plan, days_ago(2));
  api_post(&tenant, 200, keep_text("/api/billing/subscriptions/%s/cancel", over), "{'immediately':true}");
  const json_t *before = api_get(&tenant, 200, "/api/billing/subscriptions/%s", subscription);
  move_to(&tenant, customer, "Asia/Tokyo");
  cr_expect(json_equal(before, api_get(&tenant, 200, "/api/billing/subscriptions/%s", subscription)));
  cr_expect_eq(sql_int(&tenant,
                       "SELECT count(*) FROM subscriptions WHERE tenant_id = $1 AND time_zone = 'Europe/Berlin' "
                       "AND next_time_zone = 'Asia/Tokyo' AND status = 'active'"),
               1);
  move_to(&tenant, customer, "Europe/Berlin");
  cr_expect_eq(
      sql_int(&tenant, "SELECT count(*) FROM subscriptions WHERE tenant_id = $1 AND next_time_zone IS NOT NULL"), 0,
      "there and back before the boundary is nothing");
  move_to(&tenant, customer, "America/New_York");
  const char *later = subscription_new(&tenant, customer, plan, days_ago(2));
  cr_expect_eq(sql_int(&tenant, keep_text("SELECT count(*) FROM subscriptions WHERE tenant_id = $1 AND id = '%s' "
                                          "AND time_zone = 'America/New_York' AND next_time_zone IS NULL",
                                          later)),
               1);
}

/* More than a year of weeks, with all its changes of clocks, by PostgreSQL's calendar; the zone changed on day 30. */
static void expect_a_year_across(const char *old_zone, const char *new_zone) {
  struct tenant tenant = tenant_new();
  const char *customer = customer_in(&tenant, old_zone), *plan = plan_new(&tenant, "5.00", "USD", "weekly");
  subscription_new(&tenant, customer, plan, days_ago(400));
  move_to(&tenant, customer, new_zone);
  sql_do(&tenant, "UPDATE subscriptions SET next_time_zone_at = start_date + interval '30 days' WHERE tenant_id = $1");
  billing_run(&tenant);
  int64_t weeks = periods_begun(days_ago(400), "1 week");
  WAIT_UNTIL(sql_int(&tenant, "SELECT count(*) FROM invoice_items WHERE tenant_id = $1") >= weeks, "%lld weeks",
             (long long)weeks);
  static const char strays[] =
      "SELECT count(*) FROM (SELECT i.*, lag(i.period_end) OVER (ORDER BY period_index) AS end_before,"
      "  (start_date + 7 * period_index::integer)::timestamp AS first, '%s' AS old_zone, '%s' AS new_zone"
      "  FROM invoice_items i JOIN subscriptions s ON s.tenant_id = i.tenant_id AND s.id = i.subscription_id"
      "  WHERE i.tenant_id = $1) lines "
      "WHERE period_start <> end_before"
      " OR period_start <> first AT TIME ZONE CASE WHEN period_index <= 5 THEN old_zone ELSE new_zone END"
      " OR period_end <> (first + interval '7 days') AT TIME ZONE CASE WHEN period_index < 5 THEN old_zone ELSE "
      "new_zone END";
  cr_expect_eq(sql_int(&tenant, keep_text(strays, old_zone, new_zone)), 0, "%s to %s", old_zone, new_zone);
  cr_expect_eq(sql_int(&tenant, keep_text("SELECT count(*) FROM subscriptions WHERE tenant_id = $1 AND "
                                          "time_zone = '%s' AND next_time_zone IS NULL AND next_time_zone_at IS NULL",
                                          new_zone)),
               1);
  expect_sound_books(&tenant);
}

Test(customers, periods_tile_over_a_new_zone_in_the_east) {
  expect_a_year_across("America/New_York", "Europe/Berlin");
}

Test(customers, periods_tile_over_a_new_zone_in_the_west) {
  expect_a_year_across("Australia/Sydney", "America/Los_Angeles");
}

/* Twice moved in a year, by a test clock: each boundary in the zone that it was told in. */
Test(customers, a_life_on_the_move_tiles) {
  struct tenant tenant = tenant_new_test();
  const char *clock = test_clock_new(&tenant, "2030-01-20T12:00:00Z"),
             *plan = plan_new(&tenant, "5.00", "USD", "monthly");
  const char *customer = customer_new(&tenant, "'timeZone':'America/New_York','testClockId':'%s'", clock);
  api_post(&tenant, 201, "/api/billing/subscriptions", "{'customerId':'%s','planId':'%s'}", customer, plan);
  test_clock_advance(&tenant, clock, "2030-02-25T00:00:00Z");
  move_to(&tenant, customer, "Europe/Berlin");
  test_clock_advance(&tenant, clock, "2030-07-03T00:00:00Z");
  move_to(&tenant, customer, "Pacific/Kiritimati");
  test_clock_advance(&tenant, clock, "2031-03-01T00:00:00Z");
  static const char begins[] = "SELECT string_agg(iso(period_start), ' ' ORDER BY period_index) FROM invoice_items "
                               "WHERE tenant_id = $1 AND period_index IN (0, 1, 2, 3, 6, 7, 13)";
  cr_expect_str_eq(
      sql_text(&tenant, begins),
      "2030-01-20T05:00:00.000Z 2030-02-20T05:00:00.000Z 2030-03-20T04:00:00.000Z 2030-04-19T22:00:00.000Z "
      "2030-07-19T22:00:00.000Z 2030-08-19T10:00:00.000Z 2031-02-19T10:00:00.000Z");
  static const char gaps[] =
      "SELECT count(*) FROM (SELECT period_start <> lag(period_end) OVER (ORDER BY period_index) AS is_gap"
      " FROM invoice_items WHERE tenant_id = $1) lines WHERE is_gap";
  cr_expect_eq(sql_int(&tenant, gaps), 0);
  cr_expect_eq(sql_int(&tenant, "SELECT count(*) FROM invoice_items WHERE tenant_id = $1"), 14);
}

/* A clock takes its customers with it for good. */
Test(customers, who_went_with_their_clock_is_not_restored) {
  struct tenant tenant = tenant_new_test();
  const char *clock = test_clock_new(&tenant, "2030-01-20T12:00:00Z");
  const char *customer = customer_new(&tenant, "'testClockId':'%s'", clock);
  cr_expect_eq(api_call(&tenant, "DELETE", path_of(customer), NULL).status, 204);
  api_post(&tenant, 200, keep_text("/api/customers/%s/restore", customer), "{}");
  cr_expect_eq(api_call(&tenant, "DELETE", keep_text("/api/test-clocks/%s", clock), NULL).status, 204);
  const json_t *error = api_post(&tenant, 409, keep_text("/api/customers/%s/restore", customer), "{}");
  cr_expect_str_eq(json_at(error, "code"), "CONFLICT");
}
