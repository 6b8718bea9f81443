/* Each call of a worker to PostgreSQL, Kafka and the gateway fails once, before it has happened or after: a shim in the
 * workers (tests/preload/fault.c) cuts the connection at a place that the test names. A round is the life of one
 * subscription, from the customer to receipts, through some such faults; afterwards all of it is there, once. Places
 * are found by looking: a first round without faults. There are more than fit into the time: TEST_SEED shuffles them.
 */
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "invariants.h"
#include "preload/fault.h"
#include "unit/property.h"

enum {
  WORKER_COUNT = 4,
  FAULTS_MAX = WORKER_COUNT * FAULT_PLACES_MAX * 2,
  FAULTS_A_ROUND = 20,
  BUDGET_MS = 45000,
  REST_SECONDS = 120
};

static const char *const workers[WORKER_COUNT] = {"billing-cycle", "invoicing", "payments", "notifications"};
static struct fault_board *boards[WORKER_COUNT];

struct planned {
  int worker;
  struct fault_place *place;
  enum fault fault;
};

static struct dice dice;

/* -- the shim -- */

static struct fault_board *map_board(const char *directory, const char *worker) {
  const char *path = keep_text(FAULT_FILE, directory, keep_text("cloudbill-%s", worker));
  int fd = open(path, O_RDWR | O_CLOEXEC);
  cr_assert_geq(fd, 0, "%s: the shim is not in the worker", path);
  void *mapped = mmap(NULL, sizeof(struct fault_board), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  cr_assert_neq(mapped, MAP_FAILED);
  close(fd);
  return mapped;
}

/* With the shim, with deadlines that a test can wait for, and with batches that are full at once: the next is read
 * ahead. */
static void load_shim(void) {
  char directory[] = "/tmp/cloudbill-fault-XXXXXX";
  cr_assert_not_null(mkdtemp(directory));
  setenv("FAULT_DIRECTORY", directory, 1);
  setenv("WORKER_PRELOAD", keep_text("%s/preload-fault.so", setting("BIN_DIR")), 1);
  setenv("BATCH_MAX", "2", 1);
  setenv("MAIL_TIMEOUT_MS", "3000", 1);
  setenv("GATEWAY_TIMEOUT_MS", "2000", 1);
  setenv("ATTEMPT_DEADLINE_MS", "7000", 1);
  process_do("restart", WORKERS);
  for (size_t i = 0; i < WORKER_COUNT; i++) boards[i] = map_board(directory, workers[i]);
}

static void unload_shim(void) {
  unsetenv("WORKER_PRELOAD");
  unsetenv("BATCH_MAX");
  process_do("restart", WORKERS);
  for (size_t i = 0; i < WORKER_COUNT; i++)
    unlink(keep_text("%s/cloudbill-%s.faults", setting("FAULT_DIRECTORY"), workers[i]));
  rmdir(setting("FAULT_DIRECTORY"));
}

/* -- a round -- */

/* One command by one key, whatever fails meanwhile. */
static const char *made(const struct tenant *tenant, const char *path, const char *body) {
  const char *const headers[] = {keep_text("Idempotency-Key: %s", new_id()), "Prefer: wait=2", NULL};
  struct answer answer = {0};
  WAIT_UNTIL((answer = http_request("POST", path, tenant->token, quotes(body), headers)).status == 201, "%s: %d %s",
             path, answer.status, answer.text);
  return json_at(answer.json, "data.id");
}

/* Three periods: the first invoice at once, the others by a run. */
static void live_a_life(const struct tenant *tenant) {
  const char *customer =
      made(tenant, "/api/customers", keep_text("{'name':'Ada','email':'%s@fault.example'}", new_id()));
  made(tenant, "/api/plans",
       "{'code':'weekly','name':'Weekly','price':'19.99','currency':'USD','billingCycle':'weekly'}");
  made(tenant, "/api/payment-methods", keep_text("{'customerId':'%s','token':'pm_card_visa'}", customer));
  made(tenant, "/api/billing/subscriptions",
       keep_text("{'customerId':'%s','planId':'weekly','startDate':'%s'}", customer, days_ago(15)));
  made(tenant, "/api/billing/runs", "{}");
}

/* A mail whose sender may have died is taken up again when its deadline passes, which a test does not wait for. Nobody
 * is at work on one of this age. */
static void pass_deadlines(void) {
  sql_do(NULL, "UPDATE notifications SET next_attempt_at = now() WHERE status = 'sending' AND next_attempt_at > now()"
               " AND updated_at < now() - interval '10 seconds'");
}

static bool is_paid_and_told(const struct tenant *tenant) {
  pass_deadlines();
  return sql_int(tenant, "SELECT count(*) FROM invoices WHERE tenant_id = $1 AND status = 'paid'") == 3 &&
         sql_int(tenant, "SELECT count(*) FROM notifications WHERE tenant_id = $1 AND status = 'sent'") == 6 &&
         all_is_quiet(tenant);
}

static void check_round(const struct tenant *tenant) {
  WAIT_UNTIL_WITHIN(REST_SECONDS, is_paid_and_told(tenant), "three invoices, paid and sent");
  check_each_period_has_one_invoice(tenant);
  check_numbers_have_no_gap(tenant);
  check_ledger_sums_to_zero(tenant);
  check_each_invoice_is_charged_once(tenant);
  check_each_mail_went_out_once(tenant);
  check_runs_add_up(tenant);
  cr_assert_eq(sql_int(tenant, "SELECT count(*) FROM dead_letters WHERE tenant_id = $1"), 0,
               "an outage is nobody's fault");
}

/* -- what fails, and when -- */

static size_t plan_place(struct planned *planned, int worker, struct fault_place *place) {
  static const enum fault faults[] = {FAULT_BEFORE, FAULT_AFTER};
  bool has_one_way = strncmp(place->name, "produce ", 8) == 0 || strncmp(place->name, "gateway ", 8) == 0;
  size_t count = has_one_way ? 1 : 2;
  for (size_t i = 0; i < count; i++) planned[i] = (struct planned){worker, place, faults[i]};
  return count;
}

/* What a worker does when it starts is not what the first round came by. */
static void forget_calls(void) {
  for (int worker = 0; worker < WORKER_COUNT; worker++)
    for (size_t i = 0; i < FAULT_PLACES_MAX; i++) atomic_store(&boards[worker]->places[i].calls, 0);
}

/* Every place that the first round came by, in a random order. */
static size_t plan_faults(struct planned *planned) {
  size_t count = 0;
  for (int worker = 0; worker < WORKER_COUNT; worker++)
    for (size_t i = 0; i < FAULT_PLACES_MAX; i++)
      if (atomic_load(&boards[worker]->places[i].calls) > 0)
        count += plan_place(&planned[count], worker, &boards[worker]->places[i]);
  for (size_t i = count; i > 1; i--) {
    size_t other = (size_t)dice_between(&dice, 0, (int64_t)i - 1);
    struct planned moved = planned[i - 1];
    planned[i - 1] = planned[other];
    planned[other] = moved;
  }
  return count;
}

/* Those that did not come by are disarmed. */
static size_t fired(const struct planned *planned, size_t count) {
  size_t happened = 0;
  for (size_t i = 0; i < count; i++) happened += atomic_exchange(&planned[i].place->armed, FAULT_NONE) == FAULT_NONE;
  return happened;
}

/* One place that is planned twice in a round fails in the second way. */
static size_t run_round(const struct planned *planned, size_t count) {
  struct tenant tenant = tenant_new();
  for (size_t i = 0; i < count; i++) atomic_store(&planned[i].place->armed, (int)planned[i].fault);
  live_a_life(&tenant);
  check_round(&tenant);
  return fired(planned, count);
}

static void tell_round(const struct planned *planned, size_t count) {
  for (size_t i = 0; i < count; i++)
    fprintf(stderr, "  %s: %s %s\n", workers[planned[i].worker], planned[i].fault == FAULT_BEFORE ? "before" : "after",
            planned[i].place->name);
}

Test(each_call, may_fail_and_all_is_there_once, .timeout = 400) {
  struct planned *planned = keep(sizeof *planned * FAULTS_MAX);
  size_t done = 0, happened = 0;
  dice = dice_new();
  load_shim();
  int64_t start_ms = stopwatch_ms();
  forget_calls();
  run_round(NULL, 0);
  size_t count = plan_faults(planned);
  cr_assert_gt(count, 50, "%zu places: the shim does not see the calls", count);
  do {
    size_t round = count - done < FAULTS_A_ROUND ? count - done : FAULTS_A_ROUND;
    tell_round(&planned[done], round);
    happened += run_round(&planned[done], round);
    done += round;
  } while (done < count && stopwatch_ms() - start_ms < BUDGET_MS);
  fprintf(stderr, "%zu of %zu faults planned, %zu of them happened, in %lld s\n", done, count, happened,
          (long long)(stopwatch_ms() - start_ms) / 1000);
  cr_expect_gt(happened, done / 2);
  WAIT_UNTIL(sql_int(NULL, "SELECT count(*) FROM outbox") == 0, "the outbox to be empty");
  unload_shim();
}
