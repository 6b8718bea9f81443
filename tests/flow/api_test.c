/* The API at its edge: what strangers send, in which order it refuses, who gets in and who is put out, and what a list
 * and a resource look like. */
#include <arpa/inet.h>
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "harness/harness.h"

TestSuite(api, .timeout = 120);

#define ROWS(table) (sizeof(table) / sizeof((table)[0]))
#define NO_ONE      "01980c5e-7a10-7c3a-9d41-3f2b6c1a9e01" /* an id that nothing has */

/* ---- heads, byte by byte ---- */

static int connect_from(const char *source) {
  const char *address = setting("HTTP_ADDRESS"), *colon = strrchr(address, ':');
  struct sockaddr_in from = {.sin_family = AF_INET},
                     to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)strtol(colon + 1, NULL, 10))};
  inet_pton(AF_INET, source, &from.sin_addr);
  inet_pton(AF_INET, keep_text("%.*s", (int)(colon - address), address), &to.sin_addr);
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  struct timeval patience = {.tv_sec = 20};
  setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  cr_assert_eq(bind(fd, (const struct sockaddr *)&from, sizeof from), 0);
  cr_assert_eq(connect(fd, (const struct sockaddr *)&to, sizeof to), 0);
  return fd;
}

static int connect_to_api(void) {
  return connect_from("127.0.0.1");
}

/* All that comes until the connection is closed or the answer is whole; the status, 0 for none. */
static int exchange_on(int fd, const char *bytes, size_t length, const char **ret_answer) {
  char *answer = keep(65536);
  size_t used = 0;
  cr_assert_eq(send(fd, bytes, length, MSG_NOSIGNAL), (ssize_t)length);
  while (used < 65000 && !strstr(answer, "\r\n\r\n")) {
    ssize_t got = recv(fd, answer + used, 65000 - used, 0);
    if (got <= 0) break;
    used += (size_t)got;
  }
  close(fd);
  if (ret_answer) *ret_answer = answer;
  return strncmp(answer, "HTTP/1.1 ", 9) == 0 ? (int)strtol(answer + 9, NULL, 10) : 0;
}

static int exchange(const char *bytes, size_t length, const char **ret_answer) {
  return exchange_on(connect_to_api(), bytes, length, ret_answer);
}

static int status_of(const char *bytes) {
  return exchange(bytes, strlen(bytes), NULL);
}

static int status_from(const char *source, const char *bytes) {
  return exchange_on(connect_from(source), bytes, strlen(bytes), NULL);
}

