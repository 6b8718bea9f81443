/* Decimals and quantities: what is read, what is refused, and that nothing is rounded but where it says so. */
#include "base/decimal.h"

#include <criterion/criterion.h>
#include <criterion/redirect.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "unit/property.h"

enum { CASES_MANY = 100000 };

/* What both kinds read, and its shortest text. */
static const struct {
  const char *text, *shortest;
} NUMBERS[] = {
    {"0", "0"},
    {"-0", "0"},
    {"0.0", "0"},
    {"-0.000000", "0"},
    {"1", "1"},
    {"10", "10"},
    {"100.5", "100.5"},
    {"99.00", "99"},
    {"-5.25", "-5.25"},
    {"0.000001", "0.000001"},
    {"-0.000001", "-0.000001"},
    {"0.100000", "0.1"},
    {"1000000000000", "1000000000000"},
    {"-1000000000000.000000", "-1000000000000"},
    {"999999999999.999999", "999999999999.999999"},
};

Test(decimal, reads_exactly_and_writes_the_shortest_text) {
  for (size_t i = 0; i < sizeof NUMBERS / sizeof NUMBERS[0]; i++) {
    char text[DECIMAL_TEXT_MAX];
    struct error err;
    struct decimal decimal = {-1};
    struct quantity quantity = {-1};
    cr_assert_eq(decimal_parse(NUMBERS[i].text, "unitPrice", &decimal, &err), RC_OK, "%s", NUMBERS[i].text);
    cr_expect_str_eq(decimal_format(decimal, text), NUMBERS[i].shortest);
    cr_assert_eq(quantity_parse(NUMBERS[i].text, "quantity", &quantity, &err), RC_OK, "%s", NUMBERS[i].text);
    cr_expect_str_eq(quantity_format(quantity, text), NUMBERS[i].shortest);
    cr_expect(decimal.pico == (int128)quantity.micro * MICRO, "%s: both read the same number", NUMBERS[i].text);
  }
}

Test(decimal, has_twelve_decimals_and_ends_at_ten_to_the_fifteenth) {
  static const struct {
    const char *text;
    int64_t units, pico;
  } CASES[] = {
      {"0.000000000001", 0, 1},
      {"-0.000000000001", 0, -1},
      {"0.123456789012", 0, 123456789012},
      {"1000000000000000", 1000000000000000, 0},
      {"-1000000000000000.000000000000", -1000000000000000, 0},
      {"999999999999999.999999999999", 999999999999999, 999999999999},
  };
  for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
    struct error err;
    struct decimal value = {0};
    cr_assert_eq(decimal_parse(CASES[i].text, "unitPrice", &value, &err), RC_OK, "%s", CASES[i].text);
    cr_expect(value.pico == (int128)CASES[i].units * PICO + CASES[i].pico, "%s", CASES[i].text);
  }
}

/* BILL-004: what no number is, for either kind. */
static const char *const NO_NUMBERS[] = {
    "",
    "-",
    "+1",
    "+0",
    "--1",
    ".5",
    "-.5",
    "5.",
    "-5.",
    ".",
    "1e3",
    "1E3",
    "1.0e0",
    "1e-3",
    " 1",
    "1 ",
    "1\n",
    "\t1",
    "1 000",
    "1,5",
    "1,000.00",
    "1_000",
    "1.2.3",
    "NaN",
    "nan",
    "-NaN",
    "Infinity",
    "-inf",
    "0x10",
    "1f",
    "007",
    "00",
    "-01",
    "00.5",
    "1/3",
    "½",
    "\xD9\xA1\xD9\xA2" /* Arabic digits */,
    "\xEF\xBC\x91" /* a full-width 1 */,
    "null",
    "true",
    "\0015",
    /* too many decimals, zeros too */
    "0.0000000000001",
    "1.0000000000000",
    "-1.2345678901234",
    "0.00000000000000000000000000000000000000000001",
    /* too large */
    "1000000000000000.000000000001",
    "1000000000000001",
    "-1000000000000001",
    "9999999999999999999",
    "170141183460469231731687303715884105728",
    "340282366920938463463374607431768211456",
    "99999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999",
};

Test(decimal, what_is_no_number_is_refused_by_field) {
  for (size_t i = 0; i < sizeof NO_NUMBERS / sizeof NO_NUMBERS[0]; i++) {
    struct decimal decimal = {4711};
    struct quantity quantity = {4711};
    struct error err = {.code = RC_OK};
    cr_expect_eq(decimal_parse(NO_NUMBERS[i], "prices[1].unitPrice", &decimal, &err), RC_VALIDATION, "\"%s\"",
                 NO_NUMBERS[i]);
    cr_expect_str_eq(err.field, "prices[1].unitPrice");
    cr_expect(decimal.pico == 4711, "untouched");
    err = (struct error){.code = RC_OK};
    cr_expect_eq(quantity_parse(NO_NUMBERS[i], "quantity", &quantity, &err), RC_VALIDATION, "\"%s\"", NO_NUMBERS[i]);
    cr_expect_str_eq(err.field, "quantity");
    cr_expect_eq(quantity.micro, 4711, "untouched");
  }
}

