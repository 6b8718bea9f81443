/* Signed webhooks to GATEWAY_WEBHOOK_URL: off the request path, on a bounded queue, sent by one thread that has a few
 * in flight and tries each a few times. Stripe promises no order, and neither do we. What still waits when the process
 * ends is lost; what does not fit into the queue is dropped and counted. */
#ifndef GATEWAY_WEBHOOKS_H
#define GATEWAY_WEBHOOKS_H

#include <pthread.h>
#include <stdint.h>

#include "base/error.h"
#include "base/time.h"
#include "objects.h"

struct gateway;

#define EVENT_TYPES(X)                                              \
  X(EVENT_INTENT_SUCCEEDED, "payment_intent.succeeded")             \
  X(EVENT_INTENT_FAILED, "payment_intent.payment_failed")           \
  X(EVENT_INTENT_REQUIRES_ACTION, "payment_intent.requires_action") \
  X(EVENT_INTENT_PROCESSING, "payment_intent.processing")           \
  X(EVENT_INTENT_CANCELED, "payment_intent.canceled")               \
  X(EVENT_CHARGE_REFUNDED, "charge.refunded")

enum event_type {
#define X(id, name) id,
  EVENT_TYPES(X)
#undef X
};

struct event {
  struct event *next;
  enum event_type type;
  int64_t created_s;
  uint64_t position;    /* in the journal, after which the event is true; it also makes the event's id */
  struct intent intent; /* as it was; its texts are the store's */
  uint32_t charge;
  int tries;
  struct mono due;
};

struct webhook_totals {
  uint64_t queued, sent, failed_tries, given_up, dropped;
};

struct webhooks {
  struct gateway *gateway;
  pthread_mutex_t lock;
  pthread_t thread;
  bool is_running, is_stopping;
  void *multi;                /* CURLM */
  struct event *first, *last; /* by due */
  uint64_t waiting;
  uint64_t accepted;
  struct webhook_totals totals;
};

MUST_CHECK enum rc webhooks_init(struct webhooks *webhooks, struct gateway *gateway, struct error *err);
MUST_CHECK enum rc webhooks_start(struct webhooks *webhooks, struct error *err); /* nothing without a URL */
void webhooks_stop(struct webhooks *webhooks);                                   /* drops what waits */
void webhooks_release(struct webhooks *webhooks);
/* Copies the event. Never blocks. Its intent is a copy of the store's, whose texts stay. */
void webhooks_add(struct webhooks *webhooks, const struct event *event);
struct webhook_totals webhooks_totals(struct webhooks *webhooks);

#endif
