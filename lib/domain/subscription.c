/* The table of a subscription's life. Payments of old invoices succeed and fail in every state, long after the end too:
 * where they change nothing, their row leads back to the state that it comes from. A suspended subscription is not
 * revived by a payment alone, because the rest of its period has been credited (BILL-054): that takes `reactivate`,
 * which dunning asks for when it was dunning that suspended it (BILL-084). Reactivation of one that is to end with its
 * period takes back that end and is no transition. */
#include "domain/subscription.h"

#include <stdio.h>
#include <string.h>

#include "base/assert.h"
#include "base/buf.h"
#include "base/json_text.h"

static const char *const STATE_NAMES[] = {
#define X(state, name) [state] = name,
    SUBSCRIPTION_STATES(X)
#undef X
};

static const char *const EVENT_NAMES[] = {
#define X(event, name) [event] = name,
    SUBSCRIPTION_EVENTS(X)
#undef X
};

enum {
  STATE_COUNT = sizeof STATE_NAMES / sizeof STATE_NAMES[0],
  EVENT_COUNT = sizeof EVENT_NAMES / sizeof EVENT_NAMES[0],
};

struct transition {
  enum subscription_state from;
  enum subscription_event event;
  enum subscription_state to;
};

/* BILL-050 */
static const struct transition TRANSITIONS[] = {
    {SUBSCRIPTION_INCOMPLETE, SUBSCRIPTION_EVENT_PAID, SUBSCRIPTION_ACTIVE}, /* BILL-051 */
    {SUBSCRIPTION_INCOMPLETE, SUBSCRIPTION_EVENT_PAYMENT_FAILED, SUBSCRIPTION_INCOMPLETE},
    {SUBSCRIPTION_INCOMPLETE, SUBSCRIPTION_EVENT_CANCEL, SUBSCRIPTION_CANCELLED},
    {SUBSCRIPTION_INCOMPLETE, SUBSCRIPTION_EVENT_EXPIRE, SUBSCRIPTION_EXPIRED},

    {SUBSCRIPTION_TRIALING, SUBSCRIPTION_EVENT_TRIAL_END, SUBSCRIPTION_ACTIVE}, /* BILL-056 */
    {SUBSCRIPTION_TRIALING, SUBSCRIPTION_EVENT_PAID, SUBSCRIPTION_TRIALING},
    {SUBSCRIPTION_TRIALING, SUBSCRIPTION_EVENT_PAYMENT_FAILED, SUBSCRIPTION_TRIALING},
    {SUBSCRIPTION_TRIALING, SUBSCRIPTION_EVENT_CANCEL, SUBSCRIPTION_CANCELLED},
    {SUBSCRIPTION_TRIALING, SUBSCRIPTION_EVENT_SUSPEND, SUBSCRIPTION_SUSPENDED},
    {SUBSCRIPTION_TRIALING, SUBSCRIPTION_EVENT_CHANGE, SUBSCRIPTION_TRIALING}, /* BILL-052 */
    {SUBSCRIPTION_TRIALING, SUBSCRIPTION_EVENT_EXPIRE, SUBSCRIPTION_EXPIRED},

    {SUBSCRIPTION_ACTIVE, SUBSCRIPTION_EVENT_PAID, SUBSCRIPTION_ACTIVE},
    {SUBSCRIPTION_ACTIVE, SUBSCRIPTION_EVENT_PAYMENT_FAILED, SUBSCRIPTION_PAST_DUE}, /* BILL-084 */
    {SUBSCRIPTION_ACTIVE, SUBSCRIPTION_EVENT_CANCEL, SUBSCRIPTION_CANCELLED},
    {SUBSCRIPTION_ACTIVE, SUBSCRIPTION_EVENT_SUSPEND, SUBSCRIPTION_SUSPENDED},
    {SUBSCRIPTION_ACTIVE, SUBSCRIPTION_EVENT_CHANGE, SUBSCRIPTION_ACTIVE},
    {SUBSCRIPTION_ACTIVE, SUBSCRIPTION_EVENT_RENEW, SUBSCRIPTION_ACTIVE},   /* BILL-055 */
    {SUBSCRIPTION_ACTIVE, SUBSCRIPTION_EVENT_EXPIRE, SUBSCRIPTION_EXPIRED}, /* BILL-055 */

    {SUBSCRIPTION_PAST_DUE, SUBSCRIPTION_EVENT_PAID, SUBSCRIPTION_ACTIVE}, /* BILL-084 */
    {SUBSCRIPTION_PAST_DUE, SUBSCRIPTION_EVENT_PAYMENT_FAILED, SUBSCRIPTION_PAST_DUE},
    {SUBSCRIPTION_PAST_DUE, SUBSCRIPTION_EVENT_CANCEL, SUBSCRIPTION_CANCELLED},
    {SUBSCRIPTION_PAST_DUE, SUBSCRIPTION_EVENT_SUSPEND, SUBSCRIPTION_SUSPENDED},
    {SUBSCRIPTION_PAST_DUE, SUBSCRIPTION_EVENT_CHANGE, SUBSCRIPTION_PAST_DUE},
    {SUBSCRIPTION_PAST_DUE, SUBSCRIPTION_EVENT_RENEW, SUBSCRIPTION_PAST_DUE},
    {SUBSCRIPTION_PAST_DUE, SUBSCRIPTION_EVENT_EXPIRE, SUBSCRIPTION_EXPIRED},

    {SUBSCRIPTION_SUSPENDED, SUBSCRIPTION_EVENT_PAID, SUBSCRIPTION_SUSPENDED},
    {SUBSCRIPTION_SUSPENDED, SUBSCRIPTION_EVENT_PAYMENT_FAILED, SUBSCRIPTION_SUSPENDED},
    {SUBSCRIPTION_SUSPENDED, SUBSCRIPTION_EVENT_REACTIVATE, SUBSCRIPTION_ACTIVE},     /* BILL-054 */
    {SUBSCRIPTION_SUSPENDED, SUBSCRIPTION_EVENT_TRIAL_RESUME, SUBSCRIPTION_TRIALING}, /* BILL-056 */
    {SUBSCRIPTION_SUSPENDED, SUBSCRIPTION_EVENT_CANCEL, SUBSCRIPTION_CANCELLED},
    {SUBSCRIPTION_SUSPENDED, SUBSCRIPTION_EVENT_EXPIRE, SUBSCRIPTION_EXPIRED},

    {SUBSCRIPTION_CANCELLED, SUBSCRIPTION_EVENT_PAID, SUBSCRIPTION_CANCELLED},
    {SUBSCRIPTION_CANCELLED, SUBSCRIPTION_EVENT_PAYMENT_FAILED, SUBSCRIPTION_CANCELLED},

    {SUBSCRIPTION_EXPIRED, SUBSCRIPTION_EVENT_PAID, SUBSCRIPTION_EXPIRED},
    {SUBSCRIPTION_EXPIRED, SUBSCRIPTION_EVENT_PAYMENT_FAILED, SUBSCRIPTION_EXPIRED},
};

