/* Whether subscriptions are past due (BILL-084): as long as an open invoice of one has a payment that failed. That
 * follows from what the database holds, whatever was the occasion to look. */
#ifndef BILLING_CYCLE_PAST_DUE_H
#define BILLING_CYCLE_PAST_DUE_H

#include "runtime/runtime.h"

/* The subscriptions that these invoices bill become past due, or are no more, each with its event; one that is in a
 * state that payments do not move stays. Their customers' billing is locked. */
MUST_CHECK enum rc past_due_of_invoices(struct work *work, const struct uuid *tenant, struct db_array *invoices,
                                        struct error *err);
/* The same for one that was set going again, and is stored as active. */
MUST_CHECK enum rc past_due_of_subscription(struct work *work, const struct uuid *tenant, const char *subscription,
                                            struct error *err);

#endif
