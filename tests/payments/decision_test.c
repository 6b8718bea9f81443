/* What is done about a payment: each rule of BILL-080 to BILL-083 with the cases that could break it. */
#include "decision.h"

#include <criterion/criterion.h>
#include <string.h>

#include "domain/dunning.h"

#define HOUR   (3600 * UTIME_SECOND)
#define MINUTE (60 * UTIME_SECOND)

static const struct utime NOW = {INT64_C(1763700000) * UTIME_SECOND};
static struct utime in_ms(int64_t ms) {
  return utime_add_ms(NOW, ms);
}
static struct utime days_later(int days) {
  return (struct utime){NOW.us + days * UTIME_DAY};
}

/* The customer's clock and the gateway's go together. */
static struct moment at(struct utime now) {
  return (struct moment){now, now};
}

static struct uuid id(uint8_t last) {
  return (struct uuid){.bytes = {[15] = last}};
}

/* A payment that is due for its first attempt. */
static struct situation fresh(void) {
  return (struct situation){.payment = {.tenant = id(1),
                                        .id = id(2),
                                        .customer = id(3),
                                        .invoice = id(4),
                                        .currency = "USD",
                                        .amount_minor = 9900,
                                        .status = PAYMENT_PENDING,
                                        .cycle = 1,
                                        .next_attempt = NOW,
                                        .version = 1},
                            .is_collectable = true,
                            .due_minor = 9900,
                            .has_method = true,
                            .method = {.id = id(5), .type = "card", .gateway_id = "pm_1"},
                            .gateway_customer_id = "cus_1"};
}

/* The same with its attempt at the gateway. */
static struct situation asked(void) {
  struct situation situation = fresh();
  begin_attempt(&situation, "key", at(NOW), in_ms(30000));
  return situation;
}

static struct gateway_answer says(enum answer_outcome outcome, const char *code) {
  struct gateway_answer answer = {.outcome = outcome, .id = "pi_1"};
  (void)snprintf(answer.code, sizeof answer.code, "%s", code);
  return answer;
}

/* -- what next -- */

Test(step, of_a_due_payment_is_a_charge) {
  struct situation situation = fresh();
  cr_expect_eq(step_for(&situation, at(NOW)), STEP_CHARGE);
}

Test(step, without_anything_owed_is_to_cancel) {
  struct situation paid = fresh(), nothing_due = fresh();
  paid.is_collectable = false;
  nothing_due.due_minor = 0;
  cr_expect_eq(step_for(&paid, at(NOW)), STEP_CANCEL);
  cr_expect_eq(step_for(&nothing_due, at(NOW)), STEP_CANCEL);
}

Test(step, without_a_method_is_to_wait) {
  struct situation situation = fresh();
  situation.has_method = false;
  cr_expect_eq(step_for(&situation, at(NOW)), STEP_WAIT);
}

/* BILL-065: an open invoice has a next step. */
Test(step, without_a_method_until_the_end_of_the_schedule_is_to_give_up) {
  struct situation situation = fresh();
  situation.has_method = false;
  (void)conclude_unasked(&situation, STEP_WAIT, NOW);
  cr_expect_eq(situation.payment.next_attempt.us, days_later(14).us);
  cr_expect_eq(step_for(&situation, at(in_ms(1))), STEP_WAIT);
  (void)conclude_unasked(&situation, STEP_WAIT, days_later(3));
  cr_expect_eq(situation.payment.next_attempt.us, days_later(14).us, "looking does not move it");
  cr_expect_eq(step_for(&situation, at(days_later(14))), STEP_GIVE_UP);
  situation.has_method = true;
  cr_expect_eq(step_for(&situation, at(days_later(14))), STEP_CHARGE, "one came at the last moment");
}

Test(step, with_a_card_that_was_stolen_asks_nobody) {
  struct situation situation = fresh();
  situation.method.barred_code = "stolen_card";
  cr_expect_eq(step_for(&situation, at(NOW)), STEP_BARRED);
}

