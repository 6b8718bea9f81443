/* Money: signed 64-bit minor units beside an ISO 4217 currency (BILL-001). Intermediates are 128-bit, each line is
 * rounded once, half away from zero (BILL-002). No floating point anywhere. Every operation that could overflow says
 * so. */
#ifndef BASE_MONEY_H
#define BASE_MONEY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

__extension__ typedef __int128 int128;

struct currency {
  char code[4];
  int exponent; /* JPY 0, USD 2, KWD 3 */
};

/* NULL when ISO 4217 does not list the code as a currency in use. The table is also walked by tests. */
const struct currency *currency_find(const char *code);
const struct currency *currency_at(size_t index); /* NULL past the end */

/* |amount| is at most MONEY_MAX everywhere, so that sums of a million lines still fit. */
#define MONEY_MAX INT64_C(999999999999999) /* 10^15 - 1 minor units */

/* False on overflow of MONEY_MAX; *ret_sum is then untouched. */
MUST_CHECK bool money_add(int64_t a, int64_t b, int64_t *ret_sum);
MUST_CHECK bool money_multiply(int64_t amount, int64_t factor, int64_t *ret_product);
/* round(amount × numerator ÷ denominator), half away from zero; denominator > 0. */
MUST_CHECK bool money_scale(int64_t amount, int64_t numerator, int64_t denominator, int64_t *ret_scaled);
/* round(numerator ÷ denominator), half away from zero; denominator > 0. */
int128 round_half_away(int128 numerator, int128 denominator);

/* BILL-003: splits `total` in proportion to weights (all >= 0, their sum > 0), largest remainder, ties by order.
 * parts[i] always sum to total. count >= 1. */
void money_split(int64_t total, const int64_t *weights, size_t count, int64_t *ret_parts);

enum { MONEY_TEXT_MAX = 32 };
/* "-1234.50" in currency units with exactly the currency's digits. */
const char *money_format(int64_t minor, const struct currency *currency, char text[static MONEY_TEXT_MAX]);
/* BILL-004: reads "99", "99.0"(USD: ok, fewer digits than the currency has), "-5.25"; more digits than the currency has
 * (zeros too), an exponent, "+1", ".5", "5.", spaces or overflow is RC_VALIDATION naming `field`. */
MUST_CHECK enum rc money_parse(const char *text, const struct currency *currency, const char *field, int64_t *ret_minor,
                               struct error *err);

#endif
