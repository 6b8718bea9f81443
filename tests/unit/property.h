/* Random cases that can be had again: the seed is TEST_SEED or drawn from the kernel, and printed either way.
 *   struct dice dice = dice_new();
 *   for (int i = 0; i < PROPERTY_CASES; i++) { int64_t n = dice_between(&dice, -9, 9); ... } */
#ifndef TESTS_UNIT_PROPERTY_H
#define TESTS_UNIT_PROPERTY_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/assert.h"
#include "base/digest.h"

enum { PROPERTY_CASES = 20000 };
#ifndef MONEY_CASES /* of what bills; the mutation run needs fewer */
enum { MONEY_CASES = 100000 };
#endif

struct dice {
  uint64_t state;
};

/* For what takes too long to be tried often: the same cases each time, unless TEST_SEED asks for others. */
static inline struct dice dice_of(uint64_t usual) {
  const char *seed = getenv("TEST_SEED");
  struct dice dice = {seed != NULL ? strtoull(seed, NULL, 0) : usual};
  fprintf(stderr, "TEST_SEED=%llu\n", (unsigned long long)dice.state);
  return dice;
}

static inline struct dice dice_new(void) {
  uint64_t drawn;
  random_bytes(&drawn, sizeof drawn);
  return dice_of(drawn);
}

/* splitmix64 */
static inline uint64_t dice_bits(struct dice *dice) {
  dice->state += UINT64_C(0x9E3779B97F4A7C15);
  uint64_t z = dice->state;
  z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
  z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
  return z ^ (z >> 31);
}

/* From least to most, both included; most - least < 2^63. */
static inline int64_t dice_between(struct dice *dice, int64_t least, int64_t most) {
  ASSERT(least <= most);
  return least + (int64_t)(dice_bits(dice) % ((uint64_t)(most - least) + 1));
}

#endif
