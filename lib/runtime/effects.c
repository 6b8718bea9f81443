/* Collecting, writing and publishing what a unit of work says to the world. Arrays grow in the work's arena. */
#include "runtime/effects.h"

#include <string.h>

#include "base/assert.h"
#include "base/json_text.h"
#include "base/log.h"
#include "db/columns.h"
#include "runtime/clock.h"
#include "runtime_sql.h"

static const char NOBODY[] = "";

struct effects *effects_new(struct arena *arena) {
  struct effects *effects = ARENA_NEW(arena, struct effects);
  effects->arena = arena;
  return effects;
}

/* The next free element of an array that doubles in the arena. */
static void *grow(struct arena *arena, void *array, size_t count, size_t *capacity, size_t size) {
  if (count < *capacity) return array;
  size_t wanted = *capacity ? 2 * *capacity : 16;
  void *grown = arena_alloc_array(arena, wanted, size);
  if (count) memcpy(grown, array, count * size);
  *capacity = wanted;
  return grown;
}

static struct outgoing *new_message(struct effects *effects) {
  effects->messages = grow(effects->arena, effects->messages, effects->message_count, &effects->message_capacity,
                           sizeof *effects->messages);
  struct outgoing *message = &effects->messages[effects->message_count++];
  *message = (struct outgoing){0};
  return message;
}

static struct outcome *new_outcome(struct effects *effects) {
  effects->outcomes = grow(effects->arena, effects->outcomes, effects->outcome_count, &effects->outcome_capacity,
                           sizeof *effects->outcomes);
  struct outcome *outcome = &effects->outcomes[effects->outcome_count++];
  *outcome = (struct outcome){0};
  return outcome;
}

static const char *keep_uuid(struct arena *arena, const struct uuid *id) {
  return db_uuid(arena, id);
}

/* -- messages -- */

static bool is_command(const char *topic) {
  static const char suffix[] = ".commands";
  size_t length = strlen(topic);
  return length > sizeof suffix && strcmp(topic + length - (sizeof suffix - 1), suffix) == 0;
}

/* What follows from the type alone. */
static void name_type(struct work *work, const char *type) {
  struct effects *effects = work->effects;
  if (effects->type && strcmp(effects->type, type) == 0) return;
  enum topic topic = topic_of_type(type);
  ASSERT(topic != TOPIC_COUNT);
  effects->type = type;
  effects->topic = topic_name(topic);
  effects->source = arena_printf(work->arena, "/cloudbill/%s", process_name(work->process));
  effects->dataschema =
      arena_printf(work->arena, "/schemas/%s/%s.json", is_command(effects->topic) ? "commands" : "events", type);
}

void emit(struct work *work, const struct emission *emission) {
  struct arena *arena = work->arena;
  char now[UTIME_TEXT_MAX];
  name_type(work, emission->type);
  struct outgoing *message = new_message(work->effects);
  message->topic = work->effects->topic;
  message->key = arena_strdup(arena, emission->key);
  message->value = arena_strdup(arena, emission->json);
  message->value_length = strlen(emission->json);
  const char **headers = message->headers;
  headers[HEADER_SPECVERSION] = "1.0";
  headers[HEADER_ID] = keep_uuid(arena, &emission->id);
  headers[HEADER_TYPE] = emission->type;
  headers[HEADER_SOURCE] = work->effects->source;
  headers[HEADER_SUBJECT] = arena_strdup(arena, emission->subject);
  headers[HEADER_TIME] = arena_strdup(arena, utime_format(work->now, now));
  headers[HEADER_TENANT] = keep_uuid(arena, &emission->tenant);
  headers[HEADER_TEST_CLOCK] = uuid_is_nil(&work->clock) ? NULL : keep_uuid(arena, &work->clock);
  headers[HEADER_DATASCHEMA] = work->effects->dataschema;
  if (!emission->cause) return;
  headers[HEADER_TRACEPARENT] = emission->cause->headers[HEADER_TRACEPARENT];
  headers[HEADER_ACTOR] = emission->cause->headers[HEADER_ACTOR];
  headers[HEADER_REQUEST_ID] = emission->cause->headers[HEADER_REQUEST_ID];
}

void emit_message(struct work *work, const struct outgoing *message) {
  *new_message(work->effects) = *message;
}

/* -- outcomes -- */

static const char *header_or_empty(const struct message *message, enum header header) {
  return message->headers[header] ? message->headers[header] : NOBODY;
}

static struct outcome *outcome_of(struct work *work, const struct message *message, const char *status) {
  struct outcome *outcome = new_outcome(work->effects);
  *outcome = (struct outcome){.tenant = message->tenant,
                              .command_id = message->id,
                              .type = message->type,
                              .caller = header_or_empty(message, HEADER_ACTOR),
                              .body_hash = header_or_empty(message, HEADER_BODY_HASH),
                              .reply_to = header_or_empty(message, HEADER_REPLY_TO),
                              .request_id = header_or_empty(message, HEADER_REQUEST_ID),
                              .address = header_or_empty(message, HEADER_ADDRESS),
                              .status = status,
                              .resource_type = NOBODY,
                              .resource_id = message->subject};
  return outcome;
}

