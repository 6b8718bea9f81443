/* The API on bad days: what it depends on goes away and comes back. One test after the other: each breaks the instance
 * for a while. */
#include <pthread.h>
#include <string.h>

#include "harness/harness.h"

static struct answer create(const struct tenant *tenant, const char *name, const char *header) {
  const char *headers[] = {header, NULL};
  const char *body = quotes(keep_text("{'name':'%s','email':'bad-day@api.example'}", name));
  return http_request("POST", "/api/customers", tenant->token, body, header ? headers : NULL);
}

/* By the API: the harness's own connection does not outlive PostgreSQL. */
static int count_named(const struct tenant *tenant, const char *name) {
  struct answer answer = api_call(tenant, "GET", keep_text("/api/customers?q=%s", name), NULL);
  cr_assert_eq(answer.status, 200, "%s", answer.text);
  return (int)json_number_at(answer.json, "pagination.total");
}

static void expect_unavailable(struct answer answer) {
  cr_expect_eq(answer.status, 503, "%s", answer.text);
  cr_expect(answer_header(&answer, "Retry-After"));
  cr_expect_str_eq(json_at(answer.json, "error.code"), "SERVICE_UNAVAILABLE");
}

static int readiness(void) {
  return http_request("GET", "/readyz", NULL, NULL, NULL).status;
}
static int liveness(void) {
  return http_request("GET", "/livez", NULL, NULL, NULL).status;
}

/* -- one thing at a time -- */

static void without_kafka(const struct tenant *tenant) {
  const char *key = keep_text("Idempotency-Key: %s", new_id());
  process_do("kill", "kafka");
  expect_unavailable(create(tenant, "No-Kafka", key)); /* nobody waits as long as the client would */
  cr_expect_eq(count_named(tenant, "No-Kafka"), 0, "nothing half-done");
  cr_expect_eq(api_call(tenant, "GET", "/api/customers", NULL).status, 200, "reading goes on");
  WAIT_UNTIL(readiness() == 503, "readyz to fail");
  cr_expect_eq(liveness(), 200);
  process_do("start", "kafka");
  WAIT_UNTIL(create(tenant, "No-Kafka", key).status == 201, "the API to recover by itself");
  cr_expect_eq(count_named(tenant, "No-Kafka"), 1, "the key was used more than once, and did its work once");
}

static void without_redis(const struct tenant *tenant) {
  const char *key = keep_text("Idempotency-Key: %s", new_id());
  process_do("kill", "redis");
  cr_expect_eq(create(tenant, "No-Redis", key).status, 201, "slower, still right");
  cr_expect_eq(create(tenant, "No-Redis", key).status, 201);
  cr_expect_eq(count_named(tenant, "No-Redis"), 1);
  cr_expect_eq(readiness(), 200);
  expect_unavailable(api_call(tenant, "GET", keep_text("/api/operations/%s", new_id()), NULL));
  struct answer login =
      http_request("POST", "/api/auth/login", NULL,
                   quotes(keep_text("{'email':'%s','password':'%s'}", tenant->email, tenant->password)), NULL);
  cr_expect_eq(login.status, 200, "the limiter fails open");
  process_do("start", "redis");
}

static void without_postgres(const struct tenant *tenant) {
  process_do("kill", "postgres");
  expect_unavailable(create(tenant, "No-database", NULL));
  expect_unavailable(api_call(tenant, "GET", "/api/customers", NULL));
  cr_expect_eq(http_request("GET", "/api/customers", "no token", NULL, NULL).status, 401);
  WAIT_UNTIL(readiness() == 503, "readyz to fail");
  cr_expect_eq(liveness(), 200);
  process_do("start", "postgres");
  WAIT_UNTIL(create(tenant, "Database", NULL).status == 201, "the API to recover by itself");
  cr_expect_eq(count_named(tenant, "No-database"), 0);
}

static bool is_done(const struct tenant *tenant, const char *operation) {
  return strcmp(json_at(api_call(tenant, "GET", operation, NULL).json, "data.status"), "succeeded") == 0;
}

/* An operation that no worker has reached is pending, and whose it is is known. */
static void without_a_worker(const struct tenant *tenant, const struct tenant *stranger) {
  const char *key = keep_text("Idempotency-Key: %s", new_id());
  process_do("stop", "billing-cycle");
  const char *headers[] = {key, "Prefer: wait=1", NULL};
  const char *body = quotes("{'name':'Later','email':'later@api.example'}");
  struct answer first = http_request("POST", "/api/customers", tenant->token, body, headers);
  struct answer again = http_request("POST", "/api/customers", tenant->token, body, headers);
  cr_assert_eq(first.status, 202, "%s", first.text);
  cr_expect_eq(again.status, 202, "%s", again.text);
  cr_expect_eq(create(tenant, "Other", key).status, 422, "another body while the first is under way");
  const char *operation = answer_header(&first, "Location");
  cr_expect_str_eq(operation, answer_header(&again, "Location"));
  struct answer pending = api_call(tenant, "GET", operation, NULL);
  cr_expect_str_eq(json_at(pending.json, "data.status"), "pending", "%s", pending.text);
  cr_expect_eq(api_call(stranger, "GET", operation, NULL).status, 404);
  process_do("start", "billing-cycle");
  WAIT_UNTIL(is_done(tenant, operation), "the operation to be done");
  cr_expect_eq(create(tenant, "Later", key).status, 422);
  cr_expect_eq(http_request("POST", "/api/customers", tenant->token, body, headers).status, 201);
  cr_expect_eq(count_named(tenant, "Later"), 1);
}

#define SERVERS "postgres redis kafka"

/* "start" comes back when the API is ready, which it is when the others are. */
static void *start_api(void *ignored) {
  process_do("start", "api");
  return ignored;
}

static void started_with_everything_away(const struct tenant *tenant) {
  process_do("stop", "api");
  process_do("kill", SERVERS);
  pthread_t starter;
  setenv("START_SECONDS", "300", 1); /* theirs are among the API's */
  cr_assert_eq(pthread_create(&starter, NULL, start_api, NULL), 0);
  WAIT_UNTIL(liveness() == 200, "the API to be alive");
  cr_expect_eq(readiness(), 503);
  expect_unavailable(create(tenant, "Nothing-there", NULL));
  process_do("start", SERVERS);
  pthread_join(starter, NULL);
  WAIT_UNTIL(create(tenant, "All-there", NULL).status == 201, "the API to work");
}

Test(api_outage, each_of_its_servers_may_go_and_come_back, .timeout = 600) {
  struct tenant tenant = tenant_new(), stranger = tenant_new();
  without_a_worker(&tenant, &stranger);
  without_redis(&tenant);
  without_kafka(&tenant);
  without_postgres(&tenant);
  started_with_everything_away(&tenant);
}
