/* What the gateway can be asked, as plain values: Stripe's HTTP API, form-encoded, in a pinned version.
 *
 * Amounts go as minor units by ISO 4217's exponent (BILL-001), as they are stored: 9900 for USD 99.00, 500 for JPY 500,
 * 12340 for KWD 12.340. Where Stripe counts otherwise (ISK and UGX in hundredths, MGA in whole ariary), or takes no
 * amount between two steps (three decimals end in 0), a table in question.c says so.
 *
 * No personal datum is sent: the gateway's customer is known by our ids alone. */
#ifndef PAYMENTS_QUESTION_H
#define PAYMENTS_QUESTION_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/time.h"
#include "base/uuid.h"

#define GATEWAY_API_VERSION "2022-11-15"

/* question, its name in metrics, verb, the type of object that answers it, may it change something */
#define GATEWAY_QUESTIONS(X)                                     \
  X(ASK_CUSTOMER, "create_customer", "POST", "customer", true)   \
  X(ASK_METHOD, "create_method", "POST", "payment_method", true) \
  X(ASK_ATTACH, "attach_method", "POST", "payment_method", true) \
  X(ASK_CHARGE, "charge", "POST", "payment_intent", true)        \
  X(ASK_INTENT, "fetch_intent", "GET", "payment_intent", false)  \
  X(ASK_LOOK_UP, "look_up_intent", "GET", "list", false)

enum gateway_ask {
#define X(ask, name, verb, object, changes) ask,
  GATEWAY_QUESTIONS(X)
#undef X
};

const char *gateway_ask_name(enum gateway_ask ask);
const char *gateway_ask_verb(enum gateway_ask ask);
const char *gateway_ask_object(enum gateway_ask ask);
bool gateway_ask_changes(enum gateway_ask ask);

/* Stripe's ids have up to 255 characters. */
enum { GATEWAY_ID_MAX = 256, GATEWAY_KEY_MAX = 96, GATEWAY_REQUEST_MAX = 4096 };

/* One question. Which members matter depends on `ask`; it holds no pointers, so that it outlives the arena of the
 * transaction that made it. */
struct gateway_question {
  enum gateway_ask ask;
  char key[GATEWAY_KEY_MAX]; /* Idempotency-Key of a question that changes something */
  struct uuid tenant, customer, invoice, payment;
  int attempt;
  char token[GATEWAY_ID_MAX];       /* ASK_METHOD: what the client gave instead of a card's number */
  char method_id[GATEWAY_ID_MAX];   /* ASK_ATTACH, ASK_CHARGE */
  char customer_id[GATEWAY_ID_MAX]; /* ASK_ATTACH, ASK_CHARGE, ASK_LOOK_UP */
  char intent_id[GATEWAY_ID_MAX];   /* ASK_INTENT */
  int64_t amount_minor;
  char currency[4];
  struct utime since; /* ASK_LOOK_UP: the intent is not much older */
};

/* The path with its query ("/v1/payment_intents"), and the form of a POST; both appended. Ids are percent-encoded. */
void question_write(const struct gateway_question *question, struct buf *path, struct buf *form);

/* The least that the gateway can charge to collect all of this: up to the currency's next step. What is too much
 * becomes the customer's credit (BILL-072); rounding down would leave invoices open for ever over a few fils. */
int64_t question_chargeable(const char *currency, int64_t amount_minor);

/* Is this, in the gateway's units, the amount that was asked for? */
bool question_is_of_amount(const struct gateway_question *question, int64_t gateway_amount);

/* Keys are derived from what is asked for, so that whoever asks again asks with the same one (BILL-080). */
void question_key_charge(struct gateway_question *question);
void question_key_customer(struct gateway_question *question);
void question_key_method(struct gateway_question *question, const struct uuid *payment_method);
void question_key_attach(struct gateway_question *question, const struct uuid *payment_method);

#endif
