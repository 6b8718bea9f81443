/* Currencies, sums, rounding, splits, and the texts of amounts. */
#include "base/money.h"

#include <criterion/criterion.h>
#include <criterion/redirect.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "unit/property.h"

/* ---- currencies ---- */

Test(money, currencies_have_the_exponents_of_iso_4217) {
  static const struct {
    const char *code;
    int exponent;
  } CASES[] = {
      {"USD", 2}, {"EUR", 2}, {"GBP", 2}, {"CHF", 2}, {"HUF", 2}, {"TWD", 2}, {"MGA", 2}, {"XCG", 2}, {"ZWG", 2},
      {"BHD", 3}, {"IQD", 3}, {"JOD", 3}, {"KWD", 3}, {"LYD", 3}, {"OMR", 3}, {"TND", 3}, {"BIF", 0}, {"CLP", 0},
      {"DJF", 0}, {"GNF", 0}, {"ISK", 0}, {"JPY", 0}, {"KMF", 0}, {"KRW", 0}, {"PYG", 0}, {"RWF", 0}, {"UGX", 0},
      {"UYI", 0}, {"VND", 0}, {"VUV", 0}, {"XAF", 0}, {"XOF", 0}, {"XPF", 0}, {"CLF", 4}, {"UYW", 4},
  };
  for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
    const struct currency *currency = currency_find(CASES[i].code);
    cr_assert_not_null(currency, "%s", CASES[i].code);
    cr_expect_str_eq(currency->code, CASES[i].code);
    cr_expect_eq(currency->exponent, CASES[i].exponent, "%s", CASES[i].code);
  }
}

Test(money, each_currency_of_the_table_is_found_by_its_code) {
  size_t count = 0;
  for (const struct currency *currency; (currency = currency_at(count)) != NULL; count++) {
    cr_expect_eq(currency_find(currency->code), currency, "%s", currency->code);
    cr_expect_eq(strspn(currency->code, "ABCDEFGHIJKLMNOPQRSTUVWXYZ"), 3, "%s", currency->code);
    cr_expect(currency->exponent >= 0 && currency->exponent <= 4, "%s", currency->code);
    if (count > 0) cr_expect_gt(strcmp(currency->code, currency_at(count - 1)->code), 0, "%s", currency->code);
  }
  cr_expect_geq(count, 150);
  cr_expect_null(currency_at(SIZE_MAX));
}

Test(money, what_is_no_currency_in_use_is_not_found) {
  static const char *const CASES[] = {"", "US", "usd", "USDX", "DEM", "HRK", "BGN", "XAU", "XXX", "XTS", "ZWL", "ANG"};
  for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) cr_expect_null(currency_find(CASES[i]), "%s", CASES[i]);
}

/* ---- sums, products ---- */

Test(money, sums_end_at_the_limit) {
  static const struct {
    int64_t a, b;
    bool ok;
    int64_t sum;
  } CASES[] = {
      {1, 2, true, 3},
      {-5, 3, true, -2},
      {MONEY_MAX, 0, true, MONEY_MAX},
      {MONEY_MAX, 1, false, 0},
      {-MONEY_MAX, -1, false, 0},
      {MONEY_MAX - 1, 1, true, MONEY_MAX},
      {INT64_MAX, INT64_MAX, false, 0},
      {INT64_MIN, INT64_MIN, false, 0},
      {INT64_MAX, INT64_MIN, true, -1},
  };
  for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
    int64_t sum = 4711;
    cr_expect_eq(money_add(CASES[i].a, CASES[i].b, &sum), CASES[i].ok, "row %zu", i);
    cr_expect_eq(sum, CASES[i].ok ? CASES[i].sum : 4711, "row %zu", i);
  }
}

Test(money, products_end_at_the_limit) {
  static const struct {
    int64_t amount, factor;
    bool ok;
    int64_t product;
  } CASES[] = {
      {199, 3, true, 597},      {-199, 3, true, -597},           {199, -3, true, -597},
      {199, 0, true, 0},        {MONEY_MAX, 1, true, MONEY_MAX}, {MONEY_MAX, -1, true, -MONEY_MAX},
      {MONEY_MAX, 2, false, 0}, {INT64_MIN, -1, false, 0},       {INT64_MAX, INT64_MAX, false, 0},
  };
  for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
    int64_t product = 4711;
    cr_expect_eq(money_multiply(CASES[i].amount, CASES[i].factor, &product), CASES[i].ok, "row %zu", i);
    cr_expect_eq(product, CASES[i].ok ? CASES[i].product : 4711, "row %zu", i);
  }
}

