/* The check digit of card numbers. */
#include "base/luhn.h"

#include <criterion/criterion.h>
#include <string.h>

static const struct {
  const char *digits;
  bool holds;
} NUMBERS[] = {
    {"4242424242424242", true},
    {"4242424242424241", false},
    {"378282246310005", true},
    {"6011111111111117", true},
    {"79927398713", true},
    {"79927398710", false},
    {"0", true},
    {"5", false},
    {"18", true},
    {"81", false},
};

Test(luhn, holds_for_what_has_its_check_digit) {
  for (size_t i = 0; i < sizeof NUMBERS / sizeof NUMBERS[0]; i++)
    cr_expect_eq(luhn_holds(NUMBERS[i].digits, strlen(NUMBERS[i].digits)), NUMBERS[i].holds, "%s", NUMBERS[i].digits);
}

/* One digit that is wrong is always found. */
Test(luhn, finds_any_single_slip) {
  char digits[] = "4242424242424242";
  for (size_t at = 0; at < sizeof digits - 1; at++) {
    char right = digits[at];
    for (int wrong = '0'; wrong <= '9'; wrong++) {
      digits[at] = (char)wrong;
      cr_expect_eq(luhn_holds(digits, sizeof digits - 1), wrong == right, "%s", digits);
    }
    digits[at] = right;
  }
}