enum { TRANSITION_COUNT = sizeof TRANSITIONS / sizeof TRANSITIONS[0] };

const char *subscription_state_name(enum subscription_state state) {
  ASSERT((size_t)state < STATE_COUNT);
  return STATE_NAMES[state];
}

const char *subscription_event_name(enum subscription_event event) {
  ASSERT((size_t)event < EVENT_COUNT);
  return EVENT_NAMES[event];
}

bool subscription_state_from_name(const char *name, enum subscription_state *ret_state) {
  for (size_t i = 0; i < STATE_COUNT; i++) {
    if (strcmp(name, STATE_NAMES[i]) != 0) continue;
    *ret_state = (enum subscription_state)i;
    return true;
  }
  return false;
}

static bool is_asked_for(enum subscription_event event) {
  switch (event) {
  case SUBSCRIPTION_EVENT_CHANGE:
  case SUBSCRIPTION_EVENT_RENEW: return true;
  case SUBSCRIPTION_EVENT_PAID:
  case SUBSCRIPTION_EVENT_TRIAL_END:
  case SUBSCRIPTION_EVENT_PAYMENT_FAILED:
  case SUBSCRIPTION_EVENT_CANCEL:
  case SUBSCRIPTION_EVENT_SUSPEND:
  case SUBSCRIPTION_EVENT_REACTIVATE:
  case SUBSCRIPTION_EVENT_TRIAL_RESUME:
  case SUBSCRIPTION_EVENT_EXPIRE: return false; /* facts, or named because they lead somewhere */
  }
  assert_failed("an event", __FILE__, __LINE__);
}

/* What may happen instead, for somebody who asked for something else. */
static void name_allowed(enum subscription_state from, const char *also, struct error *err) {
  struct buf details CLEANUP(buf_release);
  struct json_writer writer;
  buf_init(&details, ERROR_DETAILS_MAX);
  json_writer_init(&writer, &details);
  json_put_object(&writer, NULL);
  json_put_array(&writer, "allowed");
  if (also) json_put_string(&writer, NULL, also);
  for (size_t i = 0; i < TRANSITION_COUNT; i++) {
    const struct transition *row = &TRANSITIONS[i];
    if (row->from == from && (row->to != from || is_asked_for(row->event)))
      json_put_string(&writer, NULL, subscription_event_name(row->event));
  }
  json_put_end(&writer);
  json_put_end(&writer);
  (void)snprintf(err->details, sizeof err->details, "%s", buf_text(&details));
}

static enum rc illegal(enum subscription_state from, enum subscription_event event, struct error *err) {
  enum rc rc = error_set(err, RC_ILLEGAL_TRANSITION, "%s is not possible while the subscription is %s",
                         subscription_event_name(event), subscription_state_name(from));
  name_allowed(from, NULL, err);
  return rc;
}

enum rc subscription_refuse_ending(enum subscription_state from, struct error *err) {
  enum rc rc = error_set(err, RC_ILLEGAL_TRANSITION, "the subscription ends with its period already");
  name_allowed(from, subscription_event_name(SUBSCRIPTION_EVENT_REACTIVATE), err);
  return rc;
}

enum rc subscription_next(enum subscription_state from, enum subscription_event event, enum subscription_state *ret_to,
                          struct error *err) {
  ASSERT((size_t)from < STATE_COUNT && (size_t)event < EVENT_COUNT);
  for (size_t i = 0; i < TRANSITION_COUNT; i++) {
    if (TRANSITIONS[i].from != from || TRANSITIONS[i].event != event) continue;
    *ret_to = TRANSITIONS[i].to;
    return RC_OK;
  }
  return illegal(from, event, err);
}
