/* A day of the proleptic Gregorian calendar, without zone or time of day. Years 1 to 9999. */
#ifndef BASE_DATE_H
#define BASE_DATE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

/* Days since 1970-01-01. */
struct date {
  int32_t days;
};

struct civil {
  int year;
  int month; /* 1-12 */
  int day;   /* 1-31 */
};

struct date date_from_civil(struct civil civil); /* asserts a real day */
struct civil date_to_civil(struct date date);
bool civil_is_valid(struct civil civil);
int days_in_month(int year, int month);
bool is_leap_year(int year);
int date_weekday(struct date date); /* 1 Monday - 7 Sunday, ISO 8601 */
int date_compare(struct date a, struct date b);

enum { DATE_TEXT_MAX = 16 };
const char *date_format(struct date date, char text[static DATE_TEXT_MAX]); /* "2026-11-21" */
MUST_CHECK enum rc date_parse(const char *text, const char *field, struct date *ret_date, struct error *err);

#endif
