/* BILL-043: notes give back the invoice's integers. */
#include "domain/credit_note.h"

#include <criterion/criterion.h>

#include "../property.h"
#include "base/money.h"
#include "domain/invoice.h"

enum { LINES = 5 };

Test(credit_note, bill_043_tax_of_the_kth_note_is_cumulative) {
  /* 10.00 with 0.10 of tax in three thirds: no cent more, no cent less */
  static const struct { int64_t wanted, tax; } notes[] = {{333, 3}, {333, 4}, {334, 3}};
  struct creditable line = {.amount_minor = 1000, .tax_minor = 10};
  struct error err;
  for (size_t i = 0; i < sizeof notes / sizeof notes[0]; i++) {
    line.wanted_minor = notes[i].wanted;
    cr_assert_eq(credit_line(&line, "amount", &err), RC_OK);
    cr_expect_eq(line.tax_wanted_minor, notes[i].tax, "note %zu: %lld", i, (long long)line.tax_wanted_minor);
    line.credited_minor += line.wanted_minor;
    line.tax_credited_minor += line.tax_wanted_minor;
  }
  line.wanted_minor = 1;
  cr_expect_eq(credit_line(&line, "amount", &err), RC_VALIDATION);
}

Test(credit_note, bill_043_a_line_s_note_stays_within_its_rest) {
  static const struct {
    int64_t amount, credited, wanted;
    const char *why_not; /* NULL: it may be */
  } cases[] = {
      {1000, 0, 1000, NULL},
      {1000, 999, 1, NULL},
      {1, 0, 1, NULL},
      {MONEY_MAX, 0, MONEY_MAX, NULL},
      {-1000, 0, -1000, NULL},
      {-1000, -999, -1, NULL},
      {1000, 0, 0, "must not be 0"},
      {1000, 0, -1, "must have the sign of the line's own amount"},
      {-1000, 0, 1, "must have the sign of the line's own amount"},
      {0, 0, 1, "must have the sign of the line's own amount"},
      {1000, 999, 2, "is more than what is left of the line"},
      {1000, 0, 1001, "is more than what is left of the line"},
      {1000, 1000, 1, "is more than what is left of the line"},
      {-1000, -999, -2, "is more than what is left of the line"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    struct error err = {0};
    struct creditable line = {
        .amount_minor = cases[i].amount, .credited_minor = cases[i].credited, .wanted_minor = cases[i].wanted};
    enum rc rc = credit_line(&line, "items[0].amount", &err);
    cr_expect_eq(rc, cases[i].why_not ? RC_VALIDATION : RC_OK, "case %zu", i);
    if (!cases[i].why_not) continue;
    cr_expect_str_eq(err.text, cases[i].why_not, "case %zu", i);
    cr_expect_str_eq(err.field, "items[0].amount");
  }
}

static void give_back(struct creditable *lines) {
  for (size_t i = 0; i < LINES; i++) {
    lines[i].credited_minor += lines[i].wanted_minor;
    lines[i].tax_credited_minor += lines[i].tax_wanted_minor;
    lines[i].wanted_minor = lines[i].tax_wanted_minor = 0;
  }
}

static bool is_between(int64_t part, int64_t whole) {
  return whole < 0 ? part <= 0 && part >= whole : part >= 0 && part <= whole;
}

static void random_note(struct dice *dice, struct creditable *lines) {
  struct error err;
  int64_t rest = 0;
  for (size_t i = 0; i < LINES; i++) rest += lines[i].amount_minor - lines[i].credited_minor;
  size_t at = (size_t)dice_between(dice, 0, LINES - 1);
  int64_t of_line = lines[at].amount_minor - lines[at].credited_minor;
  if (dice_between(dice, 0, 1) && of_line != 0) {
    lines[at].wanted_minor = of_line < 0 ? dice_between(dice, of_line, -1) : dice_between(dice, 1, of_line);
    cr_assert_eq(credit_line(&lines[at], "amount", &err), RC_OK);
  } else if (rest > 0) {
    int64_t wanted = dice_between(dice, 1, rest), spread = 0;
    cr_assert_eq(credit_amount(lines, LINES, wanted, "amount", &err), RC_OK);
    for (size_t i = 0; i < LINES; i++) spread += lines[i].wanted_minor;
    cr_assert_eq(spread, wanted);
  }
  give_back(lines);
}

Test(credit_note, bill_043_notes_over_all_lines_are_exactly_the_invoice) {
  struct dice dice = dice_new();
  for (int n = 0; n < MONEY_CASES; n++) {
    struct creditable lines[LINES] = {{0}};
    for (size_t i = 0; i < LINES; i++) {
      lines[i].amount_minor = dice_between(&dice, i == 0 ? -500 : 0, 2000);
      lines[i].tax_minor = lines[i].amount_minor * dice_between(&dice, 0, 25) / 100;
    }
    for (int k = 0; k < 4; k++) {
      random_note(&dice, lines);
      for (size_t i = 0; i < LINES; i++) {
        cr_assert(is_between(lines[i].credited_minor, lines[i].amount_minor), "case %d: line %zu", n, i);
        cr_assert(is_between(lines[i].tax_credited_minor, lines[i].tax_minor), "case %d: tax of line %zu", n, i);
      }
    }
    credit_whole(lines, LINES);
    give_back(lines);
    for (size_t i = 0; i < LINES; i++) {
      cr_assert_eq(lines[i].credited_minor, lines[i].amount_minor);
      cr_assert_eq(lines[i].tax_credited_minor, lines[i].tax_minor, "case %d: the tax is not whole", n);
    }
  }
}

Test(credit_note, bill_043_an_amount_is_within_the_rest) {
  struct creditable lines[2] = {{.amount_minor = 1000, .credited_minor = 400}, {.amount_minor = -100}};
  static const struct {
    int64_t amount;
    enum rc rc;
  } cases[] = {{0, RC_VALIDATION}, {-1, RC_VALIDATION}, {501, RC_VALIDATION}, {500, RC_OK}};
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    struct error err;
    cr_expect_eq(credit_amount(lines, 2, cases[i].amount, "amount", &err), cases[i].rc, "%lld",
                 (long long)cases[i].amount);
  }
  cr_expect_eq(lines[0].wanted_minor, 600);
  cr_expect_eq(lines[1].wanted_minor, -100);
}

