/* Payments for invoices that are to be collected. */
#ifndef PAYMENTS_OPEN_H
#define PAYMENTS_OPEN_H

#include "runtime/runtime.h"

struct invoice_ref {
  struct uuid tenant, invoice;
};

/* Makes the payment of each invoice that is owed and has none yet: due now when the customer has a payment method, else
 * waiting for one. `even_manual`: also of invoices that the customer is to pay by himself. */
MUST_CHECK enum rc payments_open(struct work *work, const struct invoice_ref *invoices, size_t count, bool even_manual,
                                 struct error *err);
/* Locks the payment of an invoice, if there is one, for who locks the invoice next: the order of locks
 * (ARCHITECTURE.md). */
MUST_CHECK enum rc payment_hold(struct work *work, const struct invoice_ref *invoice, struct error *err);

#endif
