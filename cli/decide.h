/* cloudbill dlq replay and drop: the same commands that the API sends, by an operator's hand. */
#ifndef CLI_DECIDE_H
#define CLI_DECIDE_H

#include "base/error.h"
#include "db/db.h"

/* verb: "replay" or "drop". Comes back when a worker has done it, or RC_UNAVAILABLE after DECISION_WAIT_MS: it will be
 * done when there is one. RC_NOT_FOUND, RC_CONFLICT. */
enum { DECISION_WAIT_MS = 15000 };
MUST_CHECK enum rc decide_dead_letter(struct db *db, const char *verb, const char *id, struct error *err);

#endif
