/* BILL-060, BILL-061: what a customer's subscriptions have missed is billed day by day, in steps that end with a day;
 * so its lines meet on one invoice, however far behind which subscription is. The engine itself is asked, with a step's
 * limits lowered; what is stored between two steps is the subscriptions as they are. */
#include <criterion/criterion.h>
#include <string.h>

#include "base/arena.h"
#include "billables.h"
#include "billing.h"
#include "unit/property.h"

TestSuite(days, .timeout = 120);

enum { ARENA_MAX = 256 * 1024 * 1024, CASES = 300, SUBSCRIPTIONS_MAX = 6, STEPS_MAX = 4000, DAYS_MAX = 3000 };

static const struct date EPOCH = {20000}; /* days since 1970 */

static struct billable subscribe(struct arena *arena, struct date start, struct interval interval) {
  static const struct plan_price plan = {.plan_id = "plan", .code = "pro", .name = "Pro", .version = 1};
  const struct currency *euro = currency_find("EUR");
  struct billable s = {.id = uuid_new(),
                       .state = SUBSCRIPTION_ACTIVE,
                       .currency = euro,
                       .collection = "automatic",
                       .zone_name = "Europe/Berlin",
                       .start = start,
                       .auto_renew = true,
                       .is_plain = true,
                       .version = 1,
                       .items = billable_plain_item(arena, &plan, 1000, euro, quantity_of(1)),
                       .item_count = 1};
  struct error err;
  cr_assert_eq(grid_make(start, interval, ANCHOR_ANNIVERSARY, 0, start, &s.grid, &err), RC_OK, "%s", err.text);
  cr_assert_eq(billing_find_boundary(&s, &err), RC_OK, "%s", err.text);
  return s;
}

/* As loaded again. */
static void forget_counts(struct billable *subscriptions, size_t count) {
  for (size_t i = 0; i < count; i++) {
    struct billable *s = &subscriptions[i];
    s->periods_due = s->periods_invoiced = s->periods_without_charge = 0;
    s->charges = NULL;
    s->charge_count = 0;
  }
}

static size_t due_of(const struct billable *subscriptions, size_t count, struct utime as_of) {
  size_t due = 0;
  for (size_t i = 0; i < count; i++) due += subscriptions[i].next_at.us <= as_of.us;
  return due;
}

/* In which step each day was billed, from 1; 0: not at all. */
struct calendar {
  int step_of[DAYS_MAX];
  size_t lines, most_in_a_step;
  int steps, days_in_two_steps;
};

static void note_lines(struct calendar *calendar, const struct billing *billing) {
  for (size_t i = 0; i < billing->count; i++) {
    int *step = &calendar->step_of[billing->lines[i].billed_on.days - EPOCH.days];
    calendar->days_in_two_steps += *step != 0 && *step != calendar->steps;
    *step = calendar->steps;
  }
  calendar->lines += billing->count;
  if (billing->count > calendar->most_in_a_step) calendar->most_in_a_step = billing->count;
}

/* Until nothing is due; the periods that there are, counted apart, are each billed once. */
static void bill_all(struct billable *subscriptions, size_t count, const struct billing_limits *limits,
                     struct calendar *calendar) {
  while (due_of(subscriptions, count, limits->as_of) > 0) {
    struct arena arena;
    struct billing billing = {0};
    cr_assert_lt(calendar->steps++, STEPS_MAX, "it does not come to an end");
    arena_init(&arena, ARENA_MAX);
    billing_collect_days(&arena, &billing, subscriptions, count, limits);
    for (size_t i = 0; i < count; i++) {
      cr_assert_not(subscriptions[i].is_parked);
      cr_assert_leq(subscriptions[i].periods_due, BILLING_PERIODS_MAX);
    }
    note_lines(calendar, &billing);
    forget_counts(subscriptions, count);
    arena_release(&arena);
  }
}

static size_t periods_of(const struct billable *s, struct utime as_of) {
  const struct zone *zone;
  struct error err;
  size_t periods = 0;
  cr_assert_eq(zone_find("Europe/Berlin", "zone", &zone, &err), RC_OK);
  while (zone_midnight(zone, grid_period(&s->grid, s->start, (int64_t)periods).start).us <= as_of.us) periods++;
  return periods;
}

