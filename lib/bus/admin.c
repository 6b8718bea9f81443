/* Topics are made from the one table, never by the first message that names them: a misspelt name must fail. */
#include "base/assert.h"
#include "base/buf.h"
#include "bus/bus.h"
#include "bus/client.h"

enum {
  BROKER_WAIT_MS = 60 * 1000, /* a broker that is being started */
  BROKER_QUESTION_MS = 2000,
  CREATE_WAIT_MS = 30 * 1000,
  NAME_MAX = 249, /* Kafka's own limit for a topic's name */
  REASON_MAX = 256,
  NEW_TOPICS_MAX = 2 * TOPIC_COUNT,
};

/* Workers that were away for a month still find everything that they have missed. A message of the greatest value that
 * we take, with all headers, fits its topic; a dead letter has room for what comes with it. */
#define RETENTION_MS_TEXT      "2592000000" /* 30 days */
#define TOPIC_MESSAGE_MAX_TEXT "1114112"
enum { TOPIC_MESSAGE_MAX = 1114112 };
_Static_assert(MESSAGE_VALUE_MAX + MESSAGE_KEY_MAX + HEADER_COUNT * MESSAGE_HEADER_MAX < TOPIC_MESSAGE_MAX,
               "a message of the largest parts fits its topic");
_Static_assert(TOPIC_MESSAGE_MAX + HEADER_COUNT * MESSAGE_HEADER_MAX < CLIENT_MESSAGE_MAX,
               "whatever a topic held fits its dead-letter topic");

struct admin {
  rd_kafka_t *client;
  const struct rd_kafka_metadata *metadata;
  rd_kafka_NewTopic_t *topics[NEW_TOPICS_MAX];
  size_t topic_count;
};

static void admin_release(struct admin *admin) {
  rd_kafka_NewTopic_destroy_array(admin->topics, admin->topic_count);
  if (admin->metadata != NULL) rd_kafka_metadata_destroy(admin->metadata);
  client_destroy(admin->client, 0);
}

static enum rc connect_admin(struct admin *admin, const char *brokers, struct error *err) {
  static const struct client_setting none[] = {{NULL, NULL}};
  rd_kafka_conf_t *conf;
  TRY(client_conf_new(brokers, "cloudbill-admin", none, &conf, err));
  return client_new(RD_KAFKA_PRODUCER, conf, &admin->client, err);
}

static enum rc wait_for_broker(struct admin *admin, struct error *err) {
  struct mono start = mono_now();
  rd_kafka_resp_err_t failed;
  do {
    failed = rd_kafka_metadata(admin->client, 1, NULL, &admin->metadata, BROKER_QUESTION_MS);
    if (failed == RD_KAFKA_RESP_ERR_NO_ERROR) return RC_OK;
    sleep_ms(100);
  } while (mono_ms_since(start) < BROKER_WAIT_MS);
  return error_set(err, RC_BROKER_UNAVAILABLE, "no answer from the broker within %d s: %s", BROKER_WAIT_MS / 1000,
                   rd_kafka_err2str(failed));
}

/* ---- what is missing ---- */

static bool exists(const struct admin *admin, const char *name) {
  for (int i = 0; i < admin->metadata->topic_cnt; i++)
    if (strcmp(admin->metadata->topics[i].topic, name) == 0) return true;
  return false;
}

static enum rc add_topic(struct admin *admin, const char *name, const char *message_max, int partitions,
                         int replication, struct error *err) {
  const struct client_setting settings[] = {
      {"cleanup.policy", "delete"},
      {"retention.ms", RETENTION_MS_TEXT},
      {"max.message.bytes", message_max},
      {"min.insync.replicas", replication > 2 ? "2" : "1"}, /* one of three may be away */
      {NULL, NULL},
  };
  if (exists(admin, name)) return RC_OK;
  char reason[REASON_MAX];
  rd_kafka_NewTopic_t *topic = rd_kafka_NewTopic_new(name, partitions, replication, reason, sizeof reason);
  if (topic == NULL) return error_set(err, RC_INVALID_SETTING, "topic %s: %s", name, reason);
  for (const struct client_setting *setting = settings; setting->name != NULL; setting++) {
    rd_kafka_resp_err_t failed = rd_kafka_NewTopic_set_config(topic, setting->name, setting->value);
    ASSERT(failed == RD_KAFKA_RESP_ERR_NO_ERROR);
  }
  admin->topics[admin->topic_count++] = topic;
  return RC_OK;
}

