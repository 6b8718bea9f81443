/* One message of the bus: CloudEvents 1.0 in Kafka's binary mode. The attributes are headers, the value is JSON.
 *
 *   ce_specversion 1.0      ce_id uuid        ce_type "subscription.create"   ce_source "/cloudbill/api"
 *   ce_subject id of the aggregate            ce_time RFC 3339                ce_tenantid uuid
 *   ce_dataschema "/schemas/commands/subscription.create.json"                traceparent (W3C), optional
 * and ours, on commands from the API:
 *   ce_actor "user:<id>"    ce_replyto Redis channel (its presence asks for an outcome)   ce_bodyhash SHA-256
 *   ce_requestid            ce_address of the client
 *   ce_ifmatch  the versions of its subject that the command is meant for, separated by commas; absent: any
 *   ce_testclock            the test clock of the customer that it is about, on what workers say to each other
 * A dead letter is the original message with its headers, and dlq_* beside them: why, who, from where, since when.
 */
#ifndef BUS_MESSAGE_H
#define BUS_MESSAGE_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/decimal.h"
#include "base/error.h"
#include "base/time.h"
#include "base/uuid.h"

/* Headers in the order of enum header; the names are fixed. */
#define MESSAGE_HEADERS(X)                        \
  X(HEADER_SPECVERSION, "ce_specversion")         \
  X(HEADER_ID, "ce_id")                           \
  X(HEADER_TYPE, "ce_type")                       \
  X(HEADER_SOURCE, "ce_source")                   \
  X(HEADER_SUBJECT, "ce_subject")                 \
  X(HEADER_TIME, "ce_time")                       \
  X(HEADER_TENANT, "ce_tenantid")                 \
  X(HEADER_DATASCHEMA, "ce_dataschema")           \
  X(HEADER_TRACEPARENT, "traceparent")            \
  X(HEADER_ACTOR, "ce_actor")                     \
  X(HEADER_REPLY_TO, "ce_replyto")                \
  X(HEADER_BODY_HASH, "ce_bodyhash")              \
  X(HEADER_REQUEST_ID, "ce_requestid")            \
  X(HEADER_ADDRESS, "ce_address")                 \
  X(HEADER_IF_MATCH, "ce_ifmatch")                \
  X(HEADER_TEST_CLOCK, "ce_testclock")            \
  X(HEADER_DLQ_ID, "dlq_id")                      \
  X(HEADER_DLQ_REASON, "dlq_reason")              \
  X(HEADER_DLQ_CODE, "dlq_errorcode")             \
  X(HEADER_DLQ_WORKER, "dlq_worker")              \
  X(HEADER_DLQ_TOPIC, "dlq_topic")                \
  X(HEADER_DLQ_PARTITION, "dlq_partition")        \
  X(HEADER_DLQ_OFFSET, "dlq_offset")              \
  X(HEADER_DLQ_FIRST_FAILURE, "dlq_firstfailure") \
  X(HEADER_DLQ_LAST_FAILURE, "dlq_lastfailure")   \
  X(HEADER_DLQ_ATTEMPTS, "dlq_attempts")

enum header {
#define X(header, name) header,
  MESSAGE_HEADERS(X)
#undef X
      HEADER_COUNT
};
const char *header_name(enum header header);

enum { MESSAGE_VALUE_MAX = 1024 * 1024, MESSAGE_HEADER_MAX = 1024, MESSAGE_KEY_MAX = 255 };

/* A message on its way out; texts must live until it has been handed over. */
struct outgoing {
  const char *topic;
  const char *key;
  const char *value;
  size_t value_length;
  const char *headers[HEADER_COUNT]; /* NULL: not sent */
};

/* A received message. Raw parts and decoded ones; all of it lives in the batch's arena. Key and headers are UTF-8
 * without NUL always, cut to their maximum, with '?' for what was not; then the message has a flaw. The value is as it
 * came, of any length and content, with a NUL behind it. */
struct message {
  const char *topic;
  int32_t partition;
  int64_t offset;
  const char *key; /* "" when it had none */
  const char *value;
  size_t value_length;
  const char *headers[HEADER_COUNT]; /* NULL: absent */
  const char *flaw;                  /* what bus_poll found wrong with key or headers, for message_decode; else NULL */
  /* set by message_decode */
  struct uuid id;
  struct uuid tenant;
  const char *type;
  const char *subject;
  struct utime time;
  json_t *json; /* exact: fractional numbers are marked strings (base/json_text.h) */
};

/* Checks and fills the decoded part: RC_BAD_MESSAGE with the reason. The caller releases message->json with
 * json_decref. */
MUST_CHECK enum rc message_decode(struct message *message, struct error *err);

/* RC_PRECONDITION_FAILED when the sender expects other versions of the thing than this one (ce_ifmatch: "3" or "3,4").
 * A handler of a command on something that is there asks this when it has locked it: after 404, before 409. */
MUST_CHECK enum rc message_expect_version(const struct message *message, int64_t version, struct error *err);

/* What an outbox row holds of it, beside others: name and bytes of each of its parts, binary. Appended. */
struct buf;
void outgoing_pack(const struct outgoing *message, struct buf *out);
/* Reads the message that begins at *at, copied into the arena, and moves on behind it. RC_BAD_MESSAGE for what
 * outgoing_pack did not write. */
MUST_CHECK enum rc outgoing_unpack(const char **at, size_t *left, struct arena *arena, struct outgoing *ret_message,
                                   struct error *err);

/* A value: an object, its numbers exact. The caller releases it. */
MUST_CHECK enum rc body_parse(const char *value, size_t length, json_t **ret_json, struct error *err);
/* That of a message of this type, as message_decode reads it. In an invoice.create the member of lines that is only
 * stored, `provenance`, an object, is set aside (base/json_text.h): message_beside. Others may have a member of that
 * name: their sender's own. */
MUST_CHECK enum rc message_parse(const struct message *message, const char *type, json_t **ret_json, struct error *err);

/* Members of a command's or event's body. The exact number of a decimal, int, marked or plain string as text, or NULL
 * when the member is absent or null; RC_VALIDATION naming the field when it is of another type. Texts live as long as
 * the body, which body_decimal may change: an integer becomes the marked string that reads as the same number. */
MUST_CHECK enum rc body_decimal(json_t *body, const char *field, const char **ret_text, struct error *err);
/* The same as a number; ret_ is left as it is when the member is absent or null. */
MUST_CHECK enum rc body_price(json_t *body, const char *field, struct decimal *ret_price, struct error *err);
MUST_CHECK enum rc body_quantity(json_t *body, const char *field, struct quantity *ret_quantity, struct error *err);
MUST_CHECK enum rc body_text(json_t *body, const char *field, const char **ret_text, struct error *err);
MUST_CHECK enum rc body_int(json_t *body, const char *field, int64_t least, int64_t most, int64_t default_value,
                            int64_t *ret_value, struct error *err);
MUST_CHECK enum rc body_bool(json_t *body, const char *field, bool default_value, bool *ret_value, struct error *err);
MUST_CHECK enum rc body_uuid(json_t *body, const char *field, struct uuid *ret_id, bool *ret_present,
                             struct error *err);
/* A member (object, array, anything) as JSON text with its exact numbers, in the arena; NULL when absent or null. */
const char *body_json(struct arena *arena, json_t *body, const char *field);
/* The same of a whole value, appended. */
void body_write(json_t *value, struct buf *out);
/* The text of that member of a body in an invoice.create as it came, in the arena; NULL when absent. */
const char *message_beside(struct arena *arena, const struct message *message, json_t *body);

#endif
