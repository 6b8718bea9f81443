/* From a checked body to an answer: validate; find out whether this command has been done before (its id follows from
 * tenant, caller and Idempotency-Key); hand it to Kafka; wait. The message may be sent twice, for a key that comes
 * twice at once or after a crash: the workers know a command by its id and do it once. */
#include "command.h"

#include <string.h>
#include <strings.h>

#include "auth.h"
#include "base/json_text.h"
#include "card.h"
#include "idempotency.h"
#include "marker.h"
#include "outcomes.h"
#include "permissions.h"
#include "producer.h"
#include "sql.h"

enum { DELIVERY_MARGIN_MS = 1500, DEAF_POLL_MS = 50, FIRST_POLL_MS = 100, LAST_POLL_MS = 1000 };

struct command {
  struct identity identity;
  struct uuid subject;
  const char *created_at;
  const char *partition_key; /* NULL: the subject */
  const char *versions;      /* of the subject that it is meant for; NULL: any */
  struct preference preference;
};

/* ---- what may be asked ---- */

/* Members of a body that need a permission of their own; tenantId, where a command has it, must be the caller's. */
static const struct {
  const char *command, *member, *permission;
} guarded_members[] = {{"subscription.create", "currentPrice", "subscriptions:override"}};

static enum rc check_tenant(const struct request *request, json_t *body, struct error *err) {
  struct uuid tenant;
  const char *named = json_string_value(json_object_get(body, "tenantId"));
  if (!named || !uuid_parse(named, &tenant) || uuid_equal(&tenant, &request->caller.tenant)) return RC_OK;
  return error_field(err, RC_TENANT_DENIED, "tenantId", "the token belongs to another tenant");
}

static enum rc check_members(const struct request *request, json_t *body, struct error *err) {
  TRY(check_tenant(request, body, err));
  for (size_t i = 0; i < sizeof guarded_members / sizeof guarded_members[0]; i++) {
    if (strcmp(guarded_members[i].command, request->route->command) != 0) continue;
    if (!json_object_get(body, guarded_members[i].member)) continue;
    if (!role_permits(request->caller.role, guarded_members[i].permission))
      return error_field(err, RC_FORBIDDEN, guarded_members[i].member, "the role %s may not set %s",
                         request->caller.role, guarded_members[i].member);
  }
  return RC_OK;
}

static enum rc check_body(struct request *request, json_t *body, struct error *err) {
  const char *card = request->route->refuses_cards ? card_number_in(body) : NULL;
  if (card) return error_field(err, RC_VALIDATION, card, "%s must be a gateway's token, never a card number", card);
  TRY(check_members(request, body, err));
  return request_check_schema(request, request->route->command, err);
}

/* ---- which command it is ---- */

/* The aggregate's id: the path's, or the one that the path's key stands for; a fresh one for a creation. */
static enum rc find_subject(struct request *request, struct uuid *ret_subject, struct error *err) {
  const struct statement *statement = request->route->subject;
  const char *key = request->params[0];
  if (statement) {
    PGresult CLEANUP(db_result_release) *found = NULL;
    TRY(tx_exec(&request->tx, statement, PARAMS(key), &found, err));
    bool is_there = row_count(found) == 1 && uuid_parse(row_text(found, 0, 0), ret_subject);
    return is_there ? RC_OK : error_set(err, RC_NOT_FOUND, NULL);
  }
  if (key[0] == '\0' || !uuid_parse(key, ret_subject)) *ret_subject = uuid_new();
  return RC_OK;
}

/* Lost updates: whoever changes a thing may say which version of it they have seen. */
static enum rc read_if_match(const struct request *request, const char **ret_versions, struct error *err) {
  if (request_header(request, "If-Match") && !strchr(request->route->path, '{'))
    return error_field(err, RC_VALIDATION, "If-Match", "If-Match goes with a change of one resource");
  return request_read_if_match(request, ret_versions, err);
}

