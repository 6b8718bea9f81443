/* Each server away for a while, as people meet it: stopped, paused, silent. What is asked meanwhile is answered right
 * or refused whole; nobody is started anew, nothing goes to the dead letters, and all goes on by itself. */
#include <signal.h>
#include <string.h>

#include "invariants.h"

TestSuite(servers, .timeout = 600);

static const char *const programs[] = {"api", "billing-cycle", "invoicing", "payments", "notifications"};
enum { PROGRAMS = sizeof programs / sizeof *programs, FIRST_WORKER = 1, CUSTOMERS = 20 };

/* -- looking -- */

static pid_t pid_of(const char *process) {
  char line[128] = "";
  FILE *file = fopen(keep_text("%s/%s.pid", setting("PIDFILE_DIR"), process), "r");
  cr_assert(file && fgets(line, sizeof line, file), "%s does not run", process);
  fclose(file);
  return (pid_t)strtol(line, NULL, 10);
}

struct population {
  pid_t pids[PROGRAMS];
  int64_t dead_letters;
};

static struct population all_that_run(void) {
  struct population now = {.dead_letters = sql_int(NULL, "SELECT count(*) FROM dead_letters")};
  for (size_t i = 0; i < PROGRAMS; i++) now.pids[i] = pid_of(programs[i]);
  return now;
}

static void expect_nobody_fell(const struct population *before) {
  struct population now = all_that_run();
  cr_expect_eq(now.dead_letters, before->dead_letters, "%lld new dead letters",
               (long long)(now.dead_letters - before->dead_letters));
  for (size_t i = 0; i < PROGRAMS; i++) {
    cr_expect_eq(now.pids[i], before->pids[i], "%s is another process", programs[i]);
    cr_expect_eq(kill(now.pids[i], 0), 0, "%s has ended", programs[i]);
  }
}

static struct answer readyz(const char *process) {
  char name[64];
  snprintf(name, sizeof name, "%s_INTERNAL_ADDRESS", process);
  for (char *at = name; *at; at++) *at = (char)(*at == '-' ? '_' : *at >= 'a' && *at <= 'z' ? *at - 'a' + 'A' : *at);
  return http_request("GET", keep_text("http://%s/readyz", setting(name)), NULL, NULL, NULL);
}

static bool all_are_ready(int status) {
  for (size_t i = 0; i < PROGRAMS; i++)
    if (readyz(programs[i]).status != status) return false;
  return true;
}

static bool subscription_is_paid(const struct tenant *tenant, const char *subscription) {
  return sql_int(tenant, keep_text("SELECT count(*) FROM invoices WHERE tenant_id = $1 AND status = 'paid' AND id IN"
                                   " (SELECT invoice_id FROM invoice_items WHERE tenant_id = $1 AND subscription_id ="
                                   " '%s')",
                                   subscription)) == 1;
}

/* The main job once, for a customer with a good card. */
static void expect_all_goes_on(const struct tenant *tenant) {
  const char *customer = customer_new(tenant, NULL), *plan = plan_new(tenant, "7.00", "USD", "monthly");
  payment_method_new(tenant, customer, "pm_card_visa");
  const char *subscription = subscription_new(tenant, customer, plan, days_ago(0));
  WAIT_UNTIL(subscription_is_paid(tenant, subscription), "subscription %s to be paid", subscription);
}

/* -- asking again and again, as a client does -- */

static struct answer post_plan(const struct tenant *tenant, const char *code) {
  const char *const headers[] = {keep_text("Idempotency-Key: %s", code), NULL};
  const char *body =
      quotes(keep_text("{'code':'%s','name':'Plan','price':'5.00','currency':'USD','billingCycle':'monthly'}", code));
  return http_request("POST", "/api/plans", tenant->token, body, headers);
}

static const char *plans_called(const char *code) {
  return keep_text("SELECT count(*) FROM plans WHERE tenant_id = $1 AND code = '%s'", code);
}

/* -- Kafka -- */

static void expect_refused_whole(const struct tenant *tenant, const char *code) {
  struct answer answer = post_plan(tenant, code);
  cr_assert_eq(answer.status, 503, "%d %s", answer.status, answer.text);
  cr_expect_not_null(answer_header(&answer, "Retry-After"));
  cr_expect_eq(sql_int(tenant, plans_called(code)), 0);
}

