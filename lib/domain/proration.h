/* Proration by day or by second (BILL-020 to BILL-022). */
#ifndef DOMAIN_PRORATION_H
#define DOMAIN_PRORATION_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/zone.h"
#include "domain/calendar.h"
#include "domain/price.h"

/* What a plan's proration counts: dates of the billing zone, or the seconds between the instants at which they begin.
 */
#define PRORATION_BASES(X) \
  X(PRORATION_DAY, "day")  \
  X(PRORATION_SECOND, "second")

enum proration_basis {
#define X(basis, name) basis,
  PRORATION_BASES(X)
#undef X
};

const char *proration_basis_name(enum proration_basis basis);
MUST_CHECK bool proration_basis_from_name(const char *name, enum proration_basis *ret_basis);

/* Days or seconds of [from, to) in those of the whole period that the anchor opens (BILL-020, BILL-021). A whole period
 * is whole, however long its days were. [from, to) lies within the period's full span. */
struct price_share proration_span(const struct zone *zone, enum proration_basis basis, struct date from, struct date to,
                                  const struct period *period);
/* Where a day begins, and where an instant is, counted in days or seconds since 1970. */
int64_t proration_day(const struct zone *zone, enum proration_basis basis, struct date day);
int64_t proration_instant(const struct zone *zone, enum proration_basis basis, struct utime at);

/* An amount's share: round(amount × part ÷ whole). part and whole are days, or seconds, of what is charged and of the
 * whole period that the anchor opens (BILL-020, BILL-021); 0 <= part <= whole, whole >= 1. */
MUST_CHECK enum rc proration_share(int64_t amount_minor, int64_t part, int64_t whole, int64_t *ret_minor,
                                   struct error *err);
/* The same for a period by days. */
MUST_CHECK enum rc proration_charge(int64_t amount_minor, const struct period *period, int64_t *ret_minor,
                                    struct error *err);
/* What is left of `charged` for a span of `whole` days or seconds after `used` of them (BILL-022): charged -
 * round(charged × used ÷ whole). */
MUST_CHECK enum rc proration_rest(int64_t charged_minor, int64_t used, int64_t whole, int64_t *ret_rest,
                                  struct error *err);

#endif
