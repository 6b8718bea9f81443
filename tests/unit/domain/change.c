/* Changes within a period: the rules' worked examples, and that nothing is won or lost by changing there and back. */
#include "domain/change.h"

#include <criterion/criterion.h>
#include <criterion/redirect.h>
#include <signal.h>
#include <string.h>

#include "base/money.h"
#include "unit/property.h"

enum { STEPS_MAX = 6, STATES_MAX = 4 };

static int64_t rest_of(int64_t charged, struct change_span span, const int64_t *cuts, size_t count) {
  struct error err;
  int64_t rest = 4711;
  cr_assert_eq(change_rest(charged, span, (struct change_cuts){cuts, count}, &rest, &err), RC_OK);
  return rest;
}

Test(change, the_rest_follows_the_cuts_one_by_one) {
  static const struct {
    int64_t charged, end;
    int64_t cuts[4];
    size_t count;
    int64_t rest;
  } CASES[] = {
      {1000, 30, {15}, 1, 500},             /* BILL-023: 10 → 20 halfway, the credit */
      {2000, 30, {15}, 1, 1000},            /* BILL-023: and the charge */
      {1995, 30, {22}, 1, 532},             /* BILL-023: 8 days left of 30 */
      {1000, 30, {0}, 1, 1000},             /* on the first day nothing is used */
      {1000, 30, {0}, 0, 1000},             /* never */
      {1000, 30, {-5}, 1, 1000},            /* before the period */
      {1000, 30, {30}, 1, 0},               /* with its end */
      {1000, 30, {31}, 1, 0},               /* and after it */
      {1000, 30, {10, 30, 30, 31}, 4, 0},   /* and nothing is left to cut */
      {1000, 30, {10, 20}, 2, 333},         /* 667, then half of it */
      {1000, 30, {10, 10, 20, 20}, 4, 333}, /* BILL-024: twice on a day is once */

      {-1000, 30, {10, 20}, 2, -333},                     /* the mirror image */
      {0, 30, {10}, 1, 0},                                /* of nothing */
      {1, 2, {1}, 1, 0},                                  /* the half cent counts as used */
      {1000, 2592000, {1296000}, 1, 500},                 /* BILL-020: by seconds */
      {MONEY_MAX, 366, {1}, 1, 997267759562841},          /* the largest amount */
      {MONEY_MAX, 31622400, {86400}, 1, 997267759562841}, /* for a year of seconds */
  };
  for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++)
    cr_expect_eq(rest_of(CASES[i].charged, (struct change_span){0, CASES[i].end}, CASES[i].cuts, CASES[i].count),
                 CASES[i].rest, "row %zu", i);
}

Test(change, ten_to_twenty_halfway_is_plus_five) { /* BILL-023 */
  const int64_t halfway = 20712 + 15;
  struct change_span september = {20712, 20742};
  cr_expect_eq(-rest_of(1000, september, &halfway, 1) + rest_of(2000, september, &halfway, 1), 500);
}

Test(change, too_many_cuts_are_our_bug, .signal = SIGABRT, .init = cr_redirect_stderr) {
  static const int64_t cuts[CHANGE_CUTS_MAX + 1];
  (void)rest_of(1000, (struct change_span){0, 30}, cuts, CHANGE_CUTS_MAX + 1);
}

Test(change, cuts_out_of_order_are_our_bug, .signal = SIGABRT, .init = cr_redirect_stderr) {
  static const int64_t cuts[] = {20, 10};
  (void)rest_of(1000, (struct change_span){0, 30}, cuts, 2);
}

Test(change, an_empty_span_is_our_bug, .signal = SIGABRT, .init = cr_redirect_stderr) {
  (void)rest_of(1000, (struct change_span){30, 30}, NULL, 0);
}

Test(change, an_amount_beyond_the_limit_is_refused) {
  const int64_t cut = 1;
  struct error err;
  int64_t rest = 4711;
  cr_expect_eq(change_rest(MONEY_MAX + 1, (struct change_span){0, 30}, (struct change_cuts){&cut, 1}, &rest, &err),
               RC_VALIDATION);
  cr_expect_eq(rest, 4711);
}

/* ---- any sequence of changes ---- */

