/* An invoice's life as one table (BILL-070), and what everybody who makes or reads one must agree on. */
#ifndef DOMAIN_INVOICE_H
#define DOMAIN_INVOICE_H

#include <stdbool.h>

#include "base/error.h"

/* Lines of one invoice. More of one customer, currency and day go on a second one: the command that carries them must
 * fit into a message. */
enum { INVOICE_LINES_MAX = 250 };

#define INVOICE_STATES(X)   \
  X(INVOICE_DRAFT, "draft") \
  X(INVOICE_OPEN, "open")   \
  X(INVOICE_PAID, "paid")   \
  X(INVOICE_VOID, "void")   \
  X(INVOICE_UNCOLLECTIBLE, "uncollectible")

enum invoice_state {
#define X(state, name) state,
  INVOICE_STATES(X)
#undef X
};

/* What can happen to one; the names are those of the actions of the API. */
#define INVOICE_EVENTS(X)               \
  X(INVOICE_EVENT_FINALISE, "finalize") \
  X(INVOICE_EVENT_PAY, "payment")       \
  X(INVOICE_EVENT_VOID, "void")         \
  X(INVOICE_EVENT_WRITE_OFF, "uncollectible")

enum invoice_event {
#define X(event, name) event,
  INVOICE_EVENTS(X)
#undef X
};

const char *invoice_state_name(enum invoice_state state);
MUST_CHECK bool invoice_state_from_name(const char *name, enum invoice_state *ret_state);
/* RC_ILLEGAL_TRANSITION with err->details {"allowed":[...]}. INVOICE_EVENT_PAY is the payment of all that is due. */
MUST_CHECK enum rc invoice_next(enum invoice_state from, enum invoice_event event, enum invoice_state *ret_to,
                                struct error *err);

/* The same refusal of `what` is no event of the table: mailing a draft, giving back what is void. */
enum rc invoice_refuse(enum invoice_state from, const char *what, struct error *err);

#endif
