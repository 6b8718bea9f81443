/* Changes that wait for a boundary (BILL-052): rows, read with the subscriptions that come to it, applied by the engine
 * before the period that begins there is priced, and stored with what it came to. */
#ifndef BILLING_CYCLE_SCHEDULED_H
#define BILLING_CYCLE_SCHEDULED_H

#include "change_request.h"

struct scheduled_change {
  const char *id;
  int64_t index; /* the first period of the new state, never one that is billed already */
  const struct change_request *request;
  struct change_target target;
  const struct error *why; /* it cannot be applied: the subscription is parked when it comes to its boundary */
};

/* Sets ->scheduled of those that have one. */
MUST_CHECK enum rc scheduled_load(struct work *work, const struct uuid *tenant, struct billable *subscriptions,
                                  size_t count, struct error *err);

/* Works out anew what waits, when the subscription has become another one since it was loaded. */
MUST_CHECK enum rc scheduled_find_again(struct work *work, const struct uuid *tenant, struct billable *subscription,
                                        struct error *err);

/* At the boundary next_index: whether a change was due; the subscription is in its new state then, and ->applied says
 * so. Another interval begins a grid of its own here. */
MUST_CHECK enum rc scheduled_apply(struct billable *subscription, bool *ret_was_due, struct error *err);

/* What was applied, and what will never be because the subscription has ended. */
MUST_CHECK enum rc scheduled_store(struct work *work, const struct uuid *tenant, const struct billable *subscriptions,
                                   size_t count, struct error *err);

#endif
