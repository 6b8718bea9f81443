/* The life of a payment. Two rules stand above all others: while an attempt is open no other one begins, and an attempt
 * is closed by a clear answer alone (BILL-080). The rest is what a decline means (BILL-081), when it is tried again
 * (BILL-082) and when it is given up (BILL-083). */
#include "decision.h"

#include <string.h>

#include "base/assert.h"
#include "domain/dunning.h"

#define UTIME_HOUR   (3600 * UTIME_SECOND)
#define UTIME_MINUTE (60 * UTIME_SECOND)

static const char *const STATUS_NAMES[] = {
#define X(status, name) [status] = name,
    PAYMENT_STATUSES(X)
#undef X
};
enum { STATUS_COUNT = sizeof STATUS_NAMES / sizeof STATUS_NAMES[0] };

const char *payment_status_name(enum payment_status status) {
  return STATUS_NAMES[status];
}

bool payment_status_from_name(const char *name, enum payment_status *ret_status) {
  for (int i = 0; i < STATUS_COUNT; i++) {
    if (strcmp(STATUS_NAMES[i], name) != 0) continue;
    *ret_status = (enum payment_status)i;
    return true;
  }
  return false;
}

bool is_owed(const struct situation *situation) {
  return situation->is_collectable && situation->due_minor > 0;
}

/* -- what next -- */

static enum step step_for_open_attempt(const struct situation *situation, struct utime real) {
  const struct attempt *attempt = &situation->attempt;
  if (attempt->intent_id) return STEP_FETCH;
  /* Asking for the charge again would make it, if it is not there: not for an invoice that nobody owes any more, and
   * not with a key that the gateway may have forgotten together with the charge. */
  if (!situation->is_collectable) return STEP_LOOK_UP;
  if (real.us - attempt->sent.us > KEY_LIFE_HOURS * UTIME_HOUR) return STEP_LOOK_UP;
  return STEP_ASK_AGAIN;
}

struct utime waiting_end(struct utime since) {
  return dunning_end(&DUNNING_DEFAULT, 1, since, since);
}

static bool has_waited_enough(const struct payment *payment, struct utime now) {
  struct utime since = payment->first_failure;
  return payment->cycle_attempts == 0 && since.us && now.us >= waiting_end(since).us;
}

enum step step_for(const struct situation *situation, struct moment at) {
  const struct payment *payment = &situation->payment;
  if (situation->has_attempt) return step_for_open_attempt(situation, at.real);
  if (!is_owed(situation)) return STEP_CANCEL;
  if (payment->status != PAYMENT_PENDING) return STEP_GIVE_UP; /* nobody came in time with another method */
  if (!situation->has_method) return has_waited_enough(payment, at.now) ? STEP_GIVE_UP : STEP_WAIT;
  if (situation->method.barred_code) return STEP_BARRED;
  if (situation->method_attempts >= DUNNING_ATTEMPTS_MAX) return STEP_GIVE_UP;
  return STEP_CHARGE;
}

int64_t backoff_ms(int asked) {
  int64_t ms = BACKOFF_FIRST_MS;
  for (int i = 1; i < asked && ms < BACKOFF_MAX_MS; i++) ms *= 2;
  return ms < BACKOFF_MAX_MS ? ms : BACKOFF_MAX_MS;
}

void begin_attempt(struct situation *situation, const char *key, struct moment at, struct utime deadline) {
  struct payment *payment = &situation->payment;
  ASSERT(!situation->has_attempt && situation->is_collectable && situation->has_method && situation->due_minor > 0);
  payment->status = PAYMENT_PROCESSING;
  payment->amount_minor = question_chargeable(payment->currency, situation->due_minor);
  payment->method = situation->method.id;
  payment->attempts++;
  payment->cycle_attempts++;
  payment->next_attempt = deadline;
  payment->version++;
  situation->has_attempt = true;
  situation->attempt = (struct attempt){.number = payment->attempts,
                                        .cycle = payment->cycle,
                                        .method = situation->method,
                                        .amount_minor = payment->amount_minor,
                                        .key = key,
                                        .started = at.now,
                                        .sent = at.real,
                                        .asked_at = at.real,
                                        .asked = 1};
}

