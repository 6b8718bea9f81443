/* The producer against a broker that fails on demand: each message is reported once, whatever happens. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "unit/bus/mock.h"

struct tally {
  struct mock mock;
  struct bus_producer *producer;
  int delivered, failed;
  enum rc last;
  bool is_polling, was_called_outside;
};

static void on_delivered(void *context, void *opaque, enum rc result, const char *reason) {
  struct tally *tally = context;
  cr_assert_eq(opaque, tally);
  cr_assert_not_null(reason);
  tally->last = result;
  if (!tally->is_polling) tally->was_called_outside = true;
  if (result == RC_OK) {
    tally->delivered++;
  } else {
    tally->failed++;
  }
}

/* At a mock that runs already. */
static void begin_producing(struct tally *tally, int message_timeout_ms) {
  struct error err;
  struct bus_producer_options options = {.brokers = tally->mock.brokers,
                                         .client_id = "test",
                                         .linger_ms = 0,
                                         .message_timeout_ms = message_timeout_ms,
                                         .delivered = on_delivered,
                                         .context = tally};
  cr_assert_eq(bus_producer_new(&options, &tally->producer, &err), RC_OK);
}

static void begin(struct tally *tally, int message_timeout_ms) {
  *tally = (struct tally){0};
  mock_start(&tally->mock);
  begin_producing(tally, message_timeout_ms);
}

static void end(struct tally *tally) {
  bus_producer_free(tally->producer, 1000);
  mock_stop(&tally->mock);
}

static enum rc produce(struct tally *tally, int number, struct error *err) {
  char key[32], value[32];
  struct outgoing message = numbered(number, key, value);
  return bus_produce(tally->producer, &message, tally, err);
}

static void poll_until(struct tally *tally, int reports, int timeout_ms) {
  struct mono start = mono_now();
  tally->is_polling = true;
  while (tally->delivered + tally->failed < reports && mono_ms_since(start) < timeout_ms)
    bus_producer_poll(tally->producer, 50);
  tally->is_polling = false;
}

Test(producer, reports_each_message_once) {
  struct tally tally;
  struct error err;
  begin(&tally, 10000);
  for (int i = 0; i < 1000; i++) cr_assert_eq(produce(&tally, i, &err), RC_OK);
  poll_until(&tally, 1000, 10000);
  cr_expect_eq(tally.delivered, 1000);
  cr_expect_eq(tally.failed, 0);
  cr_expect_not(bus_producer_is_broken(tally.producer));
  end(&tally);
  cr_expect_eq(tally.delivered + tally.failed, 1000);
}

Test(producer, says_nothing_of_messages_without_an_opaque) {
  struct tally tally;
  struct error err;
  char key[32], value[32];
  begin(&tally, 10000);
  struct outgoing message = numbered(1, key, value);
  cr_assert_eq(bus_produce(tally.producer, &message, NULL, &err), RC_OK);
  cr_assert_eq(produce(&tally, 2, &err), RC_OK);
  poll_until(&tally, 1, 10000);
  end(&tally);
  cr_expect_eq(tally.delivered, 1);
}

Test(producer, retries_what_a_broker_refuses_for_the_moment) {
  struct tally tally;
  struct error err;
  begin(&tally, 20000);
  mock_fail(&tally.mock, REQUEST_PRODUCE, 3, RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION);
  for (int i = 0; i < 10; i++) cr_assert_eq(produce(&tally, i, &err), RC_OK);
  poll_until(&tally, 10, 20000);
  cr_expect_eq(tally.delivered, 10);
  cr_expect_eq(tally.failed, 0);
  end(&tally);
}

Test(producer, reports_the_broker_away_when_the_time_is_over) {
  struct tally tally;
  struct error err;
  begin(&tally, 1000);
  rd_kafka_mock_broker_set_down(tally.mock.cluster, MOCK_BROKER);
  for (int i = 0; i < 10; i++) cr_assert_eq(produce(&tally, i, &err), RC_OK);
  poll_until(&tally, 10, 10000);
  cr_expect_eq(tally.failed, 10);
  cr_expect_eq(tally.last, RC_BROKER_UNAVAILABLE);
  end(&tally);
  cr_expect_eq(tally.delivered + tally.failed, 10);
}

Test(producer, goes_on_when_the_broker_is_back) {
  struct tally tally;
  struct error err;
  begin(&tally, 20000);
  rd_kafka_mock_broker_set_down(tally.mock.cluster, MOCK_BROKER);
  for (int i = 0; i < 10; i++) cr_assert_eq(produce(&tally, i, &err), RC_OK);
  poll_until(&tally, 1, 500);
  cr_expect_eq(tally.delivered + tally.failed, 0);
  rd_kafka_mock_broker_set_up(tally.mock.cluster, MOCK_BROKER);
  poll_until(&tally, 10, 20000);
  cr_expect_eq(tally.delivered, 10);
  end(&tally);
}

Test(producer, reports_what_is_left_when_it_is_freed) {
  struct tally tally;
  struct error err;
  begin(&tally, 30000);
  rd_kafka_mock_broker_set_down(tally.mock.cluster, MOCK_BROKER);
  for (int i = 0; i < 10; i++) cr_assert_eq(produce(&tally, i, &err), RC_OK);
  struct mono start = mono_now();
  bus_producer_free(tally.producer, 200);
  cr_expect_lt(mono_ms_since(start), 8000);
  cr_expect_eq(tally.failed, 10);
  cr_expect_eq(tally.last, RC_BROKER_UNAVAILABLE);
  mock_stop(&tally.mock);
}

