/* Answers in Stripe's shapes. Each function writes the whole answer into call->body and sets the status and the outcome
 * for the list of requests. */
#ifndef GATEWAY_ANSWER_H
#define GATEWAY_ANSWER_H

#include "base/json_text.h"
#include "gateway.h"

/* Begins a good answer: what is written with *ret_writer is the body. */
void answer_begin(struct call *call, const char *outcome, struct json_writer *ret_writer);

/* An error object; code and param may be NULL. It is not kept for the key. */
void answer_error(struct call *call, int status, const char *type, const char *code, const char *param,
                  const char *format, ...) __attribute__((format(printf, 6, 7)));
/* 400 for a parameter's shape: not kept for the key. */
void answer_invalid(struct call *call, const char *code, const char *param, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
void answer_invalid_error(struct call *call, const struct error *err);
/* 404 for an id that is none: kept for the key, as all that follows is. */
void answer_missing(struct call *call, const char *param, const char *what, const char *id);
/* 400 for what does not agree with what is kept. */
void answer_refused(struct call *call, const char *code, const char *param, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
/* 503: the limits on what is kept are reached. */
void answer_full(struct call *call);
/* The connection is held, then closed without a byte. */
void answer_nothing(struct call *call, int64_t hold_ms, const char *outcome);

/* {"error":{…}} with members of the caller's own in between: begin, add members, end with two json_put_end. */
void answer_error_begin(struct call *call, int status, const char *type, const char *code, const char *param,
                        const char *text, struct json_writer *ret_writer);
void answer_outcome(struct call *call, const char *outcome);

#endif