Test(step, after_twenty_attempts_with_one_method_is_to_give_up) {
  struct situation situation = fresh();
  situation.method_attempts = DUNNING_ATTEMPTS_MAX - 1;
  cr_expect_eq(step_for(&situation, at(NOW)), STEP_CHARGE);
  situation.method_attempts = DUNNING_ATTEMPTS_MAX;
  cr_expect_eq(step_for(&situation, at(NOW)), STEP_GIVE_UP);
}

Test(step, of_what_waited_for_the_customer_in_vain_is_to_give_up) {
  static const enum payment_status WAITING[] = {PAYMENT_FAILED, PAYMENT_REQUIRES_ACTION};
  for (size_t i = 0; i < 2; i++) {
    struct situation situation = fresh();
    situation.payment.status = WAITING[i];
    cr_expect_eq(step_for(&situation, at(NOW)), STEP_GIVE_UP);
  }
}

Test(step, of_an_open_attempt_is_to_ask_with_its_own_key_whatever_else_holds) {
  struct situation situation = asked();
  cr_expect_eq(step_for(&situation, at(in_ms(30000))), STEP_ASK_AGAIN);
  situation.has_method = false;
  cr_expect_eq(step_for(&situation, at(in_ms(30000))), STEP_ASK_AGAIN);
  situation.method.barred_code = "lost_card";
  situation.method_attempts = 99;
  cr_expect_eq(step_for(&situation, at(in_ms(30000))), STEP_ASK_AGAIN);
}

Test(step, of_an_open_attempt_does_not_charge_for_what_nobody_owes) {
  struct situation situation = asked();
  situation.is_collectable = false;
  cr_expect_eq(step_for(&situation, at(in_ms(30000))), STEP_LOOK_UP);
}

Test(step, of_an_open_attempt_does_not_trust_a_key_that_the_gateway_may_have_forgotten) {
  struct situation situation = asked();
  cr_expect_eq(step_for(&situation, at((struct utime){NOW.us + KEY_LIFE_HOURS * HOUR})), STEP_ASK_AGAIN);
  cr_expect_eq(step_for(&situation, at((struct utime){NOW.us + KEY_LIFE_HOURS * HOUR + 1})), STEP_LOOK_UP);
}

Test(step, of_an_attempt_whose_intent_is_known_is_to_fetch_it) {
  struct situation situation = asked();
  situation.attempt.intent_id = "pi_1";
  cr_expect_eq(step_for(&situation, at(days_later(3))), STEP_FETCH);
}

/* -- attempts -- */

Test(attempt, takes_what_is_due_now) {
  struct situation situation = fresh();
  situation.due_minor = 5000;
  begin_attempt(&situation, "key", at(NOW), in_ms(30000));
  cr_expect_eq(situation.payment.status, PAYMENT_PROCESSING);
  cr_expect_eq(situation.payment.amount_minor, 5000);
  cr_expect_eq(situation.attempt.amount_minor, 5000);
  cr_expect_eq(situation.attempt.number, 1);
  cr_expect_eq(situation.attempt.asked, 1);
  cr_expect_eq(situation.payment.next_attempt.us, in_ms(30000).us);
  cr_expect_eq(situation.payment.version, 2);
}

/* BILL-072: what is too much becomes credit. */
Test(attempt, of_three_decimals_charges_what_the_gateway_can_count) {
  struct situation situation = fresh();
  struct gateway_answer answer = says(ANSWER_DONE, "");
  memcpy(situation.payment.currency, "KWD", 4);
  situation.due_minor = 12345;
  begin_attempt(&situation, "key", at(NOW), in_ms(30000));
  cr_expect_eq(situation.attempt.amount_minor, 12350);
  cr_expect_eq(situation.payment.amount_minor, 12350);
  struct conclusion conclusion = conclude(&situation, &answer, at(NOW));
  cr_expect_eq(conclusion.settled_minor, 12345);
  cr_expect_eq(conclusion.credited_minor, 5);
}

Test(attempt, asked_again_keeps_key_amount_and_number) {
  struct situation situation = asked();
  situation.due_minor = 1;
  repeat_attempt(&situation, true, in_ms(30000), in_ms(60000));
  cr_expect_str_eq(situation.attempt.key, "key");
  cr_expect_eq(situation.attempt.amount_minor, 9900);
  cr_expect_eq(situation.attempt.number, 1);
  cr_expect_eq(situation.attempt.asked, 2);
  cr_expect_eq(situation.payment.attempts, 1);
}