/* The queue holds 20,000: whoever fills it waits, is served by reports that the next poll hands out, and goes on. */
Test(producer, waits_for_room_and_calls_nobody_meanwhile, .timeout = 60) {
  enum { COUNT = 50000 };
  struct tally tally;
  struct error err;
  begin(&tally, 30000);
  for (int i = 0; i < COUNT; i++) cr_assert_eq(produce(&tally, i, &err), RC_OK, "%d", i);
  cr_expect_not(tally.was_called_outside);
  poll_until(&tally, COUNT, 30000);
  cr_expect_eq(tally.delivered, COUNT);
  end(&tally);
}

Test(producer, gives_up_on_a_full_queue_after_a_second, .timeout = 60) {
  enum { COUNT = 20000 };
  struct tally tally;
  struct error err;
  begin(&tally, 30000);
  rd_kafka_mock_broker_set_down(tally.mock.cluster, MOCK_BROKER);
  for (int i = 0; i < COUNT; i++) cr_assert_eq(produce(&tally, i, &err), RC_OK, "%d", i);
  struct mono start = mono_now();
  cr_expect_eq(produce(&tally, COUNT, &err), RC_BROKER_UNAVAILABLE);
  cr_expect_geq(mono_ms_since(start), 1000);
  cr_expect_lt(mono_ms_since(start), 3000);
  rd_kafka_mock_broker_set_up(tally.mock.cluster, MOCK_BROKER);
  poll_until(&tally, COUNT, 30000);
  cr_expect_eq(tally.delivered, COUNT);
  end(&tally);
}

/* A producer asks for its id as soon as it is there: the refusal has to be there before. */
Test(producer, knows_when_it_is_broken) {
  struct tally tally = {0};
  struct error err;
  mock_start(&tally.mock);
  mock_fail(&tally.mock, REQUEST_INIT_PRODUCER, 60, RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED);
  begin_producing(&tally, 5000);
  struct mono start = mono_now();
  enum rc rc = RC_OK;
  while (rc == RC_OK && mono_ms_since(start) < 15000) {
    rc = produce(&tally, 1, &err);
    tally.is_polling = true;
    bus_producer_poll(tally.producer, 50);
    tally.is_polling = false;
  }
  cr_expect_eq(rc, RC_BUG);
  cr_expect(bus_producer_is_broken(tally.producer));
  end(&tally);
}

/* ---- limits ---- */

Test(producer, refuses_what_a_consumer_would_call_broken) {
  struct tally tally;
  struct error err;
  char key[32], value[32];
  static char long_key[MESSAGE_KEY_MAX + 2], long_header[MESSAGE_HEADER_MAX + 2];
  memset(long_key, 'k', MESSAGE_KEY_MAX + 1);
  memset(long_header, 'h', MESSAGE_HEADER_MAX + 1);
  char *long_value = calloc(1, MESSAGE_VALUE_MAX + 2);
  memset(long_value, 'v', MESSAGE_VALUE_MAX + 1);
  begin(&tally, 10000);

  struct outgoing message = numbered(1, key, value);
  message.key = long_key;
  cr_expect_eq(bus_produce(tally.producer, &message, NULL, &err), RC_PAYLOAD_TOO_LARGE);
  cr_expect_str_eq(err.field, "key");
  message.key = long_key + 1;
  cr_expect_eq(bus_produce(tally.producer, &message, &tally, &err), RC_OK);

  message = numbered(1, key, value);
  message.headers[HEADER_TRACEPARENT] = long_header;
  cr_expect_eq(bus_produce(tally.producer, &message, NULL, &err), RC_PAYLOAD_TOO_LARGE);
  cr_expect_str_eq(err.field, "traceparent");
  message.headers[HEADER_TRACEPARENT] = long_header + 1;
  cr_expect_eq(bus_produce(tally.producer, &message, &tally, &err), RC_OK);

  message = numbered(1, key, value);
  message.value = long_value;
  message.value_length = MESSAGE_VALUE_MAX + 1;
  cr_expect_eq(bus_produce(tally.producer, &message, NULL, &err), RC_PAYLOAD_TOO_LARGE);
  cr_expect_str_eq(err.field, "value");
  message.value_length = MESSAGE_VALUE_MAX;
  cr_expect_eq(bus_produce(tally.producer, &message, &tally, &err), RC_OK);

  poll_until(&tally, 3, 10000);
  cr_expect_eq(tally.delivered, 3);
  end(&tally);
  free(long_value);
}

Test(producer, a_dead_letter_may_be_larger) {
  struct tally tally;
  struct error err;
  char key[32], value[32];
  size_t length = MESSAGE_VALUE_MAX + 100000;
  char *long_value = calloc(1, length);
  begin(&tally, 10000);
  rd_kafka_mock_topic_create(tally.mock.cluster, "cloudbill.plan.commands" DLQ_SUFFIX, 1, 1);
  struct outgoing message = numbered(1, key, value);
  message.topic = "cloudbill.plan.commands" DLQ_SUFFIX;
  message.value = long_value;
  message.value_length = length;
  cr_expect_eq(bus_produce(tally.producer, &message, &tally, &err), RC_OK);
  poll_until(&tally, 1, 10000);
  cr_expect_eq(tally.delivered, 1);
  end(&tally);
  free(long_value);
}

Test(producer, needs_brokers_and_sane_settings) {
  struct error err;
  struct bus_producer *producer = NULL;
  struct bus_producer_options options = {.brokers = "", .client_id = "test", .message_timeout_ms = 1000};
  cr_expect_eq(bus_producer_new(&options, &producer, &err), RC_INVALID_SETTING);
  options.brokers = "127.0.0.1:1";
  options.linger_ms = -5;
  cr_expect_eq(bus_producer_new(&options, &producer, &err), RC_INVALID_SETTING);
  cr_expect_str_eq(err.field, "linger.ms");
  cr_expect_null(producer);
  bus_producer_free(NULL, 0);
}
