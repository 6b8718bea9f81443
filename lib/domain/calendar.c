/* Billing boundaries by arithmetic on months and days, always from the anchor. A grid is little more than a number of
 * days or months between boundaries; what needs care is the day that a month does not have, and where boundary 0 lies
 * for a start in the middle of a period. */
#include "domain/calendar.h"

#include <string.h>

#include "base/assert.h"

enum { MONTHS_MIN = 12 }; /* January of year 1, counted as year × 12 + month - 1 */

struct unit_row {
  const char *name;
  const char *cycle;
  bool is_months; /* or days */
  int length;     /* in those */
};

static const struct unit_row UNITS[] = {
    [INTERVAL_DAY] = {"day", "daily", false, 1},      [INTERVAL_WEEK] = {"week", "weekly", false, 7},
    [INTERVAL_MONTH] = {"month", "monthly", true, 1}, [INTERVAL_QUARTER] = {"quarter", "quarterly", true, 3},
    [INTERVAL_YEAR] = {"year", "yearly", true, 12},
};

enum { UNIT_COUNT = sizeof UNITS / sizeof UNITS[0] };

static const struct unit_row *unit_row(enum interval_unit unit) {
  ASSERT((size_t)unit < UNIT_COUNT);
  return &UNITS[unit];
}

/* BILL-012 */
enum rc interval_from_cycle(const char *billing_cycle, const char *field, struct interval *ret_interval,
                            struct error *err) {
  for (size_t i = 0; i < UNIT_COUNT; i++) {
    if (strcmp(billing_cycle, UNITS[i].cycle) != 0) continue;
    *ret_interval = (struct interval){(enum interval_unit)i, 1};
    return RC_OK;
  }
  return error_field(err, RC_VALIDATION, field, "must be monthly, quarterly, yearly, weekly or daily");
}

const char *interval_cycle(struct interval interval) {
  return interval.count == 1 ? unit_row(interval.unit)->cycle : NULL;
}

const char *interval_unit_name(enum interval_unit unit) {
  return unit_row(unit)->name;
}

bool interval_unit_from_name(const char *name, enum interval_unit *ret_unit) {
  for (size_t i = 0; i < UNIT_COUNT; i++) {
    if (strcmp(name, UNITS[i].name) != 0) continue;
    *ret_unit = (enum interval_unit)i;
    return true;
  }
  return false;
}

/* ---- steps ---- */

static bool is_month_like(struct interval interval) {
  return unit_row(interval.unit)->is_months;
}

/* From one boundary to the next, in months or days. */
static int step_of(struct interval interval) {
  return unit_row(interval.unit)->length * interval.count;
}

/* Months since year 0. */
static int64_t month_of(struct date date) {
  struct civil civil = date_to_civil(date);
  return (int64_t)civil.year * 12 + civil.month - 1;
}

/* The day of a month, or its last when it has fewer (BILL-010). */
static struct date clamp_to_month(int64_t month, int day) {
  ASSERT(month >= MONTHS_MIN && month / 12 <= 9999);
  int year = (int)(month / 12), of_year = (int)(month % 12) + 1;
  int last = days_in_month(year, of_year);
  return date_from_civil((struct civil){year, of_year, day < last ? day : last});
}

static struct date add_days(struct date date, int64_t days) {
  int64_t sum = date.days + days;
  ASSERT(sum >= INT32_MIN && sum <= INT32_MAX);
  return (struct date){(int32_t)sum};
}

static int64_t floor_divide(int64_t a, int64_t b) {
  return a / b - (a % b < 0 ? 1 : 0);
}

/* The boundary that lies n steps after the anchor, n of either sign. */
static struct date boundary(const struct grid *grid, int64_t n) {
  if (!is_month_like(grid->interval)) return add_days(grid->anchor, n * step_of(grid->interval));
  return clamp_to_month(month_of(grid->anchor) + n * step_of(grid->interval), grid->anchor_day);
}

/* The steps n from the anchor with boundary(n) <= day < boundary(n + 1), n of either sign. */
static int64_t index_of(const struct grid *grid, struct date day) {
  if (!is_month_like(grid->interval))
    return floor_divide((int64_t)day.days - grid->anchor.days, step_of(grid->interval));
  int step = step_of(grid->interval);
  int64_t months = month_of(day) - month_of(grid->anchor);
  int64_t n = floor_divide(months, step);
  /* A boundary in this very month may be still to come. */
  bool same_month = months == n * step;
  return same_month && date_compare(boundary(grid, n), day) > 0 ? n - 1 : n;
}

/* ---- making a grid (BILL-014) ---- */

static enum rc bad_anchor(struct error *err, const char *why) {
  (void)error_field(err, RC_VALIDATION, "billingAnchor", "%s", why);
  return RC_VALIDATION;
}

