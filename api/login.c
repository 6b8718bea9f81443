/* Login, refresh, logout, me. A wrong address and a wrong password are answered alike, in text and in time: the hash is
 * always computed, and a refusal leaves at a time that nothing written meanwhile changes. A refresh token is good once;
 * one that comes again was stolen from someone, so its session ends. */
#include "login.h"

#include <string.h>

#include "auth.h"
#include "base/assert.h"
#include "base/digest.h"
#include "base/json_text.h"
#include "limiter.h"
#include "password.h"
#include "permissions.h"
#include "sql.h"
#include "token.h"

enum { EMAIL_MAX = 254, PASSWORD_MAX = 256, USER_AGENT_MAX = 256, ANSWER_MAX = 64 * 1024 };
enum { REFUSAL_STEP_MS = 100, REFUSAL_ROOM_MS = 50 };

/* ---- what they share ---- */

struct account {
  struct uuid tenant, user;
  const char *email, *role;
};

struct grant {
  struct uuid session;
  const char *access, *refresh;
  char refresh_hash[SHA256_HEX_MAX];
  struct utime expires_at; /* of the refresh token */
};

static void sign_grant(struct request *request, const struct account *account, const struct uuid *session,
                       struct grant *ret_grant) {
  struct token token = {.user = account->user, .tenant = account->tenant, .session = *session};
  snprintf(token.email, sizeof token.email, "%s", account->email);
  snprintf(token.role, sizeof token.role, "%s", account->role);
  ret_grant->session = *session;
  token.expires_at = utime_add_ms(request->now, (int64_t)ACCESS_TOKEN_S * 1000);
  ret_grant->access = token_sign(request->api->keys, TOKEN_ACCESS, &token, request->now, request->arena);
  token.expires_at = ret_grant->expires_at = utime_add_ms(request->now, (int64_t)REFRESH_TOKEN_S * 1000);
  ret_grant->refresh = token_sign(request->api->keys, TOKEN_REFRESH, &token, request->now, request->arena);
  sha256_hex(ret_grant->refresh, strlen(ret_grant->refresh), ret_grant->refresh_hash);
}

static enum rc load_user(struct request *request, const struct uuid *user, const char **ret_json, struct error *err) {
  PGresult CLEANUP(db_result_release) *found = NULL;
  TRY(tx_exec(&request->tx, &sql_user_get, PARAMS(db_uuid(request->arena, user)), &found, err));
  if (row_count(found) == 0) return error_set(err, RC_NOT_FOUND, NULL);
  *ret_json = arena_strdup(request->arena, row_text(found, 0, 0));
  return RC_OK;
}

static void answer_grant(struct request *request, struct response *response, const struct grant *grant,
                         const char *user_json) {
  struct buf CLEANUP(buf_release) json;
  struct json_writer writer;
  char session[UUID_TEXT_MAX];
  buf_init(&json, ANSWER_MAX);
  json_writer_init(&writer, &json);
  json_put_object(&writer, NULL);
  json_put_raw(&writer, "user", user_json);
  json_put_string(&writer, "accessToken", grant->access);
  json_put_string(&writer, "refreshToken", grant->refresh);
  json_put_string(&writer, "sessionId", uuid_format(&grant->session, session));
  json_put_int(&writer, "expiresIn", ACCESS_TOKEN_S);
  json_put_end(&writer);
  response_data(response, 200, arena_strdup(request->arena, buf_text(&json)), NULL);
}

static const char *user_actor(struct request *request, const struct uuid *user) {
  return arena_printf(request->arena, "user:%s", db_uuid(request->arena, user));
}

static enum rc audit_session(struct request *request, const struct account *account, const char *action, bool succeeded,
                             const struct uuid *session, struct error *err) {
  return audit(request, &account->tenant, user_actor(request, &account->user), action, succeeded, "session",
               session ? db_uuid(request->arena, session) : "", err);
}

/* ---- login ---- */

static enum rc wrong_credentials(struct error *err) {
  return error_set(err, RC_UNAUTHORIZED, "the e-mail address or the password is wrong");
}

struct candidate {
  bool exists, is_active, is_verified;
  const char *password_hash;
  struct account account;
};

