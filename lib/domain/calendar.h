/* Billing boundaries (BILL-010 to BILL-014). A subscription's grid is an anchor and an interval; boundary n is always
 * computed from the anchor, never from boundary n - 1, so that Jan 31 gives Feb 28 and then Mar 31 again. All of it is
 * in local dates; the instant of a boundary is zone_midnight (base/zone.h). */
#ifndef DOMAIN_CALENDAR_H
#define DOMAIN_CALENDAR_H

#include <stdbool.h>

#include "base/date.h"
#include "base/error.h"

enum interval_unit { INTERVAL_DAY, INTERVAL_WEEK, INTERVAL_MONTH, INTERVAL_QUARTER, INTERVAL_YEAR };

enum { INTERVAL_COUNT_MAX = 120 };

struct interval {
  enum interval_unit unit;
  int count; /* 1 to INTERVAL_COUNT_MAX */
};

/* "monthly", "quarterly", "yearly", "weekly", "daily" (BILL-012). RC_VALIDATION naming field. */
MUST_CHECK enum rc interval_from_cycle(const char *billing_cycle, const char *field, struct interval *ret_interval,
                                       struct error *err);
/* The reverse; NULL for what has no such word (every 2 weeks). */
const char *interval_cycle(struct interval interval);
const char *interval_unit_name(enum interval_unit unit); /* "day" ... "year", as stored in the database */
MUST_CHECK bool interval_unit_from_name(const char *name, enum interval_unit *ret_unit);

enum anchor_kind { ANCHOR_ANNIVERSARY, ANCHOR_CALENDAR, ANCHOR_DAY, ANCHOR_ALIGNED };

struct grid {
  struct interval interval;
  struct date anchor; /* boundary `origin`: the latest boundary at or before the subscription's start */
  int anchor_day;     /* month-like units: 1-31, the day that each boundary is clamped from; weeks: 1-7; days: 0 */
  int64_t origin;     /* 0; a grid that follows another goes on counting where that one ended (grid_follow) */
};

/* The grid of a subscription that starts on `start`. day: the number of ANCHOR_DAY (1-31; 1-7 for weeks; with months it
 * may be 31: clamped). aligned_with: any boundary of the grid to align with (ANCHOR_ALIGNED); day is then that grid's
 * anchor_day, because Feb 28 alone does not say whether Mar 28 or Mar 31 comes next (0: aligned_with's own day).
 * RC_VALIDATION naming "billingAnchor" for a day that the interval does not have. ANCHOR_DAY with daily intervals is an
 * error, too.
 *
 * ANCHOR_DAY puts a boundary on that day of the week or month that `start` is in; boundary 0 is that one, or the one
 * before it when the start comes first. */
MUST_CHECK enum rc grid_make(struct date start, struct interval interval, enum anchor_kind kind, int day,
                             struct date aligned_with, struct grid *ret_grid, struct error *err);

/* The grid of another interval that takes over on `day` (BILL-052): anchored on that day, which is boundary `index`,
 * so that no period of the subscription has the number of an earlier one. */
struct grid grid_follow(struct date day, struct interval interval, int64_t index);

/* Boundary n, for any n >= grid->origin that stays within year 9999. boundary(origin) == grid->anchor. */
struct date grid_boundary(const struct grid *grid, int64_t n);
/* The n with boundary(n) <= day < boundary(n + 1); day >= anchor. */
int64_t grid_index(const struct grid *grid, struct date day);

struct period {
  int64_t index;
  struct date start, end; /* [start, end) */
  struct date full_start; /* of the whole period that the grid opens; differs from start only in a short first one */
};

/* Period n of a subscription that started on `start`: [boundary(n), boundary(n + 1)), number 0 from `start` on. */
struct period grid_period(const struct grid *grid, struct date start, int64_t n);
int32_t period_days(const struct period *period);      /* of the span that is billed */
int32_t period_full_days(const struct period *period); /* of the whole one: the denominator (BILL-021) */

#endif