/* A period, the whole charge of each of some states for it, and days on which the state changes. */
struct life {
  struct change_span span;
  int64_t charge[STATES_MAX];
  int64_t at[STEPS_MAX];
  int state[STEPS_MAX]; /* from at[i] on; before at[0] it is 0 */
  size_t steps;
};

static struct life throw_life(struct dice *dice) {
  int64_t start = dice_between(dice, -1000, 20000);
  bool by_second = dice_between(dice, 0, 3) == 0;
  struct life life = {
      .span = {start, start + (by_second ? dice_between(dice, 1, 31622400) : dice_between(dice, 1, 366))}};
  for (int i = 0; i < STATES_MAX; i++)
    life.charge[i] = dice_between(dice, 0, dice_between(dice, 0, 9) == 0 ? MONEY_MAX : 100000);
  life.steps = (size_t)dice_between(dice, 1, STEPS_MAX);
  for (size_t i = 0; i < life.steps; i++) {
    int64_t least = i ? life.at[i - 1] : start;
    bool same_day = dice_between(dice, 0, 3) == 0;
    life.at[i] = same_day ? least : dice_between(dice, least, life.span.end - 1);
    life.state[i] = (int)dice_between(dice, 0, STATES_MAX - 1);
  }
  return life;
}

/* What is billed for it: the first state's charge, and a credit and a charge for each change. */
static int64_t bill(const struct life *life) {
  int64_t billed = life->charge[0], line = life->charge[0]; /* the line that stands: it was charged `line` */
  int before = 0;
  for (size_t i = 0; i < life->steps; i++) {
    int64_t credit = rest_of(life->charge[before], life->span, life->at, i + 1);
    int64_t charge = rest_of(life->charge[life->state[i]], life->span, life->at, i + 1);
    cr_assert(credit >= 0 && credit <= line, "a credit never exceeds the line that it takes back");
    billed += charge - credit;
    line = charge;
    before = life->state[i];
  }
  return billed;
}

/* What a state costs between two changes, as a share of its own: by hand, without the function under test. */
static int64_t used_by_hand(int64_t charge, const struct life *life, size_t piece) {
  int64_t left = charge, from = life->span.start;
  for (size_t i = 0;; i++) {
    if (i == life->steps) return i == piece ? left : 0;
    int128 exact = 2 * (int128)left * (life->at[i] - from);
    int128 whole = life->span.end - from;
    int64_t used = (int64_t)((exact + whole) / (2 * whole));
    if (i == piece) return used;
    left -= used;
    from = life->at[i];
  }
}

/* BILL-022: each piece costs what the state in force there costs there, whatever was in force before. */
Test(change, each_piece_of_a_period_costs_what_its_state_costs, .timeout = 120) {
  struct dice dice = dice_new();
  for (int i = 0; i < MONEY_CASES; i++) {
    struct life life = throw_life(&dice);
    int64_t by_hand = used_by_hand(life.charge[0], &life, 0);
    for (size_t piece = 1; piece <= life.steps; piece++)
      by_hand += used_by_hand(life.charge[life.state[piece - 1]], &life, piece);
    cr_assert_eq(bill(&life), by_hand, "case %d", i);
  }
}

/* BILL-022: whatever happens in between, going back nets to zero against the subscription that never changed, but for
 * the pieces in which another state was in force; and those are none when the way there and back takes no time. */
Test(change, there_and_back_nets_to_zero, .timeout = 120) {
  struct dice dice = dice_new();
  for (int i = 0; i < MONEY_CASES; i++) {
    struct life life = throw_life(&dice);
    int64_t detours = 0;
    life.state[life.steps - 1] = 0;
    for (size_t piece = 1; piece <= life.steps; piece++)
      detours +=
          used_by_hand(life.charge[life.state[piece - 1]], &life, piece) - used_by_hand(life.charge[0], &life, piece);
    cr_assert_eq(bill(&life), life.charge[0] + detours, "case %d", i);

    for (size_t step = 0; step + 1 < life.steps; step++) life.at[step] = life.at[life.steps - 1];
    cr_assert_eq(bill(&life), life.charge[0], "case %d: all on one day", i);
  }
}