static enum rc identify(struct request *request, json_t *body, struct command *command, struct error *err) {
  const struct route *route = request->route;
  char now[UTIME_TEXT_MAX];
  TRY(read_if_match(request, &command->versions, err));
  TRY(identity_read(request, command->versions, &command->identity, err));
  command->created_at = arena_strdup(request->arena, utime_format(request->now, now));
  TRY(find_subject(request, &command->subject, err));
  if (route->partition_member)
    command->partition_key = json_string_value(json_object_get(body, route->partition_member));
  return RC_OK;
}

/* ---- what became of it ---- */

static enum rc look_again(struct request *request, const struct command *command, struct outcome *outcome,
                          struct error *err) {
  TRY(request_begin_tenant(request, &request->caller.tenant, err));
  TRY(outcome_find(request, &command->identity, outcome, err));
  return request_commit(request, err);
}

/* ---- sending ---- */

static enum rc leave_marker(struct request *request, struct command *command, bool *ret_is_ours, struct error *err) {
  char subject[UUID_TEXT_MAX];
  struct marker mine = {request->route->command, command->identity.caller, command->identity.body_hash,
                        uuid_format(&command->subject, subject), command->created_at};
  struct marker found;
  enum marker_state state = marker_leave(request, &command->identity.id, &mine, &found);
  *ret_is_ours = state == MARKER_ABSENT;
  if (state != MARKER_PRESENT) return RC_OK;
  if (strcmp(found.body_hash, command->identity.body_hash) != 0) return error_set(err, RC_KEY_REUSED, NULL);
  (void)uuid_parse(found.subject, &command->subject); /* the same thing twice is the same thing */
  return RC_OK;
}

static enum rc produce(struct request *request, const struct command *command, struct error *err) {
  const struct route *route = request->route;
  char id[UUID_TEXT_MAX], tenant[UUID_TEXT_MAX], subject[UUID_TEXT_MAX], now[UTIME_TEXT_MAX];
  uuid_format(&command->subject, subject);
  const struct outgoing message = {
      .topic = topic_name(topic_of_type(route->command)),
      .key = command->partition_key ? command->partition_key : subject,
      .value = request->body,
      .value_length = request->body_length,
      .headers = {[HEADER_SPECVERSION] = "1.0",
                  [HEADER_ID] = uuid_format(&command->identity.id, id),
                  [HEADER_TYPE] = route->command,
                  [HEADER_SOURCE] = "/cloudbill/api",
                  [HEADER_SUBJECT] = subject,
                  [HEADER_TIME] = utime_format(request->now, now),
                  [HEADER_TENANT] = uuid_format(&request->caller.tenant, tenant),
                  [HEADER_DATASCHEMA] = arena_printf(request->arena, "/schemas/commands/%s.json", route->command),
                  [HEADER_TRACEPARENT] = request->traceparent,
                  [HEADER_ACTOR] = command->identity.caller,
                  [HEADER_REPLY_TO] = outcomes_channel(request->api->outcomes),
                  [HEADER_BODY_HASH] = command->identity.body_hash,
                  [HEADER_REQUEST_ID] = request->id,
                  [HEADER_ADDRESS] = request->address,
                  [HEADER_IF_MATCH] = command->versions},
  };
  return producer_send(request->api->producer, &message, &command->identity.id, err);
}

static enum rc send_and_confirm(struct request *request, const struct command *command, struct waiter *waiter,
                                struct error *err) {
  TRY(produce(request, command, err));
  int64_t patience_ms = request->api->settings.delivery_timeout_ms + DELIVERY_MARGIN_MS;
  switch (outcomes_wait_delivery(request->api->outcomes, waiter, patience_ms)) {
  case WAIT_DELIVERED:
  case WAIT_ANNOUNCED: return RC_OK;
  case WAIT_FAILED:
  case WAIT_TIMED_OUT: break;
  }
  return error_set(err, RC_BROKER_UNAVAILABLE, NULL);
}

/* ---- waiting ---- */

static int64_t next_poll_ms(const struct request *request, int64_t poll_ms) {
  if (!outcomes_is_listening(request->api->outcomes)) return DEAF_POLL_MS;
  return poll_ms < FIRST_POLL_MS ? FIRST_POLL_MS : poll_ms * 2 > LAST_POLL_MS ? LAST_POLL_MS : poll_ms * 2;
}

