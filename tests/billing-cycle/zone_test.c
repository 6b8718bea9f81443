/* BILL-013, a customer's new time zone: it takes effect at the next boundary, and periods tile in instants whatever
 * comes (BILL-011). The engine itself is asked, without a database: what is stored between two runs is copied over. */
#include <criterion/criterion.h>
#include <string.h>

#include "base/arena.h"
#include "billables.h"
#include "billing.h"
#include "unit/property.h"

TestSuite(zone_change, .timeout = 120);

enum { ARENA_MAX = 64 * 1024 * 1024 };
#define DAY_US (INT64_C(86400) * UTIME_SECOND)

static struct utime at(const char *text) {
  struct utime t = {0};
  struct error err;
  cr_assert_eq(utime_parse(text, "time", &t, &err), RC_OK, "%s", text);
  return t;
}

static struct date day(const char *text) {
  struct date date = {0};
  struct error err;
  cr_assert_eq(date_parse(text, "date", &date, &err), RC_OK, "%s", text);
  return date;
}

static const char *text_of(struct utime t) {
  static char texts[4][UTIME_TEXT_MAX];
  static size_t next;
  return utime_format(t, texts[next++ % 4]);
}

static struct billable subscribe(struct arena *arena, const char *zone, struct date start, struct interval interval) {
  static const struct plan_price plan = {.plan_id = "plan", .code = "pro", .name = "Pro", .version = 1};
  const struct currency *euro = currency_find("EUR");
  struct billable s = {.state = SUBSCRIPTION_ACTIVE,
                       .currency = euro,
                       .collection = "automatic",
                       .zone_name = zone,
                       .start = start,
                       .auto_renew = true,
                       .is_plain = true,
                       .version = 1,
                       .items = billable_plain_item(arena, &plan, 36500, euro, quantity_of(1)),
                       .item_count = 1};
  struct error err;
  cr_assert_eq(grid_make(start, interval, ANCHOR_ANNIVERSARY, 0, start, &s.grid, &err), RC_OK, "%s", err.text);
  return s;
}

/* As sql/subscriptions_set_next_zone.sql does. */
static void ask_for_zone(struct billable *s, const char *zone, struct utime now) {
  bool differs = strcmp(zone, s->zone_name) != 0;
  s->next_zone_name = differs ? zone : NULL;
  s->next_zone_at = differs ? now : (struct utime){0};
}

/* What a row keeps of it until the next run. */
static void store_and_load(struct billable *s) {
  s->zone = NULL;
  s->next_at = (struct utime){0};
  s->charges = NULL;
  s->charge_count = 0;
  s->periods_due = s->periods_invoiced = s->periods_without_charge = 0;
}

static void bill_until(struct arena *arena, struct billing *billing, struct billable *s, struct utime as_of) {
  do {
    store_and_load(s);
    billing_collect(arena, billing, s, as_of);
    cr_assert(!s->is_parked, "%s", s->is_parked ? s->why->text : "");
  } while (s->next_at.us <= as_of.us);
}

static void expect_tiling(const struct billing *billing) {
  for (size_t i = 0; i < billing->count; i++) {
    const struct line *line = &billing->lines[i], *before = i ? line - 1 : line;
    cr_assert_leq(line->start.us, line->end.us, "period %zu ends before it begins", i);
    if (i == 0) continue;
    cr_assert_eq(line->index, before->index + 1);
    cr_assert_eq(line->start.us, before->end.us, "between %zu and %zu: %s, %s", i - 1, i, text_of(before->end),
                 text_of(line->start));
    cr_assert_eq(date_compare(line->from, before->to), 0);
  }
}

/* -- by example -- */