/* -- answers -- */

Test(conclusion, of_money_settles_the_invoice) {
  struct situation situation = asked();
  struct gateway_answer answer = says(ANSWER_DONE, "");
  struct conclusion conclusion = conclude(&situation, &answer, at(in_ms(100)));
  cr_expect_eq(situation.payment.status, PAYMENT_SUCCEEDED);
  cr_expect_eq(situation.payment.next_attempt.us, 0);
  cr_expect_str_eq(situation.attempt.outcome, "succeeded");
  cr_expect_eq(situation.attempt.finished.us, in_ms(100).us);
  cr_expect_eq(conclusion.event, EVENT_SUCCEEDED);
  cr_expect_eq(conclusion.settled_minor, 9900);
  cr_expect_eq(conclusion.credited_minor, 0);
}

static const struct {
  bool is_collectable;
  int64_t due_minor, settled_minor, credited_minor;
} OVERPAID[] = {{true, 9900, 9900, 0},  {true, 9000, 9000, 900}, {true, 0, 0, 9900},
                {false, 9900, 0, 9900}, {true, 10000, 9900, 0},  {true, -5, 0, 9900}};

Test(conclusion, of_more_money_than_is_owed_credits_the_rest) {
  for (size_t i = 0; i < sizeof OVERPAID / sizeof OVERPAID[0]; i++) {
    struct situation situation = asked();
    struct gateway_answer answer = says(ANSWER_DONE, "");
    situation.is_collectable = OVERPAID[i].is_collectable;
    situation.due_minor = OVERPAID[i].due_minor;
    struct conclusion conclusion = conclude(&situation, &answer, at(NOW));
    cr_expect_eq(conclusion.settled_minor, OVERPAID[i].settled_minor, "row %zu", i);
    cr_expect_eq(conclusion.credited_minor, OVERPAID[i].credited_minor, "row %zu", i);
    cr_expect_eq(conclusion.settled_minor + conclusion.credited_minor, situation.payment.amount_minor);
  }
}

static const struct {
  const char *code;
  enum payment_status status;
  enum payment_event event;
  const char *class;
  int next_day; /* counted from the first failure */
  bool bars_method;
} DECLINES[] = {
    {"insufficient_funds", PAYMENT_PENDING, EVENT_FAILED, "soft", 1, false},
    {"do_not_honor", PAYMENT_PENDING, EVENT_FAILED, "soft", 1, false},
    {"processing_error", PAYMENT_PENDING, EVENT_FAILED, "soft", 1, false},
    {"a_code_of_next_year", PAYMENT_PENDING, EVENT_FAILED, "soft", 1, false},
    {"expired_card", PAYMENT_FAILED, EVENT_FAILED, "customer", 14, false},
    {"incorrect_cvc", PAYMENT_FAILED, EVENT_FAILED, "customer", 14, false},
    {"authentication_required", PAYMENT_REQUIRES_ACTION, EVENT_ACTION_REQUIRED, "customer", 14, false},
    {"stolen_card", PAYMENT_FAILED, EVENT_FAILED, "never", 14, true},
    {"fraudulent", PAYMENT_FAILED, EVENT_FAILED, "never", 14, true},
};

Test(conclusion, of_a_decline_goes_by_its_class) {
  for (size_t i = 0; i < sizeof DECLINES / sizeof DECLINES[0]; i++) {
    struct situation situation = asked();
    struct gateway_answer answer = says(ANSWER_DECLINED, DECLINES[i].code);
    struct conclusion conclusion = conclude(&situation, &answer, at(NOW));
    const struct payment *payment = &situation.payment;
    cr_expect_eq(payment->status, DECLINES[i].status, "%s", DECLINES[i].code);
    cr_expect_eq(conclusion.event, DECLINES[i].event, "%s", DECLINES[i].code);
    cr_expect_str_eq(payment->decline_class, DECLINES[i].class);
    cr_expect_str_eq(payment->failure_code, DECLINES[i].code);
    cr_expect_eq(payment->next_attempt.us, days_later(DECLINES[i].next_day).us, "%s", DECLINES[i].code);
    cr_expect_eq(conclusion.bars_method, DECLINES[i].bars_method, "%s", DECLINES[i].code);
    cr_expect_not(conclusion.is_exhausted);
    cr_expect_str_eq(situation.attempt.outcome, "declined");
  }
}

