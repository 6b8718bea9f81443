/* Boundaries by example, and tiling for every start day, unit and year. */
#include "domain/calendar.h"

#include <criterion/criterion.h>
#include <criterion/redirect.h>
#include <signal.h>
#include <string.h>

#include "unit/property.h"

static struct date day(const char *text) {
  struct date date = {0};
  struct error err;
  cr_assert_eq(date_parse(text, "date", &date, &err), RC_OK, "%s", text);
  return date;
}

static const char *text_of(struct date date) {
  static char texts[4][DATE_TEXT_MAX];
  static size_t next;
  return date_format(date, texts[next++ % 4]);
}

static struct grid make(const char *start, struct interval interval, enum anchor_kind kind, int number) {
  struct grid grid = {0};
  struct error err = {.text = ""};
  cr_assert_eq(grid_make(day(start), interval, kind, number, (struct date){0}, &grid, &err), RC_OK, "%s", err.text);
  return grid;
}

#define EVERY(interval_count, interval_unit) ((struct interval){(interval_unit), (interval_count)})
#define MONTHLY                              EVERY(1, INTERVAL_MONTH)
#define QUARTERLY                            EVERY(1, INTERVAL_QUARTER)
#define YEARLY                               EVERY(1, INTERVAL_YEAR)
#define WEEKLY                               EVERY(1, INTERVAL_WEEK)
#define DAILY                                EVERY(1, INTERVAL_DAY)

/* ---- names: BILL-012 ---- */

Test(calendar, cycles_are_intervals_and_back) {
  static const struct {
    const char *cycle, *unit_name;
    enum interval_unit unit;
  } CASES[] = {
      {"monthly", "month", INTERVAL_MONTH}, {"quarterly", "quarter", INTERVAL_QUARTER},
      {"yearly", "year", INTERVAL_YEAR},    {"weekly", "week", INTERVAL_WEEK},
      {"daily", "day", INTERVAL_DAY},
  };
  for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
    struct interval interval = {INTERVAL_DAY, 0};
    enum interval_unit unit = INTERVAL_DAY;
    struct error err;
    cr_expect_eq(interval_from_cycle(CASES[i].cycle, "billingCycle", &interval, &err), RC_OK);
    cr_expect(interval.unit == CASES[i].unit && interval.count == 1);
    cr_expect_str_eq(interval_cycle(interval), CASES[i].cycle);
    cr_expect_str_eq(interval_unit_name(CASES[i].unit), CASES[i].unit_name);
    cr_expect(interval_unit_from_name(CASES[i].unit_name, &unit));
    cr_expect_eq(unit, CASES[i].unit);
    cr_expect_null(interval_cycle((struct interval){CASES[i].unit, 2}), "every second one has no word");
  }
}

Test(calendar, other_cycles_are_refused_by_field) {
  static const char *const CASES[] = {"", "month", "Monthly", "biweekly", "monthly "};
  for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
    struct interval interval = {INTERVAL_YEAR, 7};
    enum interval_unit unit = INTERVAL_YEAR;
    struct error err = {.code = RC_OK};
    cr_expect_eq(interval_from_cycle(CASES[i], "billingCycle", &interval, &err), RC_VALIDATION, "%s", CASES[i]);
    cr_expect_str_eq(err.field, "billingCycle");
    cr_expect(interval.unit == INTERVAL_YEAR && interval.count == 7, "untouched");
    if (strcmp(CASES[i], "month") != 0) cr_expect_not(interval_unit_from_name(CASES[i], &unit));
  }
}

/* ---- boundaries: BILL-010 ---- */

