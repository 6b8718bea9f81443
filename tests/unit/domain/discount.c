/* BILL-040: coupons one after the other, and account credit. */
#include "domain/discount.h"

#include <criterion/criterion.h>

#include "../property.h"
#include "base/money.h"
#include "domain/invoice.h"
#include "domain/percent.h"

enum { LINES = 6 };

#define PERCENT(p) \
  { .percent_micro = (p)*PERCENT_MICRO }
#define FIXED(minor) \
  { .amount_minor = (minor) }

enum { C = 1, TAKEN_BACK = 2 }; /* covered */

static const struct {
  const char *what;
  struct {
    int64_t amount;
    int flags;
    int64_t discount; /* what it brings with it */
  } lines[4];
  size_t count;
  struct coupon coupons[2];
  size_t coupon_count;
  int64_t discounts[4];
} EXAMPLES[] = {
    {"ten percent", {{10000, C, 0}}, 1, {PERCENT(10)}, 1, {1000}},
    {"in the order given, each on what the earlier left", {{10000, C, 0}}, 1, {PERCENT(10), FIXED(500)}, 2, {1500}},
    {"the other way round", {{10000, C, 0}}, 1, {FIXED(500), PERCENT(10)}, 2, {1450}},
    {"rounded once, then spread", {{33, C, 0}, {33, C, 0}, {34, C, 0}}, 3, {PERCENT(50)}, 1, {17, 16, 17}},
    {"half a cent away from zero", {{5, C, 0}}, 1, {PERCENT(10)}, 1, {1}},
    {"what is left of a fixed coupon is lost", {{700, C, 0}}, 1, {FIXED(1000)}, 1, {700}},
    {"only the lines that it covers", {{1000, 0, 0}, {1000, C, 0}}, 2, {PERCENT(50)}, 1, {0, 500}},
    {"a second one finds nothing", {{700, C, 0}}, 1, {FIXED(1000), FIXED(1000)}, 2, {700}},
    {"a negative line carries none", {{1000, C, 0}, {-300, C, 0}}, 2, {PERCENT(50)}, 1, {500, 0}},
    {"charges stay at zero", {{1000, C, 0}, {-800, 0, 0}}, 2, {FIXED(500)}, 1, {200, 0}},
    {"and are let be below it", {{1000, C, 0}, {-1800, 0, 0}}, 2, {FIXED(500)}, 1, {0, 0}},
    {"what is taken back does not limit",
     {{1000, C, 0}, {-1500, C | TAKEN_BACK, -750}},
     2,
     {PERCENT(50)},
     1,
     {500, -750}},
    {"a hundred percent", {{333, C, 0}, {1, C, 0}}, 2, {PERCENT(100)}, 1, {333, 1}},
    {"nothing at all", {{0, C, 0}}, 1, {FIXED(10)}, 1, {0}},
    {"a cent", {{1, C, 0}}, 1, {FIXED(1)}, 1, {1}},
    {"a cent of two", {{2, C, 0}}, 1, {FIXED(1)}, 1, {1}},
    {"below half a cent", {{4, C, 0}}, 1, {PERCENT(10)}, 1, {0}},
    {"none covered", {{1000, 0, 0}}, 1, {FIXED(10)}, 1, {0}},
    {"the largest amount", {{MONEY_MAX, C, 0}}, 1, {PERCENT(100)}, 1, {MONEY_MAX}},
};

Test(discount, bill_040_examples) {
  for (size_t e = 0; e < sizeof EXAMPLES / sizeof EXAMPLES[0]; e++) {
    struct discountable lines[4] = {{0}};
    for (size_t i = 0; i < EXAMPLES[e].count; i++) {
      lines[i].amount_minor = EXAMPLES[e].lines[i].amount;
      lines[i].is_covered = EXAMPLES[e].lines[i].flags & C;
      lines[i].is_taken_back = EXAMPLES[e].lines[i].flags & TAKEN_BACK;
      lines[i].discount_minor = EXAMPLES[e].lines[i].discount;
    }
    for (size_t c = 0; c < EXAMPLES[e].coupon_count; c++)
      coupon_apply(&EXAMPLES[e].coupons[c], lines, EXAMPLES[e].count);
    for (size_t i = 0; i < EXAMPLES[e].count; i++)
      cr_expect_eq(lines[i].discount_minor, EXAMPLES[e].discounts[i], "%s: line %zu has %lld", EXAMPLES[e].what, i,
                   (long long)lines[i].discount_minor);
  }
}

/* What the largest invoice that can be written down comes to is refused later (tax_compute); here nothing overflows. */
Test(discount, bill_040_more_than_an_amount_can_be_is_cut) {
  static struct discountable lines[INVOICE_LINES_MAX];
  static const struct coupon COUPONS[] = {PERCENT(100), FIXED(MONEY_MAX), {.percent_micro = 1}};
  int64_t sum = 0;
  for (size_t i = 0; i < INVOICE_LINES_MAX; i++)
    lines[i] = (struct discountable){.amount_minor = MONEY_MAX, .is_covered = true};
  for (size_t c = 0; c < 2; c++) cr_expect_eq(coupon_apply(&COUPONS[c], lines, INVOICE_LINES_MAX), MONEY_MAX);
  cr_expect_eq(coupon_apply(&COUPONS[2], lines, INVOICE_LINES_MAX), 2480000000, "0.000001 % of 248 times the largest");
  for (size_t i = 0; i < INVOICE_LINES_MAX; i++) sum += lines[i].discount_minor;
  cr_expect_eq(sum, 2 * MONEY_MAX + 2480000000);
}

