/* Messages that end the process which handles them: each is tried three times at most, becomes a dead letter, and stops
 * nobody behind it. And those that only happened to be at hand. Most of it with a worker that ends as it is told
 * (tests/stumbler), once with one of ours that is killed in the middle of a command. */
#include <fcntl.h>
#include <libpq-fe.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "harness/harness.h"

enum { DEATHS_SECONDS = 240 }; /* after each, Kafka waits for the member that died (main.c) */

static const char TOPIC[] = "cloudbill.plan.events"; /* nobody else reads it */

/* -- the worker that stumbles -- */

static void set_environment(const char *instance, const char *task_cause) {
  setenv("DATABASE_URL", setting("WORKER_DATABASE_URL"), 1);
  setenv("INTERNAL_ADDRESS", "127.0.0.1:0", 1);
  setenv("INSTANCE", instance, 1);
  setenv("TASK_CAUSE", task_cause, 1);
  setenv("ASAN_OPTIONS", keep_text("%s:handle_segv=0", getenv("ASAN_OPTIONS") ? getenv("ASAN_OPTIONS") : ""), 1);
}

static const char *log_of(const char *instance) {
  return keep_text("%s/%s.log", setting("LOG_DIR"), instance);
}

/* It does not outlive the test, however that ends. */
static pid_t stumbler_start(const char *instance, const char *task_cause) {
  const char *program = keep_text("%s/stumbler", setting("BIN_DIR"));
  pid_t pid = fork();
  cr_assert_geq(pid, 0);
  if (pid > 0) return pid;
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  set_environment(instance, task_cause);
  int log = open(log_of(instance), O_WRONLY | O_CREAT | O_APPEND, 0600);
  dup2(log, STDOUT_FILENO);
  dup2(log, STDERR_FILENO);
  execl(program, program, NULL);
  _exit(127);
}

