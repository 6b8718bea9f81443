/* The two sides of a change within periods that are charged already (BILL-022 to BILL-024), as lines of an invoice; and
 * what is unused of them when service stops (BILL-053, BILL-054). No I/O. */
#ifndef BILLING_CYCLE_CHANGE_H
#define BILLING_CYCLE_CHANGE_H

#include "charges.h"

/* What of a charge is left after the cuts. */
struct unused {
  const struct charge *charge;
  int64_t amount_minor; /* not 0 */
};
MUST_CHECK enum rc change_unused(struct arena *arena, const struct charges *charges,
                                 const struct billable *subscription, struct unused **ret_unused, size_t *ret_count,
                                 struct error *err);

/* From one state to another, at the last of the cuts: adds a credit for each charge of `before` that `new` does not
 * have just so, and a charge for each of `new`'s, for the periods that the subscription has been billed for and that
 * are not over. `old` and `new` have one grid. revision: of the lines, never used before in these periods. A new state
 * after a suspension has nothing before it. new->charged_minor follows. */
MUST_CHECK enum rc change_lines(struct arena *arena, struct billing *billing, const struct billable *old,
                                struct billable *new, const struct charges *before, int64_t revision,
                                struct charges *ret_after, struct error *err);

/* Credits alone: for what another interval puts an end to (BILL-052). */
MUST_CHECK enum rc change_credits(struct arena *arena, struct billing *billing, const struct billable *old,
                                  struct billable *new, const struct charges *before, int64_t revision,
                                  struct error *err);

/* BILL-030: of add-ons that are new in a period that runs; a change of the subscription's own plan has none. */
void change_setup_fees(struct arena *arena, struct billing *billing, const struct billable *old,
                       const struct billable *new, struct utime at);

/* The first of the periods that have been billed and are not over; next_index when there is none. */
int64_t change_first_running(const struct billable *subscription, struct date today);

/* What the subscription costs for a whole period, usage apart. */
MUST_CHECK enum rc change_recurring(const struct billable *subscription, int64_t *ret_minor, struct error *err);

#endif
