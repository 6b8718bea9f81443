/* A client of the sandbox gateway, over libcurl, for its own tests. */
#ifndef FLOW_GATEWAY_CLIENT_H
#define FLOW_GATEWAY_CLIENT_H

#include <jansson.h>
#include <stdbool.h>

#include "harness/gateway.h"

enum { REPLY_ID_MAX = 64, REPLY_BODY_MAX = 8 * 1024 * 1024 };

struct reply {
  long status; /* 0: no answer */
  bool is_replayed;
  int retry_after_s; /* -1: no such header */
  char *body;
  size_t length;
  json_t *json; /* NULL when the body is none */
};

/* GET, POST, DELETE; body and key may be NULL. Waits up to 20 s. */
struct reply ask(const struct sandbox *sandbox, const char *method, const char *path, const char *body,
                 const char *key);
struct reply ask_within(const struct sandbox *sandbox, const char *method, const char *path, const char *body,
                        const char *key, long timeout_ms);
void reply_release(struct reply *reply);
#define REPLY __attribute__((cleanup(reply_release))) struct reply

/* A member of the answer by its way: "error.payment_intent.status". NULL or -1 when it is not there. */
const json_t *member(const struct reply *reply, const char *way);
const char *text_at(const struct reply *reply, const char *way);
/* Asserts, naming what came instead. */
void expect_status(const struct reply *reply, long status);
void expect_text(const struct reply *reply, const char *way, const char *text); /* NULL: null, or not there */
json_int_t int_at(const struct reply *reply, const char *way);

/* A customer with this method attached ("pm_card_visa"). */
struct payer {
  char customer[REPLY_ID_MAX];
  char method[REPLY_ID_MAX];
};
struct payer payer_with(const struct sandbox *sandbox, const char *method);
/* Charges 1999 usd off session, for metadata[invoice_id]=invoice. */
struct reply charge(const struct sandbox *sandbox, const struct payer *payer, const char *invoice, const char *key);
/* Paid charges that the gateway counts. */
json_int_t charges_succeeded(const struct sandbox *sandbox);

#endif
