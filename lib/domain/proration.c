/* What a part of a period costs, and what of a charge is left. Both sides of a change go through the same two
 * functions, so that a change there and back nets to zero to the cent (BILL-022). */
#include "domain/proration.h"

#include "base/assert.h"
#include "base/money.h"

static enum rc too_large(struct error *err) {
  return error_field(err, RC_VALIDATION, "amount", "the amount is too large");
}

/* BILL-020, BILL-021: rounded once, here (BILL-002). */
enum rc proration_charge(int64_t amount_minor, const struct period *period, int64_t *ret_minor, struct error *err) {
  int32_t days = period_days(period);
  int32_t full_days = period_full_days(period);
  ASSERT(days > 0 && days <= full_days);
  return money_scale(amount_minor, days, full_days, ret_minor) ? RC_OK : too_large(err);
}

/* BILL-022 */
enum rc proration_rest(int64_t charged_minor, int32_t used_days, int32_t days, int64_t *ret_rest, struct error *err) {
  ASSERT(days > 0 && used_days >= 0 && used_days <= days);
  int64_t used;
  if (charged_minor > MONEY_MAX || charged_minor < -MONEY_MAX) return too_large(err);
  if (!money_scale(charged_minor, used_days, days, &used)) return too_large(err);
  int64_t rest = charged_minor - used;
  ASSERT(charged_minor >= 0 ? rest >= 0 && rest <= charged_minor : rest <= 0 && rest >= charged_minor);
  *ret_rest = rest;
  return RC_OK;
}
