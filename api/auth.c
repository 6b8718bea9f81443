/* A token says who; whether that still holds, the session's row says, at each request: logging out, a suspended user or
 * tenant, end it at once. */
#include "auth.h"

#include <string.h>
#include <strings.h>

#include "permissions.h"
#include "sql.h"
#include "token.h"

static enum rc bearer_token(const struct request *request, const char **ret_token, struct error *err) {
  static const char scheme[] = "Bearer ";
  const char *header = request_header(request, "Authorization");
  if (!header || strncasecmp(header, scheme, sizeof scheme - 1) != 0) return error_set(err, RC_UNAUTHORIZED, NULL);
  *ret_token = header + sizeof scheme - 1;
  return RC_OK;
}

/* The session is open, and its user and tenant are active; the role is the one of now, not of when the token was made.
 */
static enum rc check_session(struct request *request, const struct token *token, struct error *err) {
  PGresult CLEANUP(db_result_release) *found = NULL;
  TRY(tx_exec(&request->tx, &sql_session_active,
              PARAMS(db_uuid(request->arena, &token->session), db_uuid(request->arena, &token->user)), &found, err));
  if (row_count(found) == 0) return error_set(err, RC_UNAUTHORIZED, "the session has ended");
  snprintf(request->caller.role, sizeof request->caller.role, "%s", row_text(found, 0, 0));
  return RC_OK;
}

/* X-Tenant-ID names the token's tenant; a role that spans tenants may name any other that exists. */
static enum rc choose_tenant(struct request *request, struct error *err) {
  const char *named = request_header(request, "X-Tenant-ID");
  struct uuid tenant;
  if (!named) return RC_OK;
  if (!uuid_parse(named, &tenant)) return error_set(err, RC_TENANT_DENIED, NULL);
  if (uuid_equal(&tenant, &request->caller.tenant)) return RC_OK;
  if (!role_spans_tenants(request->caller.role)) return error_set(err, RC_TENANT_DENIED, NULL);
  request_end(request);
  TRY(request_begin_tenant(request, &tenant, err));
  PGresult CLEANUP(db_result_release) *found = NULL;
  TRY(tx_exec(&request->tx, &sql_tenant_exists, NO_PARAMS, &found, err));
  if (row_count(found) == 0) return error_set(err, RC_NOT_FOUND, "there is no such tenant");
  request->caller.tenant = tenant;
  return RC_OK;
}

enum rc auth_check(struct request *request, const char *permission, struct error *err) {
  const char *text = NULL;
  struct token token;
  TRY(bearer_token(request, &text, err));
  TRY(token_verify(request->api->keys, TOKEN_ACCESS, text, request->now, &token, err));
  TRY(request_begin_tenant(request, &token.tenant, err));
  request->caller =
      (struct caller){.user = token.user, .tenant = token.tenant, .home = token.tenant, .session = token.session};
  TRY(check_session(request, &token, err));
  TRY(choose_tenant(request, err));
  if (permission[0] && !role_permits(request->caller.role, permission))
    return error_set(err, RC_FORBIDDEN, "the role %s has no permission %s", request->caller.role, permission);
  return RC_OK;
}

const char *caller_actor(const struct request *request) {
  char id[UUID_TEXT_MAX];
  return arena_printf(request->arena, "user:%s", uuid_format(&request->caller.user, id));
}

enum rc audit(struct request *request, const struct uuid *tenant, const char *actor, const char *action, bool succeeded,
              const char *resource_type, const char *resource_id, struct error *err) {
  struct uuid id = uuid_new();
  return tx_exec(&request->tx, &sql_audit_insert,
                 PARAMS(db_uuid(request->arena, tenant), db_uuid(request->arena, &id),
                        db_utime(request->arena, request->now), actor, action, succeeded ? "succeeded" : "failed",
                        resource_type, resource_id, request->id, request->address),
                 NULL, err);
}