Test(conclusion, of_an_intent_that_waits_for_the_customer_is_action_required) {
  struct situation situation = asked();
  struct gateway_answer answer = says(ANSWER_ACTION, "authentication_required");
  struct conclusion conclusion = conclude(&situation, &answer, at(NOW));
  cr_expect_eq(situation.payment.status, PAYMENT_REQUIRES_ACTION);
  cr_expect_eq(conclusion.event, EVENT_ACTION_REQUIRED);
  cr_expect_str_eq(situation.attempt.outcome, "requires_action");
}

/* BILL-082, and BILL-083 at its end. */
Test(conclusion, of_soft_declines_follows_the_schedule_and_then_gives_up) {
  static const int DAYS[] = {1, 3, 5, 7, 14};
  struct situation situation = fresh();
  struct gateway_answer answer = says(ANSWER_DECLINED, "insufficient_funds");
  struct utime now = NOW;
  for (int attempt = 0; attempt < 6; attempt++) {
    int64_t version = situation.payment.version;
    situation.has_attempt = false;
    begin_attempt(&situation, "key", at(now), now);
    struct conclusion conclusion = conclude(&situation, &answer, at(now));
    cr_expect_eq(conclusion.event, EVENT_FAILED);
    cr_expect_eq(conclusion.is_exhausted, attempt == 5);
    cr_expect_gt(conclusion.event_version, version);
    if (attempt < 5) {
      cr_expect_eq(situation.payment.next_attempt.us, days_later(DAYS[attempt]).us);
      now = situation.payment.next_attempt;
      continue;
    }
    cr_expect_eq(situation.payment.status, PAYMENT_FAILED);
    cr_expect_eq(situation.payment.next_attempt.us, 0);
    cr_expect_gt(conclusion.exhausted_version, conclusion.event_version, "two facts, two versions");
    cr_expect_eq(situation.payment.version, conclusion.exhausted_version);
  }
  cr_expect_eq(situation.payment.attempts, 6);
}

/* The invoice was settled, or given up, while the gateway was asked: nothing is tried again. */
static const struct {
  bool is_collectable, is_given_up;
  int64_t due_minor;
  enum payment_status status;
  enum payment_event event;
} SETTLED[] = {
    {false, false, 9900, PAYMENT_CANCELLED, EVENT_CANCELLED},
    {true, false, 0, PAYMENT_CANCELLED, EVENT_CANCELLED},
    {true, true, 9900, PAYMENT_FAILED, EVENT_FAILED},
};

Test(conclusion, of_a_failure_for_what_is_not_asked_for_any_more_is_the_last) {
  static const char *const codes[] = {"insufficient_funds", "stolen_card", "authentication_required",
                                      "amount_too_small"};
  for (size_t i = 0; i < 4 * sizeof SETTLED / sizeof SETTLED[0]; i++) {
    struct situation situation = asked();
    const char *code = codes[i % 4];
    struct gateway_answer answer = says(i % 4 == 3 ? ANSWER_REFUSED : ANSWER_DECLINED, code);
    situation.is_collectable = SETTLED[i / 4].is_collectable;
    situation.is_given_up = SETTLED[i / 4].is_given_up;
    situation.due_minor = SETTLED[i / 4].due_minor;
    situation.method = (struct method){.id = id(6), .type = "card", .gateway_id = "pm_2"}; /* restarts nothing */
    struct conclusion conclusion = conclude(&situation, &answer, at(NOW));
    cr_expect_eq(situation.payment.status, SETTLED[i / 4].status, "%s", code);
    cr_expect_eq(situation.payment.next_attempt.us, 0, "%s", code);
    cr_expect_eq(conclusion.event, SETTLED[i / 4].event, "%s", code);
    cr_expect_not(conclusion.is_exhausted);
    cr_expect_eq(conclusion.bars_method, i % 4 == 1, "a stolen card stays one");
    cr_expect_str_eq(situation.payment.failure_code, code);
  }
}

