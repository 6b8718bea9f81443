/* Amounts in minor units: sums that know their limit, one way to round, a split that loses nothing, and the two texts
 * of an amount. 128-bit intermediates hold any product of two 64-bit numbers exactly. */
#include "base/money.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "base/digits.h"

/* ISO 4217 list one as of 2026, sorted by code: what has a number of minor units, funds included; without metals, bond
 * units and drawing rights, which nobody is billed in. */
static const struct currency CURRENCIES[] = {
    {"AED", 2}, {"AFN", 2}, {"ALL", 2}, {"AMD", 2}, {"AOA", 2}, {"ARS", 2}, {"AUD", 2}, {"AWG", 2}, {"AZN", 2},
    {"BAM", 2}, {"BBD", 2}, {"BDT", 2}, {"BHD", 3}, {"BIF", 0}, {"BMD", 2}, {"BND", 2}, {"BOB", 2}, {"BOV", 2},
    {"BRL", 2}, {"BSD", 2}, {"BTN", 2}, {"BWP", 2}, {"BYN", 2}, {"BZD", 2}, {"CAD", 2}, {"CDF", 2}, {"CHE", 2},
    {"CHF", 2}, {"CHW", 2}, {"CLF", 4}, {"CLP", 0}, {"CNY", 2}, {"COP", 2}, {"COU", 2}, {"CRC", 2}, {"CUP", 2},
    {"CVE", 2}, {"CZK", 2}, {"DJF", 0}, {"DKK", 2}, {"DOP", 2}, {"DZD", 2}, {"EGP", 2}, {"ERN", 2}, {"ETB", 2},
    {"EUR", 2}, {"FJD", 2}, {"FKP", 2}, {"GBP", 2}, {"GEL", 2}, {"GHS", 2}, {"GIP", 2}, {"GMD", 2}, {"GNF", 0},
    {"GTQ", 2}, {"GYD", 2}, {"HKD", 2}, {"HNL", 2}, {"HTG", 2}, {"HUF", 2}, {"IDR", 2}, {"ILS", 2}, {"INR", 2},
    {"IQD", 3}, {"IRR", 2}, {"ISK", 0}, {"JMD", 2}, {"JOD", 3}, {"JPY", 0}, {"KES", 2}, {"KGS", 2}, {"KHR", 2},
    {"KMF", 0}, {"KPW", 2}, {"KRW", 0}, {"KWD", 3}, {"KYD", 2}, {"KZT", 2}, {"LAK", 2}, {"LBP", 2}, {"LKR", 2},
    {"LRD", 2}, {"LSL", 2}, {"LYD", 3}, {"MAD", 2}, {"MDL", 2}, {"MGA", 2}, {"MKD", 2}, {"MMK", 2}, {"MNT", 2},
    {"MOP", 2}, {"MRU", 2}, {"MUR", 2}, {"MVR", 2}, {"MWK", 2}, {"MXN", 2}, {"MXV", 2}, {"MYR", 2}, {"MZN", 2},
    {"NAD", 2}, {"NGN", 2}, {"NIO", 2}, {"NOK", 2}, {"NPR", 2}, {"NZD", 2}, {"OMR", 3}, {"PAB", 2}, {"PEN", 2},
    {"PGK", 2}, {"PHP", 2}, {"PKR", 2}, {"PLN", 2}, {"PYG", 0}, {"QAR", 2}, {"RON", 2}, {"RSD", 2}, {"RUB", 2},
    {"RWF", 0}, {"SAR", 2}, {"SBD", 2}, {"SCR", 2}, {"SDG", 2}, {"SEK", 2}, {"SGD", 2}, {"SHP", 2}, {"SLE", 2},
    {"SOS", 2}, {"SRD", 2}, {"SSP", 2}, {"STN", 2}, {"SVC", 2}, {"SYP", 2}, {"SZL", 2}, {"THB", 2}, {"TJS", 2},
    {"TMT", 2}, {"TND", 3}, {"TOP", 2}, {"TRY", 2}, {"TTD", 2}, {"TWD", 2}, {"TZS", 2}, {"UAH", 2}, {"UGX", 0},
    {"USD", 2}, {"USN", 2}, {"UYI", 0}, {"UYU", 2}, {"UYW", 4}, {"UZS", 2}, {"VED", 2}, {"VES", 2}, {"VND", 0},
    {"VUV", 0}, {"WST", 2}, {"XAF", 0}, {"XCD", 2}, {"XCG", 2}, {"XOF", 0}, {"XPF", 0}, {"YER", 2}, {"ZAR", 2},
    {"ZMW", 2}, {"ZWG", 2},
};

enum { CURRENCY_COUNT = sizeof CURRENCIES / sizeof CURRENCIES[0] };

static int compare_code(const void *code, const void *currency) {
  return strcmp(code, ((const struct currency *)currency)->code);
}

const struct currency *currency_find(const char *code) {
  return bsearch(code, CURRENCIES, CURRENCY_COUNT, sizeof CURRENCIES[0], compare_code);
}

const struct currency *currency_at(size_t index) {
  return index < CURRENCY_COUNT ? &CURRENCIES[index] : NULL;
}

static bool within_limit(int128 amount, int64_t *ret_amount) {
  if (amount > MONEY_MAX || amount < -MONEY_MAX) return false;
  *ret_amount = (int64_t)amount;
  return true;
}

bool money_add(int64_t a, int64_t b, int64_t *ret_sum) {
  return within_limit((int128)a + b, ret_sum);
}

bool money_multiply(int64_t amount, int64_t factor, int64_t *ret_product) {
  return within_limit((int128)amount * factor, ret_product);
}

