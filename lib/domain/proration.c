/* What a part of a period costs, and what of a charge is left. Both sides of a change go through the same two
 * functions, so that a change there and back nets to zero to the cent (BILL-022). */
#include "domain/proration.h"

#include <string.h>

#include "base/assert.h"
#include "base/money.h"

static const char *const BASIS_NAMES[] = {
#define X(basis, name) [basis] = name,
    PRORATION_BASES(X)
#undef X
};

enum { BASIS_COUNT = sizeof BASIS_NAMES / sizeof BASIS_NAMES[0] };

const char *proration_basis_name(enum proration_basis basis) {
  ASSERT((size_t)basis < BASIS_COUNT);
  return BASIS_NAMES[basis];
}

bool proration_basis_from_name(const char *name, enum proration_basis *ret_basis) {
  for (size_t i = 0; i < BASIS_COUNT; i++) {
    if (strcmp(name, BASIS_NAMES[i]) != 0) continue;
    *ret_basis = (enum proration_basis)i;
    return true;
  }
  return false;
}

int64_t proration_day(const struct zone *zone, enum proration_basis basis, struct date day) {
  return basis == PRORATION_DAY ? day.days : zone_midnight(zone, day).us / UTIME_SECOND;
}

int64_t proration_instant(const struct zone *zone, enum proration_basis basis, struct utime at) {
  return basis == PRORATION_DAY ? zone_date(zone, at).days : at.us / UTIME_SECOND;
}

/* BILL-020, BILL-021 */
struct price_share proration_span(const struct zone *zone, enum proration_basis basis, struct date from, struct date to,
                                  const struct period *period) {
  int32_t days = to.days - from.days, full_days = period_full_days(period);
  ASSERT(days >= 0 && days <= full_days);
  if (days == full_days) return (struct price_share){days, full_days};
  return (struct price_share){proration_day(zone, basis, to) - proration_day(zone, basis, from),
                              proration_day(zone, basis, period->end) - proration_day(zone, basis, period->full_start)};
}

static enum rc too_large(struct error *err) {
  return error_field(err, RC_VALIDATION, "amount", "the amount is too large");
}

/* BILL-020, BILL-021: rounded once, here (BILL-002). */
enum rc proration_share(int64_t amount_minor, int64_t part, int64_t whole, int64_t *ret_minor, struct error *err) {
  ASSERT(whole >= 1 && part >= 0 && part <= whole);
  return money_scale(amount_minor, part, whole, ret_minor) ? RC_OK : too_large(err);
}

enum rc proration_charge(int64_t amount_minor, const struct period *period, int64_t *ret_minor, struct error *err) {
  ASSERT(period_days(period) > 0);
  return proration_share(amount_minor, period_days(period), period_full_days(period), ret_minor, err);
}

/* BILL-022 */
enum rc proration_rest(int64_t charged_minor, int64_t used, int64_t whole, int64_t *ret_rest, struct error *err) {
  int64_t gone;
  if (charged_minor > MONEY_MAX || charged_minor < -MONEY_MAX) return too_large(err);
  TRY(proration_share(charged_minor, used, whole, &gone, err));
  int64_t rest = charged_minor - gone;
  ASSERT(charged_minor >= 0 ? rest >= 0 && rest <= charged_minor : rest <= 0 && rest >= charged_minor);
  *ret_rest = rest;
  return RC_OK;
}