Test(calendar, boundaries_are_clamped_from_the_anchor_and_never_stepped) {
  static const struct {
    const char *start;
    struct interval interval;
    const char *boundaries[8];
  } CASES[] = {
      {"2025-01-31", {INTERVAL_MONTH, 1}, {"2025-01-31", "2025-02-28", "2025-03-31", "2025-04-30", "2025-05-31"}},
      {"2024-01-31", {INTERVAL_MONTH, 1}, {"2024-01-31", "2024-02-29", "2024-03-31", "2024-04-30"}},
      {"2024-01-30", {INTERVAL_MONTH, 1}, {"2024-01-30", "2024-02-29", "2024-03-30"}},
      {"2025-02-28", {INTERVAL_MONTH, 1}, {"2025-02-28", "2025-03-28"}},
      {"2024-02-29", {INTERVAL_YEAR, 1}, {"2024-02-29", "2025-02-28", "2026-02-28", "2027-02-28", "2028-02-29"}},
      {"2096-02-29", {INTERVAL_YEAR, 4}, {"2096-02-29", "2100-02-28", "2104-02-29"}},
      {"2025-11-30", {INTERVAL_QUARTER, 1}, {"2025-11-30", "2026-02-28", "2026-05-30", "2026-08-30", "2026-11-30"}},
      {"2025-08-31", {INTERVAL_MONTH, 6}, {"2025-08-31", "2026-02-28", "2026-08-31"}},
      {"2025-12-31", {INTERVAL_MONTH, 2}, {"2025-12-31", "2026-02-28", "2026-04-30", "2026-06-30", "2026-08-31"}},
      {"2025-12-29", {INTERVAL_WEEK, 1}, {"2025-12-29", "2026-01-05", "2026-01-12"}},
      {"2025-12-29", {INTERVAL_WEEK, 2}, {"2025-12-29", "2026-01-12", "2026-01-26"}},
      {"2024-02-28", {INTERVAL_DAY, 1}, {"2024-02-28", "2024-02-29", "2024-03-01"}},
      {"2025-01-01", {INTERVAL_DAY, 30}, {"2025-01-01", "2025-01-31", "2025-03-02"}},
  };
  for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
    struct grid grid = make(CASES[i].start, CASES[i].interval, ANCHOR_ANNIVERSARY, 0);
    for (int64_t n = 0; n < 8 && CASES[i].boundaries[n] != NULL; n++)
      cr_expect_str_eq(text_of(grid_boundary(&grid, n)), CASES[i].boundaries[n], "row %zu, n %lld", i, (long long)n);
  }
}

/* ---- anchors: BILL-014 ---- */

