/* One way to make a librdkafka client, so that no setting is ever refused unseen: a name that this version does not
 * know would otherwise leave the default in force, silently. The library's own log lines go to ours, at debug. */
#include "bus/client.h"

#include <jansson.h>
#include <pthread.h>

#include "base/assert.h"
#include "base/log.h"

enum { REASON_MAX = 256, DESTROY_WAIT_S = 3 };

/* Small messages must not wait for company (Nagle), a broker that hangs must be noticed within seconds, one that comes
 * back must be found within a second, and a topic that is created late within five. */
static const struct client_setting common[] = {
    {"allow.auto.create.topics", "false"},
    {"message.max.bytes", CLIENT_MESSAGE_MAX_TEXT},
    {"socket.nagle.disable", "true"},
    {"socket.keepalive.enable", "true"},
    {"socket.timeout.ms", "10000"},
    {"socket.connection.setup.timeout.ms", "5000"},
    {"reconnect.backoff.ms", "100"},
    {"reconnect.backoff.max.ms", "1000"},
    {"topic.metadata.refresh.interval.ms", "5000"},
    {NULL, NULL},
};

static void log_at_debug(const rd_kafka_t *client, int severity, const char *facility, const char *text) {
  (void)client;
  LOG(LOG_DEBUG, "kafka", LOG_INT("severity", severity), LOG_TEXT("facility", facility), LOG_TEXT("text", text));
}

static enum rc set(rd_kafka_conf_t *conf, const char *name, const char *value, struct error *err) {
  char reason[REASON_MAX];
  if (rd_kafka_conf_set(conf, name, value, reason, sizeof reason) == RD_KAFKA_CONF_OK) return RC_OK;
  return error_field(err, RC_INVALID_SETTING, name, "Kafka's client refuses the setting: %s", reason);
}

static enum rc set_all(rd_kafka_conf_t *conf, const struct client_setting *settings, struct error *err) {
  for (const struct client_setting *setting = settings; setting->name != NULL; setting++)
    TRY(set(conf, setting->name, setting->value, err));
  return RC_OK;
}

static enum rc fill(rd_kafka_conf_t *conf, const char *brokers, const char *client_id,
                    const struct client_setting *settings, struct error *err) {
  if (brokers == NULL || brokers[0] == '\0')
    return error_field(err, RC_INVALID_SETTING, "bootstrap.servers", "no brokers are given");
  TRY(set(conf, "bootstrap.servers", brokers, err));
  TRY(set(conf, "client.id", client_id, err));
  TRY(set_all(conf, common, err));
  return set_all(conf, settings, err);
}

enum rc client_conf_new(const char *brokers, const char *client_id, const struct client_setting *settings,
                        rd_kafka_conf_t **ret_conf, struct error *err) {
  rd_kafka_conf_t *conf = rd_kafka_conf_new();
  ASSERT(conf != NULL);
  rd_kafka_conf_set_log_cb(conf, log_at_debug);
  enum rc rc = fill(conf, brokers, client_id, settings, err);
  if (rc != RC_OK) {
    rd_kafka_conf_destroy(conf);
    return rc;
  }
  *ret_conf = conf;
  return RC_OK;
}

enum rc client_new(rd_kafka_type_t type, rd_kafka_conf_t *conf, rd_kafka_t **ret_client, struct error *err) {
  char reason[REASON_MAX];
  rd_kafka_t *client = rd_kafka_new(type, conf, reason, sizeof reason);
  if (client == NULL) {
    rd_kafka_conf_destroy(conf);
    return error_set(err, RC_INVALID_SETTING, "Kafka's client cannot start: %s", reason);
  }
  *ret_client = client;
  return RC_OK;
}

struct destruction {
  rd_kafka_t *client;
  int flags;
};

static void *destroy(void *argument) {
  struct destruction *destruction = argument;
  rd_kafka_destroy_flags(destruction->client, destruction->flags);
  free(destruction);
  return NULL;
}

void client_destroy(rd_kafka_t *client, int flags) {
  if (client == NULL) return;
  struct destruction *destruction = calloc(1, sizeof *destruction);
  ASSERT(destruction != NULL);
  *destruction = (struct destruction){client, flags};
  pthread_t thread;
  int failed = pthread_create(&thread, NULL, destroy, destruction);
  ASSERT(failed == 0);
  struct timespec until;
  clock_gettime(CLOCK_MONOTONIC, &until);
  until.tv_sec += DESTROY_WAIT_S;
  if (pthread_clockjoin_np(thread, NULL, CLOCK_MONOTONIC, &until) != 0) pthread_detach(thread);
}

enum rc client_rc(rd_kafka_resp_err_t code) {
  static const struct {
    rd_kafka_resp_err_t code;
    enum rc rc;
  } rows[] = {
      {RD_KAFKA_RESP_ERR_NO_ERROR, RC_OK},
      {RD_KAFKA_RESP_ERR__FATAL, RC_BUG},
      {RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET, RC_BUG},
      {RD_KAFKA_RESP_ERR_INVALID_SESSION_TIMEOUT, RC_BUG},
      {RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE, RC_PAYLOAD_TOO_LARGE},
      {RD_KAFKA_RESP_ERR_RECORD_LIST_TOO_LARGE, RC_PAYLOAD_TOO_LARGE},
  };
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
    if (rows[i].code == code) return rows[i].rc;
  return RC_BROKER_UNAVAILABLE;
}

bool client_is_ascii(const char *bytes, size_t length) {
  for (size_t i = 0; i < length; i++)
    if ((bytes[i] < ' ' && bytes[i] != '\n') || bytes[i] > 0x7E) return false;
  return true;
}

bool client_is_text(const char *bytes, size_t length) {
  if (client_is_ascii(bytes, length)) return true;
  for (size_t i = 0; i < length; i++) /* as JSON's escapes a control character would take six bytes */
    if ((unsigned char)bytes[i] < ' ' && bytes[i] != '\t' && bytes[i] != '\r' && bytes[i] != '\n') return false;
  json_t *text = json_stringn(bytes, length); /* NULL for what is not UTF-8 */
  bool is_text = text != NULL;
  json_decref(text);
  return is_text;
}