Test(servers, kafka_away_is_503_and_nothing_half_done) {
  struct tenant tenant = tenant_new();
  struct population before = all_that_run();
  process_do("stop", "kafka");
  expect_refused_whole(&tenant, "refused");
  WAIT_UNTIL(readyz("api").status == 503, "the API to say that it is not ready");
  expect_refused_whole(&tenant, "refused");
  process_do("start", "kafka");
  WAIT_UNTIL(post_plan(&tenant, "taken").status == 201, "the API to take commands again");
  cr_expect_eq(sql_int(&tenant, plans_called("refused")), 0, "what was refused was done");
  WAIT_UNTIL(post_plan(&tenant, "refused").status == 201, "the same key to be good for another try");
  cr_expect_eq(sql_int(&tenant, plans_called("refused")), 1);
  WAIT_UNTIL(all_are_ready(200), "all to be ready");
  expect_all_goes_on(&tenant);
  expect_nobody_fell(&before);
}

/* Facts that were committed while the broker was away are told when it is back, by another process if need be. */
Test(servers, kafka_away_keeps_what_is_committed_in_the_outbox) {
  struct tenant tenant = tenant_new();
  const char *customer = customer_new(&tenant, NULL), *plan = plan_new(&tenant, "7.00", "USD", "weekly");
  payment_method_new(&tenant, customer, "pm_card_visa");
  const char *subscription = subscription_new(&tenant, customer, plan, days_ago(8));
  WAIT_UNTIL(subscription_is_paid(&tenant, subscription), "the first period to be paid");
  process_do("stop", "kafka");
  sql_do(&tenant, "INSERT INTO billing_runs (tenant_id, id, as_of, status, requested_by, started_at)"
                  " SELECT $1, gen_random_uuid(), now(), 'running', 'test', now()");
  WAIT_UNTIL(sql_int(&tenant, "SELECT count(*) FROM subscriptions WHERE tenant_id = $1 AND next_period_index = 2") == 1,
             "the run to bill without a broker");
  cr_expect_gt(sql_int(NULL, "SELECT count(*) FROM outbox"), 0);
  process_do("stop", "billing-cycle");
  process_do("start", "kafka");
  process_do("start", "billing-cycle");
  WAIT_UNTIL(sql_int(&tenant, "SELECT count(*) FROM invoices WHERE tenant_id = $1 AND status = 'paid'") == 2,
             "the second period to be paid");
  WAIT_UNTIL(all_is_quiet(&tenant), "everything to come to rest");
  check_each_period_has_one_invoice(&tenant);
  check_each_invoice_is_charged_once(&tenant);
  check_runs_add_up(&tenant);
}

/* -- PostgreSQL -- */

/* Commands on their way when the database goes: each is done once, none is lost. */
static void send_customers(const struct tenant *tenant) {
  static const char *const headers[] = {"Prefer: respond-async", NULL};
  for (int i = 0; i < CUSTOMERS; i++) {
    const char *body = keep_text("{\"name\":\"Sent %d\",\"email\":\"sent%d@customer.example\"}", i, i);
    struct answer answer = http_request("POST", "/api/customers", tenant->token, body, headers);
    cr_assert_eq(answer.status, 202, "%d %s", answer.status, answer.text);
  }
}

static bool all_customers_are_there(const struct tenant *tenant) {
  return sql_int(tenant, "SELECT count(*) FROM customers WHERE tenant_id = $1 AND name LIKE 'Sent %'") == CUSTOMERS;
}

static void expect_recovery(const struct tenant *tenant, const struct population *before) {
  WAIT_UNTIL(all_are_ready(200), "all to be ready again");
  WAIT_UNTIL(all_customers_are_there(tenant), "all that was asked");
  expect_all_goes_on(tenant);
  cr_expect(all_customers_are_there(tenant));
  expect_nobody_fell(before);
}

Test(servers, postgresql_away_is_waited_for) {
  struct tenant tenant = tenant_new();
  struct population before = all_that_run();
  send_customers(&tenant);
  process_do("stop", "postgres");
  struct answer answer = post_plan(&tenant, "refused");
  cr_expect_eq(answer.status, 503, "%d %s", answer.status, answer.text);
  cr_expect_not_null(answer_header(&answer, "Retry-After"));
  WAIT_UNTIL(all_are_ready(503), "all to say that they are not ready");
  cr_expect(strstr(readyz("invoicing").text, "PostgreSQL") != NULL, "%s", readyz("invoicing").text);
  process_do("start", "postgres");
  expect_recovery(&tenant, &before);
}