Test(calendar, the_anchor_is_the_latest_boundary_at_or_before_the_start) {
  static const struct {
    const char *start;
    struct interval interval;
    enum anchor_kind kind;
    int number;
    const char *anchor, *next;
    int anchor_day;
  } CASES[] = {
      {"2026-03-17", {INTERVAL_MONTH, 1}, ANCHOR_ANNIVERSARY, 0, "2026-03-17", "2026-04-17", 17},
      {"2026-03-17", {INTERVAL_YEAR, 1}, ANCHOR_ANNIVERSARY, 0, "2026-03-17", "2027-03-17", 17},
      {"2026-03-17", {INTERVAL_WEEK, 1}, ANCHOR_ANNIVERSARY, 0, "2026-03-17", "2026-03-24", 2},
      {"2026-03-17", {INTERVAL_DAY, 3}, ANCHOR_ANNIVERSARY, 0, "2026-03-17", "2026-03-20", 0},

      {"2026-03-17", {INTERVAL_DAY, 1}, ANCHOR_CALENDAR, 0, "2026-03-17", "2026-03-18", 0},
      {"2026-03-17", {INTERVAL_WEEK, 1}, ANCHOR_CALENDAR, 0, "2026-03-16", "2026-03-23", 1},
      {"2026-03-16", {INTERVAL_WEEK, 1}, ANCHOR_CALENDAR, 0, "2026-03-16", "2026-03-23", 1},
      {"2026-03-22", {INTERVAL_WEEK, 1}, ANCHOR_CALENDAR, 0, "2026-03-16", "2026-03-23", 1},
      {"2026-03-17", {INTERVAL_MONTH, 1}, ANCHOR_CALENDAR, 0, "2026-03-01", "2026-04-01", 1},
      {"2026-03-01", {INTERVAL_MONTH, 1}, ANCHOR_CALENDAR, 0, "2026-03-01", "2026-04-01", 1},
      {"2026-03-17", {INTERVAL_QUARTER, 1}, ANCHOR_CALENDAR, 0, "2026-01-01", "2026-04-01", 1},
      {"2026-04-01", {INTERVAL_QUARTER, 1}, ANCHOR_CALENDAR, 0, "2026-04-01", "2026-07-01", 1},
      {"2026-09-30", {INTERVAL_QUARTER, 1}, ANCHOR_CALENDAR, 0, "2026-07-01", "2026-10-01", 1},
      {"2026-12-31", {INTERVAL_QUARTER, 1}, ANCHOR_CALENDAR, 0, "2026-10-01", "2027-01-01", 1},
      {"2026-12-31", {INTERVAL_YEAR, 1}, ANCHOR_CALENDAR, 0, "2026-01-01", "2027-01-01", 1},

      {"2011-09-01", {INTERVAL_MONTH, 1}, ANCHOR_DAY, 15, "2011-08-15", "2011-09-15", 15}, /* BILL-021 */
      {"2011-09-15", {INTERVAL_MONTH, 1}, ANCHOR_DAY, 15, "2011-09-15", "2011-10-15", 15},
      {"2026-02-28", {INTERVAL_MONTH, 1}, ANCHOR_DAY, 31, "2026-02-28", "2026-03-31", 31},
      {"2026-03-30", {INTERVAL_MONTH, 1}, ANCHOR_DAY, 31, "2026-02-28", "2026-03-31", 31},
      {"2026-01-05", {INTERVAL_MONTH, 1}, ANCHOR_DAY, 10, "2025-12-10", "2026-01-10", 10},
      {"2026-03-17", {INTERVAL_MONTH, 2}, ANCHOR_DAY, 20, "2026-01-20", "2026-03-20", 20},
      {"2011-09-01", {INTERVAL_QUARTER, 1}, ANCHOR_DAY, 15, "2011-06-15", "2011-09-15", 15},
      {"2011-09-20", {INTERVAL_QUARTER, 1}, ANCHOR_DAY, 15, "2011-09-15", "2011-12-15", 15},
      {"2026-05-30", {INTERVAL_QUARTER, 1}, ANCHOR_DAY, 31, "2026-02-28", "2026-05-31", 31},
      {"2024-02-10", {INTERVAL_YEAR, 1}, ANCHOR_DAY, 29, "2023-02-28", "2024-02-29", 29},
      {"2024-02-29", {INTERVAL_YEAR, 1}, ANCHOR_DAY, 31, "2024-02-29", "2025-02-28", 31},
      {"2026-03-17", {INTERVAL_WEEK, 1}, ANCHOR_DAY, 2, "2026-03-17", "2026-03-24", 2},
      {"2026-03-17", {INTERVAL_WEEK, 1}, ANCHOR_DAY, 1, "2026-03-16", "2026-03-23", 1},
      {"2026-03-17", {INTERVAL_WEEK, 1}, ANCHOR_DAY, 5, "2026-03-13", "2026-03-20", 5},
      {"2026-03-17", {INTERVAL_WEEK, 2}, ANCHOR_DAY, 5, "2026-03-06", "2026-03-20", 5},

      /* the first days that there are */
      {"0001-01-15", {INTERVAL_MONTH, 1}, ANCHOR_DAY, 10, "0001-01-10", "0001-02-10", 10},
      {"0001-01-01", {INTERVAL_YEAR, 120}, ANCHOR_DAY, 1, "0001-01-01", "0121-01-01", 1},
      {"0001-01-03", {INTERVAL_WEEK, 1}, ANCHOR_DAY, 1, "0001-01-01", "0001-01-08", 1},
  };
  for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
    struct grid grid = make(CASES[i].start, CASES[i].interval, CASES[i].kind, CASES[i].number);
    cr_expect_str_eq(text_of(grid.anchor), CASES[i].anchor, "row %zu", i);
    cr_expect_eq(grid.anchor_day, CASES[i].anchor_day, "row %zu", i);
    cr_expect_str_eq(text_of(grid_boundary(&grid, 0)), CASES[i].anchor, "row %zu", i);
    cr_expect_str_eq(text_of(grid_boundary(&grid, 1)), CASES[i].next, "row %zu", i);
  }
}