static struct coupon any_coupon(struct dice *dice) {
  struct coupon coupon = {0};
  if (dice_between(dice, 0, 1))
    coupon.percent_micro = dice_between(dice, 1, PERCENT_WHOLE);
  else
    coupon.amount_minor = dice_between(dice, 1, 50000);
  return coupon;
}

Test(discount, bill_040_a_coupon_conserves_and_takes_nothing_below_zero) {
  struct dice dice = dice_new();
  for (int n = 0; n < MONEY_CASES; n++) {
    struct discountable lines[LINES] = {{0}};
    int64_t charged = 0;
    for (size_t i = 0; i < LINES; i++) {
      lines[i].amount_minor = dice_between(&dice, -20000, 30000);
      lines[i].is_covered = dice_between(&dice, 0, 3) > 0;
      charged += lines[i].amount_minor;
    }
    for (int c = 0; c < 3; c++) {
      struct coupon coupon = any_coupon(&dice);
      int64_t taken = coupon_apply(&coupon, lines, LINES), shares = 0;
      for (size_t i = 0; i < LINES; i++) {
        shares += lines[i].share_minor;
        cr_assert_geq(lines[i].share_minor, 0);
        cr_assert(lines[i].is_covered || lines[i].discount_minor == 0, "case %d: not covered", n);
        cr_assert(lines[i].discount_minor == 0 || lines[i].discount_minor <= lines[i].amount_minor, "case %d", n);
      }
      cr_assert_eq(shares, taken, "case %d: spreading lost something", n);
      cr_assert(coupon.percent_micro || taken <= coupon.amount_minor, "case %d", n);
      charged -= taken;
      cr_assert(taken == 0 || charged >= 0, "case %d: below zero", n);
    }
  }
}

Test(discount, bill_040_credit_is_used_oldest_first_and_never_beyond_what_is_due) {
  static const struct {
    int64_t due, remaining[3], used[3];
  } examples[] = {{1000, {300, 300, 300}, {300, 300, 300}},
                  {500, {300, 300, 300}, {300, 200, 0}},
                  {0, {300, 1, 1}, {0, 0, 0}},
                  {-5, {300, 1, 1}, {0, 0, 0}},
                  {300, {0, 300, 1}, {0, 300, 0}},
                  {1, {0, 1, 1}, {0, 1, 0}},
                  {MONEY_MAX, {1, MONEY_MAX, MONEY_MAX}, {1, MONEY_MAX - 1, 0}}};
  for (size_t e = 0; e < sizeof examples / sizeof examples[0]; e++) {
    int64_t used[3], sum = 0;
    int64_t said = credit_apply(examples[e].due, examples[e].remaining, 3, used);
    for (size_t i = 0; i < 3; i++) {
      cr_expect_eq(used[i], examples[e].used[i], "example %zu, grant %zu", e, i);
      sum += used[i];
    }
    cr_expect_eq(said, sum);
  }
}

/* 3.33 off 10.00, taken back in three parts: 1.11, 1.11 and the rest; what is beyond the line brings nothing. */
Test(discount, bill_022_credits_bring_all_of_a_discount_and_no_more) {
  struct taken_back line = {.amount_minor = 1000, .discount_minor = 333};
  static const struct {
    int64_t credit, share, taken;
  } steps[] = {{334, 111, 334}, {333, 111, 667}, {0, 0, 667}, {-5, 0, 667}, {400, 111, 1000}, {1, 0, 1000}};
  for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
    cr_expect_eq(discount_take_back(&line, steps[i].credit), steps[i].share, "step %zu", i);
    cr_expect_eq(line.taken_minor, steps[i].taken, "step %zu", i);
  }
  cr_expect_eq(line.discount_taken_minor, 333);
}

/* What was given back beyond its proportion (by a credit note) is not asked for again; a line of nothing has none. */
Test(discount, bill_022_a_credit_never_brings_less_than_nothing) {
  struct taken_back line = {
      .amount_minor = 1000, .discount_minor = 300, .taken_minor = 100, .discount_taken_minor = 200};
  cr_expect_eq(discount_take_back(&line, 100), 0);
  cr_expect(line.taken_minor == 200 && line.discount_taken_minor == 200);
  struct taken_back least = {.amount_minor = 1, .discount_minor = 1},
                    cent = {.amount_minor = 1000, .discount_minor = 999};
  cr_expect_eq(discount_take_back(&least, 1), 1);
  cr_expect_eq(discount_take_back(&cent, 1), 1);
  struct taken_back behind = {.amount_minor = 1000, .discount_minor = 300, .taken_minor = 100};
  cr_expect_eq(discount_take_back(&behind, 0), 0, "a credit of nothing brings nothing");
  struct taken_back nothing = {.discount_minor = 300}, below = {.amount_minor = -1000, .discount_minor = 300};
  cr_expect_eq(discount_take_back(&nothing, 100), 0);
  cr_expect_eq(discount_take_back(&below, 100), 0);
  cr_expect_eq(below.taken_minor, 0);
}