static void set_resource(struct work *work, struct outcome *outcome, int http_status, const char *type, const char *id,
                         const char *json) {
  outcome->http_status = http_status;
  outcome->resource_type = type;
  outcome->resource_id = arena_strdup(work->arena, id);
  outcome->resource_json = arena_strdup(work->arena, json);
}

/* What went wrong inside is for the log and the dead letter: a caller sees no statement and no state of ours. */
static bool is_internal(enum rc code) {
  return code == RC_CONSTRAINT || code == RC_INVARIANT || code == RC_BUG;
}

static void set_error(struct work *work, struct outcome *outcome, const struct error *error) {
  struct error public;
  if (is_internal(error->code)) {
    LOG(LOG_ERROR, "command.failed", LOG_TEXT("code", error_name(error->code)), LOG_TEXT("text", error->text));
    error_set(&public, error->code == RC_CONSTRAINT ? RC_CONSTRAINT : RC_BUG, NULL);
    error = &public;
  }
  outcome->http_status = error_http_status(error->code);
  outcome->error_code = error_name(error->code);
  outcome->error_text = arena_strdup(work->arena, error->text);
  outcome->error_field = arena_strdup(work->arena, error->field);
  outcome->error_details = arena_strdup(work->arena, error->details);
}

static bool somebody_waits(const struct message *message) {
  return message->headers[HEADER_REPLY_TO] != NULL;
}

void reply(struct work *work, const struct message *message, int http_status, const char *resource_type,
           const char *resource_id, const char *resource_json) {
  if (!somebody_waits(message)) return;
  set_resource(work, outcome_of(work, message, "succeeded"), http_status, resource_type, resource_id, resource_json);
}

void reject(struct work *work, const struct message *message, const struct error *error) {
  if (!somebody_waits(message)) {
    LOG(LOG_WARN, "message.rejected", LOG_TEXT("type", message->type), LOG_TEXT("code", error_name(error->code)),
        LOG_TEXT("text", error->text));
    return;
  }
  set_error(work, outcome_of(work, message, "failed"), error);
}

void defer(struct work *work, const struct message *message) {
  if (somebody_waits(message)) outcome_of(work, message, "pending");
}

static struct outcome *completion_of(struct work *work, const struct uuid *tenant, const struct uuid *command_id,
                                     const char *status) {
  struct outcome *outcome = new_outcome(work->effects);
  *outcome = (struct outcome){.tenant = *tenant,
                              .command_id = *command_id,
                              .is_completion = true,
                              .status = status,
                              .resource_type = NOBODY,
                              .resource_id = NOBODY};
  return outcome;
}

void complete(struct work *work, const struct uuid *tenant, const struct uuid *command_id, int http_status,
              const char *resource_type, const char *resource_id, const char *resource_json) {
  set_resource(work, completion_of(work, tenant, command_id, "succeeded"), http_status, resource_type, resource_id,
               resource_json);
}

void complete_rejected(struct work *work, const struct uuid *tenant, const struct uuid *command_id,
                       const struct error *error) {
  set_error(work, completion_of(work, tenant, command_id, "failed"), error);
}

/* -- dead letters -- */

/* What a stranger wrote into a header must not keep its dead letter out of the database: ASCII only. */
static const char *printable(struct arena *arena, const char *text) {
  char *clean = arena_strdup(arena, text);
  for (char *at = clean; *at; at++)
    if (*at < ' ' || *at > '~') *at = '?';
  return clean;
}

/* A message on its way into the dead letters, and why. */
struct burial {
  const struct message *message;
  struct uuid id;
  const char *reason, *code, *history;
  int attempts;
  struct utime first_failure;
};

/* The copy for <topic>.dlq: the original and, beside it, why. */
static void emit_dead_letter(struct work *work, const struct burial *burial) {
  struct arena *arena = work->arena;
  const struct message *original = burial->message;
  char time[UTIME_TEXT_MAX];
  struct outgoing *letter = new_message(work->effects);
  letter->topic = arena_printf(arena, "%s%s", original->topic, DLQ_SUFFIX);
  letter->key = printable(arena, original->key);
  letter->value = original->value;
  letter->value_length = original->value_length;
  for (int h = 0; h < HEADER_COUNT; h++)
    if (original->headers[h]) letter->headers[h] = printable(arena, original->headers[h]);
  letter->headers[HEADER_DLQ_ID] = keep_uuid(arena, &burial->id);
  letter->headers[HEADER_DLQ_REASON] = printable(arena, burial->reason);
  letter->headers[HEADER_DLQ_CODE] = burial->code;
  letter->headers[HEADER_DLQ_WORKER] = process_name(work->process);
  letter->headers[HEADER_DLQ_TOPIC] = original->topic;
  letter->headers[HEADER_DLQ_PARTITION] = db_int(arena, original->partition);
  letter->headers[HEADER_DLQ_OFFSET] = db_int(arena, original->offset);
  letter->headers[HEADER_DLQ_FIRST_FAILURE] = arena_strdup(arena, utime_format(burial->first_failure, time));
  letter->headers[HEADER_DLQ_LAST_FAILURE] = arena_strdup(arena, utime_format(work->real_now, time));
  letter->headers[HEADER_DLQ_ATTEMPTS] = db_int(arena, burial->attempts);
}

