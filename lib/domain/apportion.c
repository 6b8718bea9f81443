/* Largest remainder over exact shares. Rounding down always leaves between none and one unit for each share that is no
 * whole number, so that a part is never further than one unit from its share. */
#include "domain/apportion.h"

#include "base/assert.h"

struct share {
  int64_t whole; /* rounded down */
  int128 rest;   /* of the denominator, >= 0 */
};

static struct share share_of(int128 numerator, int128 denominator) {
  int128 whole = numerator / denominator;
  int128 rest = numerator % denominator;
  if (rest < 0) {
    rest += denominator;
    whole--;
  }
  ASSERT(whole >= -MONEY_MAX - 1 && whole <= MONEY_MAX);
  return (struct share){(int64_t)whole, rest};
}

/* How many shares come before share i when the leftover units are handed out. */
static size_t rank_of(const int128 *numerators, size_t count, int128 denominator, int sign, size_t i) {
  int128 rest = share_of(sign * numerators[i], denominator).rest;
  size_t rank = 0;
  for (size_t k = 0; k < count; k++) {
    int128 other = share_of(sign * numerators[k], denominator).rest;
    rank += other > rest || (other == rest && k < i);
  }
  return rank;
}

int64_t apportion(const int128 *numerators, size_t count, int128 denominator, int64_t *ret_parts) {
  ASSERT(denominator > 0);
  int128 sum = 0;
  for (size_t i = 0; i < count; i++) sum += numerators[i];
  int sign = sum < 0 ? -1 : 1;
  int128 target = round_half_away(sign * sum, denominator);
  int128 left = target;
  for (size_t i = 0; i < count; i++) left -= share_of(sign * numerators[i], denominator).whole;
  ASSERT(target <= MONEY_MAX && left >= 0 && left <= (int128)count);
  for (size_t i = 0; i < count; i++) {
    struct share share = share_of(sign * numerators[i], denominator);
    bool is_raised = left != 0 && (int128)rank_of(numerators, count, denominator, sign, i) < left;
    ASSERT(!is_raised || share.rest > 0);
    ret_parts[i] = sign * (share.whole + is_raised);
  }
  return (int64_t)(sign * target);
}

int64_t apportion_next(int64_t total, int64_t whole, int64_t before, int64_t now, int64_t given) {
  ASSERT(whole != 0);
  int128 share = total * ((int128)before + now);
  int128 due = whole > 0 ? round_half_away(share, whole) : round_half_away(-share, -(int128)whole);
  return (int64_t)(due - given);
}
