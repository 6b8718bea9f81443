/* BILL-003 for exact shares of either sign. */
#include "domain/apportion.h"

#include <criterion/criterion.h>

#include "../property.h"

enum { COUNT_MAX = 8 };

static const struct {
  const char *what;
  int64_t numerators[4];
  size_t count;
  int64_t denominator, sum, parts[4];
} EXAMPLES[] = {
    {"whole numbers stay", {300, 200}, 2, 100, 5, {3, 2}},
    {"the largest remainder is raised", {130, 160, 110}, 3, 100, 4, {1, 2, 1}},
    {"of equal ones the first", {50, 50}, 2, 100, 1, {1, 0}},
    {"a half is rounded away from zero", {250}, 1, 100, 3, {3}},
    {"below zero is the mirror image", {-50, -50}, 2, 100, -1, {-1, 0}},
    {"mixed signs", {250, -125}, 2, 100, 1, {2, -1}},
    {"mixed signs, below zero", {-250, 125}, 2, 100, -1, {-2, 1}},
    {"shares that cancel out", {150, -150}, 2, 100, 0, {2, -2}},
    {"nothing", {0, 0, 0}, 3, 7, 0, {0, 0, 0}},
};

Test(apportion, examples) {
  for (size_t e = 0; e < sizeof EXAMPLES / sizeof EXAMPLES[0]; e++) {
    int128 numerators[4];
    int64_t parts[4];
    for (size_t i = 0; i < 4; i++) numerators[i] = EXAMPLES[e].numerators[i];
    int64_t sum = apportion(numerators, EXAMPLES[e].count, EXAMPLES[e].denominator, parts);
    cr_expect_eq(sum, EXAMPLES[e].sum, "%s", EXAMPLES[e].what);
    for (size_t i = 0; i < EXAMPLES[e].count; i++)
      cr_expect_eq(parts[i], EXAMPLES[e].parts[i], "%s: part %zu is %lld", EXAMPLES[e].what, i, (long long)parts[i]);
  }
}

static bool is_near(int64_t part, int128 numerator, int64_t denominator) {
  int128 off = (int128)part * denominator - numerator;
  return off < denominator && off > -denominator;
}

Test(apportion, parts_sum_to_the_rounded_sum_and_each_is_next_to_its_share) {
  struct dice dice = dice_new();
  for (int n = 0; n < MONEY_CASES; n++) {
    int128 numerators[COUNT_MAX], mirrored[COUNT_MAX], sum = 0;
    int64_t parts[COUNT_MAX], mirror[COUNT_MAX], total = 0;
    size_t count = (size_t)dice_between(&dice, 1, COUNT_MAX);
    int64_t denominator = dice_between(&dice, 1, 1000);
    for (size_t i = 0; i < count; i++) {
      numerators[i] = dice_between(&dice, -100000, 100000);
      mirrored[i] = -numerators[i];
      sum += numerators[i];
    }
    int64_t said = apportion(numerators, count, denominator, parts);
    int64_t mirror_said = apportion(mirrored, count, denominator, mirror);
    for (size_t i = 0; i < count; i++) {
      total += parts[i];
      cr_assert(is_near(parts[i], numerators[i], denominator), "case %d, part %zu", n, i);
      cr_assert(sum == 0 || parts[i] == -mirror[i], "case %d: there and back is not the same", n);
    }
    cr_assert_eq(total, said);
    cr_assert_eq(said, (int64_t)round_half_away(sum, denominator), "case %d", n);
    cr_assert_eq(said, -mirror_said);
  }
}

/* BILL-043's kind of steps: by hand, of either sign. */
Test(apportion, a_step_is_the_rounded_sum_so_far_less_what_was_given) {
  static const struct {
    int64_t total, whole, before, now, given, part;
  } CASES[] = {
      {10, 1000, 0, 333, 0, 3},
      {10, 1000, 333, 333, 3, 4},
      {10, 1000, 666, 334, 7, 3},
      {1, 2, 0, 1, 0, 1}, /* BILL-002: a half goes away from zero */
      {1, 2, 1, 1, 1, 0},
      {-1, 2, 0, 1, 0, -1},
      {-1, -2, 0, -1, 0, -1},
      {7, -1, 0, -1, 0, 7},
      {0, 5, 0, 3, 0, 0},
      {7, 1, 0, 1, 0, 7},
      {19, -100, -50, -25, -10, 24},
      {MONEY_MAX, MONEY_MAX, 0, MONEY_MAX, 0, MONEY_MAX},
      {MONEY_MAX, -MONEY_MAX, -1, -MONEY_MAX + 1, 1, MONEY_MAX - 1},
  };
  for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
    int64_t part = apportion_next(CASES[i].total, CASES[i].whole, CASES[i].before, CASES[i].now, CASES[i].given);
    cr_expect_eq(part, CASES[i].part, "row %zu: %lld", i, (long long)part);
  }
}

/* The most lines, each of the largest share, under the largest denominator that taxes have (BILL-041). */
Test(apportion, the_largest_shares_fit) {
  enum { MANY = 250 };
  int128 denominator = (int128)100000000 * 200000000, numerators[MANY];
  int64_t parts[MANY], sum = 0;
  for (size_t i = 0; i < MANY; i++) numerators[i] = (i % 2 ? -MONEY_MAX : MONEY_MAX) * denominator;
  numerators[0] -= denominator / 2;
  cr_expect_eq(apportion(numerators, MANY, denominator, parts), -1);
  for (size_t i = 0; i < MANY; i++) sum += parts[i];
  cr_expect_eq(sum, -1);
  cr_expect_eq(parts[0], MONEY_MAX - 1);
  cr_expect_eq(parts[MANY - 1], -MONEY_MAX);
}

Test(apportion, steps_end_at_the_total_and_never_pass_it) {
  struct dice dice = dice_new();
  for (int n = 0; n < MONEY_CASES; n++) {
    int64_t sign = dice_between(&dice, 0, 1) ? 1 : -1;
    int64_t total = dice_between(&dice, -100000, 100000), whole = sign * dice_between(&dice, 1, 100000);
    int64_t used = 0, given = 0;
    while (used != whole) {
      int64_t now = sign * dice_between(&dice, 1, sign * (whole - used));
      int64_t part = apportion_next(total, whole, used, now, given);
      cr_assert(total < 0 ? part <= 0 : part >= 0, "case %d", n);
      used += now;
      given += part;
      cr_assert(total < 0 ? given >= total : given <= total, "case %d", n);
    }
    cr_assert_eq(given, total, "case %d", n);
  }
}
