/* Situations in and out of the database, many at a time. */
#ifndef PAYMENTS_ROWS_H
#define PAYMENTS_ROWS_H

#include "payment.h"
#include "runtime/runtime.h"

/* A payment's name, as lists of them are handed about. */
struct payment_ref {
  struct uuid tenant, payment;
  int attempt; /* 0: whichever */
};

/* Locks up to `max` payments that have fallen due by the work's clock and are nobody else's. By real time that may be
 * those of a customer on a test clock whose question to the gateway nobody finished. */
MUST_CHECK enum rc payments_claim(struct work *work, size_t max, struct payment_ref **ret_refs, size_t *ret_count,
                                  struct error *err);
/* Locks the payments through the gateway of these invoices that wait: of which nothing is under way or at an end. */
MUST_CHECK enum rc payments_lock_waiting(struct work *work, struct db_array *tenants, struct db_array *invoices,
                                         struct payment_ref **ret_refs, size_t *ret_count, struct error *err);
/* Locks those of the payments whose named attempt is still open, with their invoices. */
MUST_CHECK enum rc payments_lock_open(struct work *work, const struct payment_ref *refs, size_t count,
                                      struct payment_ref **ret_refs, size_t *ret_count, struct error *err);
/* Of locked payments, in their order. */
MUST_CHECK enum rc situations_load(struct work *work, const struct payment_ref *refs, size_t count,
                                   struct situation **ret_situations, size_t *ret_count, struct error *err);

MUST_CHECK enum rc payments_save(struct work *work, const struct situation *situations, size_t count,
                                 struct error *err);
/* Those that were open: begun, asked once more, or closed. */
MUST_CHECK enum rc attempts_save(struct work *work, const struct situation *situations, size_t count,
                                 struct error *err);

#endif
