/* Charging, in the three steps of architecture.md §4. (a) claim: one transaction takes due payments and writes down,
 * for each, what the gateway will be asked and with which key. (b) ask: outside of any transaction, many at a time. (c)
 * record: one transaction takes all answers that are there: payments, invoices, ledger, events.
 *
 * Between (a) and (c) a question lives in a slot of this process. If the process dies, the payment's due time, which
 * (a) set to a deadline, brings it to another one, which asks again with the same key. If (c) cannot commit, the
 * answers stay in their slots until it can. A slow answer holds up nobody: slots that are free go on claiming. */
#include <string.h>

#include "base/assert.h"
#include "base/log.h"
#include "gateway.h"
#include "handlers.h"
#include "record.h"
#include "rows.h"
#include "settings.h"

enum { CLAIM_EVERY_MS = 50, WAIT_MS = 20, DRAIN_MS = 5000 };

enum slot_state { SLOT_FREE, SLOT_PLANNED, SLOT_ASKED, SLOT_ANSWERED };

struct slot {
  enum slot_state state;
  struct payment_ref ref;
  struct uuid clock; /* the customer's test clock */
  bool may_charge;   /* a look-up that finds nothing goes on to the charge */
  struct gateway_question question;
  struct gateway_answer answer;
};

struct charger {
  struct gateway *gateway;
  struct slot *slots;
  size_t capacity;
  bool has_claimed, is_more_due;
  struct mono claimed_at;
};

static enum rc charger_open(struct charger *charger, struct error *err) {
  struct gateway_options options = {.url = payments_settings.gateway_url,
                                    .secret_key = payments_settings.gateway_secret_key,
                                    .timeout_ms = payments_settings.gateway_timeout_ms,
                                    .concurrency = (size_t)payments_settings.gateway_concurrency};
  if (charger->gateway) return RC_OK;
  ASSERT(options.concurrency <= CONCURRENCY_MAX);
  charger->capacity = options.concurrency;
  charger->slots = calloc(charger->capacity, sizeof *charger->slots);
  ASSERT(charger->slots);
  return gateway_new(&options, &charger->gateway, err);
}

static void charger_close(struct charger *charger) {
  gateway_free(charger->gateway);
  free(charger->slots);
  *charger = (struct charger){0};
}

static size_t slots_in(const struct charger *charger, enum slot_state state) {
  size_t count = 0;
  for (size_t i = 0; i < charger->capacity; i++) count += charger->slots[i].state == state;
  return count;
}

static void slots_move(struct charger *charger, enum slot_state from, enum slot_state to) {
  for (size_t i = 0; i < charger->capacity; i++)
    if (charger->slots[i].state == from) charger->slots[i].state = to;
}

static struct slot *free_slot(struct charger *charger) {
  for (size_t i = 0; i < charger->capacity; i++)
    if (charger->slots[i].state == SLOT_FREE) return &charger->slots[i];
  assert_failed("a free slot", __FILE__, __LINE__);
}

/* -- (a) -- */

static const enum gateway_ask ASK_FOR_STEP[] = {
    [STEP_CHARGE] = ASK_CHARGE, [STEP_ASK_AGAIN] = ASK_CHARGE, [STEP_FETCH] = ASK_INTENT, [STEP_LOOK_UP] = ASK_LOOK_UP};

static void copy_id(char target[static GATEWAY_ID_MAX], const char *id) {
  (void)snprintf(target, GATEWAY_ID_MAX, "%s", id ? id : "");
}

/* The same for each asking of an attempt: it is made of what is stored of the attempt and of what never changes. */
static void write_question(struct gateway_question *question, const struct situation *situation, enum gateway_ask ask) {
  const struct payment *payment = &situation->payment;
  const struct attempt *attempt = &situation->attempt;
  *question = (struct gateway_question){.ask = ask,
                                        .tenant = payment->tenant,
                                        .customer = payment->customer,
                                        .invoice = payment->invoice,
                                        .payment = payment->id,
                                        .attempt = attempt->number,
                                        .amount_minor = attempt->amount_minor,
                                        .since = attempt->sent};
  (void)snprintf(question->key, sizeof question->key, "%s", attempt->key);
  memcpy(question->currency, payment->currency, sizeof question->currency);
  copy_id(question->method_id, attempt->method.gateway_id);
  copy_id(question->customer_id, situation->gateway_customer_id);
  copy_id(question->intent_id, attempt->intent_id);
}

