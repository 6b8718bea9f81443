/* What a declined charge means and when it is tried again (BILL-081, BILL-082). */
#ifndef DOMAIN_DUNNING_H
#define DOMAIN_DUNNING_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "base/time.h"

enum decline_class {
  DECLINE_SOFT,     /* may pass later: retried by schedule */
  DECLINE_CUSTOMER, /* the customer must do something: waits for a new payment method */
  DECLINE_NEVER,    /* lost, stolen, fraudulent: never again with this method */
};

/* By the gateway's decline code ("insufficient_funds"); what is not in the table is soft, as do_not_honor is. */
enum decline_class decline_class_of(const char *decline_code);
const char *decline_class_name(enum decline_class class);

enum { DUNNING_STEPS_MAX = 20, DUNNING_ATTEMPTS_MAX = 20, DUNNING_WINDOW_DAYS = 30, DUNNING_LATE_MAX_MIN = 60 };

/* Days after the first failure on which the charge is tried again. */
struct dunning_schedule {
  int days[DUNNING_STEPS_MAX];
  size_t count;
};
extern const struct dunning_schedule DUNNING_DEFAULT; /* 1, 3, 5, 7, 14 */

/* After attempt number `attempts` (1: the first charge) failed at `now`: the time of the next one, if there is one.
 * False when the schedule is exhausted, or the limits (DUNNING_ATTEMPTS_MAX within DUNNING_WINDOW_DAYS) are.
 *
 * Days count from the first failure as long as attempts are punctual. After downtime an attempt may come later than
 * DUNNING_LATE_MAX_MIN: then what follows keeps the schedule's distance from it, so that there is one attempt for each
 * step and never two within the gap between their steps. */
MUST_CHECK bool dunning_next(const struct dunning_schedule *schedule, int attempts, struct utime first_failure,
                             struct utime now, struct utime *ret_next);
/* When it is given up, if nobody brings another payment method: the schedule's last day, moved in the same way. */
struct utime dunning_end(const struct dunning_schedule *schedule, int attempts, struct utime first_failure,
                         struct utime now);

#endif
