/* What the invoices of a dry run's slice would come to (BILL-062): lines, coupons and taxes as invoicing computes them.
 */
#ifndef BILLING_CYCLE_DRY_INVOICES_H
#define BILLING_CYCLE_DRY_INVOICES_H

#include "run.h"

/* Of one subscription. */
struct dry_amounts {
  int64_t subtotal_minor, discount_minor, tax_minor;
  const struct error *why; /* an invoice with its lines could not be made; else NULL */
};

/* Of all invoices in one currency. */
struct dry_total {
  const struct currency *currency;
  int64_t invoices, total_minor;
};

struct dry_invoices {
  struct dry_amounts *of; /* as slice->due */
  struct dry_total *totals;
  size_t total_count;
};

/* In the transaction that is rolled back: what an invoice uses of a fixed coupon, a later slice has no more. */
MUST_CHECK enum rc dry_invoices_make(struct work *work, const struct run *run, const struct slice *slice,
                                     struct dry_invoices *ret_invoices, struct error *err);

#endif