static const char *new_key(struct work *work, const struct payment *payment) {
  struct gateway_question question = {.payment = payment->id, .attempt = payment->attempts + 1};
  question_key_charge(&question);
  return arena_strdup(work->arena, question.key);
}

static struct moment moment_of(const struct work *work) {
  return (struct moment){.now = work->now, .real = work->real_now};
}

static struct utime deadline(const struct work *work) {
  return utime_add_ms(work->real_now, payments_settings.attempt_deadline_ms);
}

static void plan_question(struct charger *charger, struct situation *situation, enum step step) {
  struct slot *slot = free_slot(charger);
  slot->state = SLOT_PLANNED;
  slot->clock = situation->payment.clock;
  slot->may_charge = situation->is_collectable;
  slot->ref = (struct payment_ref){situation->payment.tenant, situation->payment.id, situation->attempt.number};
  write_question(&slot->question, situation, ASK_FOR_STEP[step]);
}

static void plan(struct charger *charger, struct work *work, struct situation *situation,
                 struct conclusion *ret_conclusion) {
  enum step step = step_for(situation, moment_of(work));
  switch (step) {
  case STEP_CHARGE:
    begin_attempt(situation, new_key(work, &situation->payment), moment_of(work), deadline(work));
    plan_question(charger, situation, step);
    return;
  case STEP_ASK_AGAIN:
  case STEP_FETCH:
  case STEP_LOOK_UP:
    repeat_attempt(situation, step != STEP_FETCH && situation->is_collectable, work->real_now, deadline(work));
    plan_question(charger, situation, step);
    return;
  case STEP_CANCEL:
  case STEP_WAIT:
  case STEP_BARRED:
  case STEP_GIVE_UP: *ret_conclusion = conclude_unasked(situation, step, work->now); return;
  }
}

/* Real time comes first, and finds out which test clocks have something due. What is concluded without asking gives the
 * turn to its customer's next, as an answer does (payments_claim.sql). */
static enum rc claim_in_transaction(struct charger *charger, struct work *work, const struct clock *clock,
                                    struct clock *ret_clocks, size_t *ret_clock_count, struct error *err) {
  struct payment_ref *refs;
  struct situation *situations;
  size_t room = slots_in(charger, SLOT_FREE), claimed = 0;
  if (room == 0) return RC_OK;
  TRY(work_begin(work, err));
  work_at(work, clock);
  TRY(payments_claim(work, room, &refs, &claimed, err));
  charger->is_more_due = charger->is_more_due || claimed == room;
  TRY(situations_load(work, refs, claimed, &situations, &claimed, err));
  struct conclusion *conclusions = ARENA_ARRAY(work->arena, struct conclusion, claimed);
  for (size_t i = 0; i < claimed; i++) plan(charger, work, &situations[i], &conclusions[i]);
  bool has_unasked = room - slots_in(charger, SLOT_FREE) < claimed;
  charger->is_more_due = charger->is_more_due || has_unasked;
  TRY(conclusions_record(work, situations, conclusions, claimed, err));
  if (!clock) TRY(clocks_due(work, "charge", ret_clocks, ret_clock_count, err));
  return work_commit(work, err);
}

static enum rc claim_by_each_clock(struct charger *charger, struct work *work, struct error *err) {
  struct clock clocks[CLOCKS_MAX];
  size_t count = 0;
  TRY(claim_in_transaction(charger, work, NULL, clocks, &count, err));
  for (size_t i = 0; i < count; i++) TRY(claim_in_transaction(charger, work, &clocks[i], NULL, NULL, err));
  return RC_OK;
}