/* ---- rounding: BILL-002 ---- */

/* The nearest whole number to n ÷ d by trying; of two as near, the one farther from zero. */
static int64_t nearest(int64_t n, int64_t d) {
  int64_t best = 0;
  for (int64_t q = -500; q <= 500; q++) {
    int64_t miss = llabs(n - q * d);
    int64_t best_miss = llabs(n - best * d);
    if (miss < best_miss || (miss == best_miss && llabs(q) > llabs(best))) best = q;
  }
  return best;
}

Test(money, rounding_is_half_away_from_zero) {
  for (int64_t n = -120; n <= 120; n++) {
    for (int64_t d = 1; d <= 25; d++)
      cr_assert_eq((int64_t)round_half_away(n, d), nearest(n, d), "%lld / %lld", (long long)n, (long long)d);
  }
}

Test(money, rounding_misses_by_half_at_most_for_128_bits) {
  struct dice dice = dice_new();
  for (int i = 0; i < MONEY_CASES; i++) {
    int128 n = (int128)(int64_t)dice_bits(&dice) * (int64_t)dice_bits(&dice);
    int128 d = (int128)(dice_bits(&dice) >> (dice_bits(&dice) % 60)) + 1;
    int128 q = round_half_away(n, d);
    int128 miss = n - q * d;
    cr_assert(2 * miss <= d && 2 * miss >= -d);
    if (2 * miss == d || 2 * miss == -d) cr_assert(n < 0 ? miss > 0 : miss < 0, "a half goes away from zero");
  }
}

Test(money, rounding_by_nothing_is_our_bug, .signal = SIGABRT, .init = cr_redirect_stderr) {
  (void)round_half_away(1, 0);
}

Test(money, scaling_rounds_once_at_the_end) {
  static const struct {
    int64_t amount, numerator, denominator;
    bool ok;
    int64_t scaled;
  } CASES[] = {
      {1000, 14, 31, true, 452}, /* BILL-021 */
      {1000, 1, 2, true, 500},
      {5, 1, 2, true, 3},
      {-5, 1, 2, true, -3},
      {1, 1, 3, true, 0},
      {2, 1, 3, true, 1},
      {-1, 1, 2, true, -1},
      {0, 7, 9, true, 0},
      {MONEY_MAX, 1, 1, true, MONEY_MAX},
      {MONEY_MAX, INT64_MAX, INT64_MAX, true, MONEY_MAX},
      {MONEY_MAX, 2, 1, false, 0},
      {-MONEY_MAX, 3, 2, false, 0},
      {INT64_MIN, INT64_MIN, 1, false, 0},
  };
  for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
    int64_t scaled = 4711;
    cr_expect_eq(money_scale(CASES[i].amount, CASES[i].numerator, CASES[i].denominator, &scaled), CASES[i].ok,
                 "row %zu", i);
    cr_expect_eq(scaled, CASES[i].ok ? CASES[i].scaled : 4711, "row %zu", i);
  }
}

/* ---- splits: BILL-003 ---- */

Test(money, splits_go_by_largest_remainder_and_then_by_order) {
  static const struct {
    int64_t total;
    size_t count;
    int64_t weights[5];
    int64_t parts[5];
  } CASES[] = {
      {100, 3, {1, 1, 1}, {34, 33, 33}},
      {-100, 3, {1, 1, 1}, {-34, -33, -33}},
      {101, 3, {1, 1, 1}, {34, 34, 33}},
      {10, 4, {10, 20, 30, 40}, {1, 2, 3, 4}},
      {1, 3, {0, 0, 5}, {0, 0, 1}},
      {2, 3, {5, 0, 5}, {1, 0, 1}},
      {1, 2, {1, 2}, {0, 1}},
      {0, 2, {1, 2}, {0, 0}},
      {7, 1, {3}, {7}},
      {1000, 4, {100, 50, 30, 20}, {500, 250, 150, 100}}, /* BILL-042: the coupon of 10 */
      {5, 5, {1, 1, 1, 1, 2}, {1, 1, 1, 1, 1}},
      {MONEY_MAX, 2, {INT64_MAX, INT64_MAX}, {MONEY_MAX / 2 + 1, MONEY_MAX / 2}},
  };
  for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
    int64_t parts[5];
    money_split(CASES[i].total, CASES[i].weights, CASES[i].count, parts);
    for (size_t j = 0; j < CASES[i].count; j++)
      cr_expect_eq(parts[j], CASES[i].parts[j], "row %zu, part %zu: %lld", i, j, (long long)parts[j]);
  }
}

