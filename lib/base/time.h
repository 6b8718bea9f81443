/* Three times that cannot be mixed: an instant (struct utime), a stopwatch (struct mono), a calendar day (struct date,
 * in date.h). `now` is read once for each command, by the one who owns the command, and passed down. */
#ifndef BASE_TIME_H
#define BASE_TIME_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

/* Microseconds since 1970-01-01T00:00:00Z (PostgreSQL's resolution). */
struct utime {
  int64_t us;
};
/* Nanoseconds of CLOCK_MONOTONIC; means something only as a difference. */
struct mono {
  int64_t ns;
};

#define UTIME_SECOND INT64_C(1000000)
#define UTIME_DAY    (INT64_C(86400) * UTIME_SECOND)

struct utime utime_now(void);
struct mono mono_now(void);
int64_t mono_ms_since(struct mono start);
struct mono mono_add_ms(struct mono t, int64_t ms);
struct utime utime_add_ms(struct utime t, int64_t ms);
int64_t utime_diff_ms(struct utime later, struct utime earlier);

enum { UTIME_TEXT_MAX = 32 };
/* RFC 3339 in UTC: "2026-11-21T07:46:59.123Z" (milliseconds), for years 0001-9999. */
const char *utime_format(struct utime t, char text[static UTIME_TEXT_MAX]);
/* The same with microseconds, for PostgreSQL. */
const char *utime_format_us(struct utime t, char text[static UTIME_TEXT_MAX]);
/* Reads RFC 3339 with `Z` or an offset and 0 to 6 fractional digits. `field` names it in the error. */
MUST_CHECK enum rc utime_parse(const char *text, const char *field, struct utime *ret_t, struct error *err);
/* Reads what PostgreSQL prints for timestamptz with TimeZone=UTC: "2026-11-21 07:46:59.123456+00". */
MUST_CHECK bool utime_from_pg(const char *text, struct utime *ret_t);

void sleep_ms(int64_t ms);
void sleep_until(struct mono t);

#endif