void repeat_attempt(struct situation *situation, bool may_charge, struct utime real, struct utime deadline) {
  ASSERT(situation->has_attempt);
  situation->attempt.asked++;
  if (may_charge) situation->attempt.asked_at = real;
  situation->payment.next_attempt = deadline;
  situation->payment.version++;
}

bool is_waiting(const struct payment *payment) {
  switch (payment->status) {
  case PAYMENT_PENDING:
  case PAYMENT_FAILED:
  case PAYMENT_REQUIRES_ACTION: return true;
  case PAYMENT_PROCESSING:
  case PAYMENT_UNKNOWN:
  case PAYMENT_SUCCEEDED:
  case PAYMENT_CANCELLED:
  case PAYMENT_REFUNDED: return false;
  }
  assert_failed("a payment's status", __FILE__, __LINE__);
}

bool may_restart(const struct payment *payment) {
  return is_waiting(payment) || payment->status == PAYMENT_CANCELLED;
}

void restart(struct payment *payment, struct utime now) {
  if (payment->cycle_attempts > 0 || payment->first_failure.us || payment->status == PAYMENT_CANCELLED)
    payment->cycle++;
  payment->status = PAYMENT_PENDING;
  payment->cycle_attempts = 0;
  payment->first_failure = (struct utime){0};
  payment->next_attempt = now;
  payment->dead_letter = UUID_NIL;
  payment->version++;
}

/* -- what came of it -- */

static void close_attempt(struct attempt *attempt, const char *outcome, const struct gateway_answer *answer,
                          struct utime now) {
  ASSERT(!attempt->finished.us);
  attempt->finished = now;
  attempt->outcome = outcome;
  attempt->code = *answer->code ? answer->code : NULL;
  attempt->message = *answer->message ? answer->message : NULL;
  if (*answer->id) attempt->intent_id = answer->id;
  if (*answer->charge_id) attempt->charge_id = answer->charge_id;
}

static void announce_event(struct payment *payment, struct conclusion *conclusion, enum payment_event event) {
  conclusion->event = event;
  conclusion->event_version = ++payment->version;
}

static struct conclusion cancel(struct payment *payment) {
  struct conclusion conclusion = {0};
  payment->status = PAYMENT_CANCELLED;
  payment->next_attempt = (struct utime){0};
  announce_event(payment, &conclusion, EVENT_CANCELLED);
  return conclusion;
}

/* BILL-083. A version of its own: it is a second fact about the same payment. */
static void give_up(struct payment *payment, struct conclusion *conclusion) {
  payment->status = PAYMENT_FAILED;
  payment->next_attempt = (struct utime){0};
  conclusion->is_exhausted = true;
  conclusion->exhausted_version = ++payment->version;
}

static struct conclusion conclude_success(struct situation *situation, const struct gateway_answer *answer,
                                          struct utime now) {
  struct payment *payment = &situation->payment;
  struct conclusion conclusion = {0};
  close_attempt(&situation->attempt, "succeeded", answer, now);
  payment->status = PAYMENT_SUCCEEDED;
  payment->amount_minor = situation->attempt.amount_minor;
  payment->next_attempt = (struct utime){0};
  payment->succeeded = now;
  payment->failure_code = payment->failure_message = payment->decline_class = NULL;
  int64_t owed = is_owed(situation) ? situation->due_minor : 0;
  conclusion.settled_minor = payment->amount_minor < owed ? payment->amount_minor : owed;
  conclusion.credited_minor = payment->amount_minor - conclusion.settled_minor;
  ASSERT(conclusion.settled_minor >= 0 && conclusion.credited_minor >= 0);
  announce_event(payment, &conclusion, EVENT_SUCCEEDED);
  return conclusion;
}

/* `failed`: the number, within the cycle, of the attempt that failed or could not be made. */
static struct utime end_of_schedule(const struct payment *payment, int failed, struct utime now) {
  return dunning_end(&DUNNING_DEFAULT, failed, payment->first_failure, now);
}

static void note_failure(struct payment *payment, const char *code, const char *message, enum decline_class class,
                         struct utime now) {
  payment->failure_code = code;
  payment->failure_message = message;
  payment->decline_class = decline_class_name(class);
  if (!payment->first_failure.us) payment->first_failure = now;
}

