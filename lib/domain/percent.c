/* Percentages as integers: what is written with six decimals is kept with six. */
#include "domain/percent.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/assert.h"

enum { DECIMALS = 6, WHOLE_DIGITS = 3 };

static bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

static int read_digits(const char **at, int64_t *value, int most) {
  int digits = 0;
  for (; is_digit(**at) && digits < most; (*at)++, digits++) *value = *value * 10 + (**at - '0');
  return digits;
}

enum rc percent_parse(const char *text, const char *field, int64_t *ret_micro, struct error *err) {
  const char *at = text;
  int64_t micro = 0;
  bool leading_zero = at[0] == '0' && is_digit(at[1]);
  int whole = read_digits(&at, &micro, WHOLE_DIGITS), decimals = 0;
  if (*at == '.' && is_digit(at[1])) {
    at++;
    decimals = read_digits(&at, &micro, DECIMALS);
    if (is_digit(*at)) return error_field(err, RC_VALIDATION, field, "must have at most %d decimals", DECIMALS);
  }
  for (int n = decimals; n < DECIMALS; n++) micro *= 10;
  if (*at != '\0' || whole == 0 || leading_zero || micro > PERCENT_WHOLE)
    return error_field(err, RC_VALIDATION, field, "must be a percentage from 0 to 100, like 7.7");
  *ret_micro = micro;
  return RC_OK;
}

const char *percent_format(int64_t micro, char text[static PERCENT_TEXT_MAX]) {
  ASSERT(micro >= 0 && micro <= PERCENT_WHOLE);
  int length = snprintf(text, PERCENT_TEXT_MAX, "%lld.%06lld", (long long)(micro / PERCENT_MICRO),
                        (long long)(micro % PERCENT_MICRO));
  while (text[length - 1] == '0') text[--length] = '\0';
  if (text[length - 1] == '.') text[--length] = '\0';
  return text;
}
