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
      {-1000, -1000, -1, "is more than what is left of the line"},
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

/* -- lines of both signs, as an invoice of a change has them -- */

struct mixed {
  struct creditable lines[LINES];
  int64_t left; /* of the invoice */
};

static int64_t rest_of(const struct mixed *invoice) {
  int64_t rest = 0;
  for (size_t i = 0; i < LINES; i++) rest += invoice->lines[i].amount_minor - invoice->lines[i].credited_minor;
  return rest;
}

static struct mixed random_mixed(struct dice *dice) {
  struct mixed invoice = {.left = 0};
  int64_t most = dice_between(dice, 0, 3) ? 20 : 100000, percent = dice_between(dice, 0, 25);
  bool is_one_rate = dice_between(dice, 0, 1);
  for (size_t i = 0; i < LINES; i++) {
    int64_t amount = dice_between(dice, -most, most);
    if (!is_one_rate) percent = dice_between(dice, 0, 110);
    invoice.lines[i].amount_minor = amount;
    invoice.lines[i].tax_minor = (int64_t)round_half_away((int128)amount * percent, 100);
    invoice.left += amount + invoice.lines[i].tax_minor;
  }
  return invoice;
}

/* One note, if it may be; returns whether it was. */
static bool try_note(struct dice *dice, struct mixed *invoice) {
  struct creditable *lines = invoice->lines;
  struct credit_sum sum;
  struct error err;
  enum rc rc = RC_OK;
  size_t at = (size_t)dice_between(dice, 0, LINES - 1);
  int64_t of_line = lines[at].amount_minor - lines[at].credited_minor, rest = rest_of(invoice);
  int64_t way = dice_between(dice, 0, 6);
  bool is_amount = way > 3 && rest > 0 && invoice->left > 0;
  for (size_t i = 0; i < LINES; i++) lines[i].wanted_minor = lines[i].tax_wanted_minor = 0;
  if (is_amount)
    rc = credit_amount(lines, LINES, dice_between(dice, dice_between(dice, 1, rest), rest), "amount", &err);
  else if (way == 0)
    credit_whole(lines, LINES);
  else if (of_line != 0) {
    lines[at].wanted_minor = of_line < 0 ? dice_between(dice, of_line, -1) : dice_between(dice, 1, of_line);
    rc = credit_line(&lines[at], "amount", &err);
  }
  cr_assert_eq(rc, RC_OK);
  rc = credit_sum_up(lines, LINES, invoice->left, &sum, &err);
  cr_assert(rc == RC_OK || !is_amount, "whatever is not more than the rest is given back");
  if (rc != RC_OK) return false;
  invoice->left -= sum.total_minor;
  give_back(lines);
  return true;
}

Test(credit_note, bill_043_any_notes_and_then_the_whole_are_exactly_the_invoice) {
  struct dice dice = dice_new();
  struct error err;
  for (int n = 0; n < MONEY_CASES; n++) {
    struct mixed invoice = random_mixed(&dice);
    struct credit_sum sum;
    if (invoice.left <= 0) continue; /* nothing was charged */
    for (int k = 0; k < 5; k++) {
      if (!try_note(&dice, &invoice)) continue;
      cr_assert_geq(invoice.left, 0, "case %d: more than the invoice", n);
      for (size_t i = 0; i < LINES; i++) {
        const struct creditable *line = &invoice.lines[i];
        cr_assert(is_between(line->credited_minor, line->amount_minor), "case %d: line %zu", n, i);
        cr_assert(is_between(line->tax_credited_minor, line->tax_minor), "case %d: tax of line %zu", n, i);
      }
    }
    credit_whole(invoice.lines, LINES);
    enum rc rc = credit_sum_up(invoice.lines, LINES, invoice.left, &sum, &err);
    cr_assert_eq(rc, invoice.left > 0 ? RC_OK : RC_CONFLICT, "case %d", n);
    if (rc == RC_OK) cr_assert_eq(sum.total_minor, invoice.left, "case %d", n);
    give_back(invoice.lines);
    for (size_t i = 0; i < LINES; i++) cr_assert_eq(invoice.lines[i].credited_minor, invoice.lines[i].amount_minor);
  }
}

Test(credit_note, bill_043_an_amount_is_within_the_rest) {
  struct creditable lines[2] = {{.amount_minor = 1000, .credited_minor = 400}, {.amount_minor = -100}};
  struct creditable taxed[2] = {{.amount_minor = 1000}, {.amount_minor = -500, .tax_minor = -500}};
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
  struct error err;
  cr_expect_eq(credit_amount(taxed, 2, 1, "amount", &err), RC_VALIDATION, "with its tax the invoice is one of nothing");
}

/* What the change took back stays taken back: 30.00 are of the charge alone, and 70.00 of it can be credited later.
 * With another tax on the credit the charge alone would bring more than the invoice has left. */
Test(credit_note, bill_043_an_amount_is_spread_over_charges_as_far_as_it_can) {
  static const struct {
    int64_t tax[2], amount, wanted[2], tax_wanted[2], weights[2];
  } cases[] = {
      {{1900, -950}, 3000, {3000, 0}, {570, 0}, {10000, 0}},
      {{1900, -950}, 5000, {10000, -5000}, {1900, -950}, {10000, -5000}},
      {{0, -1000}, 4000, {4000, 0}, {0, 0}, {10000, 0}},
      {{0, -1000}, 4001, {8002, -4001}, {0, -800}, {10000, -5000}},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    struct creditable lines[2] = {{.amount_minor = 10000, .tax_minor = cases[i].tax[0]},
                                  {.amount_minor = -5000, .tax_minor = cases[i].tax[1]}};
    struct error err;
    cr_assert_eq(credit_amount(lines, 2, cases[i].amount, "amount", &err), RC_OK, "case %zu", i);
    for (size_t n = 0; n < 2; n++) {
      cr_expect_eq(lines[n].wanted_minor, cases[i].wanted[n], "case %zu: %lld", i, (long long)lines[n].wanted_minor);
      cr_expect_eq(lines[n].tax_wanted_minor, cases[i].tax_wanted[n], "case %zu: tax of %zu", i, n);
      cr_expect_eq(lines[n].weight_minor, cases[i].weights[n], "case %zu: weight of %zu", i, n);
    }
  }
}