/* BILL-081: the customer was quicker than the gateway. */
Test(conclusion, of_a_decline_restarts_when_another_method_came_meanwhile) {
  struct situation situation = asked();
  struct gateway_answer answer = says(ANSWER_DECLINED, "stolen_card");
  situation.method = (struct method){.id = id(6), .type = "card", .gateway_id = "pm_2"};
  struct conclusion conclusion = conclude(&situation, &answer, at(in_ms(500)));
  cr_expect_eq(situation.payment.status, PAYMENT_PENDING);
  cr_expect_eq(situation.payment.next_attempt.us, in_ms(500).us);
  cr_expect_eq(situation.payment.cycle, 2);
  cr_expect_eq(situation.payment.cycle_attempts, 0);
  cr_expect_eq(situation.payment.first_failure.us, 0);
  cr_expect_eq(conclusion.event, EVENT_FAILED, "it did fail, and says so");
  cr_expect(conclusion.bars_method);
}

Test(conclusion, of_a_refusal_about_the_method_waits_for_another_one) {
  struct situation situation = asked();
  struct gateway_answer answer = says(ANSWER_REFUSED, "resource_missing");
  answer.is_about_method = true;
  struct conclusion conclusion = conclude(&situation, &answer, at(NOW));
  cr_expect_eq(situation.payment.status, PAYMENT_FAILED);
  cr_expect_eq(situation.payment.next_attempt.us, days_later(14).us);
  cr_expect_not(conclusion.is_exhausted);
}

Test(conclusion, of_any_other_refusal_is_for_an_operator) {
  struct situation situation = asked();
  struct gateway_answer answer = says(ANSWER_REFUSED, "amount_too_small");
  struct conclusion conclusion = conclude(&situation, &answer, at(NOW));
  cr_expect_eq(situation.payment.status, PAYMENT_FAILED);
  cr_expect_eq(situation.payment.next_attempt.us, 0);
  cr_expect_eq(conclusion.event, EVENT_FAILED);
  cr_expect(conclusion.is_exhausted);
  cr_expect_str_eq(situation.attempt.outcome, "refused");
}

/* -- no clear answer (BILL-080) -- */

static const struct {
  enum answer_outcome outcome;
  enum payment_status status; /* of a payment that was processing */
} UNCLEAR[] = {
    {ANSWER_UNKNOWN, PAYMENT_UNKNOWN}, {ANSWER_PROCESSING, PAYMENT_UNKNOWN}, {ANSWER_NOT_ASKED, PAYMENT_PROCESSING}};

Test(conclusion, without_a_clear_answer_leaves_the_attempt_open) {
  for (size_t i = 0; i < sizeof UNCLEAR / sizeof UNCLEAR[0]; i++) {
    struct situation situation = asked();
    struct gateway_answer answer = says(UNCLEAR[i].outcome, "no_answer");
    struct conclusion conclusion = conclude(&situation, &answer, at(NOW));
    cr_expect_eq(situation.payment.status, UNCLEAR[i].status);
    cr_expect_eq(situation.attempt.finished.us, 0);
    cr_expect_null(situation.attempt.outcome);
    cr_expect_eq(situation.payment.next_attempt.us, in_ms(BACKOFF_FIRST_MS).us);
    cr_expect_eq(conclusion.event, NO_EVENT);
    cr_expect_not(conclusion.is_exhausted);
    cr_expect_neq(step_for(&situation, at(days_later(10))), STEP_CHARGE, "never a new key while one is open");
  }
}

Test(conclusion, that_was_unknown_stays_so_when_the_gateway_cannot_be_reached) {
  struct situation situation = asked();
  struct gateway_answer unknown = says(ANSWER_UNKNOWN, "no_answer"), away = says(ANSWER_NOT_ASKED, "unreachable");
  (void)conclude(&situation, &unknown, at(NOW));
  (void)conclude(&situation, &away, at(NOW));
  cr_expect_eq(situation.payment.status, PAYMENT_UNKNOWN);
}

