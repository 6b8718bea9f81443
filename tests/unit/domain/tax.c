/* BILL-041, BILL-042: which rate, how much, and that an invoice is always the sum of its parts. */
#include "domain/tax.h"

#include <criterion/criterion.h>
#include <string.h>

#include "../property.h"
#include "base/money.h"
#include "domain/discount.h"
#include "domain/invoice.h"
#include "domain/ledger.h"
#include "domain/percent.h"

enum { LINES = 6 };

#define RATE(p) \
  { .percent_micro = (int64_t)((p)*1000) * 1000, .category = (p) > 0 ? TAX_STANDARD : TAX_ZERO }
#define INCLUSIVE(p) \
  { .percent_micro = (int64_t)((p)*1000) * 1000, .category = TAX_STANDARD, .is_inclusive = true }

static int64_t total_of(const struct taxable *line) {
  return line->amount_minor - line->discount_minor + line->tax_minor;
}

Test(tax, bill_042_the_example) {
  static const int64_t fees[] = {10000, 5000, 3000, 2000}, taxes[] = {950, 0, 570, 380};
  static const struct tax_rate rates[] = {RATE(10), RATE(0), RATE(20), RATE(20)};
  static const struct coupon coupons[] = {{.percent_micro = 5 * PERCENT_MICRO}, {.amount_minor = 1000}};
  for (size_t c = 0; c < 2; c++) {
    struct discountable off[4] = {{0}};
    struct taxable lines[4] = {{.listed_minor = 0}};
    struct error err;
    int64_t total = 0;
    for (size_t i = 0; i < 4; i++) off[i] = (struct discountable){.amount_minor = fees[i], .is_covered = true};
    cr_expect_eq(coupon_apply(&coupons[c], off, 4), 1000);
    for (size_t i = 0; i < 4; i++)
      lines[i] =
          (struct taxable){.rate = rates[i], .listed_minor = fees[i], .listed_discount_minor = off[i].discount_minor};
    cr_assert_eq(tax_compute(lines, 4, TAX_ROUND_TOTAL, &err), RC_OK);
    for (size_t i = 0; i < 4; i++) {
      cr_expect_eq(lines[i].tax_minor, taxes[i], "fee %zu: %lld", i, (long long)lines[i].tax_minor);
      total += total_of(&lines[i]);
    }
    cr_expect_eq(total, 20900);
  }
}

static const struct {
  const char *what;
  struct {
    struct tax_rate rate;
    int64_t listed, discount;
  } lines[3];
  size_t count;
  enum tax_rounding rounding;
  struct {
    int64_t amount, discount, tax;
  } expected[3];
} EXAMPLES[] = {
    {"19 % on top", {{RATE(19), 10000, 0}}, 1, TAX_ROUND_TOTAL, {{10000, 0, 1900}}},
    {"19 % within", {{INCLUSIVE(19), 11900, 0}}, 1, TAX_ROUND_TOTAL, {{10000, 0, 1900}}},
    {"within, a tenth off the listed price", {{INCLUSIVE(19), 11900, 1190}}, 1, TAX_ROUND_TOTAL, {{10000, 1000, 1710}}},
    {"0.05 three times at 10 %: the sum is rounded once",
     {{RATE(10), 5, 0}, {RATE(10), 5, 0}, {RATE(10), 5, 0}},
     3,
     TAX_ROUND_TOTAL,
     {{5, 0, 1}, {5, 0, 1}, {5, 0, 0}}},
    {"or each line is",
     {{RATE(10), 5, 0}, {RATE(10), 5, 0}, {RATE(10), 5, 0}},
     3,
     TAX_ROUND_LINE,
     {{5, 0, 1}, {5, 0, 1}, {5, 0, 1}}},
    {"lines of mixed sign",
     {{RATE(19), 1005, 0}, {RATE(19), -502, 0}},
     2,
     TAX_ROUND_TOTAL,
     {{1005, 0, 191}, {-502, 0, -95}}},
    {"what goes and comes has no tax",
     {{RATE(19), 1003, 0}, {RATE(19), -1003, 0}},
     2,
     TAX_ROUND_TOTAL,
     {{1003, 0, 191}, {-1003, 0, -191}}},
    {"rates that differ are rounded apart",
     {{RATE(10), 5, 0}, {RATE(20), 2, 0}},
     2,
     TAX_ROUND_TOTAL,
     {{5, 0, 1}, {2, 0, 0}}},
    {"one rate, within and on top",
     {{INCLUSIVE(25), 125, 0}, {RATE(25), 100, 0}},
     2,
     TAX_ROUND_TOTAL,
     {{100, 0, 25}, {100, 0, 25}}},
    {"a credit that takes back its discount",
     {{RATE(19), -10000, -1000}},
     1,
     TAX_ROUND_TOTAL,
     {{-10000, -1000, -1710}}},
    {"everything off", {{INCLUSIVE(19), 11900, 11900}}, 1, TAX_ROUND_TOTAL, {{10000, 10000, 0}}},
};

