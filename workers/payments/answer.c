/* The gateway's answers. Two tables decide: an intent's status, and an error's {HTTP status, type, code}; the rest is
 * picking members out of JSON that somebody else wrote, where nothing is taken for granted. */
#include "answer.h"

#include <ctype.h>
#include <jansson.h>
#include <string.h>

#include "base/assert.h"
#include "base/text.h"

enum { CLOCK_DIFFERENCE_MAX_S = 3600 };

static const char *const OUTCOME_NAMES[] = {
#define X(outcome, name) [outcome] = name,
    ANSWER_OUTCOMES(X)
#undef X
};

const char *answer_outcome_name(enum answer_outcome outcome) {
  return OUTCOME_NAMES[outcome];
}

struct status_row {
  const char *status;
  enum answer_outcome outcome;
};

/* A payment intent that was confirmed when it was made. One that waits for confirmation or capture is not ours. */
static const struct status_row INTENT_STATUSES[] = {
    {"succeeded", ANSWER_DONE},         {"processing", ANSWER_PROCESSING},
    {"requires_action", ANSWER_ACTION}, {"requires_payment_method", ANSWER_DECLINED},
    {"canceled", ANSWER_REFUSED},
};

struct error_row {
  long http_status; /* 0: any */
  const char *type; /* NULL: any */
  const char *code;
  enum answer_outcome outcome;
};

/* The first row that fits. What fits none is unknown: all of 5xx, redirections, whatever a proxy made up. */
static const struct error_row ERRORS[] = {
    {0, "idempotency_error", NULL, ANSWER_UNKNOWN}, /* the key was used for other parameters: what became of those? */
    {0, NULL, "idempotency_key_in_use", ANSWER_UNKNOWN},
    {409, NULL, NULL, ANSWER_UNKNOWN}, /* the first request with this key is still at work */
    {0, "card_error", NULL, ANSWER_DECLINED},
    {402, NULL, NULL, ANSWER_DECLINED},
    {429, NULL, NULL, ANSWER_NOT_ASKED},
    {0, NULL, "lock_timeout", ANSWER_NOT_ASKED},
    {401, NULL, NULL, ANSWER_NOT_ASKED}, /* our setting is wrong, not the customer's card */
    {403, NULL, NULL, ANSWER_NOT_ASKED},
    {400, "invalid_request_error", NULL, ANSWER_REFUSED},
    {404, "invalid_request_error", NULL, ANSWER_REFUSED},
};

static const char *member(const json_t *object, const char *name) {
  return json_string_value(json_object_get(object, name));
}

static void copy(char *target, size_t size, const char *text) {
  text_copy_cut(target, size, text ? text : "");
}
#define COPY(target, text) copy((target), sizeof(target), (text))

/* False for an id that is missing or longer than ids are. */
static bool copy_id(char target[static GATEWAY_ID_MAX], const char *text) {
  if (!text || !*text || strlen(text) >= GATEWAY_ID_MAX) return false;
  copy(target, GATEWAY_ID_MAX, text);
  return true;
}

/* A reference to another object: its id, or the object itself when the gateway was so kind as to expand it. */
static const char *reference(const json_t *object, const char *name) {
  const json_t *value = json_object_get(object, name);
  return json_is_object(value) ? member(value, "id") : json_string_value(value);
}

static void unclear(struct gateway_answer *answer, const char *code, const char *message) {
  answer->outcome = ANSWER_UNKNOWN;
  COPY(answer->code, code);
  COPY(answer->message, message);
}

/* Members that an error and an intent's last_payment_error share. */
static void read_error_members(const json_t *error, struct gateway_answer *answer) {
  const char *code = member(error, "decline_code");
  if (!code) code = member(error, "code");
  if (!code) code = member(error, "type");
  COPY(answer->code, code ? code : "declined");
  COPY(answer->message, member(error, "message"));
}

static bool same_currency(const char *ours, const char *theirs) {
  if (!theirs || strlen(theirs) != 3) return false;
  for (int i = 0; i < 3; i++)
    if (toupper((unsigned char)theirs[i]) != ours[i]) return false;
  return true;
}