Test(conclusion, of_an_intent_that_is_processing_remembers_its_id) {
  struct situation situation = asked();
  struct gateway_answer answer = says(ANSWER_PROCESSING, "");
  (void)conclude(&situation, &answer, at(NOW));
  cr_expect_str_eq(situation.attempt.intent_id, "pi_1");
  cr_expect_eq(step_for(&situation, at(in_ms(5000))), STEP_FETCH);
}

Test(conclusion, heeds_retry_after) {
  struct situation situation = asked();
  struct gateway_answer answer = says(ANSWER_NOT_ASKED, "rate_limited");
  answer.retry_after_ms = 9000;
  (void)conclude(&situation, &answer, at(NOW));
  cr_expect_eq(situation.payment.next_attempt.us, in_ms(9000).us);
}

Test(conclusion, of_absence_cancels_what_nobody_owes_but_not_at_once) {
  struct situation situation = asked();
  struct gateway_answer answer = {.outcome = ANSWER_ABSENT};
  situation.is_collectable = false;
  (void)conclude(&situation, &answer, at((struct utime){NOW.us + ABSENCE_PROVEN_MIN * MINUTE}));
  cr_expect_eq(situation.payment.status, PAYMENT_UNKNOWN, "it may still be on its way");
  repeat_attempt(&situation, false, (struct utime){NOW.us + 9 * MINUTE}, (struct utime){NOW.us + 10 * MINUTE});
  struct conclusion conclusion =
      conclude(&situation, &answer, at((struct utime){NOW.us + ABSENCE_PROVEN_MIN * MINUTE + 1}));
  cr_expect_eq(situation.payment.status, PAYMENT_CANCELLED);
  cr_expect_str_eq(situation.attempt.outcome, "refused");
  cr_expect_eq(conclusion.event, EVENT_CANCELLED);
}

Test(backoff, doubles_up_to_ten_minutes) {
  cr_expect_eq(backoff_ms(1), 2000);
  cr_expect_eq(backoff_ms(2), 4000);
  cr_expect_eq(backoff_ms(8), 256000);
  cr_expect_eq(backoff_ms(10), 600000);
  cr_expect_eq(backoff_ms(1000000), 600000);
}

/* -- without asking -- */

Test(unasked, payment_with_a_stolen_card_is_reported_failed) {
  struct situation situation = fresh();
  situation.method.barred_code = "stolen_card";
  struct conclusion conclusion = conclude_unasked(&situation, STEP_BARRED, NOW);
  cr_expect_eq(situation.payment.status, PAYMENT_FAILED);
  cr_expect_eq(situation.payment.attempts, 0);
  cr_expect_str_eq(situation.payment.failure_code, "stolen_card");
  cr_expect_str_eq(situation.payment.decline_class, "never");
  cr_expect_eq(situation.payment.next_attempt.us, days_later(14).us);
  cr_expect_eq(conclusion.event, EVENT_FAILED);
}

Test(unasked, payment_that_is_given_up_is_buried) {
  struct situation situation = fresh();
  situation.payment.status = PAYMENT_FAILED;
  situation.payment.failure_code = "expired_card";
  struct conclusion conclusion = conclude_unasked(&situation, STEP_GIVE_UP, NOW);
  cr_expect(conclusion.is_exhausted);
  cr_expect_eq(conclusion.event, NO_EVENT);
  cr_expect_eq(situation.payment.next_attempt.us, 0);
  cr_expect_neq(situation.payment.first_failure.us, 0);
}

Test(unasked, payment_that_never_had_a_method_fails_and_is_buried) {
  struct situation situation = fresh();
  situation.has_method = false;
  struct conclusion waits = conclude_unasked(&situation, STEP_WAIT, NOW);
  cr_expect_eq(waits.event, NO_EVENT, "the invoice was just sent");
  cr_expect_eq(situation.payment.status, PAYMENT_PENDING);
  struct conclusion ends = conclude_unasked(&situation, STEP_GIVE_UP, days_later(14));
  cr_expect_eq(ends.event, EVENT_FAILED, "the subscription is past due (BILL-084)");
  cr_expect(ends.is_exhausted);
  cr_expect_gt(ends.exhausted_version, ends.event_version);
  cr_expect_eq(situation.payment.status, PAYMENT_FAILED);
  cr_expect_eq(situation.payment.next_attempt.us, 0);
  cr_expect_str_eq(situation.payment.failure_code, "no_payment_method");
  cr_expect_str_eq(situation.payment.decline_class, "customer");
}

