/* The stage: PostgreSQL through libpq, the gateway through curl, the worker as a child process. */
#include "stage.h"

#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <curl/curl.h>
#include <fcntl.h>
#include <glob.h>
#include <jansson.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/time.h"
#include "base/uuid.h"

enum { STOP_MS = 15000, SQL_MAX = 16384, ANSWER_MAX = 4 * 1024 * 1024, KEPT_MAX = 64 * 1024 * 1024 };

static struct stage *open_stage; /* for the end of the test */

/* Texts that live until the test's process ends. */
static const char *keep(const char *text) {
  static struct arena kept;
  if (!kept.max_bytes) arena_init(&kept, KEPT_MAX);
  return text ? arena_strdup(&kept, text) : NULL;
}

/* -- PostgreSQL -- */

static PGresult *run(PGconn *connection, const char *sql) {
  PGresult *result = PQexec(connection, sql);
  ExecStatusType status = PQresultStatus(result);
  cr_assert(status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK, "%s\n%s", PQerrorMessage(connection), sql);
  return result;
}

static void run_alone(PGconn *connection, const char *sql) {
  PQclear(run(connection, sql));
}

static PGresult *run_for_tenant(struct stage *stage, const char *sql) {
  const char *params[] = {stage->tenant};
  int count = strstr(sql, "$1") != NULL;
  PGresult *result = PQexecParams(stage->admin, sql, count, NULL, params, NULL, NULL, 0);
  ExecStatusType status = PQresultStatus(result);
  cr_assert(status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK, "%s\n%s", PQerrorMessage(stage->admin), sql);
  return result;
}

#define FORMAT(sql)                                                     \
  char sql[SQL_MAX];                                                    \
  va_list arguments;                                                    \
  va_start(arguments, format);                                          \
  cr_assert_lt(vsnprintf(sql, sizeof sql, format, arguments), SQL_MAX); \
  va_end(arguments)

void sql_do(struct stage *stage, const char *format, ...) {
  FORMAT(sql);
  PQclear(run_for_tenant(stage, sql));
}

const char *sql_text(struct stage *stage, const char *format, ...) {
  FORMAT(sql);
  PGresult *result = run_for_tenant(stage, sql);
  bool is_there = PQntuples(result) > 0 && !PQgetisnull(result, 0, 0);
  const char *text = is_there ? keep(PQgetvalue(result, 0, 0)) : NULL;
  PQclear(result);
  return text;
}

int64_t sql_int(struct stage *stage, const char *format, ...) {
  FORMAT(sql);
  const char *text = sql_text(stage, "%s", sql);
  cr_assert_not_null(text, "%s", sql);
  return strtoll(text, NULL, 10);
}

static const char *admin_url(void) {
  const char *url = getenv("DATABASE_ADMIN_URL");
  cr_assert_not_null(url, "DATABASE_ADMIN_URL names the server; ./dev test sets it");
  return url;
}

static PGconn *connect_to(const char *database) {
  const char *const keywords[] = {"dbname", "dbname", NULL};
  const char *const values[] = {admin_url(), database, NULL};
  PGconn *connection =
      PQconnectdbParams(keywords, database ? values : (const char *const[]){admin_url(), NULL, NULL}, 1);
  cr_assert_eq(PQstatus(connection), CONNECTION_OK, "%s", PQerrorMessage(connection));
  return connection;
}

/* As `cloudbill migrate` does; the roles are the cluster's, so that two tests may want to make them at once. */
static const char ROLES[] =
    "SELECT pg_advisory_lock(7205759403792794);"
    "DO $$ DECLARE r record; BEGIN"
    "  FOR r IN SELECT * FROM (VALUES ('cloudbill_owner', 'NOLOGIN'), ('cloudbill_identity', 'NOLOGIN'),"
    "                                 ('cloudbill_api', 'LOGIN'), ('cloudbill_worker', 'LOGIN')) AS v (name, kind) LOOP"
    "    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = r.name) THEN EXECUTE format('CREATE ROLE %I %s', r.name, "
    "r.kind);"
    "    END IF;"
    "  END LOOP;"
    "END $$;"
    "DO $$ BEGIN IF NOT pg_has_role('cloudbill_owner', 'cloudbill_identity', 'member') THEN"
    "  GRANT cloudbill_identity TO cloudbill_owner; END IF; END $$;"
    "SELECT pg_advisory_unlock(7205759403792794);";
static const char SCHEMA[] = "CREATE SCHEMA cloudbill AUTHORIZATION cloudbill_owner;"
                             "GRANT USAGE ON SCHEMA cloudbill TO cloudbill_api, cloudbill_worker, cloudbill_identity;"
                             "GRANT CREATE ON SCHEMA cloudbill TO cloudbill_identity;"
                             "SET search_path = cloudbill; SET client_min_messages = warning;";

