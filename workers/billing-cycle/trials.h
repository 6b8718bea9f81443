/* The announcement of a trial's end (BILL-056); what trials.c does when its time has come is a task in handlers.h. */
#ifndef BILLING_CYCLE_TRIALS_H
#define BILLING_CYCLE_TRIALS_H

#include "billables.h"

/* Three days before the first period. */
struct utime trial_notice_at(const struct billable *s);

/* Of a trial that goes on after all: at its time, at once if that has passed, and never again. */
MUST_CHECK enum rc trial_announce(struct work *work, const char *tenant, const struct billable *s, struct error *err);

#endif
