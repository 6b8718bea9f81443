/* Clocks, and the texts of an instant. */
#include "base/time.h"

#include <criterion/criterion.h>
#include <criterion/redirect.h>
#include <signal.h>
#include <string.h>
#include <time.h>

#include "unit/property.h"

static const int64_t FIRST_US = INT64_C(-62135596800) * UTIME_SECOND;    /* 0001-01-01T00:00:00Z */
static const int64_t LAST_US = INT64_C(253402300800) * UTIME_SECOND - 1; /* 9999-12-31T23:59:59.999999Z */

Test(time, now_is_the_clock_of_the_system) {
  struct timespec clock;
  struct utime now = utime_now();
  cr_assert_eq(clock_gettime(CLOCK_REALTIME, &clock), 0);
  int64_t seconds = now.us / UTIME_SECOND;
  cr_expect(seconds >= clock.tv_sec - 5 && seconds <= clock.tv_sec);
}

Test(time, the_stopwatch_does_not_go_back_and_sleeping_moves_it) {
  struct mono start = mono_now();
  sleep_ms(0);
  sleep_ms(-5);
  sleep_ms(20);
  int64_t passed_ms = mono_ms_since(start);
  cr_expect(passed_ms >= 20 && passed_ms < 5000, "%lld ms", (long long)passed_ms);
}

Test(time, who_sleeps_until_then_wakes_no_earlier) {
  struct mono then = mono_add_ms(mono_now(), 20);
  sleep_until(then);
  cr_expect_geq(mono_now().ns, then.ns);
  sleep_until(mono_add_ms(then, -10)); /* it has passed */
}

Test(time, adding_and_subtracting_milliseconds) {
  struct utime t = {INT64_C(1700000000123456)};
  cr_expect_eq(utime_add_ms(t, 1500).us, t.us + 1500000);
  cr_expect_eq(utime_add_ms(t, -1).us, t.us - 1000);
  cr_expect_eq(utime_diff_ms(utime_add_ms(t, 1500), t), 1500);
  cr_expect_eq(utime_diff_ms(t, utime_add_ms(t, 1500)), -1500);
}

Test(time, a_sum_beyond_64_bits_is_our_bug, .signal = SIGABRT, .init = cr_redirect_stderr) {
  (void)utime_add_ms((struct utime){INT64_MAX - 5}, 1);
}

Test(time, formats_in_utc) {
  static const struct {
    int64_t us;
    const char *ms_text, *us_text;
  } CASES[] = {
      {0, "1970-01-01T00:00:00.000Z", "1970-01-01T00:00:00.000000Z"},
      {-1, "1969-12-31T23:59:59.999Z", "1969-12-31T23:59:59.999999Z"},
      {INT64_C(1795247219123456), "2026-11-21T07:46:59.123Z", "2026-11-21T07:46:59.123456Z"},
      {INT64_C(-62135596800000000), "0001-01-01T00:00:00.000Z", "0001-01-01T00:00:00.000000Z"},
      {INT64_C(253402300799999999), "9999-12-31T23:59:59.999Z", "9999-12-31T23:59:59.999999Z"},
  };
  for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
    char text[UTIME_TEXT_MAX];
    struct utime t = {CASES[i].us};
    cr_expect_str_eq(utime_format(t, text), CASES[i].ms_text);
    cr_expect_str_eq(utime_format_us(t, text), CASES[i].us_text);
  }
}

Test(time, an_instant_outside_the_years_is_our_bug, .signal = SIGABRT, .init = cr_redirect_stderr) {
  char text[UTIME_TEXT_MAX];
  (void)utime_format((struct utime){LAST_US + 1}, text);
}

Test(time, format_and_parse_are_inverse) {
  struct dice dice = dice_new();
  for (int i = 0; i < PROPERTY_CASES; i++) {
    char text[UTIME_TEXT_MAX];
    struct utime t = {dice_between(&dice, FIRST_US, LAST_US)};
    struct utime back;
    struct error err;
    cr_assert_eq(utime_parse(utime_format_us(t, text), "at", &back, &err), RC_OK, "%s", text);
    cr_assert_eq(back.us, t.us, "%s", text);
  }
}

Test(time, agrees_with_libc) {
  struct dice dice = dice_new();
  for (int i = 0; i < PROPERTY_CASES; i++) {
    char text[UTIME_TEXT_MAX];
    char expected[64];
    struct tm tm;
    struct utime t = {dice_between(&dice, 0, LAST_US / UTIME_SECOND) * UTIME_SECOND};
    time_t seconds = (time_t)(t.us / UTIME_SECOND);
    cr_assert_not_null(gmtime_r(&seconds, &tm));
    (void)strftime(expected, sizeof expected, "%Y-%m-%dT%H:%M:%S.000Z", &tm);
    cr_assert_str_eq(utime_format(t, text), expected);
  }
}