/* BILL-002 */
int128 round_half_away(int128 numerator, int128 denominator) {
  ASSERT(denominator > 0);
  int128 quotient = numerator / denominator;
  int128 rest = numerator % denominator; /* has the numerator's sign */
  if (rest < 0) rest = -rest;
  if (rest >= denominator - rest) quotient += numerator < 0 ? -1 : 1;
  return quotient;
}

bool money_scale(int64_t amount, int64_t numerator, int64_t denominator, int64_t *ret_scaled) {
  return within_limit(round_half_away((int128)amount * numerator, denominator), ret_scaled);
}

/* What line i's exact share leaves over after its whole part, in units of 1 ÷ weight_sum. */
static int128 share_rest(int64_t magnitude, int64_t weight, int128 weight_sum) {
  return (int128)magnitude * weight % weight_sum;
}

static size_t count_at_least(int64_t magnitude, const int64_t *weights, size_t count, int128 weight_sum, int128 least) {
  size_t found = 0;
  for (size_t i = 0; i < count; i++) found += share_rest(magnitude, weights[i], weight_sum) >= least;
  return found;
}

/* The largest rest that at least `wanted` lines have: found by halving, so that nothing is allocated or sorted. */
static int128 rest_threshold(int64_t magnitude, const int64_t *weights, size_t count, int128 weight_sum,
                             size_t wanted) {
  int128 low = 0; /* every line has that */
  int128 high = weight_sum;
  while (high - low > 1) {
    int128 middle = low + (high - low) / 2;
    if (count_at_least(magnitude, weights, count, weight_sum, middle) >= wanted) {
      low = middle;
    } else {
      high = middle;
    }
  }
  return low;
}

/* BILL-003. A negative total is split as its mirror image. */
void money_split(int64_t total, const int64_t *weights, size_t count, int64_t *ret_parts) {
  ASSERT(count >= 1 && total >= -MONEY_MAX && total <= MONEY_MAX);
  int64_t sign = total < 0 ? -1 : 1;
  int64_t magnitude = total * sign;
  int128 weight_sum = 0;
  for (size_t i = 0; i < count; i++) {
    ASSERT(weights[i] >= 0);
    weight_sum += weights[i];
  }
  ASSERT(weight_sum > 0);

  int64_t left = magnitude;
  for (size_t i = 0; i < count; i++) {
    int64_t part = (int64_t)((int128)magnitude * weights[i] / weight_sum);
    ret_parts[i] = sign * part;
    left -= part;
  }
  ASSERT(left >= 0 && (size_t)left < count);
  if (left == 0) return;

  int128 threshold = rest_threshold(magnitude, weights, count, weight_sum, (size_t)left);
  size_t above = count_at_least(magnitude, weights, count, weight_sum, threshold + 1);
  ASSERT(threshold > 0 && above <= (size_t)left);
  size_t ties = (size_t)left - above;
  for (size_t i = 0; i < count; i++) {
    int128 rest = share_rest(magnitude, weights[i], weight_sum);
    if (rest < threshold || (rest == threshold && ties == 0)) continue;
    if (rest == threshold) ties--;
    ret_parts[i] += sign;
    left--;
  }
  ASSERT(left == 0 && ties == 0);
}

static int64_t power_of_ten(int exponent) {
  static const int64_t POWERS[] = {1, 10, 100, 1000, 10000};
  ASSERT(exponent >= 0 && exponent < (int)(sizeof POWERS / sizeof POWERS[0]));
  return POWERS[exponent];
}

const char *money_format(int64_t minor, const struct currency *currency, char text[static MONEY_TEXT_MAX]) {
  uint64_t unit = (uint64_t)power_of_ten(currency->exponent);
  uint64_t magnitude = minor < 0 ? 0 - (uint64_t)minor : (uint64_t)minor;
  char *at = text;
  if (minor < 0) *at++ = '-';
  at = digits_put(at, magnitude / unit, 1);
  if (currency->exponent > 0) {
    *at++ = '.';
    at = digits_put(at, magnitude % unit, currency->exponent);
  }
  *at = '\0';
  ASSERT(at < text + MONEY_TEXT_MAX);
  return text;
}

static bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

/* Reads all digits that come, and into *amount as long as it stays within MONEY_MAX; whether it did. */
static bool read_digits(const char **at, int64_t *amount, int *ret_digits) {
  bool within = *amount <= MONEY_MAX;
  *ret_digits = 0;
  for (; is_digit(**at); (*at)++, (*ret_digits)++) {
    if (within) *amount = *amount * 10 + (**at - '0');
    within = *amount <= MONEY_MAX;
  }
  return within;
}

/* BILL-004 */
enum rc money_parse(const char *text, const struct currency *currency, const char *field, int64_t *ret_minor,
                    struct error *err) {
  const char *at = text;
  int64_t amount = 0;
  int whole_digits = 0;
  int decimals = 0;
  bool negative = *at == '-';
  if (negative) at++;
  bool leading_zero = at[0] == '0' && is_digit(at[1]);
  bool within = read_digits(&at, &amount, &whole_digits);
  if (*at == '.' && is_digit(at[1])) {
    at++;
    within = read_digits(&at, &amount, &decimals) && within;
  }
  if (*at != '\0' || whole_digits == 0 || leading_zero)
    return error_field(err, RC_VALIDATION, field, "must be a decimal amount like 99.00");
  if (decimals > currency->exponent)
    return error_field(err, RC_VALIDATION, field, "must have at most %d decimals in %s", currency->exponent,
                       currency->code);
  for (; within && decimals < currency->exponent; decimals++) {
    amount *= 10;
    within = amount <= MONEY_MAX;
  }
  if (!within) return error_field(err, RC_VALIDATION, field, "is too large");
  *ret_minor = negative ? -amount : amount;
  return RC_OK;
}
