/* Lines that wait for the next invoice of their subscription (`billing: next_invoice`, BILL-052). */
#ifndef BILLING_CYCLE_PENDING_H
#define BILLING_CYCLE_PENDING_H

#include "billing.h"

/* Keeps lines for later. */
MUST_CHECK enum rc pending_keep(struct work *work, const struct uuid *tenant, const struct line *lines, size_t count,
                                struct error *err);

/* Adds what waits for these subscriptions to their lines of this transaction, with the first of them or, for a
 * subscription that has none, today; but for what pending_leave_out_lone() leaves out: that waits on, unless the
 * subscription has ended. */
MUST_CHECK enum rc pending_take(struct work *work, const struct uuid *tenant, const struct billable *subscriptions,
                                size_t count, struct billing *billing, struct error *err);

/* For a preview: all that waits, and nothing is taken. */
MUST_CHECK enum rc pending_peek(struct work *work, const struct uuid *tenant, const struct billable *subscriptions,
                                size_t count, struct billing *billing, struct error *err);

/* Credits of what is void by now take nothing back. They go with other lines of their subscription, for a true-up among
 * these counts them (BILL-030); alone they make no invoice, and are left out. */
void pending_leave_out_lone(struct billing *billing);

#endif
