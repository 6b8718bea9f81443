/* Setting up payment methods: the gateway's customer is made if there is none yet, the token is made a method of it,
 * and then all follows in one transaction: the method is active, perhaps the default, whoever waits for the command
 * gets the answer, and payments of this customer that waited or had failed begin anew (BILL-081).
 *
 * It works like a charge (see charge.c): claimed with a deadline, asked outside of transactions with keys derived from
 * ids, recorded once. If the gateway is away the method stays pending, and so does the operation, until it is there
 * again. */
#include <string.h>

#include "base/assert.h"
#include "base/json_text.h"
#include "base/log.h"
#include "decision.h"
#include "gateway.h"
#include "handlers.h"
#include "resume.h"
#include "rows.h"
#include "settings.h"
#include "sql.h"
#include "token.h"

enum { SETUPS_MAX = 16, QUESTIONS_PER_SETUP = 3, WAIT_MS = 20, DRAIN_MS = 5000, EVENT_BYTES_MAX = 4096 };

enum setup_state { SETUP_FREE, SETUP_PLANNED, SETUP_ASKED, SETUP_ANSWERED };

struct setup {
  enum setup_state state;
  struct uuid tenant, id, customer;
  int attempts;
  char token[TOKEN_MAX + 1];
  char customer_id[GATEWAY_ID_MAX]; /* the gateway's; "" while not known */
  char method_id[GATEWAY_ID_MAX];   /* what is to be attached; "" while the token is not one */
  struct gateway_question question;
  struct gateway_answer answer; /* the last one */
};

struct desk {
  struct gateway *gateway;
  struct setup setups[SETUPS_MAX];
};

static enum rc desk_open(struct desk *desk, struct error *err) {
  struct gateway_options options = {.url = payments_settings.gateway_url,
                                    .secret_key = payments_settings.gateway_secret_key,
                                    .timeout_ms = payments_settings.gateway_timeout_ms,
                                    .concurrency = SETUPS_MAX};
  return desk->gateway ? RC_OK : gateway_new(&options, &desk->gateway, err);
}

static size_t setups_in(const struct desk *desk, enum setup_state state) {
  size_t count = 0;
  for (size_t i = 0; i < SETUPS_MAX; i++) count += desk->setups[i].state == state;
  return count;
}

/* -- (a) claim -- */

static void read_setup(struct setup *setup, const PGresult *rows, int row) {
  const char *token = row_text(rows, row, 3), *customer_id = row_text(rows, row, 5);
  *setup = (struct setup){.state = SETUP_PLANNED,
                          .tenant = row_uuid(rows, row, 0),
                          .id = row_uuid(rows, row, 1),
                          .customer = row_uuid(rows, row, 2),
                          .attempts = (int)row_int(rows, row, 4)};
  (void)snprintf(setup->token, sizeof setup->token, "%s", token);
  (void)snprintf(setup->customer_id, sizeof setup->customer_id, "%s", customer_id ? customer_id : "");
  (void)snprintf(setup->method_id, sizeof setup->method_id, "%s", token_is_method(token) ? token : "");
}

static enum rc claim(struct desk *desk, struct work *work, struct error *err) {
  size_t room = setups_in(desk, SETUP_FREE);
  int64_t deadline_ms =
      payments_settings.attempt_deadline_ms + (QUESTIONS_PER_SETUP - 1) * payments_settings.gateway_timeout_ms;
  PGresult CLEANUP(db_result_release) *rows = NULL;
  if (room == 0) return RC_OK;
  TRY(work_begin(work, err));
  TRY(tx_exec(work->tx, &sql_setups_claim,
              PARAMS(db_utime(work->arena, work->real_now), db_int(work->arena, (int64_t)room),
                     db_utime(work->arena, utime_add_ms(work->real_now, deadline_ms))),
              &rows, err));
  TRY(work_commit(work, err));
  for (int row = 0, i = 0; row < row_count(rows); i++)
    if (desk->setups[i].state == SETUP_FREE) read_setup(&desk->setups[i], rows, row++);
  return RC_OK;
}

/* -- (b) ask: customer, method, attach; what is there already is left out -- */

static void next_question(struct setup *setup) {
  struct gateway_question *question = &setup->question;
  *question = (struct gateway_question){.tenant = setup->tenant, .customer = setup->customer};
  memcpy(question->token, setup->token, sizeof setup->token);
  memcpy(question->customer_id, setup->customer_id, sizeof question->customer_id);
  memcpy(question->method_id, setup->method_id, sizeof question->method_id);
  if (!*setup->customer_id) {
    question->ask = ASK_CUSTOMER;
    question_key_customer(question);
  } else if (!*setup->method_id) {
    question->ask = ASK_METHOD;
    question_key_method(question, &setup->id);
  } else {
    question->ask = ASK_ATTACH;
    question_key_attach(question, &setup->id);
  }
}

