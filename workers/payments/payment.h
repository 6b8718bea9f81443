/* A payment and all that is needed to decide about it, as values: read by rows.c, decided on by decision.c, written by
 * record.c. Texts live in the work's arena. A time of 0 µs is none, so is the nil uuid. */
#ifndef PAYMENTS_PAYMENT_H
#define PAYMENTS_PAYMENT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/time.h"
#include "base/uuid.h"

/* BILL-080; as stored. */
#define PAYMENT_STATUSES(X)                     \
  X(PAYMENT_PENDING, "pending")                 \
  X(PAYMENT_PROCESSING, "processing")           \
  X(PAYMENT_UNKNOWN, "unknown")                 \
  X(PAYMENT_REQUIRES_ACTION, "requires_action") \
  X(PAYMENT_SUCCEEDED, "succeeded")             \
  X(PAYMENT_FAILED, "failed")                   \
  X(PAYMENT_CANCELLED, "cancelled")             \
  X(PAYMENT_REFUNDED, "refunded")

enum payment_status {
#define X(status, name) status,
  PAYMENT_STATUSES(X)
#undef X
};

const char *payment_status_name(enum payment_status status);
bool payment_status_from_name(const char *name, enum payment_status *ret_status);

/* The same moment by two clocks: the customer's, by which it is dunned, and the gateway's, which is the real one. They
 * differ for customers on test clocks. */
struct moment {
  struct utime now, real;
};

struct payment {
  struct uuid tenant, id, customer, invoice;
  char currency[4];
  int64_t amount_minor;
  enum payment_status status;
  struct uuid method;
  int attempts, cycle, cycle_attempts;
  struct utime first_failure, next_attempt;
  const char *intent_id, *failure_code, *failure_message, *decline_class;
  struct uuid dead_letter;
  struct utime succeeded;
  int64_t version;
  struct uuid clock; /* the customer's test clock */
};

/* A payment method as far as charging needs it. */
struct method {
  struct uuid id;
  const char *type, *gateway_id;
  const char *barred_code; /* never charge it again (BILL-081) */
};

/* What the gateway was asked, and with what end. The end is open until `finished` is set. */
struct attempt {
  int number, cycle;
  struct method method;
  int64_t amount_minor;
  const char *key;
  struct utime started, finished; /* in the customer's time */
  struct utime sent, asked_at;    /* in the gateway's; asked_at: the last time that could have made the charge */
  int asked;
  const char *outcome, *code, *message, *intent_id, *charge_id;
};

struct situation {
  struct payment payment;
  bool is_collectable; /* the invoice is open, or given up and still owed */
  bool is_given_up;    /* it is uncollectible: charged when somebody says so, never by the schedule */
  int64_t due_minor;
  bool has_method;
  struct method method; /* the customer's default now, known to the gateway */
  int method_attempts;  /* of this payment with that method within DUNNING_WINDOW_DAYS */
  const char *gateway_customer_id;
  bool has_attempt;
  struct attempt attempt; /* the open one */
};

#endif