Test(time, reads_rfc_3339) {
  static const struct {
    const char *text;
    const char *utc;
  } CASES[] = {
      {"2026-11-21T07:46:59Z", "2026-11-21T07:46:59.000000Z"},
      {"2026-11-21t07:46:59z", "2026-11-21T07:46:59.000000Z"},
      {"2026-11-21T07:46:59.1Z", "2026-11-21T07:46:59.100000Z"},
      {"2026-11-21T07:46:59.000001Z", "2026-11-21T07:46:59.000001Z"},
      {"2026-11-21T07:46:59+05:30", "2026-11-21T02:16:59.000000Z"},
      {"2026-11-21T20:46:59-08:00", "2026-11-22T04:46:59.000000Z"},
      {"2026-11-21T07:46:59-00:00", "2026-11-21T07:46:59.000000Z"},
      {"2024-02-29T00:00:00+23:59", "2024-02-28T00:01:00.000000Z"},
      {"1969-12-31T23:59:59.999999Z", "1969-12-31T23:59:59.999999Z"},
      {"0001-01-01T00:00:00Z", "0001-01-01T00:00:00.000000Z"},
      {"9999-12-31T23:59:59.999999Z", "9999-12-31T23:59:59.999999Z"},
  };
  for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
    char text[UTIME_TEXT_MAX];
    struct utime t;
    struct error err;
    cr_expect_eq(utime_parse(CASES[i].text, "at", &t, &err), RC_OK, "%s", CASES[i].text);
    cr_expect_str_eq(utime_format_us(t, text), CASES[i].utc, "%s", CASES[i].text);
  }
}

Test(time, what_is_no_rfc_3339_is_refused_by_field) {
  static const char *const CASES[] = {
      "",
      "2026-11-21",
      "2026-11-21T07:46:59",
      "2026-11-21 07:46:59Z",
      "2026-11-21T07:46Z",
      "2026-11-21T24:00:00Z",
      "2026-11-21T23:60:00Z",
      "2026-11-21T23:59:60Z",
      "2026-02-30T00:00:00Z",
      "2026-11-21T07:46:59.Z",
      "2026-11-21T07:46:59.1234567Z",
      "2026-11-21T07:46:59,5Z",
      "2026-11-21T07:46:59+0530",
      "2026-11-21T07:46:59+24:00",
      "2026-11-21T07:46:59+05:60",
      "2026-11-21T07:46:59+5:30",
      "2026-11-21T07:46:59ZZ",
      "2026-11-21T07:46:59Z ",
      "2026-11-21T07:46:59.5",
      "+2026-11-21T07:46:59Z",
      "0001-01-01T00:00:00+01:00",
      "9999-12-31T23:59:59-01:00",
  };
  for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
    struct utime t = {4711};
    struct error err = {.code = RC_OK};
    cr_expect_eq(utime_parse(CASES[i], "billFrom", &t, &err), RC_VALIDATION, "\"%s\"", CASES[i]);
    cr_expect_str_eq(err.field, "billFrom", "\"%s\"", CASES[i]);
    cr_expect_eq(t.us, 4711, "untouched");
  }
}

Test(time, reads_what_postgresql_prints) {
  struct utime t;
  cr_expect(utime_from_pg("2026-11-21 07:46:59.123456+00", &t));
  cr_expect_eq(t.us, INT64_C(1795247219123456));
  cr_expect(utime_from_pg("2026-11-21 07:46:59+00", &t));
  cr_expect_eq(t.us, INT64_C(1795247219000000));
  cr_expect(utime_from_pg("1969-12-31 23:59:59.5+00", &t));
  cr_expect_eq(t.us, -500000);
}

Test(time, what_postgresql_would_not_print_is_refused) {
  static const char *const CASES[] = {
      "",
      "infinity",
      "-infinity",
      "2026-11-21 07:46:59",
      "2026-11-21 07:46:59+01",
      "2026-11-21T07:46:59+00",
      "2026-11-21 07:46:59+00 BC",
      "10000-01-01 00:00:00+00",
  };
  for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
    struct utime t = {4711};
    cr_expect_not(utime_from_pg(CASES[i], &t), "\"%s\"", CASES[i]);
    cr_expect_eq(t.us, 4711);
  }
}
