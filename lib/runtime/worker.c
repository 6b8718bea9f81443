/* A worker's life: settings, threads, the loop, and a clean end. */
#include <malloc.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/assert.h"
#include "base/log.h"
#include "runtime/effects.h"
#include "runtime/health.h"
#include "runtime/json_arena.h"
#include "runtime/supervisor.h"

enum { MALLOC_ARENAS = 2 }; /* one for each thread would be most of a worker's memory */
enum { TASKS_MAX = 16, SETTINGS_MAX = 48, READY_DB_MS = 15000, SLEEP_SLICE_MS = 50, STOP_MAX_S = 9 };

static struct common_settings {
  char *database_url, *kafka_brokers, *redis_address, *internal_address, *log_level, *instance;
  int64_t batch_max, session_timeout_ms;
} common;

static const struct setting common_settings[] = {
    {"DATABASE_URL", SETTING_SECRET, offsetof(struct common_settings, database_url), NULL, 1, 0, NULL,
     "PostgreSQL, as a libpq URI, with the role cloudbill_worker"},
    {"KAFKA_BROKERS", SETTING_TEXT, offsetof(struct common_settings, kafka_brokers), NULL, 0, 0, NULL,
     "Kafka's bootstrap servers: host:port, separated by commas"},
    {"REDIS_ADDRESS", SETTING_ADDRESS, offsetof(struct common_settings, redis_address), "127.0.0.1:6379", 0, 0, NULL,
     "Redis, where outcomes of commands are announced"},
    {"INTERNAL_ADDRESS", SETTING_ADDRESS, offsetof(struct common_settings, internal_address), "127.0.0.1:9100", 0, 0,
     NULL, "where /livez, /readyz and /metrics are served"},
    {"LOG_LEVEL", SETTING_CHOICE, offsetof(struct common_settings, log_level), "info", 0, 0, "debug info warn error",
     "the least level that is logged"},
    {"INSTANCE", SETTING_TEXT, offsetof(struct common_settings, instance), "", 0, 48, NULL,
     "this process's name among its like; host and process id when empty"},
    {"BATCH_MAX", SETTING_INT, offsetof(struct common_settings, batch_max), "500", 1, AT_HAND_MAX, NULL,
     "messages in one transaction at most"},
    {"KAFKA_SESSION_TIMEOUT_MS", SETTING_INT, offsetof(struct common_settings, session_timeout_ms), "6000", 1000, 60000,
     NULL, "how long Kafka waits for a worker that died before others get its partitions; brokers take 6000 and more"},
};
enum { COMMON_COUNT = sizeof common_settings / sizeof common_settings[0] };

static struct process the_process; /* one for each program: what the signal handler reaches */

static void on_signal(int signal) {
  (void)signal;
  atomic_store(&the_process.stopping, true);
  alarm(STOP_MAX_S);
}

/* Something hangs: a server that stands still, a library that waits for it. Dying at any moment is harmless by design.
 */
static void on_alarm(int signal) {
  (void)signal;
  _exit(0);
}

const char *process_name(const struct process *process) {
  return process->worker->name;
}
const char *process_instance(const struct process *process) {
  return process->instance;
}
bool process_is_stopping(const struct process *process) {
  return atomic_load(&process->stopping);
}

void process_fail(struct process *process, const char *where, const struct error *err) {
  LOG(LOG_ERROR, "process.failed", LOG_TEXT("where", where), LOG_TEXT("code", error_name(err->code)),
      LOG_TEXT("text", err->text), LOG_TEXT("field", err->field));
  atomic_store(&process->fatal, true);
  atomic_store(&process->stopping, true);
}

void process_sleep(const struct process *process, int64_t ms) {
  for (struct mono start = mono_now(); !process_is_stopping(process) && mono_ms_since(start) < ms;)
    sleep_ms(ms < SLEEP_SLICE_MS ? ms : SLEEP_SLICE_MS);
}

void process_nudge(struct process *process) {
  pthread_mutex_lock(&process->nudge_lock);
  process->batches++;
  pthread_cond_broadcast(&process->nudge);
  pthread_mutex_unlock(&process->nudge_lock);
}

