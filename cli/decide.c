/* The decision goes through Kafka, so that the worker does it once, with its audit row and its event, whoever asks. A
 * letter whose tenant is unknown (a header that lied) is nobody's: it can only be dropped, and is, here. */
#include "decide.h"

#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/assert.h"
#include "bus/bus.h"
#include "cli.h"
#include "sql.h"

enum { POLL_MS = 50, FLUSH_MS = 5000, ARENA_MAX = 1024 * 1024, ACTOR_MAX = 64 };

/* "operator:<login>": who did it, for the audit log. */
static const char *actor(char text[static ACTOR_MAX]) {
  struct passwd entry, *found = NULL;
  char names[1024];
  (void)getpwuid_r(getuid(), &entry, names, sizeof names, &found);
  (void)snprintf(text, ACTOR_MAX, "operator:%.48s", found ? found->pw_name : "?");
  return text;
}

static enum rc find_owner(struct db *db, const char *id, struct uuid *ret_tenant, struct error *err) {
  struct tx CLEANUP(tx_release) tx = {0};
  PGresult CLEANUP(db_result_release) *found = NULL;
  struct uuid parsed;
  if (!uuid_parse(id, &parsed)) return error_field(err, RC_VALIDATION, "ID", "ID is not a UUID");
  TRY(tx_begin(db, &tx, err));
  TRY(tx_exec(&tx, &sql_dead_letter_find, PARAMS(id), &found, err));
  if (row_count(found) == 0) return error_set(err, RC_NOT_FOUND, "there is no dead letter %s", id);
  if (strcmp(row_text(found, 0, 1), "dead") != 0)
    return error_set(err, RC_CONFLICT, "the dead letter was %s already", row_text(found, 0, 1));
  *ret_tenant = row_uuid(found, 0, 0);
  return tx_commit(&tx, err);
}

static enum rc drop_unowned(struct db *db, const char *verb, const char *id, struct error *err) {
  struct tx CLEANUP(tx_release) tx = {0};
  char who[ACTOR_MAX];
  if (strcmp(verb, "drop") != 0) return error_set(err, RC_CONFLICT, "its tenant is unknown: it would only come back");
  TRY(tx_begin(db, &tx, err));
  TRY(tx_exec(&tx, &sql_dead_letter_drop_unowned, PARAMS(id, actor(who)), NULL, err));
  return tx_commit(&tx, err);
}

struct delivery {
  bool is_told;
  enum rc result;
};

static void note_delivery(void *context, void *opaque, enum rc result, const char *reason) {
  struct delivery *delivery = opaque;
  (void)context, (void)reason;
  *delivery = (struct delivery){true, result};
}

static enum rc produce(const struct outgoing *message, struct error *err) {
  const char *brokers = environment("KAFKA_BROKERS");
  struct bus_producer *producer;
  struct delivery delivery = {0};
  if (!brokers) return error_field(err, RC_INVALID_SETTING, "KAFKA_BROKERS", "KAFKA_BROKERS must be set");
  struct bus_producer_options options = {
      .brokers = brokers, .client_id = "cloudbill-cli", .message_timeout_ms = FLUSH_MS, .delivered = note_delivery};
  TRY(bus_producer_new(&options, &producer, err));
  enum rc rc = bus_produce(producer, message, &delivery, err);
  bus_producer_free(producer, FLUSH_MS); /* tells about what is left */
  if (rc != RC_OK) return rc;
  if (delivery.is_told && delivery.result == RC_OK) return RC_OK;
  return error_set(err, RC_BROKER_UNAVAILABLE, "Kafka did not take the command");
}

/* Somebody waits, so that the outcome is stored; not on Redis. */
static enum rc send_command(const char *verb, const char *id, const struct uuid *tenant, const struct uuid *command,
                            struct error *err) {
  char type[32], schema[64], who[ACTOR_MAX], time[UTIME_TEXT_MAX], tenant_id[UUID_TEXT_MAX], command_id[UUID_TEXT_MAX];
  (void)snprintf(type, sizeof type, "dead-letter.%s", verb);
  (void)snprintf(schema, sizeof schema, "/schemas/commands/%s.json", type);
  struct outgoing message = {.topic = topic_name(topic_of_type(type)),
                             .key = id,
                             .value = "{}",
                             .value_length = 2,
                             .headers = {[HEADER_SPECVERSION] = "1.0",
                                         [HEADER_ID] = uuid_format(command, command_id),
                                         [HEADER_TYPE] = type,
                                         [HEADER_SOURCE] = "/cloudbill/cli",
                                         [HEADER_SUBJECT] = id,
                                         [HEADER_TIME] = utime_format(utime_now(), time),
                                         [HEADER_TENANT] = uuid_format(tenant, tenant_id),
                                         [HEADER_DATASCHEMA] = schema,
                                         [HEADER_ACTOR] = actor(who),
                                         [HEADER_REPLY_TO] = "cloudbill-cli"}};
  return produce(&message, err);
}

static enum rc look(struct db *db, struct arena *arena, const struct uuid *tenant, const struct uuid *command,
                    bool *ret_is_done, struct error *err) {
  struct tx CLEANUP(tx_release) tx = {0};
  PGresult CLEANUP(db_result_release) *found = NULL;
  TRY(tx_begin(db, &tx, err));
  TRY(tx_exec(&tx, &sql_command_outcome, PARAMS(db_uuid(arena, tenant), db_uuid(arena, command)), &found, err));
  TRY(tx_commit(&tx, err));
  *ret_is_done = row_count(found) == 1;
  if (!*ret_is_done || strcmp(row_text(found, 0, 0), "succeeded") == 0) return RC_OK;
  return error_set(err, RC_CONFLICT, "%s", row_text(found, 0, 1));
}

static enum rc wait_for_outcome(struct db *db, const struct uuid *tenant, const struct uuid *command,
                                struct error *err) {
  struct arena CLEANUP(arena_release) arena;
  arena_init(&arena, ARENA_MAX);
  for (struct mono start = mono_now(); mono_ms_since(start) < DECISION_WAIT_MS; sleep_ms(POLL_MS)) {
    bool is_done = false;
    TRY(look(db, &arena, tenant, command, &is_done, err));
    if (is_done) return RC_OK;
    arena_reset(&arena);
  }
  return error_set(err, RC_UNAVAILABLE, "no worker has reached it yet: it will be done when one does");
}

enum rc decide_dead_letter(struct db *db, const char *verb, const char *id, struct error *err) {
  struct uuid tenant, command = uuid_new();
  TRY(find_owner(db, id, &tenant, err));
  if (uuid_is_nil(&tenant)) return drop_unowned(db, verb, id, err);
  TRY(send_command(verb, id, &tenant, &command, err));
  return wait_for_outcome(db, &tenant, &command, err);
}
