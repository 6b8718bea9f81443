/* bench-api: what a client feels. POST → 201 alone, one after the other (the command goes through Kafka, a worker and a
 * committed transaction before the answer); then POST /api/billing/subscriptions on 64 connections at once. Beside them
 * the limits of the machine in the same run: a one-row transaction of PostgreSQL, and a GET of /livez through the same
 * server.
 *
 *   bench-api        as `./dev bench api` runs it
 */
#include <curl/curl.h>
#include <jansson.h>
#include <libpq-fe.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#include "base/time.h"
#include "base/uuid.h"

enum { ALONE = 500, CONNECTIONS = 64, EACH = 60, BODY_MAX = 65536, TEXT_MAX = 512 };

static char token[4096];
static const char *api_url;

static _Noreturn void die(const char *what, const char *why) {
  fprintf(stderr, "bench-api: %s: %s\n", what, why);
  exit(1);
}

static const char *environment(const char *name) {
  const char *value = getenv(name);
  if (!value) die(name, "must be set");
  return value;
}

/* -- HTTP -- */

struct body {
  char text[BODY_MAX];
  size_t length;
};

static size_t take(char *bytes, size_t size, size_t count, void *context) {
  struct body *body = context;
  size_t length = size * count;
  if (body->length + length >= sizeof body->text) return 0;
  memcpy(body->text + body->length, bytes, length);
  body->length += length;
  body->text[body->length] = '\0';
  return length;
}

/* One connection: a curl handle and what it received last. */
struct client {
  CURL *curl;
  struct curl_slist *headers;
  struct body body;
};

