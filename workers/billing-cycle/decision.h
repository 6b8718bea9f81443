/* What a command about a subscription comes to, before anything is written: the same for the command and for its
 * preview. */
#ifndef BILLING_CYCLE_DECISION_H
#define BILLING_CYCLE_DECISION_H

#include "scheduled.h"
#include "standing.h"

/* What is decided about a change. */
struct decision {
  struct change_request request;
  struct change_target target;
  bool is_upgrade, is_now, is_billed_now;
  struct utime at;          /* when it takes effect */
  int64_t index;            /* the first period of the new state, at a boundary */
  const struct line *lines; /* of the change; of the first new period, at a boundary */
  size_t line_count;
  int64_t sum_minor;
  const struct scheduled_change *scheduled; /* what its row will say, at a boundary */
};
/* Reads the command, loads the standing and moves it on; lines point at both. */
MUST_CHECK enum rc decision_make(struct work *work, const struct message *command, struct standing *ret_standing,
                                 struct decision *ret_decision, struct error *err);

/* What is decided about a cancellation (BILL-053). */
#define CANCELLED "cancelled" /* the reason of its credit notes */
struct cancellation {
  bool immediately, prorate;
  const char *reason;
  bool is_now;
  struct utime at;
  struct unused *unused; /* to be credited */
  size_t unused_count;
};
MUST_CHECK enum rc cancellation_decide(struct work *work, const struct message *command, struct standing *ret_standing,
                                       struct cancellation *ret_cancellation, struct error *err);

#endif
