/* What the gateway answered, made sense of. Pure: the HTTP answer, or the lack of one, in; an outcome that one can act
 * on out. Whatever is not perfectly clear is ANSWER_UNKNOWN, and the same question is asked again with the same key
 * (BILL-080): a wrong guess here is a customer charged twice, or a free month. */
#ifndef PAYMENTS_ANSWER_H
#define PAYMENTS_ANSWER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "question.h"

/* outcome, its name in metrics */
#define ANSWER_OUTCOMES(X)                                                                                      \
  X(ANSWER_DONE, "done")              /* charged, created, attached */                                          \
  X(ANSWER_DECLINED, "declined")      /* the bank said no; code says why */                                     \
  X(ANSWER_ACTION, "requires_action") /* the customer must authenticate it */                                   \
  X(ANSWER_REFUSED, "refused")        /* the request is no good and did nothing; asking again gives the same */ \
  X(ANSWER_PROCESSING, "processing")  /* the gateway itself does not know yet; `id` can be asked after */       \
  X(ANSWER_ABSENT, "absent")          /* looked up: no such intent */                                           \
  X(ANSWER_NOT_ASKED, "not_asked")    /* surely nothing happened: not reached, limited, our key refused */      \
  X(ANSWER_UNKNOWN, "unknown")        /* no clear answer: it may have happened */

enum answer_outcome {
#define X(outcome, name) outcome,
  ANSWER_OUTCOMES(X)
#undef X
};
const char *answer_outcome_name(enum answer_outcome outcome);

/* What came back over the wire. */
enum reply_fate { REPLY_ARRIVED, REPLY_LOST, REPLY_NOT_SENT };
struct gateway_reply {
  enum reply_fate fate;
  const char *trouble; /* of a reply that did not arrive: the transport's word for it */
  long http_status;
  int64_t retry_after_s; /* 0: not said */
  const char *body;
  size_t length;
};

enum { ANSWER_CODE_MAX = 64, ANSWER_TEXT_MAX = 256, RETRY_AFTER_MAX_S = 3600 };

struct gateway_answer {
  enum answer_outcome outcome;
  char id[GATEWAY_ID_MAX]; /* of the customer, payment method or intent; "" when not known */
  char charge_id[GATEWAY_ID_MAX];
  char code[ANSWER_CODE_MAX];         /* of a decline, else of the error; "" when all is well */
  char message[ANSWER_TEXT_MAX];      /* for people */
  bool is_about_method;               /* ANSWER_REFUSED: it is the payment method that is no good */
  int64_t retry_after_ms;             /* 0: not said */
  char type[16], brand[32], last4[5]; /* of a payment method */
  int expiry_month, expiry_year;      /* 0: none */
};

void answer_read(const struct gateway_question *question, const struct gateway_reply *reply,
                 struct gateway_answer *ret_answer);

#endif
