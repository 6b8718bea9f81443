/* The main job while everything is killed: 2,000 subscriptions with periods to catch up on, SIGKILL for a random worker
 * thirty times, Kafka, PostgreSQL and Redis restarted in the middle, messages delivered again. At the end there is exactly
 * one of everything. The seed is printed; TEST_SEED repeats the sequence of kills. */
#include <spawn.h>
#include <string.h>
#include <sys/wait.h>

#include "invariants.h"

extern char **environ;

enum { SUBSCRIPTIONS = 2000, PERIODS = 3, KILLS = 30, PAUSE_LEAST_MS = 300, PAUSE_MOST_MS = 1500, QUIET_SECONDS = 240 };

static const char *const workers[] = {"billing-cycle", "invoicing", "payments", "notifications"};

static uint64_t seed;

static uint32_t random_below(uint32_t bound) {
  seed = seed * 6364136223846793005u + 1442695040888963407u;
  return (uint32_t)(seed >> 33) % bound;
}

static void sleep_for(int64_t ms) {
  for (int64_t start = stopwatch_ms(); stopwatch_ms() - start < ms;) wait_a_moment();
}

/* Cards at the gateway, made as a customer would; the seeded customers share them. */
static const char *const cards[] = {"pm_card_visa", "pm_card_mastercard", "pm_card_noAnswerCharged",
                                    "pm_card_noAnswerNotCharged", "pm_card_chargeDeclinedInsufficientFunds"};

static void make_cards(const struct tenant *tenant) {
  sql_do(NULL, "CREATE TABLE IF NOT EXISTS fault_cards (tenant_id uuid, n integer, customer text, method text)");
  for (size_t i = 0; i < sizeof cards / sizeof *cards; i++) {
    const char *customer = customer_new(tenant, "'name':'Card %zu'", i);
    const char *method = payment_method_new(tenant, customer, cards[i]);
    sql_do(tenant, keep_text("INSERT INTO fault_cards SELECT $1, %zu, g.gateway_customer_id, m.gateway_method_id"
                             " FROM payment_methods m JOIN gateway_customers g USING (tenant_id, customer_id)"
                             " WHERE m.tenant_id = $1 AND m.id = '%s'",
                             i, method));
  }
}

/* Mostly good cards: of a hundred, two each of the others. */
static void seed_subscriptions(const struct tenant *tenant, const char *plan) {
  sql_do(tenant, keep_text("CREATE TABLE fault_seed AS SELECT gen_random_uuid() AS id, gen_random_uuid() AS subscription,"
                           " n, CASE WHEN n %% 100 < 6 THEN 2 + n %% 3 ELSE n %% 2 END AS card"
                           " FROM generate_series(1, %d) AS n WHERE $1::uuid IS NOT NULL",
                           SUBSCRIPTIONS));
  sql_do(tenant, "INSERT INTO customers (tenant_id, id, name, email, locale, time_zone, currency, net_terms_days,"
                 " created_at, updated_at) SELECT $1, id, 'Customer ' || n, 'c' || n || '@' || left($1::text, 18) || '.example',"
                 " 'en', 'UTC', 'USD', 0, now(), now() FROM fault_seed");
  sql_do(tenant, "INSERT INTO gateway_customers (tenant_id, customer_id, gateway_customer_id, created_at)"
                 " SELECT $1, s.id, c.customer, now() FROM fault_seed s JOIN fault_cards c ON c.n = s.card AND c.tenant_id = $1");
  sql_do(tenant, "INSERT INTO payment_methods (tenant_id, id, customer_id, status, token, gateway_method_id, is_default,"
                 " created_at, updated_at) SELECT $1, gen_random_uuid(), s.id, 'active', 'seeded', c.method, true, now(), now()"
                 " FROM fault_seed s JOIN fault_cards c ON c.n = s.card AND c.tenant_id = $1");
  sql_do(tenant, keep_text(
                     "INSERT INTO subscriptions (tenant_id, id, customer_id, plan_id, plan_version, status, currency,"
                     " price_minor, time_zone, start_date, interval_unit, interval_count, anchor_date, anchor_day,"
                     " next_period_index, next_billing_at, started_at, created_at, updated_at)"
                     " SELECT $1, subscription, id, '%s', 1, 'active', 'USD', 1999, 'UTC', d, 'week', 1, d,"
                     " extract(isodow FROM d)::integer, 1, (d + 7)::timestamptz, d::timestamptz, now(), now()"
                     " FROM fault_seed, (SELECT current_date - %d * 7 AS d) AS start",
                     plan, PERIODS));
  sql_do(tenant, "INSERT INTO customer_billing SELECT tenant_id, customer_id, next_billing_at FROM subscriptions"
                 " WHERE tenant_id = $1");
  sql_do(NULL, "DROP TABLE fault_seed");
}

