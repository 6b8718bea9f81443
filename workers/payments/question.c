/* Questions as HTTP requests: the table of what exists, and the forms. */
#include "question.h"

#include <ctype.h>
#include <string.h>

#include "base/assert.h"
#include "base/money.h"

static const struct {
  const char *name, *verb, *object;
  bool changes;
} QUESTIONS[] = {
#define X(ask, name, verb, object, changes) [ask] = {name, verb, object, changes},
    GATEWAY_QUESTIONS(X)
#undef X
};

const char *gateway_ask_name(enum gateway_ask ask) {
  return QUESTIONS[ask].name;
}
const char *gateway_ask_verb(enum gateway_ask ask) {
  return QUESTIONS[ask].verb;
}
const char *gateway_ask_object(enum gateway_ask ask) {
  return QUESTIONS[ask].object;
}
bool gateway_ask_changes(enum gateway_ask ask) {
  return QUESTIONS[ask].changes;
}

static void percent_encode(struct buf *out, const char *text) {
  for (; *text; text++) {
    unsigned char c = (unsigned char)*text;
    if (c < 0x80 && (isalnum(c) || c == '-' || c == '_' || c == '.'))
      buf_char(out, (char)c);
    else
      buf_printf(out, "%%%02X", c);
  }
}

/* Names are ours and may hold brackets, which a form allows as they are. */
static void form_text(struct buf *form, const char *name, const char *value) {
  if (form->length > 0) buf_char(form, '&');
  buf_text_append(form, name);
  buf_char(form, '=');
  percent_encode(form, value);
}

static void form_int(struct buf *form, const char *name, int64_t value) {
  char text[24];
  (void)snprintf(text, sizeof text, "%lld", (long long)value);
  form_text(form, name, text);
}

static void form_uuid(struct buf *form, const char *name, const struct uuid *id) {
  char text[UUID_TEXT_MAX];
  form_text(form, name, uuid_format(id, text));
}

static void form_currency(struct buf *form, const char *currency) {
  char lower[4] = {0};
  for (int i = 0; i < 3; i++) lower[i] = (char)tolower((unsigned char)currency[i]);
  form_text(form, "currency", lower);
}

/* Where the gateway's unit is not ISO 4217's minor unit: so many of the gateway's are so many of ours. And where it
 * takes multiples of a step (in ours) only. */
struct scale {
  char currency[4];
  int64_t theirs, ours, step;
};
static const struct scale SCALES[] = {
    {"ISK", 100, 1, 1}, {"UGX", 100, 1, 1}, {"MGA", 1, 100, 100}, {"BHD", 1, 1, 10}, {"IQD", 1, 1, 10},
    {"JOD", 1, 1, 10},  {"KWD", 1, 1, 10},  {"LYD", 1, 1, 10},    {"OMR", 1, 1, 10}, {"TND", 1, 1, 10},
};
static const struct scale SAME = {"", 1, 1, 1};

static const struct scale *scale_of(const char *currency) {
  for (size_t i = 0; i < sizeof SCALES / sizeof SCALES[0]; i++)
    if (strcmp(SCALES[i].currency, currency) == 0) return &SCALES[i];
  return &SAME;
}

int64_t question_chargeable(const char *currency, int64_t amount_minor) {
  int64_t step = scale_of(currency)->step;
  ASSERT(amount_minor > 0 && amount_minor <= MONEY_MAX);
  return (amount_minor + step - 1) / step * step;
}

/* An amount between two steps is written as it is: the gateway refuses it, and nothing else than what is stored is
 * charged. */
static void form_amount(struct buf *form, const struct gateway_question *question) {
  const struct scale *scale = scale_of(question->currency);
  int64_t scaled;
  bool overflow = __builtin_mul_overflow(question->amount_minor, scale->theirs, &scaled);
  ASSERT(question->amount_minor > 0 && !overflow);
  form_int(form, "amount", scaled / scale->ours);
  if (scaled % scale->ours != 0) buf_printf(form, ".%02d", (int)(scaled % scale->ours));
}

bool question_is_of_amount(const struct gateway_question *question, int64_t gateway_amount) {
  const struct scale *scale = scale_of(question->currency);
  int64_t asked, found;
  return !__builtin_mul_overflow(question->amount_minor, scale->theirs, &asked) &&
         !__builtin_mul_overflow(gateway_amount, scale->ours, &found) && asked == found;
}

static void charge_write(const struct gateway_question *question, struct buf *form) {
  form_amount(form, question);
  form_currency(form, question->currency);
  form_text(form, "customer", question->customer_id);
  form_text(form, "payment_method", question->method_id);
  form_text(form, "confirm", "true");
  form_text(form, "off_session", "true");
  form_uuid(form, "metadata[tenant_id]", &question->tenant);
  form_uuid(form, "metadata[invoice_id]", &question->invoice);
  form_uuid(form, "metadata[payment_id]", &question->payment);
  form_int(form, "metadata[attempt]", question->attempt);
}

/* The newest come first, so that the first page holds what is wanted, or shows that it is not there. */
static void look_up_write(const struct gateway_question *question, struct buf *path) {
  buf_text_append(path, "/v1/payment_intents?limit=100&customer=");
  percent_encode(path, question->customer_id);
}

void question_write(const struct gateway_question *question, struct buf *path, struct buf *form) {
  switch (question->ask) {
  case ASK_CUSTOMER:
    buf_text_append(path, "/v1/customers");
    form_uuid(form, "metadata[tenant_id]", &question->tenant);
    form_uuid(form, "metadata[customer_id]", &question->customer);
    return;
  case ASK_METHOD:
    buf_text_append(path, "/v1/payment_methods");
    form_text(form, "type", "card");
    form_text(form, "card[token]", question->token);
    return;
  case ASK_ATTACH:
    buf_text_append(path, "/v1/payment_methods/");
    percent_encode(path, question->method_id);
    buf_text_append(path, "/attach");
    form_text(form, "customer", question->customer_id);
    return;
  case ASK_CHARGE:
    buf_text_append(path, "/v1/payment_intents");
    charge_write(question, form);
    return;
  case ASK_INTENT:
    buf_text_append(path, "/v1/payment_intents/");
    percent_encode(path, question->intent_id);
    return;
  case ASK_LOOK_UP: look_up_write(question, path); return;
  }
}

static void key_of(struct gateway_question *question, const char *act, const struct uuid *id) {
  char text[UUID_TEXT_MAX];
  (void)snprintf(question->key, sizeof question->key, "%s-%s", act, uuid_format(id, text));
}

void question_key_charge(struct gateway_question *question) {
  char text[UUID_TEXT_MAX];
  ASSERT(question->attempt >= 1);
  (void)snprintf(question->key, sizeof question->key, "charge-%s-%d", uuid_format(&question->payment, text),
                 question->attempt);
}

void question_key_customer(struct gateway_question *question) {
  char tenant[UUID_TEXT_MAX], customer[UUID_TEXT_MAX];
  (void)snprintf(question->key, sizeof question->key, "customer-%s-%s", uuid_format(&question->tenant, tenant),
                 uuid_format(&question->customer, customer));
}

void question_key_method(struct gateway_question *question, const struct uuid *payment_method) {
  key_of(question, "method", payment_method);
}

void question_key_attach(struct gateway_question *question, const struct uuid *payment_method) {
  key_of(question, "attach", payment_method);
}