/* Killed, it rolls back what was not committed and starts from its log. */
Test(servers, postgresql_killed_loses_nothing) {
  struct tenant tenant = tenant_new();
  struct population before = all_that_run();
  send_customers(&tenant);
  process_do("kill", "postgres");
  process_do("start", "postgres");
  expect_recovery(&tenant, &before);
}

/* The server and each of its sessions stand still: connections stay open, and nothing answers. */
static void signal_sessions(int number) {
  const char *command = keep_text("for p in $(ps -o pid= --ppid %d) %d; do kill -%d $p; done", (int)pid_of("postgres"),
                                  (int)pid_of("postgres"), number);
  cr_assert_eq(system(command), 0); /* NOLINT(cert-env33-c): a test's own words */
}

Test(servers, postgresql_standing_still_is_waited_for) {
  struct tenant tenant = tenant_new();
  struct population before = all_that_run();
  send_customers(&tenant);
  signal_sessions(SIGSTOP);
  bool is_told = false;
  for (int64_t start = stopwatch_ms(); !is_told && stopwatch_ms() - start < INT64_C(1000) * WAIT_SECONDS;)
    is_told = all_are_ready(503);
  signal_sessions(SIGCONT); /* before anything is said: whoever comes next needs it */
  cr_expect(is_told, "not all said that they are not ready");
  expect_recovery(&tenant, &before);
}

/* -- Redis -- */

Test(servers, redis_away_is_slower_and_still_right) {
  struct tenant tenant = tenant_new();
  struct population before = all_that_run();
  process_do("stop", "redis");
  expect_all_goes_on(&tenant); /* each command of it is answered with what it made */
  cr_expect_eq(readyz("api").status, 200);
  process_do("start", "redis");
  expect_all_goes_on(&tenant);
  expect_nobody_fell(&before);
}

/* -- the gateway -- */

static void gateway_faults(const char *method, const char *body) {
  struct answer answer = http_request(method, keep_text("%s/sandbox/faults", setting("GATEWAY_URL")), NULL, body, NULL);
  cr_assert_eq(answer.status / 100, 2, "%d %s", answer.status, answer.text);
}

Test(servers, silent_gateway_leaves_a_charge_unknown_until_it_is_known) {
  struct tenant tenant = tenant_new();
  setenv("GATEWAY_TIMEOUT_MS", "3000", 1);
  setenv("ATTEMPT_DEADLINE_MS", "10000", 1);
  process_do("restart", "payments");
  const char *customer = customer_new(&tenant, NULL), *plan = plan_new(&tenant, "7.00", "USD", "monthly");
  payment_method_new(&tenant, customer, "pm_card_visa");
  gateway_faults("POST", "{\"silent\":true}");
  const char *subscription = subscription_new(&tenant, customer, plan, days_ago(0));
  WAIT_UNTIL(sql_int(&tenant, "SELECT count(*) FROM payments WHERE tenant_id = $1 AND status = 'unknown'") == 1,
             "the charge to be unknown");
  gateway_faults("DELETE", NULL);
  WAIT_UNTIL(subscription_is_paid(&tenant, subscription), "the charge to be known");
  check_each_invoice_is_charged_once(&tenant);
  check_ledger_sums_to_zero(&tenant);
}

/* -- ending: whoever does not end by itself within 15 s is killed, and process.sh says so and fails -- */

Test(servers, each_worker_ends_in_time_and_loses_nothing) {
  for (size_t i = FIRST_WORKER; i < PROGRAMS; i++) {
    struct tenant tenant = tenant_new();
    send_customers(&tenant);
    process_do("restart", programs[i]);
    WAIT_UNTIL(all_customers_are_there(&tenant), "all that was asked before %s ended", programs[i]);
    expect_all_goes_on(&tenant);
  }
}

Test(servers, each_worker_ends_in_time_without_a_server) {
  static const char *const servers[] = {"kafka", "postgres", "redis"};
  for (size_t s = 0; s < sizeof servers / sizeof *servers; s++) {
    process_do("stop", servers[s]);
    process_do("stop", "api " WORKERS);
    process_do("start", servers[s]);
    process_do("start", "api " WORKERS);
  }
}