/* Nothing is known of the tenant yet, so the transaction has none. */
static enum rc find_candidate(struct request *request, const char *email, struct candidate *ret_candidate,
                              struct error *err) {
  PGresult CLEANUP(db_result_release) *found = NULL;
  TRY(request_begin(request, err));
  TRY(tx_exec(&request->tx, &sql_account_for_login, PARAMS(email), &found, err));
  TRY(request_commit(request, err));
  if (row_count(found) == 0) return RC_OK;
  struct arena *arena = request->arena;
  ret_candidate->exists = true;
  ret_candidate->account.tenant = row_uuid(found, 0, 0);
  ret_candidate->account.user = row_uuid(found, 0, 1);
  ret_candidate->account.email = email;
  ret_candidate->password_hash = row_text_copy(arena, found, 0, 2);
  ret_candidate->account.role = arena_strdup(arena, row_text(found, 0, 3));
  ret_candidate->is_active =
      strcmp(row_text(found, 0, 4), "ACTIVE") == 0 && strcmp(row_text(found, 0, 5), "ACTIVE") == 0;
  ret_candidate->is_verified = row_bool(found, 0, 6);
  return RC_OK;
}

static enum rc note_failure(struct request *request, const struct account *account, struct error *err) {
  TRY(request_begin_tenant(request, &account->tenant, err));
  TRY(audit_session(request, account, "auth.login", false, NULL, err));
  return request_commit(request, err);
}

/* The first multiple of REFUSAL_STEP_MS since the request began that leaves REFUSAL_ROOM_MS from now. */
static struct mono refusal_time(const struct request *request) {
  int64_t steps = (mono_ms_since(request->started) + REFUSAL_ROOM_MS) / REFUSAL_STEP_MS + 1;
  return mono_add_ms(request->started, steps * REFUSAL_STEP_MS);
}

/* The failure of an account that exists is written down. That takes time, which would tell that it exists. */
static enum rc refuse(struct request *request, const struct candidate *candidate, struct error *err) {
  struct mono leaves_at = refusal_time(request);
  enum rc rc = candidate->exists ? note_failure(request, &candidate->account, err) : RC_OK;
  sleep_until(leaves_at);
  return rc == RC_OK ? wrong_credentials(err) : rc;
}

static enum rc begin_session(struct request *request, const struct account *account, struct grant *grant,
                             const char **ret_user, struct error *err) {
  struct uuid session = uuid_new();
  struct arena *arena = request->arena;
  const char *agent = request_header(request, "User-Agent");
  sign_grant(request, account, &session, grant);
  TRY(request_begin_tenant(request, &account->tenant, err));
  TRY(load_user(request, &account->user, ret_user, err));
  TRY(tx_exec(&request->tx, &sql_session_insert,
              PARAMS(db_uuid(arena, &session), db_uuid(arena, &account->user), grant->refresh_hash,
                     db_utime(arena, request->now), db_utime(arena, grant->expires_at), request->address,
                     agent ? arena_strndup(arena, agent, strnlen(agent, USER_AGENT_MAX)) : ""),
              NULL, err));
  TRY(audit_session(request, account, "auth.login", true, &session, err));
  return request_commit(request, err);
}

enum rc login_handle(struct request *request, struct response *response, struct error *err) {
  json_auto_t *body = NULL;
  struct text_field fields[] = {{"email", EMAIL_MAX, NULL}, {"password", PASSWORD_MAX, NULL}};
  TRY(request_parse_body(request, &body, err));
  TRY(request_read_texts(request, body, fields, 2, err));
  const char *email = fields[0].value, *password = fields[1].value;
  TRY(limiter_count_login(request, email, err));

  struct candidate candidate = {0};
  bool is_right = false;
  TRY(find_candidate(request, email, &candidate, err));
  TRY(password_check(request->api->passwords, password, candidate.password_hash, &is_right, err));
  if (!is_right) return refuse(request, &candidate, err);
  limiter_forgive_login(request, email);
  if (!candidate.is_active) return error_set(err, RC_FORBIDDEN, "the account is suspended");
  if (!candidate.is_verified) return error_set(err, RC_EMAIL_NOT_VERIFIED, NULL);

  struct grant grant;
  const char *user = NULL;
  TRY(begin_session(request, &candidate.account, &grant, &user, err));
  answer_grant(request, response, &grant, user);
  return RC_OK;
}

