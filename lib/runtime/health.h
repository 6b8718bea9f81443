/* The internal HTTP port of a process: /livez, /readyz, /metrics. For operators and orchestrators, not for clients. */
#ifndef RUNTIME_HEALTH_H
#define RUNTIME_HEALTH_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"

/* Asked for each /readyz, from the server's thread: whether the process can do its work now, and if not, why. */
typedef bool health_is_ready(void *context, char *ret_reason, size_t reason_size);

struct health_server;

/* address: "host:port". RC_INVALID_SETTING naming INTERNAL_ADDRESS when it cannot be bound. */
MUST_CHECK enum rc health_start(const char *address, health_is_ready *is_ready, void *context,
                                struct health_server **ret_server, struct error *err);
void health_stop(struct health_server *server);

#endif