Test(calendar, an_aligned_grid_shares_the_boundaries_of_the_other) {
  static const struct {
    const char *start;
    struct interval interval;
    const char *with;
    int with_day;
    const char *anchor, *next;
  } CASES[] = {
      {"2026-03-17", {INTERVAL_MONTH, 1}, "2025-01-10", 10, "2026-03-10", "2026-04-10"},
      {"2026-03-17", {INTERVAL_MONTH, 1}, "2025-01-20", 20, "2026-02-20", "2026-03-20"},
      {"2026-03-17", {INTERVAL_MONTH, 1}, "2026-02-28", 31, "2026-02-28", "2026-03-31"},
      {"2026-03-17", {INTERVAL_MONTH, 1}, "2026-02-28", 0, "2026-02-28", "2026-03-28"},
      {"2026-03-31", {INTERVAL_MONTH, 1}, "2026-02-28", 31, "2026-03-31", "2026-04-30"},
      {"2026-03-17", {INTERVAL_MONTH, 1}, "2027-05-31", 31, "2026-02-28", "2026-03-31"}, /* a boundary to come */
      {"2026-03-17", {INTERVAL_MONTH, 3}, "2025-01-10", 10, "2026-01-10", "2026-04-10"},
      {"2026-03-17", {INTERVAL_QUARTER, 1}, "2026-06-30", 30, "2025-12-30", "2026-03-30"},
      {"2026-03-17", {INTERVAL_YEAR, 1}, "2024-02-29", 29, "2026-02-28", "2027-02-28"},
      {"2026-03-17", {INTERVAL_WEEK, 2}, "2026-03-02", 1, "2026-03-16", "2026-03-30"},
      {"2026-03-15", {INTERVAL_WEEK, 2}, "2026-04-13", 1, "2026-03-02", "2026-03-16"},
      {"2026-03-17", {INTERVAL_DAY, 10}, "2026-03-10", 0, "2026-03-10", "2026-03-20"},
      {"2026-03-17", {INTERVAL_DAY, 10}, "2026-03-30", 0, "2026-03-10", "2026-03-20"},
      {"2026-03-17", {INTERVAL_MONTH, 1}, "2025-01-01", 1, "2026-03-01", "2026-04-01"},
  };
  for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
    struct grid grid = {0};
    struct error err = {.text = ""};
    cr_assert_eq(grid_make(day(CASES[i].start), CASES[i].interval, ANCHOR_ALIGNED, CASES[i].with_day,
                           day(CASES[i].with), &grid, &err),
                 RC_OK, "%s", err.text);
    cr_expect_str_eq(text_of(grid.anchor), CASES[i].anchor, "row %zu", i);
    cr_expect_str_eq(text_of(grid_boundary(&grid, 1)), CASES[i].next, "row %zu", i);
  }
}

Test(calendar, a_day_that_the_interval_does_not_have_is_refused) {
  static const struct {
    const char *start;
    struct interval interval;
    enum anchor_kind kind;
    int number;
    const char *with, *text;
  } CASES[] = {
      {"2026-03-17", {INTERVAL_MONTH, 1}, ANCHOR_DAY, 0, "2026-01-01", "must be a day from 1 to 31"},
      {"2026-03-17", {INTERVAL_MONTH, 1}, ANCHOR_DAY, 32, "2026-01-01", "must be a day from 1 to 31"},
      {"2026-03-17", {INTERVAL_QUARTER, 1}, ANCHOR_DAY, -1, "2026-01-01", "must be a day from 1 to 31"},
      {"2026-03-17", {INTERVAL_YEAR, 1}, ANCHOR_DAY, 32, "2026-01-01", "must be a day from 1 to 31"},
      {"2026-03-17", {INTERVAL_WEEK, 1}, ANCHOR_DAY, 0, "2026-01-01", "must be a day from 1 (Monday) to 7"},
      {"2026-03-17", {INTERVAL_WEEK, 1}, ANCHOR_DAY, 8, "2026-01-01", "must be a day from 1 (Monday) to 7"},
      {"2026-03-17", {INTERVAL_DAY, 1}, ANCHOR_DAY, 1, "2026-01-01", "daily billing has no anchor day"},
      {"2026-03-17",
       {INTERVAL_MONTH, 1},
       ANCHOR_ALIGNED,
       30,
       "2026-01-31",
       "the grid to align with has no such day"}, /* not a boundary of that grid */
      {"2026-03-17", {INTERVAL_MONTH, 1}, ANCHOR_ALIGNED, 32, "2026-01-31", "the grid to align with has no such day"},
      {"0001-01-05",
       {INTERVAL_MONTH, 1},
       ANCHOR_DAY,
       10,
       "2026-01-01",
       "the first period would begin before year 1"}, /* before year 1 */
      {"0001-01-05", {INTERVAL_YEAR, 120}, ANCHOR_DAY, 10, "2026-01-01", "the first period would begin before year 1"},
      {"0001-01-02", {INTERVAL_WEEK, 1}, ANCHOR_DAY, 7, "2026-01-01", "the first period would begin before year 1"},
  };
  for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
    struct grid grid = {.anchor_day = 4711};
    struct error err = {.code = RC_OK};
    cr_expect_eq(grid_make(day(CASES[i].start), CASES[i].interval, CASES[i].kind, CASES[i].number, day(CASES[i].with),
                           &grid, &err),
                 RC_VALIDATION, "row %zu", i);
    cr_expect_str_eq(err.text, CASES[i].text, "row %zu", i);
    cr_expect_str_eq(err.field, "billingAnchor");
    cr_expect_eq(grid.anchor_day, 4711, "untouched");
  }
}

