/* The main job while everything is killed: 2,000 subscriptions with periods to catch up on, SIGKILL for a random worker
 * thirty times, Kafka, PostgreSQL and Redis restarted in the middle, messages delivered again. At the end there is
 * exactly one of everything. The seed is printed; TEST_SEED repeats the sequence of kills. */
#include <spawn.h>
#include <string.h>
#include <sys/wait.h>

#include "invariants.h"
#include "unit/property.h"

enum {
  SUBSCRIPTIONS = 2000,
  PERIODS = 3, /* to catch up on; a run of its own bills each, so that all workers have work until the end */
  KILLS = 30,
  KILLS_A_RUN = KILLS / PERIODS,
  PAUSE_LEAST_MS = 200,
  PAUSE_MOST_MS = 1200,
  AGAIN_MOST = 100, /* of a topic; each is sent by a client of its own */
  QUIET_SECONDS = 240
};

static const char *const workers[] = {"billing-cycle", "invoicing", "payments", "notifications"};

static struct dice dice;

static void sleep_for(int64_t ms) {
  for (int64_t start = stopwatch_ms(); stopwatch_ms() - start < ms;) wait_a_moment();
}

/* Cards at the gateway, made as a customer would; the seeded customers share them. */
static const char *const cards[] = {"pm_card_visa", "pm_card_mastercard", "pm_card_noAnswerCharged",
                                    "pm_card_noAnswerNotCharged", "pm_card_chargeDeclinedInsufficientFunds"};

static void make_cards(const struct tenant *tenant) {
  sql_do(NULL, "CREATE TABLE IF NOT EXISTS fault_cards (tenant_id uuid, n integer, customer text, method text)");
  for (size_t i = 0; i < sizeof cards / sizeof *cards; i++) {
    const char *method = payment_method_new(tenant, customer_new(tenant, NULL), cards[i]);
    sql_do(tenant, keep_text("INSERT INTO fault_cards SELECT m.tenant_id, %zu, g.gateway_customer_id, gateway_method_id"
                             " FROM payment_methods m JOIN gateway_customers g USING (tenant_id, customer_id)"
                             " WHERE m.tenant_id = $1 AND m.id = '%s'",
                             i, method));
  }
}

/* Mostly good cards: of a hundred, two each of the others. */
static void seed_subscriptions(const struct tenant *tenant) {
  sql_do(NULL,
         keep_text("CREATE TABLE fault_seed AS SELECT gen_random_uuid() AS id, gen_random_uuid() AS subscription,"
                   " n, CASE WHEN n %% 100 < 6 THEN 2 + n %% 3 ELSE n %% 2 END AS card, current_date - %d AS start"
                   " FROM generate_series(1, %d) AS n",
                   PERIODS * 7, SUBSCRIPTIONS));
  static const char *const steps[] = {
      "INSERT INTO customers (tenant_id, id, name, email, locale, time_zone, currency, net_terms_days, created_at,"
      " updated_at) SELECT $1, id, 'Customer ' || n, 'c' || n || '@' || id || '.example', 'en', 'UTC', 'USD', 0, now(),"
      " now() FROM fault_seed",
      "INSERT INTO gateway_customers (tenant_id, customer_id, gateway_customer_id, created_at)"
      " SELECT c.tenant_id, s.id, c.customer, now() FROM fault_seed s JOIN fault_cards c ON c.n = s.card"
      " WHERE c.tenant_id = $1",
      "INSERT INTO payment_methods (tenant_id, id, customer_id, status, token, gateway_method_id, is_default, "
      "created_at,"
      " updated_at) SELECT c.tenant_id, gen_random_uuid(), s.id, 'active', 'seeded', c.method, true, now(), now()"
      " FROM fault_seed s JOIN fault_cards c ON c.n = s.card WHERE c.tenant_id = $1",
      "INSERT INTO subscriptions (tenant_id, id, customer_id, plan_id, plan_version, status, currency, price_minor,"
      " time_zone, start_date, interval_unit, interval_count, anchor_date, anchor_day, next_period_index,"
      " next_billing_at, started_at, created_at, updated_at)"
      " SELECT p.tenant_id, subscription, s.id, p.id, 1, 'active', 'USD', 1999, 'UTC', start, 'week', 1, start,"
      " extract(isodow FROM start)::integer, 1, (start + 7)::timestamptz, start::timestamptz, now(), now()"
      " FROM fault_seed s, plans p WHERE p.tenant_id = $1",
      "INSERT INTO customer_billing SELECT tenant_id, customer_id, next_billing_at FROM subscriptions"
      " WHERE tenant_id = $1",
  };
  for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) sql_do(tenant, steps[i]);
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
  size_t most = records.count < AGAIN_MOST ? records.count : AGAIN_MOST;
  for (size_t i = 0; i < most; i++) {
    const struct record *record = &records.at[i];
    const char **headers = keep(sizeof *headers * 64);
    size_t count = 0;
    const char *name;
    json_t *value, *all = keep_json(json_deep_copy(record->headers));
    json_object_foreach(all, name, value) {
      headers[count++] = keep_text("%s", name);
      headers[count++] = keep_text("%s", json_string_value(value));
    }
    kafka_produce(topic, record->key, record->value, record->value_length, headers);
  }
}