Test(decimal, a_refusal_says_what_is_wrong) {
  static const struct {
    const char *text, *why;
  } CASES[] = {
      {"1e3", "must be a decimal number like 0.0125"},
      {"1.0000000000000", "must have at most 12 decimals"},
      {"1000000000000001", "is too large"},
      {"999999999999999.0000000000001", "must have at most 12 decimals"},
  };
  for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
    struct decimal value;
    struct error err;
    cr_assert_eq(decimal_parse(CASES[i].text, "rate", &value, &err), RC_VALIDATION, "%s", CASES[i].text);
    cr_expect_str_eq(err.text, CASES[i].why, "%s: %s", CASES[i].text, err.text);
  }
}

Test(decimal, a_quantity_has_six_decimals_and_ends_at_ten_to_the_twelfth) {
  static const char *const CASES[] = {"0.0000001",     "1.0000000",      "1000000000000.000001",
                                      "1000000000001", "-1000000000001", "1000000000000000000"};
  for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
    struct quantity value = {4711};
    struct error err;
    cr_expect_eq(quantity_parse(CASES[i], "quantity", &value, &err), RC_VALIDATION, "%s", CASES[i]);
    cr_expect_eq(value.micro, 4711);
  }
}

Test(decimal, fixed_numbers_have_the_scale_that_is_asked_for) {
  static const struct {
    int64_t value;
    int decimals;
    const char *text;
  } CASES[] = {
      {0, 0, "0"},    {0, 20, "0"},       {7, 0, "7"},      {-7, 0, "-7"},
      {70, 1, "7"},   {75, 1, "7.5"},     {5, 3, "0.005"},  {-5, 3, "-0.005"},
      {1000, 3, "1"}, {1001, 3, "1.001"}, {120, 3, "0.12"}, {1, 20, "0.00000000000000000001"},
  };
  for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
    char text[DECIMAL_TEXT_MAX];
    cr_expect_str_eq(fixed_format(CASES[i].value, CASES[i].decimals, text), CASES[i].text, "row %zu: %s", i, text);
  }
  char text[DECIMAL_TEXT_MAX];
  int128 least = -((int128)1 << 126) - ((int128)1 << 126);
  cr_expect_str_eq(fixed_format(least, 38, text), "-1.70141183460469231731687303715884105728");
  cr_expect_str_eq(fixed_format(least, 0, text), "-170141183460469231731687303715884105728");
}

Test(decimal, writing_and_reading_are_inverse) {
  struct dice dice = dice_new();
  for (int i = 0; i < CASES_MANY; i++) {
    char text[DECIMAL_TEXT_MAX];
    struct error err;
    struct decimal back = {-1};
    struct decimal value = {(int128)dice_between(&dice, -1000000000000000 + 1, 1000000000000000 - 1) * PICO +
                            dice_between(&dice, 0, PICO - 1)};
    value.pico >>= i % 80;
    cr_assert_eq(decimal_parse(decimal_format(value, text), "value", &back, &err), RC_OK, "%s", text);
    cr_assert(back.pico == value.pico, "%s", text);
    struct quantity count = {dice_between(&dice, -QUANTITY_MAX, QUANTITY_MAX) >> (i % 50)};
    struct quantity count_back = {-1};
    cr_assert_eq(quantity_parse(quantity_format(count, text), "value", &count_back, &err), RC_OK, "%s", text);
    cr_assert_eq(count_back.micro, count.micro, "%s", text);
  }
}

/* Whatever bytes come: an error by its field, or a number whose text reads as the same. */
Test(decimal, random_texts_are_read_or_refused) {
  static const char ALPHABET[] = "0123456789..--+eE NaN,\x01\xff";
  struct dice dice = dice_new();
  int accepted = 0;
  for (int i = 0; i < CASES_MANY; i++) {
    char text[32];
    size_t length = (size_t)dice_between(&dice, 0, i % 2 ? 5 : 31);
    size_t letters = i % 3 == 0 ? sizeof ALPHABET - 1 : 14; /* often digits, points and signs only */
    for (size_t j = 0; j < length; j++) text[j] = ALPHABET[dice_between(&dice, 0, (int64_t)letters - 1)];
    text[length] = '\0';
    struct error err = {.code = RC_OK};
    struct decimal value = {4711};
    if (decimal_parse(text, "value", &value, &err) != RC_OK) {
      cr_assert_str_eq(err.field, "value");
      cr_assert(value.pico == 4711);
      continue;
    }
    accepted++;
    char written[DECIMAL_TEXT_MAX];
    cr_assert(strspn(text, "0123456789.-") == length && length > 0, "\"%s\"", text);
    cr_assert(value.pico <= DECIMAL_MAX && value.pico >= -DECIMAL_MAX, "\"%s\"", text);
    decimal_format(value, written);
    cr_assert_leq(strlen(written), length, "\"%s\" is not shorter than \"%s\"", text, written);
  }
  cr_assert_gt(accepted, CASES_MANY / 20, "the texts are not all nonsense");
}