static void ask_planned(struct desk *desk) {
  for (size_t i = 0; i < SETUPS_MAX; i++) {
    struct setup *setup = &desk->setups[i];
    if (setup->state != SETUP_PLANNED) continue;
    setup->state = SETUP_ASKED;
    next_question(setup);
    gateway_ask(desk->gateway, &setup->question, setup);
  }
}

static void take_answer(struct setup *setup, const struct gateway_answer *answer) {
  char *learnt = setup->question.ask == ASK_CUSTOMER ? setup->customer_id : setup->method_id;
  setup->answer = *answer;
  setup->state = SETUP_ANSWERED;
  if (answer->outcome != ANSWER_DONE) return;
  memcpy(learnt, answer->id, GATEWAY_ID_MAX);
  if (setup->question.ask != ASK_ATTACH) setup->state = SETUP_PLANNED;
}

static void wait_for_answers(struct desk *desk) {
  struct gateway_result results[SETUPS_MAX];
  size_t count = gateway_wait(desk->gateway, WAIT_MS, results, SETUPS_MAX);
  for (size_t i = 0; i < count; i++) take_answer(results[i].opaque, &results[i].answer);
}

/* -- (c) record -- */

/* The row as the transaction finds it. */
struct found {
  struct uuid command; /* nil: nobody waits */
  bool wants_default;
};

static enum rc lock_customer(struct work *work, const struct setup *setup, struct error *err) {
  return tx_exec(work->tx, &sql_setup_lock_customer,
                 PARAMS(db_uuid(work->arena, &setup->tenant), db_uuid(work->arena, &setup->customer)), NULL, err);
}

/* Even of a method that was refused: the customer is there, and the next method finds it. */
static enum rc keep_customer(struct work *work, const struct setup *setup, struct error *err) {
  if (!*setup->customer_id) return RC_OK;
  return tx_exec(work->tx, &sql_gateway_customer_insert,
                 PARAMS(db_uuid(work->arena, &setup->tenant), db_uuid(work->arena, &setup->customer),
                        setup->customer_id, db_utime(work->arena, work->now)),
                 NULL, err);
}

/* Locks the customer's payments, so that none is concluded meanwhile without seeing the new method. */
static enum rc lock_payments(struct work *work, const struct setup *setup, struct payment_ref **ret_refs,
                             size_t *ret_count, struct error *err) {
  PGresult CLEANUP(db_result_release) *rows = NULL;
  TRY(tx_exec(work->tx, &sql_setup_lock_payments,
              PARAMS(db_uuid(work->arena, &setup->tenant), db_uuid(work->arena, &setup->customer)), &rows, err));
  size_t count = (size_t)row_count(rows);
  struct payment_ref *refs = ARENA_ARRAY(work->arena, struct payment_ref, count);
  for (size_t i = 0; i < count; i++)
    refs[i] = (struct payment_ref){.tenant = setup->tenant, .payment = row_uuid(rows, (int)i, 0)};
  *ret_refs = refs;
  *ret_count = count;
  return RC_OK;
}

/* Before payments, though methods come after them: one that is pending is nobody's but this task's. */
static enum rc lock_method(struct work *work, const struct setup *setup, bool *ret_is_pending, struct found *ret_found,
                           struct error *err) {
  PGresult CLEANUP(db_result_release) *rows = NULL;
  TRY(tx_exec(work->tx, &sql_setup_lock_method,
              PARAMS(db_uuid(work->arena, &setup->tenant), db_uuid(work->arena, &setup->id)), &rows, err));
  *ret_is_pending = row_count(rows) == 1;
  if (!*ret_is_pending) return RC_OK;
  ret_found->command = row_is_null(rows, 0, 0) ? UUID_NIL : row_uuid(rows, 0, 0);
  ret_found->wants_default = row_bool(rows, 0, 1);
  return RC_OK;
}