/* process.sh waits until the process is ready; meanwhile the next one may die. */
static pid_t start_in_background(const char *process) {
  pid_t pid;
  const char *helper = setting("PROCESS_HELPER");
  char *arguments[] = {keep_text("%s", helper), keep_text("start"), keep_text("%s", process), NULL};
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", 1, 0);
  int rc = posix_spawn(&pid, helper, &actions, NULL, arguments, environ);
  posix_spawn_file_actions_destroy(&actions);
  cr_assert_eq(rc, 0, "cannot start %s", helper);
  return pid;
}

static void wait_for_start(pid_t *pid, const char *process) {
  int status = 0;
  if (*pid <= 0) return;
  pid_t ended = waitpid(*pid, &status, 0);
  cr_assert(ended == *pid && WIFEXITED(status) && WEXITSTATUS(status) == 0, "%s did not become ready again", process);
  *pid = 0;
}

/* Commands and events that the workers have done are sent to them once more, as an outbox may. */
static void deliver_again(const char *topic, const struct tenant *tenant) {
  struct records records = kafka_read(topic, "ce_tenantid", tenant->id);
  size_t most = records.count < 500 ? records.count : 500;
  for (size_t i = 0; i < most; i++) {
    const struct record *record = &records.at[i];
    const char **headers = keep(sizeof *headers * 64);
    size_t count = 0;
    const char *name;
    json_t *value, *all = json_deep_copy(record->headers);
    json_object_foreach(all, name, value) {
      headers[count++] = keep_text("%s", name);
      headers[count++] = keep_text("%s", json_string_value(value));
    }
    kafka_produce(topic, record->key, record->value, record->value_length, headers);
  }
}

static void kill_and_restart(int n, pid_t *starting) {
  uint32_t which = random_below(sizeof workers / sizeof *workers);
  wait_for_start(&starting[which], workers[which]);
  process_do("kill", workers[which]);
  starting[which] = start_in_background(workers[which]);
  if (n == KILLS / 4) process_do("restart", "redis");
  if (n == KILLS / 2) process_do("restart", "postgres");
  if (n == 3 * KILLS / 4) process_do("restart", "kafka");
}

Test(kill, any_worker_thirty_times_and_each_server_once_and_everything_is_there_once, .timeout = 900) {
  const char *given = getenv("TEST_SEED");
  seed = given ? strtoull(given, NULL, 10) : (uint64_t)stopwatch_ms();
  fprintf(stderr, "TEST_SEED=%llu\n", (unsigned long long)seed);
  struct tenant tenant = tenant_new();
  const char *plan = plan_new(&tenant, "19.99", "USD", "weekly");
  make_cards(&tenant);
  seed_subscriptions(&tenant, plan);

  api_post(&tenant, 201, "/api/billing/runs", "{}");
  pid_t starting[sizeof workers / sizeof *workers] = {0};
  for (int n = 1; n <= KILLS; n++) {
    sleep_for(PAUSE_LEAST_MS + random_below(PAUSE_MOST_MS - PAUSE_LEAST_MS));
    kill_and_restart(n, starting);
  }
  for (size_t i = 0; i < sizeof workers / sizeof *workers; i++) wait_for_start(&starting[i], workers[i]);
  deliver_again("cloudbill.invoice.commands", &tenant);
  deliver_again("cloudbill.invoice.events", &tenant);
  deliver_again("cloudbill.payment.events", &tenant);
  WAIT_UNTIL_WITHIN(QUIET_SECONDS, all_is_quiet(&tenant), "everything to come to rest");

  check_each_period_has_one_invoice(&tenant);
  check_numbers_have_no_gap(&tenant);
  check_ledger_sums_to_zero(&tenant);
  check_each_invoice_is_charged_once(&tenant);
  check_each_mail_went_out_once(&tenant);
  check_runs_add_up(&tenant);
  WAIT_UNTIL(sql_int(NULL, "SELECT count(*) FROM outbox") == 0, "the outbox to be empty");
  check_produced_is_done_plus_dead();
}
