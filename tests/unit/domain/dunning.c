/* Declines by class (BILL-081) and the times of retries (BILL-082). */
#include "domain/dunning.h"

#include <criterion/criterion.h>
#include <criterion/redirect.h>
#include <signal.h>

static const struct utime FIRST = {INT64_C(1795247219123456)};

Test(dunning, declines_are_soft_for_the_customer_or_for_ever) {
  static const struct {
    const char *code, *class;
  } CASES[] = {
      {"insufficient_funds", "soft"},
      {"processing_error", "soft"},
      {"try_again_later", "soft"},
      {"issuer_not_available", "soft"},
      {"do_not_honor", "soft"},
      {"generic_decline", "soft"},
      {"card_declined", "soft"},
      {"approve_with_id", "soft"},
      {"withdrawal_count_limit_exceeded", "soft"},
      {"expired_card", "customer"},
      {"authentication_required", "customer"},
      {"incorrect_cvc", "customer"},
      {"incorrect_number", "customer"},
      {"invalid_expiry_year", "customer"},
      {"card_not_supported", "customer"},
      {"currency_not_supported", "customer"},
      {"transaction_not_allowed", "customer"},
      {"testmode_decline", "customer"},
      {"lost_card", "never"},
      {"stolen_card", "never"},
      {"pickup_card", "never"},
      {"fraudulent", "never"},
      {"restricted_card", "never"},
      {"do_not_try_again", "never"},
      {"revocation_of_authorization", "never"},
      {"revocation_of_all_authorizations", "never"},
      {"stop_payment_order", "never"},
      /* not in the table */
      {"", "soft"},
      {"something_new", "soft"},
      {"LOST_CARD", "soft"},
      {"zzz", "soft"},
  };
  for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++)
    cr_expect_str_eq(decline_class_name(decline_class_of(CASES[i].code)), CASES[i].class, "%s", CASES[i].code);
  cr_expect_eq(decline_class_of(NULL), DECLINE_SOFT);
}

static struct utime days_later(int days) {
  return (struct utime){FIRST.us + days * UTIME_DAY};
}

Test(dunning, the_default_retries_on_days_1_3_5_7_and_14) {
  static const int DAYS[] = {1, 3, 5, 7, 14};
  struct utime next = FIRST;
  for (int attempts = 1; attempts <= 5; attempts++) {
    cr_expect(dunning_next(&DUNNING_DEFAULT, attempts, FIRST, next, &next));
    cr_expect_eq(next.us, days_later(DAYS[attempts - 1]).us, "after attempt %d", attempts);
  }
  struct utime untouched = {4711};
  cr_expect_not(dunning_next(&DUNNING_DEFAULT, 6, FIRST, next, &untouched));
  cr_expect_not(dunning_next(&DUNNING_DEFAULT, 1000, FIRST, next, &untouched));
  cr_expect_eq(untouched.us, 4711, "untouched");
}

/* BILL-082: after downtime one attempt at once, and then the schedule's distances from it. */
static const struct {
  int attempts, failed_on_day; /* the attempt that failed, and when */
  int next_day, end_day;       /* expected */
} LATE[] = {
    {1, 0, 1, 14},   /* punctual */
    {2, 1, 3, 14},   /* punctual */
    {2, 10, 12, 23}, /* nine days late: two days on, as from day 1 to day 3; the end moves by nine */
    {3, 12, 14, 23}, /* the attempt after it */
    {4, 14, 16, 23}, {5, 16, 23, 23}, {5, 400, 407, 407}, {2, 0, 3, 14}, /* earlier than planned: somebody's word */
};

Test(dunning, after_downtime_the_distances_are_kept) {
  for (size_t i = 0; i < sizeof LATE / sizeof LATE[0]; i++) {
    struct utime next, end, failed = days_later(LATE[i].failed_on_day);
    cr_expect(dunning_next(&DUNNING_DEFAULT, LATE[i].attempts, FIRST, failed, &next));
    cr_expect_eq(next.us, days_later(LATE[i].next_day).us, "row %zu", i);
    end = dunning_end(&DUNNING_DEFAULT, LATE[i].attempts, FIRST, failed);
    cr_expect_eq(end.us, days_later(LATE[i].end_day).us, "row %zu", i);
  }
}