/* The first day of the week, month, quarter or year that `start` is in. */
static struct grid calendar_grid(struct date start, struct interval interval) {
  const int first = 1;
  int64_t month = month_of(start);
  switch (interval.unit) {
  case INTERVAL_DAY: return (struct grid){interval, start, 0, 0};
  case INTERVAL_WEEK: return (struct grid){interval, add_days(start, first - date_weekday(start)), first, 0};
  case INTERVAL_MONTH:
  case INTERVAL_QUARTER:
  case INTERVAL_YEAR:
    return (struct grid){interval, clamp_to_month(month - month % unit_row(interval.unit)->length, first), first, 0};
  }
  assert_failed("an interval unit", __FILE__, __LINE__);
}

/* The start itself, or its place in the week or month. */
static struct grid anniversary_grid(struct date start, struct interval interval) {
  int day = 0;
  if (interval.unit == INTERVAL_WEEK) day = date_weekday(start);
  if (is_month_like(interval)) day = date_to_civil(start).day;
  return (struct grid){interval, start, day, 0};
}

/* Moves the anchor to the latest boundary at or before the start; false if that lies before year 1. */
static bool settle_anchor(struct grid *grid, struct date start) {
  int64_t n = index_of(grid, start);
  if (is_month_like(grid->interval)) {
    if (month_of(grid->anchor) + n * step_of(grid->interval) < MONTHS_MIN) return false;
  } else if (grid->anchor.days + n * step_of(grid->interval) < date_from_civil((struct civil){1, 1, 1}).days) {
    return false;
  }
  grid->anchor = boundary(grid, n);
  return true;
}

/* A boundary on the given day of the start's own week or month, before or after the start. */
static enum rc day_grid(struct date start, struct interval interval, int day, struct grid *ret_grid,
                        struct error *err) {
  if (interval.unit == INTERVAL_DAY) return bad_anchor(err, "daily billing has no anchor day");
  int max = interval.unit == INTERVAL_WEEK ? 7 : 31;
  if (day < 1 || day > max)
    return bad_anchor(err, max == 7 ? "must be a day from 1 (Monday) to 7" : "must be a day from 1 to 31");
  struct date anchor = interval.unit == INTERVAL_WEEK ? add_days(start, day - date_weekday(start))
                                                      : clamp_to_month(month_of(start), day);
  *ret_grid = (struct grid){interval, anchor, day, 0};
  return RC_OK;
}

/* The grid of another subscription. `day` is its anchor day; without one, the boundary's own day counts. */
static enum rc aligned_grid(struct date with, struct interval interval, int day, struct grid *ret_grid,
                            struct error *err) {
  struct grid grid = anniversary_grid(with, interval);
  if (day != 0 && is_month_like(interval)) {
    bool fits = day >= 1 && day <= 31 && date_compare(clamp_to_month(month_of(with), day), with) == 0;
    if (!fits) return bad_anchor(err, "the grid to align with has no such day");
    grid.anchor_day = day;
  }
  *ret_grid = grid;
  return RC_OK;
}

enum rc grid_make(struct date start, struct interval interval, enum anchor_kind kind, int day, struct date aligned_with,
                  struct grid *ret_grid, struct error *err) {
  ASSERT(interval.count >= 1 && interval.count <= INTERVAL_COUNT_MAX);
  struct grid grid;
  switch (kind) {
  case ANCHOR_ANNIVERSARY: grid = anniversary_grid(start, interval); break;
  case ANCHOR_CALENDAR: grid = calendar_grid(start, interval); break;
  case ANCHOR_DAY: TRY(day_grid(start, interval, day, &grid, err)); break;
  case ANCHOR_ALIGNED: TRY(aligned_grid(aligned_with, interval, day, &grid, err)); break;
  }
  if (!settle_anchor(&grid, start)) return bad_anchor(err, "the first period would begin before year 1");
  ASSERT(date_compare(grid.anchor, start) <= 0 && grid_index(&grid, start) == 0);
  *ret_grid = grid;
  return RC_OK;
}

/* ---- boundaries and periods ---- */

/* BILL-052 */
struct grid grid_follow(struct date day, struct interval interval, int64_t index) {
  ASSERT(interval.count >= 1 && interval.count <= INTERVAL_COUNT_MAX && index >= 0);
  struct grid grid = anniversary_grid(day, interval);
  grid.origin = index;
  return grid;
}

/* BILL-010 */
struct date grid_boundary(const struct grid *grid, int64_t n) {
  ASSERT(n >= grid->origin);
  return boundary(grid, n - grid->origin);
}

int64_t grid_index(const struct grid *grid, struct date day) {
  ASSERT(date_compare(day, grid->anchor) >= 0);
  return grid->origin + index_of(grid, day);
}

/* BILL-011, BILL-021 */
struct period grid_period(const struct grid *grid, struct date start, int64_t n) {
  struct period period = {
      .index = n,
      .start = grid_boundary(grid, n),
      .end = grid_boundary(grid, n + 1),
      .full_start = grid_boundary(grid, n),
  };
  if (n == 0) period.start = start;
  ASSERT(date_compare(period.full_start, period.start) <= 0 && date_compare(period.start, period.end) < 0);
  return period;
}

int32_t period_days(const struct period *period) {
  return period->end.days - period->start.days;
}

int32_t period_full_days(const struct period *period) {
  return period->end.days - period->full_start.days;
}