/* In slices: a signal handler cannot nudge. */
void process_await_nudge(struct process *process, int64_t ms, uint64_t *seen) {
  struct mono start = mono_now();
  pthread_mutex_lock(&process->nudge_lock);
  for (int64_t left_ms = ms; left_ms > 0 && process->batches == *seen && !process_is_stopping(process);
       left_ms = ms - mono_ms_since(start)) {
    struct mono until = mono_add_ms(mono_now(), left_ms < SLEEP_SLICE_MS ? left_ms : SLEEP_SLICE_MS);
    struct timespec at = {.tv_sec = until.ns / 1000000000, .tv_nsec = until.ns % 1000000000};
    pthread_cond_timedwait(&process->nudge, &process->nudge_lock, &at);
  }
  *seen = process->batches;
  pthread_mutex_unlock(&process->nudge_lock);
}

struct db *process_new_db(const struct process *process) {
  struct db_options options = {
      .url = process->database_url, .application_name = process->instance, .statements = process->statement_lists};
  return db_new(&options);
}

static bool is_ready(void *context, char *ret_reason, size_t reason_size) {
  const struct process *process = context;
  int64_t seen_ms = atomic_load(&process->db_seen_ms);
  struct mono now = mono_now();
  if (process_is_stopping(process))
    snprintf(ret_reason, reason_size, "stopping");
  else if (seen_ms == 0 || now.ns / 1000000 - seen_ms > READY_DB_MS)
    snprintf(ret_reason, reason_size, "PostgreSQL does not answer");
  else if (!atomic_load(&process->assigned))
    snprintf(ret_reason, reason_size, "no partitions assigned yet: is Kafka there?");
  else
    return true;
  return false;
}

static enum log_level log_level_of(const char *name) {
  static const char *const names[] = {"debug", "info", "warn", "error"};
  for (int i = 0; i < 4; i++)
    if (strcmp(names[i], name) == 0) return (enum log_level)i;
  return LOG_INFO;
}

static bool show_help(int argc, char **argv, const struct worker *worker) {
  struct setting all[SETTINGS_MAX];
  ASSERT(COMMON_COUNT + worker->setting_count <= SETTINGS_MAX);
  memcpy(all, common_settings, sizeof common_settings);
  if (worker->setting_count > 0) memcpy(all + COMMON_COUNT, worker->settings, worker->setting_count * sizeof *all);
  char process[64];
  snprintf(process, sizeof process, "cloudbill-%s", worker->name);
  return settings_help(all, COMMON_COUNT + worker->setting_count, process, worker->about, argc, argv);
}

static enum rc load_settings(const struct worker *worker, struct error *err) {
  TRY(settings_load(common_settings, COMMON_COUNT, &common, err));
  if (worker->setting_count > 0)
    TRY(settings_load(worker->settings, worker->setting_count, worker->settings_target, err));
  TRY(db_check_url(common.database_url, err));
  return worker->start ? worker->start(err) : RC_OK;
}

static void nudge_init(struct process *process) {
  pthread_condattr_t monotonic;
  pthread_condattr_init(&monotonic);
  pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
  pthread_mutex_init(&process->nudge_lock, NULL);
  pthread_cond_init(&process->nudge, &monotonic);
  pthread_condattr_destroy(&monotonic);
}

static void process_init(struct process *process, const struct worker *worker) {
  nudge_init(process);
  process->worker = worker;
  process->statement_lists[0] = runtime_sql_statements;
  process->statement_lists[1] = worker->statements;
  process->statement_lists[2] = worker->layer_statements;
  process->database_url = common.database_url;
  process->kafka_brokers = common.kafka_brokers;
  process->redis_address = common.redis_address;
  process->internal_address = common.internal_address;
  process->batch_max = common.batch_max;
  process->session_timeout_ms = common.session_timeout_ms;
  process->started_at = utime_now();
  atomic_store(&process->progress_us, process->started_at.us);
  char host[32] = "host";
  if (gethostname(host, sizeof host - 1) != 0) snprintf(host, sizeof host, "host");
  if (*common.instance)
    snprintf(process->instance, sizeof process->instance, "%s", common.instance);
  else
    snprintf(process->instance, sizeof process->instance, "%s-%s-%d", worker->name, host, (int)getpid());
  log_init(worker->name, process->instance, log_level_of(common.log_level));
}