/* However long nobody worked, and whenever: one attempt for each step, never two closer than the steps are. */
Test(dunning, no_downtime_makes_a_burst) {
  static const int DAYS[] = {0, 1, 3, 5, 7, 14};
  for (int hours = 0; hours <= 24 * 40; hours++) {
    struct utime up_again = {FIRST.us + hours * (UTIME_DAY / 24)}, now = FIRST, next;
    for (int attempts = 1; dunning_next(&DUNNING_DEFAULT, attempts, FIRST, now, &next); attempts++) {
      struct utime before = now;
      int64_t gap_us = (DAYS[attempts] - DAYS[attempts - 1]) * UTIME_DAY;
      now = next.us < up_again.us ? up_again : next;
      cr_assert_geq(now.us - before.us, gap_us - DUNNING_LATE_MAX_MIN * INT64_C(60) * UTIME_SECOND,
                    "%d hours, attempt %d", hours, attempts + 1);
      cr_assert_leq(attempts, 5);
    }
  }
}

Test(dunning, an_attempt_up_to_an_hour_late_is_punctual) {
  struct utime next, late = {days_later(1).us + DUNNING_LATE_MAX_MIN * INT64_C(60) * UTIME_SECOND};
  cr_expect(dunning_next(&DUNNING_DEFAULT, 2, FIRST, late, &next));
  cr_expect_eq(next.us, days_later(3).us);
  late.us++;
  cr_expect(dunning_next(&DUNNING_DEFAULT, 2, FIRST, late, &next));
  cr_expect_eq(next.us, late.us + 2 * UTIME_DAY);
}

Test(dunning, an_empty_schedule_never_retries) {
  static const struct dunning_schedule NONE = {.count = 0};
  struct utime next;
  cr_expect_not(dunning_next(&NONE, 1, FIRST, FIRST, &next));
  cr_expect_eq(dunning_end(&NONE, 1, FIRST, FIRST).us, FIRST.us, "given up at once");
}

Test(dunning, a_schedule_of_one_day_ends_with_it) {
  static const struct dunning_schedule WEEK_LATER = {.days = {7}, .count = 1};
  struct utime next;
  cr_expect(dunning_next(&WEEK_LATER, 1, FIRST, FIRST, &next));
  cr_expect_eq(next.us, days_later(7).us);
  cr_expect_not(dunning_next(&WEEK_LATER, 2, FIRST, next, &next));
  cr_expect_eq(dunning_end(&WEEK_LATER, 1, FIRST, FIRST).us, days_later(7).us);
  cr_expect_eq(dunning_end(&WEEK_LATER, 2, FIRST, days_later(7)).us, days_later(7).us);
}

Test(dunning, at_most_twenty_attempts_fall_into_thirty_days) {
  struct dunning_schedule daily = {.count = DUNNING_STEPS_MAX};
  struct utime next;
  for (int i = 0; i < DUNNING_STEPS_MAX; i++) daily.days[i] = i + 1;
  for (int attempts = 1; attempts < DUNNING_ATTEMPTS_MAX; attempts++)
    cr_expect(dunning_next(&daily, attempts, FIRST, days_later(attempts - 1), &next), "attempt %d is within the limit",
              attempts + 1);
  cr_expect_not(dunning_next(&daily, DUNNING_ATTEMPTS_MAX, FIRST, days_later(19), &next), "the 21st within 30 days");
}

Test(dunning, an_attempt_that_left_the_window_does_not_count) {
  struct dunning_schedule slow = {.count = DUNNING_STEPS_MAX};
  struct utime next;
  for (int i = 0; i < DUNNING_STEPS_MAX; i++) slow.days[i] = i + 1;
  slow.days[DUNNING_STEPS_MAX - 1] = DUNNING_WINDOW_DAYS;
  cr_expect(dunning_next(&slow, DUNNING_ATTEMPTS_MAX, FIRST, days_later(19), &next),
            "the first charge was 30 days before");
  cr_expect_eq(next.us, FIRST.us + DUNNING_WINDOW_DAYS * UTIME_DAY);
}

Test(dunning, no_attempt_at_all_is_our_bug, .signal = SIGABRT, .init = cr_redirect_stderr) {
  struct utime next;
  (void)!dunning_next(&DUNNING_DEFAULT, 0, FIRST, FIRST, &next);
}