/* The n-th of the runs, which bills the n-th period; whatever dies meanwhile, one key starts one run. */
static void start_run(const struct tenant *tenant, int n) {
  const char *key = keep_text("Idempotency-Key: run-%d", n);
  const char *const headers[] = {key, NULL};
  const char *as_of = n == PERIODS ? "{}" : keep_text("{\"asOf\":\"%sT12:00:00Z\"}", days_ago(7 * (PERIODS - n)));
  struct answer answer = {0};
  WAIT_UNTIL((answer = http_request("POST", "/api/billing/runs", tenant->token, as_of, headers)).status == 201,
             "run %d to be started: %d %s", n, answer.status, answer.text);
}

/* A process that died leaves mails and charges to their deadlines; the test does not wait that long. Batches are small,
 * for then many are full and the ones behind them read ahead. */
static void shorten_deadlines_and_batches(void) {
  setenv("BATCH_MAX", "20", 1);
  setenv("MAIL_TIMEOUT_MS", "5000", 1);
  setenv("GATEWAY_TIMEOUT_MS", "4000", 1);
  setenv("ATTEMPT_DEADLINE_MS", "10000", 1);
  process_do("restart", WORKERS);
}

static bool all_is_done(const struct tenant *tenant) {
  return all_is_quiet(tenant) && every_message_is_consumed();
}

static void kill_and_restart(int n, pid_t *starting) {
  int64_t which = dice_between(&dice, 0, sizeof workers / sizeof *workers - 1);
  wait_for_start(&starting[which], workers[which]);
  process_do("kill", workers[which]);
  starting[which] = start_in_background(workers[which]);
  if (n == KILLS / 4) process_do("restart", "redis");
  if (n == KILLS / 2) process_do("restart", "postgres");
  if (n == 3 * KILLS / 4) process_do("restart", "kafka");
}

Test(kill, any_worker_thirty_times_and_each_server_once_and_everything_is_there_once, .timeout = 900) {
  dice = dice_new();
  struct tenant tenant = tenant_new();
  plan_new(&tenant, "19.99", "USD", "weekly");
  make_cards(&tenant);
  seed_subscriptions(&tenant);
  shorten_deadlines_and_batches();

  int64_t start_ms = stopwatch_ms();
  pid_t starting[sizeof workers / sizeof *workers] = {0};
  for (int n = 1; n <= KILLS; n++) {
    if (n % KILLS_A_RUN == 1) start_run(&tenant, (n - 1) / KILLS_A_RUN + 1);
    sleep_for(dice_between(&dice, PAUSE_LEAST_MS, PAUSE_MOST_MS));
    kill_and_restart(n, starting);
  }
  for (size_t i = 0; i < sizeof workers / sizeof *workers; i++) wait_for_start(&starting[i], workers[i]);
  fprintf(stderr, "killed %d times in %lld s\n", KILLS, (long long)(stopwatch_ms() - start_ms) / 1000);
  deliver_again("cloudbill.invoice.commands", &tenant);
  deliver_again("cloudbill.invoice.events", &tenant);
  deliver_again("cloudbill.payment.events", &tenant);
  WAIT_UNTIL_WITHIN(QUIET_SECONDS, at_one_moment(all_is_done, &tenant), "everything to come to rest");
  fprintf(stderr, "at rest after %lld s\n", (long long)(stopwatch_ms() - start_ms) / 1000);

  check_each_period_has_one_invoice(&tenant);
  check_numbers_have_no_gap(&tenant);
  check_ledger_sums_to_zero(&tenant);
  check_each_invoice_is_charged_once(&tenant);
  check_each_mail_went_out_once(&tenant);
  check_runs_add_up(&tenant);
  check_produced_is_done_plus_dead();
}
