/* The consumer against a broker that fails on demand. What it must never do is lose a message, or skip one. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "unit/bus/mock.h"

enum { PATIENCE_MS = 20000, COUNT = 100, ARENA_MAX = 32 * 1024 * 1024 };

/* The owner's stored offsets, as PostgreSQL would have them, and what it has seen. */
struct owner {
  struct mock mock;
  struct arena arena;
  struct bus_consumer *consumer;
  int64_t stored[MOCK_PARTITIONS]; /* of the plan topic */
  int seen[COUNT];                 /* by number */
  int seen_count;
  int asked, fail_first;
  enum rc fail_with;
  char cluster_id[64];
};

static enum rc start_at(void *context, const char *cluster_id, struct bus_position *positions, size_t count,
                        struct error *err) {
  struct owner *owner = context;
  (void)snprintf(owner->cluster_id, sizeof owner->cluster_id, "%s", cluster_id);
  if (owner->asked++ < owner->fail_first) return error_set(err, owner->fail_with, "the database is away");
  for (size_t i = 0; i < count; i++) {
    cr_assert_eq(positions[i].offset, -1);
    if (positions[i].topic == topic_name(TOPIC_PLAN_COMMANDS))
      positions[i].offset = owner->stored[positions[i].partition];
  }
  return RC_OK;
}

static struct bus_consumer *join(struct owner *owner) {
  static const enum topic topics[] = {TOPIC_PLAN_COMMANDS, TOPIC_CUSTOMER_COMMANDS};
  struct bus_consumer_options options = {.brokers = owner->mock.brokers,
                                         .client_id = "test",
                                         .group = "test",
                                         .session_timeout_ms = 6000,
                                         .topics = topics,
                                         .topic_count = 2,
                                         .start_at = start_at,
                                         .context = owner};
  struct bus_consumer *consumer;
  struct error err;
  cr_assert_eq(bus_consumer_new(&options, &consumer, &err), RC_OK);
  return consumer;
}

static void begin(struct owner *owner) {
  *owner = (struct owner){.fail_with = RC_DB_UNAVAILABLE};
  for (int i = 0; i < MOCK_PARTITIONS; i++) owner->stored[i] = -1;
  mock_start(&owner->mock);
  arena_init(&owner->arena, ARENA_MAX);
}

static void end(struct owner *owner) {
  bus_consumer_free(owner->consumer);
  arena_release(&owner->arena);
  mock_stop(&owner->mock);
}

static void send_numbers(struct owner *owner, int from, int to) {
  struct bus_producer *producer;
  struct error err;
  struct bus_producer_options options = {
      .brokers = owner->mock.brokers, .client_id = "test", .message_timeout_ms = 10000};
  cr_assert_eq(bus_producer_new(&options, &producer, &err), RC_OK);
  for (int i = from; i < to; i++) {
    char key[32], value[32];
    struct outgoing message = numbered(i, key, value);
    cr_assert_eq(bus_produce(producer, &message, NULL, &err), RC_OK);
  }
  bus_producer_free(producer, 10000);
}

static int number_of(const struct message *message) {
  return (int)strtol(message->value + strlen("{\"n\":"), NULL, 10);
}

/* What a worker's transaction does. */
static void take(struct owner *owner, const struct message *message) {
  int64_t *stored = &owner->stored[message->partition];
  if (*stored >= 0 && message->offset < *stored) return; /* done before */
  *stored = message->offset + 1;
  owner->seen[number_of(message)]++;
  owner->seen_count++;
}

static enum rc poll_once(struct owner *owner, struct bus_consumer *consumer, size_t max, struct error *err) {
  struct message *messages;
  size_t count;
  TRY(bus_poll(consumer, &owner->arena, max, 100, &messages, &count, err));
  cr_assert_leq(count, max);
  for (size_t i = 0; i < count; i++) take(owner, &messages[i]);
  arena_reset(&owner->arena);
  return RC_OK;
}

static void poll_until_seen(struct owner *owner, int count) {
  struct mono start = mono_now();
  struct error err;
  while (owner->seen_count < count && mono_ms_since(start) < PATIENCE_MS) {
    enum rc rc = poll_once(owner, owner->consumer, 1000, &err);
    cr_assert_neq(rc, RC_BUG, "%s", err.text);
  }
}