static const struct {
  const char *what, *zone, *new_zone, *start, *asked_at;
  struct interval interval;
  const char *bounds[4]; /* of the first periods: begin of 0, then the end of each */
} CASES[] = {
    {"eastward, within a month",
     "America/New_York",
     "Europe/Berlin",
     "2026-01-10",
     "2026-01-20T12:00:00Z",
     {INTERVAL_MONTH, 1},
     {"2026-01-10T05:00:00.000Z", "2026-02-10T05:00:00.000Z", "2026-03-09T23:00:00.000Z", "2026-04-09T22:00:00.000Z"}},
    {"westward, within a month",
     "Europe/Berlin",
     "America/New_York",
     "2026-01-10",
     "2026-01-20T12:00:00Z",
     {INTERVAL_MONTH, 1},
     {"2026-01-09T23:00:00.000Z", "2026-02-09T23:00:00.000Z", "2026-03-10T04:00:00.000Z", "2026-04-10T04:00:00.000Z"}},
    {"asked for on the evening before the boundary, when the new zone has passed its midnight already",
     "America/New_York",
     "Asia/Tokyo",
     "2026-01-10",
     "2026-02-10T03:30:00Z",
     {INTERVAL_MONTH, 1},
     {"2026-01-10T05:00:00.000Z", "2026-02-10T05:00:00.000Z", "2026-03-09T15:00:00.000Z", "2026-04-09T15:00:00.000Z"}},
    {"asked for at the boundary itself: the next one it is",
     "Europe/Berlin",
     "Asia/Tokyo",
     "2026-01-10",
     "2026-02-09T23:00:00Z",
     {INTERVAL_MONTH, 1},
     {"2026-01-09T23:00:00.000Z", "2026-02-09T23:00:00.000Z", "2026-03-09T23:00:00.000Z", "2026-04-09T15:00:00.000Z"}},
    {"before the first day",
     "Europe/Berlin",
     "Asia/Tokyo",
     "2026-01-10",
     "2026-01-02T00:00:00Z",
     {INTERVAL_MONTH, 1},
     {"2026-01-09T23:00:00.000Z", "2026-02-09T15:00:00.000Z", "2026-03-09T15:00:00.000Z", "2026-04-09T15:00:00.000Z"}},
    {"over the change of clocks: Berlin's summer begins in the old zone, Havana's has no midnight",
     "Europe/Berlin",
     "America/Havana",
     "2026-03-01",
     "2026-03-02T00:00:00Z",
     {INTERVAL_WEEK, 1},
     {"2026-02-28T23:00:00.000Z", "2026-03-07T23:00:00.000Z", "2026-03-15T04:00:00.000Z", "2026-03-22T04:00:00.000Z"}},
    {"into a zone whose midnight does not exist that day",
     "Europe/Berlin",
     "America/Havana",
     "2026-02-22",
     "2026-02-23T00:00:00Z",
     {INTERVAL_WEEK, 1},
     {"2026-02-21T23:00:00.000Z", "2026-02-28T23:00:00.000Z", "2026-03-08T05:00:00.000Z", "2026-03-15T04:00:00.000Z"}},
    {"westward over the date line: a day of 49 hours",
     "Pacific/Kiritimati",
     "Pacific/Pago_Pago",
     "2026-01-10",
     "2026-01-10T00:00:00Z",
     {INTERVAL_DAY, 1},
     {"2026-01-09T10:00:00.000Z", "2026-01-10T10:00:00.000Z", "2026-01-12T11:00:00.000Z", "2026-01-13T11:00:00.000Z"}},
    {"eastward over the date line: the day that the customer skipped counts, and has no length",
     "Pacific/Pago_Pago",
     "Pacific/Kiritimati",
     "2026-01-10",
     "2026-01-10T12:00:00Z",
     {INTERVAL_DAY, 1},
     {"2026-01-10T11:00:00.000Z", "2026-01-11T11:00:00.000Z", "2026-01-11T11:00:00.000Z", "2026-01-12T10:00:00.000Z"}},
};

static void expect_case(size_t i, bool is_late) {
  struct arena arena;
  struct billing billing = {0};
  arena_init(&arena, ARENA_MAX);
  struct billable s = subscribe(&arena, CASES[i].zone, day(CASES[i].start), CASES[i].interval);
  struct utime asked_at = at(CASES[i].asked_at);
  if (!is_late) bill_until(&arena, &billing, &s, asked_at);
  ask_for_zone(&s, CASES[i].new_zone, asked_at);
  bill_until(&arena, &billing, &s, at(CASES[i].bounds[3]));
  cr_assert_geq(billing.count, 3, "%s", CASES[i].what);
  for (size_t n = 0; n < 3; n++) {
    cr_expect_str_eq(text_of(billing.lines[n].start), CASES[i].bounds[n], "%s: begin %zu is %s", CASES[i].what, n,
                     text_of(billing.lines[n].start));
    cr_expect_str_eq(text_of(billing.lines[n].end), CASES[i].bounds[n + 1], "%s: end %zu is %s", CASES[i].what, n,
                     text_of(billing.lines[n].end));
  }
  cr_expect_str_eq(s.zone_name, CASES[i].new_zone, "%s", CASES[i].what);
  arena_release(&arena);
}

/* Whether the run that was due came before the change was asked for, or after it. */
Test(zone_change, takes_effect_at_the_next_boundary) {
  for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
    expect_case(i, false);
    expect_case(i, true);
  }
}