/* The customer's default is now one that this attempt did not charge: BILL-081, it restarts at once. */
static bool has_other_method(const struct situation *situation) {
  return situation->has_method && !situation->method.barred_code &&
         !uuid_equal(&situation->method.id, &situation->attempt.method.id);
}

/* What became of the invoice while the gateway was asked: nobody owes it any more, or nobody asks for it again. */
static bool ends_with_a_decline(const struct situation *situation) {
  return !is_owed(situation) || situation->is_given_up;
}

/* The charge of a given up invoice was somebody's word, who is told how it went. */
static struct conclusion conclude_last_decline(struct situation *situation, enum decline_class class) {
  struct payment *payment = &situation->payment;
  struct conclusion conclusion = {0};
  if (is_owed(situation)) {
    payment->status = PAYMENT_FAILED;
    payment->next_attempt = (struct utime){0};
    announce_event(payment, &conclusion, EVENT_FAILED);
  } else {
    conclusion = cancel(payment);
  }
  conclusion.bars_method = class == DECLINE_NEVER;
  return conclusion;
}

static struct conclusion conclude_decline(struct situation *situation, enum decline_class class, bool needs_action,
                                          struct utime now) {
  struct payment *payment = &situation->payment;
  struct conclusion conclusion = {0};
  enum payment_event event = needs_action ? EVENT_ACTION_REQUIRED : EVENT_FAILED;
  note_failure(payment, situation->attempt.code, situation->attempt.message, class, now);
  if (ends_with_a_decline(situation)) return conclude_last_decline(situation, class);
  conclusion.bars_method = class == DECLINE_NEVER;
  if (has_other_method(situation)) {
    restart(payment, now);
    announce_event(payment, &conclusion, event);
    return conclusion;
  }
  payment->status = needs_action ? PAYMENT_REQUIRES_ACTION : PAYMENT_FAILED;
  payment->next_attempt = end_of_schedule(payment, payment->cycle_attempts, now);
  announce_event(payment, &conclusion, event);
  if (class != DECLINE_SOFT) return conclusion;
  payment->status = PAYMENT_PENDING;
  if (!dunning_next(&DUNNING_DEFAULT, payment->cycle_attempts, payment->first_failure, now, &payment->next_attempt))
    give_up(payment, &conclusion);
  return conclusion;
}

/* The gateway will not do it however often it is asked. Another payment method may help, or only an operator can. */
static struct conclusion conclude_refusal(struct situation *situation, bool is_about_method, struct utime now) {
  struct payment *payment = &situation->payment;
  if (is_about_method || ends_with_a_decline(situation))
    return conclude_decline(situation, DECLINE_CUSTOMER, false, now);
  struct conclusion conclusion = {0};
  note_failure(payment, situation->attempt.code, situation->attempt.message, DECLINE_CUSTOMER, now);
  payment->status = PAYMENT_FAILED;
  payment->next_attempt = (struct utime){0};
  announce_event(payment, &conclusion, EVENT_FAILED);
  give_up(payment, &conclusion);
  return conclusion;
}

/* The attempt stays open, and the gateway is asked again. What it surely never saw leaves no doubt that was not there.
 */
static struct conclusion keep_open(struct situation *situation, const struct gateway_answer *answer, bool leaves_doubt,
                                   struct utime real) {
  struct payment *payment = &situation->payment;
  struct attempt *attempt = &situation->attempt;
  int64_t wait_ms = backoff_ms(attempt->asked);
  if (answer->retry_after_ms > wait_ms) wait_ms = answer->retry_after_ms;
  if (leaves_doubt) payment->status = PAYMENT_UNKNOWN;
  if (*answer->id && answer->outcome == ANSWER_PROCESSING) attempt->intent_id = answer->id;
  attempt->code = *answer->code ? answer->code : NULL;
  attempt->message = *answer->message ? answer->message : NULL;
  payment->next_attempt = utime_add_ms(real, wait_ms);
  payment->version++;
  return (struct conclusion){0};
}