static void expect_each_once(const struct owner *owner, int count) {
  cr_expect_eq(owner->seen_count, count);
  for (int i = 0; i < count; i++) cr_expect_eq(owner->seen[i], 1, "message %d was seen %d times", i, owner->seen[i]);
}

/* The first error that is not one of retrying, or RC_OK when the patience is over. */
static enum rc poll_until_failure(struct owner *owner, struct error *err) {
  struct mono start = mono_now();
  while (mono_ms_since(start) < PATIENCE_MS) {
    enum rc rc = poll_once(owner, owner->consumer, 1000, err);
    if (rc != RC_OK && error_verdict(rc) != VERDICT_RETRY) return rc;
  }
  return RC_OK;
}

/* One message, copied; the arena is the caller's to reset. */
static struct message *poll_one(struct owner *owner) {
  struct mono start = mono_now();
  while (mono_ms_since(start) < PATIENCE_MS) {
    struct message *messages;
    size_t count;
    struct error err;
    if (bus_poll(owner->consumer, &owner->arena, 1, 100, &messages, &count, &err) == RC_OK && count == 1)
      return messages;
  }
  cr_assert_fail("no message came");
  return NULL;
}

/* ---- the plain way ---- */

Test(consumer, gets_what_was_produced, .timeout = 60) {
  struct owner owner;
  struct error err;
  char key[32], value[32];
  begin(&owner);
  send_numbers(&owner, 0, 1);
  owner.consumer = join(&owner);
  cr_expect_not(bus_consumer_is_assigned(owner.consumer));
  cr_expect_str_empty(bus_consumer_cluster_id(owner.consumer));
  struct message *message = poll_one(&owner);
  struct outgoing sent = numbered(0, key, value);
  cr_expect_eq(message->topic, topic_name(TOPIC_PLAN_COMMANDS));
  cr_expect_str_eq(message->key, sent.key);
  cr_expect_str_eq(message->value, sent.value);
  cr_expect_eq(message->value_length, sent.value_length);
  cr_expect_eq(message->offset, 0);
  cr_expect_null(message->flaw);
  for (enum header header = 0; header < HEADER_COUNT; header++) {
    cr_expect_eq(message->headers[header] == NULL, sent.headers[header] == NULL, "%s", header_name(header));
    if (sent.headers[header] != NULL) cr_expect_str_eq(message->headers[header], sent.headers[header]);
  }
  cr_assert_eq(message_decode(message, &err), RC_OK);
  json_decref(message->json);
  cr_expect(bus_consumer_is_assigned(owner.consumer));
  cr_expect_str_not_empty(owner.cluster_id);
  cr_expect_str_eq(bus_consumer_cluster_id(owner.consumer), owner.cluster_id);
  end(&owner);
}