/* The day that was skipped is the last one that a step of the run has room for: the next step goes on from its end. */
Test(zone_change, a_day_without_length_is_told_once) {
  struct arena arena;
  struct billing billing = {0};
  arena_init(&arena, ARENA_MAX);
  struct billable s = subscribe(&arena, "Pacific/Pago_Pago", day("2026-01-01"), (struct interval){INTERVAL_DAY, 1});
  struct date last = {day("2026-01-01").days + BILLING_PERIODS_MAX - 1};
  const struct zone *zone = NULL;
  struct error err;
  cr_assert_eq(zone_find("Pacific/Pago_Pago", "timeZone", &zone, &err), RC_OK);
  struct utime skipped = zone_midnight(zone, last);
  ask_for_zone(&s, "Pacific/Kiritimati", (struct utime){skipped.us - 1});
  bill_until(&arena, &billing, &s, (struct utime){skipped.us + 3 * DAY_US});
  expect_tiling(&billing);
  const struct line *line = &billing.lines[BILLING_PERIODS_MAX - 1];
  cr_expect_eq(date_compare(line->from, last), 0);
  cr_expect_eq(line->start.us, line->end.us);
  arena_release(&arena);
}

/* -- by chance -- */

static const char *const ZONES[] = {"Pacific/Kiritimati", "Pacific/Pago_Pago",   "Pacific/Apia",     "America/Havana",
                                    "America/Sao_Paulo",  "America/New_York",    "Europe/Lisbon",    "Europe/Berlin",
                                    "Africa/Cairo",       "Asia/Beirut",         "Asia/Kolkata",     "Asia/Tokyo",
                                    "Australia/Sydney",   "Australia/Lord_Howe", "Pacific/Auckland", "UTC"};
enum { ZONE_COUNT = sizeof ZONES / sizeof ZONES[0], CHANGES_MAX = 6, CASE_COUNT = PROPERTY_CASES / 10 };

struct moves {
  int count;
  struct utime at[CHANGES_MAX];
  const char *zone[CHANGES_MAX];
};

static struct moves some_moves(struct dice *dice, struct utime from, int64_t span_us) {
  struct moves moves = {.count = (int)dice_between(dice, 1, CHANGES_MAX)};
  for (int i = 0; i < moves.count; i++) {
    from.us += dice_between(dice, 1, span_us / moves.count);
    moves.at[i] = from;
    moves.zone[i] = ZONES[dice_between(dice, 0, ZONE_COUNT - 1)];
  }
  return moves;
}

static void expect_same(const struct billing *a, const struct billing *b) {
  cr_assert_eq(a->count, b->count);
  for (size_t i = 0; i < a->count; i++) {
    const struct line *left = &a->lines[i], *right = &b->lines[i];
    cr_assert(left->index == right->index && left->amount_minor == right->amount_minor &&
                  left->start.us == right->start.us && left->end.us == right->end.us,
              "line %zu: %s to %s and %s to %s", i, text_of(left->start), text_of(left->end), text_of(right->start),
              text_of(right->end));
  }
}

/* Billed at every instant at which something happens, or only when the zone changes and at the end: all the same. */
Test(zone_change, periods_tile_in_instants_and_a_late_run_comes_to_the_same) {
  static const struct interval intervals[] = {
      {INTERVAL_DAY, 1}, {INTERVAL_DAY, 30}, {INTERVAL_WEEK, 1}, {INTERVAL_MONTH, 1}, {INTERVAL_QUARTER, 1}};
  struct dice dice = dice_new();
  for (int n = 0; n < CASE_COUNT; n++) {
    struct arena arena;
    struct billing prompt = {0}, late = {0};
    arena_init(&arena, ARENA_MAX);
    struct interval interval = intervals[dice_between(&dice, 0, 4)];
    struct date start = {(int32_t)dice_between(&dice, 14000, 20500)};
    int64_t span_us = dice_between(&dice, 20, interval.unit == INTERVAL_DAY ? 60 : 500) * DAY_US;
    struct billable s = subscribe(&arena, ZONES[dice_between(&dice, 0, ZONE_COUNT - 1)], start, interval), t = s;
    struct utime from = {(int64_t)start.days * DAY_US}, end = {from.us + span_us};
    struct moves moves = some_moves(&dice, from, span_us);
    for (int i = 0; i < moves.count; i++) {
      for (int k = 0; k < 4; k++) { /* runs in between */
        struct utime when = {dice_between(&dice, i ? moves.at[i - 1].us : from.us, moves.at[i].us)};
        if (s.next_at.us <= when.us) bill_until(&arena, &prompt, &s, when);
      }
      bill_until(&arena, &prompt, &s, moves.at[i]);
      ask_for_zone(&s, moves.zone[i], moves.at[i]);
      if (t.next_zone_name) bill_until(&arena, &late, &t, moves.at[i]);
      ask_for_zone(&t, moves.zone[i], moves.at[i]);
    }
    bill_until(&arena, &prompt, &s, end);
    bill_until(&arena, &late, &t, end);
    expect_tiling(&prompt);
    expect_same(&prompt, &late);
    cr_assert_str_eq(s.zone_name, t.zone_name);
    arena_release(&arena);
  }
}
