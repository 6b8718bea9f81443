/* A plan that a command is about: locked, with what it says now. */
#ifndef BILLING_CYCLE_PLAN_H
#define BILLING_CYCLE_PLAN_H

#include "plan_terms.h"
#include "runtime/runtime.h"

struct plan {
  const char *code, *status, *name, *description, *metadata; /* metadata: JSON */
  int64_t version;                                           /* of the plan, as an aggregate */
  int64_t current_version;                                   /* the one that new subscriptions get */
  struct plan_terms terms;                                   /* what that one says */
};

/* The command's subject. RC_NOT_FOUND; RC_PRECONDITION_FAILED (If-Match). In the work's arena. */
MUST_CHECK enum rc plan_lock(struct work *work, const struct message *command, struct plan **ret_plan,
                             struct error *err);

/* Answers the command with the plan as it is stored now. */
MUST_CHECK enum rc plan_reply(struct work *work, const struct message *command, int http_status, struct error *err);

#endif