/* Asked for, or needed: the customer has no other that could be charged. */
static enum rc becomes_default(struct work *work, const struct setup *setup, const struct found *found,
                               bool *ret_is_default, struct error *err) {
  PGresult CLEANUP(db_result_release) *rows = NULL;
  TRY(tx_exec(work->tx, &sql_method_usable_default,
              PARAMS(db_uuid(work->arena, &setup->tenant), db_uuid(work->arena, &setup->customer)), &rows, err));
  *ret_is_default = found->wants_default || row_count(rows) == 0;
  if (!*ret_is_default) return RC_OK;
  return tx_exec(work->tx, &sql_method_default_clear,
                 PARAMS(db_uuid(work->arena, &setup->tenant), db_uuid(work->arena, &setup->customer),
                        db_utime(work->arena, work->now)),
                 NULL, err);
}

static const char *text_or_null(const char *text) {
  return *text ? text : NULL;
}
static const char *int_or_null(struct arena *arena, int value) {
  return value ? db_int(arena, value) : NULL;
}

/* → version and resource */
static enum rc activate(struct work *work, const struct setup *setup, bool is_default, PGresult **ret_row,
                        struct error *err) {
  const struct gateway_answer *answer = &setup->answer;
  struct arena *arena = work->arena;
  TRY(tx_exec(work->tx, &sql_method_activate,
              PARAMS(db_uuid(arena, &setup->tenant), db_uuid(arena, &setup->id), answer->id, answer->type,
                     text_or_null(answer->brand), text_or_null(answer->last4), int_or_null(arena, answer->expiry_month),
                     int_or_null(arena, answer->expiry_year), db_bool(is_default), db_utime(arena, work->now)),
              NULL, err));
  return tx_exec(work->tx, &sql_method_resource, PARAMS(db_uuid(arena, &setup->tenant), db_uuid(arena, &setup->id)),
                 ret_row, err);
}

static void emit_created(struct work *work, const struct setup *setup, bool is_default, int64_t version) {
  struct buf CLEANUP(buf_release) text;
  struct json_writer json;
  const char *id = db_uuid(work->arena, &setup->id), *customer = db_uuid(work->arena, &setup->customer);
  buf_init(&text, EVENT_BYTES_MAX);
  json_writer_init(&json, &text);
  json_put_object(&json, NULL);
  json_put_string(&json, "paymentMethodId", id);
  json_put_string(&json, "customerId", customer);
  json_put_string(&json, "type", setup->answer.type);
  json_put_string(&json, "brand", text_or_null(setup->answer.brand));
  json_put_string(&json, "last4", text_or_null(setup->answer.last4));
  json_put_bool(&json, "isDefault", is_default);
  json_put_int(&json, "version", version);
  json_put_end(&json);
  ASSERT(buf_ok(&text));
  emit(work, &(struct emission){.type = "payment-method.created",
                                .id = UUID_DERIVE("payment-method.created", id),
                                .tenant = setup->tenant,
                                .subject = id,
                                .key = customer,
                                .json = buf_text(&text)});
}

/* BILL-081: a new payment method restarts at once what waits, or has failed. What is under way ends first; if it fails,
 * the decision there sees the new method (decision.c). */
static enum rc restart_payments(struct work *work, const struct payment_ref *refs, size_t count, struct error *err) {
  struct situation *situations;
  TRY(situations_load(work, refs, count, &situations, &count, err));
  return payments_resume(work, situations, count, false, err);
}

static enum rc record_active(struct work *work, const struct setup *setup, const struct found *found,
                             struct error *err) {
  struct payment_ref *refs;
  size_t count;
  bool is_default;
  PGresult CLEANUP(db_result_release) *row = NULL;
  TRY(lock_payments(work, setup, &refs, &count, err));
  TRY(becomes_default(work, setup, found, &is_default, err));
  TRY(activate(work, setup, is_default, &row, err));
  emit_created(work, setup, is_default, row_int(row, 0, 0));
  if (!uuid_is_nil(&found->command))
    complete(work, &setup->tenant, &found->command, 201, "payment-method", db_uuid(work->arena, &setup->id),
             row_text(row, 0, 1));
  return is_default ? restart_payments(work, refs, count, err) : RC_OK;
}

static void decline_details(const char *code, char *ret_details, size_t size) {
  struct buf CLEANUP(buf_release) text;
  struct json_writer json;
  buf_init(&text, ERROR_DETAILS_MAX - 1);
  json_writer_init(&json, &text);
  json_put_object(&json, NULL);
  json_put_string(&json, "declineCode", code);
  json_put_end(&json);
  (void)snprintf(ret_details, size, "%s", buf_text(&text));
}

