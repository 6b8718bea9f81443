/* A customer's other subscriptions that are due when a command bills one of them: lines of one customer, currency and
 * day go on one invoice, whether the command comes first or the run that is due (BILL-061). The customer's billing is
 * locked. */
#ifndef BILLING_CYCLE_SIBLINGS_H
#define BILLING_CYCLE_SIBLINGS_H

#include "billing.h"

struct siblings {
  struct billable *at; /* lines point at them; one that is parked stays as it was stored */
  size_t count;
};

/* Bills them as a run with this `as_of` does, in memory. What cannot be billed is left where it stands, for the run
 * that parks it. RC_CONFLICT when it is more than a step takes. `except`: whom the command is about. */
MUST_CHECK enum rc siblings_bill(struct work *work, const struct uuid *tenant, const char *customer,
                                 const struct uuid *except, struct utime as_of, struct billing *billing,
                                 struct siblings *ret_siblings, struct error *err);
/* Stores where they stand, and takes what waited for their next invoices; but for when their customer is due next. */
MUST_CHECK enum rc siblings_store(struct work *work, const struct uuid *tenant, const struct siblings *siblings,
                                  struct billing *billing, struct error *err);

#endif
