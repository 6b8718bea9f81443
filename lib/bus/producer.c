/* The way out. Idempotent, so that a retry inside of librdkafka doubles nothing; what it gives up is reported to the
 * owner, whose outbox sends it again.
 *
 * Reports reach the owner from bus_producer_poll alone. A producer that waits for room in the queue must serve reports,
 * too, or no room would ever come; these are put by, and the next poll hands them out: the owner may hold a lock while
 * it produces. */
#include <pthread.h>

#include "base/assert.h"
#include "bus/bus.h"
#include "bus/client.h"

enum {
  ROOM_WAIT_MS = 1000,
  ROOM_POLL_MS = 20,
  PURGE_WAIT_MS = 1000,
  NUMBER_TEXT_MAX = 12,
  REASON_MAX = 256,
};

struct report {
  void *opaque;
  enum rc result;
  const char *reason; /* static, of librdkafka */
};

struct reports {
  struct report *rows;
  size_t count, capacity;
};

struct bus_producer {
  rd_kafka_t *client;
  bus_delivered *delivered;
  void *context;
  pthread_mutex_t mutex; /* of put_by */
  struct reports put_by;
};

static _Thread_local bool is_waiting_for_room;

/* ---- delivery reports ---- */

static void put_by(struct bus_producer *producer, struct report report) {
  pthread_mutex_lock(&producer->mutex);
  struct reports *reports = &producer->put_by;
  if (reports->count == reports->capacity) {
    reports->capacity = reports->capacity == 0 ? 64 : 2 * reports->capacity;
    reports->rows = realloc(reports->rows, reports->capacity * sizeof *reports->rows);
    ASSERT(reports->rows != NULL);
  }
  reports->rows[reports->count++] = report;
  pthread_mutex_unlock(&producer->mutex);
}

static void on_delivery(rd_kafka_t *client, const rd_kafka_message_t *message, void *opaque) {
  (void)client;
  struct bus_producer *producer = opaque;
  if (message->_private == NULL || producer->delivered == NULL) return;
  struct report report = {.opaque = message->_private,
                          .result = client_rc(message->err),
                          .reason = message->err == RD_KAFKA_RESP_ERR_NO_ERROR ? "" : rd_kafka_err2str(message->err)};
  if (is_waiting_for_room) {
    put_by(producer, report);
  } else {
    producer->delivered(producer->context, report.opaque, report.result, report.reason);
  }
}

/* True when there were any. */
static bool hand_out_put_by(struct bus_producer *producer) {
  pthread_mutex_lock(&producer->mutex);
  struct reports reports = producer->put_by;
  producer->put_by = (struct reports){0};
  pthread_mutex_unlock(&producer->mutex);
  for (size_t i = 0; i < reports.count; i++)
    producer->delivered(producer->context, reports.rows[i].opaque, reports.rows[i].result, reports.rows[i].reason);
  free(reports.rows);
  return reports.count > 0;
}

void bus_producer_poll(struct bus_producer *producer, int timeout_ms) {
  bool any = hand_out_put_by(producer);
  rd_kafka_poll(producer->client, any ? 0 : timeout_ms);
}

/* ---- life ---- */

enum rc bus_producer_new(const struct bus_producer_options *options, struct bus_producer **ret_producer,
                         struct error *err) {
  char linger_ms[NUMBER_TEXT_MAX], timeout_ms[NUMBER_TEXT_MAX];
  (void)snprintf(linger_ms, sizeof linger_ms, "%d", options->linger_ms);
  (void)snprintf(timeout_ms, sizeof timeout_ms, "%d", options->message_timeout_ms);
  const struct client_setting settings[] = {
      {"enable.idempotence", "true"}, /* acks=all, order kept, no doubles */
      {"partitioner", "murmur2_random"},
      {"linger.ms", linger_ms},
      {"message.timeout.ms", timeout_ms},
      {"queue.buffering.max.messages", "20000"},
      {"queue.buffering.max.kbytes", "4096"}, /* two of the largest; a run waits, and is no slower */
      {NULL, NULL},
  };
  rd_kafka_conf_t *conf;
  TRY(client_conf_new(options->brokers, options->client_id, settings, &conf, err));
  struct bus_producer *producer = calloc(1, sizeof *producer);
  ASSERT(producer != NULL);
  *producer = (struct bus_producer){.delivered = options->delivered, .context = options->context};
  pthread_mutex_init(&producer->mutex, NULL);
  rd_kafka_conf_set_opaque(conf, producer);
  rd_kafka_conf_set_dr_msg_cb(conf, on_delivery);
  enum rc rc = client_new(RD_KAFKA_PRODUCER, conf, &producer->client, err);
  if (rc != RC_OK) {
    bus_producer_free(producer, 0);
    return rc;
  }
  *ret_producer = producer;
  return RC_OK;
}