/* Java's Utils.murmur2, with the values of Kafka's own UtilsTest. */
Test(consumer, finds_keys_where_java_would_put_them, .timeout = 60) {
  static const struct {
    const char *key;
    int32_t murmur2;
  } rows[] = {
      {"21", -973932308},
      {"foobar", -790332482},
      {"a-little-bit-long-string", -985981536},
      {"a-little-bit-longer-string", -1486304829},
      {"lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58897971},
  };
  enum { ROWS = sizeof rows / sizeof rows[0] };
  struct owner owner;
  struct error err;
  struct bus_producer *producer;
  begin(&owner);
  struct bus_producer_options options = {
      .brokers = owner.mock.brokers, .client_id = "test", .message_timeout_ms = 10000};
  cr_assert_eq(bus_producer_new(&options, &producer, &err), RC_OK);
  for (int i = 0; i < ROWS; i++) {
    char key[32], value[32];
    struct outgoing message = numbered(i, key, value);
    message.key = rows[i].key;
    cr_assert_eq(bus_produce(producer, &message, NULL, &err), RC_OK);
  }
  bus_producer_free(producer, 10000);
  owner.consumer = join(&owner);
  for (int i = 0; i < ROWS; i++) {
    struct message *message = poll_one(&owner);
    int32_t expected = (rows[number_of(message)].murmur2 & INT32_MAX) % MOCK_PARTITIONS;
    cr_expect_eq(message->partition, expected, "%s", message->key);
  }
  end(&owner);
}

Test(consumer, begins_where_the_owner_says, .timeout = 60) {
  struct owner owner;
  begin(&owner);
  send_numbers(&owner, 0, COUNT);
  for (int i = 0; i < MOCK_PARTITIONS; i++) owner.stored[i] = 3;
  owner.consumer = join(&owner);
  poll_until_seen(&owner, COUNT - 3 * MOCK_PARTITIONS);
  cr_expect_eq(owner.seen_count, COUNT - 3 * MOCK_PARTITIONS);
  end(&owner);
}

Test(consumer, a_batch_has_a_most, .timeout = 60) {
  struct owner owner;
  struct error err;
  begin(&owner);
  send_numbers(&owner, 0, COUNT);
  owner.consumer = join(&owner);
  while (owner.seen_count < COUNT) cr_assert_eq(poll_once(&owner, owner.consumer, 7, &err), RC_OK);
  expect_each_once(&owner, COUNT);
  end(&owner);
}

Test(consumer, a_batch_has_a_most_of_bytes, .timeout = 60) {
  enum { BIG = 1000 * 1000, MANY = 10 };
  static const struct raw_header none[] = {{NULL, NULL, 0}};
  struct owner owner;
  char *value = calloc(1, BIG);
  begin(&owner);
  for (int i = 0; i < MANY; i++) mock_send(&owner.mock, i % MOCK_PARTITIONS, "k", 1, value, BIG, none);
  owner.consumer = join(&owner);
  size_t got = 0;
  struct mono start = mono_now();
  while (got < MANY && mono_ms_since(start) < PATIENCE_MS) {
    struct message *messages;
    size_t count;
    struct error err;
    cr_assert_eq(bus_poll(owner.consumer, &owner.arena, 100, 100, &messages, &count, &err), RC_OK);
    cr_expect_leq(count * BIG, BUS_BATCH_BYTES_MAX + BIG);
    arena_reset(&owner.arena);
    got += count;
  }
  cr_expect_eq(got, MANY);
  end(&owner);
  free(value);
}

/* ---- what strangers send ---- */

static bool is_flawed(const struct message *message, const char *part) {
  return message->flaw != NULL && strstr(message->flaw, part) != NULL;
}

Test(consumer, survives_what_strangers_send, .timeout = 60) {
  static char long_text[2 * MESSAGE_HEADER_MAX];
  memset(long_text, 'x', sizeof long_text);
  const struct {
    const char *what, *flaw; /* NULL: none */
    struct raw_header headers[4];
    const void *key;
    size_t key_length;
  } rows[] = {
      {"unknown headers", NULL, {{"x-other", "1", 1}, {"ce_id", "a", 1}, {"CE_ID", "b", 1}}, "k", 1},
      {"no headers, no key", NULL, {{NULL, NULL, 0}}, NULL, 0},
      {"a header without value", NULL, {{"ce_id", NULL, 0}}, "k", 1},
      {"an empty header", NULL, {{"ce_id", "", 0}}, "k", 1},
      {"UTF-8", NULL, {{"ce_subject", "Zo\xc3\xab", 4}}, "\xe2\x82\xac", 3},
      {"the longest header", NULL, {{"ce_actor", long_text, MESSAGE_HEADER_MAX}}, long_text, MESSAGE_KEY_MAX},
      {"a long header", "ce_actor is too long", {{"ce_actor", long_text, MESSAGE_HEADER_MAX + 1}}, "k", 1},
      {"a long key", "key is too long", {{NULL, NULL, 0}}, long_text, MESSAGE_KEY_MAX + 1},
      {"a header that is not UTF-8", "ce_type is not UTF-8", {{"ce_type", "a\xff\xfe", 3}}, "k", 1},
      {"a header with NUL", "ce_type is not UTF-8", {{"ce_type", "plan.create\0x", 13}}, "k", 1},
      {"a key that is not UTF-8", "key is not UTF-8", {{NULL, NULL, 0}}, "\xc3", 1},
      {"a header twice", "ce_tenantid is given twice", {{"ce_tenantid", "a", 1}, {"ce_tenantid", "b", 1}}, "k", 1},
  };
  enum { ROWS = sizeof rows / sizeof rows[0] };
  struct owner owner;
  begin(&owner);
  for (int i = 0; i < ROWS; i++) mock_send(&owner.mock, 0, rows[i].key, rows[i].key_length, "{}", 2, rows[i].headers);
  owner.consumer = join(&owner);
  for (int i = 0; i < ROWS; i++) {
    struct message *message = poll_one(&owner);
    struct error err;
    cr_assert_eq(message->offset, i);
    if (rows[i].flaw == NULL) {
      cr_expect_null(message->flaw, "%s: %s", rows[i].what, message->flaw);
    } else {
      cr_expect(is_flawed(message, rows[i].flaw), "%s: %s", rows[i].what, message->flaw);
    }
    cr_expect_eq(message_decode(message, &err), RC_BAD_MESSAGE, "%s", rows[i].what);
    cr_expect_leq(strlen(message->key), MESSAGE_KEY_MAX, "%s", rows[i].what);
    for (enum header header = 0; header < HEADER_COUNT; header++)
      if (message->headers[header] != NULL) cr_expect_leq(strlen(message->headers[header]), MESSAGE_HEADER_MAX);
  }
  end(&owner);
}

Test(consumer, keeps_values_as_they_are, .timeout = 60) {
  static const struct raw_header none[] = {{NULL, NULL, 0}};
  struct owner owner;
  size_t big = MESSAGE_VALUE_MAX + 1000;
  char *large = malloc(big);
  memset(large, 'x', big);
  const struct {
    const void *bytes;
    size_t length;
  } rows[] = {{NULL, 0}, {"", 0}, {"a\0b\xff", 4}, {"\0", 1}, {large, big}};
  enum { ROWS = sizeof rows / sizeof rows[0] };
  begin(&owner);
  for (int i = 0; i < ROWS; i++) mock_send(&owner.mock, 0, "k", 1, rows[i].bytes, rows[i].length, none);
  owner.consumer = join(&owner);
  for (int i = 0; i < ROWS; i++) {
    struct message *message = poll_one(&owner);
    cr_assert_eq(message->value_length, rows[i].length);
    cr_expect_eq(message->value[rows[i].length], '\0');
    if (rows[i].length > 0) cr_expect_eq(memcmp(message->value, rows[i].bytes, rows[i].length), 0);
  }
  end(&owner);
  free(large);
}

/* ---- where to begin ---- */

Test(consumer, waits_while_the_owner_cannot_say_where_to_begin, .timeout = 60) {
  struct owner owner;
  struct error err;
  begin(&owner);
  owner.fail_first = 2;
  send_numbers(&owner, 0, COUNT);
  owner.consumer = join(&owner);
  while (owner.asked < 2) {
    enum rc rc = poll_once(&owner, owner.consumer, 10, &err);
    cr_expect(rc == RC_OK || rc == RC_DB_UNAVAILABLE, "%s", err.text);
    cr_expect_not(bus_consumer_is_assigned(owner.consumer));
    cr_expect_eq(bus_consumer_lag(owner.consumer), 0);
  }
  cr_expect_eq(owner.seen_count, 0);
  poll_until_seen(&owner, COUNT);
  expect_each_once(&owner, COUNT);
  cr_expect_eq(owner.asked, 3);
  end(&owner);
}

Test(consumer, stops_when_the_owner_has_a_bug, .timeout = 60) {
  struct owner owner;
  struct error err;
  begin(&owner);
  owner.fail_first = 1;
  owner.fail_with = RC_INVARIANT;
  owner.consumer = join(&owner);
  cr_expect_eq(poll_until_failure(&owner, &err), RC_BUG);
  cr_expect_not_null(strstr(err.text, "the database is away"));
  end(&owner);
}

Test(consumer, waits_while_the_broker_cannot_say_what_it_has, .timeout = 60) {
  struct owner owner;
  begin(&owner);
  send_numbers(&owner, 0, COUNT);
  mock_fail(&owner.mock, REQUEST_LIST_OFFSETS, 6, RD_KAFKA_RESP_ERR_UNKNOWN);
  owner.consumer = join(&owner);
  poll_until_seen(&owner, COUNT);
  expect_each_once(&owner, COUNT);
  cr_expect_gt(owner.asked, 1);
  end(&owner);
}

Test(consumer, refuses_an_offset_that_the_broker_does_not_have_yet, .timeout = 60) {
  struct owner owner;
  struct error err;
  begin(&owner);
  send_numbers(&owner, 0, COUNT);
  owner.stored[2] = 1000;
  owner.consumer = join(&owner);
  cr_assert_eq(poll_until_failure(&owner, &err), RC_BUG);
  cr_expect_not_null(strstr(err.text, "topic cloudbill.plan.commands partition 2: stored offset 1000"), "%s", err.text);
  cr_expect_not_null(strstr(err.text, "refuse to skip"), "%s", err.text);
  cr_expect_eq(owner.seen_count, 0);
  cr_expect_eq(poll_once(&owner, owner.consumer, 10, &err), RC_BUG, "it stays so");
  end(&owner);
}

/* The mock keeps 5 MiB of each partition. */
Test(consumer, refuses_an_offset_that_the_broker_has_no_more, .timeout = 60) {
  enum { BIG = 1000 * 1000, MANY = 8 };
  static const struct raw_header none[] = {{NULL, NULL, 0}};
  struct owner owner;
  struct error err;
  char *value = calloc(1, BIG);
  begin(&owner);
  for (int i = 0; i < MANY; i++) mock_send(&owner.mock, 1, "k", 1, value, BIG, none);
  owner.stored[1] = 0;
  owner.consumer = join(&owner);
  cr_assert_eq(poll_until_failure(&owner, &err), RC_BUG);
  cr_expect_not_null(strstr(err.text, "partition 1: stored offset 0, but the broker has"), "%s", err.text);
  end(&owner);
  free(value);
}

Test(consumer, refuses_a_session_that_the_broker_does_not_take, .timeout = 60) {
  struct owner owner;
  struct error err;
  begin(&owner);
  mock_fail(&owner.mock, REQUEST_JOIN_GROUP, 10, RD_KAFKA_RESP_ERR_INVALID_SESSION_TIMEOUT);
  owner.consumer = join(&owner);
  cr_assert_eq(poll_until_failure(&owner, &err), RC_BUG);
  cr_expect_not_null(strstr(err.text, "session timeout"), "%s", err.text);
  end(&owner);
}

/* ---- bad days ---- */

Test(consumer, fetches_again_after_errors, .timeout = 60) {
  struct owner owner;
  begin(&owner);
  send_numbers(&owner, 0, COUNT / 2);
  owner.consumer = join(&owner);
  poll_until_seen(&owner, COUNT / 2);
  mock_fail(&owner.mock, REQUEST_FETCH, 5, RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION);
  send_numbers(&owner, COUNT / 2, COUNT);
  poll_until_seen(&owner, COUNT);
  expect_each_once(&owner, COUNT);
  end(&owner);
}

Test(consumer, outlives_its_broker, .timeout = 120) {
  struct owner owner;
  struct error err;
  begin(&owner);
  send_numbers(&owner, 0, COUNT / 2);
  owner.consumer = join(&owner);
  poll_until_seen(&owner, COUNT / 2);
  rd_kafka_mock_broker_set_down(owner.mock.cluster, MOCK_BROKER);
  struct mono start = mono_now();
  while (mono_ms_since(start) < 2000) {
    enum rc rc = poll_once(&owner, owner.consumer, 10, &err);
    cr_expect(rc == RC_OK || rc == RC_BROKER_UNAVAILABLE, "%s", err.text);
  }
  rd_kafka_mock_broker_set_up(owner.mock.cluster, MOCK_BROKER);
  send_numbers(&owner, COUNT / 2, COUNT);
  poll_until_seen(&owner, COUNT);
  expect_each_once(&owner, COUNT);
  end(&owner);
}

Test(consumer, starts_before_its_broker_and_stops_without_it, .timeout = 60) {
  struct owner owner;
  struct error err;
  begin(&owner);
  rd_kafka_mock_broker_set_down(owner.mock.cluster, MOCK_BROKER);
  owner.consumer = join(&owner);
  int complaints = 0;
  struct mono start = mono_now();
  while (mono_ms_since(start) < 2000) {
    enum rc rc = poll_once(&owner, owner.consumer, 10, &err);
    cr_expect(rc == RC_OK || rc == RC_BROKER_UNAVAILABLE, "%s", err.text);
    complaints += rc != RC_OK;
  }
  cr_expect_gt(complaints, 0);
  start = mono_now();
  end(&owner);
  cr_expect_lt(mono_ms_since(start), 8000);
}

Test(consumer, leaves_with_messages_fetched_ahead, .timeout = 60) {
  struct owner owner;
  begin(&owner);
  send_numbers(&owner, 0, COUNT);
  owner.consumer = join(&owner);
  (void)poll_one(&owner);
  sleep_ms(300); /* for the rest to be fetched */
  struct mono start = mono_now();
  end(&owner);
  cr_expect_lt(mono_ms_since(start), 5000);
}

Test(consumer, leaves_in_time_when_the_broker_is_gone, .timeout = 60) {
  struct owner owner;
  struct bus_position done[MOCK_PARTITIONS];
  begin(&owner);
  send_numbers(&owner, 0, COUNT);
  owner.consumer = join(&owner);
  poll_until_seen(&owner, COUNT);
  for (int32_t i = 0; i < MOCK_PARTITIONS; i++)
    done[i] = (struct bus_position){topic_name(TOPIC_PLAN_COMMANDS), i, owner.stored[i]};
  rd_kafka_mock_broker_set_down(owner.mock.cluster, MOCK_BROKER);
  for (int i = 0; i < 20; i++) {
    struct error err;
    bus_commit(owner.consumer, done, MOCK_PARTITIONS);
    (void)!poll_once(&owner, owner.consumer, 10, &err);
  }
  struct mono start = mono_now();
  end(&owner);
  cr_expect_lt(mono_ms_since(start), 9000);
}

Test(consumer, a_missing_topic_is_no_reason_to_die, .timeout = 60) {
  static const enum topic topics[] = {TOPIC_INVOICE_EVENTS};
  struct owner owner;
  struct error err;
  begin(&owner);
  rd_kafka_mock_topic_set_error(owner.mock.cluster, topic_name(TOPIC_INVOICE_EVENTS),
                                RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART);
  struct bus_consumer_options options = {.brokers = owner.mock.brokers,
                                         .client_id = "test",
                                         .group = "test",
                                         .session_timeout_ms = 6000,
                                         .topics = topics,
                                         .topic_count = 1,
                                         .start_at = start_at,
                                         .context = &owner};
  cr_assert_eq(bus_consumer_new(&options, &owner.consumer, &err), RC_OK);
  enum rc rc = RC_OK;
  struct mono start = mono_now();
  while (rc == RC_OK && mono_ms_since(start) < PATIENCE_MS) rc = poll_once(&owner, owner.consumer, 10, &err);
  cr_expect_eq(rc, RC_BROKER_UNAVAILABLE);
  cr_expect_not_null(strstr(err.text, topic_name(TOPIC_INVOICE_EVENTS)), "%s", err.text);
  end(&owner);
}

/* ---- progress ---- */

static int64_t committed(struct owner *owner, int32_t partition) {
  char reason[256];
  rd_kafka_conf_t *conf = rd_kafka_conf_new();
  rd_kafka_conf_set(conf, "bootstrap.servers", owner->mock.brokers, reason, sizeof reason);
  rd_kafka_conf_set(conf, "group.id", "test", reason, sizeof reason);
  rd_kafka_t *reader = rd_kafka_new(RD_KAFKA_CONSUMER, conf, reason, sizeof reason);
  rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);
  rd_kafka_topic_partition_list_add(list, topic_name(TOPIC_PLAN_COMMANDS), partition);
  rd_kafka_resp_err_t failed = rd_kafka_committed(reader, list, 5000);
  int64_t offset = failed == RD_KAFKA_RESP_ERR_NO_ERROR ? list->elems[0].offset : -2;
  rd_kafka_topic_partition_list_destroy(list);
  rd_kafka_destroy(reader);
  return offset;
}

