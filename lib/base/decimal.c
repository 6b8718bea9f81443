/* Fixed-point numbers in 128 bits. Decimals and quantities differ in their scale and maximum only, so one reader and
 * one writer serve both: the reader takes digits into an integer, and brings it to the scale at the end. */
#include "base/decimal.h"

#include <limits.h>
#include <string.h>

#include "base/assert.h"

struct scale {
  int decimals;
  int128 max;
  const char *like; /* in the refusal */
};

static const struct scale DECIMAL_SCALE = {DECIMAL_DECIMALS, DECIMAL_MAX, "must be a decimal number like 0.0125"};
static const struct scale QUANTITY_SCALE = {QUANTITY_DECIMALS, QUANTITY_MAX, "must be a decimal number like 2.5"};

static bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

/* Reads digits into *value, as many as count, and counts them all; false past the maximum. */
static bool read_digits(const char **at, int counting, int128 max, int128 *value, int *ret_digits) {
  *ret_digits = 0;
  for (; is_digit(**at); (*at)++, (*ret_digits)++) {
    if (*ret_digits >= counting) continue;
    *value = *value * 10 + (**at - '0');
    if (*value > max) return false;
  }
  return true;
}

/* BILL-004. Zeros past the last decimal would leave the value alone and are refused all the same: the text claims to
 * be more exact than the number can be. */
static enum rc parse(const char *text, const struct scale *scale, const char *field, int128 *ret_value,
                     struct error *err) {
  const char *at = text;
  int128 value = 0;
  int whole_digits = 0;
  int decimals = 0;
  bool negative = *at == '-';
  if (negative) at++;
  bool leading_zero = at[0] == '0' && is_digit(at[1]);
  bool within = read_digits(&at, INT_MAX, scale->max, &value, &whole_digits);
  if (within && *at == '.' && is_digit(at[1])) {
    at++;
    within = read_digits(&at, scale->decimals, scale->max, &value, &decimals);
  }
  if (decimals > scale->decimals)
    return error_field(err, RC_VALIDATION, field, "must have at most %d decimals", scale->decimals);
  for (int i = decimals; within && i < scale->decimals && *at == '\0'; i++) {
    value *= 10;
    within = value <= scale->max;
  }
  if (!within) return error_field(err, RC_VALIDATION, field, "is too large");
  if (*at != '\0' || whole_digits == 0 || leading_zero)
    return error_field(err, RC_VALIDATION, field, "%s", scale->like);
  *ret_value = negative ? -value : value;
  return RC_OK;
}

enum rc decimal_parse(const char *text, const char *field, struct decimal *ret_value, struct error *err) {
  return parse(text, &DECIMAL_SCALE, field, &ret_value->pico, err);
}

enum rc quantity_parse(const char *text, const char *field, struct quantity *ret_value, struct error *err) {
  int128 micro = 0;
  TRY(parse(text, &QUANTITY_SCALE, field, &micro, err));
  ret_value->micro = (int64_t)micro;
  return RC_OK;
}

/* Division of 128 bits is a loop: most values need none. */
static int128 tenth(int128 value) {
  return value >= INT64_MIN && value <= INT64_MAX ? (int64_t)value / 10 : value / 10;
}

/* Written from the end, as digits come out of a division. */
const char *fixed_format(int128 value, int decimals, char text[static DECIMAL_TEXT_MAX]) {
  char digits[DECIMAL_TEXT_MAX];
  char *at = digits + sizeof digits - 1;
  bool negative = value < 0;
  bool is_behind_point = decimals > 0;
  bool has_decimals = false;
  ASSERT(decimals >= 0 && decimals <= 38);
  *at = '\0';
  for (int place = 0; place <= decimals || value != 0; place++, value = tenth(value)) {
    if (is_behind_point && place == decimals) {
      if (has_decimals) *--at = '.';
      is_behind_point = false;
    }
    int digit = (int)(value - 10 * tenth(value));
    if (is_behind_point && digit == 0 && !has_decimals) continue;
    has_decimals = has_decimals || is_behind_point;
    *--at = (char)('0' + (digit < 0 ? -digit : digit));
  }
  if (negative) *--at = '-';
  memcpy(text, at, (size_t)(digits + sizeof digits - at));
  return text;
}

const char *decimal_format(struct decimal value, char text[static DECIMAL_TEXT_MAX]) {
  return fixed_format(value.pico, DECIMAL_DECIMALS, text);
}

const char *quantity_format(struct quantity value, char text[static DECIMAL_TEXT_MAX]) {
  return fixed_format(value.micro, QUANTITY_DECIMALS, text);
}

const char *decimal_format_price(struct decimal value, const struct currency *currency,
                                 char text[static DECIMAL_TEXT_MAX]) {
  decimal_format(value, text);
  if (currency->exponent == 0) return text;
  size_t length = strlen(text);
  const char *point = strchr(text, '.');
  if (!point) {
    point = text + length;
    text[length++] = '.';
  }
  for (const char *least = point + 1 + currency->exponent; text + length < least;) text[length++] = '0';
  text[length] = '\0';
  return text;
}

struct decimal decimal_of_money(int64_t minor, const struct currency *currency) {
  ASSERT(minor >= -MONEY_MAX && minor <= MONEY_MAX);
  int128 pico = (int128)minor * PICO;
  for (int i = 0; i < currency->exponent; i++) pico /= 10; /* exact: PICO has more zeros than a currency has digits */
  return (struct decimal){pico};
}

struct quantity quantity_of(int64_t whole) {
  ASSERT(whole >= -QUANTITY_MAX / MICRO && whole <= QUANTITY_MAX / MICRO);
  return (struct quantity){whole * MICRO};
}

bool decimal_add(struct decimal a, struct decimal b, struct decimal *ret_sum) {
  int128 sum = a.pico + b.pico;
  if (sum > DECIMAL_MAX || sum < -DECIMAL_MAX) return false;
  ret_sum->pico = sum;
  return true;
}

bool quantity_add(struct quantity a, struct quantity b, struct quantity *ret_sum) {
  int128 sum = (int128)a.micro + b.micro;
  if (sum > QUANTITY_MAX || sum < -QUANTITY_MAX) return false;
  ret_sum->micro = (int64_t)sum;
  return true;
}

bool decimal_times(struct decimal value, struct quantity quantity, int128 *ret_atto) {
  int128 product;
  if (__builtin_mul_overflow(value.pico, (int128)quantity.micro, &product)) return false;
  *ret_atto = product;
  return true;
}