static enum rc list_missing(struct admin *admin, int partitions, int replication, struct error *err) {
  for (enum topic topic = 0; topic < TOPIC_COUNT; topic++) {
    char dead_letters[NAME_MAX + 1];
    (void)snprintf(dead_letters, sizeof dead_letters, "%s" DLQ_SUFFIX, topic_name(topic));
    TRY(add_topic(admin, topic_name(topic), TOPIC_MESSAGE_MAX_TEXT, partitions, replication, err));
    TRY(add_topic(admin, dead_letters, CLIENT_MESSAGE_MAX_TEXT, partitions, replication, err));
  }
  return RC_OK;
}

/* ---- making it ---- */

static enum rc count_created(const rd_kafka_CreateTopics_result_t *result, size_t *ret_created, struct error *err) {
  size_t count, created = 0;
  const rd_kafka_topic_result_t **rows = rd_kafka_CreateTopics_result_topics(result, &count);
  for (size_t i = 0; i < count; i++) {
    rd_kafka_resp_err_t code = rd_kafka_topic_result_error(rows[i]);
    if (code == RD_KAFKA_RESP_ERR_TOPIC_ALREADY_EXISTS) continue; /* somebody else was quicker */
    if (code != RD_KAFKA_RESP_ERR_NO_ERROR)
      return error_set(err, RC_BROKER_UNAVAILABLE, "topic %s: %s", rd_kafka_topic_result_name(rows[i]),
                       rd_kafka_topic_result_error_string(rows[i]));
    created++;
  }
  *ret_created = created;
  return RC_OK;
}

static enum rc result_of(rd_kafka_event_t *event, size_t *ret_created, struct error *err) {
  if (event == NULL) return error_set(err, RC_BROKER_UNAVAILABLE, "the broker did not create the topics in time");
  if (rd_kafka_event_error(event) != RD_KAFKA_RESP_ERR_NO_ERROR)
    return error_set(err, RC_BROKER_UNAVAILABLE, "topics: %s", rd_kafka_event_error_string(event));
  return count_created(rd_kafka_event_CreateTopics_result(event), ret_created, err);
}

static enum rc create_missing(struct admin *admin, size_t *ret_created, struct error *err) {
  if (admin->topic_count == 0) {
    *ret_created = 0;
    return RC_OK;
  }
  char reason[REASON_MAX];
  rd_kafka_AdminOptions_t *options = rd_kafka_AdminOptions_new(admin->client, RD_KAFKA_ADMIN_OP_CREATETOPICS);
  rd_kafka_resp_err_t failed =
      rd_kafka_AdminOptions_set_operation_timeout(options, CREATE_WAIT_MS, reason, sizeof reason);
  ASSERT(failed == RD_KAFKA_RESP_ERR_NO_ERROR);
  rd_kafka_queue_t *queue = rd_kafka_queue_new(admin->client);
  rd_kafka_CreateTopics(admin->client, admin->topics, admin->topic_count, options, queue);
  rd_kafka_event_t *event = rd_kafka_queue_poll(queue, CREATE_WAIT_MS + BROKER_QUESTION_MS);
  enum rc rc = result_of(event, ret_created, err);
  rd_kafka_event_destroy(event);
  rd_kafka_queue_destroy(queue);
  rd_kafka_AdminOptions_destroy(options);
  return rc;
}

enum rc bus_create_topics(const char *brokers, int partitions, int replication, size_t *ret_created,
                          struct error *err) {
  if (partitions < 1 || replication < 1)
    return error_set(err, RC_INVALID_SETTING, "%d partitions and %d replicas are no topic", partitions, replication);
  CLEANUP(admin_release) struct admin admin = {0};
  TRY(connect_admin(&admin, brokers, err));
  TRY(wait_for_broker(&admin, err));
  TRY(list_missing(&admin, partitions, replication, err));
  return create_missing(&admin, ret_created, err);
}