/* A line of 0.01 with a tax of 100 % in it is all tax; a note of all that is left takes that, too. */
Test(credit_note, bill_043_the_last_note_takes_the_tax_of_lines_without_an_amount) {
  struct creditable lines[2] = {{.amount_minor = 1000, .tax_minor = 190, .credited_minor = 1, .tax_credited_minor = 0},
                                {.amount_minor = 0, .tax_minor = 1}};
  struct error err;
  cr_assert_eq(credit_amount(lines, 2, 998, "amount", &err), RC_OK);
  cr_expect_eq(lines[1].tax_wanted_minor, 0, "not before the end");
  cr_assert_eq(credit_amount(lines, 2, 999, "amount", &err), RC_OK);
  cr_expect_eq(lines[0].wanted_minor, 999);
  cr_expect_eq(lines[0].tax_wanted_minor, 190);
  cr_expect_eq(lines[1].wanted_minor, 0);
  cr_expect_eq(lines[1].tax_wanted_minor, 1);
}

Test(credit_note, bill_043_the_largest_invoice_is_given_back) {
  static struct creditable lines[INVOICE_LINES_MAX];
  struct error err;
  int64_t spread = 0, rest = 0;
  for (size_t i = 0; i < INVOICE_LINES_MAX; i++) {
    lines[i].amount_minor = i % 2 ? -MONEY_MAX : MONEY_MAX;
    lines[i].tax_minor = lines[i].amount_minor;
  }
  lines[1].amount_minor = -1;
  rest = MONEY_MAX - 1;
  cr_assert_eq(credit_amount(lines, INVOICE_LINES_MAX, rest - 1, "amount", &err), RC_OK);
  for (size_t i = 0; i < INVOICE_LINES_MAX; i++) spread += lines[i].wanted_minor;
  cr_expect_eq(spread, rest - 1);
}

Test(credit_note, bill_043_first_what_is_due_then_the_customer_s) {
  static const struct {
    int64_t total, due, applied, left;
  } cases[] = {{100, 150, 100, 0}, {100, 100, 100, 0}, {100, 40, 40, 60}, {100, 0, 0, 100},
               {100, -5, 0, 100},  {0, 9, 0, 0},       {100, 1, 1, 99}};
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    struct credit_disposal disposal = credit_dispose(cases[i].total, cases[i].due);
    cr_expect_eq(disposal.applied_minor, cases[i].applied, "case %zu", i);
    cr_expect_eq(disposal.left_minor, cases[i].left, "case %zu", i);
  }
}

Test(credit_note, bill_053_unused_time_brings_its_share_of_the_discount) {
  static const struct {
    int64_t amount, listed, credited, claimed, wanted, tax;
  } cases[] = {
      {900, 1000, 0, 500, 450, 86},    /* 10 % off; 171 of tax */
      {900, 1000, 0, 333, 300, 57},    /* 299.7 */
      {900, 1000, 0, 1000, 900, 171},  /* all of it */
      {900, 1000, 600, 500, 300, 171}, /* and not more than is left: with it goes all the tax that is left */
      {900, 1000, 900, 500, 0, 0},     /* nothing is left */
      {900, 1000, 950, 500, 0, 0},     {0, 1000, 0, 500, 0, 0}, /* a coupon took it all */
      {-900, 1000, 0, 500, 0, 0},                               /* no charge */
      {900, -1000, 0, 500, 0, 0},      {900, 0, 0, 500, 0, 0},
      {900, 1000, 300, 0, 0, 0},       {1, 1, 0, 1, 1, 171}, /* the smallest line there is */
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    struct creditable line = {.amount_minor = cases[i].amount,
                              .tax_minor = cases[i].amount == 0 ? 0 : 171,
                              .listed_minor = cases[i].listed,
                              .credited_minor = cases[i].credited,
                              .claimed_minor = cases[i].claimed};
    credit_claimed(&line);
    cr_expect_eq(line.wanted_minor, cases[i].wanted, "case %zu: %lld", i, (long long)line.wanted_minor);
    cr_expect_eq(line.tax_wanted_minor, cases[i].tax, "case %zu: tax %lld", i, (long long)line.tax_wanted_minor);
  }
}

Test(credit_note, a_basis_has_a_name) {
  static const char *const names[] = {"whole", "lines", "amount", "claimed"};
  enum credit_basis basis;
  for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
    cr_assert(credit_basis_from_name(names[i], &basis));
    cr_expect_str_eq(credit_basis_name(basis), names[i]);
  }
  cr_expect_not(credit_basis_from_name("all", &basis));
}
