/* What the gateway keeps. An object is found by its sequence within its kind, from 1; 0 means none. Its id says the
 * sequence: "pi_" + 16 characters of this state's own salt + 8 hexadecimal digits. Amounts are minor units. */
#ifndef GATEWAY_OBJECTS_H
#define GATEWAY_OBJECTS_H

#include <stdbool.h>
#include <stdint.h>

/* kind, id prefix, name in JSON and in the journal */
#define KINDS(X)                          \
  X(KIND_CUSTOMER, "cus_", "customer")    \
  X(KIND_METHOD, "pm_", "payment_method") \
  X(KIND_INTENT, "pi_", "payment_intent") \
  X(KIND_CHARGE, "ch_", "charge")         \
  X(KIND_REFUND, "re_", "refund")

enum kind {
#define X(id, prefix, name) id,
  KINDS(X)
#undef X
      KIND_COUNT
};

#define INTENT_STATUSES(X)                                 \
  X(INTENT_REQUIRES_METHOD, "requires_payment_method")     \
  X(INTENT_REQUIRES_CONFIRMATION, "requires_confirmation") \
  X(INTENT_REQUIRES_ACTION, "requires_action")             \
  X(INTENT_PROCESSING, "processing")                       \
  X(INTENT_SUCCEEDED, "succeeded")                         \
  X(INTENT_CANCELED, "canceled")

enum intent_status {
#define X(id, name) id,
  INTENT_STATUSES(X)
#undef X
      INTENT_STATUS_COUNT
};

struct customer {
  uint32_t sequence;
  uint32_t default_method;
  int64_t created_s;
  const char *name; /* texts and metadata are NULL when absent */
  const char *email;
  const char *description;
  const char *metadata;
};

struct method {
  uint32_t sequence;
  uint32_t customer;
  int64_t created_s;
  uint16_t card;        /* its row in the table of cards */
  uint16_t first_times; /* see struct card */
  bool is_detached;
};

struct intent {
  uint32_t sequence;
  uint32_t customer;
  uint32_t method;        /* 0 after a decline, as Stripe has it */
  uint32_t failed_method; /* whose card made last_payment_error */
  uint32_t latest_charge;
  uint32_t attempts;
  int64_t created_s;
  int64_t canceled_s;
  int64_t amount;
  char currency[4]; /* lower case */
  enum intent_status status;
  bool is_off_session;
  const char *description;
  const char *metadata;
};

struct charge {
  uint32_t sequence;
  uint32_t intent;
  uint32_t method;
  uint32_t previous; /* the charge before it of the same intent */
  bool is_paid;      /* else it was declined, for the reason of its method's card */
  int64_t created_s;
  int64_t amount;
  int64_t refunded;
};

struct refund {
  uint32_t sequence;
  uint32_t charge;
  int64_t created_s;
  int64_t amount;
  const char *reason;
  const char *metadata;
};

/* Objects as they are after one request, and the attempt that it counts: what is applied, journaled and replayed.
 * A sequence of 0 is an object that the request leaves alone. */
struct change {
  struct customer customer;
  struct method method;
  struct intent intent;
  struct charge charge;
  struct refund refund;
  uint64_t attempt; /* of which payment an attempt was made with a card that counts them; 0: none */
};

#endif
