/* Requests that wait for their command: for the broker's acknowledgement, and for the outcome that a worker announces
 * on the Redis channel of this instance. An announcement is a hint: the outcome itself is read from PostgreSQL, and a
 * waiter that hears nothing looks there by itself from time to time. Thread-safe. */
#ifndef API_OUTCOMES_H
#define API_OUTCOMES_H

#include <pthread.h>
#include <stdbool.h>

#include "base/error.h"
#include "base/time.h"
#include "base/uuid.h"
#include "redis.h"

enum { CHANNEL_MAX = 96 };

struct outcomes;

/* One waiting request; in the caller's storage, between enlist and dismiss. */
struct waiter {
  struct uuid command_id;
  pthread_cond_t changed;
  bool is_announced, is_delivered, is_failed; /* under the table's lock */
  struct waiter *next;
};

enum wait_result { WAIT_TIMED_OUT, WAIT_ANNOUNCED, WAIT_DELIVERED, WAIT_FAILED };

struct outcomes *outcomes_new(struct redis_server *redis, const char *instance);
void outcomes_free(struct outcomes *outcomes);
const char *outcomes_channel(const struct outcomes *outcomes);
bool outcomes_is_listening(struct outcomes *outcomes);

void outcomes_enlist(struct outcomes *outcomes, const struct uuid *command_id, struct waiter *waiter);
void outcomes_dismiss(struct outcomes *outcomes, struct waiter *waiter);
/* Until the message is delivered (or its outcome is there, which says the same), or failed. */
enum wait_result outcomes_wait_delivery(struct outcomes *outcomes, struct waiter *waiter, int64_t timeout_ms);
/* Until an outcome is announced; an announcement is consumed. */
enum wait_result outcomes_wait(struct outcomes *outcomes, struct waiter *waiter, int64_t timeout_ms);
/* Told by the producer's thread. */
void outcomes_delivered(struct outcomes *outcomes, const struct uuid *command_id, enum rc result);

#endif
