/* The way of commands to Kafka: acknowledged by all replicas, or failed within the delivery timeout. Thread-safe. */
#ifndef API_PRODUCER_H
#define API_PRODUCER_H

#include "base/error.h"
#include "bus/bus.h"
#include "outcomes.h"

struct producer;

MUST_CHECK enum rc producer_new(const char *brokers, const char *instance, int64_t delivery_timeout_ms,
                                struct outcomes *outcomes, struct producer **ret_producer, struct error *err);
void producer_free(struct producer *producer);
/* Hands the message over; how its delivery went is told to `outcomes` under the command's id. */
MUST_CHECK enum rc producer_send(struct producer *producer, const struct outgoing *message,
                                 const struct uuid *command_id, struct error *err);

#endif
