/* Shares of a period and rests of a charge: the rules' worked examples, and that nothing is lost or made up. */
#include "domain/proration.h"

#include <criterion/criterion.h>
#include <criterion/redirect.h>
#include <signal.h>

#include "base/money.h"
#include "unit/property.h"

static struct date day(const char *text) {
  struct date date = {0};
  struct error err;
  cr_assert_eq(date_parse(text, "date", &date, &err), RC_OK, "%s", text);
  return date;
}

Test(proration, names_and_bases_belong_together) { /* BILL-020 */
  enum proration_basis basis = PRORATION_SECOND;
  cr_expect_str_eq(proration_basis_name(PRORATION_DAY), "day");
  cr_expect_str_eq(proration_basis_name(PRORATION_SECOND), "second");
  cr_expect(proration_basis_from_name("day", &basis) && basis == PRORATION_DAY);
  cr_expect(proration_basis_from_name("second", &basis) && basis == PRORATION_SECOND);
  cr_expect_not(proration_basis_from_name("month", &basis));
  cr_expect_eq(basis, PRORATION_SECOND, "untouched");
}

static int64_t charge(int64_t amount, const char *full_start, const char *start, const char *end) {
  struct period period = {0, day(start), day(end), day(full_start)};
  struct error err;
  int64_t charged = 0;
  cr_assert_eq(proration_charge(amount, &period, &charged, &err), RC_OK);
  return charged;
}

static int64_t rest(int64_t charged, int64_t used, int64_t days) {
  struct error err;
  int64_t left = 0;
  cr_assert_eq(proration_rest(charged, used, days, &left, &err), RC_OK);
  return left;
}

Test(proration, a_short_period_costs_its_share_of_the_whole_one) {
  static const struct {
    int64_t amount;
    const char *full_start, *start, *end;
    int64_t charged;
  } CASES[] = {
      {1000, "2026-09-01", "2026-09-16", "2026-10-01", 500}, /* BILL-021 */
      {1000, "2011-08-15", "2011-09-01", "2011-09-15", 452}, /* BILL-021 */
      {1000, "2026-09-01", "2026-09-01", "2026-10-01", 1000},
      {1000, "2026-09-01", "2026-09-30", "2026-10-01", 33},
      {-1000, "2026-09-01", "2026-09-16", "2026-10-01", -500},
      {1, "2026-09-01", "2026-09-16", "2026-10-01", 1}, /* half a cent goes up */
      {0, "2026-09-01", "2026-09-16", "2026-10-01", 0},
      {MONEY_MAX, "2024-01-01", "2024-01-02", "2025-01-01", 997267759562841},
  };
  for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++)
    cr_expect_eq(charge(CASES[i].amount, CASES[i].full_start, CASES[i].start, CASES[i].end), CASES[i].charged,
                 "row %zu", i);
}

Test(proration, leap_day_is_one_twenty_ninth) {
  cr_expect_eq(charge(2900, "2024-02-01", "2024-02-29", "2024-03-01"), 100);
  cr_expect_eq(charge(2800, "2023-02-01", "2023-02-28", "2023-03-01"), 100);
}

Test(proration, the_rest_is_what_was_charged_less_the_used_part_rounded_once) {
  static const struct {
    int64_t charged;
    int32_t used, days;
    int64_t left;
  } CASES[] = {
      {1000, 15, 30, 500},  /* BILL-023: 10 → 20 halfway, the credit */
      {2000, 15, 30, 1000}, /* BILL-023: and the charge */
      {1995, 22, 30, 532},  /* BILL-023 */
      {1000, 0, 30, 1000},  /* BILL-020: the day of the change belongs to the new state */
      {1000, 30, 30, 0},
      {1000, 1, 3, 667},
      {1, 1, 2, 0}, /* used = round(0.5) = 1 */
      {-1, 1, 2, 0},
      {-1000, 1, 3, -667},
      {0, 3, 7, 0},
      {MONEY_MAX, 1, 366, 997267759562841},
      {-MONEY_MAX, 1, 366, -997267759562841},
      {MONEY_MAX, 0, 366, MONEY_MAX},
      {-MONEY_MAX, 366, 366, 0},
  };
  for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++)
    cr_expect_eq(rest(CASES[i].charged, CASES[i].used, CASES[i].days), CASES[i].left, "row %zu", i);
}

/* BILL-020: seconds in place of days; a day of a change of clocks has one hour more or less. */
Test(proration, a_share_by_seconds) {
  static const struct {
    int64_t amount, part, whole, share;
  } CASES[] = {
      {1000, 1296000, 2592000, 500},      {1000, 1, 2592000, 0},      {1000, 1296, 2592000, 1},
      {1000, 1295, 2592000, 0},           {3000, 82800, 2674800, 93}, {3000, 90000, 2682000, 101},
      {1000, 2592000, 2592000, 1000},     {1000, 0, 2592000, 0},      {-1000, 1296, 2592000, -1},
      {MONEY_MAX, 1, 2, 500000000000000},
  };
  for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
    int64_t share = 4711;
    struct error err;
    cr_assert_eq(proration_share(CASES[i].amount, CASES[i].part, CASES[i].whole, &share, &err), RC_OK);
    cr_expect_eq(share, CASES[i].share, "row %zu", i);
  }
}

Test(proration, ten_to_twenty_halfway_is_plus_five) {
  cr_expect_eq(-rest(1000, 15, 30) + rest(2000, 15, 30), 500); /* BILL-023 */
}

