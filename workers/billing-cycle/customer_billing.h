/* The lock that all work on one customer's billing takes first (ARCHITECTURE.md), and when it is due next. */
#ifndef BILLING_CYCLE_CUSTOMER_BILLING_H
#define BILLING_CYCLE_CUSTOMER_BILLING_H

#include "runtime/runtime.h"

/* ret_row: as customer_billing_lock.sql says, no row before the customer's first subscription; NULL: of no interest. */
MUST_CHECK enum rc customer_billing_hold(struct work *work, const char *tenant, const char *customer,
                                         PGresult **ret_row, struct error *err);

/* That of the subscription's customer; RC_NOT_FOUND. */
MUST_CHECK enum rc customer_billing_hold_of(struct work *work, const char *tenant, const char *subscription,
                                            const char **ret_customer, PGresult **ret_row, struct error *err);

/* After a change of the customer's subscriptions. */
MUST_CHECK enum rc customer_billing_refresh(struct work *work, const char *tenant, const char *customer,
                                            struct error *err);

#endif
