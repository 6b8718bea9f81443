/* Days against libc's calendar, and the text of a date. */
#include "base/date.h"

#include <criterion/criterion.h>
#include <criterion/redirect.h>
#include <signal.h>
#include <string.h>
#include <time.h>

#include "unit/property.h"

Test(date, every_day_from_year_1_to_9999_is_its_civil_date_and_back) {
  struct civil expected = {1, 1, 1};
  int weekday = 1; /* 0001-01-01 was a Monday */
  int32_t first = date_from_civil(expected).days;
  int32_t last = date_from_civil((struct civil){9999, 12, 31}).days;
  for (int32_t days = first; days <= last; days++) {
    struct date date = {days};
    struct civil civil = date_to_civil(date);
    cr_assert(civil.year == expected.year && civil.month == expected.month && civil.day == expected.day, "day %d",
              days);
    cr_assert_eq(date_from_civil(civil).days, days, "day %d", days);
    cr_assert_eq(date_weekday(date), weekday, "day %d", days);
    weekday = weekday % 7 + 1;
    expected.day++;
    if (expected.day > days_in_month(expected.year, expected.month)) {
      expected.day = 1;
      expected.month++;
    }
    if (expected.month > 12) {
      expected.month = 1;
      expected.year++;
    }
  }
}

Test(date, days_agree_with_libc) {
  struct dice dice = dice_new();
  for (int i = 0; i < PROPERTY_CASES; i++) {
    time_t seconds = (time_t)dice_between(&dice, -719162, 2932896) * 86400;
    struct tm tm;
    cr_assert_not_null(gmtime_r(&seconds, &tm));
    struct civil civil = date_to_civil((struct date){(int32_t)(seconds / 86400)});
    cr_assert(civil.year == tm.tm_year + 1900 && civil.month == tm.tm_mon + 1 && civil.day == tm.tm_mday, "%lld",
              (long long)seconds);
  }
}

Test(date, leap_years) {
  static const struct {
    int year;
    bool is_leap;
  } CASES[] = {{2000, true}, {1900, false}, {2100, false}, {2024, true}, {2023, false}, {2400, true}, {4, true}};
  for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
    cr_expect_eq(is_leap_year(CASES[i].year), CASES[i].is_leap, "%d", CASES[i].year);
    cr_expect_eq(days_in_month(CASES[i].year, 2), CASES[i].is_leap ? 29 : 28, "%d", CASES[i].year);
  }
}

Test(date, days_that_do_not_exist_are_invalid) {
  static const struct {
    struct civil civil;
    bool is_valid;
  } CASES[] = {
      {{2024, 2, 29}, true},  {{2023, 2, 29}, false}, {{2023, 4, 31}, false}, {{2023, 13, 1}, false},
      {{2023, 0, 1}, false},  {{2023, 1, 0}, false},  {{0, 1, 1}, false},     {{10000, 1, 1}, false},
      {{9999, 12, 31}, true}, {{1, 1, 1}, true},      {{-4, 1, 1}, false},    {{2023, 1, 32}, false},
  };
  for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++)
    cr_expect_eq(civil_is_valid(CASES[i].civil), CASES[i].is_valid, "row %zu", i);
}

Test(date, compare_orders_days) {
  cr_expect_lt(date_compare((struct date){1}, (struct date){2}), 0);
  cr_expect_gt(date_compare((struct date){2}, (struct date){-1}), 0);
  cr_expect_eq(date_compare((struct date){2}, (struct date){2}), 0);
}

Test(date, format_and_parse_are_inverse) {
  struct dice dice = dice_new();
  for (int i = 0; i < PROPERTY_CASES; i++) {
    char text[DATE_TEXT_MAX];
    struct date date = {(int32_t)dice_between(&dice, -719162, 2932896)};
    struct date back = {0};
    struct error err;
    cr_assert_eq(date_parse(date_format(date, text), "startDate", &back, &err), RC_OK, "%s", text);
    cr_assert_eq(back.days, date.days, "%s", text);
  }
}

Test(date, formats_with_all_digits) {
  char text[DATE_TEXT_MAX];
  cr_expect_str_eq(date_format(date_from_civil((struct civil){7, 3, 9}), text), "0007-03-09");
  cr_expect_str_eq(date_format(date_from_civil((struct civil){2026, 11, 21}), text), "2026-11-21");
  cr_expect_str_eq(date_format((struct date){0}, text), "1970-01-01");
}

Test(date, what_is_no_date_is_refused_by_field) {
  static const char *const CASES[] = {
      "",           "2026",       "2026-1-01",  "2026-01-1",  "2026-01-011",          "2026/01/01",  "2026-13-01",
      "2026-00-10", "2026-02-30", "2025-02-29", "0000-01-01", "+026-01-01",           "2026-01-01 ", " 2026-01-01",
      "2026-01-0a", "-026-01-01", "20260101",   "2026-1 -01", "2026-01-01T00:00:00Z",
  };
  for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
    struct date date = {4711};
    struct error err = {.code = RC_OK};
    cr_expect_eq(date_parse(CASES[i], "startDate", &date, &err), RC_VALIDATION, "\"%s\"", CASES[i]);
    cr_expect_str_eq(err.field, "startDate");
    cr_expect_eq(date.days, 4711, "untouched");
  }
}

Test(date, a_day_before_year_1_is_our_bug, .signal = SIGABRT, .init = cr_redirect_stderr) {
  (void)date_to_civil((struct date){-719163});
}

Test(date, a_day_after_year_9999_is_our_bug, .signal = SIGABRT, .init = cr_redirect_stderr) {
  (void)date_to_civil((struct date){2932897});
}

Test(date, an_impossible_civil_date_is_our_bug, .signal = SIGABRT, .init = cr_redirect_stderr) {
  (void)date_from_civil((struct civil){2023, 2, 29});
}
