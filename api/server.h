/* The HTTP server: civetweb below, the route table above. */
#ifndef API_SERVER_H
#define API_SERVER_H

#include "api.h"
#include "base/error.h"

struct server;

/* RC_INVALID_SETTING naming HTTP_ADDRESS when it cannot be bound. */
MUST_CHECK enum rc server_start(const struct api *api, struct server **ret_server, struct error *err);
/* Lets requests under way end, for at most drain_ms, and stops. */
void server_stop(struct server *server, int64_t drain_ms);

#endif