/* An intent is believed only when it is of the amount that was asked for. */
static bool is_of_our_amount(const json_t *intent, const struct gateway_question *question) {
  return question_is_of_amount(question, json_integer_value(json_object_get(intent, "amount"))) &&
         same_currency(question->currency, member(intent, "currency"));
}

static void read_intent(const json_t *intent, const struct gateway_question *question, struct gateway_answer *answer) {
  if (!copy_id(answer->id, member(intent, "id"))) {
    unclear(answer, "unreadable", "a payment intent without an id");
    return;
  }
  if (!is_of_our_amount(intent, question)) {
    unclear(answer, "amount_mismatch", "the gateway's payment intent is of another amount");
    return;
  }
  copy_id(answer->charge_id, reference(intent, "latest_charge"));
  const char *status = member(intent, "status");
  for (size_t i = 0; status && i < sizeof INTENT_STATUSES / sizeof INTENT_STATUSES[0]; i++) {
    if (strcmp(INTENT_STATUSES[i].status, status) != 0) continue;
    answer->outcome = INTENT_STATUSES[i].outcome;
    if (answer->outcome == ANSWER_ACTION) COPY(answer->code, "authentication_required");
    if (answer->outcome == ANSWER_REFUSED) COPY(answer->code, status);
    if (answer->outcome == ANSWER_DECLINED) read_error_members(json_object_get(intent, "last_payment_error"), answer);
    return;
  }
  unclear(answer, "unreadable", "a payment intent in a state of its own");
}

static bool is_ours(const json_t *intent, const struct gateway_question *question) {
  const json_t *metadata = json_object_get(intent, "metadata");
  char payment[UUID_TEXT_MAX], attempt[16];
  (void)snprintf(attempt, sizeof attempt, "%d", question->attempt);
  const char *their_payment = member(metadata, "payment_id"), *their_attempt = member(metadata, "attempt");
  return their_payment && their_attempt && strcmp(their_payment, uuid_format(&question->payment, payment)) == 0 &&
         strcmp(their_attempt, attempt) == 0;
}

/* Is the list long enough to hold all that could be ours? It is ordered by time, newest first; clocks may differ. */
static bool reaches_back(const json_t *list, const json_t *intents, const struct gateway_question *question) {
  const json_t *oldest = json_array_get(intents, json_array_size(intents) - 1);
  const json_t *created = json_object_get(oldest, "created");
  if (json_is_false(json_object_get(list, "has_more"))) return true;
  return json_is_integer(created) &&
         json_integer_value(created) < question->since.us / UTIME_SECOND - CLOCK_DIFFERENCE_MAX_S;
}

/* The intent of this very attempt among a customer's. */
static void read_list(const json_t *list, const struct gateway_question *question, struct gateway_answer *answer) {
  const json_t *intents = json_object_get(list, "data");
  size_t index;
  json_t *intent;
  if (!json_is_array(intents)) {
    unclear(answer, "unreadable", "a list without data");
    return;
  }
  json_array_foreach(intents, index, intent) {
    if (is_ours(intent, question)) {
      read_intent(intent, question, answer);
      return;
    }
  }
  if (reaches_back(list, intents, question))
    answer->outcome = ANSWER_ABSENT;
  else
    unclear(answer, "list_too_long", "the customer has more payment intents than one page");
}

static bool four_digits(const char *text) {
  return text && strlen(text) == 4 && strspn(text, "0123456789") == 4;
}

static int within(const json_t *value, int least, int most) {
  json_int_t n = json_integer_value(value);
  return n >= least && n <= most ? (int)n : 0;
}

static void read_method(const json_t *method, struct gateway_answer *answer) {
  const char *type = member(method, "type");
  const json_t *card = json_object_get(method, type ? type : "card");
  const char *last4 = member(card, "last4");
  COPY(answer->type, type ? type : "card");
  COPY(answer->brand, member(card, "brand"));
  if (four_digits(last4)) COPY(answer->last4, last4);
  answer->expiry_month = within(json_object_get(card, "exp_month"), 1, 12);
  answer->expiry_year = within(json_object_get(card, "exp_year"), 2000, 9999);
}