static const char *headers_json(struct arena *arena, const struct message *message) {
  struct buf CLEANUP(buf_release) text;
  buf_init(&text, (size_t)HEADER_COUNT * (6 * MESSAGE_HEADER_MAX + 64));
  struct json_writer writer;
  json_writer_init(&writer, &text);
  json_put_object(&writer, NULL);
  for (int h = 0; h < HEADER_COUNT; h++)
    if (message->headers[h])
      json_put_string(&writer, header_name((enum header)h), printable(arena, message->headers[h]));
  json_put_end(&writer);
  return arena_strdup(arena, buf_text(&text));
}

/* The billing run that the message belongs to, or NULL: it is not complete without what the message would have done. */
static const char *run_of(struct arena *arena, const struct message *message) {
  struct uuid run;
  const char *text = message->json ? json_string_value(json_object_get(message->json, "runId")) : NULL;
  return text && uuid_parse(text, &run) ? keep_uuid(arena, &run) : NULL;
}

static enum rc bury_message(struct work *work, const struct burial *burial, struct error *err) {
  struct arena *arena = work->arena;
  const struct message *message = burial->message;
  TRY(tx_exec(work->tx, &runtime_sql_dead_letter_insert,
              PARAMS(db_uuid(arena, &message->tenant), db_uuid(arena, &burial->id), process_name(work->process),
                     message->topic, db_int(arena, message->partition), db_int(arena, message->offset),
                     printable(arena, header_or_empty(message, HEADER_ID)),
                     printable(arena, header_or_empty(message, HEADER_TYPE)), printable(arena, message->key),
                     headers_json(arena, message), db_bytea(arena, message->value, message->value_length),
                     printable(arena, burial->reason), burial->code, db_int(arena, burial->attempts), burial->history,
                     db_utime(arena, burial->first_failure), db_utime(arena, work->real_now), run_of(arena, message)),
              NULL, err));
  emit_dead_letter(work, burial);
  return RC_OK;
}

enum rc effects_bury(struct work *work, const struct message *message, const struct error *why, int attempts,
                     struct utime first_failure, struct error *err) {
  struct arena *arena = work->arena;
  struct burial burial = {.message = message,
                          .id = UUID_DERIVE("dead-letter", process_name(work->process), message->topic,
                                            db_int(arena, message->partition), db_int(arena, message->offset)),
                          .reason = why->text,
                          .code = error_name(why->code),
                          .history = "[]",
                          .attempts = attempts,
                          .first_failure = first_failure};
  return bury_message(work, &burial, err);
}

enum rc bury(struct work *work, const struct dead_letter *letter, struct uuid *ret_id, struct error *err) {
  struct arena *arena = work->arena;
  enum topic topic = topic_of_type(letter->type);
  ASSERT(topic != TOPIC_COUNT);
  struct uuid message_id = uuid_new();
  char now[UTIME_TEXT_MAX];
  struct message message = {.tenant = letter->tenant,
                            .topic = topic_name(topic),
                            .partition = -1, /* it never came from a partition */
                            .offset = -1,
                            .key = arena_strdup(arena, letter->key),
                            .value = arena_strdup(arena, letter->value),
                            .value_length = strlen(letter->value)};
  message.headers[HEADER_SPECVERSION] = "1.0";
  message.headers[HEADER_ID] = keep_uuid(arena, &message_id);
  message.headers[HEADER_TYPE] = letter->type;
  message.headers[HEADER_SOURCE] = arena_printf(arena, "/cloudbill/%s", process_name(work->process));
  message.headers[HEADER_SUBJECT] = arena_strdup(arena, letter->subject);
  message.headers[HEADER_TIME] = arena_strdup(arena, utime_format(work->now, now));
  message.headers[HEADER_TENANT] = keep_uuid(arena, &letter->tenant);
  message.headers[HEADER_DATASCHEMA] = arena_printf(arena, "/schemas/commands/%s.json", letter->type);
  struct burial burial = {.message = &message,
                          .id = message_id,
                          .reason = letter->reason,
                          .code = letter->error_code,
                          .history = letter->history_json,
                          .attempts = letter->attempts,
                          .first_failure = letter->first_failure};
  TRY(bury_message(work, &burial, err));
  *ret_id = message_id;
  return RC_OK;
}

