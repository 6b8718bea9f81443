/* What is known of a command before any worker has reached it: a note in Redis that says whose it is, so that its
 * operation is `pending` and not unknown, and so that a second request with its Idempotency-Key meets the same subject.
 */
#ifndef API_MARKER_H
#define API_MARKER_H

#include "request.h"

enum { MARKER_KEEP_S = 86400 };

struct marker {
  const char *type, *caller, *body_hash, *subject, *created_at; /* none has a space in it */
};

enum marker_state { MARKER_ABSENT, MARKER_PRESENT, MARKER_AWAY };

/* Leaves a note unless there is one: MARKER_ABSENT says that it is ours now; MARKER_PRESENT fills ret_found (in the
 * arena). */
enum marker_state marker_leave(struct request *request, const struct uuid *command_id, const struct marker *marker,
                               struct marker *ret_found);
enum marker_state marker_find(struct request *request, const struct uuid *command_id, struct marker *ret_found);
void marker_remove(struct request *request, const struct uuid *command_id);

#endif
