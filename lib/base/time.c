/* Instants and their texts. Everything is UTC and computed from days (date.c): libc's zone and locale play no part. */
#include "base/time.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/assert.h"
#include "base/date.h"
#include "base/digits.h"

static const int64_t NS_PER_SECOND = INT64_C(1000000000);
static const int64_t US_PER_MS = 1000;
static const int64_t NS_PER_MS = INT64_C(1000000);

static struct timespec clock_read(clockid_t clock) {
  struct timespec now;
  int failed = clock_gettime(clock, &now);
  ASSERT(failed == 0);
  return now;
}

struct utime utime_now(void) {
  struct timespec now = clock_read(CLOCK_REALTIME);
  return (struct utime){(int64_t)now.tv_sec * UTIME_SECOND + now.tv_nsec / 1000};
}

struct mono mono_now(void) {
  struct timespec now = clock_read(CLOCK_MONOTONIC);
  return (struct mono){(int64_t)now.tv_sec * NS_PER_SECOND + now.tv_nsec};
}

int64_t mono_ms_since(struct mono start) {
  return (mono_now().ns - start.ns) / NS_PER_MS;
}

struct mono mono_add_ms(struct mono t, int64_t ms) {
  int64_t ns;
  bool overflow = __builtin_mul_overflow(ms, NS_PER_MS, &ns) || __builtin_add_overflow(t.ns, ns, &ns);
  ASSERT(!overflow);
  return (struct mono){ns};
}

struct utime utime_add_ms(struct utime t, int64_t ms) {
  int64_t us;
  bool overflow = __builtin_mul_overflow(ms, US_PER_MS, &us) || __builtin_add_overflow(t.us, us, &us);
  ASSERT(!overflow);
  return (struct utime){us};
}

int64_t utime_diff_ms(struct utime later, struct utime earlier) {
  int64_t us;
  bool overflow = __builtin_sub_overflow(later.us, earlier.us, &us);
  ASSERT(!overflow);
  return us / US_PER_MS;
}

void sleep_ms(int64_t ms) {
  if (ms <= 0) return;
  struct timespec left = {.tv_sec = (time_t)(ms / 1000), .tv_nsec = (long)(ms % 1000 * NS_PER_MS)};
  while (nanosleep(&left, &left) != 0) ASSERT(errno == EINTR);
}

void sleep_until(struct mono t) {
  struct timespec at = {.tv_sec = (time_t)(t.ns / NS_PER_SECOND), .tv_nsec = (long)(t.ns % NS_PER_SECOND)};
  int status;
  while ((status = clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &at, NULL)) != 0) ASSERT(status == EINTR);
}

/* ---- text ---- */

struct clock_parts {
  struct civil civil;
  int hour, minute, second;
  int microsecond;
};

static struct clock_parts parts_of(struct utime t) {
  int64_t days = t.us / UTIME_DAY;
  int64_t within = t.us % UTIME_DAY;
  if (within < 0) {
    within += UTIME_DAY;
    days--;
  }
  ASSERT(days >= INT32_MIN && days <= INT32_MAX / 2);
  int64_t seconds = within / UTIME_SECOND;
  return (struct clock_parts){
      .civil = date_to_civil((struct date){(int32_t)days}),
      .hour = (int)(seconds / 3600),
      .minute = (int)(seconds / 60 % 60),
      .second = (int)(seconds % 60),
      .microsecond = (int)(within % UTIME_SECOND),
  };
}

static const char *format_parts(struct utime t, char *text, bool microseconds) {
  struct clock_parts p = parts_of(t);
  const struct {
    int value, digits;
    char after;
  } parts[] = {{abs(p.civil.year) % 10000, 4, '-'},
               {p.civil.month, 2, '-'},
               {p.civil.day, 2, 'T'},
               {p.hour, 2, ':'},
               {p.minute, 2, ':'},
               {p.second, 2, '.'},
               {microseconds ? p.microsecond : p.microsecond / 1000, microseconds ? 6 : 3, 'Z'}};
  char *at = text;
  for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
    at = digits_put(at, (uint64_t)parts[i].value, parts[i].digits);
    *at++ = parts[i].after;
  }
  *at = '\0';
  return text;
}

const char *utime_format(struct utime t, char text[static UTIME_TEXT_MAX]) {
  return format_parts(t, text, false);
}