/* -- writing -- */

static enum rc write_new_outcomes(struct work *work, struct error *err) {
  struct arena *arena = work->arena;
  enum { COLUMNS = 18, STATUS_COLUMN = 6 };
  struct db_array *columns[COLUMNS];
  db_arrays_new(arena, columns, COLUMNS);
  for (size_t i = 0; i < work->effects->outcome_count; i++) {
    const struct outcome *o = &work->effects->outcomes[i];
    if (o->is_completion) continue;
    struct uuid audit_id = uuid_new();
    db_array_uuid(columns[0], &o->tenant);
    db_array_uuid(columns[1], &o->command_id);
    const char *before_status[] = {o->type, o->caller, o->body_hash, o->status};
    for (int c = 0; c < 4; c++) db_array_text(columns[2 + c], before_status[c]);
    db_array_int(columns[STATUS_COLUMN], o->http_status);
    const char *after_status[] = {o->resource_json, o->error_code,    o->error_text,  o->error_field, o->error_details,
                                  o->reply_to,      o->resource_type, o->resource_id, o->request_id,  o->address};
    for (int c = 0; c < 10; c++) db_array_text(columns[STATUS_COLUMN + 1 + c], after_status[c]);
    db_array_uuid(columns[17], &audit_id);
  }
  if (db_array_count(columns[0]) == 0) return RC_OK;
  const char *params[COLUMNS + 1];
  db_arrays_literals(columns, COLUMNS, params);
  params[COLUMNS] = db_utime(arena, work->real_now);
  enum rc rc = tx_exec(work->tx, &runtime_sql_commands_insert, params, COLUMNS + 1, NULL, err);
  if (rc != RC_CONSTRAINT) return rc;
  /* The same command came on two partitions at once and the other one was first: run again, see its outcome. */
  return error_set(err, RC_DB_CONFLICT, "a command was completed concurrently");
}

static enum rc write_completion(struct work *work, struct outcome *o, struct error *err) {
  struct arena *arena = work->arena;
  struct uuid audit_id = uuid_new();
  PGresult CLEANUP(db_result_release) *found = NULL;
  TRY(tx_exec(work->tx, &runtime_sql_command_complete,
              PARAMS(db_uuid(arena, &o->tenant), db_uuid(arena, &o->command_id), o->status,
                     db_int(arena, o->http_status), o->resource_json, o->error_code, o->error_text, o->error_field,
                     o->error_details, o->resource_type, o->resource_id, db_uuid(arena, &audit_id),
                     db_utime(arena, work->real_now)),
              &found, err));
  o->reply_to = row_count(found) == 1 ? arena_strdup(arena, row_text(found, 0, 0)) : NOBODY;
  return RC_OK;
}

static void plan_announcements(struct work *work) {
  struct effects *effects = work->effects;
  effects->announcements = ARENA_ARRAY(work->arena, struct announcement, effects->outcome_count);
  for (size_t i = 0; i < effects->outcome_count; i++) {
    const struct outcome *o = &effects->outcomes[i];
    if (*o->reply_to == '\0' || strcmp(o->status, "pending") == 0) continue;
    effects->announcements[effects->announcement_count++] = (struct announcement){o->reply_to, o->command_id};
  }
}

enum rc effects_write(struct work *work, struct error *err) {
  struct effects *effects = work->effects;
  if (effects->outcome_count > 0) {
    TRY(write_new_outcomes(work, err));
    for (size_t i = 0; i < effects->outcome_count; i++)
      if (effects->outcomes[i].is_completion) TRY(write_completion(work, &effects->outcomes[i], err));
    plan_announcements(work);
  }
  if (effects->message_count == 0) return RC_OK;
  const struct worker *worker = work->process->worker;
  if (worker->keep) TRY(worker->keep(work, effects->messages, effects->message_count, err));
  TRY(clock_track_sent(work, effects->messages, effects->message_count, err));
  return outbox_write(work->tx, work->arena, effects->messages, effects->message_count, &effects->shipments,
                      &effects->shipment_count, err);
}

void effects_publish(struct work *work) {
  struct effects *effects = work->effects;
  announce(work->process->announcer, effects->announcements, effects->announcement_count);
  for (size_t i = 0; i < effects->shipment_count; i++) outbox_ship(work->process->outbox, effects->shipments[i]);
  effects->shipment_count = 0;
}

void effects_forget(struct work *work) {
  struct effects *effects = work->effects;
  for (size_t i = 0; i < effects->shipment_count; i++) outbox_discard(effects->shipments[i]);
  effects->shipment_count = 0;
}