Test(tax, bill_041_examples) {
  for (size_t e = 0; e < sizeof EXAMPLES / sizeof EXAMPLES[0]; e++) {
    struct taxable lines[3] = {{.listed_minor = 0}};
    struct error err;
    for (size_t i = 0; i < EXAMPLES[e].count; i++)
      lines[i] = (struct taxable){.rate = EXAMPLES[e].lines[i].rate,
                                  .listed_minor = EXAMPLES[e].lines[i].listed,
                                  .listed_discount_minor = EXAMPLES[e].lines[i].discount};
    cr_assert_eq(tax_compute(lines, EXAMPLES[e].count, EXAMPLES[e].rounding, &err), RC_OK);
    for (size_t i = 0; i < EXAMPLES[e].count; i++) {
      cr_expect_eq(lines[i].amount_minor, EXAMPLES[e].expected[i].amount, "%s: amount %lld", EXAMPLES[e].what,
                   (long long)lines[i].amount_minor);
      cr_expect_eq(lines[i].discount_minor, EXAMPLES[e].expected[i].discount, "%s: discount %lld", EXAMPLES[e].what,
                   (long long)lines[i].discount_minor);
      cr_expect_eq(lines[i].tax_minor, EXAMPLES[e].expected[i].tax, "%s: line %zu: tax %lld", EXAMPLES[e].what, i,
                   (long long)lines[i].tax_minor);
    }
  }
}

static const int64_t PERCENTS[] = {0, 5000000, 7700000, 8875000, 19000000, 20000000, 100000000};

static struct taxable any_line(struct dice *dice) {
  struct taxable line = {.listed_minor = dice_between(dice, -50000, 100000)};
  line.rate.percent_micro = PERCENTS[dice_between(dice, 0, 6)];
  line.rate.category =
      line.rate.percent_micro ? TAX_STANDARD : (enum tax_category)dice_between(dice, TAX_ZERO, TAX_REVERSE);
  line.rate.is_inclusive = line.rate.percent_micro && dice_between(dice, 0, 1);
  if (dice_between(dice, 0, 1) && line.listed_minor != 0)
    line.listed_discount_minor =
        line.listed_minor < 0 ? dice_between(dice, line.listed_minor, 0) : dice_between(dice, 0, line.listed_minor);
  return line;
}

/* Of one rate: the taxes of its lines are its rounded tax; exact arithmetic done another way. */
static void expect_group(const struct taxable *lines, size_t first, int n) {
  const struct tax_rate *rate = &lines[first].rate;
  int128 exact = 0, whole = PERCENT_WHOLE, more = PERCENT_WHOLE + rate->percent_micro;
  int64_t tax = 0;
  for (size_t i = 0; i < LINES; i++) {
    if (lines[i].rate.percent_micro != rate->percent_micro || lines[i].rate.category != rate->category) continue;
    int128 charged = lines[i].listed_minor - lines[i].listed_discount_minor;
    exact += lines[i].rate.is_inclusive ? charged * rate->percent_micro * whole : charged * rate->percent_micro * more;
    tax += lines[i].tax_minor;
  }
  int128 twice_off = 2 * (exact - (int128)tax * whole * more);
  cr_assert(twice_off <= whole * more && twice_off >= -whole * more, "case %d: tax %lld is not the nearest", n,
            (long long)tax);
}

static void post(int64_t *balances, enum ledger_fact fact, int64_t minor) {
  struct ledger_entry entries[2];
  if (minor == 0) return;
  ledger_entries(fact, minor, entries);
  for (size_t e = 0; e < 2; e++) balances[entries[e].account] += entries[e].amount_minor;
}

Test(tax, bill_041_the_invoice_is_its_lines_its_tax_and_its_ledger) {
  struct dice dice = dice_new();
  for (int n = 0; n < MONEY_CASES; n++) {
    struct taxable lines[LINES];
    struct error err;
    enum tax_rounding rounding = n % 2 ? TAX_ROUND_LINE : TAX_ROUND_TOTAL;
    int64_t subtotal = 0, discount = 0, tax = 0, total = 0, balances[8] = {0};
    for (size_t i = 0; i < LINES; i++) lines[i] = any_line(&dice);
    cr_assert_eq(tax_compute(lines, LINES, rounding, &err), RC_OK);
    for (size_t i = 0; i < LINES; i++) {
      subtotal += lines[i].amount_minor;
      discount += lines[i].discount_minor;
      tax += lines[i].tax_minor;
      int64_t charged = lines[i].listed_minor - lines[i].listed_discount_minor;
      total += lines[i].rate.is_inclusive ? charged : charged + lines[i].tax_minor;
      cr_assert(lines[i].rate.percent_micro || lines[i].tax_minor == 0);
      cr_assert(lines[i].listed_discount_minor || lines[i].discount_minor == 0, "case %d: a discount from nowhere", n);
      if (rounding == TAX_ROUND_TOTAL) expect_group(lines, i, n);
    }
    cr_assert_eq(subtotal - discount + tax, total, "case %d", n);
    post(balances, FACT_INVOICE_NET, subtotal - discount);
    post(balances, FACT_INVOICE_TAX, tax);
    cr_assert_eq(balances[ACCOUNT_RECEIVABLE], total);
    cr_assert_eq(balances[ACCOUNT_REVENUE], discount - subtotal);
    cr_assert_eq(balances[ACCOUNT_TAX_PAYABLE], -tax);
  }
}

