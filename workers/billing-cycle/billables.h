/* Subscriptions between the database and the billing engine: read with what their items cost, written with where they
 * stand. Whoever does either holds the lock of the customer's billing. */
#ifndef BILLING_CYCLE_BILLABLES_H
#define BILLING_CYCLE_BILLABLES_H

#include "billing.h"

/* The due subscriptions of these customers, customer by customer; of the last one perhaps not all, when there are
 * `most`: those that are due no later than the others. */
MUST_CHECK enum rc billables_due(struct work *work, const struct uuid *tenant, struct db_array *customers,
                                 struct utime as_of, size_t most, struct billable **ret_due, size_t *ret_count,
                                 struct error *err);
/* RC_NOT_FOUND when there is none. */
MUST_CHECK enum rc billable_find(struct work *work, const struct uuid *tenant, const char *subscription_id,
                                 struct billable *ret_subscription, struct error *err);

/* Stores what billing_collect came to: state, boundary, period, charges, version. */
MUST_CHECK enum rc billables_advance(struct work *work, const struct uuid *tenant, const struct billable *billables,
                                     size_t count, struct error *err);

/* The item 0 of a subscription with a bare price, own or overridden. */
const struct billed_item *billable_plain_item(struct arena *arena, const struct plan_price *plan, int64_t price_minor,
                                              const struct currency *currency, struct quantity quantity);

#endif