static void install_signals(void) {
  struct sigaction action = {.sa_handler = on_signal};
  sigaction(SIGTERM, &action, NULL);
  sigaction(SIGINT, &action, NULL);
  struct sigaction too_long = {.sa_handler = on_alarm};
  sigaction(SIGALRM, &too_long, NULL);
  struct sigaction ignore = {.sa_handler = SIG_IGN};
  sigaction(SIGPIPE, &ignore, NULL);
}

static void start_thread(pthread_t *thread, void *(*main)(void *), void *context) {
  int rc = pthread_create(thread, NULL, main, context);
  ASSERT(rc == 0);
}

static int run_threads(struct process *process) {
  struct task_thread tasks[TASKS_MAX];
  size_t task_count = 0;
  pthread_t housekeeping;
  start_thread(&housekeeping, housekeeping_main, process);
  for (const struct task *task = process->worker->tasks; task && task->name; task++) {
    ASSERT(task_count < TASKS_MAX);
    tasks[task_count] = (struct task_thread){.process = process, .task = task};
    start_thread(&tasks[task_count].thread, task_main, &tasks[task_count]);
    task_count++;
  }
  int status = loop_run(process);
  atomic_store(&process->stopping, true);
  for (size_t i = 0; i < task_count; i++) pthread_join(tasks[i].thread, NULL);
  atomic_store(&process->is_quiet, true);
  pthread_join(housekeeping, NULL);
  return status;
}

static int refuse_to_start(const struct worker *worker, const struct error *err) {
  char process[64];
  snprintf(process, sizeof process, "cloudbill-%s", worker->name);
  settings_complain(process, err);
  return 2;
}

/* What the worker before this one ended with, if a message ended it. */
static void tell_last_death(const struct at_hand *hand) {
  char how[ERROR_TEXT_MAX];
  metric_add("worker_deaths_total", "", hand->deaths);
  if (hand->deaths == 0) return;
  death_describe(&hand->death, how, sizeof how);
  LOG(LOG_ERROR, "worker.died", LOG_TEXT("how", how), LOG_INT("deaths", hand->deaths),
      LOG_INT("messages", (int64_t)hand->first_of), LOG_TEXT("topic", hand->first.topic),
      LOG_INT("partition", hand->first.partition), LOG_INT("offset", hand->first.offset - 1));
}

static int run_worker(const struct worker *worker) {
  struct process *process = &the_process;
  struct error err;
  struct health_server *health = NULL;
  mallopt(M_ARENA_MAX, MALLOC_ARENAS);
  json_arena_install();
  json_object_seed(0);
  if (load_settings(worker, &err) != RC_OK) {
    return refuse_to_start(worker, &err);
  }
  process_init(process, worker);
  install_signals();
  if (health_start(process->internal_address, is_ready, process, &health, &err) != RC_OK) {
    return refuse_to_start(worker, &err);
  }
  process->announcer = announcer_new(process->redis_address);
  if (outbox_new(process->kafka_brokers, process->instance, &process->outbox, &err) != RC_OK) {
    return refuse_to_start(worker, &err);
  }
  LOG(LOG_INFO, "process.started", LOG_TEXT("version", CLOUDBILL_VERSION));
  tell_last_death(process->hand);
  int status = run_threads(process);
  outbox_free(process->outbox);
  announcer_free(process->announcer);
  health_stop(health);
  LOG(LOG_INFO, "process.stopped", LOG_INT("status", status));
  return status;
}

int worker_main(int argc, char **argv, const struct worker *worker) {
  int status;
  if (show_help(argc, argv, worker)) return 0;
  the_process.hand = at_hand_new();
  log_init(worker->name, "supervisor", LOG_INFO);
  return supervise(the_process.hand, &status) ? run_worker(worker) : status;
}