Test(calendar, any_anchor_makes_a_grid_around_its_start) {
  struct dice dice = dice_new();
  for (int i = 0; i < MONEY_CASES; i++) {
    struct interval interval = {(enum interval_unit)dice_between(&dice, 0, INTERVAL_YEAR),
                                (int)dice_between(&dice, 1, 12)};
    enum anchor_kind kind = (enum anchor_kind)dice_between(&dice, 0, ANCHOR_ALIGNED);
    struct date start = {(int32_t)dice_between(&dice, 0, 47846)};
    struct date with = {(int32_t)dice_between(&dice, 0, 47846)};
    int number = kind == ANCHOR_DAY ? (int)dice_between(&dice, 1, interval.unit == INTERVAL_WEEK ? 7 : 31) : 0;
    struct grid grid;
    struct error err;
    if (kind == ANCHOR_DAY && interval.unit == INTERVAL_DAY) continue;
    cr_assert_eq(grid_make(start, interval, kind, number, with, &grid, &err), RC_OK, "%s", err.text);
    cr_assert(date_compare(grid.anchor, start) <= 0 && date_compare(start, grid_boundary(&grid, 1)) < 0);
    cr_assert_eq(grid_boundary(&grid, 0).days, grid.anchor.days);
    bool with_is_ahead = kind == ANCHOR_ALIGNED && date_compare(with, grid.anchor) >= 0;
    bool is_month_end = date_to_civil(with).day > 28; /* its own day decides, and later boundaries may be clamped */
    if (with_is_ahead && !is_month_end)
      cr_assert_eq(grid_boundary(&grid, grid_index(&grid, with)).days, with.days, "a boundary of both");
  }
}

/* ---- tiling: BILL-011 ---- */

/* From every day of 1970 to 2100, for `periods` periods: boundaries ascend by the interval's length, each index is the
 * inverse of its boundary on the first and on the last day, and the day is the anchor's or the month's last. */
static void expect_tiling(struct interval interval, int32_t shortest, int32_t longest, int64_t periods) {
  bool month_like = interval.unit >= INTERVAL_MONTH;
  for (struct date start = day("1970-01-01"), last = day("2100-12-31"); start.days <= last.days; start.days++) {
    struct grid grid;
    struct error err;
    cr_assert_eq(grid_make(start, interval, ANCHOR_ANNIVERSARY, 0, start, &grid, &err), RC_OK);
    int anchor_day = date_to_civil(start).day;
    struct date from = grid_boundary(&grid, 0);
    cr_assert_eq(from.days, start.days);
    for (int64_t n = 0; n < periods; n++) {
      struct date to = grid_boundary(&grid, n + 1);
      int32_t days = to.days - from.days;
      cr_assert(days >= shortest && days <= longest, "%s, n %lld: %d days", text_of(start), (long long)n, days);
      cr_assert_eq(grid_index(&grid, from), n, "%s, n %lld", text_of(start), (long long)n);
      cr_assert_eq(grid_index(&grid, (struct date){to.days - 1}), n, "%s, n %lld", text_of(start), (long long)n);
      struct civil civil = date_to_civil(to);
      int last_day = days_in_month(civil.year, civil.month);
      if (month_like) cr_assert_eq(civil.day, anchor_day < last_day ? anchor_day : last_day, "%s", text_of(to));
      from = to;
    }
  }
}