static const struct {
  const char *head;
  int status;
} heads[] = {
    {"GET /health HTTP/1.1\r\nHost: h\r\n\r\n", 200},
    {"HEAD /health HTTP/1.1\r\nHost: h\r\n\r\n", 200},
    {"GET /health HTTP/1.0\r\n\r\n", 200},
    {"GET http://elsewhere.example/health HTTP/1.1\r\nHost: h\r\n\r\n", 400},
    {"GET https://h/health HTTP/1.1\r\nHost: h\r\n\r\n", 400},
    {"GET ftp://h/health HTTP/1.1\r\nHost: h\r\n\r\n", 400},
    {"OPTIONS * HTTP/1.1\r\nHost: h\r\n\r\n", 400},
    {"GET health HTTP/1.1\r\nHost: h\r\n\r\n", 400},
    {"OPTIONS /api/customers HTTP/1.1\r\nHost: h\r\n\r\n", 204},
    {"GET /nowhere HTTP/1.1\r\nHost: h\r\n\r\n", 404},
    {"GET /api%2Fcustomers HTTP/1.1\r\nHost: h\r\n\r\n", 404},
    {"GET /api/../health HTTP/1.1\r\nHost: h\r\n\r\n", 404},
    {"DELETE /api/customers HTTP/1.1\r\nHost: h\r\n\r\n", 405},
    {"GET /health HTTP/1.1\nHost: h\n\n", 400},
    {"GET /health HTTP/1.1\r\nHost: h\nX: y\r\n\r\n", 400},
    {"GET /health HTTP/1.1\r\nHost : h\r\n\r\n", 400},
    {"GET /health HTTP/1.1\r\nHost: h\r\nX: a\r\n b\r\n\r\n", 400},
    {"GET  /health HTTP/1.1\r\nHost: h\r\n\r\n", 400},
    {"GET /health  HTTP/1.1\r\nHost: h\r\n\r\n", 400},
    {"GET /health HTTP/1.1\r\nX: no host\r\n\r\n", 400},
    {"GET /health HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400},
    {"GET /health HTTP/2.0\r\nHost: h\r\n\r\n", 400},
    {"BREW /health HTTP/1.1\r\nHost: h\r\n\r\n", 400},
    {"GET /api/customers/%00 HTTP/1.1\r\nHost: h\r\n\r\n", 400},
    {"GET /api/customers/%4 HTTP/1.1\r\nHost: h\r\n\r\n", 400},
    {"GET /api/customers?q=%zz HTTP/1.1\r\nHost: h\r\n\r\n", 400},
    {"GET /api/customers/\xc3\xa9 HTTP/1.1\r\nHost: h\r\n\r\n", 400},
    {"GET /health HTTP/1.1\r\nHost: h\r\nX: a\x01z\r\n\r\n", 400},
    {"POST /api/customers HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
     400},
    {"POST /api/customers HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", 400},
    {"POST /api/customers HTTP/1.0\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400},
    {"POST /api/customers HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nab\r\n0\r\n\r\n", 400},
    {"POST /api/customers HTTP/1.1\r\nHost: h\r\nContent-Length: 2x\r\n\r\n{}", 400},
    {"POST /api/customers HTTP/1.1\r\nHost: h\r\nContent-Length: +2\r\n\r\n{}", 400},
    {"POST /api/customers HTTP/1.1\r\nHost: h\r\nContent-Length: -2\r\n\r\n{}", 400},
    {"POST /api/customers HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\nContent-Length: 2\r\n\r\n{}", 400},
    {"POST /api/customers HTTP/1.1\r\nHost: h\r\nContent-Length: 2, 2\r\n\r\n{}", 400},
    {"POST /api/customers HTTP/1.1\r\nHost: h\r\nContent-Length:\r\n\r\n{}", 400},
    {"POST /api/customers HTTP/1.1\r\nHost: h\r\nContent-Length: 2000000\r\n\r\n{}", 413},
    {"POST /api/customers HTTP/1.1\r\nHost: h\r\nContent-Length: 99999999999999999999\r\n\r\n{}", 413},
    {"POST /api/customers HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\n{}", 401},
};

Test(api, a_head_that_can_be_read_in_two_ways_is_refused) {
  for (size_t i = 0; i < ROWS(heads); i++)
    cr_expect_eq(status_of(heads[i].head), heads[i].status, "%s: %d", heads[i].head, status_of(heads[i].head));
}

static const char *repeated(const char *text, size_t times) {
  char *all = keep(strlen(text) * times + 1);
  for (size_t i = 0; i < times; i++) memcpy(all + i * strlen(text), text, strlen(text));
  return all;
}

/* RFC 9112 3.2.2: a server takes the absolute form, too. */
Test(api, an_absolute_target_is_served) {
  const char *address = setting("HTTP_ADDRESS");
  cr_expect_eq(status_of(keep_text("GET http://%s/health HTTP/1.1\r\nHost: h\r\n\r\n", address)), 200);
  cr_expect_eq(status_of(keep_text("GET http://%s/nowhere?x=1 HTTP/1.1\r\nHost: h\r\n\r\n", address)), 404);
  cr_expect_eq(status_of(keep_text("GET http://%s/api/customers HTTP/1.1\r\nHost: h\r\n\r\n", address)), 401);
}

Test(api, limits_of_a_head_have_their_own_status) {
  cr_expect_eq(status_of(keep_text("GET /health HTTP/1.1\r\nHost: h\r\nX: %s\r\n\r\n", repeated("y", 200000))), 431);
  cr_expect_eq(status_of(keep_text("GET /%s HTTP/1.1\r\nHost: h\r\n\r\n", repeated("a", 5000))), 414);
  cr_expect_eq(status_of(keep_text("GET /health?%s HTTP/1.1\r\nHost: h\r\n\r\n", repeated("a", 5000))), 414);
  cr_expect_eq(status_of(keep_text("GET /health HTTP/1.1\r\nHost: h\r\n%s\r\n", repeated("X: y\r\n", 80))), 431);
  cr_expect_eq(status_of(keep_text("GET /health HTTP/1.1\r\nHost: h\r\nX: %s\r\n\r\n", repeated("y", 20000))), 431);
}

Test(api, a_refused_framing_closes_the_connection) {
  const char *answer;
  static const char two[] =
      "POST /api/customers HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\nTransfer-Encoding: chunked\r\n\r\n"
      "GET /health HTTP/1.1\r\nHost: h\r\n\r\n";
  cr_expect_eq(exchange(two, strlen(two), &answer), 400);
  cr_expect(strstr(answer, "Connection: close"));
  cr_expect_null(strstr(answer + 1, "HTTP/1.1 200"));
}

/* ---- If-Match ---- */

static struct answer cancel_if(const struct tenant *tenant, const char *subscription, const char *tag,
                               const char *body) {
  const char *const headers[] = {keep_text("If-Match: %s", tag), NULL};
  return http_request("POST", keep_text("/api/billing/subscriptions/%s/cancel", subscription), tenant->token,
                      quotes(body), headers);
}

/* Of two who have read the same version, the second one is told. */
Test(api, if_match_prevents_a_lost_update) {
  struct tenant tenant = tenant_new();
  const char *subscription =
      subscription_new(&tenant, customer_new(&tenant, NULL), plan_new(&tenant, "9.00", "USD", "monthly"), days_ago(0));
  struct answer read = api_call(&tenant, "GET", keep_text("/api/billing/subscriptions/%s", subscription), NULL);
  const char *tag = answer_header(&read, "ETag");
  cr_assert_not_null(tag);
  struct answer first = cancel_if(&tenant, subscription, tag, "{'immediately':false}");
  struct answer second = cancel_if(&tenant, subscription, tag, "{'immediately':true}");
  cr_expect_eq(first.status, 200, "%s", first.text);
  cr_expect_eq(second.status, 412, "%s", second.text);
  cr_expect_str_eq(json_at(second.json, "error.code"), "PRECONDITION_FAILED");
  cr_expect_eq(json_number_at(second.json, "error.details.version"), json_number_at(first.json, "data.version"));
  cr_expect_str_eq(json_at(api_get(&tenant, 200, "/api/billing/subscriptions/%s", subscription), "status"), "active");
  struct answer third =
      cancel_if(&tenant, subscription, keep_text("%s, %s", tag, answer_header(&first, "ETag")), "{'immediately':true}");
  cr_expect_eq(third.status, 200, "one of several versions: %s", third.text);
}

Test(api, refuses_in_order_404_412_409) {
  struct tenant tenant = tenant_new();
  const char *subscription =
      subscription_new(&tenant, customer_new(&tenant, NULL), plan_new(&tenant, "9.00", "USD", "monthly"), days_ago(0));
  cr_assert_eq(cancel_if(&tenant, subscription, "*", "{'immediately':true}").status, 200);
  cr_expect_eq(cancel_if(&tenant, NO_ONE, "\"1\"", "{}").status, 404);
  cr_expect_eq(cancel_if(&tenant, subscription, "\"1\"", "{}").status, 412);
  cr_expect_eq(cancel_if(&tenant, subscription, "W/\"2\"", "{}").status, 412);
  cr_expect_eq(cancel_if(&tenant, subscription, "*", "{}").status, 409);
  struct answer garbled = cancel_if(&tenant, subscription, "2", "{}");
  cr_expect_eq(garbled.status, 400);
  cr_expect_str_eq(json_at(garbled.json, "error.field"), "If-Match");
}

Test(api, if_match_needs_a_thing_that_is_there) {
  static const char *const headers[] = {"If-Match: \"1\"", NULL};
  struct tenant tenant = tenant_new();
  struct answer answer =
      http_request("POST", "/api/customers", tenant.token, quotes("{'name':'a','email':'a@b.example'}"), headers);
  cr_expect_eq(answer.status, 400);
  cr_expect_str_eq(json_at(answer.json, "error.field"), "If-Match");
}

/* ---- bodies ---- */

static const char *customer_named(const struct tenant *tenant, const char *name) {
  return json_at(api_post(tenant, 201, "/api/customers", "{'name':'%s','email':'%s@api.example'}", name, new_id()),
                 "id");
}

static const struct {
  const char *what, *body;
  int status;
  const char *code;
} bodies[] = {
    {"not JSON", "hello", 400, "MALFORMED_REQUEST"},
    {"cut short", "{'name':'Ada'", 400, "MALFORMED_REQUEST"},
    {"NaN", "{'name':NaN,'email':'a@b.example'}", 400, "MALFORMED_REQUEST"},
    {"infinity", "{'name':-Infinity,'email':'a@b.example'}", 400, "MALFORMED_REQUEST"},
    {"a member twice", "{'name':'a','name':'b','email':'a@b.example'}", 400, "MALFORMED_REQUEST"},
    {"NUL", "{'name':'a\\u0000b','email':'a@b.example'}", 400, "MALFORMED_REQUEST"},
    {"not UTF-8", "{'name':'\xff','email':'a@b.example'}", 400, "MALFORMED_REQUEST"},
    {"an array", "[]", 400, "VALIDATION_ERROR"},
    {"a text", "'x'", 400, "MALFORMED_REQUEST"},
    {"nothing", "{}", 400, "VALIDATION_ERROR"},
    {"an unknown field", "{'name':'a','email':'a@b.example','colour':'red'}", 400, "VALIDATION_ERROR"},
    {"a wrong type", "{'name':7,'email':'a@b.example'}", 400, "VALIDATION_ERROR"},
    {"no address", "{'name':'a','email':'nobody'}", 400, "VALIDATION_ERROR"},
    {"a name of blanks", "{'name':'  ','email':'a@b.example'}", 400, "VALIDATION_ERROR"},
    {"a name of wide blanks", "{'name':'\\u3000\\u00a0','email':'a@b.example'}", 400, "VALIDATION_ERROR"},
    {"a name that nobody sees", "{'name':'\\u200b','email':'a@b.example'}", 400, "VALIDATION_ERROR"},
    {"an address that no mail reaches", "{'name':'a','email':'a@b..example'}", 400, "VALIDATION_ERROR"},
    {"an address in angles", "{'name':'a','email':'<a@b.example>'}", 400, "VALIDATION_ERROR"},
    {"an address beyond ASCII", "{'name':'a','email':'j\\u00fcrgen@b.example'}", 400, "VALIDATION_ERROR"},
    {"two addresses", "{'name':'a','email':'a@b.example,c@d.example'}", 400, "VALIDATION_ERROR"},
};

/* BILL-004: however many decimals, the answer names the field and comes at once. */
Test(api, a_price_with_too_many_decimals_says_so) {
  static const int counts[] = {3, 40, 61, 62, 63, 100, 5000, 100000};
  struct tenant tenant = tenant_new();
  for (size_t i = 0; i < 2 * ROWS(counts); i++) {
    const char *quote = i % 2 ? "'" : "";
    const char *body = keep_text("{'code':'c','name':'n','currency':'USD','billingCycle':'monthly','price':%s1.%s%s}",
                                 quote, repeated("9", (size_t)counts[i / 2]), quote);
    struct answer answer = http_request("POST", "/api/plans", tenant.token, quotes(body), NULL);
    cr_expect_eq(answer.status, 400, "%d decimals: %d %s", counts[i / 2], answer.status, answer.text);
    cr_expect_str_eq(json_at(answer.json, "error.field"), "price", "%d decimals: %s", counts[i / 2], answer.text);
  }
}

Test(api, a_bad_body_is_told_from_an_unreadable_one) {
  struct tenant tenant = tenant_new();
  for (size_t i = 0; i < ROWS(bodies); i++) {
    struct answer answer = api_call(&tenant, "POST", "/api/customers", "%s", bodies[i].body);
    cr_expect_eq(answer.status, bodies[i].status, "%s: %s", bodies[i].what, answer.text);
    cr_expect_str_eq(json_at(answer.json, "error.code"), bodies[i].code, "%s: %s", bodies[i].what, answer.text);
  }
}

Test(api, all_faults_are_told_and_the_first_is_the_field) {
  struct tenant tenant = tenant_new();
  struct answer answer = api_call(&tenant, "POST", "/api/customers", "{'name':'','currency':'dollars','colour':1}");
  cr_assert_eq(answer.status, 400);
  cr_expect_eq(json_array_size(json_node_at(answer.json, "error.details")), 4, "%s", answer.text);
  cr_expect_str_eq(json_at(answer.json, "error.field"), json_at(answer.json, "error.details.0.field"));
}

Test(api, depth_and_size_are_bounded) {
  struct tenant tenant = tenant_new();
  const struct {
    const char *path, *body;
    int status;
  } rows[] = {
      {"/api/customers", keep_text("{'metadata':%s1%s}", repeated("{'a':", 4000), repeated("}", 4000)), 400},
      {"/api/customers", repeated("[", 4000), 400},
      {"/api/customers", keep_text("{'name':'%s'}", repeated("a", 300000)), 413},
      {"/api/billing/subscriptions", keep_text("{'planId':'x','quantity':%s}", repeated("9", 200000)), 400},
      {"/api/billing/subscriptions", keep_text("{'planId':'x','currentPrice':0.%s}", repeated("9", 200000)), 400},
  };
  for (size_t i = 0; i < ROWS(rows); i++) {
    struct answer answer = http_request("POST", rows[i].path, tenant.token, quotes(rows[i].body), NULL);
    cr_expect_eq(answer.status, rows[i].status, "row %zu: %s", i, answer.text);
  }
}

/* Whoever writes a body to its end before he looks for an answer gets it: the connection is not reset under him. */
Test(api, a_body_that_is_too_large_is_answered_each_time) {
  struct tenant tenant = tenant_new();
  const char *body = quotes(keep_text("{'name':'%s'}", repeated("a", 900000)));
  for (int i = 0; i < 20; i++)
    cr_expect_eq(http_request("POST", "/api/customers", tenant.token, body, NULL).status, 413, "time %d", i);
}

Test(api, a_body_must_be_json_by_its_type) {
  struct tenant tenant = tenant_new();
  static const char *const types[] = {"text/plain", "application/x-www-form-urlencoded", "application/jsonp",
                                      "application/json; charset=latin1"};
  const char *body = "{\"name\":\"Ada\",\"email\":\"ada@example.com\"}";
  for (size_t i = 0; i < ROWS(types); i++) {
    const char *request = keep_text("POST /api/customers HTTP/1.1\r\nHost: h\r\nAuthorization: Bearer %s\r\n"
                                    "Content-Type: %s\r\nContent-Length: %zu\r\n\r\n%s",
                                    tenant.token, types[i], strlen(body), body);
    cr_expect_eq(status_of(request), 415, "%s", types[i]);
  }
}

/* ---- the order of refusal ---- */

/* A colleague of the administrator's, with the same password and another role. */
static struct tenant colleague(const struct tenant *tenant, const char *role) {
  struct tenant other = *tenant;
  other.user_id = new_id();
  other.email = keep_text("%s@colleague.example", other.user_id);
  sql_do(tenant, keep_text("INSERT INTO users (tenant_id, id, email, password_hash, role, email_verified_at)"
                           " SELECT tenant_id, '%s', '%s', password_hash, '%s', now() FROM users"
                           " WHERE tenant_id = $1 ORDER BY created_at LIMIT 1",
                           other.user_id, other.email, role));
  struct answer answer =
      http_request("POST", "/api/auth/login", NULL,
                   quotes(keep_text("{'email':'%s','password':'%s'}", other.email, other.password)), NULL);
  cr_assert_eq(answer.status, 200, "%s", answer.text);
  other.token = json_at(answer.json, "data.accessToken");
  return other;
}

Test(api, refuses_in_order) {
  struct tenant tenant = tenant_new(), viewer = colleague(&tenant, "VIEWER");
  struct answer nobody = http_request("POST", "/api/customers", NULL, "not JSON", NULL);
  cr_expect_eq(nobody.status, 401);
  cr_expect_str_eq(json_at(nobody.json, "error.code"), "UNAUTHORIZED");
  cr_expect_str_eq(answer_header(&nobody, "WWW-Authenticate"), "Bearer");
  cr_expect_eq(api_call(&viewer, "POST", "/api/customers", "not JSON").status, 403);
  cr_expect_eq(api_call(&viewer, "GET", "/api/customers/x", NULL).status, 400);
  cr_expect_eq(api_call(&viewer, "GET", "/api/customers/" NO_ONE, NULL).status, 404);
  cr_expect_eq(api_call(&tenant, "POST", "/api/billing/subscriptions/" NO_ONE "/cancel", "{'colour':1}").status, 400);
  cr_expect_eq(api_call(&tenant, "POST", "/api/billing/subscriptions/" NO_ONE "/cancel", "{}").status, 404);
}

Test(api, roles_may_do_what_their_row_says) {
  struct tenant tenant = tenant_new();
  static const struct {
    const char *role, *path;
    int status;
  } rows[] = {
      {"VIEWER", "/api/plans", 200},        {"VIEWER", "/api/payments", 403},
      {"VIEWER", "/api/billing/runs", 403}, {"USER", "/api/billing/invoices", 200},
      {"USER", "/api/customers", 403},      {"USER", "/api/auth/me", 200},
      {"BILLING_ADMIN", "/api/plans", 200}, {"BILLING_ADMIN", "/api/dead-letters", 200},
  };
  for (size_t i = 0; i < ROWS(rows); i++) {
    struct tenant one = colleague(&tenant, rows[i].role);
    cr_expect_eq(api_call(&one, "GET", rows[i].path, NULL).status, rows[i].status, "%s %s", rows[i].role, rows[i].path);
  }
  struct tenant billing = colleague(&tenant, "BILLING_ADMIN");
  cr_expect_eq(api_call(&billing, "POST", "/api/plans", "{}").status, 403);
}

/* ---- tenants ---- */

Test(api, another_tenant_s_things_are_not_there) {
  struct tenant a = tenant_new(), b = tenant_new();
  const char *customer = customer_named(&a, "Of A");
  const char *plan = plan_new(&a, "5.00", "USD", "monthly");
  static const char *const below[] = {"", "/invoices", "/payments", "/subscriptions"};
  for (size_t i = 0; i < ROWS(below); i++) {
    const char *path = keep_text("/api/customers/%s%s", customer, below[i]);
    cr_expect_eq(api_call(&a, "GET", path, NULL).status, 200, "%s", path);
    cr_expect_eq(api_call(&b, "GET", path, NULL).status, 404, "%s", path);
  }
  cr_expect_eq(api_call(&b, "GET", keep_text("/api/plans/%s", plan), NULL).status, 404);
  cr_expect_eq(json_number_at(api_call(&b, "GET", "/api/customers", NULL).json, "pagination.total"), 0);
  struct answer answer =
      api_call(&b, "POST", "/api/billing/subscriptions", "{'customerId':'%s','planId':'%s'}", customer, plan);
  cr_expect_eq(answer.status, 404, "%s", answer.text);
}

static struct answer get_in(const struct tenant *who, const char *path, const char *tenant_id) {
  const char *headers[] = {keep_text("X-Tenant-ID: %s", tenant_id), NULL};
  return http_request("GET", path, who->token, NULL, headers);
}

Test(api, a_tenant_may_be_named_by_its_own_and_by_the_super_admin) {
  struct tenant a = tenant_new(), b = tenant_new(), super = colleague(&a, "SUPER_ADMIN");
  customer_named(&b, "Of B");
  cr_expect_eq(get_in(&a, "/api/customers", a.id).status, 200);
  struct answer denied = get_in(&a, "/api/customers", b.id);
  cr_expect_eq(denied.status, 403);
  cr_expect_str_eq(json_at(denied.json, "error.code"), "TENANT_ACCESS_DENIED");
  cr_expect_eq(get_in(&a, "/api/customers", "x").status, 403);
  cr_expect_eq(json_number_at(get_in(&super, "/api/customers", b.id).json, "pagination.total"), 1);
  cr_expect_eq(json_number_at(get_in(&super, "/api/customers", a.id).json, "pagination.total"), 0);
  cr_expect_str_eq(json_at(get_in(&super, "/api/auth/me", b.id).json, "data.tenantId"), a.id);
  cr_expect_eq(get_in(&super, "/api/customers", NO_ONE).status, 404);
}

/* ---- sessions ---- */

static struct answer login(const char *email, const char *password) {
  return http_request("POST", "/api/auth/login", NULL,
                      quotes(keep_text("{'email':'%s','password':'%s'}", email, password)), NULL);
}

static struct answer refresh(const char *token) {
  return http_request("POST", "/api/auth/refresh", NULL, quotes(keep_text("{'refreshToken':'%s'}", token)), NULL);
}

Test(api, a_login_answers_what_clients_expect) {
  struct tenant tenant = tenant_new();
  struct answer answer = login(tenant.email, tenant.password);
  cr_assert_eq(answer.status, 200, "%s", answer.text);
  cr_expect_eq(json_number_at(answer.json, "data.expiresIn"), 86400);
  cr_expect_str_eq(json_at(answer.json, "data.user.email"), tenant.email);
  cr_expect(json_at(answer.json, "data.accessToken") && json_at(answer.json, "data.refreshToken"));
  cr_expect_eq(sql_int(&tenant, keep_text("SELECT count(*) FROM sessions WHERE tenant_id = $1 AND id = '%s'",
                                          json_at(answer.json, "data.sessionId"))),
               1);
  cr_expect_geq(sql_int(&tenant, "SELECT count(*) FROM audit_log WHERE tenant_id = $1 AND action = 'auth.login'"), 1);
}

Test(api, a_wrong_address_and_a_wrong_password_are_answered_alike) {
  struct tenant tenant = tenant_new();
  struct answer address = login(keep_text("%s@nobody.example", new_id()), "Passw0rd1");
  struct answer password = login(tenant.email, "Wrong0000");
  cr_expect_eq(address.status, 401);
  cr_expect_eq(password.status, 401);
  cr_expect_str_eq(json_at(address.json, "error.message"), json_at(password.json, "error.message"));
  cr_expect_eq(sql_int(&tenant, "SELECT count(*) FROM audit_log WHERE tenant_id = $1 AND outcome = 'failed'"), 1);
}

Test(api, ten_failed_logins_are_enough) {
  struct tenant tenant = tenant_new();
  for (int i = 0; i < 10; i++) cr_assert_eq(login(tenant.email, "Wrong0000").status, 401);
  struct answer answer = login(tenant.email, tenant.password);
  cr_expect_eq(answer.status, 429, "%s", answer.text);
  cr_expect_str_eq(json_at(answer.json, "error.code"), "RATE_LIMITED");
  cr_expect(answer_header(&answer, "Retry-After"));
}

Test(api, logging_out_ends_the_session_at_once) {
  struct tenant tenant = tenant_new();
  struct answer first = login(tenant.email, tenant.password);
  const char *token = json_at(first.json, "data.accessToken");
  cr_expect_eq(http_request("GET", "/api/auth/me", token, NULL, NULL).status, 200);
  cr_expect_eq(http_request("POST", "/api/auth/logout", token, NULL, NULL).status, 200);
  cr_expect_eq(http_request("GET", "/api/auth/me", token, NULL, NULL).status, 401);
  cr_expect_eq(refresh(json_at(first.json, "data.refreshToken")).status, 401);
  cr_expect_eq(api_call(&tenant, "GET", "/api/auth/me", NULL).status, 200, "another session goes on");
}

Test(api, suspending_the_user_or_the_tenant_ends_sessions_at_once) {
  struct tenant tenant = tenant_new(), other = colleague(&tenant, "ADMIN");
  sql_do(&tenant, keep_text("UPDATE users SET status = 'SUSPENDED' WHERE tenant_id = $1 AND id = '%s'", other.user_id));
  cr_expect_eq(api_call(&other, "GET", "/api/auth/me", NULL).status, 401);
  cr_expect_eq(login(other.email, other.password).status, 403);
  sql_do(&tenant, "UPDATE tenants SET status = 'SUSPENDED' WHERE id = $1");
  cr_expect_eq(api_call(&tenant, "GET", "/api/auth/me", NULL).status, 401);
}

Test(api, a_refresh_token_is_good_once) {
  struct tenant tenant = tenant_new();
  struct answer first = login(tenant.email, tenant.password);
  const char *old = json_at(first.json, "data.refreshToken");
  struct answer second = refresh(old);
  cr_assert_eq(second.status, 200, "%s", second.text);
  cr_expect_str_eq(json_at(second.json, "data.sessionId"), json_at(first.json, "data.sessionId"));
  const char *token = json_at(second.json, "data.accessToken");
  cr_expect_eq(http_request("GET", "/api/auth/me", token, NULL, NULL).status, 200);
  cr_expect_eq(refresh(old).status, 401, "it was used");
  cr_expect_eq(http_request("GET", "/api/auth/me", token, NULL, NULL).status, 401, "so the session has ended");
  cr_expect_eq(refresh(json_at(second.json, "data.refreshToken")).status, 401);
  cr_expect_eq(refresh(token).status, 401, "an access token is none");
}

/* ---- answers ---- */

Test(api, every_answer_carries_its_headers) {
  const char *headers[] = {"X-Request-ID: my-request.1", NULL};
  struct answer answer = http_request("GET", "/api/customers", NULL, NULL, headers);
  cr_expect_str_eq(answer_header(&answer, "X-Request-ID"), "my-request.1");
  static const char *const names[] = {
      "X-Response-Time",         "RateLimit-Limit",        "RateLimit-Remaining", "RateLimit-Reset",
      "Content-Security-Policy", "X-Content-Type-Options", "Referrer-Policy",     "Date"};
  for (size_t i = 0; i < ROWS(names); i++) cr_expect(answer_header(&answer, names[i]), "%s", names[i]);
  const char *insane[] = {"X-Request-ID: a b<script>", NULL};
  struct answer ours = http_request("GET", "/api/customers", NULL, NULL, insane);
  cr_expect_eq(strlen(answer_header(&ours, "X-Request-ID")), 36);
}

Test(api, a_resource_has_a_tag_and_says_when_it_is_known) {
  struct tenant tenant = tenant_new();
  struct answer made = api_call(&tenant, "POST", "/api/customers", "{'name':'Ada','email':'ada@tag.example'}");
  cr_assert_eq(made.status, 201, "%s", made.text);
  const char *path = answer_header(&made, "Location");
  cr_assert_not_null(path);
  struct answer got = api_call(&tenant, "GET", path, NULL);
  const char *tag = answer_header(&got, "ETag");
  cr_assert_not_null(tag);
  cr_expect_str_eq(tag, answer_header(&made, "ETag"));
  const char *same[] = {keep_text("If-None-Match: \"x\", W/%s", tag), NULL};
  const char *other[] = {"If-None-Match: \"x\"", NULL};
  struct answer known = http_request("GET", path, tenant.token, NULL, same);
  cr_expect_eq(known.status, 304);
  cr_expect_eq(strlen(known.text), 0);
  cr_expect_eq(http_request("GET", path, tenant.token, NULL, other).status, 200);
}

/* ---- lists ---- */

static struct answer list(const struct tenant *tenant, const char *query) {
  struct answer answer = api_call(tenant, "GET", keep_text("/api/customers%s", query), NULL);
  cr_assert_eq(answer.status, 200, "%s: %s", query, answer.text);
  return answer;
}

static const char *name_at(const struct answer *answer, size_t i) {
  return json_at(answer->json, keep_text("data.%zu.name", i));
}

Test(api, lists_are_paged_sorted_and_searched) {
  struct tenant tenant = tenant_new();
  static const char *const names[] = {"Cæcilie", "Bo 100%", "Ada", "Dag_", "Eva"};
  for (size_t i = 0; i < ROWS(names); i++)
    cr_assert_eq(
        api_call(&tenant, "POST", "/api/customers", "{'name':'%s','email':'n%zu@list.example'}", names[i], i).status,
        201);
  struct answer all = list(&tenant, "");
  cr_expect_eq(json_number_at(all.json, "pagination.total"), 5);
  cr_expect_str_eq(name_at(&all, 0), "Eva", "the newest is first");
  struct answer page = list(&tenant, "?limit=2&page=2&sort=name");
  cr_expect_eq(json_array_size(json_node_at(page.json, "data")), 2);
  cr_expect_eq(json_number_at(page.json, "pagination.totalPages"), 3);
  struct answer down = list(&tenant, "?sort=-email");
  cr_expect_str_eq(name_at(&down, 0), "Eva");
  struct answer found = list(&tenant, "?q=c%C3%A6c");
  cr_expect_eq(json_number_at(found.json, "pagination.total"), 1);
  cr_expect_eq(json_number_at(list(&tenant, "?q=100%25").json, "pagination.total"), 1, "%% is itself");
  cr_expect_eq(json_number_at(list(&tenant, "?q=g_").json, "pagination.total"), 1, "_ is itself");
  cr_expect_eq(json_number_at(list(&tenant, "?q=@list").json, "pagination.total"), 5);
}

Test(api, a_list_can_be_walked_by_its_last_id) {
  struct tenant tenant = tenant_new();
  enum { COUNT = 7 };
  for (int i = 0; i < COUNT; i++) customer_named(&tenant, keep_text("N%d", i));
  static const char *const orders[] = {"-createdAt", "createdAt"};
  for (size_t order = 0; order < ROWS(orders); order++) {
    const char *after = "";
    int seen = 0, pages = 0;
    do {
      struct answer page = list(&tenant, keep_text("?limit=3&sort=%s%s", orders[order], after));
      size_t count = json_array_size(json_node_at(page.json, "data"));
      for (size_t i = 0; i < count; i++) {
        int expected = order == 0 ? COUNT - 1 - seen : seen;
        cr_expect_str_eq(name_at(&page, i), keep_text("N%d", expected));
        seen++;
      }
      const char *next = json_at(page.json, "pagination.next");
      after = next ? keep_text("&after=%s", next) : NULL;
      cr_assert_lt(pages++, COUNT);
    } while (after);
    cr_expect_eq(seen, COUNT);
  }
}

static const char *const lists[] = {"/api/customers",
                                    "/api/plans",
                                    "/api/billing/subscriptions",
                                    "/api/billing/invoices",
                                    "/api/payments",
                                    "/api/payment-methods",
                                    "/api/billing/runs",
                                    "/api/dead-letters",
                                    "/customers",
                                    "/plans",
                                    "/subscriptions",
                                    "/invoices"};

Test(api, every_list_is_empty_for_a_new_tenant_and_refuses_what_it_does_not_know) {
  struct tenant tenant = tenant_new();
  for (size_t i = 0; i < ROWS(lists); i++) {
    struct answer answer = api_call(&tenant, "GET", lists[i], NULL);
    cr_expect_eq(answer.status, 200, "%s: %s", lists[i], answer.text);
    cr_expect_eq(json_number_at(answer.json, "pagination.total"), 0, "%s", lists[i]);
    cr_expect_eq(api_call(&tenant, "GET", keep_text("%s?colour=red", lists[i]), NULL).status, 400, "%s", lists[i]);
    cr_expect_eq(api_call(&tenant, "GET", keep_text("%s?page=1001", lists[i]), NULL).status, 400, "%s", lists[i]);
    struct answer after = api_call(&tenant, "GET", keep_text("%s?after=" NO_ONE, lists[i]), NULL);
    cr_expect_eq(after.status, 400, "%s: an end that nobody has reached", lists[i]);
    cr_expect_str_eq(json_at(after.json, "error.field"), "after", "%s", lists[i]);
  }
}

static const struct {
  const char *list, *filters;
} filters[] = {
    {"/api/customers", "q=a&email=a@b.c&currency=USD&status=all&sort=email"},
    {"/api/plans", "status=active&code=pro&sort=-code"},
    {"/api/billing/subscriptions",
     "status=active&customerId=" NO_ONE "&planId=pro&nextBillingBefore=2030-01-01&sort=nextBillingDate"},
    {"/api/billing/subscriptions", "planId=" NO_ONE "&nextBillingBefore=2030-01-01T00:00:00Z"},
    {"/api/billing/invoices",
     "status=open&customerId=" NO_ONE "&subscriptionId=" NO_ONE "&runId=" NO_ONE
     "&currency=USD&startDate=2026-01-01&endDate=2026-12-31&invoiceNumber=INV-1&sort=-totalAmount"},
    {"/api/payments",
     "status=pending&customerId=" NO_ONE "&invoiceId=" NO_ONE "&startDate=2026-01-01&endDate=2026-12-31&sort=amount"},
    {"/api/payment-methods", "customerId=" NO_ONE "&status=active"},
    {"/api/billing/runs", "status=running&sort=startedAt"},
    {"/api/dead-letters", "status=dead&topic=cloudbill.payment.commands.dlq&messageType=x&worker=payments"},
};

Test(api, every_filter_is_understood) {
  struct tenant tenant = tenant_new();
  for (size_t i = 0; i < ROWS(filters); i++) {
    struct answer answer = api_call(&tenant, "GET", keep_text("%s?%s", filters[i].list, filters[i].filters), NULL);
    cr_expect_eq(answer.status, 200, "%s: %s", filters[i].filters, answer.text);
  }
}

/* ---- CSV ---- */

enum { MANY = 450 };

static void many_customers(const struct tenant *tenant) {
  sql_do(tenant,
         keep_text("INSERT INTO customers (tenant_id, id, name, email, locale, time_zone, currency, net_terms_days,"
                   " created_at, updated_at) SELECT $1, gen_random_uuid(), '=Nr. ' || n, n || '@many.example',"
                   " 'en', 'UTC', 'USD', 0, now() - n * interval '1 second', now() FROM generate_series(1, %d) n",
                   MANY));
}

static int lines_in(const char *text) {
  int lines = 0;
  for (const char *at = text; (at = strstr(at, "\r\n")); at += 2) lines++;
  return lines;
}

Test(api, a_list_comes_whole_as_csv) {
  static const char *const csv[] = {"Accept: text/csv", NULL};
  struct tenant tenant = tenant_new();
  many_customers(&tenant);
  struct answer all = http_request("GET", "/api/customers?limit=5", tenant.token, NULL, csv);
  cr_assert_eq(all.status, 200, "%s", all.text);
  cr_expect_str_eq(answer_header(&all, "Content-Type"), "text/csv; charset=utf-8; header=present");
  cr_expect_str_eq(answer_header(&all, "Content-Disposition"), "attachment; filename=\"customers.csv\"");
  cr_expect_eq(lines_in(all.text), 1 + MANY);
  cr_expect_eq(strncmp(all.text, "id,tenantId,name,email,", 23), 0, "%.80s", all.text);
  const char *first = strstr(all.text, "\"'=Nr. 1\""), *last = strstr(all.text, keep_text("\"'=Nr. %d\"", MANY));
  cr_expect(first && last && first < last, "newest first, and no formula");
  struct answer filtered = http_request("GET", "/api/customers?q=Nr.+44&sort=createdAt", tenant.token, NULL, csv);
  cr_expect_eq(lines_in(filtered.text), 1 + 11, "44 and 440 to 449");
  cr_expect_eq(http_request("GET", "/api/customers?sort=name", tenant.token, NULL, csv).status, 400);
  cr_expect_eq(http_request("GET", "/api/customers?after=" NO_ONE, tenant.token, NULL, csv).status, 400);
  cr_expect_eq(http_request("GET", "/api/customers", NULL, NULL, csv).status, 401);
  struct tenant other = tenant_new();
  cr_expect_str_eq(http_request("GET", "/api/customers", other.token, NULL, csv).text, "");
}

/* ---- connections ---- */

/* So many silent ones from one address are let in as leave room for others; and then somebody asks for health. */
Test(api, half_open_connections_of_one_address_do_not_delay_health) {
  enum { SILENT = 200 };
  int silent[SILENT], refused = 0;
  struct timeval moment = {.tv_usec = 200000};
  for (int i = 0; i < SILENT; i++) {
    silent[i] = connect_from("127.0.0.5");
    (void)!send(silent[i], "GET /health", 11, MSG_NOSIGNAL);
  }
  for (int i = 0; i < SILENT; i++) {
    char byte;
    setsockopt(silent[i], SOL_SOCKET, SO_RCVTIMEO, &moment, sizeof moment);
    if (i >= 96) refused += recv(silent[i], &byte, 1, 0) != -1 || errno == ECONNRESET;
  }
  cr_expect_geq(refused, SILENT - 96);
  int64_t start = stopwatch_ms();
  cr_expect_eq(status_from("127.0.0.7", "GET /health HTTP/1.1\r\nHost: h\r\n\r\n"), 200);
  cr_expect_lt(stopwatch_ms() - start, 1000);
  for (int i = 0; i < SILENT; i++) close(silent[i]);
  WAIT_UNTIL(status_from("127.0.0.5", "GET /health HTTP/1.1\r\nHost: h\r\n\r\n") == 200,
             "the address to be let in again");
}

/* ---- commands ---- */

static struct answer post_with(const struct tenant *tenant, const char *path, const char *body, const char *header) {
  const char *headers[] = {header, NULL};
  return http_request("POST", path, tenant->token, quotes(body), headers);
}

Test(api, whoever_does_not_wait_gets_an_operation) {
  struct tenant tenant = tenant_new(), viewer = colleague(&tenant, "VIEWER"), stranger = tenant_new();
  struct answer accepted =
      post_with(&tenant, "/api/customers", "{'name':'Ada','email':'ada@async.example'}", "Prefer: respond-async");
  cr_assert_eq(accepted.status, 202, "%s", accepted.text);
  cr_expect_str_eq(answer_header(&accepted, "Preference-Applied"), "respond-async");
  const char *operation = answer_header(&accepted, "Location");
  cr_assert_eq(strncmp(operation, "/api/operations/", 16), 0);
  WAIT_UNTIL(strcmp(json_at(api_call(&tenant, "GET", operation, NULL).json, "data.status"), "succeeded") == 0,
             "the operation to succeed");
  cr_expect_str_eq(json_at(api_call(&tenant, "GET", operation, NULL).json, "data.result.name"), "Ada");
  cr_expect_eq(api_call(&viewer, "GET", operation, NULL).status, 404, "it is the caller's own");
  cr_expect_eq(api_call(&stranger, "GET", operation, NULL).status, 404);
  cr_expect_eq(api_call(&tenant, "GET", "/api/operations/" NO_ONE, NULL).status, 404);
}

Test(api, an_idempotency_key_must_be_visible_ascii) {
  struct tenant tenant = tenant_new();
  const char *body = "{'name':'Ada','email':'ada@key.example'}";
  const char *longest = keep_text("Idempotency-Key: %s", repeated("k", 255));
  cr_expect_eq(post_with(&tenant, "/api/customers", body, longest).status, 201);
  cr_expect_eq(post_with(&tenant, "/api/customers", body, keep_text("%sk", longest)).status, 400);
  cr_expect_eq(post_with(&tenant, "/api/customers", body, "Idempotency-Key: a b").status, 400);
  cr_expect_eq(post_with(&tenant, "/api/customers", body, "Idempotency-Key;").status, 400, "an empty one");
}

Test(api, a_key_belongs_to_one_request_and_one_caller) {
  struct tenant tenant = tenant_new(), other = colleague(&tenant, "ADMIN");
  const char *key = keep_text("Idempotency-Key: %s", new_id()), *body = "{'name':'Ada','email':'ada@key.example'}";
  struct answer first = post_with(&tenant, "/api/customers", body, key);
  struct answer again = post_with(&tenant, "/api/customers", body, key);
  cr_assert_eq(first.status, 201, "%s", first.text);
  cr_expect_eq(again.status, 201);
  cr_expect(json_equal(json_node_at(first.json, "data"), json_node_at(again.json, "data")));
  struct answer reused = post_with(&tenant, "/api/customers", "{'name':'Bo','email':'bo@key.example'}", key);
  cr_expect_eq(reused.status, 422);
  cr_expect_str_eq(json_at(reused.json, "error.code"), "IDEMPOTENCY_KEY_REUSED");
  cr_expect_eq(post_with(&tenant, "/customers", body, key).status, 422, "the same body on another route");
  struct answer another = post_with(&other, "/api/customers", body, key);
  cr_expect_eq(another.status, 201);
  cr_expect_str_neq(json_at(another.json, "data.id"), json_at(first.json, "data.id"));
}

static bool file_holds(const char *path, const char *text) {
  enum { LINE_MAX_BYTES = 16384 };
  char *line = keep(LINE_MAX_BYTES);
  FILE *file = fopen(path, "re");
  cr_assert_not_null(file, "%s", path);
  bool is_there = false;
  while (!is_there && fgets(line, LINE_MAX_BYTES, file)) is_there = strstr(line, text) != NULL;
  fclose(file);
  return is_there;
}

/* BILL-087 */
Test(api, a_card_number_is_refused_and_written_down_nowhere) {
  struct tenant tenant = tenant_new();
  const char *customer = customer_named(&tenant, "Ada");
  struct answer answer =
      api_call(&tenant, "POST", "/api/payment-methods", "{'customerId':'%s','token':'5555 5555 5555 4444'}", customer);
  cr_expect_eq(answer.status, 400);
  cr_expect_str_eq(json_at(answer.json, "error.field"), "token");
  cr_expect_null(strstr(answer.text, "4444"));
  cr_expect_not(file_holds(keep_text("%s/api.log", setting("LOG_DIR")), "5555 5555"));
}

Test(api, the_first_generation_s_paths_are_the_same_resources) {
  struct tenant tenant = tenant_new();
  const char *customer = customer_named(&tenant, "Ada"), *plan = plan_new(&tenant, "9.00", "USD", "monthly");
  const char *subscription = subscription_new(&tenant, customer, plan, days_ago(0));
  cr_expect_eq(api_call(&tenant, "GET", keep_text("/customers/%s", customer), NULL).status, 200);
  cr_expect_eq(api_call(&tenant, "GET", keep_text("/plans/%s", plan), NULL).status, 200);
  cr_expect_eq(api_call(&tenant, "GET", keep_text("/subscriptions/%s", subscription), NULL).status, 200);
  struct answer ended = api_call(&tenant, "DELETE", keep_text("/subscriptions/%s", subscription), NULL);
  cr_expect_eq(ended.status, 204, "%s", ended.text);
  struct answer got = api_call(&tenant, "GET", keep_text("/subscriptions/%s", subscription), NULL);
  cr_expect_str_eq(json_at(got.json, "data.status"), "cancelled");
}

Test(api, health_says_how_it_is) {
  struct tenant tenant = tenant_new();
  static const char *const probes[] = {"/health", "/livez", "/readyz"};
  for (size_t i = 0; i < ROWS(probes); i++) cr_expect_eq(http_request("GET", probes[i], NULL, NULL, NULL).status, 200);
  const json_t *health = api_get(&tenant, 200, "/api/monitoring/health");
  cr_expect_geq(json_number_at(health, "totalServices"), 8);
  cr_expect_eq(http_request("GET", "/metrics", NULL, NULL, NULL).status, 404, "not for clients");
  struct answer metrics =
      http_request("GET", keep_text("http://%s/metrics", setting("API_INTERNAL_ADDRESS")), NULL, NULL, NULL);
  cr_expect(strstr(metrics.text, "cloudbill_http_requests_total{"));
}
