/* What happened to a subscription: each event about it, but for renewals by time, is also a row of its history, in
 * the transaction that says it. The timeline reads these rows. */
#ifndef BILLING_CYCLE_HISTORY_H
#define BILLING_CYCLE_HISTORY_H

#include "runtime/runtime.h"

/* Of the messages, those about subscriptions; a `keep` of struct worker. */
MUST_CHECK enum rc history_keep(struct work *work, const struct outgoing *messages, size_t count, struct error *err);

#endif
