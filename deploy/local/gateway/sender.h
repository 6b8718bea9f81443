/* The webhooks' thread, and the queue as it sees it. */
#ifndef GATEWAY_SENDER_H
#define GATEWAY_SENDER_H

#include "base/buf.h"
#include "webhooks.h"

void *sender_run(void *context); /* a struct webhooks */

/* Stripe-Signature: "t=<seconds>,v1=<HMAC-SHA256 of "<seconds>.<body>", in hex>". */
enum { SIGNATURE_TEXT_MAX = 128, SIGNED_BODY_MAX = 64 * 1024 };
const char *signature_format(const char *secret, int64_t now_s, const struct buf *body,
                             char text[static SIGNATURE_TEXT_MAX]);

/* Of webhooks.c: */
struct event *webhooks_take(struct webhooks *webhooks, struct mono now); /* one that is due, or NULL */
void webhooks_put_back(struct webhooks *webhooks, struct event *event, struct mono due);
void webhooks_done(struct webhooks *webhooks, struct event *event, bool is_sent);
bool webhooks_are_stopping(struct webhooks *webhooks);

#endif