static struct interval interval_of(struct dice *dice) {
  static const enum interval_unit units[] = {INTERVAL_DAY, INTERVAL_WEEK, INTERVAL_MONTH};
  return (struct interval){.unit = units[dice_between(dice, 0, 2)], .count = (int)dice_between(dice, 1, 3)};
}

static struct utime end_of(int days) {
  return (struct utime){(EPOCH.days + (int64_t)days) * 86400 * UTIME_SECOND};
}

/* Whatever is how far behind, and however small a step is, as long as a day fits into it. */
Test(days, bill_061_each_day_is_billed_in_one_step) {
  struct dice dice = dice_new();
  for (int n = 0; n < CASES; n++) {
    struct arena CLEANUP(arena_release) arena;
    struct calendar calendar = {0};
    struct billable subscriptions[SUBSCRIPTIONS_MAX];
    size_t count = (size_t)dice_between(&dice, 2, SUBSCRIPTIONS_MAX), wanted = 0;
    struct billing_limits limits = {.as_of = end_of((int)dice_between(&dice, 1, 900)),
                                    .enough = dice_between(&dice, 0, 1) ? SIZE_MAX
                                                                        : (size_t)dice_between(&dice, 40, 400) * 1024};
    arena_init(&arena, ARENA_MAX);
    for (size_t i = 0; i < count; i++) {
      struct date start = {EPOCH.days + (int32_t)dice_between(&dice, 0, 60)};
      subscriptions[i] = subscribe(&arena, start, interval_of(&dice));
      wanted += periods_of(&subscriptions[i], limits.as_of);
    }
    bill_all(subscriptions, count, &limits, &calendar);
    cr_expect_eq(calendar.lines, wanted, "case %d: %zu lines for %zu periods", n, calendar.lines, wanted);
    cr_expect_eq(calendar.days_in_two_steps, 0, "case %d", n);
  }
}

enum { MANY = 500, LITTLE_BYTES = 100 * 1024 };

/* A day that alone is more than a step holds is billed in several, and no line is lost or doubled. */
Test(days, bill_061_a_day_that_no_step_holds_is_billed_in_several) {
  struct arena CLEANUP(arena_release) arena;
  struct calendar calendar = {0};
  struct billable *subscriptions = calloc(MANY, sizeof *subscriptions);
  arena_init(&arena, ARENA_MAX);
  for (int i = 0; i < MANY; i++)
    subscriptions[i] = subscribe(&arena, EPOCH, (struct interval){.unit = INTERVAL_MONTH, .count = 1});
  bill_all(subscriptions, MANY, &(struct billing_limits){.as_of = end_of(70), .enough = LITTLE_BYTES}, &calendar);
  cr_expect_eq(calendar.lines, 3 * (size_t)MANY);
  cr_expect_gt(calendar.steps, 3);
  cr_expect_leq(calendar.most_in_a_step, 60, "%zu lines of 3.5 KB: the rest of a day, and a part of the next",
                calendar.most_in_a_step);
  free(subscriptions);
}

/* Not all that is due is here: what is not is due no earlier, so that the days before are whole. */
Test(days, bill_061_days_that_may_not_be_all_here_wait) {
  struct arena CLEANUP(arena_release) arena;
  struct billable subscriptions[2];
  struct billing billing = {0};
  struct interval week = {.unit = INTERVAL_WEEK, .count = 1};
  arena_init(&arena, ARENA_MAX);
  subscriptions[0] = subscribe(&arena, EPOCH, week);
  subscriptions[1] = subscribe(&arena, (struct date){EPOCH.days + 20}, week);
  const struct billing_limits limits = {.as_of = end_of(100), .enough = SIZE_MAX, .is_cut = true};
  billing_collect_days(&arena, &billing, subscriptions, 2, &limits);
  cr_expect_eq(billing.count, 3, "days 0, 7 and 14; somebody else may be due on day 20");
  for (size_t i = 0; i < 2; i++) subscriptions[i] = subscribe(&arena, EPOCH, week);
  billing = (struct billing){0};
  billing_collect_days(&arena, &billing, subscriptions, 2, &limits);
  cr_expect_eq(billing.count, 2, "one day at least");
}
