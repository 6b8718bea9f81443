/* Errors: one table of codes; each says what the caller must do (verdict) and what a client sees (name, HTTP status).
 *
 * Functions that can fail are `enum rc f(in..., T *ret_x, struct error *err)`: RC_OK, or the code that is also in
 * err->code. `ret_` is untouched on failure, *err on success. err is the caller's storage and never NULL. */
#ifndef BASE_ERROR_H
#define BASE_ERROR_H

#include <stddef.h>

/* What to do about an error.
 * RETRY   the world is away or busy: roll back, wait, do it again; never the message's fault.
 * REJECT  the business says no: an answer for the caller.
 * POISON  this message can never be processed: dead letter.
 * FATAL   our own bug: stop the process. */
enum verdict { VERDICT_NONE, VERDICT_RETRY, VERDICT_REJECT, VERDICT_POISON, VERDICT_FATAL };

/* code, name on the wire, verdict, HTTP status, text for people when there is nothing better to say */
#define ERROR_CODES(X)                                                                                                \
  X(RC_OK, "OK", VERDICT_NONE, 200, "ok")                                                                             \
  X(RC_VALIDATION, "VALIDATION_ERROR", VERDICT_REJECT, 400, "the request has invalid fields")                         \
  X(RC_MALFORMED, "MALFORMED_REQUEST", VERDICT_REJECT, 400, "the request cannot be read")                             \
  X(RC_CONSTRAINT, "DATABASE_CONSTRAINT_VIOLATION", VERDICT_REJECT, 400, "the request breaks a constraint")           \
  X(RC_UNAUTHORIZED, "UNAUTHORIZED", VERDICT_REJECT, 401, "a valid access token is needed")                           \
  X(RC_TOKEN_EXPIRED, "TOKEN_EXPIRED", VERDICT_REJECT, 401, "the access token has expired")                           \
  X(RC_PAYMENT_DECLINED, "PAYMENT_DECLINED", VERDICT_REJECT, 402, "the payment was declined")                         \
  X(RC_FORBIDDEN, "FORBIDDEN", VERDICT_REJECT, 403, "not permitted")                                                  \
  X(RC_TENANT_DENIED, "TENANT_ACCESS_DENIED", VERDICT_REJECT, 403, "the token belongs to another tenant")             \
  X(RC_EMAIL_NOT_VERIFIED, "EMAIL_NOT_VERIFIED", VERDICT_REJECT, 403, "the e-mail address is not verified yet")       \
  X(RC_NOT_FOUND, "NOT_FOUND", VERDICT_REJECT, 404, "not found")                                                      \
  X(RC_METHOD_NOT_ALLOWED, "METHOD_NOT_ALLOWED", VERDICT_REJECT, 405, "the method is not allowed here")               \
  X(RC_CONFLICT, "CONFLICT", VERDICT_REJECT, 409, "the request conflicts with what is stored")                        \
  X(RC_ILLEGAL_TRANSITION, "ILLEGAL_TRANSITION", VERDICT_REJECT, 409, "not possible in this state")                   \
  X(RC_IMMUTABLE, "IMMUTABLE", VERDICT_REJECT, 409, "it can no longer be changed")                                    \
  X(RC_PRECONDITION_FAILED, "PRECONDITION_FAILED", VERDICT_REJECT, 412, "it has changed in the meantime")             \
  X(RC_PAYLOAD_TOO_LARGE, "PAYLOAD_TOO_LARGE", VERDICT_REJECT, 413, "the body is too large")                          \
  X(RC_URI_TOO_LONG, "MALFORMED_REQUEST", VERDICT_REJECT, 414, "the path or query is too long")                       \
  X(RC_UNSUPPORTED_MEDIA_TYPE, "UNSUPPORTED_MEDIA_TYPE", VERDICT_REJECT, 415, "the body must be application/json")    \
  X(RC_KEY_REUSED, "IDEMPOTENCY_KEY_REUSED", VERDICT_REJECT, 422, "the Idempotency-Key was used for another request") \
  X(RC_RATE_LIMITED, "RATE_LIMITED", VERDICT_REJECT, 429, "too many requests")                                        \
  X(RC_HEADERS_TOO_LARGE, "MALFORMED_REQUEST", VERDICT_REJECT, 431, "the header is too large")                        \
  X(RC_INVALID_SETTING, "INVALID_SETTING", VERDICT_FATAL, 500, "a setting is wrong")                                  \
  X(RC_UNAVAILABLE, "SERVICE_UNAVAILABLE", VERDICT_RETRY, 503, "the service is unavailable for the moment")           \
  X(RC_DB_UNAVAILABLE, "SERVICE_UNAVAILABLE", VERDICT_RETRY, 503, "the database is unavailable for the moment")       \
  X(RC_DB_CONFLICT, "SERVICE_UNAVAILABLE", VERDICT_RETRY, 503, "a concurrent transaction got in the way")             \
  X(RC_BROKER_UNAVAILABLE, "SERVICE_UNAVAILABLE", VERDICT_RETRY, 503, "the broker is unavailable for the moment")     \
  X(RC_GATEWAY_UNAVAILABLE, "SERVICE_UNAVAILABLE", VERDICT_RETRY, 503, "the gateway is unavailable for the moment")   \
  X(RC_BAD_MESSAGE, "MALFORMED_MESSAGE", VERDICT_POISON, 400, "the message cannot be read")                           \
  X(RC_UNKNOWN_MESSAGE, "UNKNOWN_MESSAGE", VERDICT_POISON, 400, "the message's type is unknown here")                 \
  X(RC_INVARIANT, "INVARIANT_VIOLATION", VERDICT_POISON, 500, "the message breaks an invariant")                      \
  X(RC_BUG, "INTERNAL_SERVER_ERROR", VERDICT_FATAL, 500, "something went wrong on our side")

enum rc {
#define X(code, name, verdict, status, text) code,
  ERROR_CODES(X)
#undef X
      RC_COUNT
};

enum { ERROR_FIELD_MAX = 96, ERROR_TEXT_MAX = 320, ERROR_DETAILS_MAX = 1024 };

/* field: the JSON path of what is wrong ("items[2].quantity"), or "". details: a JSON value as text, or "". */
struct error {
  enum rc code;
  char field[ERROR_FIELD_MAX];
  char text[ERROR_TEXT_MAX];
  char details[ERROR_DETAILS_MAX];
};

enum verdict error_verdict(enum rc code);
const char *error_name(enum rc code);
const char *error_text(enum rc code);
int error_http_status(enum rc code);
const char *verdict_name(enum verdict verdict);

/* Fill *err and return code, so that `return error_set(err, RC_NOT_FOUND, "no plan %s", code);` reads as one act.
 * A NULL format takes the table's text. Texts longer than the field are cut. */
enum rc error_set(struct error *err, enum rc code, const char *format, ...) __attribute__((format(printf, 3, 4)));
enum rc error_field(struct error *err, enum rc code, const char *field, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

#define MUST_CHECK __attribute__((warn_unused_result))

/* Leave the function when a step fails; the step has filled err. */
#define TRY(call)                         \
  do {                                    \
    enum rc try_rc_ = (call);             \
    if (try_rc_ != RC_OK) return try_rc_; \
  } while (0)

#endif
