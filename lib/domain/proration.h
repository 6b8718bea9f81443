/* Proration by day (BILL-020 to BILL-022). */
#ifndef DOMAIN_PRORATION_H
#define DOMAIN_PRORATION_H

#include <stdint.h>

#include "base/error.h"
#include "domain/calendar.h"

/* What a period costs: amount for a whole one, its share by days for a short one (BILL-021), rounded once. */
MUST_CHECK enum rc proration_charge(int64_t amount_minor, const struct period *period, int64_t *ret_minor,
                                    struct error *err);
/* What is left of `charged` for a span of `days` after `used` of them (BILL-022): charged - round(charged × used ÷
 * days). */
MUST_CHECK enum rc proration_rest(int64_t charged_minor, int32_t used_days, int32_t days, int64_t *ret_rest,
                                  struct error *err);

#endif