static void commit_what_is_stored(struct owner *owner) {
  struct bus_position done[MOCK_PARTITIONS];
  size_t count = 0;
  for (int32_t i = 0; i < MOCK_PARTITIONS; i++)
    if (owner->stored[i] >= 0)
      done[count++] = (struct bus_position){topic_name(TOPIC_PLAN_COMMANDS), i, owner->stored[i]};
  bus_commit(owner->consumer, done, count);
}

Test(consumer, tells_kafka_its_progress_within_seconds, .timeout = 60) {
  struct owner owner;
  struct error err;
  begin(&owner);
  send_numbers(&owner, 0, COUNT);
  owner.consumer = join(&owner);
  poll_until_seen(&owner, COUNT);
  commit_what_is_stored(&owner);
  struct mono start = mono_now();
  while (mono_ms_since(start) < 3000) cr_assert_eq(poll_once(&owner, owner.consumer, 10, &err), RC_OK);
  for (int32_t i = 0; i < MOCK_PARTITIONS; i++) cr_expect_eq(committed(&owner, i), owner.stored[i]);
  end(&owner);
}

static void expect_lag(struct owner *owner, int64_t lag) {
  struct error err;
  struct mono start = mono_now();
  while (bus_consumer_lag(owner->consumer) != lag && mono_ms_since(start) < PATIENCE_MS)
    cr_assert_eq(poll_once(owner, owner->consumer, 1, &err), RC_OK);
  cr_expect_eq(bus_consumer_lag(owner->consumer), lag);
}