static enum rc claim(struct charger *charger, struct work *work, struct error *err) {
  bool is_time = !charger->has_claimed || charger->is_more_due || mono_ms_since(charger->claimed_at) >= CLAIM_EVERY_MS;
  if (slots_in(charger, SLOT_FREE) == 0 || !is_time) return RC_OK;
  charger->is_more_due = false;
  enum rc rc = claim_by_each_clock(charger, work, err);
  if (rc != RC_OK) {
    slots_move(charger, SLOT_PLANNED, SLOT_FREE); /* if it did commit after all, the deadline brings them back */
    return rc;
  }
  charger->has_claimed = true;
  charger->claimed_at = mono_now();
  return RC_OK;
}

/* -- (b) -- */

static void ask_planned(struct charger *charger) {
  for (size_t i = 0; i < charger->capacity; i++) {
    struct slot *slot = &charger->slots[i];
    if (slot->state != SLOT_PLANNED) continue;
    slot->state = SLOT_ASKED;
    gateway_ask(charger->gateway, &slot->question, slot);
  }
}

/* The key has grown too old to be trusted, the charge was looked for and is not there: now it is safe to ask for it. */
static bool goes_on_to_charge(const struct slot *slot, const struct gateway_answer *answer) {
  return slot->question.ask == ASK_LOOK_UP && answer->outcome == ANSWER_ABSENT && slot->may_charge;
}

static void wait_for_answers(struct charger *charger) {
  struct gateway_result results[32];
  size_t count = gateway_wait(charger->gateway, WAIT_MS, results, sizeof results / sizeof results[0]);
  for (size_t i = 0; i < count; i++) {
    struct slot *slot = results[i].opaque;
    ASSERT(slot->state == SLOT_ASKED);
    slot->answer = results[i].answer;
    slot->state = SLOT_ANSWERED;
    if (!goes_on_to_charge(slot, &slot->answer)) continue;
    slot->question.ask = ASK_CHARGE;
    slot->state = SLOT_PLANNED;
  }
}

/* -- (c) -- */

static const struct gateway_answer *answer_for(const struct charger *charger, const struct payment *payment) {
  for (size_t i = 0; i < charger->capacity; i++) {
    const struct slot *slot = &charger->slots[i];
    if (slot->state == SLOT_ANSWERED && uuid_equal(&slot->ref.payment, &payment->id) &&
        uuid_equal(&slot->ref.tenant, &payment->tenant))
      return &slot->answer;
  }
  assert_failed("an answer for each attempt that was locked", __FILE__, __LINE__);
}

static void tally(const struct gateway_answer *answer) {
  char labels[64];
  (void)snprintf(labels, sizeof labels, "outcome=\"%s\"", answer_outcome_name(answer->outcome));
  metric_add("charge_answers_total", labels, 1);
}

/* One transaction for the answers of these slots, all of one clock, which are free afterwards. */
static enum rc record(struct charger *charger, struct work *work, struct slot *const *slots, size_t count,
                      struct error *err) {
  struct payment_ref *refs, *open_refs;
  struct situation *situations;
  size_t open = 0;
  TRY(work_begin(work, err));
  TRY(work_at_clock(work, &slots[0]->ref.tenant, &slots[0]->clock, err));
  refs = ARENA_ARRAY(work->arena, struct payment_ref, count);
  for (size_t i = 0; i < count; i++) refs[i] = slots[i]->ref;
  TRY(payments_lock_open(work, refs, count, &open_refs, &open, err));
  TRY(situations_load(work, open_refs, open, &situations, &open, err));
  struct conclusion *conclusions = ARENA_ARRAY(work->arena, struct conclusion, open);
  for (size_t i = 0; i < open; i++)
    conclusions[i] = conclude(&situations[i], answer_for(charger, &situations[i].payment), moment_of(work));
  TRY(conclusions_record(work, situations, conclusions, open, err));
  TRY(work_commit(work, err));
  charger->is_more_due = charger->is_more_due || open > 0;
  for (size_t i = 0; i < open; i++) tally(answer_for(charger, &situations[i].payment));
  for (size_t i = 0; i < count; i++) slots[i]->state = SLOT_FREE;
  return RC_OK;
}