/* BILL-022, BILL-054: a change that is taken back the same day leaves no trace, wherever in a life it happens. */
Test(change, a_detour_without_length_leaves_no_trace, .timeout = 120) {
  struct dice dice = dice_new();
  for (int i = 0; i < MONEY_CASES; i++) {
    struct life life = throw_life(&dice);
    size_t where = (size_t)dice_between(&dice, 0, (int64_t)life.steps - 1);
    if (life.steps == STEPS_MAX) life.steps--;
    if (where >= life.steps) where = life.steps - 1;
    struct life longer = life;
    longer.steps = life.steps + 1;
    for (size_t step = where; step < life.steps; step++) {
      longer.at[step + 1] = life.at[step];
      longer.state[step + 1] = life.state[step];
    }
    longer.at[where] = life.at[where];
    longer.state[where] = (int)dice_between(&dice, 0, STATES_MAX - 1);
    cr_assert_eq(bill(&longer), bill(&life), "case %d", i);
  }
}

/* ---- what is charged when a piece is over ---- */

static int64_t piece_of(int64_t charged, const struct life *life, int64_t from, int64_t to) {
  struct error err;
  int64_t minor = 4711;
  cr_assert_eq(change_piece(charged, life->span, (struct change_cuts){life->at, life->steps}, from, to, &minor, &err),
               RC_OK);
  return minor;
}

Test(change, a_piece_is_what_is_used_between_two_cuts) {
  struct life life = {.span = {100, 130}, .at = {110, 120}, .steps = 2};
  static const struct {
    int64_t charged, from, to, minor;
  } CASES[] = {
      {1000, 100, 110, 333},   {1000, 110, 120, 334}, {1000, 120, 130, 333}, /* the rest of 667 is 333 */
      {1000, 100, 130, 1000},  {1000, 90, 140, 1000}, {1000, 110, 130, 667},
      {1000, 100, 100, 0},     {1000, 130, 130, 0},   {1000, 130, 140, 0},
      {1000, 100, 115, 500}, /* to what is no cut yet: half of the 667 */
      {-1000, 110, 120, -334}, {0, 100, 130, 0},      {MONEY_MAX, 100, 130, MONEY_MAX},
  };
  for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++)
    cr_expect_eq(piece_of(CASES[i].charged, &life, CASES[i].from, CASES[i].to), CASES[i].minor, "row %zu", i);
  struct life cut_at_its_end = {.span = {100, 130}, .at = {110, 130}, .steps = 2};
  cr_expect_eq(piece_of(1000, &cut_at_its_end, 110, 140), 667);
  struct error err;
  int64_t minor = 4711;
  cr_expect_eq(change_piece(MONEY_MAX + 1, life.span, (struct change_cuts){NULL, 0}, 100, 110, &minor, &err),
               RC_VALIDATION);
  cr_expect_eq(minor, 4711);
}

Test(change, a_piece_that_ends_before_it_begins_is_our_bug, .signal = SIGABRT, .init = cr_redirect_stderr) {
  struct life life = {.span = {100, 130}};
  (void)piece_of(1000, &life, 110, 109);
}

/* Each state's share when its piece is over, as arrears are billed. */
static int64_t bill_in_arrears(const struct life *life) {
  int64_t billed = 0;
  for (size_t i = 0; i <= life->steps; i++)
    billed += piece_of(life->charge[i == 0 ? 0 : life->state[i - 1]], life, i == 0 ? life->span.start : life->at[i - 1],
                       i == life->steps ? life->span.end : life->at[i]);
  return billed;
}

/* BILL-022, BILL-052: whatever is changed within a period, in arrears or in advance it costs the same to the cent; so
 * there and back is worth nothing in arrears, too. */
Test(change, in_arrears_comes_to_the_same_as_in_advance, .timeout = 120) {
  struct dice dice = dice_new();
  for (int i = 0; i < MONEY_CASES; i++) {
    struct life life = throw_life(&dice);
    cr_assert_eq(bill_in_arrears(&life), bill(&life), "case %d", i);
    for (size_t step = 0; step < life.steps; step++) life.state[step] = 0;
    cr_assert_eq(bill_in_arrears(&life), life.charge[0], "case %d: always the same", i);
  }
}

