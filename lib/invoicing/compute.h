/* From priced lines to an invoice (BILL-040): coupons, tax, account credit, in this order. No I/O. */
#ifndef INVOICING_COMPUTE_H
#define INVOICING_COMPUTE_H

#include "invoicing/ground.h"

/* Computes invoices[at]; those before it in the batch have been: their lines may be taken back, their uses of coupons
 * and credit count. A draft uses neither up. RC_VALIDATION when a sum is too large. */
MUST_CHECK enum rc invoice_compute(struct work *work, struct ground *ground, struct invoice *invoices, size_t at,
                                   struct error *err);
/* The two halves of it, for a preview: lines, coupons and tax; and account credit, when it is finalised. */
MUST_CHECK enum rc invoice_compute_amounts(struct work *work, struct ground *ground, struct invoice *invoices,
                                           size_t at, struct error *err);
void invoice_settle(struct ground *ground, struct invoice *invoice);

#endif