/* Until the outcome is there or the time is over; a database that is away meanwhile is waited for, too. */
static enum rc wait_for(struct request *request, const struct command *command, struct waiter *waiter,
                        struct outcome *outcome, struct error *err) {
  int64_t wait_ms = command->preference.is_async ? 0 : command->preference.wait_s * 1000, poll_ms = 0;
  struct mono began = mono_now();
  for (;;) {
    int64_t left_ms = wait_ms - mono_ms_since(began);
    if (left_ms <= 0 || atomic_load(&request->api->is_draining)) return RC_OK;
    poll_ms = next_poll_ms(request, poll_ms);
    (void)outcomes_wait(request->api->outcomes, waiter, poll_ms < left_ms ? poll_ms : left_ms);
    enum rc rc = look_again(request, command, outcome, err);
    request_end(request);
    if (rc != RC_OK && error_verdict(rc) != VERDICT_RETRY) return rc;
    if (outcome->is_found && !outcome->is_pending) return RC_OK;
  }
}

static enum rc send_and_wait(struct request *request, struct command *command, struct outcome *outcome,
                             struct error *err) {
  struct waiter waiter;
  bool marker_is_ours = false;
  if (!outcome->is_found) TRY(leave_marker(request, command, &marker_is_ours, err));
  outcomes_enlist(request->api->outcomes, &command->identity.id, &waiter);
  enum rc rc = outcome->is_found ? RC_OK : send_and_confirm(request, command, &waiter, err);
  if (rc != RC_OK && marker_is_ours) marker_remove(request, &command->identity.id);
  if (rc == RC_OK) rc = wait_for(request, command, &waiter, outcome, err);
  outcomes_dismiss(request->api->outcomes, &waiter);
  return rc;
}

/* ---- answering ---- */

static void answer_success(struct request *request, struct response *response, const struct outcome *outcome) {
  const struct route *route = request->route;
  json_auto_t *resource = outcome->result ? json_loads(outcome->result, 0, NULL) : NULL;
  const char *id = json_string_value(json_object_get(resource, "id"));
  json_t *version = json_object_get(resource, "version");
  response_data(response, route->success ? route->success : outcome->http_status, outcome->result, NULL);
  if (route->location && id)
    response_header(response, "Location", arena_printf(request->arena, "%s/%s", route->location, id));
  if (json_is_integer(version))
    response_header(response, "ETag", arena_printf(request->arena, "\"%lld\"", (long long)json_integer_value(version)));
}

static const char *pending_json(struct request *request, const struct uuid *id, const char *type,
                                const char *created_at) {
  struct buf CLEANUP(buf_release) json;
  struct json_writer writer;
  char text[UUID_TEXT_MAX];
  buf_init(&json, 4096);
  json_writer_init(&writer, &json);
  json_put_object(&writer, NULL);
  json_put_string(&writer, "id", uuid_format(id, text));
  json_put_string(&writer, "command", type);
  json_put_string(&writer, "status", "pending");
  json_put_string(&writer, "createdAt", created_at);
  json_put_end(&writer);
  return arena_strdup(request->arena, buf_text(&json));
}

static void answer_pending(struct request *request, struct response *response, const struct command *command) {
  char id[UUID_TEXT_MAX];
  response_data(response, 202,
                pending_json(request, &command->identity.id, request->route->command, command->created_at), NULL);
  response_header(response, "Location",
                  arena_printf(request->arena, "/api/operations/%s", uuid_format(&command->identity.id, id)));
}

static void note_preference(struct request *request, struct response *response, const struct preference *preference) {
  if (preference->is_async && response->status == 202)
    response_header(response, "Preference-Applied", "respond-async");
  else if (preference->wait_is_given)
    response_header(response, "Preference-Applied",
                    arena_printf(request->arena, "wait=%lld", (long long)preference->wait_s));
}

