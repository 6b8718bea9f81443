/* The table of a billing run's life. */
#include "domain/billing_run.h"

#include <stdio.h>
#include <string.h>

#include "base/assert.h"

static const char *const STATE_NAMES[] = {
#define X(state, name) [state] = name,
    BILLING_RUN_STATES(X)
#undef X
};

static const char *const EVENT_NAMES[] = {
#define X(event, name) [event] = name,
    BILLING_RUN_EVENTS(X)
#undef X
};

enum { STATE_COUNT = sizeof STATE_NAMES / sizeof STATE_NAMES[0] };

static const struct {
  enum billing_run_state from;
  enum billing_run_event event;
  enum billing_run_state to;
  bool is_asked_for; /* by somebody; the others happen */
} TRANSITIONS[] = {
    {BILLING_RUN_RUNNING, BILLING_RUN_EVENT_PAUSE, BILLING_RUN_PAUSED, true},
    {BILLING_RUN_PAUSED, BILLING_RUN_EVENT_RESUME, BILLING_RUN_RUNNING, true},
    {BILLING_RUN_RUNNING, BILLING_RUN_EVENT_COMPLETE, BILLING_RUN_COMPLETED, false},
};
enum { TRANSITION_COUNT = sizeof TRANSITIONS / sizeof TRANSITIONS[0] };

const char *billing_run_state_name(enum billing_run_state state) {
  ASSERT((size_t)state < STATE_COUNT);
  return STATE_NAMES[state];
}

bool billing_run_state_from_name(const char *name, enum billing_run_state *ret_state) {
  for (size_t i = 0; i < STATE_COUNT; i++) {
    if (strcmp(name, STATE_NAMES[i]) != 0) continue;
    *ret_state = (enum billing_run_state)i;
    return true;
  }
  return false;
}

/* One event at most leads out of a state by somebody's wish. */
static enum rc illegal(enum billing_run_state from, enum billing_run_event event, struct error *err) {
  const char *allowed = NULL;
  for (size_t i = 0; i < TRANSITION_COUNT; i++)
    if (TRANSITIONS[i].from == from && TRANSITIONS[i].is_asked_for) allowed = EVENT_NAMES[TRANSITIONS[i].event];
  enum rc rc = error_set(err, RC_ILLEGAL_TRANSITION, "%s is not possible while the run is %s", EVENT_NAMES[event],
                         STATE_NAMES[from]);
  (void)snprintf(err->details, sizeof err->details, "{\"allowed\":[%s%s%s]}", allowed ? "\"" : "",
                 allowed ? allowed : "", allowed ? "\"" : "");
  return rc;
}

enum rc billing_run_next(enum billing_run_state from, enum billing_run_event event, enum billing_run_state *ret_to,
                         struct error *err) {
  for (size_t i = 0; i < TRANSITION_COUNT; i++) {
    if (TRANSITIONS[i].from != from || TRANSITIONS[i].event != event) continue;
    *ret_to = TRANSITIONS[i].to;
    return RC_OK;
  }
  return illegal(from, event, err);
}
