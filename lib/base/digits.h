/* Numbers as text, where there are so many of them that printf's reading of its format would be felt. */
#ifndef BASE_DIGITS_H
#define BASE_DIGITS_H

#include <stdint.h>

enum { DIGITS_INT64_MAX = 21 }; /* with sign and NUL */

/* At least `width` digits, zeros first, from `at` on; returns what is behind them. No NUL. */
static inline char *digits_put(char *at, uint64_t value, int width) {
  int count = 1;
  for (uint64_t rest = value / 10; rest > 0; rest /= 10) count++;
  if (count < width) count = width;
  for (int i = count; i > 0; value /= 10) at[--i] = (char)('0' + value % 10);
  return at + count;
}

/* The whole number with its sign and NUL. */
static inline const char *int64_format(int64_t value, char text[static DIGITS_INT64_MAX]) {
  char *at = text;
  if (value < 0) *at++ = '-';
  *digits_put(at, value < 0 ? 0 - (uint64_t)value : (uint64_t)value, 1) = '\0';
  return text;
}

#endif
