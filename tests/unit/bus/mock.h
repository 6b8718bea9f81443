/* A broker in memory (rdkafka_mock.h) with our topics, for what a real one does not do on demand: errors. It runs
 * inside of the test's process, serves over TCP, and forgets: its lag, its retention and its rebalances are not
 * Kafka's. */
#ifndef TESTS_UNIT_BUS_MOCK_H
#define TESTS_UNIT_BUS_MOCK_H

#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>

#include "bus/bus.h"

enum { MOCK_PARTITIONS = 4, MOCK_BROKER = 1 };

/* Kafka's numbers of requests that errors are injected into. */
enum {
  REQUEST_PRODUCE = 0,
  REQUEST_FETCH = 1,
  REQUEST_LIST_OFFSETS = 2,
  REQUEST_JOIN_GROUP = 11,
  REQUEST_INIT_PRODUCER = 22
};

struct mock {
  rd_kafka_t *host; /* also sends what bus_produce would not */
  rd_kafka_mock_cluster_t *cluster;
  const char *brokers;
};

/* With cloudbill.plan.commands and cloudbill.customer.commands. */
void mock_start(struct mock *mock);
void mock_stop(struct mock *mock);

/* The next `times` requests of a kind are answered with an error. */
void mock_fail(struct mock *mock, int16_t request, size_t times, rd_kafka_resp_err_t error);

/* Sends anything; the last header has a NULL name. */
struct raw_header {
  const char *name;
  const void *bytes;
  size_t length;
};
void mock_send(struct mock *mock, int32_t partition, const void *key, size_t key_length, const void *value,
               size_t length, const struct raw_header *headers);

/* A message of ours to cloudbill.plan.commands, keyed "key-<number>", with that number as its value. */
struct outgoing numbered(int number, char key[static 32], char value[static 32]);

#endif