struct share {
  int64_t part;
  int128 rest;
  size_t order;
};

static int by_rest_then_order(const void *a, const void *b) {
  const struct share *x = a;
  const struct share *y = b;
  if (x->rest != y->rest) return x->rest > y->rest ? -1 : 1;
  return x->order < y->order ? -1 : 1;
}

/* The rule as one would do it on paper: whole parts, sort by what is left over, hand out the rest. */
static void split_by_sorting(int64_t total, const int64_t *weights, size_t count, int64_t *ret_parts) {
  struct share shares[64] = {{0}};
  int128 sum = 0;
  int64_t left = llabs(total);
  for (size_t i = 0; i < count; i++) sum += weights[i];
  for (size_t i = 0; i < count; i++) {
    int128 exact = (int128)llabs(total) * weights[i];
    shares[i] = (struct share){(int64_t)(exact / sum), exact % sum, i};
    left -= shares[i].part;
  }
  qsort(shares, count, sizeof shares[0], by_rest_then_order);
  for (size_t i = 0; i < count; i++)
    ret_parts[shares[i].order] = (total < 0 ? -1 : 1) * (shares[i].part + (i < (size_t)left));
}

Test(money, splits_conserve_and_agree_with_the_rule_done_by_sorting) {
  struct dice dice = dice_new();
  for (int i = 0; i < MONEY_CASES; i++) {
    int64_t weights[64];
    int64_t parts[64];
    int64_t expected[64];
    size_t count = (size_t)dice_between(&dice, 1, 64);
    int64_t most = i % 3 == 0 ? 3 : i % 3 == 1 ? 100000 : INT64_MAX - 1;
    int64_t total = dice_between(&dice, -MONEY_MAX, MONEY_MAX) / (i % 2 == 0 ? 1 : MONEY_MAX / 1000);
    for (size_t j = 0; j < count; j++) weights[j] = dice_between(&dice, 0, most);
    weights[dice_between(&dice, 0, (int64_t)count - 1)] = 1;
    money_split(total, weights, count, parts);
    split_by_sorting(total, weights, count, expected);
    int64_t sum = 0;
    for (size_t j = 0; j < count; j++) {
      sum += parts[j];
      cr_assert_eq(parts[j], expected[j], "case %d, part %zu", i, j);
      if (weights[j] == 0) cr_assert_eq(parts[j], 0);
    }
    cr_assert_eq(sum, total);
  }
}

Test(money, a_large_split_is_quick) {
  enum { LINES = 10000 };
  static int64_t weights[LINES];
  static int64_t parts[LINES];
  int64_t sum = 0;
  for (size_t i = 0; i < LINES; i++) weights[i] = (int64_t)(i % 97) + 1;
  money_split(MONEY_MAX - 12345, weights, LINES, parts);
  for (size_t i = 0; i < LINES; i++) sum += parts[i];
  cr_expect_eq(sum, MONEY_MAX - 12345);
}

Test(money, a_split_without_weight_is_our_bug, .signal = SIGABRT, .init = cr_redirect_stderr) {
  int64_t part;
  money_split(1, (const int64_t[]){0}, 1, &part);
}

Test(money, a_negative_weight_is_our_bug, .signal = SIGABRT, .init = cr_redirect_stderr) {
  int64_t parts[2];
  money_split(1, (const int64_t[]){-1, 2}, 2, parts);
}

/* ---- texts: BILL-004 ---- */

Test(money, formats_with_exactly_the_digits_of_the_currency) {
  static const struct {
    int64_t minor;
    const char *currency, *text;
  } CASES[] = {
      {9900, "USD", "99.00"},
      {-123450, "USD", "-1234.50"},
      {5, "USD", "0.05"},
      {-5, "USD", "-0.05"},
      {0, "USD", "0.00"},
      {0, "JPY", "0"},
      {-1234, "JPY", "-1234"},
      {1234, "KWD", "1.234"},
      {1, "KWD", "0.001"},
      {12345, "CLF", "1.2345"},
      {MONEY_MAX, "USD", "9999999999999.99"},
      {-MONEY_MAX, "JPY", "-999999999999999"},
      {INT64_MIN, "KWD", "-9223372036854775.808"},
  };
  for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
    char text[MONEY_TEXT_MAX];
    cr_expect_str_eq(money_format(CASES[i].minor, currency_find(CASES[i].currency), text), CASES[i].text);
  }
}