Test(calendar, days_tile_from_every_start) {
  expect_tiling(DAILY, 1, 1, 10);
  expect_tiling(EVERY(30, INTERVAL_DAY), 30, 30, 5);
}

Test(calendar, weeks_tile_from_every_start) {
  expect_tiling(WEEKLY, 7, 7, 10);
  expect_tiling(EVERY(2, INTERVAL_WEEK), 14, 14, 5);
}

Test(calendar, months_tile_from_every_start) {
  expect_tiling(MONTHLY, 28, 31, 14);
  expect_tiling(EVERY(2, INTERVAL_MONTH), 59, 62, 7);
}

Test(calendar, quarters_tile_from_every_start) {
  expect_tiling(QUARTERLY, 89, 92, 6);
  expect_tiling(EVERY(3, INTERVAL_MONTH), 89, 92, 6);
}

Test(calendar, years_tile_from_every_start) {
  expect_tiling(YEARLY, 365, 366, 6);
  expect_tiling(EVERY(12, INTERVAL_MONTH), 365, 366, 6);
}

Test(calendar, boundaries_and_indexes_are_inverse_far_from_the_anchor) {
  struct dice dice = dice_new();
  for (int i = 0; i < MONEY_CASES; i++) {
    struct interval interval = {(enum interval_unit)dice_between(&dice, 0, INTERVAL_YEAR),
                                (int)dice_between(&dice, 1, INTERVAL_COUNT_MAX)};
    struct date start = {(int32_t)dice_between(&dice, 0, 47846)};
    struct date later = {start.days + (int32_t)dice_between(&dice, 0, 2800000)}; /* up to year 9766 */
    struct grid grid;
    struct error err;
    cr_assert_eq(grid_make(start, interval, ANCHOR_ANNIVERSARY, 0, start, &grid, &err), RC_OK);
    int64_t n = grid_index(&grid, later);
    cr_assert(date_compare(grid_boundary(&grid, n), later) <= 0, "%s", text_of(later));
    cr_assert_eq(grid_index(&grid, grid_boundary(&grid, n)), n);
    if (date_to_civil(later).year <= 9999 - INTERVAL_COUNT_MAX)
      cr_assert(date_compare(later, grid_boundary(&grid, n + 1)) < 0, "%s", text_of(later));
  }
}

Test(calendar, a_boundary_after_year_9999_is_our_bug, .signal = SIGABRT, .init = cr_redirect_stderr) {
  struct grid grid = make("2026-01-01", YEARLY, ANCHOR_ANNIVERSARY, 0);
  (void)grid_boundary(&grid, 8000);
}

Test(calendar, a_negative_boundary_is_our_bug, .signal = SIGABRT, .init = cr_redirect_stderr) {
  struct grid grid = make("2026-01-01", YEARLY, ANCHOR_ANNIVERSARY, 0);
  (void)grid_boundary(&grid, -1);
}

Test(calendar, the_index_of_a_day_before_the_anchor_is_our_bug, .signal = SIGABRT, .init = cr_redirect_stderr) {
  struct grid grid = make("2026-01-01", YEARLY, ANCHOR_ANNIVERSARY, 0);
  (void)grid_index(&grid, day("2025-12-31"));
}

/* ---- periods ---- */