/* What is still under way when the time is over is reported as failed. */
static void finish(struct bus_producer *producer, int flush_ms) {
  hand_out_put_by(producer);
  if (rd_kafka_flush(producer->client, flush_ms) != RD_KAFKA_RESP_ERR_NO_ERROR) {
    rd_kafka_purge(producer->client, RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT);
    rd_kafka_flush(producer->client, PURGE_WAIT_MS);
  }
  client_destroy(producer->client, 0);
}

void bus_producer_free(struct bus_producer *producer, int flush_ms) {
  if (producer == NULL) return;
  if (producer->client != NULL) finish(producer, flush_ms);
  pthread_mutex_destroy(&producer->mutex);
  free(producer->put_by.rows);
  free(producer);
}

bool bus_producer_is_broken(struct bus_producer *producer) {
  return rd_kafka_fatal_error(producer->client, NULL, 0) != RD_KAFKA_RESP_ERR_NO_ERROR;
}

/* ---- producing ---- */

static enum rc too_large(struct error *err, const char *what, size_t length, size_t most) {
  return error_field(err, RC_PAYLOAD_TOO_LARGE, what, "%s has %zu bytes, more than %zu", what, length, most);
}

static bool is_dead_letter_topic(const char *topic) {
  size_t length = strlen(topic), suffix = strlen(DLQ_SUFFIX);
  return length > suffix && strcmp(topic + length - suffix, DLQ_SUFFIX) == 0;
}

/* What a consumer of ours would call broken does not leave. A dead letter may be anything that the broker takes. */
static enum rc check_limits(const struct outgoing *message, struct error *err) {
  if (message->key != NULL && strlen(message->key) > MESSAGE_KEY_MAX)
    return too_large(err, "key", strlen(message->key), MESSAGE_KEY_MAX);
  for (enum header header = 0; header < HEADER_COUNT; header++) {
    const char *value = message->headers[header];
    if (value != NULL && strlen(value) > MESSAGE_HEADER_MAX)
      return too_large(err, header_name(header), strlen(value), MESSAGE_HEADER_MAX);
  }
  if (message->value_length > MESSAGE_VALUE_MAX && !is_dead_letter_topic(message->topic))
    return too_large(err, "value", message->value_length, MESSAGE_VALUE_MAX);
  return RC_OK;
}

static rd_kafka_headers_t *headers_of(const struct outgoing *message) {
  rd_kafka_headers_t *headers = rd_kafka_headers_new(HEADER_COUNT);
  for (enum header header = 0; header < HEADER_COUNT; header++) {
    const char *value = message->headers[header];
    if (value == NULL) continue;
    rd_kafka_resp_err_t failed = rd_kafka_header_add(headers, header_name(header), -1, value, -1);
    ASSERT(failed == RD_KAFKA_RESP_ERR_NO_ERROR);
  }
  return headers;
}

/* Takes the headers when it succeeds. */
static rd_kafka_resp_err_t enqueue(struct bus_producer *producer, const struct outgoing *message,
                                   rd_kafka_headers_t *headers, void *opaque) {
  void *key_bytes = (void *)(uintptr_t)message->key;
  size_t key_length = message->key == NULL ? 0 : strlen(message->key);
  return rd_kafka_producev(producer->client, RD_KAFKA_V_TOPIC(message->topic),
                           RD_KAFKA_V_PARTITION(RD_KAFKA_PARTITION_UA), RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY),
                           RD_KAFKA_V_KEY(key_bytes, key_length),
                           RD_KAFKA_V_VALUE((void *)(uintptr_t)message->value, message->value_length),
                           RD_KAFKA_V_HEADERS(headers), RD_KAFKA_V_OPAQUE(opaque), RD_KAFKA_V_END);
}

static void wait_for_room(struct bus_producer *producer) {
  is_waiting_for_room = true;
  rd_kafka_poll(producer->client, ROOM_POLL_MS);
  is_waiting_for_room = false;
}

enum rc bus_produce(struct bus_producer *producer, const struct outgoing *message, void *opaque, struct error *err) {
  TRY(check_limits(message, err));
  rd_kafka_headers_t *headers = headers_of(message);
  struct mono start = mono_now();
  rd_kafka_resp_err_t failed = enqueue(producer, message, headers, opaque);
  while (failed == RD_KAFKA_RESP_ERR__QUEUE_FULL && mono_ms_since(start) < ROOM_WAIT_MS) {
    wait_for_room(producer);
    failed = enqueue(producer, message, headers, opaque);
  }
  if (failed == RD_KAFKA_RESP_ERR_NO_ERROR) return RC_OK;
  rd_kafka_headers_destroy(headers);
  char reason[REASON_MAX];
  if (rd_kafka_fatal_error(producer->client, reason, sizeof reason) != RD_KAFKA_RESP_ERR_NO_ERROR)
    return error_set(err, RC_BUG, "the producer is broken: %s", reason);
  return error_set(err, client_rc(failed), "%s: %s", message->topic, rd_kafka_err2str(failed));
}