Test(tax, there_and_back_is_nothing) {
  struct dice dice = dice_new();
  for (int n = 0; n < MONEY_CASES; n++) {
    struct taxable there[LINES], back[LINES];
    struct error err;
    int64_t net = 0;
    for (size_t i = 0; i < LINES; i++) {
      there[i] = back[i] = any_line(&dice);
      back[i].listed_minor = -there[i].listed_minor;
      back[i].listed_discount_minor = -there[i].listed_discount_minor;
      net += there[i].listed_minor;
    }
    cr_assert_eq(tax_compute(there, LINES, TAX_ROUND_TOTAL, &err), RC_OK);
    cr_assert_eq(tax_compute(back, LINES, TAX_ROUND_TOTAL, &err), RC_OK);
    int64_t rest = 0;
    for (size_t i = 0; i < LINES; i++) rest += total_of(&there[i]) + total_of(&back[i]);
    cr_assert_eq(rest, 0, "case %d of %lld", n, (long long)net);
  }
}

/* What could come to more than the largest amount is refused, whatever its rates and signs are. */
Test(tax, sums_beyond_the_limit_are_refused) {
  static const struct {
    int64_t listed[2], discount;
    enum rc rc;
  } CASES[] = {
      {{MONEY_MAX / 2, 0}, 0, RC_OK},
      {{-(MONEY_MAX / 2), 0}, 0, RC_OK},
      {{MONEY_MAX / 2 - 3, 1}, 2, RC_OK},
      {{MONEY_MAX / 2 - 3, -1}, -2, RC_OK},
      {{MONEY_MAX / 2 + 1, 0}, 0, RC_VALIDATION},
      {{-(MONEY_MAX / 2) - 1, 0}, 0, RC_VALIDATION},
      {{MONEY_MAX / 2, 1}, 0, RC_VALIDATION},
      {{MONEY_MAX / 2, 0}, 1, RC_VALIDATION},
      {{MONEY_MAX / 2, -1}, 0, RC_VALIDATION},
      {{MONEY_MAX / 2, 0}, -1, RC_VALIDATION},
      {{MONEY_MAX, -MONEY_MAX}, 0, RC_VALIDATION},
      {{INT64_MIN, INT64_MIN}, INT64_MIN, RC_VALIDATION},
      {{INT64_MAX, INT64_MAX}, INT64_MAX, RC_VALIDATION},
  };
  for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
    struct error err = {0};
    struct taxable lines[2] = {
        {.rate = RATE(19), .listed_minor = CASES[i].listed[0], .listed_discount_minor = CASES[i].discount},
        {.rate = RATE(100), .listed_minor = CASES[i].listed[1]}};
    cr_expect_eq(tax_compute(lines, 2, TAX_ROUND_TOTAL, &err), CASES[i].rc, "row %zu", i);
    if (CASES[i].rc != RC_OK) cr_expect_str_eq(err.field, "items");
  }
}

/* 250 lines, as large as an invoice may be, with the highest tax and with one of six decimals. */
Test(tax, the_largest_invoice_is_exact) {
  static const int64_t MICRO_PERCENTS[] = {100000000, 99999999, 1};
  for (size_t p = 0; p < 6; p++) {
    static struct taxable lines[INVOICE_LINES_MAX];
    const struct tax_rate rate = {
        .percent_micro = MICRO_PERCENTS[p / 2], .category = TAX_STANDARD, .is_inclusive = p % 2};
    const int64_t listed = MONEY_MAX / 2 / INVOICE_LINES_MAX;
    int128 sum = (int128)listed * INVOICE_LINES_MAX * rate.percent_micro;
    int64_t tax = 0;
    struct error err;
    for (size_t i = 0; i < INVOICE_LINES_MAX; i++) lines[i] = (struct taxable){.rate = rate, .listed_minor = listed};
    cr_assert_eq(tax_compute(lines, INVOICE_LINES_MAX, TAX_ROUND_TOTAL, &err), RC_OK);
    for (size_t i = 0; i < INVOICE_LINES_MAX; i++) tax += lines[i].tax_minor;
    int128 whole = rate.is_inclusive ? PERCENT_WHOLE + rate.percent_micro : PERCENT_WHOLE;
    cr_expect_eq(tax, (int64_t)((2 * sum + whole) / (2 * whole)), "rate %zu: %lld", p, (long long)tax);
  }
}

