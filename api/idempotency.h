/* Idempotency-Key: the same request again, at once or later, is one write with one answer. A write is known by its id,
 * which follows from tenant, caller and key; what became of it is a row of table commands, for 24 h. */
#ifndef API_IDEMPOTENCY_H
#define API_IDEMPOTENCY_H

#include "response.h"

struct identity {
  struct uuid id; /* a fresh one without a key */
  bool is_keyed;
  const char *caller;
  const char *body_hash; /* of method, path, If-Match and body: another one with the same key is refused */
};
/* After the body was parsed. versions: of If-Match, or NULL. */
MUST_CHECK enum rc identity_read(struct request *request, const char *versions, struct identity *ret_identity,
                                 struct error *err);

struct outcome {
  bool is_found, is_pending;
  int http_status;
  const char *result;
  struct stored_error error;
};
/* In the open transaction; untouched when there is none. RC_KEY_REUSED for another request with the same key. */
MUST_CHECK enum rc outcome_find(struct request *request, const struct identity *identity, struct outcome *outcome,
                                struct error *err);
/* Of a write that the API makes itself, in its transaction; nothing without a key. */
MUST_CHECK enum rc outcome_store(struct request *request, const struct identity *identity, const char *type,
                                 int http_status, const char *result, struct error *err);

#endif
