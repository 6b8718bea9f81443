/* cloudbill-api: the HTTP front end. Commands go out to Kafka, reads come from PostgreSQL. It starts and stays up
 * whatever else is away, and says by /readyz whether it can work. */
#include <civetweb.h>
#include <jansson.h>
#include <malloc.h>
#include <signal.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "api.h"
#include "base/assert.h"
#include "base/log.h"
#include "base/settings.h"
#include "dependencies.h"
#include "outcomes.h"
#include "password.h"
#include "pool.h"
#include "producer.h"
#include "redis.h"
#include "runtime/health.h"
#include "schema/schema.h"
#include "server.h"
#include "token.h"

enum { EXIT_BUG = 1, EXIT_SETTING = 2, MALLOC_ARENAS = 4, DRAIN_NOTICE_MS = 200, STOP_MARGIN_S = 4 };

#define AT(member) offsetof(struct settings, member)
static const struct setting table[] = {
    {"HTTP_ADDRESS", SETTING_ADDRESS, AT(http_address), "127.0.0.1:8080", 0, 0, NULL, "where clients connect"},
    {"INTERNAL_ADDRESS", SETTING_ADDRESS, AT(internal_address), "127.0.0.1:9080", 0, 0, NULL,
     "/livez, /readyz and /metrics for operators"},
    {"DATABASE_URL", SETTING_SECRET, AT(database_url), NULL, 1, 0, NULL, "PostgreSQL, as role cloudbill_api"},
    {"KAFKA_BROKERS", SETTING_TEXT, AT(kafka_brokers), "127.0.0.1:9092", 0, 0, NULL, "host:port, separated by commas"},
    {"REDIS_ADDRESS", SETTING_ADDRESS, AT(redis_address), "127.0.0.1:6379", 0, 0, NULL,
     "announcements of outcomes, rate limits"},
    {"JWT_SECRET", SETTING_SECRET, AT(jwt_secret), "", 32, 0, NULL, "signs tokens, unless JWT_KEYS_FILE is given"},
    {"JWT_KEYS_FILE", SETTING_TEXT, AT(jwt_keys_file), "", 0, 0, NULL,
     "\"kid secret\" a line: the first signs, all verify"},
    {"RATE_LIMIT_PER_MINUTE", SETTING_INT, AT(rate_limit_per_minute), "100", 0, 1000000000, NULL,
     "requests of one address; 0 for no limit"},
    {"TRUSTED_PROXIES", SETTING_TEXT, AT(trusted_proxies), "", 0, 0, NULL,
     "IPv4 addresses or networks whose X-Forwarded-For is believed"},
    {"CORS_ORIGINS", SETTING_TEXT, AT(cors_origins), "", 0, 0, NULL, "origins whose pages may call the API"},
    {"HSTS_MAX_AGE_S", SETTING_INT, AT(hsts_max_age_s), "0", 0, 63072000, NULL,
     "Strict-Transport-Security, behind TLS; 0 for none"},
    {"HTTP_CONNECTIONS", SETTING_INT, AT(connections_max), "128", 1, 4096, NULL,
     "open at once; further ones are answered 503"},
    {"HTTP_CONNECTIONS_PER_ADDRESS", SETTING_INT, AT(connections_per_address_max), "96", 0, 4096, NULL,
     "of them from one address that is no trusted proxy, and never more than three quarters; 0 for no limit"},
    {"DATABASE_CONNECTIONS", SETTING_INT, AT(database_connections), "12", 2, 256, NULL, "to PostgreSQL"},
    {"PASSWORD_HASHES", SETTING_INT, AT(password_hashes_max), "2", 1, 64, NULL, "computed at once"},
    {"BODY_BYTES_MAX", SETTING_INT, AT(body_bytes_max), "262144", 1024, 1000000, NULL, "of a request"},
    {"BODY_TIMEOUT_MS", SETTING_INT, AT(body_timeout_ms), "10000", 100, 600000, NULL, "for a whole body to come in"},
    {"DELIVERY_TIMEOUT_MS", SETTING_INT, AT(delivery_timeout_ms), "3000", 100, 30000, NULL,
     "for Kafka to acknowledge a command; 503 then"},
    {"DRAIN_MS", SETTING_INT, AT(drain_ms), "5000", 0, 60000, NULL, "for requests under way after SIGTERM"},
    {"LOG_LEVEL", SETTING_CHOICE, AT(log_level), "info", 0, 0, "debug info warn error", "the least that is logged"},
    {"INSTANCE", SETTING_TEXT, AT(instance), "", 0, 40, NULL, "unique among the running; default: host and pid"},
};
enum { SETTINGS = sizeof table / sizeof table[0] };

static enum log_level level_of(const char *name) {
  static const char *const names[] = {"debug", "info", "warn"};
  for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
    if (strcmp(names[i], name) == 0) return (enum log_level)i;
  return LOG_ERROR;
}

static void name_instance(struct api *api) {
  char host[32] = "host";
  (void)gethostname(host, sizeof host - 1);
  if (api->settings.instance[0])
    snprintf(api->instance, sizeof api->instance, "%s", api->settings.instance);
  else
    snprintf(api->instance, sizeof api->instance, "%s-%d", host, (int)getpid());
}