/* What lies in the outbox (lib/bus/message.c), one row for each message: its parts by name. */
static const char SENT[] =
    "CREATE FUNCTION unpacked(packed bytea) RETURNS SETOF jsonb LANGUAGE plpgsql AS $$"
    " DECLARE m jsonb = '{}'; at integer = 1; name bytea; part bytea; BEGIN"
    "  WHILE at <= length(packed) LOOP"
    "   name = unpacked_part(packed, at); at = at + 4 + length(name);"
    "   IF name = '' THEN RETURN NEXT m; m = '{}'; CONTINUE; END IF;"
    "   part = unpacked_part(packed, at); at = at + 4 + COALESCE(length(part), 0);"
    "   m = m || jsonb_build_object(convert_from(name, 'UTF8'), convert_from(part, 'UTF8'));"
    "  END LOOP; END $$;"
    "CREATE FUNCTION unpacked_part(packed bytea, at integer) RETURNS bytea LANGUAGE sql AS $$"
    " SELECT CASE WHEN length >= 0 THEN substr(packed, at + 4, length) END"
    " FROM (SELECT ('x' || encode(substr(packed, at, 4), 'hex'))::bit(32)::integer AS length) l $$;"
    "CREATE VIEW sent AS SELECT m FROM outbox, unpacked(messages) m";

static void load_file(PGconn *connection, const char *path) {
  struct buf CLEANUP(buf_release) text;
  char bytes[65536];
  size_t length;
  buf_init(&text, ANSWER_MAX);
  FILE *file = fopen(path, "r");
  cr_assert_not_null(file, "%s", path);
  buf_text_append(&text, "SET ROLE cloudbill_owner;");
  while ((length = fread(bytes, 1, sizeof bytes, file)) > 0) buf_append(&text, bytes, length);
  (void)fclose(file);
  buf_text_append(&text, ";RESET ROLE");
  run_alone(connection, buf_text(&text));
}

static void load_schema(PGconn *connection) {
  glob_t files;
  run_alone(connection, SCHEMA);
  cr_assert_eq(glob(SOURCE_DIR "/schemas/db/*.sql", 0, NULL, &files), 0);
  for (size_t i = 0; i < files.gl_pathc; i++) load_file(connection, files.gl_pathv[i]);
  globfree(&files);
  run_alone(connection, SENT);
}

static void database_new(struct stage *stage) {
  char sql[256], id[UUID_TEXT_MAX];
  struct uuid unique = uuid_new();
  PGconn *server = connect_to(NULL);
  (void)snprintf(stage->database, sizeof stage->database, "payments_%s", uuid_format(&unique, id));
  run_alone(server, ROLES);
  (void)snprintf(sql, sizeof sql, "CREATE DATABASE \"%s\"", stage->database);
  run_alone(server, sql);
  (void)snprintf(sql, sizeof sql, "ALTER DATABASE \"%s\" SET search_path = cloudbill", stage->database);
  run_alone(server, sql);
  PQfinish(server);
  stage->admin = connect_to(stage->database);
  load_schema(stage->admin);
  (void)snprintf(stage->worker_url, sizeof stage->worker_url, "host=%s port=%s user=cloudbill_worker dbname=%s",
                 PQhost(stage->admin), PQport(stage->admin), stage->database);
}

static void database_drop(struct stage *stage) {
  char sql[256];
  PQfinish(stage->admin);
  PGconn *server = connect_to(NULL);
  (void)snprintf(sql, sizeof sql, "DROP DATABASE IF EXISTS \"%s\" WITH (FORCE)", stage->database);
  run_alone(server, sql);
  PQfinish(server);
}

/* -- the worker -- */

static int free_port(void) {
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t length = sizeof address;
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  cr_assert_eq(bind(fd, (struct sockaddr *)&address, sizeof address), 0);
  cr_assert_eq(getsockname(fd, (struct sockaddr *)&address, &length), 0);
  close(fd);
  return ntohs(address.sin_port);
}

static void program_path(char path[static PATH_MAX]) {
  const char *directory = getenv("BIN_DIR");
  char self[PATH_MAX];
  ssize_t length = readlink("/proc/self/exe", self, sizeof self - 1);
  cr_assert_gt(length, 0);
  self[length] = '\0';
  *strrchr(self, '/') = '\0';
  cr_assert_lt(snprintf(path, PATH_MAX, "%s/cloudbill-payments", directory ? directory : self), PATH_MAX);
}

