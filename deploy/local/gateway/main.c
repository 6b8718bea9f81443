/* The sandbox gateway: speaks the part of Stripe's HTTP API that the payments worker uses, with cards that decline,
 * dawdle and vanish, so that nobody's money is needed to prove that nobody pays twice. */
#include <curl/curl.h>
#include <jansson.h>
#include <signal.h>

#include "base/log.h"
#include "base/settings.h"
#include "server.h"

#define AT(member) offsetof(struct settings, member)
static const struct setting SETTINGS[] = {
    {"GATEWAY_PORT", SETTING_INT, AT(port), "12111", 0, 65535, NULL,
     "port on 127.0.0.1; 0: any free one, told in the log"},
    {"GATEWAY_STATE_DIR", SETTING_TEXT, AT(state_dir), NULL, 1, 900, NULL,
     "directory of the journal; made when missing"},
    {"GATEWAY_SECRET_KEY", SETTING_SECRET, AT(secret_key), NULL, 8, 200, NULL, "API key that clients must send"},
    {"GATEWAY_WEBHOOK_URL", SETTING_TEXT, AT(webhook_url), "", 0, 2000, NULL, "where events are sent; none: nowhere"},
    {"GATEWAY_WEBHOOK_SECRET", SETTING_SECRET, AT(webhook_secret), "", 8, 200, NULL, "signs events; needed with a URL"},
    {"GATEWAY_WEBHOOK_QUEUE_MAX", SETTING_INT, AT(webhook_queue_max), "10000", 1, 10000000, NULL,
     "events that wait; more are dropped and counted"},
    {"GATEWAY_HOLD_MS", SETTING_INT, AT(hold_ms), "3000", 0, 600000, NULL,
     "how long an answer that will be lost is held"},
    {"GATEWAY_SLOW_MS", SETTING_INT, AT(slow_ms), "2000", 0, 600000, NULL, "how long a slow card takes"},
    {"GATEWAY_CONNECTIONS_MAX", SETTING_INT, AT(connections_max), "256", 1, 4096, NULL,
     "open connections, a thread each; more get 429"},
    {"GATEWAY_KEPT_MAX", SETTING_INT, AT(kept_max), "2000000", 1000, 100000000, NULL,
     "charges, customers and so on that are kept, of each kind; then 503"},
    {"GATEWAY_REQUESTS_KEPT", SETTING_INT, AT(requests_kept), "20000", 100, 1000000, NULL,
     "requests that GET /sandbox/requests remembers"},
    {"GATEWAY_FSYNC", SETTING_BOOL, AT(fsync), "true", 0, 0, NULL,
     "the journal is on the disk before an answer leaves"},
    {"LOG_LEVEL", SETTING_CHOICE, AT(log_level), "info", 0, 0, "debug info warn error", "least level that is logged"},
};
enum { SETTING_COUNT = sizeof SETTINGS / sizeof SETTINGS[0] };

static enum log_level log_level_of(const char *name) {
  static const char *const NAMES[] = {"debug", "info", "warn", "error"};
  int level = 0;
  while (strcmp(NAMES[level], name) != 0) level++;
  return (enum log_level)level;
}

static enum rc load(struct settings *settings, struct error *err) {
  TRY(settings_load(SETTINGS, SETTING_COUNT, settings, err));
  if (settings->webhook_url[0] != '\0' && settings->webhook_secret[0] == '\0') {
    return error_set(err, RC_INVALID_SETTING, "GATEWAY_WEBHOOK_SECRET must be given with GATEWAY_WEBHOOK_URL");
  }
  return RC_OK;
}

static enum rc run(struct gateway *gateway, const sigset_t *signals, struct error *err) {
  struct server *server;
  int signal_number = 0;
  uint32_t charges = store_count(&gateway->store, KIND_CHARGE);
  TRY(webhooks_start(&gateway->webhooks, err));
  TRY(server_start(gateway, &server, err));
  LOG(LOG_INFO, "gateway.ready", LOG_INT("port", server_port(server)),
      LOG_TEXT("stateDir", gateway->settings->state_dir), LOG_INT("charges", charges));
  sigwait(signals, &signal_number);
  LOG(LOG_INFO, "gateway.stopping", LOG_INT("signal", signal_number));
  server_stop(server);
  return RC_OK;
}

int main(int argc, char **argv) {
  struct settings settings;
  static struct gateway gateway;
  struct error err;
  sigset_t signals;
  if (settings_help(SETTINGS, SETTING_COUNT, "sandbox-gateway", "a payment gateway for tests, after Stripe's API", argc,
                    argv)) {
    return 0;
  }
  if (load(&settings, &err) != RC_OK) {
    fprintf(stderr, "sandbox-gateway: %s\n", err.text);
    return 2;
  }
  log_init("sandbox-gateway", "", log_level_of(settings.log_level));
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  pthread_sigmask(SIG_BLOCK, &signals, NULL);
  signal(SIGPIPE, SIG_IGN);
  json_object_seed(0);
  curl_global_init(CURL_GLOBAL_DEFAULT);

  enum rc rc = gateway_open(&gateway, &settings, &err);
  if (rc == RC_OK) rc = run(&gateway, &signals, &err);
  if (rc != RC_OK) fprintf(stderr, "sandbox-gateway: %s\n", err.text);
  gateway_close(&gateway);
  curl_global_cleanup();
  return rc == RC_OK ? 0 : 1;
}
