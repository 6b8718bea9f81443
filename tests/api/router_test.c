/* The route table: what is found in it, and that its rows are whole. */
#include <string.h>

#include "bus/topics.h"
#include "parts.h"
#include "router.h"
#include "schema/schema.h"

TestSuite(router);

static const struct {
  enum method method;
  const char *path;
  enum rc rc;
  const char *route, *param, *allow;
} cases[] = {
    {METHOD_GET, "/api/customers", RC_OK, "/api/customers", "", ""},
    {METHOD_GET, "/api/customers/42", RC_OK, "/api/customers/{id}", "42", ""},
    {METHOD_GET, "/api/customers/42/invoices", RC_OK, "/api/customers/{id}/invoices", "42", ""},
    {METHOD_POST, "/api/billing/subscriptions/42/cancel", RC_OK, "/api/billing/subscriptions/{id}/cancel", "42", ""},
    {METHOD_GET, "/api/plans/pro-monthly", RC_OK, "/api/plans/{key}", "pro-monthly", ""},
    {METHOD_GET, "/api/plans/a%20b", RC_OK, "/api/plans/{key}", "a b", ""},
    {METHOD_GET, "/api/plans/a%2Fb", RC_OK, "/api/plans/{key}", "a/b", ""},
    {METHOD_DELETE, "/subscriptions/42", RC_OK, "/subscriptions/{id}", "42", ""},
    {METHOD_GET, "/livez", RC_OK, "/livez", "", ""},
    {METHOD_GET, "/api/plans/a%FFb", RC_VALIDATION, NULL, "", ""},
    {METHOD_GET, "/api/plans/a%0Ab", RC_VALIDATION, NULL, "", ""},
    {METHOD_GET, "/", RC_NOT_FOUND, NULL, "", ""},
    {METHOD_GET, "/api", RC_NOT_FOUND, NULL, "", ""},
    {METHOD_GET, "/api/customers/", RC_NOT_FOUND, NULL, "", ""},
    {METHOD_GET, "//api/customers", RC_NOT_FOUND, NULL, "", ""},
    {METHOD_GET, "/api//customers", RC_NOT_FOUND, NULL, "", ""},
    {METHOD_GET, "/api/customersX", RC_NOT_FOUND, NULL, "", ""},
    {METHOD_GET, "/API/customers", RC_NOT_FOUND, NULL, "", ""},
    {METHOD_GET, "/api%2Fcustomers", RC_NOT_FOUND, NULL, "", ""},
    {METHOD_GET, "/api/customers/42/invoices/1", RC_NOT_FOUND, NULL, "", ""},
    {METHOD_DELETE, "/api/customers", RC_METHOD_NOT_ALLOWED, NULL, "", "GET, HEAD, POST"},
    {METHOD_GET, "/api/auth/login", RC_METHOD_NOT_ALLOWED, NULL, "", "POST"},
    {METHOD_OPTIONS, "/api/customers", RC_METHOD_NOT_ALLOWED, NULL, "", "GET, HEAD, POST"},
};

Test(router, finds_the_row_and_the_parameter_or_says_why_not) {
  for (size_t i = 0; i < ROWS(cases); i++) {
    struct request *request = test_request(cases[i].method, cases[i].path);
    struct error err;
    char allow[ALLOW_MAX];
    enum rc rc = router_match(ROUTES, request, allow, &err);
    cr_expect_eq(rc, cases[i].rc, "%s", cases[i].path);
    cr_expect_str_eq(allow, cases[i].allow, "%s", cases[i].path);
    if (rc != RC_OK || cases[i].rc != RC_OK) continue;
    cr_expect_str_eq(request->route->path, cases[i].route);
    cr_expect_str_eq(request->params[0], cases[i].param);
  }
}

Test(router, a_parameter_that_is_too_long_is_found_nowhere) {
  char path[128] = "/api/plans/";
  memset(path + strlen(path), 'a', PATH_PARAM_MAX + 1);
  struct error err;
  char allow[ALLOW_MAX];
  cr_expect_eq(router_match(ROUTES, test_request(METHOD_GET, path), allow, &err), RC_NOT_FOUND);
}

Test(router, every_row_has_what_its_kind_needs) {
  for (const struct route *route = ROUTES; route->path; route++) {
    cr_expect_eq(route->path[0], '/');
    switch (route->kind) {
    case ROUTE_READ: cr_expect(route->statement, "%s", route->path); break;
    case ROUTE_LIST: cr_expect(route->list && !route->parent == !route->parent_filter, "%s", route->path); break;
    case ROUTE_COMMAND: cr_expect(route->command && route->permission, "%s", route->path); break;
    case ROUTE_HANDLER: cr_expect(route->handle, "%s", route->path); break;
    }
  }
}

Test(router, every_command_has_a_topic_and_a_schema) {
  for (const struct route *route = ROUTES; route->path; route++) {
    if (route->kind != ROUTE_COMMAND) continue;
    cr_expect_neq(topic_of_type(route->command), TOPIC_COUNT, "%s", route->command);
    cr_expect(schema_find(route->command), "%s", route->command);
  }
}

Test(router, no_row_hides_another) {
  for (const struct route *route = ROUTES; route->path; route++) {
    struct request *request = test_request(route->method, route->path);
    struct error err;
    char allow[ALLOW_MAX];
    cr_expect_eq(router_match(ROUTES, request, allow, &err), RC_OK, "%s", route->path);
    cr_expect_eq(request->route, route, "%s", route->path);
  }
}

Test(router, a_list_s_parent_filter_is_one_of_its_filters) {
  for (const struct route *route = ROUTES; route->path; route++) {
    bool is_there = !route->parent;
    for (size_t i = 0; route->parent && i < FILTERS_MAX && route->list->filters[i].name; i++)
      is_there = is_there || strcmp(route->list->filters[i].name, route->parent_filter) == 0;
    cr_expect(is_there, "%s", route->path);
  }
}
