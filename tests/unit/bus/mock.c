#include "unit/bus/mock.h"

#include <criterion/criterion.h>

void mock_start(struct mock *mock) {
  char reason[256];
  rd_kafka_conf_t *conf = rd_kafka_conf_new();
  static const char *const settings[][2] = {
      {"test.mock.num.brokers", "1"}, {"linger.ms", "1"}, {"log_level", "0"}, {"message.max.bytes", "4000000"}};
  for (size_t i = 0; i < sizeof settings / sizeof settings[0]; i++)
    cr_assert_eq(rd_kafka_conf_set(conf, settings[i][0], settings[i][1], reason, sizeof reason), RD_KAFKA_CONF_OK);
  mock->host = rd_kafka_new(RD_KAFKA_PRODUCER, conf, reason, sizeof reason);
  cr_assert_not_null(mock->host, "%s", reason);
  mock->cluster = rd_kafka_handle_mock_cluster(mock->host);
  mock->brokers = rd_kafka_mock_cluster_bootstraps(mock->cluster);
  rd_kafka_mock_topic_create(mock->cluster, topic_name(TOPIC_PLAN_COMMANDS), MOCK_PARTITIONS, 1);
  rd_kafka_mock_topic_create(mock->cluster, topic_name(TOPIC_CUSTOMER_COMMANDS), MOCK_PARTITIONS, 1);
}

void mock_stop(struct mock *mock) {
  rd_kafka_destroy(mock->host);
}

void mock_fail(struct mock *mock, int16_t request, size_t times, rd_kafka_resp_err_t error) {
  rd_kafka_resp_err_t errors[64];
  cr_assert_leq(times, sizeof errors / sizeof errors[0]);
  for (size_t i = 0; i < times; i++) errors[i] = error;
  rd_kafka_mock_push_request_errors_array(mock->cluster, request, times, errors);
}

void mock_send(struct mock *mock, int32_t partition, const void *key, size_t key_length, const void *value,
               size_t length, const struct raw_header *headers) {
  rd_kafka_headers_t *list = rd_kafka_headers_new(8);
  for (const struct raw_header *header = headers; header->name != NULL; header++)
    rd_kafka_header_add(list, header->name, -1, header->bytes, (ssize_t)header->length);
  rd_kafka_resp_err_t failed =
      rd_kafka_producev(mock->host, RD_KAFKA_V_TOPIC(topic_name(TOPIC_PLAN_COMMANDS)), RD_KAFKA_V_PARTITION(partition),
                        RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY), RD_KAFKA_V_KEY((void *)(uintptr_t)key, key_length),
                        RD_KAFKA_V_VALUE((void *)(uintptr_t)value, length), RD_KAFKA_V_HEADERS(list), RD_KAFKA_V_END);
  cr_assert_eq(failed, RD_KAFKA_RESP_ERR_NO_ERROR, "%s", rd_kafka_err2str(failed));
  cr_assert_eq(rd_kafka_flush(mock->host, 10000), RD_KAFKA_RESP_ERR_NO_ERROR);
}

struct outgoing numbered(int number, char key[static 32], char value[static 32]) {
  (void)snprintf(key, 32, "key-%d", number);
  (void)snprintf(value, 32, "{\"n\":%d}", number);
  struct outgoing message = {
      .topic = topic_name(TOPIC_PLAN_COMMANDS), .key = key, .value = value, .value_length = strlen(value)};
  message.headers[HEADER_SPECVERSION] = "1.0";
  message.headers[HEADER_ID] = "0190a1b2-c3d4-7e5f-8a9b-0c1d2e3f4a5b";
  message.headers[HEADER_TYPE] = "plan.create";
  message.headers[HEADER_SOURCE] = "/cloudbill/api";
  message.headers[HEADER_SUBJECT] = "0190a1b2-0000-7000-8000-000000000002";
  message.headers[HEADER_TIME] = "2026-11-21T07:46:59.123Z";
  message.headers[HEADER_TENANT] = "0190a1b2-0000-7000-8000-000000000001";
  return message;
}
