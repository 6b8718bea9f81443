/* Collecting one invoice on somebody's word. */
#ifndef PAYMENTS_COLLECT_H
#define PAYMENTS_COLLECT_H

#include "open.h"
#include "payment.h"

/* Makes the payment of an invoice that is owed if it has none, or begins a new cycle of one that was given up or waits.
 * A charge that is under way is let be. RC_CONFLICT when nothing is owed. */
MUST_CHECK enum rc payment_collect(struct work *work, const struct invoice_ref *invoice, struct payment *ret_payment,
                                   struct error *err);
/* Answers the command with the payment as it is stored. */
MUST_CHECK enum rc payment_answer(struct work *work, const struct message *message, const struct payment *payment,
                                  struct error *err);

#endif
