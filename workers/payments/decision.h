/* What to do about a payment, and what an answer makes of it. Pure: situation and moment in, the changed situation and
 * a conclusion out; record.c writes both. */
#ifndef PAYMENTS_DECISION_H
#define PAYMENTS_DECISION_H

#include "answer.h"
#include "payment.h"

/* The gateway forgets a key after 24 hours; from here on it is not asked with it again before it has been looked
 * whether the charge is there. */
enum { KEY_LIFE_HOURS = 23, ABSENCE_PROVEN_MIN = 10, BACKOFF_FIRST_MS = 2000, BACKOFF_MAX_MS = 600000 };

/* What a payment that has fallen due needs next. */
enum step {
  STEP_CHARGE,    /* a new attempt */
  STEP_ASK_AGAIN, /* the open attempt, with its own key */
  STEP_FETCH,     /* the open attempt, by the intent that is known of it */
  STEP_LOOK_UP,   /* the open attempt, without moving money */
  STEP_CANCEL,    /* nothing is owed any more */
  STEP_WAIT,      /* there is no payment method yet */
  STEP_BARRED,    /* there is one that must not be charged */
  STEP_GIVE_UP,   /* time or attempts have run out */
};
enum step step_for(const struct situation *situation, struct moment at);

/* A payment that finds no payment method waits for one until the schedule would be over. */
struct utime waiting_end(struct utime since);

/* When asked for the n-th time in vain: how long to wait before the next. */
int64_t backoff_ms(int asked);

enum payment_event { NO_EVENT, EVENT_SUCCEEDED, EVENT_FAILED, EVENT_ACTION_REQUIRED, EVENT_CANCELLED };

struct conclusion {
  enum payment_event event;
  int64_t event_version; /* of the payment, as the event says it */
  bool is_exhausted;     /* bury it, and say so */
  int64_t exhausted_version;
  bool bars_method;       /* the attempt's method is never charged again */
  int64_t settled_minor;  /* what the invoice takes of the money */
  int64_t credited_minor; /* what was too much: the customer's credit */
};

/* A new attempt is under way until `deadline`, which is real. The key is the question's. */
void begin_attempt(struct situation *situation, const char *key, struct moment at, struct utime deadline);
/* The open attempt is asked about once more; `may_charge`: in a way that could still make the charge. */
void repeat_attempt(struct situation *situation, bool may_charge, struct utime real, struct utime deadline);
/* STEP_CANCEL, STEP_WAIT, STEP_BARRED, STEP_GIVE_UP. */
struct conclusion conclude_unasked(struct situation *situation, enum step step, struct utime now);
/* What the gateway said about the open attempt. Texts of the answer must live as long as the situation. */
struct conclusion conclude(struct situation *situation, const struct gateway_answer *answer, struct moment at);
/* Whether anything is to be paid. */
bool is_owed(const struct situation *situation);
/* A new cycle, at once. */
void restart(struct payment *payment, struct utime now);
/* Pending, failed, requires_action: nothing is under way, and a new method starts it anew. */
bool is_waiting(const struct payment *payment);
/* That, or cancelled: someone's word starts it anew. */
bool may_restart(const struct payment *payment);

#endif