void preference_parse(const char *header, struct preference *preference) {
  for (const char *at = header; *at;) {
    at += strspn(at, " \t,");
    size_t length = strcspn(at, ",;");
    while (length > 0 && (at[length - 1] == ' ' || at[length - 1] == '\t')) length--;
    if (length == strlen("respond-async") && strncasecmp(at, "respond-async", length) == 0) {
      preference->is_async = true;
    } else if (length > 5 && length <= 9 && strncasecmp(at, "wait=", 5) == 0 &&
               strspn(at + 5, "0123456789") >= length - 5 && !preference->wait_is_given) {
      int64_t wait_s = strtoll(at + 5, NULL, 10);
      preference->wait_s = wait_s < WAIT_MAX_S ? wait_s : WAIT_MAX_S;
      preference->wait_is_given = true;
    }
    at += strcspn(at, ",");
  }
}

/* Prefer may come in several headers. */
static struct preference read_preference(const struct request *request) {
  struct preference preference = {.wait_s = WAIT_DEFAULT_S};
  for (int i = 0; i < request->http->num_headers; i++)
    if (strcasecmp(request->http->http_headers[i].name, "Prefer") == 0)
      preference_parse(request->http->http_headers[i].value, &preference);
  return preference;
}

/* ---- the handlers ---- */

/* The command of a path that says all there is to say, or of what the client sent. */
static enum rc read_body(struct request *request, json_t **ret_body, struct error *err) {
  const struct route *route = request->route;
  const char *fixed = route->fixed_body;
  struct uuid id;
  if (route->param_member) {
    if (!uuid_parse(request->params[1], &id))
      return error_field(err, RC_VALIDATION, route->param_member, "must be an id");
    fixed = arena_printf(request->arena, "{\"%s\":\"%s\"}", route->param_member, request->params[1]);
  }
  return fixed ? request_parse_fixed(request, fixed, ret_body, err) : request_parse_body(request, ret_body, err);
}

enum rc command_handle(struct request *request, struct response *response, struct error *err) {
  json_auto_t *body = NULL;
  struct command command = {.preference = read_preference(request)};
  struct outcome outcome = {0};
  TRY(read_body(request, &body, err));
  TRY(check_body(request, body, err));
  TRY(identify(request, body, &command, err));
  if (command.identity.is_keyed) TRY(outcome_find(request, &command.identity, &outcome, err));
  TRY(request_commit(request, err));

  bool was_done = outcome.is_found && !outcome.is_pending;
  if (!was_done) TRY(send_and_wait(request, &command, &outcome, err));
  if (!outcome.is_found || outcome.is_pending)
    answer_pending(request, response, &command);
  else if (outcome.error.code)
    response_stored_error(response, &outcome.error);
  else
    answer_success(request, response, &outcome);
  note_preference(request, response, &command.preference);
  return RC_OK;
}

/* One's own, and for those who may read the audit log, everybody's. */
static bool may_see(const struct request *request, const char *caller) {
  return strcmp(caller, caller_actor(request)) == 0 || role_permits(request->caller.role, "audit:read");
}

enum rc operation_handle(struct request *request, struct response *response, struct error *err) {
  struct uuid id;
  struct marker marker;
  PGresult CLEANUP(db_result_release) *found = NULL;
  if (!uuid_parse(request->params[0], &id)) return error_set(err, RC_NOT_FOUND, NULL);
  TRY(tx_exec(&request->tx, &sql_operation_get, PARAMS(request->params[0]), &found, err));
  TRY(request_commit(request, err));
  if (row_count(found) == 1) {
    if (!may_see(request, row_text(found, 0, 1))) return error_set(err, RC_NOT_FOUND, NULL);
    response_data(response, 200, row_text(found, 0, 0), NULL);
    return RC_OK;
  }
  switch (marker_find(request, &id, &marker)) {
  case MARKER_ABSENT: break;
  case MARKER_AWAY: return error_set(err, RC_UNAVAILABLE, NULL); /* pending or unknown: who can say */
  case MARKER_PRESENT:
    if (!may_see(request, marker.caller)) break;
    response_data(response, 200, pending_json(request, &id, marker.type, marker.created_at), NULL);
    return RC_OK;
  }
  return error_set(err, RC_NOT_FOUND, NULL);
}