Test(decimal, money_is_a_decimal) {
  static const struct {
    int64_t minor;
    const char *currency, *text;
  } CASES[] = {
      {9900, "USD", "99"},
      {-1, "USD", "-0.01"},
      {7000, "JPY", "7000"},
      {1, "KWD", "0.001"},
      {12345, "CLF", "1.2345"},
      {0, "EUR", "0"},
      {MONEY_MAX, "JPY", "999999999999999"},
      {-MONEY_MAX, "CLF", "-99999999999.9999"},
  };
  for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
    char text[DECIMAL_TEXT_MAX];
    struct decimal value = decimal_of_money(CASES[i].minor, currency_find(CASES[i].currency));
    cr_expect_str_eq(decimal_format(value, text), CASES[i].text, "row %zu: %s", i, text);
  }
  for (size_t i = 0; currency_at(i) != NULL; i++)
    cr_expect_leq(currency_at(i)->exponent, DECIMAL_DECIMALS, "%s", currency_at(i)->code);
}

Test(decimal, a_price_has_the_decimals_of_its_currency_at_least) {
  static const struct {
    const char *value, *currency, *text;
  } CASES[] = {
      {"49", "USD", "49.00"},
      {"49.5", "USD", "49.50"},
      {"49.99", "USD", "49.99"},
      {"0.0125", "USD", "0.0125"},
      {"0", "USD", "0.00"},
      {"7000", "JPY", "7000"},
      {"0.5", "JPY", "0.5"},
      {"1.2", "KWD", "1.200"},
      {"-3.1", "CLF", "-3.1000"},
      {"1000000000000000", "KWD", "1000000000000000.000"},
      {"0.000000000001", "EUR", "0.000000000001"},
  };
  for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
    char text[DECIMAL_TEXT_MAX];
    struct error err;
    struct decimal value;
    cr_assert_eq(decimal_parse(CASES[i].value, "value", &value, &err), RC_OK);
    cr_expect_str_eq(decimal_format_price(value, currency_find(CASES[i].currency), text), CASES[i].text);
  }
}

Test(decimal, sums_end_at_the_maximum) {
  struct decimal sum = {4711};
  cr_expect(decimal_add((struct decimal){DECIMAL_MAX - 1}, (struct decimal){1}, &sum));
  cr_expect(sum.pico == DECIMAL_MAX);
  cr_expect(decimal_add((struct decimal){-DECIMAL_MAX}, (struct decimal){DECIMAL_MAX}, &sum));
  cr_expect(sum.pico == 0);
  cr_expect_not(decimal_add((struct decimal){DECIMAL_MAX}, (struct decimal){1}, &sum));
  cr_expect_not(decimal_add((struct decimal){-DECIMAL_MAX}, (struct decimal){-1}, &sum));
  cr_expect(sum.pico == 0, "untouched");

  struct quantity total = {4711};
  cr_expect(quantity_add(quantity_of(999999999999), quantity_of(1), &total));
  cr_expect_eq(total.micro, QUANTITY_MAX);
  cr_expect_not(quantity_add(total, (struct quantity){1}, &total));
  cr_expect_not(quantity_add((struct quantity){-QUANTITY_MAX}, (struct quantity){-1}, &total));
  cr_expect_not(quantity_add((struct quantity){INT64_MAX}, (struct quantity){INT64_MAX}, &total));
  cr_expect_eq(total.micro, QUANTITY_MAX, "untouched");
}

Test(decimal, products_are_exact_or_said_to_be_too_large) {
  int128 product = 4711;
  cr_expect(decimal_times((struct decimal){1}, (struct quantity){1}, &product));
  cr_expect(product == 1, "10^-12 × 10^-6 = 10^-18");
  cr_expect(decimal_times((struct decimal){-25 * PICO / 10}, quantity_of(4), &product));
  cr_expect(product == -(int128)10 * PICO * MICRO);
  cr_expect(decimal_times((struct decimal){DECIMAL_MAX}, quantity_of(100000), &product), "10^20 units fit");
  cr_expect(product == DECIMAL_MAX * 100000 * MICRO);
  cr_expect_not(decimal_times((struct decimal){DECIMAL_MAX}, (struct quantity){QUANTITY_MAX}, &product));
  cr_expect_not(decimal_times((struct decimal){-DECIMAL_MAX}, (struct quantity){QUANTITY_MAX}, &product));
  cr_expect(product == DECIMAL_MAX * 100000 * MICRO, "untouched");
}

Test(decimal, a_quantity_beyond_the_limit_is_our_bug, .signal = SIGABRT, .init = cr_redirect_stderr) {
  (void)quantity_of(1000000000001);
}

Test(decimal, money_beyond_the_limit_is_our_bug, .signal = SIGABRT, .init = cr_redirect_stderr) {
  (void)decimal_of_money(MONEY_MAX + 1, currency_find("USD"));
}
