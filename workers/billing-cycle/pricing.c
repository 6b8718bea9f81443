/* See pricing.h. */
#include "pricing.h"

struct price_component pricing_bare(int64_t price_minor, const struct currency *currency) {
  return (struct price_component){.code = "base",
                                  .model = PRICE_PER_UNIT,
                                  .timing = PRICE_ADVANCE,
                                  .unit_price = decimal_of_money(price_minor, currency)};
}