void worker_start(struct stage *stage, int which) {
  char path[PATH_MAX], address[64], log[160];
  program_path(path);
  (void)snprintf(address, sizeof address, "127.0.0.1:%d", free_port());
  (void)snprintf(log, sizeof log, "/tmp/%s.%d.log", stage->database, which);
  stage->workers[which] = fork();
  cr_assert_geq(stage->workers[which], 0);
  if (stage->workers[which] > 0) return;
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  const char *const settings[][2] = {{"DATABASE_URL", stage->worker_url}, {"KAFKA_BROKERS", "127.0.0.1:1"},
                                     {"REDIS_ADDRESS", "127.0.0.1:1"},    {"INTERNAL_ADDRESS", address},
                                     {"GATEWAY_URL", stage->gateway_url}, {"GATEWAY_SECRET_KEY", SANDBOX_KEY},
                                     {"GATEWAY_TIMEOUT_MS", "1000"},      {"ATTEMPT_DEADLINE_MS", "6000"}};
  for (size_t i = 0; i < sizeof settings / sizeof settings[0]; i++) setenv(settings[i][0], settings[i][1], 1);
  int fd = open(log, O_WRONLY | O_CREAT | O_APPEND, 0600);
  dup2(fd, STDOUT_FILENO);
  dup2(fd, STDERR_FILENO);
  execl(path, path, (char *)NULL);
  _exit(127);
}

void worker_kill(struct stage *stage, int which) {
  if (stage->workers[which] <= 0) return;
  kill(stage->workers[which], SIGKILL);
  waitpid(stage->workers[which], NULL, 0);
  stage->workers[which] = 0;
}

int worker_stop(struct stage *stage, int which) {
  struct mono start = mono_now();
  int status = 0;
  kill(stage->workers[which], SIGTERM);
  while (mono_ms_since(start) < STOP_MS) {
    if (waitpid(stage->workers[which], &status, WNOHANG) == stage->workers[which]) {
      stage->workers[which] = 0;
      return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    }
    sleep_ms(10);
  }
  return -1;
}

/* -- open and close -- */

static void close_at_exit(void) {
  if (open_stage) stage_close(open_stage);
}

void stage_no_gateway(struct stage *stage) {
  char id[UUID_TEXT_MAX];
  struct uuid tenant = uuid_new();
  *stage = (struct stage){.database = ""};
  database_new(stage);
  (void)snprintf(stage->tenant, sizeof stage->tenant, "%s", uuid_format(&tenant, id));
  open_stage = stage;
  (void)atexit(close_at_exit);
  sql_do(stage, "INSERT INTO tenants (id, name, currency) VALUES ($1, 'Tenant', 'USD')");
}

void stage_open(struct stage *stage) {
  static const char *const settings[] = {"GATEWAY_HOLD_MS=1500", "GATEWAY_SLOW_MS=700", "GATEWAY_FSYNC=false", NULL};
  stage_no_gateway(stage);
  cr_assert(sandbox_start(&stage->sandbox, settings));
  stage->gateway_url = stage->sandbox.url;
}

void stage_close(struct stage *stage) {
  open_stage = NULL;
  for (int i = 0; i < 2; i++) {
    char log[160];
    worker_kill(stage, i);
    (void)snprintf(log, sizeof log, "/tmp/%s.%d.log", stage->database, i);
    if (!getenv("KEEP_LOGS")) (void)unlink(log);
  }
  if (stage->sandbox.pid) sandbox_remove(&stage->sandbox);
  database_drop(stage);
}

/* -- things -- */

static const char *new_id(void) {
  char text[UUID_TEXT_MAX];
  struct uuid id = uuid_new();
  return keep(uuid_format(&id, text));
}

const char *customer_new(struct stage *stage) {
  const char *id = new_id();
  sql_do(stage,
         "INSERT INTO customers (tenant_id, id, name, email, locale, time_zone, currency, net_terms_days, created_at, "
         "updated_at)"
         " VALUES ($1, '%s', 'Ada', 'ada@customer.example', 'en', 'UTC', 'USD', 0, now(), now())",
         id);
  return id;
}

const char *method_new(struct stage *stage, const char *customer, const char *token) {
  const char *id = new_id(), *command = new_id();
  sql_do(stage,
         "INSERT INTO commands (tenant_id, id, type, caller, body_hash, status, http_status)"
         " VALUES ($1, '%s', 'payment-method.create', 'user:1', '', 'pending', 0)",
         command);
  sql_do(
      stage,
      "INSERT INTO payment_methods (tenant_id, id, customer_id, status, token, set_default, command_id, setup_due_at,"
      " created_at, updated_at) VALUES ($1, '%s', '%s', 'pending', '%s', true, '%s', now(), now(), now())",
      id, customer, token, command);
  return id;
}

