/* One thread serves delivery reports. An idempotent producer that met a fatal error is of no use any more: it is thrown
 * away and a new one made, so that the API recovers by itself. */
#include "producer.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "base/assert.h"
#include "base/log.h"

enum { POLL_MS = 100, CLIENT_ID_MAX = 96, FLUSH_MS = 1000 };

struct producer {
  struct bus_producer_options options;
  char client_id[CLIENT_ID_MAX];
  struct outcomes *outcomes;
  pthread_rwlock_t lock; /* of bus: written when it is replaced */
  struct bus_producer *bus;
  pthread_t thread;
  atomic_bool is_stopping;
};

/* opaque: the command's id, ours. */
static void delivered(void *context, void *opaque, enum rc result, const char *reason) {
  struct producer *producer = context;
  struct uuid *command_id = opaque;
  if (result != RC_OK) LOG(LOG_WARN, "kafka.delivery_failed", LOG_TEXT("reason", reason));
  outcomes_delivered(producer->outcomes, command_id, result);
  free(command_id);
}

static void replace(struct producer *producer) {
  struct bus_producer *fresh = NULL;
  struct error err;
  LOG(LOG_WARN, "kafka.producer_replaced", LOG_TEXT("reason", "fatal error"));
  if (bus_producer_new(&producer->options, &fresh, &err) != RC_OK) return;
  pthread_rwlock_wrlock(&producer->lock);
  struct bus_producer *broken = producer->bus;
  producer->bus = fresh;
  pthread_rwlock_unlock(&producer->lock);
  bus_producer_free(broken, 0);
}

static void *poll_main(void *argument) {
  struct producer *producer = argument;
  while (!atomic_load(&producer->is_stopping)) {
    bus_producer_poll(producer->bus, POLL_MS); /* only this thread replaces it */
    if (bus_producer_is_broken(producer->bus)) replace(producer);
  }
  return NULL;
}

enum rc producer_new(const char *brokers, const char *instance, int64_t delivery_timeout_ms, struct outcomes *outcomes,
                     struct producer **ret_producer, struct error *err) {
  struct producer *producer = calloc(1, sizeof *producer);
  ASSERT(producer);
  snprintf(producer->client_id, sizeof producer->client_id, "cloudbill-api-%s", instance);
  producer->outcomes = outcomes;
  producer->options = (struct bus_producer_options){.brokers = brokers,
                                                    .client_id = producer->client_id,
                                                    .linger_ms = 0,
                                                    .message_timeout_ms = (int)delivery_timeout_ms,
                                                    .delivered = delivered,
                                                    .context = producer};
  pthread_rwlock_init(&producer->lock, NULL);
  enum rc rc = bus_producer_new(&producer->options, &producer->bus, err);
  if (rc != RC_OK) {
    pthread_rwlock_destroy(&producer->lock);
    free(producer);
    return rc;
  }
  ASSERT(pthread_create(&producer->thread, NULL, poll_main, producer) == 0);
  *ret_producer = producer;
  return RC_OK;
}

void producer_free(struct producer *producer) {
  if (!producer) return;
  atomic_store(&producer->is_stopping, true);
  pthread_join(producer->thread, NULL);
  bus_producer_free(producer->bus, FLUSH_MS);
  pthread_rwlock_destroy(&producer->lock);
  free(producer);
}

enum rc producer_send(struct producer *producer, const struct outgoing *message, const struct uuid *command_id,
                      struct error *err) {
  struct uuid *opaque = malloc(sizeof *opaque);
  ASSERT(opaque);
  *opaque = *command_id;
  pthread_rwlock_rdlock(&producer->lock);
  enum rc rc = bus_produce(producer->bus, message, opaque, err);
  pthread_rwlock_unlock(&producer->lock);
  if (rc == RC_OK) return RC_OK;
  free(opaque);
  return rc == RC_BUG ? error_set(err, RC_BROKER_UNAVAILABLE, NULL) : rc;
}
