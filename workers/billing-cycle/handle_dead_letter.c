/* dead-letter.replay and dead-letter.drop: what somebody decided about a message that could not be processed. A replay
 * sends the original once more, under an id of its own, to the topic that it came from. */
#include <string.h>

#include "base/assert.h"
#include "base/digest.h"
#include "customer_billing.h"
#include "handlers.h"
#include "sql.h"

static enum rc load_dead(struct work *work, const struct message *command, PGresult **ret_row, struct error *err) {
  PGresult CLEANUP(db_result_release) *row = NULL;
  TRY(tx_exec(work->tx, &sql_dead_letter_lock, PARAMS(db_uuid(work->arena, &command->tenant), command->subject), &row,
              err));
  if (row_count(row) == 0) return error_set(err, RC_NOT_FOUND, "there is no dead letter %s", command->subject);
  TRY(message_expect_version(command, row_int(row, 0, 5), err));
  if (strcmp(row_text(row, 0, 0), "dead") != 0)
    return error_set(err, RC_CONFLICT, "the dead letter was %s already", row_text(row, 0, 0));
  *ret_row = row;
  row = NULL;
  return RC_OK;
}

static size_t bytes_of_hex(struct arena *arena, const char *hex, const char **ret_bytes) {
  size_t length = strlen(hex);
  char *bytes = arena_alloc(arena, length / 2 + 1);
  bool is_hex = hex_read(hex, length, (uint8_t *)bytes);
  ASSERT(is_hex); /* encode() wrote it */
  *ret_bytes = bytes;
  return length / 2;
}

/* The id of the message that a letter is sent again as. */
static const char *replay_of(struct arena *arena, const char *letter) {
  struct uuid id = UUID_DERIVE("replay", letter);
  return db_uuid(arena, &id);
}

/* Nobody waits for the outcome any more, and the first id may have an outcome: a new id, and no reply. */
static void send_again(struct work *work, const struct message *command, const PGresult *row) {
  struct arena *arena = work->arena;
  struct outgoing again = {.topic = arena_strdup(arena, row_text(row, 0, 1)),
                           .key = arena_strdup(arena, row_text(row, 0, 2))};
  json_t *headers = json_loads(row_text(row, 0, 3), 0, NULL);
  for (int h = 0; h < HEADER_COUNT; h++) {
    const char *value = json_string_value(json_object_get(headers, header_name((enum header)h)));
    if (value) again.headers[h] = arena_strdup(arena, value);
  }
  json_decref(headers);
  again.headers[HEADER_ID] = replay_of(arena, command->subject);
  again.headers[HEADER_REPLY_TO] = NULL;
  again.value_length = bytes_of_hex(arena, row_text(row, 0, 4), &again.value);
  emit_message(work, &again);
}

static enum rc resolve(struct work *work, const struct message *command, const char *status, const char *type,
                       struct error *err) {
  struct arena *arena = work->arena;
  const char *tenant = db_uuid(arena, &command->tenant);
  const char *actor = command->headers[HEADER_ACTOR] ? command->headers[HEADER_ACTOR] : command->headers[HEADER_SOURCE];
  TRY(tx_exec(work->tx, &sql_dead_letter_resolve,
              PARAMS(tenant, command->subject, status, actor, db_utime(arena, work->now)), NULL, err));
  PGresult CLEANUP(db_result_release) *resource = NULL;
  TRY(tx_exec(work->tx, &sql_dead_letter_resource, PARAMS(tenant, command->subject), &resource, err));
  reply(work, command, 200, "dead-letter", command->subject, row_text(resource, 0, 0));
  emit(work,
       &(struct emission){.type = type,
                          .id = UUID_DERIVE(type, command->subject),
                          .tenant = command->tenant,
                          .subject = command->subject,
                          .key = command->subject,
                          .json = arena_printf(arena, "{\"deadLetterId\":\"%s\",\"version\":2}", command->subject),
                          .cause = command});
  return RC_OK;
}

