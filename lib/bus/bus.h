/* Kafka through librdkafka: a producer and a consumer, each for one thread's use unless said otherwise. */
#ifndef BUS_BUS_H
#define BUS_BUS_H

#include "base/arena.h"
#include "base/error.h"
#include "bus/message.h"
#include "bus/topics.h"

/* -- producer: thread-safe -- */
struct bus_producer;

/* Called from bus_producer_poll (and from bus_producer_free for what is left), in the polling thread, once for each
 * message that was handed over with an `opaque` that is not NULL. */
typedef void bus_delivered(void *context, void *opaque, enum rc result, const char *reason);

struct bus_producer_options {
  const char *brokers;
  const char *client_id;
  int linger_ms;
  int message_timeout_ms; /* when a delivery fails for good */
  bus_delivered *delivered;
  void *context;
};
MUST_CHECK enum rc bus_producer_new(const struct bus_producer_options *options, struct bus_producer **ret_producer,
                                    struct error *err);
/* Waits up to flush_ms for what is under way. */
void bus_producer_free(struct bus_producer *producer, int flush_ms);
/* Copies the message and queues it. A full queue is waited for, up to a second: RC_BROKER_UNAVAILABLE then; RC_BUG
 * after a fatal error of the idempotent producer (exit and restart: the outbox sends again). */
MUST_CHECK enum rc bus_produce(struct bus_producer *producer, const struct outgoing *message, void *opaque,
                               struct error *err);
void bus_producer_poll(struct bus_producer *producer, int timeout_ms);
/* True once a fatal error happened: the process must restart. */
bool bus_producer_is_broken(struct bus_producer *producer);

/* -- consumer -- */
struct bus_consumer;

/* A batch ends when its messages have this many bytes: with the last one, at most twice MESSAGE_VALUE_MAX more. The
 * arena of bus_poll must hold it. */
enum { BUS_BATCH_BYTES_MAX = 4 * 1024 * 1024 };

struct bus_position {
  const char *topic;
  int32_t partition;
  int64_t offset;
};

struct bus_consumer_options {
  const char *brokers;
  const char *client_id;
  const char *group;
  const enum topic *topics;
  size_t topic_count;
  int session_timeout_ms; /* so long the partitions of a killed member lie idle; the broker has bounds */
  /* Asked on assignment: where to begin, -1 for the beginning. Failure makes the assignment wait and ask again. */
  MUST_CHECK enum rc (*start_at)(void *context, const char *cluster_id, struct bus_position *positions, size_t count,
                                 struct error *err);
  void *context;
};
MUST_CHECK enum rc bus_consumer_new(const struct bus_consumer_options *options, struct bus_consumer **ret_consumer,
                                    struct error *err);
void bus_consumer_free(struct bus_consumer *consumer); /* leaves the group */

/* Up to max messages, undecoded, copied into the arena; waits up to timeout_ms for the first and no longer than a few
 * ms for more. RC_OK with 0 messages is normal. After a rebalance, messages of lost partitions are not returned. */
MUST_CHECK enum rc bus_poll(struct bus_consumer *consumer, struct arena *arena, size_t max, int timeout_ms,
                            struct message **ret_messages, size_t *ret_count, struct error *err);
/* What is done: for the lag, and told to Kafka for its own tools, some time, if it can be. The truth is in PostgreSQL.
 */
void bus_commit(struct bus_consumer *consumer, const struct bus_position *positions, size_t count);
bool bus_consumer_is_assigned(struct bus_consumer *consumer);
/* Messages of the assigned partitions that are not done yet, polled or not; as far as known: what came since the last
 * answer of the broker is missing, and it is asked for more only while somebody polls. */
int64_t bus_consumer_lag(struct bus_consumer *consumer);
const char *bus_consumer_cluster_id(struct bus_consumer *consumer);

/* -- administration: `cloudbill migrate`, health -- */
/* Creates the topics of the table and their .dlq with `partitions` each; those that exist are left as they are. */
MUST_CHECK enum rc bus_create_topics(const char *brokers, int partitions, int replication, size_t *ret_created,
                                     struct error *err);

#endif