/* -- which rate -- */

static const struct tax_rule RULES[] = {
    {NULL, NULL, NULL, RATE(1)},   {"DE", NULL, NULL, RATE(19)},  {"DE", NULL, "books", RATE(7)},
    {"US", "CA", NULL, RATE(8)},   {NULL, NULL, "saas", RATE(2)}, {"US", NULL, "saas", RATE(3)},
    {"FI", NULL, "saas", RATE(4)}, {NULL, "AX", NULL, RATE(5)},   {"FI", NULL, NULL, RATE(24)},
    {"FI", NULL, NULL, RATE(25)},
};

static const struct {
  const char *country, *region, *code, *seller;
  bool is_exempt, has_tax_id;
  int64_t percent;
  enum tax_category category;
} CHOICES[] = {
    {"DE", NULL, NULL, "DE", false, false, 19, TAX_STANDARD},
    {"DE", NULL, "books", "DE", false, false, 7, TAX_STANDARD},
    {"DE", NULL, "saas", "DE", false, false, 19, TAX_STANDARD}, /* the place before the code */
    {"FR", NULL, "saas", "DE", false, false, 2, TAX_STANDARD},
    {"FR", NULL, NULL, "DE", false, false, 1, TAX_STANDARD},
    {NULL, NULL, NULL, NULL, false, false, 1, TAX_STANDARD},
    {"US", "CA", "saas", NULL, false, false, 8, TAX_STANDARD},
    {"US", "NY", "saas", NULL, false, false, 3, TAX_STANDARD},
    {"US", NULL, NULL, NULL, false, false, 1, TAX_STANDARD},
    {"FI", "AX", "saas", NULL, false, false, 5, TAX_STANDARD}, /* the region before the country */
    {"FI", NULL, NULL, NULL, false, false, 24, TAX_STANDARD},  /* of two for the same the first */
    {"DE", NULL, NULL, "DE", true, false, 0, TAX_EXEMPT},
    {"DE", NULL, NULL, "FR", false, true, 0, TAX_REVERSE},
    {"DE", NULL, NULL, "FR", true, true, 0, TAX_EXEMPT},
    {"DE", NULL, NULL, "DE", false, true, 19, TAX_STANDARD}, /* at home */
    {"DE", NULL, NULL, "US", false, true, 19, TAX_STANDARD}, /* the seller is no member */
    {"US", "CA", NULL, "DE", false, true, 8, TAX_STANDARD},  /* the customer is none */
    {"DE", NULL, NULL, NULL, false, true, 19, TAX_STANDARD},
    {"DE", NULL, NULL, "FR", false, false, 19, TAX_STANDARD}, /* a consumer */
};

Test(tax, bill_041_the_rate_is_that_of_code_and_place) {
  for (size_t i = 0; i < sizeof CHOICES / sizeof CHOICES[0]; i++) {
    struct tax_party customer = {.country = CHOICES[i].country,
                                 .region = CHOICES[i].region,
                                 .is_exempt = CHOICES[i].is_exempt,
                                 .has_tax_id = CHOICES[i].has_tax_id};
    struct tax_rate rate =
        tax_choose(RULES, sizeof RULES / sizeof RULES[0], &customer, CHOICES[i].seller, CHOICES[i].code);
    cr_expect_eq(rate.percent_micro, CHOICES[i].percent * PERCENT_MICRO, "choice %zu: %lld", i,
                 (long long)rate.percent_micro);
    cr_expect_eq(rate.category, CHOICES[i].category, "choice %zu", i);
  }
  struct tax_party nobody = {0};
  cr_expect_eq(tax_choose(NULL, 0, &nobody, NULL, NULL).category, TAX_ZERO);
}

Test(tax, names_come_back) {
  for (int c = TAX_STANDARD; c <= (int)TAX_REVERSE; c++) {
    enum tax_category category;
    cr_assert(tax_category_from_name(tax_category_name((enum tax_category)c), &category));
    cr_expect_eq((int)category, c);
  }
  for (int r = TAX_ROUND_TOTAL; r <= (int)TAX_ROUND_LINE; r++) {
    enum tax_rounding rounding;
    cr_assert(tax_rounding_from_name(tax_rounding_name((enum tax_rounding)r), &rounding));
    cr_expect_eq((int)rounding, r);
  }
  enum tax_category category;
  enum tax_rounding rounding;
  cr_expect_not(tax_category_from_name("none", &category));
  cr_expect_not(tax_rounding_from_name("none", &rounding));
}
