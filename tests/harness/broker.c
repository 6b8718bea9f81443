/* Kafka without our own layer: what a stranger could send, and what really lies in a topic. */
#include <librdkafka/rdkafka.h>

#include "harness.h"

enum { PARTITIONS_MAX = 64, POLL_MS = 10000 };

static void note_place(rd_kafka_t *kafka, const rd_kafka_message_t *message, void *opaque) {
  struct record *record = message->_private;
  (void)kafka, (void)opaque;
  if (message->err) return;
  record->partition = message->partition;
  record->offset = message->offset;
}

static rd_kafka_t *client(rd_kafka_type_t type) {
  static const char *const settings[][2] = {{"enable.partition.eof", "true"},
                                            {"partitioner", "murmur2_random"},
                                            {"message.max.bytes", "10000000"},
                                            {"fetch.wait.max.ms", "10"},
                                            {"group.id", "tests"},
                                            {"enable.auto.commit", "false"},
                                            {"log_level", "3"}};
  char why[512] = "";
  rd_kafka_conf_t *conf = rd_kafka_conf_new();
  cr_assert_eq(rd_kafka_conf_set(conf, "bootstrap.servers", setting("KAFKA_BROKERS"), why, sizeof why),
               RD_KAFKA_CONF_OK);
  for (size_t i = 0; i < sizeof settings / sizeof *settings; i++)
    cr_assert_eq(rd_kafka_conf_set(conf, settings[i][0], settings[i][1], why, sizeof why), RD_KAFKA_CONF_OK, "%s", why);
  if (type == RD_KAFKA_PRODUCER) rd_kafka_conf_set_dr_msg_cb(conf, note_place);
  rd_kafka_t *kafka = rd_kafka_new(type, conf, why, sizeof why);
  cr_assert_not_null(kafka, "%s", why);
  return kafka;
}

struct record kafka_produce(const char *topic, const char *key, const void *value, size_t length,
                            const char *const *headers) {
  struct record record = {.topic = topic, .offset = -1};
  rd_kafka_t *kafka = client(RD_KAFKA_PRODUCER);
  rd_kafka_headers_t *list = rd_kafka_headers_new(16);
  for (; headers && headers[0]; headers += 2) rd_kafka_header_add(list, headers[0], -1, headers[1], -1);
  void *bytes = keep(length + 1);
  memcpy(bytes, value, length);
  rd_kafka_resp_err_t failed = rd_kafka_producev(
      kafka, RD_KAFKA_V_TOPIC(topic), RD_KAFKA_V_KEY(key, key ? strlen(key) : 0), RD_KAFKA_V_VALUE(bytes, length),
      RD_KAFKA_V_HEADERS(list), RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY), RD_KAFKA_V_OPAQUE(&record), RD_KAFKA_V_END);
  cr_assert_eq(failed, 0, "%s: %s", topic, rd_kafka_err2str(failed));
  cr_assert_eq(rd_kafka_flush(kafka, POLL_MS), 0, "%s: not acknowledged", topic);
  cr_assert_geq(record.offset, 0, "%s: not delivered", topic);
  rd_kafka_destroy(kafka);
  return record;
}

/* -- reading -- */

static int assign_all(rd_kafka_t *kafka, const char *topic) {
  const struct rd_kafka_metadata *metadata = NULL;
  rd_kafka_topic_t *handle = rd_kafka_topic_new(kafka, topic, NULL);
  rd_kafka_resp_err_t failed = rd_kafka_metadata(kafka, 0, handle, &metadata, POLL_MS);
  cr_assert_eq(failed, 0, "%s: %s", topic, rd_kafka_err2str(failed));
  int count = metadata->topics[0].partition_cnt;
  rd_kafka_metadata_destroy(metadata);
  rd_kafka_topic_destroy(handle);
  rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(count);
  for (int i = 0; i < count; i++) rd_kafka_topic_partition_list_add(list, topic, i)->offset = RD_KAFKA_OFFSET_BEGINNING;
  cr_assert_eq(rd_kafka_assign(kafka, list), 0);
  rd_kafka_topic_partition_list_destroy(list);
  return count;
}

static json_t *headers_of(const rd_kafka_message_t *message) {
  json_t *all = json_object();
  rd_kafka_headers_t *headers = NULL;
  if (rd_kafka_message_headers(message, &headers) == 0) {
    const char *name;
    const void *value;
    size_t length;
    for (size_t i = 0; rd_kafka_header_get_all(headers, i, &name, &value, &length) == 0; i++)
      json_object_set_new(all, name, json_stringn_nocheck(value ? value : "", length));
  }
  return keep_json(all);
}

static char *copy(const void *bytes, size_t length) {
  char *text = keep(length + 1);
  if (length > 0) memcpy(text, bytes, length);
  return text;
}

static void take(struct records *records, const rd_kafka_message_t *message, const char *header, const char *value) {
  json_t *headers = headers_of(message);
  const char *found = header ? json_string_value(json_object_get(headers, header)) : NULL;
  if (header && (!found || strcmp(found, value) != 0)) return;
  if ((records->count & (records->count - 1)) == 0) { /* 0, 1, 2, 4, …: full */
    struct record *more = keep(sizeof *more * (records->count ? records->count * 2 : 1));
    if (records->count) memcpy(more, records->at, sizeof *more * records->count);
    records->at = more;
  }
  records->at[records->count++] = (struct record){.topic = keep_text("%s", rd_kafka_topic_name(message->rkt)),
                                                  .partition = message->partition,
                                                  .offset = message->offset,
                                                  .key = copy(message->key, message->key_len),
                                                  .value = copy(message->payload, message->len),
                                                  .value_length = message->len,
                                                  .headers = headers};
}

struct records kafka_read(const char *topic, const char *header, const char *value) {
  struct records records = {0};
  rd_kafka_t *kafka = client(RD_KAFKA_CONSUMER);
  bool has_ended[PARTITIONS_MAX] = {false}; /* what others write meanwhile has an end, too */
  rd_kafka_poll_set_consumer(kafka);
  for (int left = assign_all(kafka, topic); left > 0;) {
    rd_kafka_message_t *message = rd_kafka_consumer_poll(kafka, POLL_MS);
    cr_assert_not_null(message, "%s: nothing for %d ms", topic, POLL_MS);
    if (message->err == RD_KAFKA_RESP_ERR__PARTITION_EOF) {
      cr_assert_lt(message->partition, PARTITIONS_MAX);
      left -= !has_ended[message->partition];
      has_ended[message->partition] = true;
    } else if (!message->err)
      take(&records, message, header, value);
    else
      cr_assert_fail("%s: %s", topic, rd_kafka_message_errstr(message));
    rd_kafka_message_destroy(message);
  }
  rd_kafka_consumer_close(kafka);
  rd_kafka_destroy(kafka);
  return records;
}

const char *record_header(const struct record *record, const char *name) {
  return json_string_value(json_object_get(record->headers, name));
}

bool is_consumed(const struct record *record) {
  const char *passed = keep_text("SELECT count(*) FROM consumer_offsets WHERE topic = '%s' AND partition = %d "
                                 "AND next_offset > %lld",
                                 record->topic, record->partition, (long long)record->offset);
  const char *groups =
      keep_text("SELECT count(DISTINCT consumer_group) FROM consumer_offsets WHERE topic = '%s'", record->topic);
  return sql_int(NULL, passed) == sql_int(NULL, groups);
}