Test(calendar, the_first_period_begins_at_the_start_and_keeps_its_denominator) {
  struct grid grid = make("2011-09-01", MONTHLY, ANCHOR_DAY, 15);
  struct period first = grid_period(&grid, day("2011-09-01"), 0);
  cr_expect_str_eq(text_of(first.full_start), "2011-08-15");
  cr_expect_str_eq(text_of(first.start), "2011-09-01");
  cr_expect_str_eq(text_of(first.end), "2011-09-15");
  cr_expect_eq(first.index, 0);
  cr_expect_eq(period_days(&first), 14); /* BILL-021 */
  cr_expect_eq(period_full_days(&first), 31);
  struct period second = grid_period(&grid, day("2011-09-01"), 1);
  cr_expect_str_eq(text_of(second.start), "2011-09-15");
  cr_expect_str_eq(text_of(second.end), "2011-10-15");
  cr_expect_eq(second.index, 1);
  cr_expect_eq(period_days(&second), 30);
  cr_expect_eq(period_full_days(&second), 30);
}

Test(calendar, periods_of_a_subscription_tile_from_its_start) {
  struct dice dice = dice_new();
  for (int i = 0; i < MONEY_CASES; i++) {
    struct interval interval = {(enum interval_unit)dice_between(&dice, INTERVAL_WEEK, INTERVAL_YEAR),
                                (int)dice_between(&dice, 1, 3)};
    struct date start = {(int32_t)dice_between(&dice, 0, 47846)};
    int number = (int)dice_between(&dice, 1, interval.unit == INTERVAL_WEEK ? 7 : 31);
    struct grid grid;
    struct error err;
    cr_assert_eq(grid_make(start, interval, ANCHOR_DAY, number, start, &grid, &err), RC_OK);
    struct date end = start;
    for (int64_t n = 0; n < 30; n++) {
      struct period period = grid_period(&grid, start, n);
      cr_assert_eq(period.start.days, end.days, "no gap, no overlap");
      cr_assert_gt(period.end.days, period.start.days);
      cr_assert_eq(period_days(&period) == period_full_days(&period), n > 0 || start.days == grid.anchor.days);
      end = period.end;
    }
  }
}

/* BILL-052: the new grid begins on the day of the change, and its periods go on being counted. */
Test(calendar, a_grid_that_follows_another_goes_on_counting) {
  static const struct {
    const char *day;
    struct interval interval;
    int64_t index;
    const char *next, *third;
  } CASES[] = {
      {"2026-09-16", {INTERVAL_YEAR, 1}, 5, "2027-09-16", "2028-09-16"},
      {"2026-01-31", {INTERVAL_MONTH, 1}, 4000, "2026-02-28", "2026-03-31"},
      {"2024-02-29", {INTERVAL_YEAR, 1}, 3650, "2025-02-28", "2026-02-28"},
      {"2026-11-21", {INTERVAL_WEEK, 2}, 1, "2026-12-05", "2026-12-19"},
      {"2026-11-21", {INTERVAL_DAY, 1}, 0, "2026-11-22", "2026-11-23"},
  };
  for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
    struct grid grid = grid_follow(day(CASES[i].day), CASES[i].interval, CASES[i].index);
    struct period first = grid_period(&grid, day("2020-01-01"), CASES[i].index ? CASES[i].index : 1);
    cr_expect_str_eq(text_of(grid_boundary(&grid, CASES[i].index)), CASES[i].day, "row %zu", i);
    cr_expect_str_eq(text_of(grid_boundary(&grid, CASES[i].index + 1)), CASES[i].next, "row %zu", i);
    cr_expect_str_eq(text_of(grid_boundary(&grid, CASES[i].index + 2)), CASES[i].third, "row %zu", i);
    cr_expect_eq(grid_index(&grid, day(CASES[i].day)), CASES[i].index, "row %zu", i);
    cr_expect_eq(grid_index(&grid, day(CASES[i].next)), CASES[i].index + 1, "row %zu", i);
    cr_expect_eq(period_days(&first), period_full_days(&first), "row %zu", i);
  }
}

Test(calendar, a_boundary_before_the_grid_that_follows_is_our_bug, .signal = SIGABRT, .init = cr_redirect_stderr) {
  struct grid grid = grid_follow(day("2026-01-01"), MONTHLY, 7);
  (void)grid_boundary(&grid, 6);
}

Test(calendar, a_start_outside_the_first_period_is_our_bug, .signal = SIGABRT, .init = cr_redirect_stderr) {
  struct grid grid = make("2026-01-01", MONTHLY, ANCHOR_ANNIVERSARY, 0);
  (void)grid_period(&grid, day("2026-02-01"), 0);
}
