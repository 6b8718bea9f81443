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

#endif
