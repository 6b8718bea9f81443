/* Days and civil dates, by arithmetic on 400-year eras instead of libc's broken-down time: no zone, no environment, no
 * hidden state. The year is counted from March inside, so that the leap day is the last of a year. */
#include "base/date.h"

#include <stdio.h>
#include <string.h>

#include "base/assert.h"
#include "base/digits.h"

enum { YEAR_MIN = 1, YEAR_MAX = 9999, DAYS_PER_ERA = 146097, DAYS_BEFORE_1970 = 719468 };

bool is_leap_year(int year) {
  return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

int days_in_month(int year, int month) {
  static const int DAYS[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  ASSERT(month >= 1 && month <= 12);
  return month == 2 && is_leap_year(year) ? 29 : DAYS[month - 1];
}

bool civil_is_valid(struct civil civil) {
  return civil.year >= YEAR_MIN && civil.year <= YEAR_MAX && civil.month >= 1 && civil.month <= 12 && civil.day >= 1 &&
         civil.day <= days_in_month(civil.year, civil.month);
}

struct date date_from_civil(struct civil civil) {
  ASSERT(civil_is_valid(civil));
  int year = civil.month <= 2 ? civil.year - 1 : civil.year; /* from March; >= 0 */
  int era = year / 400;
  int year_of_era = year - era * 400;
  int month_from_march = (civil.month + 9) % 12;
  int day_of_year = (153 * month_from_march + 2) / 5 + civil.day - 1;
  int day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
  return (struct date){era * DAYS_PER_ERA + day_of_era - DAYS_BEFORE_1970};
}

struct civil date_to_civil(struct date date) {
  int days = date.days + DAYS_BEFORE_1970;
  ASSERT(days >= 306); /* 0001-01-01; day 0 is 0000-03-01 */
  int era = days / DAYS_PER_ERA;
  int day_of_era = days - era * DAYS_PER_ERA;
  int year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
  int day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
  int month_from_march = (5 * day_of_year + 2) / 153;
  int month = month_from_march < 10 ? month_from_march + 3 : month_from_march - 9;
  struct civil civil = {
      .year = era * 400 + year_of_era + (month <= 2 ? 1 : 0),
      .month = month,
      .day = day_of_year - (153 * month_from_march + 2) / 5 + 1,
  };
  ASSERT(civil.year <= YEAR_MAX);
  return civil;
}

int date_weekday(struct date date) {
  int from_monday = (date.days % 7 + 10) % 7; /* 1970-01-01 was a Thursday */
  return from_monday + 1;
}

int date_compare(struct date a, struct date b) {
  return (a.days > b.days) - (a.days < b.days);
}

const char *date_format(struct date date, char text[static DATE_TEXT_MAX]) {
  struct civil civil = date_to_civil(date);
  char *at = digits_put(text, (uint64_t)abs(civil.year) % 10000, 4);
  *at++ = '-';
  at = digits_put(at, (uint64_t)civil.month, 2);
  *at++ = '-';
  *digits_put(at, (uint64_t)civil.day, 2) = '\0';
  return text;
}

static bool all_digits(const char *text, size_t from, size_t to) {
  for (size_t i = from; i < to; i++) {
    if (text[i] < '0' || text[i] > '9') return false;
  }
  return true;
}

static int number(const char *text, size_t from, size_t to) {
  int value = 0;
  for (size_t i = from; i < to; i++) value = value * 10 + (text[i] - '0');
  return value;
}

enum rc date_parse(const char *text, const char *field, struct date *ret_date, struct error *err) {
  static const char SHAPE[] = "YYYY-MM-DD";
  bool shaped = strlen(text) == sizeof SHAPE - 1 && text[4] == '-' && text[7] == '-' && all_digits(text, 0, 4) &&
                all_digits(text, 5, 7) && all_digits(text, 8, 10);
  if (!shaped) return error_field(err, RC_VALIDATION, field, "must be a date like 2026-11-21");
  struct civil civil = {number(text, 0, 4), number(text, 5, 7), number(text, 8, 10)};
  if (!civil_is_valid(civil)) return error_field(err, RC_VALIDATION, field, "there is no such day");
  *ret_date = date_from_civil(civil);
  return RC_OK;
}