/* A piece knows nothing of the cuts that come later: it is billed before they happen. */
Test(change, a_piece_does_not_depend_on_later_cuts, .timeout = 120) {
  struct dice dice = dice_new();
  for (int i = 0; i < MONEY_CASES; i++) {
    struct life life = throw_life(&dice), known = life;
    known.steps = (size_t)dice_between(&dice, 0, (int64_t)life.steps - 1);
    int64_t from = known.steps ? life.at[known.steps - 1] : life.span.start, to = life.at[known.steps];
    cr_assert_eq(piece_of(life.charge[0], &life, from, to), piece_of(life.charge[0], &known, from, to), "case %d", i);
  }
}

/* Credits on one line, by however many changes, sum to no more than it: what a line keeps is never below nothing. */
Test(change, several_credits_on_one_line_never_exceed_it, .timeout = 120) {
  struct dice dice = dice_new();
  for (int i = 0; i < MONEY_CASES; i++) {
    struct life life = throw_life(&dice);
    int64_t left = life.charge[0], used = 0;
    for (size_t step = 1; step <= life.steps; step++) {
      int64_t rest = rest_of(life.charge[0], life.span, life.at, step);
      cr_assert(rest >= 0 && rest <= left, "case %d", i);
      used += left - rest;
      left = rest;
    }
    cr_assert_eq(used + left, life.charge[0], "case %d", i);
  }
}

/* ---- dearer by the day: BILL-052 ---- */

Test(change, an_upgrade_is_dearer_by_the_day) {
  static const struct {
    struct recurring old, new;
    bool is_upgrade;
  } CASES[] = {
      {{1000, {INTERVAL_MONTH, 1}}, {2000, {INTERVAL_MONTH, 1}}, true},
      {{2000, {INTERVAL_MONTH, 1}}, {1000, {INTERVAL_MONTH, 1}}, false},
      {{1000, {INTERVAL_MONTH, 1}}, {1000, {INTERVAL_MONTH, 1}}, false},
      {{1000, {INTERVAL_MONTH, 1}}, {12000, {INTERVAL_YEAR, 1}}, false}, /* the same price by the day */
      {{1000, {INTERVAL_MONTH, 1}}, {12001, {INTERVAL_YEAR, 1}}, true},  /* one cent a year */
      {{12001, {INTERVAL_YEAR, 1}}, {1000, {INTERVAL_MONTH, 1}}, false},
      {{3000, {INTERVAL_QUARTER, 1}}, {1000, {INTERVAL_MONTH, 1}}, false},
      {{3000, {INTERVAL_MONTH, 3}}, {3001, {INTERVAL_QUARTER, 1}}, true},
      {{3000, {INTERVAL_QUARTER, 1}}, {1001, {INTERVAL_MONTH, 1}}, true},
      {{12000, {INTERVAL_YEAR, 1}}, {1000, {INTERVAL_MONTH, 1}}, false},
      {{12000, {INTERVAL_YEAR, 1}}, {3000, {INTERVAL_QUARTER, 1}}, false},
      {{100, {INTERVAL_DAY, 1}}, {700, {INTERVAL_WEEK, 1}}, false},
      {{700, {INTERVAL_WEEK, 1}}, {100, {INTERVAL_DAY, 1}}, false},
      {{700, {INTERVAL_WEEK, 1}}, {101, {INTERVAL_DAY, 1}}, true},
      {{700, {INTERVAL_WEEK, 1}}, {3043, {INTERVAL_MONTH, 1}}, false}, /* 30.436875 days */
      {{700, {INTERVAL_WEEK, 1}}, {3044, {INTERVAL_MONTH, 1}}, true},
      {{0, {INTERVAL_MONTH, 1}}, {1, {INTERVAL_YEAR, 120}}, true},
      {{0, {INTERVAL_MONTH, 1}}, {0, {INTERVAL_YEAR, 1}}, false},
      {{MONEY_MAX, {INTERVAL_YEAR, 120}}, {MONEY_MAX, {INTERVAL_DAY, 1}}, true},
  };
  for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++)
    cr_expect_eq(change_is_upgrade(CASES[i].old, CASES[i].new), CASES[i].is_upgrade, "row %zu", i);
}