static void explain(const struct gateway_answer *answer, struct error *ret_error) {
  const char *message = *answer->message ? answer->message : answer->code;
  if (answer->outcome == ANSWER_REFUSED) {
    error_field(ret_error, RC_VALIDATION, "token", "the gateway does not accept it: %s", message);
    return;
  }
  error_set(ret_error, RC_PAYMENT_DECLINED, "%s", message);
  decline_details(answer->code, ret_error->details, sizeof ret_error->details);
}

static enum rc record_refused(struct work *work, const struct setup *setup, const struct found *found,
                              struct error *err) {
  struct error why = {0};
  explain(&setup->answer, &why);
  if (!uuid_is_nil(&found->command)) complete_rejected(work, &setup->tenant, &found->command, &why);
  return tx_exec(
      work->tx, &sql_method_refuse,
      PARAMS(db_uuid(work->arena, &setup->tenant), db_uuid(work->arena, &setup->id), db_utime(work->arena, work->now)),
      NULL, err);
}

static enum rc record_postponed(struct work *work, const struct setup *setup, struct error *err) {
  int64_t wait_ms = backoff_ms(setup->attempts);
  if (setup->answer.retry_after_ms > wait_ms) wait_ms = setup->answer.retry_after_ms;
  return tx_exec(work->tx, &sql_method_postpone,
                 PARAMS(db_uuid(work->arena, &setup->tenant), db_uuid(work->arena, &setup->id),
                        db_utime(work->arena, utime_add_ms(work->real_now, wait_ms))),
                 NULL, err);
}

static enum rc record_outcome(struct work *work, const struct setup *setup, const struct found *found,
                              struct error *err) {
  switch (setup->answer.outcome) {
  case ANSWER_DONE: return record_active(work, setup, found, err);
  case ANSWER_DECLINED:
  case ANSWER_ACTION:
  case ANSWER_REFUSED: return record_refused(work, setup, found, err);
  case ANSWER_PROCESSING:
  case ANSWER_ABSENT:
  case ANSWER_NOT_ASKED:
  case ANSWER_UNKNOWN: return record_postponed(work, setup, err);
  }
  assert_failed("an answer's outcome", __FILE__, __LINE__);
}

static enum rc record(struct work *work, const struct setup *setup, struct error *err) {
  struct found found;
  bool is_pending;
  TRY(work_begin(work, err));
  TRY(work_at_customer(work, &setup->tenant, &setup->customer, err));
  TRY(lock_customer(work, setup, err));
  TRY(keep_customer(work, setup, err));
  TRY(lock_method(work, setup, &is_pending, &found, err));
  if (is_pending) TRY(record_outcome(work, setup, &found, err));
  return work_commit(work, err);
}

static bool is_about_one_method(enum rc rc) {
  enum verdict verdict = error_verdict(rc);
  return verdict == VERDICT_REJECT || verdict == VERDICT_POISON;
}

/* Something is wrong with one of the methods: the others must not wait for it. Its deadline brings it back. */
static void leave_unrecorded(struct work *work, const struct setup *setup, const struct error *why) {
  char id[UUID_TEXT_MAX];
  work_rollback(work);
  LOG(LOG_ERROR, "payment_method.unrecorded", LOG_TEXT("payment_method", uuid_format(&setup->id, id)),
      LOG_TEXT("code", error_name(why->code)), LOG_TEXT("text", why->text));
  metric_add("payment_methods_unrecorded_total", "", 1);
}

static enum rc record_answers(struct desk *desk, struct work *work, struct error *err) {
  for (size_t i = 0; i < SETUPS_MAX; i++) {
    struct setup *setup = &desk->setups[i];
    if (setup->state != SETUP_ANSWERED) continue;
    enum rc rc = record(work, setup, err);
    if (is_about_one_method(rc))
      leave_unrecorded(work, setup, err);
    else if (rc != RC_OK)
      return rc;
    setup->state = SETUP_FREE;
  }
  return RC_OK;
}

enum rc task_setup(struct work *work, bool *ret_busy, struct error *err) {
  static struct desk desk; /* the task is one thread */
  struct mono stopping_since = {0};
  *ret_busy = false;
  TRY(desk_open(&desk, err));
  do {
    bool is_stopping = work_is_stopping(work);
    if (is_stopping && !stopping_since.ns) stopping_since = mono_now();
    TRY(record_answers(&desk, work, err));
    if (!is_stopping) TRY(claim(&desk, work, err));
    ask_planned(&desk);
    wait_for_answers(&desk);
  } while (setups_in(&desk, SETUP_FREE) < SETUPS_MAX &&
           (!stopping_since.ns || mono_ms_since(stopping_since) < DRAIN_MS));
  return RC_OK;
}