Test(money, reads_up_to_the_digits_of_the_currency) {
  static const struct {
    const char *text, *currency;
    int64_t minor;
  } CASES[] = {
      {"99", "USD", 9900},
      {"99.0", "USD", 9900},
      {"99.00", "USD", 9900},
      {"-5.25", "USD", -525},
      {"0", "USD", 0},
      {"-0", "USD", 0},
      {"-0.00", "USD", 0},
      {"0.05", "USD", 5},
      {"1234", "JPY", 1234},
      {"1.234", "KWD", 1234},
      {"1.2", "KWD", 1200},
      {"0.0001", "CLF", 1},
      {"9999999999999.99", "USD", MONEY_MAX},
      {"-9999999999999.99", "USD", -MONEY_MAX},
      {"999999999999999", "JPY", MONEY_MAX},
  };
  for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
    int64_t minor = 4711;
    struct error err;
    cr_expect_eq(money_parse(CASES[i].text, currency_find(CASES[i].currency), "amount", &minor, &err), RC_OK, "%s",
                 CASES[i].text);
    cr_expect_eq(minor, CASES[i].minor, "%s %s", CASES[i].text, CASES[i].currency);
  }
}

Test(money, what_is_no_amount_of_the_currency_is_refused_by_field) {
  static const struct {
    const char *text, *currency;
  } CASES[] = {
      {"", "USD"},
      {"-", "USD"},
      {"99.001", "USD"},
      {"99.000", "USD"},
      {"99.0", "JPY"},
      {"1.2345", "KWD"},
      {"1e2", "USD"},
      {"1E2", "USD"},
      {"1.0e0", "USD"},
      {"+1", "USD"},
      {".5", "USD"},
      {"-.5", "USD"},
      {"5.", "USD"},
      {"5.", "JPY"},
      {" 5", "USD"},
      {"5 ", "USD"},
      {"5\n", "USD"},
      {"--5", "USD"},
      {"NaN", "USD"},
      {"Infinity", "USD"},
      {"0x10", "USD"},
      {"1,000.00", "USD"},
      {"1_000", "USD"},
      {"1.2.3", "USD"},
      {"007", "USD"},
      {"00", "USD"},
      {"-01.00", "USD"},
      {"10000000000000.00", "USD"},
      {"10000000000000", "USD"},
      {"1000000000000000", "JPY"},
      {"99999999999999999999999999999999999999999", "USD"},
      {"\xD9\xA1\xD9\xA2", "USD"}, /* Arabic digits */
      {"1.99999999999999999999999999999999999999999", "USD"},
      {"99999999999999999999999999999.5", "JPY"},
  };
  for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
    int64_t minor = 4711;
    struct error err = {.code = RC_OK};
    cr_expect_eq(money_parse(CASES[i].text, currency_find(CASES[i].currency), "items[0].amount", &minor, &err),
                 RC_VALIDATION, "\"%s\" %s", CASES[i].text, CASES[i].currency);
    cr_expect_str_eq(err.field, "items[0].amount");
    cr_expect_eq(minor, 4711, "untouched");
  }
}

/* What is wrong with it is said, however many digits there are. */
Test(money, says_of_too_many_decimals_that_they_are_too_many) {
  static const struct {
    const char *text, *part;
  } CASES[] = {
      {"1.999", "at most 2 decimals"},
      {"1.99999999999999999999999999999999999999999", "at most 2 decimals"},
      {"99999999999999999999999999999.999", "at most 2 decimals"},
      {"99999999999999999999999999999.99", "too large"},
      {"9999999999999999.9", "too large"},
      {"99999999999999999999999999999x", "a decimal amount"},
  };
  for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
    int64_t minor;
    struct error err = {.code = RC_OK};
    cr_expect_eq(money_parse(CASES[i].text, currency_find("USD"), "price", &minor, &err), RC_VALIDATION);
    cr_expect_not_null(strstr(err.text, CASES[i].part), "%s: %s", CASES[i].text, err.text);
  }
}

Test(money, format_and_parse_are_inverse_in_every_currency) {
  struct dice dice = dice_new();
  for (int i = 0; i < MONEY_CASES; i++) {
    char text[MONEY_TEXT_MAX];
    struct error err;
    const struct currency *currency = currency_at((size_t)i % 150);
    int64_t minor = dice_between(&dice, -MONEY_MAX, MONEY_MAX) >> (i % 50);
    int64_t back;
    cr_assert_eq(money_parse(money_format(minor, currency, text), currency, "amount", &back, &err), RC_OK, "%s", text);
    cr_assert_eq(back, minor, "%s", text);
  }
}
