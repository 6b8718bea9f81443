/* Where what billing-cycle decided lands for less. Since a change was decided, the line that it takes back may have
 * been given back by hand, or its invoice may have become void: then the credit is what the line has left (BILL-022).
 * What it is less by was charged after all, and a true-up that was worked out without it is as much less (BILL-030). */
#ifndef INVOICING_LANDING_H
#define INVOICING_LANDING_H

#include "invoicing/ground.h"

/* Of a true-up: what was asked for, with the credits of which revisions, those after one up to another: what is decided
 * later is a later one's, even when this one is a draft until then; and what of these is stored. */
struct true_up {
  int64_t asked_minor, after_revision, last_revision, uncredited_minor;
  int64_t taken_off_minor; /* already: it is a draft's that is computed again */
};

/* For the true-ups among the invoices that are not known. */
MUST_CHECK enum rc landing_load(struct work *work, struct invoice *invoices, size_t count, enum ground_use use,
                                struct error *err);
/* A credit whose origin is known. */
void landing_credit(struct arena *arena, const struct currency *currency, struct invoice_line *line);
/* The true-ups of invoices[at], whose credits have landed, as those of the invoices before it. */
void landing_true_ups(struct arena *arena, struct invoice *invoices, size_t at);

#endif
