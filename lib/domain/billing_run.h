/* A billing run's life as one table {from, event, to}. What a run that is `running` waits for is in its row. */
#ifndef DOMAIN_BILLING_RUN_H
#define DOMAIN_BILLING_RUN_H

#include <stdbool.h>

#include "base/error.h"

#define BILLING_RUN_STATES(X)       \
  X(BILLING_RUN_RUNNING, "running") \
  X(BILLING_RUN_PAUSED, "paused")   \
  X(BILLING_RUN_COMPLETED, "completed")

enum billing_run_state {
#define X(state, name) state,
  BILLING_RUN_STATES(X)
#undef X
};

#define BILLING_RUN_EVENTS(X)           \
  X(BILLING_RUN_EVENT_PAUSE, "pause")   \
  X(BILLING_RUN_EVENT_RESUME, "resume") \
  X(BILLING_RUN_EVENT_COMPLETE, "complete")

enum billing_run_event {
#define X(event, name) event,
  BILLING_RUN_EVENTS(X)
#undef X
};

const char *billing_run_state_name(enum billing_run_state state);
MUST_CHECK bool billing_run_state_from_name(const char *name, enum billing_run_state *ret_state);
/* RC_ILLEGAL_TRANSITION with err->details {"allowed":[...]}: what somebody could do instead. */
MUST_CHECK enum rc billing_run_next(enum billing_run_state from, enum billing_run_event event,
                                    enum billing_run_state *ret_to, struct error *err);

#endif