const char *utime_format_us(struct utime t, char text[static UTIME_TEXT_MAX]) {
  return format_parts(t, text, true);
}

/* Reads exactly `digits` digits at *at and moves on. */
static bool read_number(const char **at, int digits, int *ret_number) {
  int number = 0;
  for (int i = 0; i < digits; i++, (*at)++) {
    if (**at < '0' || **at > '9') return false;
    number = number * 10 + (**at - '0');
  }
  *ret_number = number;
  return true;
}

static bool read_char(const char **at, char c) {
  if (**at != c) return false;
  (*at)++;
  return true;
}

/* 1 to 6 digits after a point; none without one. */
static bool read_fraction(const char **at, int *ret_us) {
  *ret_us = 0;
  if (!read_char(at, '.')) return true;
  int digits = 0;
  for (; **at >= '0' && **at <= '9'; (*at)++, digits++) {
    if (digits == 6) return false;
    *ret_us = *ret_us * 10 + (**at - '0');
  }
  if (digits == 0) return false;
  for (; digits < 6; digits++) *ret_us *= 10;
  return true;
}

static bool read_day(const char **at, struct civil *ret_civil) {
  struct civil civil;
  if (!read_number(at, 4, &civil.year) || !read_char(at, '-') || !read_number(at, 2, &civil.month) ||
      !read_char(at, '-') || !read_number(at, 2, &civil.day))
    return false;
  *ret_civil = civil;
  return civil_is_valid(civil);
}

static bool read_clock(const char **at, struct clock_parts *parts) {
  return read_number(at, 2, &parts->hour) && read_char(at, ':') && read_number(at, 2, &parts->minute) &&
         read_char(at, ':') && read_number(at, 2, &parts->second) && read_fraction(at, &parts->microsecond) &&
         parts->hour < 24 && parts->minute < 60 && parts->second < 60;
}

/* RFC 3339 time-offset, in seconds east. */
static bool read_offset(const char **at, int *ret_offset_s) {
  *ret_offset_s = 0;
  if (**at == 'Z' || **at == 'z') {
    (*at)++;
    return true;
  }
  int sign = **at == '-' ? -1 : 1;
  int hours;
  int minutes;
  if (**at != '+' && **at != '-') return false;
  (*at)++;
  if (!read_number(at, 2, &hours) || !read_char(at, ':') || !read_number(at, 2, &minutes)) return false;
  *ret_offset_s = sign * (hours * 3600 + minutes * 60);
  return hours < 24 && minutes < 60;
}

static struct utime instant(const struct clock_parts *parts, int offset_s) {
  int seconds = parts->hour * 3600 + parts->minute * 60 + parts->second - offset_s;
  return (struct utime){date_from_civil(parts->civil).days * UTIME_DAY + seconds * UTIME_SECOND + parts->microsecond};
}

/* Whether utime_format can print it: an offset may lead out of the years 1 to 9999. */
static bool is_printable(struct utime t) {
  int64_t first = date_from_civil((struct civil){1, 1, 1}).days * UTIME_DAY;
  int64_t last = date_from_civil((struct civil){9999, 12, 31}).days * UTIME_DAY;
  return t.us >= first && t.us < last + UTIME_DAY;
}

enum rc utime_parse(const char *text, const char *field, struct utime *ret_t, struct error *err) {
  struct clock_parts parts;
  int offset_s;
  const char *at = text;
  bool ok = read_day(&at, &parts.civil);
  ok = ok && (read_char(&at, 'T') || read_char(&at, 't'));
  ok = ok && read_clock(&at, &parts) && read_offset(&at, &offset_s) && *at == '\0';
  if (!ok) return error_field(err, RC_VALIDATION, field, "must be a time like 2026-11-21T07:46:59Z (RFC 3339)");
  struct utime t = instant(&parts, offset_s);
  if (!is_printable(t)) return error_field(err, RC_VALIDATION, field, "must lie within the years 1 to 9999");
  *ret_t = t;
  return RC_OK;
}

bool utime_from_pg(const char *text, struct utime *ret_t) {
  struct clock_parts parts;
  const char *at = text;
  bool ok = read_day(&at, &parts.civil) && read_char(&at, ' ') && read_clock(&at, &parts) && strcmp(at, "+00") == 0;
  if (ok) *ret_t = instant(&parts, 0);
  return ok;
}
