/* The invoices and credit notes that lines will become, decided as invoicing will do it, and nothing of it stored
 * (BILL-052). */
#ifndef BILLING_CYCLE_FORECAST_H
#define BILLING_CYCLE_FORECAST_H

#include "billing.h"
#include "invoicing/notes.h"

enum { FORECAST_INVOICES_MAX = 512 };

/* Zero-initialised but for whom it is about. */
struct forecast {
  struct uuid tenant;
  const char *customer;
  const struct zone *zone;  /* the customer's */
  struct invoice *invoices; /* `created`: when they are made */
  size_t count;
  struct utime last_at;
  json_t *bodies;               /* what all of it was read from */
  struct note_request *request; /* NULL: nothing is given back */
  struct notes notes;           /* what is */
};
void forecast_release(struct forecast *forecast);

/* Adds the invoice that begins at line *first of ordered ones, and moves on to the next. */
MUST_CHECK enum rc forecast_add_invoice(struct work *work, const struct billing *billing, size_t *first,
                                        struct utime at, struct forecast *forecast, struct error *err);
/* Adds what becomes of these lines at `at`, not before what was added earlier. RC_CONFLICT for more than
 * FORECAST_INVOICES_MAX invoices. */
MUST_CHECK enum rc forecast_add(struct work *work, struct billing *billing, struct utime at, struct forecast *forecast,
                                struct error *err);
/* Adds the credit notes of a credit-note.create, now; after the invoices that are made with it. Once. */
MUST_CHECK enum rc forecast_add_notes(struct work *work, const struct buf *command, struct forecast *forecast,
                                      struct error *err);
/* Computes them in the order in which they are finalised, and the customer's drafts that are under way in their places
 * among them (BILL-071): what one uses of coupons and account credit the next has no more. Coupons, taxes and credit
 * are as they stand; credit that will have ended by the last of them does not count. */
MUST_CHECK enum rc forecast_compute(struct work *work, struct forecast *forecast, struct error *err);

#endif
