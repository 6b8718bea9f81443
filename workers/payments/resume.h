/* Payments that begin anew: a new payment method, or somebody's word. */
#ifndef PAYMENTS_RESUME_H
#define PAYMENTS_RESUME_H

#include "payment.h"
#include "runtime/runtime.h"

/* Restarts those of the (locked) payments that are owed and wait or have failed; their dead letters are dropped,
 * because what they keep is being done. The situations are as they are afterwards. */
MUST_CHECK enum rc payments_resume(struct work *work, struct situation *situations, size_t count, struct error *err);

#endif