/* Taxes that are rounded line by line would come to more than is left, or to nothing: found by chance. */
Test(credit_note, bill_043_taxes_fit_what_is_left) {
  static const struct {
    int64_t amount[LINES], tax[LINES], asked, wanted[LINES], tax_wanted[LINES];
  } cases[] = {
      {{8, -5, -3, 8, -3}, {2, -3, -2, 2, -3}, 4, {6, -4, -2, 6, -2}, {0, -2, -1, 2, -2}},
      {{7, -7, -3, 2, 7}, {1, -5, -2, 1, 0}, 3, {4, -3, -2, 1, 3}, {0, -2, -1, 1, 0}},
      {{-6, -1, -2, 4, 8}, {-4, 0, 0, 0, 2}, 2, {-4, -1, -1, 3, 5}, {-2, 0, 0, 0, 1}},
      {{3, 3, -4, 9, -9}, {0, 0, -1, 5, -5}, 1, {2, 2, -2, 4, -5}, {0, 0, 0, 3, -3}},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    struct creditable lines[LINES] = {{0}};
    struct error err;
    for (size_t n = 0; n < LINES; n++)
      lines[n] = (struct creditable){.amount_minor = cases[i].amount[n], .tax_minor = cases[i].tax[n]};
    cr_assert_eq(credit_amount(lines, LINES, cases[i].asked, "amount", &err), RC_OK);
    for (size_t n = 0; n < LINES; n++) {
      cr_expect_eq(lines[n].wanted_minor, cases[i].wanted[n], "case %zu: line %zu", i, n);
      cr_expect_eq(lines[n].tax_wanted_minor, cases[i].tax_wanted[n], "case %zu: tax of line %zu", i, n);
      cr_expect_eq(lines[n].weight_minor, cases[i].amount[n], "case %zu: weight of line %zu", i, n);
    }
  }
}

Test(credit_note, bill_043_a_note_is_something_and_within_the_invoice) {
  static const struct {
    int64_t wanted, tax, left;
    const char *why_not; /* NULL: it may be */
  } cases[] = {
      {100, 19, 119, NULL},
      {1, 0, 1, NULL},
      {-1, 2, 1, NULL},
      {100, 19, 118, "it is more than what is left of the invoice"},
      {1, -1, 9, "nothing is left of the invoice to give back"},
      {0, -1, 9, "nothing is left of the invoice to give back"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    struct creditable line = {.wanted_minor = cases[i].wanted, .tax_wanted_minor = cases[i].tax};
    struct credit_sum sum = {0};
    struct error err = {0};
    cr_expect_eq(credit_sum_up(&line, 1, cases[i].left, &sum, &err), cases[i].why_not ? RC_CONFLICT : RC_OK, "%zu", i);
    if (cases[i].why_not)
      cr_expect_str_eq(err.text, cases[i].why_not);
    else
      cr_expect_eq(sum.total_minor, cases[i].wanted + cases[i].tax);
  }
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

Test(credit_note, bill_043_first_what_is_due_then_money_then_credit) {
  static const struct {
    int64_t total;
    struct credit_settled settled;
    struct credit_disposal disposal;
  } cases[] = {
      {100, {150, 0, 0}, {100, 0, 0}},  {100, {100, 0, 0}, {100, 0, 0}},   {100, {40, 60, 0}, {40, 60, 0}},
      {100, {0, 100, 0}, {0, 100, 0}},  {0, {9, 9, 9}, {0, 0, 0}},         {100, {1, 99, 0}, {1, 99, 0}},
      {100, {0, 60, 50}, {0, 100, 40}}, {100, {20, 30, 50}, {20, 80, 50}}, {100, {0, 0, 100}, {0, 100, 100}},
      {100, {0, 100, 50}, {0, 100, 0}}, {1, {0, 0, 1}, {0, 1, 1}},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    struct credit_disposal disposal = credit_dispose(cases[i].total, &cases[i].settled);
    cr_expect_eq(disposal.applied_minor, cases[i].disposal.applied_minor, "case %zu", i);
    cr_expect_eq(disposal.left_minor, cases[i].disposal.left_minor, "case %zu", i);
    cr_expect_eq(disposal.returned_minor, cases[i].disposal.returned_minor, "case %zu", i);
  }
}

Test(credit_note, bill_043_credit_goes_back_where_it_was_used_last) {
  static const struct {
    int64_t minor, returned[3], over;
  } cases[] = {
      {0, {0, 0, 0}, 0}, {30, {30, 0, 0}, 0}, {31, {30, 1, 0}, 1}, {55, {30, 20, 5}, 20}, {60, {30, 20, 10}, 20}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    struct credit_use uses[] = {{30, 0, false}, {20, 0, true}, {10, 0, false}};
    cr_expect_eq(credit_return(uses, 3, cases[i].minor), cases[i].over, "case %zu", i);
    for (size_t n = 0; n < 3; n++)
      cr_expect_eq(uses[n].returned_minor, cases[i].returned[n], "case %zu: use %zu", i, n);
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
