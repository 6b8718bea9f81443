/* Payments that begin anew: a new payment method, or somebody's word. */
#ifndef PAYMENTS_RESUME_H
#define PAYMENTS_RESUME_H

#include "payment.h"
#include "runtime/runtime.h"

/* Restarts those of the (locked) payments that are owed and wait or have failed; their dead letters are dropped,
 * because what they keep is being done. `on_word`: somebody said so; also what was cancelled, and invoices that were
 * given up. The situations are as they are afterwards. */
MUST_CHECK enum rc payments_resume(struct work *work, struct situation *situations, size_t count, bool on_word,
                                   struct error *err);
/* Drops the dead letters of payments that are not owed any more. */
MUST_CHECK enum rc payments_drop_letters(struct work *work, const struct situation *situations, size_t count,
                                         struct error *err);

#endif