static bool is_about_one_payment(enum rc rc) {
  enum verdict verdict = error_verdict(rc);
  return verdict == VERDICT_REJECT || verdict == VERDICT_POISON;
}

/* Something is wrong with one of the payments: the others must not wait for it. It is asked about again at its
 * deadline. */
static enum rc record_one_by_one(struct charger *charger, struct work *work, struct slot *const *slots, size_t count,
                                 struct error *err) {
  for (size_t i = 0; i < count; i++) {
    char id[UUID_TEXT_MAX];
    work_rollback(work);
    enum rc rc = record(charger, work, &slots[i], 1, err);
    if (rc == RC_OK) continue;
    if (!is_about_one_payment(rc)) return rc;
    LOG(LOG_ERROR, "payment.unrecorded", LOG_TEXT("payment", uuid_format(&slots[i]->ref.payment, id)),
        LOG_TEXT("code", error_name(rc)), LOG_TEXT("text", err->text));
    metric_add("payments_unrecorded_total", "", 1);
    slots[i]->state = SLOT_FREE;
  }
  work_rollback(work);
  return RC_OK;
}

static bool holds_payment(struct slot *const *slots, size_t count, const struct payment_ref *ref) {
  for (size_t i = 0; i < count; i++)
    if (uuid_equal(&slots[i]->ref.payment, &ref->payment) && uuid_equal(&slots[i]->ref.tenant, &ref->tenant))
      return true;
  return false;
}

/* A payment whose answer was later than its deadline may be in two slots. One answer is recorded; if that concludes
 * nothing, the payment is asked about again at its next deadline, with the same key. Those of one clock only. */
static size_t gather_answered(struct charger *charger, struct slot **slots) {
  size_t count = 0;
  for (size_t i = 0; i < charger->capacity; i++) {
    struct slot *slot = &charger->slots[i];
    if (slot->state != SLOT_ANSWERED || (count > 0 && !uuid_equal(&slot->clock, &slots[0]->clock))) continue;
    if (holds_payment(slots, count, &slot->ref))
      slot->state = SLOT_FREE;
    else
      slots[count++] = slot;
  }
  return count;
}

static enum rc record_answers(struct charger *charger, struct work *work, struct error *err) {
  struct slot *slots[CONCURRENCY_MAX];
  size_t count;
  while ((count = gather_answered(charger, slots)) > 0) {
    enum rc rc = record(charger, work, slots, count, err);
    if (is_about_one_payment(rc)) rc = record_one_by_one(charger, work, slots, count, err);
    if (rc != RC_OK) return rc;
  }
  return RC_OK;
}

static bool is_idle(const struct charger *charger) {
  return slots_in(charger, SLOT_FREE) == charger->capacity;
}

static bool has_work(const struct charger *charger, bool is_stopping) {
  return !is_idle(charger) || (charger->is_more_due && !is_stopping);
}

/* Runs until nothing is due and nothing under way; when the process is to stop, until the answers are in or too late.
 */
enum rc task_charge(struct work *work, bool *ret_busy, struct error *err) {
  static struct charger charger; /* the task is one thread */
  struct mono stopping_since = {0};
  *ret_busy = false;
  TRY(charger_open(&charger, err));
  charger.is_more_due = true; /* the pause is over, or a batch may have opened payments */
  do {
    bool is_stopping = work_is_stopping(work);
    if (is_stopping && !stopping_since.ns) stopping_since = mono_now();
    TRY(record_answers(&charger, work, err));
    if (!is_stopping) TRY(claim(&charger, work, err));
    ask_planned(&charger);
    if (!is_idle(&charger)) wait_for_answers(&charger);
    metric_set("charges_under_way", "", (int64_t)slots_in(&charger, SLOT_ASKED));
  } while (has_work(&charger, work_is_stopping(work)) &&
           (!stopping_since.ns || mono_ms_since(stopping_since) < DRAIN_MS));
  if (work_is_stopping(work)) charger_close(&charger);
  return RC_OK;
}
