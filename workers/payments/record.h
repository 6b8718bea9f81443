/* Step (c) of a charge: payment, attempt, invoice, ledger, dead letter and events of what was concluded, in the open
 * transaction, all together. */
#ifndef PAYMENTS_RECORD_H
#define PAYMENTS_RECORD_H

#include "decision.h"
#include "runtime/runtime.h"

/* conclusions[i] is of situations[i]; payments are locked, and the invoices of those that succeeded. */
MUST_CHECK enum rc conclusions_record(struct work *work, struct situation *situations,
                                      const struct conclusion *conclusions, size_t count, struct error *err);

#endif
