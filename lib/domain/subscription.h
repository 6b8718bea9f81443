/* A subscription's life as one table {from, event, to} (BILL-050). */
#ifndef DOMAIN_SUBSCRIPTION_H
#define DOMAIN_SUBSCRIPTION_H

#include <stdbool.h>

#include "base/error.h"

#define SUBSCRIPTION_STATES(X)             \
  X(SUBSCRIPTION_INCOMPLETE, "incomplete") \
  X(SUBSCRIPTION_TRIALING, "trialing")     \
  X(SUBSCRIPTION_ACTIVE, "active")         \
  X(SUBSCRIPTION_PAST_DUE, "past_due")     \
  X(SUBSCRIPTION_SUSPENDED, "suspended")   \
  X(SUBSCRIPTION_CANCELLED, "cancelled")   \
  X(SUBSCRIPTION_EXPIRED, "expired")

enum subscription_state {
#define X(state, name) state,
  SUBSCRIPTION_STATES(X)
#undef X
};

/* What can happen to one; the names are those of the commands and facts behind them. */
#define SUBSCRIPTION_EVENTS(X)                         \
  X(SUBSCRIPTION_EVENT_PAID, "pay")                    \
  X(SUBSCRIPTION_EVENT_TRIAL_END, "end_trial")         \
  X(SUBSCRIPTION_EVENT_PAYMENT_FAILED, "fail_payment") \
  X(SUBSCRIPTION_EVENT_CANCEL, "cancel")               \
  X(SUBSCRIPTION_EVENT_SUSPEND, "suspend")             \
  X(SUBSCRIPTION_EVENT_REACTIVATE, "reactivate")       \
  X(SUBSCRIPTION_EVENT_TRIAL_RESUME, "resume_trial")   \
  X(SUBSCRIPTION_EVENT_CHANGE, "change-plan")          \
  X(SUBSCRIPTION_EVENT_RENEW, "renew")                 \
  X(SUBSCRIPTION_EVENT_EXPIRE, "expire")

enum subscription_event {
#define X(event, name) event,
  SUBSCRIPTION_EVENTS(X)
#undef X
};

const char *subscription_state_name(enum subscription_state state);
const char *subscription_event_name(enum subscription_event event);
MUST_CHECK bool subscription_state_from_name(const char *name, enum subscription_state *ret_state);
/* RC_ILLEGAL_TRANSITION with err->details {"allowed":[...]} naming what may happen in `from`: the events that lead to
 * another state, and those that somebody asks for. Payments that succeed or fail are legal in every state, the last
 * ones too; where they change nothing, *ret_to is `from`. A suspended subscription stays suspended when it is paid:
 * `reactivate` charges the rest of its period. */
MUST_CHECK enum rc subscription_next(enum subscription_state from, enum subscription_event event,
                                     enum subscription_state *ret_to, struct error *err);
/* The same answer for what the table allows and something else forbids: a second end of a subscription that ends with
 * its period already, which may be reactivated, and cancelled at once (BILL-053). */
enum rc subscription_refuse_ending(enum subscription_state from, struct error *err);

#endif