/* What was polled lags until it is done: a worker that reads ahead has two batches of it. */
Test(consumer, knows_its_lag, .timeout = 60) {
  struct owner owner;
  struct error err;
  begin(&owner);
  send_numbers(&owner, 0, COUNT);
  owner.consumer = join(&owner);
  bus_commit(owner.consumer, &(struct bus_position){topic_name(TOPIC_PLAN_COMMANDS), 0, 1}, 1); /* not ours yet */
  while (owner.seen_count < COUNT / 2) cr_assert_eq(poll_once(&owner, owner.consumer, 1, &err), RC_OK);
  expect_lag(&owner, COUNT);
  commit_what_is_stored(&owner);
  cr_expect_eq(bus_consumer_lag(owner.consumer), COUNT - owner.seen_count);
  poll_until_seen(&owner, COUNT);
  commit_what_is_stored(&owner);
  cr_expect_eq(bus_consumer_lag(owner.consumer), 0);
  end(&owner);
}

/* ---- two members ---- */

/* The second joins while the first works, then leaves; between them they see everything once. */
Test(consumer, shares_its_partitions_and_gets_them_back, .timeout = 120) {
  struct owner owner;
  struct error err;
  begin(&owner);
  send_numbers(&owner, 0, COUNT / 4);
  owner.consumer = join(&owner);
  poll_until_seen(&owner, COUNT / 4);
  struct bus_consumer *second = join(&owner);
  struct mono start = mono_now();
  while (!bus_consumer_is_assigned(second) && mono_ms_since(start) < PATIENCE_MS) {
    (void)!poll_once(&owner, owner.consumer, 10, &err);
    (void)!poll_once(&owner, second, 10, &err);
  }
  cr_assert(bus_consumer_is_assigned(second));
  send_numbers(&owner, COUNT / 4, COUNT / 2);
  start = mono_now();
  while (owner.seen_count < COUNT / 2 && mono_ms_since(start) < PATIENCE_MS) {
    (void)!poll_once(&owner, owner.consumer, 10, &err);
    (void)!poll_once(&owner, second, 10, &err);
  }
  expect_each_once(&owner, COUNT / 2);
  bus_consumer_free(second);
  send_numbers(&owner, COUNT / 2, COUNT);
  poll_until_seen(&owner, COUNT);
  expect_each_once(&owner, COUNT);
  end(&owner);
}
