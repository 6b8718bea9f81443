/* Aggregations of usage (BILL-034): tables, and that the order of events does not decide. */
#include "domain/usage.h"

#include <criterion/criterion.h>
#include <string.h>

#include "unit/property.h"

enum { EVENTS_MAX = 12 };

static struct quantity aggregate(enum usage_aggregation aggregation, const struct usage_event *events, size_t count) {
  struct arena arena;
  struct quantity quantity = {-4711};
  struct error err;
  arena_init(&arena, 1 << 20);
  cr_assert_eq(usage_aggregate(aggregation, events, count, &arena, &quantity, &err), RC_OK);
  arena_release(&arena);
  return quantity;
}

Test(usage, each_aggregation_of_the_same_events) {
  static const struct {
    struct usage_event events[EVENTS_MAX];
    size_t count;
    int64_t micro[5]; /* count, sum, max, last, unique_count */
  } CASES[] = {
      {{{{0}, {0}, NULL}}, 0, {0, 0, 0, 0, 0}},
      {{{{5}, {2500000}, "anna"}}, 1, {1000000, 2500000, 2500000, 2500000, 1000000}},
      {{{{5}, {1}, "anna"}, {{9}, {3}, "bert"}, {{7}, {2}, "anna"}}, 3, {3000000, 6, 3, 3, 2000000}},
      {{{{5}, {7}, NULL}, {{5}, {-2}, NULL}}, 2, {2000000, 5, 7, -2, 0}}, /* of one instant the last in the array */
      {{{{5}, {-7}, ""}, {{4}, {-2}, ""}}, 2, {2000000, -9, -2, -7, 1000000}}, /* corrections only */
      {{{{1}, {0}, "a"}, {{2}, {0}, "A"}, {{3}, {0}, "a "}, {{4}, {0}, "a"}}, 4, {4000000, 0, 0, 0, 3000000}},
  };
  for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++)
    for (int a = USAGE_COUNT; a <= USAGE_UNIQUE_COUNT; a++)
      cr_expect_eq(aggregate((enum usage_aggregation)a, CASES[i].events, CASES[i].count).micro, CASES[i].micro[a],
                   "row %zu, %s", i, usage_aggregation_name((enum usage_aggregation)a));
}

Test(usage, names_and_values_belong_together) {
  static const char *const NAMES[] = {"count", "sum", "max", "last", "unique_count"};
  enum usage_aggregation aggregation = USAGE_COUNT;
  for (size_t i = 0; i < sizeof NAMES / sizeof NAMES[0]; i++) {
    cr_expect(usage_aggregation_from_name(NAMES[i], &aggregation));
    cr_expect_eq((size_t)aggregation, i);
    cr_expect_str_eq(usage_aggregation_name(aggregation), NAMES[i]);
  }
  cr_expect_not(usage_aggregation_from_name("average", &aggregation));
  cr_expect_not(usage_aggregation_from_name("", &aggregation));
}

Test(usage, a_sum_beyond_the_largest_quantity_is_refused_at_its_end) {
  struct usage_event events[] = {
      {{1}, {QUANTITY_MAX}, NULL}, {{2}, {QUANTITY_MAX}, NULL}, {{3}, {-QUANTITY_MAX}, NULL}};
  struct arena arena;
  struct quantity quantity = {4711};
  struct error err;
  arena_init(&arena, 1 << 16);
  cr_expect_eq(usage_aggregate(USAGE_SUM, events, 2, &arena, &quantity, &err), RC_VALIDATION);
  cr_expect_str_eq(err.field, "quantity");
  cr_expect_eq(quantity.micro, 4711, "untouched");
  cr_expect_eq(usage_aggregate(USAGE_SUM, events + 1, 2, &arena, &quantity, &err), RC_OK);
  cr_expect_eq(quantity.micro, 0);
  cr_expect_eq(usage_aggregate(USAGE_SUM, events, 3, &arena, &quantity, &err), RC_OK, "above it in between only");
  cr_expect_eq(quantity.micro, QUANTITY_MAX);
  struct usage_event below[] = {{{1}, {-QUANTITY_MAX}, NULL}, {{2}, {-1}, NULL}};
  cr_expect_eq(usage_aggregate(USAGE_SUM, below, 1, &arena, &quantity, &err), RC_OK);
  cr_expect_eq(quantity.micro, -QUANTITY_MAX);
  cr_expect_eq(usage_aggregate(USAGE_SUM, below, 2, &arena, &quantity, &err), RC_VALIDATION);
  arena_release(&arena);
}

Test(usage, the_order_of_events_does_not_decide) {
  static const char *const TEXTS[] = {"a", "b", "c", "dd", "d", NULL};
  struct dice dice = dice_new();
  for (int i = 0; i < MONEY_CASES; i++) {
    struct usage_event events[EVENTS_MAX] = {0}, shuffled[EVENTS_MAX];
    size_t count = (size_t)dice_between(&dice, 1, EVENTS_MAX);
    for (size_t j = 0; j < count; j++)
      events[j] = (struct usage_event){{(int64_t)j * 10},
                                       {dice_between(&dice, -QUANTITY_MAX, QUANTITY_MAX) / EVENTS_MAX},
                                       TEXTS[dice_between(&dice, 0, 5)]};
    memcpy(shuffled, events, count * sizeof *events);
    for (size_t j = count - 1; j > 0; j--) {
      size_t other = (size_t)dice_between(&dice, 0, (int64_t)j);
      struct usage_event swap = shuffled[j];
      shuffled[j] = shuffled[other];
      shuffled[other] = swap;
    }
    for (int a = USAGE_COUNT; a <= USAGE_UNIQUE_COUNT; a++)
      cr_assert_eq(aggregate((enum usage_aggregation)a, events, count).micro,
                   aggregate((enum usage_aggregation)a, shuffled, count).micro, "case %d, aggregation %d", i, a);
  }
}

/* Adding an event: count and sum grow by it, max and unique never fall, last is the newest. */
Test(usage, one_event_more_changes_what_it_must) {
  static const char *const TEXTS[] = {"x", "y", "z"};
  struct dice dice = dice_new();
  for (int i = 0; i < MONEY_CASES; i++) {
    struct usage_event events[EVENTS_MAX];
    size_t count = (size_t)dice_between(&dice, 1, EVENTS_MAX - 1);
    for (size_t j = 0; j <= count; j++)
      events[j] = (struct usage_event){
          {dice_between(&dice, 0, 9)}, {dice_between(&dice, 0, 1000)}, TEXTS[dice_between(&dice, 0, 2)]};
    events[count].timestamp.us = 10;
    int64_t added = events[count].quantity.micro;
    int64_t max = aggregate(USAGE_MAX, events, count).micro;
    cr_assert_eq(aggregate(USAGE_COUNT, events, count + 1).micro, (int64_t)(count + 1) * MICRO);
    cr_assert_eq(aggregate(USAGE_SUM, events, count + 1).micro, aggregate(USAGE_SUM, events, count).micro + added);
    cr_assert_eq(aggregate(USAGE_MAX, events, count + 1).micro, max > added ? max : added);
    cr_assert_eq(aggregate(USAGE_LAST, events, count + 1).micro, added);
    bool is_new = true;
    for (size_t j = 0; j < count; j++) is_new = is_new && strcmp(events[j].text, events[count].text) != 0;
    cr_assert_eq(aggregate(USAGE_UNIQUE_COUNT, events, count + 1).micro,
                 aggregate(USAGE_UNIQUE_COUNT, events, count).micro + (is_new ? MICRO : 0));
  }
}