const char *invoice_new(struct stage *stage, const char *customer, const char *currency, int64_t minor) {
  const char *id = new_id();
  sql_do(
      stage,
      "INSERT INTO invoices (tenant_id, id, customer_id, series, number, status, currency, subtotal_minor, total_minor,"
      " collection, issue_date, due_date, created_at, updated_at) VALUES ($1, '%s', '%s', 'INV',"
      " (SELECT count(*) + 1 FROM invoices), 'open', '%s', %lld, %lld, 'automatic', '2026-01-01', '2026-01-01', now(), "
      "now())",
      id, customer, currency, (long long)minor, (long long)minor);
  return id;
}

const char *payment_new(struct stage *stage, const char *invoice) {
  const char *id = new_id();
  sql_do(
      stage,
      "INSERT INTO payments (tenant_id, id, customer_id, invoice_id, currency, amount_minor, status, next_attempt_at,"
      " created_at, updated_at) SELECT $1, '%s', customer_id, id, currency, total_minor, 'pending', now(), now(), now()"
      " FROM invoices WHERE tenant_id = $1 AND id = '%s'",
      id, invoice);
  return id;
}

const char *payment_with(struct stage *stage, const char *token) {
  const char *customer = customer_new(stage), *method = method_new(stage, customer, token);
  WAIT_FOR(sql_int(stage,
                   "SELECT count(*) FROM payment_methods WHERE tenant_id = $1 AND id = '%s' AND status = 'active'",
                   method) == 1,
           "%s to be set up", token);
  return payment_new(stage, invoice_new(stage, customer, "USD", 9900));
}

const char *status_of(struct stage *stage, const char *payment) {
  return sql_text(stage, "SELECT status FROM payments WHERE tenant_id = $1 AND id = '%s'", payment);
}

void make_due(struct stage *stage, const char *payment) {
  sql_do(
      stage,
      "UPDATE payments SET next_attempt_at = now() WHERE tenant_id = $1 AND id = '%s' AND next_attempt_at IS NOT NULL",
      payment);
}

int64_t events(struct stage *stage, const char *type, const char *subject) {
  return sql_int(stage,
                 "SELECT count(*) FROM sent WHERE m->>'ce_type' = '%s' AND m->>'ce_subject' = '%s'"
                 " AND m->>'ce_tenantid' = $1::text",
                 type, subject);
}

/* -- the sandbox -- */

static size_t take_body(char *bytes, size_t size, size_t count, void *context) {
  buf_append(context, bytes, size * count);
  return size * count;
}

json_t *sandbox_ask(struct stage *stage, const char *method, const char *path, const char *form) {
  struct buf CLEANUP(buf_release) body;
  char url[512];
  CURL *easy = curl_easy_init();
  buf_init(&body, ANSWER_MAX);
  (void)snprintf(url, sizeof url, "%s%s", stage->sandbox.url, path);
  curl_easy_setopt(easy, CURLOPT_URL, url);
  curl_easy_setopt(easy, CURLOPT_PROXY, "");
  curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, 10000L);
  if (form) curl_easy_setopt(easy, CURLOPT_POSTFIELDS, form);
  curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, method);
  curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, take_body);
  curl_easy_setopt(easy, CURLOPT_WRITEDATA, &body);
  CURLcode code = curl_easy_perform(easy);
  curl_easy_cleanup(easy);
  cr_assert_eq(code, CURLE_OK, "%s: %s", path, curl_easy_strerror(code));
  json_t *json = json_loadb(buf_text(&body), body.length, 0, NULL);
  cr_assert(json_is_object(json) && !json_object_get(json, "error"), "%s: %s", path, buf_text(&body));
  return json;
}

void gateway_fault(struct stage *stage, const char *json) {
  json_decref(sandbox_ask(stage, json ? "POST" : "DELETE", "/sandbox/faults", json));
}

static int64_t count_charges(struct stage *stage, const char *payment, bool only_paid) {
  char path[160];
  size_t index;
  json_t *charge;
  int64_t count = 0;
  (void)snprintf(path, sizeof path, "/sandbox/charges?metadata[payment_id]=%s", payment);
  json_t *charges = sandbox_ask(stage, "GET", path, NULL);
  json_array_foreach(json_object_get(charges, "data"), index, charge) count +=
      !only_paid || json_is_true(json_object_get(charge, "paid"));
  json_decref(charges);
  return count;
}

int64_t charges_paid(struct stage *stage, const char *payment) {
  return count_charges(stage, payment, true);
}
int64_t charges_made(struct stage *stage, const char *payment) {
  return count_charges(stage, payment, false);
}