static void read_object(const json_t *object, const struct gateway_question *question, struct gateway_answer *answer) {
  const char *kind = member(object, "object");
  if (!kind || strcmp(kind, gateway_ask_object(question->ask)) != 0) {
    unclear(answer, "unreadable", "the gateway answered with something else");
    return;
  }
  switch (question->ask) {
  case ASK_CHARGE:
  case ASK_INTENT: read_intent(object, question, answer); return;
  case ASK_LOOK_UP: read_list(object, question, answer); return;
  case ASK_CUSTOMER:
  case ASK_METHOD:
  case ASK_ATTACH: break;
  }
  if (!copy_id(answer->id, member(object, "id"))) {
    unclear(answer, "unreadable", "an object without an id");
    return;
  }
  answer->outcome = ANSWER_DONE;
  if (question->ask != ASK_CUSTOMER) read_method(object, answer);
}

static bool fits(const char *wanted, const char *found) {
  return !wanted || (found && strcmp(wanted, found) == 0);
}

static enum answer_outcome error_outcome(long http_status, const char *type, const char *code) {
  for (size_t i = 0; i < sizeof ERRORS / sizeof ERRORS[0]; i++) {
    const struct error_row *row = &ERRORS[i];
    if ((row->http_status == 0 || row->http_status == http_status) && fits(row->type, type) && fits(row->code, code))
      return row->outcome;
  }
  return ANSWER_UNKNOWN;
}

/* Parameters that speak of the payment method: another one may do better. */
static bool is_about_method(const struct gateway_question *question, const json_t *error) {
  const char *param = member(error, "param"), *code = member(error, "code");
  if (question->ask == ASK_METHOD || question->ask == ASK_ATTACH) return true;
  return (param && strcmp(param, "payment_method") == 0) || (code && strncmp(code, "payment_method_", 15) == 0);
}

static void read_error(const json_t *error, const struct gateway_question *question, long http_status,
                       struct gateway_answer *answer) {
  const json_t *intent = json_object_get(error, "payment_intent");
  read_error_members(error, answer);
  copy_id(answer->id, member(intent, "id"));
  if (!copy_id(answer->charge_id, member(error, "charge")))
    copy_id(answer->charge_id, reference(intent, "latest_charge"));
  answer->outcome = error_outcome(http_status, member(error, "type"), member(error, "code"));
  answer->is_about_method = answer->outcome == ANSWER_REFUSED && is_about_method(question, error);
  /* Who only looks cannot be refused: what was looked for is as unknown as before. */
  if (!gateway_ask_changes(question->ask) && answer->outcome != ANSWER_NOT_ASKED) answer->outcome = ANSWER_UNKNOWN;
}

static void read_arrived(const struct gateway_question *question, const struct gateway_reply *reply,
                         struct gateway_answer *answer) {
  json_t *json = json_loadb(reply->body ? reply->body : "", reply->length, 0, NULL);
  const json_t *error = json_object_get(json, "error");
  if (json_is_object(error))
    read_error(error, question, reply->http_status, answer);
  else if (json_is_object(json) && reply->http_status >= 200 && reply->http_status < 300)
    read_object(json, question, answer);
  else if (reply->http_status == 429)
    answer->outcome = ANSWER_NOT_ASKED; /* a proxy's: whatever it wrote */
  else
    unclear(answer, "unreadable", "the gateway's answer cannot be read");
  json_decref(json);
  if (answer->outcome == ANSWER_NOT_ASKED && !*answer->code) COPY(answer->code, "rate_limited");
}

void answer_read(const struct gateway_question *question, const struct gateway_reply *reply,
                 struct gateway_answer *ret_answer) {
  *ret_answer = (struct gateway_answer){.outcome = ANSWER_UNKNOWN};
  int64_t wait_s = reply->retry_after_s < 0 ? 0 : reply->retry_after_s;
  ret_answer->retry_after_ms = 1000 * (wait_s > RETRY_AFTER_MAX_S ? RETRY_AFTER_MAX_S : wait_s);
  switch (reply->fate) {
  case REPLY_ARRIVED: read_arrived(question, reply, ret_answer); return;
  case REPLY_LOST: unclear(ret_answer, "no_answer", reply->trouble); return;
  case REPLY_NOT_SENT:
    unclear(ret_answer, "unreachable", reply->trouble);
    ret_answer->outcome = ANSWER_NOT_ASKED;
    return;
  }
}
