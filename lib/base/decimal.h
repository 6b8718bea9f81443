/* Exact numbers finer than money: unit prices and percentages with up to 12 decimals, quantities with up to 6. They are
 * integers with a fixed scale, so that sums and products are exact; what rounds says so. No floating point anywhere.
 *
 * Magnitudes: a decimal is at most 10^15 (10^27 pico), a quantity 10^12 (10^18 micro). The product of the largest two
 * does not fit into 128 bits: decimal_times says so. */
#ifndef BASE_DECIMAL_H
#define BASE_DECIMAL_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/money.h"

struct decimal {
  int128 pico; /* 10^-12 */
};

struct quantity {
  int64_t micro; /* 10^-6 */
};

enum { DECIMAL_DECIMALS = 12, QUANTITY_DECIMALS = 6, ATTO_DECIMALS = DECIMAL_DECIMALS + QUANTITY_DECIMALS };

#define PICO         INT64_C(1000000000000)
#define MICRO        INT64_C(1000000)
#define DECIMAL_MAX  ((int128)INT64_C(1000000000000000) * PICO) /* 10^15 */
#define QUANTITY_MAX (INT64_C(1000000000000) * MICRO)           /* 10^12 */

/* BILL-004: "0.000000000001", "-5.25", "12". More decimals than there is room for (zeros too), an exponent, "+1", ".5",
 * "5.", spaces, NaN or a number beyond the maximum is RC_VALIDATION naming `field`. What must not be negative is the
 * caller's to check. */
MUST_CHECK enum rc decimal_parse(const char *text, const char *field, struct decimal *ret_value, struct error *err);
MUST_CHECK enum rc quantity_parse(const char *text, const char *field, struct quantity *ret_value, struct error *err);

/* The shortest text: no zeros at the end, no point without decimals. Parsing it gives the number back. */
enum { DECIMAL_TEXT_MAX = 48 };
const char *decimal_format(struct decimal value, char text[static DECIMAL_TEXT_MAX]);
const char *quantity_format(struct quantity value, char text[static DECIMAL_TEXT_MAX]);
/* The shortest text with no fewer decimals than the currency has, as people write prices: "49.00", "0.0125". */
const char *decimal_format_price(struct decimal value, const struct currency *currency,
                                 char text[static DECIMAL_TEXT_MAX]);
/* value × 10^-decimals, shortest; for exact sums that have a scale of their own. decimals is at most 38. */
const char *fixed_format(int128 value, int decimals, char text[static DECIMAL_TEXT_MAX]);

/* An amount of money as a decimal: any amount within MONEY_MAX has one. */
struct decimal decimal_of_money(int64_t minor, const struct currency *currency);
struct quantity quantity_of(int64_t whole); /* |whole| is at most 10^12 */

/* False beyond the maximum; *ret_ is then untouched. */
MUST_CHECK bool decimal_add(struct decimal a, struct decimal b, struct decimal *ret_sum);
MUST_CHECK bool quantity_add(struct quantity a, struct quantity b, struct quantity *ret_sum);
/* Exactly value × quantity in units of 10^-18; false beyond 128 bits. */
MUST_CHECK bool decimal_times(struct decimal value, struct quantity quantity, int128 *ret_atto);

#endif