/* Looked up and not found. What was asked a moment ago may still be on its way. */
static struct conclusion conclude_absence(struct situation *situation, const struct gateway_answer *answer,
                                          struct moment at) {
  bool is_proven = at.real.us - situation->attempt.asked_at.us > ABSENCE_PROVEN_MIN * UTIME_MINUTE;
  if (!is_proven || situation->is_collectable) return keep_open(situation, answer, true, at.real);
  close_attempt(&situation->attempt, "refused", answer, at.now);
  return cancel(&situation->payment);
}

struct conclusion conclude(struct situation *situation, const struct gateway_answer *answer, struct moment at) {
  struct attempt *attempt = &situation->attempt;
  ASSERT(situation->has_attempt && !attempt->finished.us);
  if (*answer->id) situation->payment.intent_id = answer->id;
  switch (answer->outcome) {
  case ANSWER_DONE: return conclude_success(situation, answer, at.now);
  case ANSWER_DECLINED:
    close_attempt(attempt, "declined", answer, at.now);
    return conclude_decline(situation, decline_class_of(answer->code),
                            strcmp(answer->code, "authentication_required") == 0, at.now);
  case ANSWER_ACTION:
    close_attempt(attempt, "requires_action", answer, at.now);
    return conclude_decline(situation, DECLINE_CUSTOMER, true, at.now);
  case ANSWER_REFUSED:
    close_attempt(attempt, "refused", answer, at.now);
    return conclude_refusal(situation, answer->is_about_method, at.now);
  case ANSWER_ABSENT: return conclude_absence(situation, answer, at);
  case ANSWER_NOT_ASKED: return keep_open(situation, answer, false, at.real);
  case ANSWER_PROCESSING:
  case ANSWER_UNKNOWN: return keep_open(situation, answer, true, at.real);
  }
  assert_failed("an answer's outcome", __FILE__, __LINE__);
}

/* BILL-081: the card was declined for ever before; asking again would only cost the merchant's good name. */
static struct conclusion conclude_barred(struct situation *situation, struct utime now) {
  struct payment *payment = &situation->payment;
  struct conclusion conclusion = {0};
  payment->method = situation->method.id;
  note_failure(payment, situation->method.barred_code, "The payment method was declined for good before.",
               DECLINE_NEVER, now);
  payment->status = PAYMENT_FAILED;
  payment->next_attempt = end_of_schedule(payment, payment->cycle_attempts + 1, now);
  announce_event(payment, &conclusion, EVENT_FAILED);
  return conclusion;
}

/* There is nothing to charge. What has never been tried says nothing yet: the invoice was just sent. It is given up
 * when the schedule would be over, as what only the customer can help with. */
static void wait_for_method(struct payment *payment, struct utime now) {
  if (!payment->first_failure.us) payment->first_failure = now;
  payment->next_attempt = waiting_end(payment->first_failure);
  if (payment->cycle_attempts > 0) {
    payment->status = PAYMENT_FAILED;
    payment->next_attempt = end_of_schedule(payment, payment->cycle_attempts + 1, now);
  }
  payment->version++;
}

/* Nobody came in time with a payment method, or another one. */
static struct conclusion conclude_end(struct payment *payment, struct utime now) {
  struct conclusion conclusion = {0};
  if (!payment->failure_code) {
    note_failure(payment, "no_payment_method", "The customer has no payment method.", DECLINE_CUSTOMER, now);
    announce_event(payment, &conclusion, EVENT_FAILED);
  }
  if (!payment->first_failure.us) payment->first_failure = now;
  give_up(payment, &conclusion);
  return conclusion;
}

struct conclusion conclude_unasked(struct situation *situation, enum step step, struct utime now) {
  struct payment *payment = &situation->payment;
  struct conclusion conclusion = {0};
  ASSERT(!situation->has_attempt);
  switch (step) {
  case STEP_CANCEL: return cancel(payment);
  case STEP_WAIT: wait_for_method(payment, now); return conclusion;
  case STEP_BARRED: return conclude_barred(situation, now);
  case STEP_GIVE_UP: return conclude_end(payment, now);
  case STEP_CHARGE:
  case STEP_ASK_AGAIN:
  case STEP_FETCH:
  case STEP_LOOK_UP: break;
  }
  assert_failed("a step that asks nobody", __FILE__, __LINE__);
}
