/* Who asks: the bearer token, its session, the tenant that it may act in, and what its role permits. */
#ifndef API_AUTH_H
#define API_AUTH_H

#include "request.h"

/* Fills request->caller and leaves the request's transaction open in the caller's tenant. RC_UNAUTHORIZED,
 * RC_TOKEN_EXPIRED, RC_TENANT_DENIED, RC_FORBIDDEN; when the database is away nobody gets in. permission "": a session
 * is enough. */
MUST_CHECK enum rc auth_check(struct request *request, const char *permission, struct error *err);

/* "user:<id>", in the arena: the actor of commands and audit rows. */
const char *caller_actor(const struct request *request);
MUST_CHECK enum rc audit(struct request *request, const struct uuid *tenant, const char *actor, const char *action,
                         bool succeeded, const char *resource_type, const char *resource_id, struct error *err);

#endif
