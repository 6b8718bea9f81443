/* Writing: a request becomes a command on Kafka, and the worker's outcome becomes the answer (architecture: commands).
 */
#ifndef API_COMMAND_H
#define API_COMMAND_H

#include "response.h"
#include "router.h"

/* For rows of kind ROUTE_COMMAND, after auth_check. */
route_handler command_handle;
/* GET /api/operations/{id} */
route_handler operation_handle;

/* RFC 7240: how long the client wants to wait. Unknown preferences are ignored, as the RFC says. */
enum { WAIT_DEFAULT_S = 5, WAIT_MAX_S = 30 };
struct preference {
  int64_t wait_s;
  bool wait_is_given, is_async;
};
void preference_parse(const char *header, struct preference *preference); /* adds to what is there */

#endif