/* PostgreSQL says "no space left on device" to whoever writes an invoice or a payment, as it does on a full disk. */
static void fill_disk(void) {
  sql_do(NULL, "CREATE OR REPLACE FUNCTION cloudbill.no_space() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
               " RAISE EXCEPTION 'could not extend file: No space left on device' USING ERRCODE = 'disk_full'; END $$");
  sql_do(NULL, "CREATE TRIGGER no_space BEFORE INSERT ON cloudbill.invoices EXECUTE FUNCTION cloudbill.no_space()");
  sql_do(NULL, "CREATE TRIGGER no_space BEFORE INSERT ON cloudbill.plans EXECUTE FUNCTION cloudbill.no_space()");
}

static void free_disk(void) {
  sql_do(NULL, "DROP TRIGGER IF EXISTS no_space ON cloudbill.invoices");
  sql_do(NULL, "DROP TRIGGER IF EXISTS no_space ON cloudbill.plans");
  sql_do(NULL, "DROP FUNCTION IF EXISTS cloudbill.no_space");
}

static const char *draft_due(const struct tenant *tenant, const char *customer) {
  return json_at(api_post(tenant, 201, "/api/billing/invoices",
                          "{'customerId':'%s','items':[{'description':'Work','unitPrice':'5.00'}]}", customer),
                 "id");
}

static int64_t sessions_of(const char *process) {
  return sql_int(NULL, keep_text("SELECT count(*) FROM pg_stat_activity WHERE application_name ~ '^%s'", process));
}

/* Drafts are taken away before they are stored again: when one cannot be, and the worker is asked to stop before it
 * tries them one by one, all are there still (BILL-071). */
Test(servers, a_worker_that_ends_in_the_middle_of_drafts_loses_none) {
  struct tenant tenant = tenant_new();
  const char *customer = customer_new(&tenant, NULL);
  const char *sound = draft_due(&tenant, customer), *large = draft_due(&tenant, customer);
  api_post(&tenant, 201, keep_text("/api/billing/customers/%s/credits", customer),
           "{'amount':'1.00','currency':'USD','reason':'A gift'}");
  sql_do(&tenant, keep_text("UPDATE invoice_items SET amount_minor = 10000000000000000 WHERE tenant_id = $1 AND "
                            "invoice_id = '%s'",
                            large));
  struct pg_conn *holder = hold(keep_text("SELECT FROM credit_grants WHERE tenant_id = '%s' FOR UPDATE", tenant.id));
  sql_do(&tenant, "UPDATE invoices SET auto_finalise_at = now() WHERE tenant_id = $1");
  WAIT_UNTIL(waiting_for(holder) == 1, "the drafts to be taken away");
  int64_t sessions = sessions_of("invoicing");
  kill(pid_of("invoicing"), SIGTERM);
  WAIT_UNTIL(sessions_of("invoicing") < sessions, "the worker to hear of it");
  let_go(holder);
  process_do("restart", "invoicing");
  WAIT_UNTIL(sql_int(&tenant, keep_text("SELECT count(*) FROM invoices WHERE tenant_id = $1 AND id = '%s' AND status = "
                                        "'open'",
                                        sound)) == 1,
             "the sound one to be finalised");
  cr_expect_eq(sql_int(&tenant, keep_text("SELECT failures FROM invoices WHERE tenant_id = $1 AND id = '%s'", large)),
               1);
}

Test(servers, a_full_disk_is_waited_for_and_costs_nothing, .fini = free_disk) {
  struct tenant tenant = tenant_new();
  struct population before = all_that_run();
  const char *customer = customer_new(&tenant, NULL), *plan = plan_new(&tenant, "7.00", "USD", "monthly");
  payment_method_new(&tenant, customer, "pm_card_visa");
  fill_disk();
  const char *subscription = subscription_new(&tenant, customer, plan, days_ago(0));
  const char *const headers[] = {"Prefer: wait=1", "Idempotency-Key: full", NULL};
  const char *body = quotes("{'code':'full','name':'Plan','price':'5.00','currency':'USD','billingCycle':'monthly'}");
  struct answer answer = http_request("POST", "/api/plans", tenant.token, body, headers);
  cr_expect_eq(answer.status, 202, "%s", answer.text);
  cr_expect_eq(sql_int(&tenant, "SELECT count(*) FROM invoices WHERE tenant_id = $1"), 0);
  free_disk();
  WAIT_UNTIL(subscription_is_paid(&tenant, subscription), "subscription %s to be paid", subscription);
  WAIT_UNTIL((answer = http_request("POST", "/api/plans", tenant.token, body, headers)).status == 201,
             "the plan that was asked for: %s", answer.text);
  expect_nobody_fell(&before);
}