Test(unasked, payment_whose_method_is_gone_waits_as_one_that_the_customer_must_help_with) {
  struct situation situation = asked();
  struct gateway_answer answer = says(ANSWER_DECLINED, "insufficient_funds");
  (void)conclude(&situation, &answer, at(NOW));
  situation.has_attempt = situation.has_method = false;
  cr_expect_eq(step_for(&situation, at(days_later(1))), STEP_WAIT);
  (void)conclude_unasked(&situation, STEP_WAIT, days_later(1));
  cr_expect_eq(situation.payment.status, PAYMENT_FAILED);
  cr_expect_eq(situation.payment.next_attempt.us, days_later(14).us);
  cr_expect_eq(step_for(&situation, at(days_later(14))), STEP_GIVE_UP);
}

Test(unasked, payment_that_is_cancelled_is_due_no_more) {
  struct situation cancelled = fresh();
  struct conclusion conclusion = conclude_unasked(&cancelled, STEP_CANCEL, NOW);
  cr_expect_eq(cancelled.payment.status, PAYMENT_CANCELLED);
  cr_expect_eq(conclusion.event, EVENT_CANCELLED);
  cr_expect_eq(conclusion.event_version, cancelled.payment.version);
  cr_expect_eq(cancelled.payment.next_attempt.us, 0);
}

Test(restart, begins_a_new_cycle_when_the_old_one_had_begun) {
  struct situation situation = fresh();
  restart(&situation.payment, NOW);
  cr_expect_eq(situation.payment.cycle, 1, "nothing had been tried");
  struct gateway_answer answer = says(ANSWER_DECLINED, "expired_card");
  begin_attempt(&situation, "key", at(NOW), NOW);
  (void)conclude(&situation, &answer, at(NOW));
  situation.payment.dead_letter = id(9);
  restart(&situation.payment, in_ms(1));
  cr_expect_eq(situation.payment.status, PAYMENT_PENDING);
  cr_expect_eq(situation.payment.cycle, 2);
  cr_expect_eq(situation.payment.attempts, 1, "attempts go on counting: each has a key of its own");
  cr_expect_eq(situation.payment.cycle_attempts, 0);
  cr_expect(uuid_is_nil(&situation.payment.dead_letter));
}

Test(restart, is_for_what_waits_or_failed_only) {
  static const bool WAITS[] = {
      [PAYMENT_PENDING] = true, [PAYMENT_FAILED] = true, [PAYMENT_REQUIRES_ACTION] = true, [PAYMENT_REFUNDED] = false};
  for (size_t status = 0; status < sizeof WAITS / sizeof WAITS[0]; status++) {
    struct payment payment = {.status = (enum payment_status)status};
    cr_expect_eq(is_waiting(&payment), WAITS[status]);
    cr_expect_eq(may_restart(&payment), WAITS[status] || status == PAYMENT_CANCELLED);
  }
}

Test(restart, of_what_was_cancelled_is_another_cycle) {
  struct payment payment = {.status = PAYMENT_CANCELLED, .cycle = 1};
  restart(&payment, NOW);
  cr_expect_eq(payment.status, PAYMENT_PENDING);
  cr_expect_eq(payment.cycle, 2, "a second end of it is another event");
}

Test(status, names_are_read_as_they_are_written) {
  enum payment_status status = PAYMENT_PENDING;
  for (int i = PAYMENT_PENDING; i <= PAYMENT_REFUNDED; i++) {
    cr_expect(payment_status_from_name(payment_status_name((enum payment_status)i), &status));
    cr_expect_eq((int)status, i);
  }
  cr_expect_not(payment_status_from_name("", &status));
}
