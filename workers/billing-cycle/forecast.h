/* The invoices that lines will become, computed as invoicing will do it, and nothing of it stored (BILL-052). */
#ifndef BILLING_CYCLE_FORECAST_H
#define BILLING_CYCLE_FORECAST_H

#include "billing.h"
#include "invoicing/invoice.h"

enum { FORECAST_INVOICES_MAX = 512 };

/* Zero-initialised. */
struct forecast {
  struct invoice *invoices;
  size_t count;
  struct utime last_at;
  json_t *bodies; /* what the invoices were read from */
};
void forecast_release(struct forecast *forecast);

/* Adds the invoice that begins at line *first of ordered ones, and moves on to the next. */
MUST_CHECK enum rc forecast_add_invoice(struct work *work, const struct uuid *tenant, const struct billing *billing,
                                        size_t *first, struct utime at, struct forecast *forecast, struct error *err);
/* Adds what becomes of these lines at `at`, not before what was added earlier. RC_CONFLICT for more than
 * FORECAST_INVOICES_MAX invoices. */
MUST_CHECK enum rc forecast_add(struct work *work, const struct uuid *tenant, struct billing *billing, struct utime at,
                                struct forecast *forecast, struct error *err);
/* Computes them, one after the other: what one uses of coupons and account credit the next has no more. Coupons, taxes
 * and credit are as they stand; credit that will have ended by the last of them does not count. */
MUST_CHECK enum rc forecast_compute(struct work *work, struct forecast *forecast, struct error *err);

#endif
