/* What the commands about a customer have in common: what a client may say, taking the customer for a change, telling
 * of it. */
#ifndef BILLING_CYCLE_CUSTOMER_H
#define BILLING_CYCLE_CUSTOMER_H

#include <jansson.h>
#include <stdbool.h>

#include "runtime/runtime.h"

/* Checks each member of the body that is a customer's; null is checked by customer_check alone: a name and an address
 * for mail cannot be cleared. */
MUST_CHECK enum rc customer_check(json_t *body, struct error *err);
/* And what no customer can be without is there. */
MUST_CHECK enum rc customer_check_whole(json_t *body, struct error *err);

/* All members, null each: what a replacement is laid over. The caller's to release. */
json_t *customer_blank(void);

struct customer {
  int64_t version;
  bool is_deleted, has_lost_clock;
  const char *time_zone;
  const char *json; /* the resource */
};

/* Locks the customer that the command is about, against whoever makes something for it, too. RC_NOT_FOUND;
 * RC_PRECONDITION_FAILED when the sender saw another version. */
MUST_CHECK enum rc customer_take(struct work *work, const struct message *command, struct customer *ret_customer,
                                 struct error *err);
MUST_CHECK enum rc customer_expect_live(const struct message *command, const struct customer *customer,
                                        struct error *err);

/* Answers with the resource as it is stored now. */
MUST_CHECK enum rc customer_reply(struct work *work, const struct message *command, int http_status, struct error *err);
/* changed: a JSON array of names, or NULL when the event does not say. Nothing personal goes into events. */
void customer_emit(struct work *work, const struct message *command, const char *type, int64_t version,
                   const char *changed);

#endif
