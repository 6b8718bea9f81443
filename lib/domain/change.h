/* What a change within a period costs (BILL-022, BILL-023, BILL-024): the rest of what the old state was charged is
 * credited, the rest of what the new one would have been charged for the same span is charged, both by one rule.
 *
 * A span is cut by each change that happens within it. An amount follows the cuts one by one, each time from what the
 * last one left: so the amount of a state in a piece of the span depends on the state and on the cuts alone, not on
 * what was in force in between, and a change there and back nets to zero to the cent. What was not touched by a change
 * is cut by it all the same.
 *
 * Positions are days or seconds, whichever the plan prorates by, since any common beginning. Amounts are minor units.
 */
#ifndef DOMAIN_CHANGE_H
#define DOMAIN_CHANGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "domain/calendar.h"

/* What was charged, or would have been, in one piece: [start, end), start < end. */
struct change_span {
  int64_t start, end;
};

/* Changes in one period, so that nothing grows without end. */
enum { CHANGE_CUTS_MAX = 1000 };

/* The positions at which a span was cut, in order; those at or before its start leave it whole, from its end on nothing
 * is left. */
struct change_cuts {
  const int64_t *at;
  size_t count;
};

/* What is left of `charged` for the whole span after all of the cuts: rest of the rest (BILL-022). A change at the last
 * cut credits this of the old state, and charges this of what the new one costs for the whole span. */
MUST_CHECK enum rc change_rest(int64_t charged_minor, struct change_span span, struct change_cuts cuts,
                               int64_t *ret_rest, struct error *err);

/* What of `charged` falls to a piece of the span, [from, to): from its start or a cut to a later cut or its end. Pieces
 * that tile the span sum to `charged`, and what was charged in advance and taken back at the cuts comes to the same: so
 * arrears, and a minimum that was agreed on, follow a change as charges in advance do. */
MUST_CHECK enum rc change_piece(int64_t charged_minor, struct change_span span, struct change_cuts cuts, int64_t from,
                                int64_t to, int64_t *ret_minor, struct error *err);

/* A recurring price: so much for each interval. */
struct recurring {
  int64_t amount_minor;
  struct interval interval;
};
/* Whether the new one is dearer by the day (BILL-052), exactly: months and years count with their mean length in the
 * calendar (146,097 days in 400 years), so that the answer does not depend on the month. */
bool change_is_upgrade(struct recurring old, struct recurring new);

#endif