enum rc handle_dead_letter_replay(struct work *work, struct message *const *messages, size_t count, struct error *err) {
  (void)count;
  PGresult CLEANUP(db_result_release) *row = NULL;
  TRY(load_dead(work, messages[0], &row, err));
  send_again(work, messages[0], row);
  return resolve(work, messages[0], "replayed", "dead-letter.replayed", err);
}

/* -- an invoice that will never be -- */

enum { LETTER, STATUS, MESSAGE, INVOICE }; /* columns of dead_letters_hold_alike.sql */

static bool has_died(const PGresult *letters, const char *message) {
  for (int r = 0; r < row_count(letters); r++)
    if (strcmp(row_text(letters, r, MESSAGE), message) == 0) return true;
  return false;
}

/* What the outbox sent twice may have two letters, and what is sent again and dies has another: an invoice may still
 * come of each that is dead, and of a replay that has not died. */
static bool is_last(struct arena *arena, const PGresult *letters, const char *dropped) {
  for (int r = 0; r < row_count(letters); r++) {
    const char *letter = row_text(letters, r, LETTER), *status = row_text(letters, r, STATUS);
    if (strcmp(letter, dropped) == 0) continue;
    if (strcmp(status, "dead") == 0) return false;
    if (strcmp(status, "replayed") == 0 && !has_died(letters, replay_of(arena, letter))) return false;
  }
  return row_count(letters) > 0;
}

/* A billing run does not wait any more for it. */
static enum rc tell_run(struct work *work, const struct message *command, const PGresult *row,
                        const struct uuid *invoice, struct error *err) {
  struct arena *arena = work->arena;
  if (row_is_null(row, 0, 6)) return RC_OK;
  return tx_exec(work->tx, &sql_run_note_dropped,
                 PARAMS(db_uuid(arena, &command->tenant), row_text(row, 0, 6), process_instance(work->process),
                        db_uuid(arena, invoice)),
                 NULL, err);
}

/* Nor does a subscription for its first payment (BILL-051): all lines of its first invoice are its own. */
static enum rc tell_subscription(struct work *work, const struct message *command, const PGresult *row,
                                 struct error *err) {
  struct error ignored;
  const char *value, *subscription, *customer, *tenant = db_uuid(work->arena, &command->tenant);
  struct uuid id;
  json_t *body;
  size_t length = bytes_of_hex(work->arena, row_text(row, 0, 4), &value);
  if (body_parse(value, length, &body, &ignored) != RC_OK) return RC_OK;
  json_auto_t *parsed = body;
  subscription =
      json_string_value(json_object_get(json_array_get(json_object_get(parsed, "lines"), 0), "subscriptionId"));
  if (!subscription || !uuid_parse(subscription, &id)) return RC_OK;
  enum rc found = customer_billing_hold_of(work, tenant, subscription, &customer, NULL, err);
  if (found != RC_OK) return found == RC_NOT_FOUND ? RC_OK : found;
  return tx_exec(work->tx, &sql_incomplete_end_wait, PARAMS(tenant, subscription), NULL, err);
}

enum rc handle_dead_letter_drop(struct work *work, struct message *const *messages, size_t count, struct error *err) {
  (void)count;
  const struct message *command = messages[0];
  struct uuid invoice;
  PGresult CLEANUP(db_result_release) *letters = NULL, CLEANUP(db_result_release) *row = NULL;
  TRY(tx_exec(work->tx, &sql_dead_letters_hold_alike, PARAMS(db_uuid(work->arena, &command->tenant), command->subject),
              &letters, err));
  TRY(load_dead(work, command, &row, err));
  if (is_last(work->arena, letters, command->subject) && uuid_parse(row_text(letters, 0, INVOICE), &invoice)) {
    TRY(tell_subscription(work, command, row, err));
    TRY(tell_run(work, command, row, &invoice, err)); /* last, as a run counts after it has billed */
  }
  return resolve(work, command, "dropped", "dead-letter.dropped", err);
}