/* Statements that do not fit the schema, or a role that may too much, are found now; an absent database later. */
static enum rc check_database(struct api *api, struct error *err) {
  enum rc rc = pool_check(api->pool, err);
  if (rc == RC_OK || error_verdict(rc) == VERDICT_FATAL) return rc;
  LOG(LOG_WARN, "database.away", LOG_TEXT("reason", err->text));
  return RC_OK;
}

/* The schemas are compiled with the first use of one: here, where the stack is deep, and not in an HTTP thread. */
static void compile_schemas(void) {
  struct schema_faults faults;
  const char *first = schema_sources()->name;
  if (first) (void)!schema_validate(first, "{}", 2, &faults);
}

static enum rc open_parts(struct api *api, struct error *err) {
  const struct settings *settings = &api->settings;
  TRY(token_keys_new(settings->jwt_secret, settings->jwt_keys_file, &api->keys, err));
  TRY(db_check_url(settings->database_url, err));
  compile_schemas();
  api->passwords = passwords_new((size_t)settings->password_hashes_max);
  api->pool = pool_new(settings->database_url, api->instance, (size_t)settings->database_connections);
  TRY(check_database(api, err));
  api->redis = redis_server_new(settings->redis_address);
  api->outcomes = outcomes_new(api->redis, api->instance);
  TRY(producer_new(settings->kafka_brokers, api->instance, settings->delivery_timeout_ms, api->outcomes, &api->producer,
                   err));
  api->dependencies = dependencies_new(api);
  return RC_OK;
}

static void close_parts(struct api *api) {
  dependencies_free(api->dependencies);
  producer_free(api->producer);
  outcomes_free(api->outcomes);
  redis_server_free(api->redis);
  pool_free(api->pool);
  passwords_free(api->passwords);
  token_keys_free(api->keys);
}

static bool is_ready(void *context, char *ret_reason, size_t reason_size) {
  const struct api *api = context;
  if (!atomic_load(&api->is_draining)) return dependencies_are_ready(api->dependencies, ret_reason, reason_size);
  snprintf(ret_reason, reason_size, "shutting down");
  return false;
}

/* readyz fails first, so that nobody sends us more; then what is under way ends. */
static void drain(struct api *api, struct server *server) {
  LOG(LOG_INFO, "process.draining", LOG_INT("pid", getpid()));
  atomic_store(&api->is_draining, true);
  sleep_ms(DRAIN_NOTICE_MS);
  server_stop(server, api->settings.drain_ms);
}

static enum rc serve(struct api *api, const sigset_t *stop_signals, struct error *err) {
  struct health_server *health = NULL;
  struct server *server = NULL;
  TRY(open_parts(api, err));
  TRY(health_start(api->settings.internal_address, is_ready, api, &health, err));
  enum rc rc = server_start(api, &server, err);
  if (rc == RC_OK) {
    int signal_number = 0;
    LOG(LOG_INFO, "process.started", LOG_TEXT("address", api->settings.http_address), LOG_INT("pid", getpid()));
    sigwait(stop_signals, &signal_number);
    alarm((unsigned)(api->settings.drain_ms / 1000) + STOP_MARGIN_S);
    drain(api, server);
  }
  health_stop(health);
  return rc;
}

/* A server that stands still holds a request, and the request us. What is not answered has not been promised. */
static void on_alarm(int signal_number) {
  (void)signal_number;
  _exit(0);
}

/* Before any thread is made: all of them inherit the mask. */
static void block_signals(sigset_t *stop_signals) {
  sigemptyset(stop_signals);
  sigaddset(stop_signals, SIGTERM);
  sigaddset(stop_signals, SIGINT);
  ASSERT(pthread_sigmask(SIG_BLOCK, stop_signals, NULL) == 0);
  signal(SIGPIPE, SIG_IGN);
  signal(SIGALRM, on_alarm);
}

int main(int argc, char **argv) {
  static struct api api;
  static struct error err;
  sigset_t stop_signals;
  if (settings_help(table, SETTINGS, "cloudbill-api", "the HTTP front end: commands to Kafka, reads from PostgreSQL",
                    argc, argv))
    return EXIT_SUCCESS;
  if (settings_load(table, SETTINGS, &api.settings, &err) != RC_OK) {
    settings_complain("cloudbill-api", &err);
    return EXIT_SETTING;
  }
  mallopt(M_ARENA_MAX, MALLOC_ARENAS);
  json_object_seed(0);
  mg_init_library(0);
  name_instance(&api);
  api.version = CLOUDBILL_VERSION;
  api.started = mono_now();
  log_init("api", api.instance, level_of(api.settings.log_level));
  block_signals(&stop_signals);
  enum rc rc = serve(&api, &stop_signals, &err);
  if (rc != RC_OK) settings_complain("cloudbill-api", &err);
  close_parts(&api);
  mg_exit_library();
  LOG(LOG_INFO, "process.stopped", LOG_INT("code", rc));
  return rc == RC_OK ? EXIT_SUCCESS : rc == RC_INVALID_SETTING ? EXIT_SETTING : EXIT_BUG;
}
