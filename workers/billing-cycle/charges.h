/* What a subscription has been charged in advance for periods that are not over, and where changes have cut these: what
 * a change, a suspension or a cancellation credits (BILL-022). It is the column `charges`, written with each period,
 * and the column `charge_cuts`.
 *
 * A cut concerns all of a subscription's charges, whether the change touched them or not: what is left of each depends
 * on its amount and the cuts alone (domain/change.h). */
#ifndef BILLING_CYCLE_CHARGES_H
#define BILLING_CYCLE_CHARGES_H

#include "base/json_text.h"
#include "billing.h"
#include "domain/change.h"
#include "invoicing/invoice.h"

/* A line that was charged; item to revision are its identity (BILL-060). */
struct charge {
  int64_t item;
  const char *component;
  int64_t index;
  const char *kind;
  int64_t revision;
  int64_t amount_minor; /* for the whole span, also when the line itself began at a cut */
  int64_t most_minor;   /* what may still be given back of its line; INT64_MAX: nobody knows of less */
  struct date start, end;
  const char *quantity;
  const struct plan_price
      *plan; /* whose it is, after a change that was not prorated; NULL: its item's (names, basis) */
};

struct line_name charge_line(const struct charge *charge);

/* Of one subscription. A period alone has at most 21 items of PRICE_COMPONENTS_MAX: what is renewed early, and changed
 * then, stays within it (charges_check). One credit-note.create can take them all back. */
enum { CHARGES_MAX = 1000 };

struct charges {
  const struct charge *at;
  size_t count;
  const struct utime *cuts; /* in order, whole seconds */
  size_t cut_count;
};

/* json: the column; cuts: a JSON array of seconds since 1970. RC_INVARIANT for what charges_write did not write. */
MUST_CHECK enum rc charges_read(struct arena *arena, const char *json, const char *cuts,
                                const struct currency *currency, struct charges *ret_charges, struct error *err);
/* Sets what may still be given back of each, after credit notes (BILL-022): nothing of what is on a void invoice, all
 * of what is not invoiced yet. */
MUST_CHECK enum rc charges_limit(struct work *work, const char *tenant, const char *subscription,
                                 struct charges *charges, struct error *err);
/* The JSON array of cuts alone. */
const struct utime *charges_cuts_read(struct arena *arena, const char *json, size_t *ret_count);
/* Whether so many can be kept; RC_CONFLICT naming `field`, which may be NULL. */
MUST_CHECK enum rc charges_check(size_t count, const char *field, struct error *err);

/* The column `renewed_periods`, and back; NULL for none. */
const struct renewed_period *renewed_read(struct arena *arena, const char *json, size_t *ret_count);
const char *renewed_text(struct arena *arena, const struct billable *subscription);
/* As a text in the arena, for the column. */
const char *charges_text(struct arena *arena, const struct charges *charges, const struct currency *currency);
const char *charges_cuts_literal(struct arena *arena, const struct charges *charges);

/* The lines in advance of the period that billing just began. */
struct charges charges_of_period(struct arena *arena, const struct billable *subscription);

/* Those of periods that end later; with all the cuts. */
struct charges charges_not_over(struct arena *arena, const struct charges *charges, struct date today);

/* With one cut more, at `now`; cuts and charges of what is over by then are dropped. RC_CONFLICT when there are too
 * many. */
MUST_CHECK enum rc charges_cut(struct arena *arena, const struct charges *charges, const struct billable *subscription,
                               struct utime now, struct charges *ret_charges, struct error *err);

/* What of a charge of the subscription is left after all cuts. */
MUST_CHECK enum rc charges_rest(struct arena *arena, const struct charges *charges, const struct billable *subscription,
                                enum proration_basis basis, const struct charge *charge, int64_t *ret_rest,
                                struct error *err);

/* The instant, and the day, at which the last cut takes effect, by the day or the second; the start of a charge that
 * begins later. */
struct utime charges_effective(const struct charges *charges, const struct billable *subscription,
                               enum proration_basis basis, const struct charge *charge, struct date *ret_day);

/* The plan whose charge it is, in a state of the subscription that has been charged it. */
const struct plan_price *charge_plan(const struct billable *subscription, const struct charge *charge);

/* The charges as they are when the state changes and they do not: each says whose it is from now on. */
struct charges charges_left_alone(struct arena *arena, const struct charges *charges, const struct billable *old,
                                  const struct billable *new);

#endif