static int wait_for_end(pid_t pid) {
  int status = 0;
  cr_assert_eq(waitpid(pid, &status, 0), pid);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static void expect_runs(pid_t pid) {
  cr_expect_eq(waitpid(pid, NULL, WNOHANG), 0, "the supervisor has ended");
}

static void expect_stops(pid_t pid) {
  kill(pid, SIGTERM);
  cr_expect_eq(wait_for_end(pid), 0);
}

/* The worker below the supervisor. */
static pid_t worker_of(pid_t supervisor) {
  char line[64] = "";
  FILE *file = fopen(keep_text("/proc/%d/task/%d/children", supervisor, supervisor), "r");
  cr_assert(file && fgets(line, sizeof line, file), "no worker at the moment");
  fclose(file);
  return (pid_t)strtol(line, NULL, 10);
}

static size_t deaths_told(const char *instance) {
  size_t count = 0;
  char *log = file_text(setting("LOG_DIR"), keep_text("%s.log", instance));
  for (const char *at = log; at && (at = strstr(at, "worker.died")); at++) count++;
  free(log);
  return count;
}

/* -- its messages -- */

struct step {
  const char *subject, *id;
  struct record record;
};

/* One key: all of them lie in one partition, one behind the other. */
static struct step send_step(const struct tenant *tenant, const char *way, const char *cause) {
  struct step step = {.subject = new_id(), .id = new_id()};
  const char *const headers[] = {"ce_specversion", "1.0",          "ce_id",      step.id,
                                 "ce_type",        "plan.created", "ce_source",  "/tests",
                                 "ce_subject",     step.subject,   "ce_time",    "2026-11-21T00:00:00.000Z",
                                 "ce_tenantid",    tenant->id,     "ce_replyto", "nobody",
                                 "ce_actor",       "user:test",    NULL};
  const char *body = way ? quotes(keep_text("{'way':'%s','cause':'%s'}", way, cause)) : "{}";
  step.record = kafka_produce(TOPIC, tenant->id, body, strlen(body), headers);
  return step;
}

static int64_t steps_of(const struct step *step) {
  return sql_int(NULL, keep_text("SELECT count(*) FROM stumbler_steps WHERE subject = '%s'", step->subject));
}

static int64_t dead_letters_of(const struct tenant *tenant) {
  return sql_int(tenant, "SELECT count(*) FROM dead_letters WHERE tenant_id = $1");
}

static const char *dead_letter(const struct step *step, const char *column) {
  return sql_text(NULL, keep_text("SELECT %s FROM dead_letters WHERE source_topic = '%s' AND source_partition = %d AND "
                                  "source_offset = %lld",
                                  column, step->record.topic, step->record.partition, (long long)step->record.offset));
}

static void expect_answered(const struct tenant *tenant, const struct step *step, const char *outcome) {
  cr_expect_str_eq(sql_text(tenant, keep_text("SELECT concat(status, ' ', http_status) FROM commands"
                                              " WHERE tenant_id = $1 AND id = '%s'",
                                              step->id)),
                   outcome);
}

static void cause_new(const char *path) {
  int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
  cr_assert_geq(fd, 0);
  close(fd);
}

static const char *cause_called(const char *name) {
  return keep_text("%s/%s.cause", setting("RUN_DIR"), name);
}

static bool exists(const char *path) {
  return access(path, F_OK) == 0;
}

/* -- around each test -- */

static void begin(void) {
  sql_do(NULL,
         "CREATE TABLE stumbler_steps (subject uuid NOT NULL); GRANT INSERT ON stumbler_steps TO cloudbill_worker");
}

/* Other tests look at what every group has done. */
static void forget_stumbler(void) {
  sql_do(NULL, "DROP TABLE stumbler_steps; DELETE FROM consumer_offsets WHERE consumer_group = 'stumbler';"
               " DELETE FROM worker_heartbeats WHERE worker = 'stumbler'");
}

TestSuite(death, .init = begin, .fini = forget_stumbler, .timeout = 600);

/* -- those that end the process -- */

static const struct {
  const char *way, *reason;
} ends[] = {{"assertion", "signal 6 (Aborted): !exists(cause) at "},
            {"kill", "signal 9 (Killed)"},
            {"recursion", "signal 11 (Segmentation fault)"},
            {"bug", "exit status 1: met for the sake of "}};
enum { ENDS = sizeof ends / sizeof *ends };

static void expect_buried(const struct tenant *tenant, const struct step *step, size_t end) {
  cr_expect_eq(steps_of(step), 0, "%s has left something", ends[end].way);
  expect_answered(tenant, step, "failed 500");
  cr_expect_str_eq(dead_letter(step, "error_code"), "INTERNAL_SERVER_ERROR");
  const char *reason = dead_letter(step, "reason");
  cr_expect_not_null(strstr(reason, ends[end].reason), "%s: %s", ends[end].way, reason);
}

/* All of them wait when the worker starts, in one batch: at the first death it has them all at hand. */
Test(death, of_a_worker_makes_a_dead_letter_of_its_message_and_goes_on) {
  struct tenant tenant = tenant_new();
  const char *cause = cause_called("ends");
  struct step guilty[ENDS], innocent[ENDS + 1];
  cause_new(cause);
  for (size_t i = 0; i < ENDS; i++) {
    innocent[i] = send_step(&tenant, NULL, NULL);
    guilty[i] = send_step(&tenant, ends[i].way, cause);
  }
  innocent[ENDS] = send_step(&tenant, NULL, NULL);
  pid_t stumbler = stumbler_start("stumbler-1", "");
  WAIT_UNTIL_WITHIN(DEATHS_SECONDS, steps_of(&innocent[ENDS]) == 1, "what stands behind all of them");
  expect_runs(stumbler);
  cr_expect_leq(deaths_told("stumbler-1"), (size_t)3 * ENDS, "%zu deaths", deaths_told("stumbler-1"));
  cr_expect_eq(dead_letters_of(&tenant), ENDS);
  for (size_t i = 0; i < ENDS; i++) expect_buried(&tenant, &guilty[i], i);
  for (size_t i = 0; i <= ENDS; i++) {
    cr_expect_eq(steps_of(&innocent[i]), 1);
    expect_answered(&tenant, &innocent[i], "succeeded 200");
  }
  unlink(cause); /* mended */
  api_post(&tenant, 200, keep_text("/api/dead-letters/%s/replay", dead_letter(&guilty[0], "id")), "{}");
  WAIT_UNTIL(steps_of(&guilty[0]) == 1, "the replayed one to be handled");
  cr_expect_eq(dead_letters_of(&tenant), ENDS);
  expect_stops(stumbler);
}

/* Whichever of them has the partition dies of it and learns by itself; the dead letter is one. */
Test(death, comes_to_each_replica_that_gets_the_message_and_ends_there_too) {
  struct tenant tenant = tenant_new();
  const char *cause = cause_called("replicas");
  cause_new(cause);
  struct step guilty = send_step(&tenant, "assertion", cause), innocent = send_step(&tenant, NULL, NULL);
  pid_t first = stumbler_start("stumbler-2", ""), second = stumbler_start("stumbler-3", "");
  WAIT_UNTIL_WITHIN(DEATHS_SECONDS, steps_of(&innocent) == 1, "what stands behind it");
  cr_expect_eq(dead_letters_of(&tenant), 1);
  cr_expect_eq(steps_of(&guilty), 0);
  expect_answered(&tenant, &guilty, "failed 500");
  expect_runs(first);
  expect_runs(second);
  expect_stops(first);
  expect_stops(second);
  cr_expect_leq(deaths_told("stumbler-2"), 3);
  cr_expect_leq(deaths_told("stumbler-3"), 3);
  unlink(cause);
}

static int64_t messages_passed(void) {
  return sql_int(NULL, "SELECT coalesce(sum(next_offset), 0) FROM consumer_offsets WHERE consumer_group = 'stumbler'");
}

/* A release that handles nothing must not bury the topic. All that other tests left in it is handled first: that would
 * be good done. */
Test(death, of_everything_buries_one_message_and_is_left_to_whoever_started_it) {
  struct tenant tenant = tenant_new();
  const char *cause = cause_called("everything");
  struct step guilty[3];
  (void)send_step(&tenant, NULL, NULL);
  pid_t stumbler = stumbler_start("stumbler-8", "");
  WAIT_UNTIL(messages_passed() == (int64_t)kafka_read(TOPIC, NULL, NULL).count, "what was there before");
  expect_stops(stumbler);
  cause_new(cause);
  for (size_t i = 0; i < 3; i++) guilty[i] = send_step(&tenant, "assertion", cause);
  stumbler = stumbler_start("stumbler-8", "");
  cr_expect_eq(wait_for_end(stumbler), 128 + SIGABRT);
  cr_expect_eq(dead_letters_of(&tenant), 1);
  expect_buried(&tenant, &guilty[0], 0);
  unlink(cause);
  stumbler = stumbler_start("stumbler-8", "");
  WAIT_UNTIL(steps_of(&guilty[2]) == 1, "the others to be handled by the next release");
  cr_expect_eq(steps_of(&guilty[1]), 1);
  expect_stops(stumbler);
}

/* -- those that were only there -- */

/* A message that a worker has at hand, and holds until its cause is gone. */
struct held {
  struct tenant tenant;
  const char *cause;
  struct step step;
  pid_t stumbler;
};

static void wait_until_at_hand(const struct held *held) {
  const char *reached = keep_text("%s.reached", held->cause);
  WAIT_UNTIL(exists(reached), "the message to be at hand");
  unlink(reached);
}

static struct held hold_one(const char *instance, const char *task_cause) {
  struct held held = {.tenant = tenant_new(), .cause = cause_called(instance)};
  cause_new(held.cause);
  held.step = send_step(&held.tenant, "nothing", held.cause);
  held.stumbler = stumbler_start(instance, task_cause);
  wait_until_at_hand(&held);
  return held;
}

static void expect_is_handled_once(const struct held *held) {
  wait_until_at_hand(held);
  unlink(held->cause);
  WAIT_UNTIL(steps_of(&held->step) > 0, "the innocent message to be handled");
  cr_expect_eq(steps_of(&held->step), 1);
  cr_expect_eq(dead_letters_of(&held->tenant), 0);
  expect_answered(&held->tenant, &held->step, "succeeded 200");
  expect_stops(held->stumbler);
}

Test(death, by_an_operator_costs_an_innocent_message_nothing) {
  struct held held = hold_one("stumbler-4", "");
  kill(worker_of(held.stumbler), SIGKILL);
  expect_is_handled_once(&held);
}

/* The whole of it: nobody remembers, nobody is to blame. */
Test(death, of_the_machine_blames_nobody) {
  struct held held = hold_one("stumbler-5", "");
  kill(held.stumbler, SIGKILL);
  cr_expect_eq(wait_for_end(held.stumbler), 128 + SIGKILL);
  held.stumbler = stumbler_start("stumbler-5", "");
  expect_is_handled_once(&held);
  cr_expect_eq(deaths_told("stumbler-5"), 0);
}

/* A bug in a task is no message's fault: the process ends, and whoever started it sees it. */
Test(death, by_a_task_blames_nobody) {
  const char *task_cause = cause_called("of-the-task");
  struct held held = hold_one("stumbler-6", task_cause);
  cause_new(task_cause);
  cr_expect_eq(wait_for_end(held.stumbler), 128 + SIGABRT);
  unlink(task_cause);
  held.stumbler = stumbler_start("stumbler-6", task_cause);
  expect_is_handled_once(&held);
}

/* -- workers that are killed where they wait -- */

/* A dead worker's session would wait on: PostgreSQL learns late that nobody listens any more. */
static void end_waiting_for(PGconn *holder) {
  sql_do(NULL, keep_text("SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity"
                         " WHERE %d = ANY (pg_blocking_pids(pid))",
                         PQbackendPID(holder)));
}

/* Whoever makes a dead letter of it waits for an advisory lock. (The table's own is taken by whoever prepares the
 * statement.) Others may be made meanwhile: suites that ran before leave broken messages in the topic. */
static void make_burial_wait(const struct step *step) {
  sql_do(NULL, "CREATE FUNCTION cloudbill.wait_for_burial() RETURNS trigger LANGUAGE plpgsql AS"
               " $$ BEGIN PERFORM pg_advisory_xact_lock(4711); RETURN NEW; END $$");
  sql_do(NULL, keep_text("CREATE TRIGGER wait BEFORE INSERT ON cloudbill.dead_letters FOR EACH ROW"
                         " WHEN (NEW.source_topic = '%s' AND NEW.source_partition = %d AND NEW.source_offset = %lld)"
                         " EXECUTE FUNCTION cloudbill.wait_for_burial()",
                         step->record.topic, step->record.partition, (long long)step->record.offset));
}

static void let_burials_be(void) {
  sql_do(NULL, "DROP TRIGGER wait ON cloudbill.dead_letters; DROP FUNCTION cloudbill.wait_for_burial");
}

/* It may be the reading itself that ends the process: what dies on its way into the dead letters is buried unread, and
 * is nobody's. */
Test(death, on_the_way_into_the_dead_letters_leaves_the_message_unread, .fini = let_burials_be) {
  struct tenant tenant = tenant_new();
  const char *cause = cause_called("burial");
  cause_new(cause);
  struct step guilty = send_step(&tenant, "bug", cause), innocent = send_step(&tenant, NULL, NULL);
  make_burial_wait(&guilty);
  PGconn *holder = hold("SELECT pg_advisory_xact_lock(4711)");
  pid_t stumbler = stumbler_start("stumbler-7", "");
  WAIT_UNTIL_WITHIN(DEATHS_SECONDS, waiting_for(holder) == 1, "it to be buried");
  kill(worker_of(stumbler), SIGKILL);
  end_waiting_for(holder);
  WAIT_UNTIL(waiting_for(holder) == 1, "it to be buried again");
  PQfinish(holder);
  WAIT_UNTIL(steps_of(&innocent) == 1, "what stands behind it");
  cr_expect_eq(steps_of(&guilty), 0);
  cr_expect_str_eq(dead_letter(&guilty, "tenant_id"), "00000000-0000-0000-0000-000000000000");
  cr_expect_not_null(strstr(dead_letter(&guilty, "reason"), "signal 9 (Killed)"));
  expect_stops(stumbler);
  unlink(cause);
}

/* -- one of ours -- */

static pid_t supervisor_of(const char *process) {
  char *line = file_text(setting("PIDFILE_DIR"), keep_text("%s.pid", process));
  cr_assert_not_null(line, "%s does not run", process);
  pid_t pid = (pid_t)strtol(line, NULL, 10);
  free(line);
  return pid;
}

/* Until it is a dead letter: after the third time at the latest. */
static void kill_at_each_try(const struct tenant *tenant, pid_t supervisor, PGconn *holder) {
  static const int signals[] = {SIGABRT, SIGKILL, SIGKILL};
  for (size_t i = 0; i < 3; i++) {
    WAIT_UNTIL(waiting_for(holder) == 1 || dead_letters_of(tenant) == 1, "the command to wait for the row");
    if (dead_letters_of(tenant) == 1) return;
    kill(worker_of(supervisor), signals[i]);
    end_waiting_for(holder);
  }
  WAIT_UNTIL(dead_letters_of(tenant) == 1, "its dead letter");
}

Test(death, in_the_middle_of_a_command_is_told_to_its_caller_and_can_be_replayed) {
  static const char *const headers[] = {"Prefer: respond-async", NULL};
  struct tenant tenant = tenant_new();
  const char *customer = customer_new(&tenant, NULL), *path = keep_text("/api/customers/%s", customer);
  process_do("restart", "billing-cycle"); /* with the settings of this suite */
  pid_t supervisor = supervisor_of("billing-cycle");
  PGconn *holder = hold(keep_text("SELECT FROM cloudbill.customers WHERE id = '%s' FOR UPDATE", customer));
  struct answer accepted = http_request("PATCH", path, tenant.token, quotes("{'name':'Changed'}"), headers);
  cr_assert_eq(accepted.status, 202, "%d %s", accepted.status, accepted.text);
  kill_at_each_try(&tenant, supervisor, holder);
  customer_new(&tenant, NULL); /* the row is locked still: the others do not wait for it */
  PQfinish(holder);
  const char *operation = json_at(accepted.json, "data.id");
  const char *told =
      sql_text(&tenant, keep_text("SELECT concat(status, ' ', http_status, ' ', error_code) FROM commands"
                                  " WHERE tenant_id = $1 AND id = '%s'",
                                  operation));
  cr_expect_str_eq(told, "failed 500 INTERNAL_SERVER_ERROR");
  cr_expect_eq(supervisor_of("billing-cycle"), supervisor);
  cr_expect_eq(kill(supervisor, 0), 0);
  const char *letter = sql_text(&tenant, "SELECT id FROM dead_letters WHERE tenant_id = $1");
  api_post(&tenant, 200, keep_text("/api/dead-letters/%s/replay", letter), "{}");
  WAIT_UNTIL(strcmp(json_at(api_get(&tenant, 200, "%s", path), "name"), "Changed") == 0, "the replayed change");
  cr_expect_eq(dead_letters_of(&tenant), 1);
}