/* ---- refresh ---- */

static enum rc end_session(struct request *request, const struct uuid *tenant, const struct uuid *session,
                           struct error *err) {
  struct arena *arena = request->arena;
  return tx_exec(&request->tx, &sql_session_end,
                 PARAMS(db_uuid(arena, tenant), db_uuid(arena, session), db_utime(arena, request->now)), NULL, err);
}

static enum rc refuse_reused(struct request *request, const struct account *account, const struct uuid *session,
                             struct error *err) {
  TRY(end_session(request, &account->tenant, session, err));
  TRY(audit_session(request, account, "auth.refresh_reused", false, session, err));
  TRY(request_commit(request, err));
  return error_set(err, RC_UNAUTHORIZED, "the refresh token was used before: the session has ended");
}

enum rc refresh_handle(struct request *request, struct response *response, struct error *err) {
  json_auto_t *body = NULL;
  struct text_field fields[] = {{"refreshToken", TOKEN_BYTES_MAX, NULL}};
  struct token token;
  struct grant grant;
  char hash[SHA256_HEX_MAX];
  const char *user = NULL;
  TRY(request_parse_body(request, &body, err));
  TRY(request_read_texts(request, body, fields, 1, err));
  const char *refresh = fields[0].value;
  TRY(token_verify(request->api->keys, TOKEN_REFRESH, refresh, request->now, &token, err));
  sha256_hex(refresh, strlen(refresh), hash);

  struct arena *arena = request->arena;
  PGresult CLEANUP(db_result_release) *found = NULL;
  TRY(request_begin_tenant(request, &token.tenant, err));
  TRY(tx_exec(&request->tx, &sql_session_for_refresh,
              PARAMS(db_uuid(arena, &token.session), db_uuid(arena, &token.user)), &found, err));
  if (row_count(found) == 0 || !row_bool(found, 0, 1)) return error_set(err, RC_UNAUTHORIZED, "the session has ended");
  struct account account = {token.tenant, token.user, row_text(found, 0, 2), row_text(found, 0, 3)};
  if (strcmp(row_text(found, 0, 0), hash) != 0) return refuse_reused(request, &account, &token.session, err);

  sign_grant(request, &account, &token.session, &grant);
  TRY(load_user(request, &account.user, &user, err));
  TRY(tx_exec(&request->tx, &sql_session_rotate,
              PARAMS(db_uuid(arena, &token.session), grant.refresh_hash, db_utime(arena, grant.expires_at)), NULL,
              err));
  TRY(audit_session(request, &account, "auth.refresh", true, &token.session, err));
  TRY(request_commit(request, err));
  answer_grant(request, response, &grant, user);
  return RC_OK;
}

/* ---- logout, me ---- */

/* A caller's session lives in the caller's own tenant, whichever one the request acts in. */
enum rc logout_handle(struct request *request, struct response *response, struct error *err) {
  struct account account = {.user = request->caller.user, .tenant = request->caller.home};
  TRY(request_return_home(request, err));
  TRY(end_session(request, &account.tenant, &request->caller.session, err));
  TRY(audit_session(request, &account, "auth.logout", true, &request->caller.session, err));
  TRY(request_commit(request, err));
  response_data(response, 200, NULL, "logged out");
  return RC_OK;
}

static const char *grants_json(struct request *request) {
  struct buf CLEANUP(buf_release) json;
  struct json_writer writer;
  buf_init(&json, ANSWER_MAX);
  json_writer_init(&writer, &json);
  json_put_array(&writer, NULL);
  for (const char *const *grant = role_grants(request->caller.role); grant && *grant; grant++)
    json_put_string(&writer, NULL, *grant);
  json_put_end(&writer);
  return arena_strdup(request->arena, buf_text(&json));
}

enum rc me_handle(struct request *request, struct response *response, struct error *err) {
  const char *user = NULL;
  TRY(request_return_home(request, err));
  TRY(load_user(request, &request->caller.user, &user, err));
  TRY(request_commit(request, err));
  ASSERT(user);
  size_t length = strlen(user); /* an object: its members and one more */
  response_data(response, 200,
                arena_printf(request->arena, "%.*s,\"permissions\":%s}", (int)(length - 1), user, grants_json(request)),
                NULL);
  return RC_OK;
}
