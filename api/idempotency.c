/* See idempotency.h. */
#include "idempotency.h"

#include <string.h>

#include "auth.h"
#include "base/digest.h"
#include "sql.h"

enum { KEY_MAX = 255 };

static enum rc read_key(const struct request *request, const char **ret_key, struct error *err) {
  static const char field[] = "Idempotency-Key";
  const char *key = request_header(request, field);
  if (!key) return RC_OK;
  size_t length = strlen(key);
  for (size_t i = 0; i < length; i++)
    if (key[i] < 0x21 || key[i] > 0x7E) length = 0;
  if (length == 0 || length > KEY_MAX)
    return error_field(err, RC_VALIDATION, field, "%s must have 1 to %d visible ASCII characters", field, KEY_MAX);
  *ret_key = key;
  return RC_OK;
}

static const char *hash_request(struct request *request, const char *versions) {
  char digest[SHA256_HEX_MAX];
  const char *head = arena_printf(request->arena, "%s %s%s%s\n", method_name(request->method), request->path,
                                  versions ? "\nIf-Match: " : "", versions ? versions : "");
  size_t head_length = strlen(head);
  char *whole = arena_alloc(request->arena, head_length + request->body_length + 1);
  memcpy(whole, head, head_length);
  memcpy(whole + head_length, request->body, request->body_length);
  return arena_strdup(request->arena, sha256_hex(whole, head_length + request->body_length, digest));
}

enum rc identity_read(struct request *request, const char *versions, struct identity *ret_identity, struct error *err) {
  const char *key = NULL, *caller = caller_actor(request);
  char tenant[UUID_TEXT_MAX];
  TRY(read_key(request, &key, err));
  *ret_identity = (struct identity){
      .id = key ? UUID_DERIVE("command", uuid_format(&request->caller.tenant, tenant), caller, key) : uuid_new(),
      .is_keyed = key != NULL,
      .caller = caller,
      .body_hash = hash_request(request, versions)};
  return RC_OK;
}

enum rc outcome_find(struct request *request, const struct identity *identity, struct outcome *outcome,
                     struct error *err) {
  PGresult CLEANUP(db_result_release) *found = NULL;
  TRY(tx_exec(&request->tx, &sql_command_outcome, PARAMS(db_uuid(request->arena, &identity->id)), &found, err));
  if (row_count(found) == 0) return RC_OK;
  if (strcmp(row_text(found, 0, 0), identity->body_hash) != 0) return error_set(err, RC_KEY_REUSED, NULL);
  *outcome = (struct outcome){
      .is_found = true,
      .is_pending = strcmp(row_text(found, 0, 1), "pending") == 0,
      .http_status = (int)row_int(found, 0, 2),
      .result = row_text_copy(request->arena, found, 0, 3),
      .error = {.status = (int)row_int(found, 0, 2),
                .code = row_text_copy(request->arena, found, 0, 4),
                .text = row_text_copy(request->arena, found, 0, 5),
                .field = row_text_copy(request->arena, found, 0, 6),
                .details = row_text_copy(request->arena, found, 0, 7)},
  };
  return RC_OK;
}

enum rc outcome_store(struct request *request, const struct identity *identity, const char *type, int http_status,
                      const char *result, struct error *err) {
  struct arena *arena = request->arena;
  if (!identity->is_keyed) return RC_OK;
  return tx_exec(&request->tx, &sql_command_insert,
                 PARAMS(db_uuid(arena, &request->caller.tenant), db_uuid(arena, &identity->id), type, identity->caller,
                        identity->body_hash, db_int(arena, http_status), result, request->id, request->address,
                        db_utime(arena, request->now)),
                 NULL, err);
}