static void client_init(struct client *client) {
  char authorization[sizeof token + 32];
  snprintf(authorization, sizeof authorization, "Authorization: Bearer %s", token);
  client->curl = curl_easy_init();
  client->headers = curl_slist_append(NULL, "Content-Type: application/json");
  if (*token) client->headers = curl_slist_append(client->headers, authorization);
  curl_easy_setopt(client->curl, CURLOPT_HTTPHEADER, client->headers);
  curl_easy_setopt(client->curl, CURLOPT_WRITEFUNCTION, take);
  curl_easy_setopt(client->curl, CURLOPT_WRITEDATA, &client->body);
  curl_easy_setopt(client->curl, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(client->curl, CURLOPT_TIMEOUT, 60L);
}

static void client_release(struct client *client) {
  curl_slist_free_all(client->headers);
  curl_easy_cleanup(client->curl);
}

/* The status; body NULL: GET. */
static long request(struct client *client, const char *path, const char *body) {
  char url[TEXT_MAX];
  snprintf(url, sizeof url, "%s%s", api_url, path);
  client->body.length = 0;
  client->body.text[0] = '\0';
  curl_easy_setopt(client->curl, CURLOPT_URL, url);
  if (body)
    curl_easy_setopt(client->curl, CURLOPT_POSTFIELDS, body);
  else
    curl_easy_setopt(client->curl, CURLOPT_HTTPGET, 1L);
  if (curl_easy_perform(client->curl) != CURLE_OK) die(path, "no answer");
  long status = 0;
  curl_easy_getinfo(client->curl, CURLINFO_RESPONSE_CODE, &status);
  return status;
}

static void must(struct client *client, long wanted, const char *path, const char *body) {
  if (request(client, path, body) != wanted) die(path, client->body.text);
}

/* A text of the answer's data, copied. */
static void data_text(const struct client *client, const char *member, char *out, size_t size) {
  json_t *answer = json_loads(client->body.text, 0, NULL);
  const char *text = json_string_value(json_object_get(json_object_get(answer, "data"), member));
  if (!text) die(member, client->body.text);
  snprintf(out, size, "%s", text);
  json_decref(answer);
}

/* -- figures -- */

static int compare(const void *a, const void *b) {
  int64_t left = *(const int64_t *)a, right = *(const int64_t *)b;
  return (left > right) - (left < right);
}

static void report(const char *what, int64_t *ns, size_t count, double seconds) {
  qsort(ns, count, sizeof *ns, compare);
  size_t median = count / 2, p95 = count * 95 / 100, p99 = count * 99 / 100;
  printf("| %s | %.2f | %.2f | %.2f | %.0f |\n", what, (double)ns[median] / 1e6, (double)ns[p95] / 1e6,
         (double)ns[p99] / 1e6, (double)count / seconds);
  fflush(stdout);
}

static int64_t since(struct mono start) {
  return mono_now().ns - start.ns;
}

/* -- the measurements -- */

static void measure_commit(void) {
  static int64_t ns[ALONE];
  PGconn *db = PQconnectdb(environment("DATABASE_ADMIN_URL"));
  if (PQstatus(db) != CONNECTION_OK) die("PostgreSQL", PQerrorMessage(db));
  PQclear(PQexec(db, "CREATE TABLE IF NOT EXISTS bench_commits (n bigint)"));
  struct mono begin = mono_now();
  for (size_t i = 0; i < ALONE; i++) {
    struct mono start = mono_now();
    PQclear(PQexec(db, "INSERT INTO bench_commits VALUES (1)"));
    ns[i] = since(start);
  }
  report("limit: one-row transaction, alone", ns, ALONE, (double)since(begin) / 1e9);
  PQclear(PQexec(db, "DROP TABLE bench_commits"));
  PQfinish(db);
}

static void measure_livez(struct client *client) {
  static int64_t ns[ALONE];
  struct mono begin = mono_now();
  for (size_t i = 0; i < ALONE; i++) {
    struct mono start = mono_now();
    must(client, 200, "/livez", NULL);
    ns[i] = since(start);
  }
  report("limit: GET /livez, alone", ns, ALONE, (double)since(begin) / 1e9);
}

static void measure_alone(struct client *client) {
  static int64_t ns[ALONE];
  struct mono begin = mono_now();
  for (size_t i = 0; i < ALONE; i++) {
    char body[TEXT_MAX];
    snprintf(body, sizeof body, "{\"name\":\"Alone %zu\",\"email\":\"alone%zu@customers.example\"}", i, i);
    struct mono start = mono_now();
    must(client, 201, "/api/customers", body);
    ns[i] = since(start);
  }
  report("POST /api/customers → 201, alone", ns, ALONE, (double)since(begin) / 1e9);
}

static char customers[CONNECTIONS][UUID_TEXT_MAX];
static int64_t many_ns[CONNECTIONS * EACH];

static void *post_subscriptions(void *context) {
  size_t n = *(const size_t *)context;
  struct client *client = calloc(1, sizeof *client);
  if (!client) die("memory", "none");
  client_init(client);
  char body[TEXT_MAX];
  snprintf(body, sizeof body, "{\"customerId\":\"%s\",\"planId\":\"bench\"}", customers[n]);
  for (size_t i = 0; i < EACH; i++) {
    struct mono start = mono_now();
    must(client, 201, "/api/billing/subscriptions", body);
    many_ns[n * EACH + i] = since(start);
  }
  client_release(client);
  free(client);
  return NULL;
}

static void measure_many(struct client *client) {
  must(client, 201, "/api/plans",
       "{\"code\":\"bench\",\"name\":\"Bench\",\"price\":19.99,\"currency\":\"USD\",\"billingCycle\":\"monthly\"}");
  static size_t numbers[CONNECTIONS];
  for (size_t n = 0; n < CONNECTIONS; n++) {
    must(client, 201, "/api/customers", "{\"name\":\"One of many\",\"email\":\"many@customers.example\"}");
    data_text(client, "id", customers[n], sizeof customers[n]);
    numbers[n] = n;
  }
  pthread_t threads[CONNECTIONS];
  struct mono begin = mono_now();
  for (size_t n = 0; n < CONNECTIONS; n++)
    if (pthread_create(&threads[n], NULL, post_subscriptions, &numbers[n]) != 0) die("thread", "cannot start");
  for (size_t n = 0; n < CONNECTIONS; n++) pthread_join(threads[n], NULL);
  report("POST /api/billing/subscriptions → 201, 64 connections", many_ns, (size_t)CONNECTIONS * EACH,
         (double)since(begin) / 1e9);
}

/* A tenant by the command that operators use. */
static void make_tenant(char *email, size_t size) {
  char command[2 * TEXT_MAX], id[UUID_TEXT_MAX];
  struct uuid unique = uuid_new();
  snprintf(email, size, "bench-%s@example.org", uuid_format(&unique, id));
  snprintf(command, sizeof command,
           "\"%s/cloudbill\" tenant create --billing-schedule off --name Bench --admin-email %s --admin-password "
           "Bench-12345 > /dev/null",
           environment("BIN_DIR"), email);
  if (system(command) != 0) /* NOLINT(cert-env33-c): our own program, fixed arguments */
    die("cloudbill tenant create", "failed");
}

int main(void) {
  api_url = environment("API_URL");
  curl_global_init(CURL_GLOBAL_DEFAULT);
  char email[TEXT_MAX], body[2 * TEXT_MAX];
  make_tenant(email, sizeof email);
  static struct client client;
  client_init(&client);
  snprintf(body, sizeof body, "{\"email\":\"%s\",\"password\":\"Bench-12345\"}", email);
  must(&client, 200, "/api/auth/login", body);
  data_text(&client, "accessToken", token, sizeof token);
  client_release(&client);
  client_init(&client);
  printf("| what | p50, ms | p95, ms | p99, ms | a second |\n|---|---|---|---|---|\n");
  measure_commit();
  measure_livez(&client);
  measure_alone(&client);
  measure_many(&client);
  client_release(&client);
  return 0;
}