Test(proration, amounts_beyond_the_limit_are_refused) {
  static const int64_t AMOUNTS[] = {MONEY_MAX + 1, -MONEY_MAX - 1, INT64_MAX, INT64_MIN};
  struct period whole = {0, day("2026-09-01"), day("2026-10-01"), day("2026-09-01")};
  for (size_t i = 0; i < sizeof AMOUNTS / sizeof AMOUNTS[0]; i++) {
    int64_t result = 4711;
    struct error err = {.code = RC_OK};
    cr_expect_eq(proration_charge(AMOUNTS[i], &whole, &result, &err), RC_VALIDATION);
    cr_expect_eq(proration_rest(AMOUNTS[i], 1, 30, &result, &err), RC_VALIDATION);
    cr_expect_eq(proration_rest(AMOUNTS[i], 0, 30, &result, &err), RC_VALIDATION);
    cr_expect_eq(result, 4711, "untouched");
  }
}

/* BILL-022: each day one of several amounts is in force; at a change the old rest is credited, the new rest charged. */
Test(proration, changes_net_to_the_new_rest_and_there_and_back_to_nothing) {
  struct dice dice = dice_new();
  for (int i = 0; i < MONEY_CASES; i++) {
    int32_t days = (int32_t)dice_between(&dice, 2, 366);
    int64_t old_left = dice_between(&dice, 0, 1000000);
    int64_t new_left = dice_between(&dice, 0, 1000000);
    int64_t billed = old_left; /* the whole period, in advance */
    int32_t day_of_line = 0;
    for (int change = 0; change < 5 && day_of_line < days; change++) {
      int32_t today = (int32_t)dice_between(&dice, day_of_line, days - 1);
      int64_t credit = rest(old_left, today - day_of_line, days - day_of_line);
      int64_t debit = rest(new_left, today - day_of_line, days - day_of_line);
      cr_assert(credit >= 0 && credit <= old_left, "a credit never exceeds its line");
      cr_assert(debit >= 0 && debit <= new_left);
      int64_t there = -credit + debit;
      int64_t back = -rest(debit, 0, days - today) + rest(credit, 0, days - today);
      cr_assert_eq(there + back, 0, "there and back on one day");
      billed += there;
      cr_assert_geq(billed, 0, "never more is credited than was charged");
      old_left = debit;
      new_left = credit;
      day_of_line = today;
    }
  }
}

Test(proration, the_rest_shrinks_day_by_day_from_all_to_nothing) {
  struct dice dice = dice_new();
  for (int i = 0; i < 300; i++) {
    int32_t days = (int32_t)dice_between(&dice, 1, 366);
    int64_t charged = dice_between(&dice, 0, 100000);
    int64_t before = charged;
    for (int32_t used = 0; used <= days; used++) {
      int64_t left = rest(charged, used, days);
      cr_assert_leq(left, before);
      cr_assert_eq(rest(-charged, used, days), -left, "a credit is the mirror of a charge");
      before = left;
    }
    cr_assert_eq(before, 0);
  }
}

Test(proration, more_used_than_there_is_is_our_bug, .signal = SIGABRT, .init = cr_redirect_stderr) {
  (void)rest(1000, 31, 30);
}

Test(proration, a_span_of_no_days_is_our_bug, .signal = SIGABRT, .init = cr_redirect_stderr) {
  (void)rest(1000, 0, 0);
}

Test(proration, an_empty_period_is_our_bug, .signal = SIGABRT, .init = cr_redirect_stderr) {
  (void)charge(1000, "2026-09-01", "2026-10-01", "2026-10-01");
}

/* BILL-020, BILL-021. In March 2027 Madrid loses an hour: on the 28th. */
Test(proration, a_span_is_counted_in_days_or_in_seconds_and_a_whole_one_is_whole) {
  static const struct {
    enum proration_basis basis;
    const char *from, *to;
    int64_t part, whole;
  } cases[] = {{PRORATION_DAY, "2027-03-10", "2027-04-01", 22, 31},
               {PRORATION_DAY, "2027-03-01", "2027-04-01", 31, 31},
               {PRORATION_DAY, "2027-03-05", "2027-03-05", 0, 31},
               {PRORATION_SECOND, "2027-03-27", "2027-03-29", INT64_C(47) * 3600, INT64_C(743) * 3600},
               {PRORATION_SECOND, "2027-03-01", "2027-03-02", INT64_C(24) * 3600, INT64_C(743) * 3600},
               {PRORATION_SECOND, "2027-03-01", "2027-04-01", 31, 31}};
  const struct zone *zone;
  struct error err;
  cr_assert_eq(zone_find("Europe/Madrid", "zone", &zone, &err), RC_OK);
  const struct period period = {3, day("2027-03-10"), day("2027-04-01"), day("2027-03-01")};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    struct price_share share = proration_span(zone, cases[i].basis, day(cases[i].from), day(cases[i].to), &period);
    cr_expect(share.part == cases[i].part && share.whole == cases[i].whole, "case %zu: %lld of %lld", i,
              (long long)share.part, (long long)share.whole);
  }
}

Test(proration, days_and_instants_have_a_place) { /* BILL-020 */
  const struct zone *zone;
  struct error err;
  const struct utime at = {INT64_C(1806102000) * UTIME_SECOND +
                           999999}; /* 2027-03-26T23:00:00.999999Z: the 27th there */
  cr_assert_eq(zone_find("Europe/Madrid", "zone", &zone, &err), RC_OK);
  cr_expect_eq(proration_day(zone, PRORATION_DAY, day("2027-03-27")), day("2027-03-27").days);
  cr_expect_eq(proration_day(zone, PRORATION_SECOND, day("2027-03-27")), 1806102000);
  cr_expect_eq(proration_instant(zone, PRORATION_DAY, at), day("2027-03-27").days);
  cr_expect_eq(proration_instant(zone, PRORATION_SECOND, at), 1806102000);
}
