/* The envelope: what strangers may have written is checked here, once, before any handler sees it. Everything wrong
 * with a message is found without crashing, and is told without quoting the message: reasons end up in logs, and
 * personal data does not go there. */
#include "bus/message.h"

#include <endian.h>
#include <errno.h>

#include "base/assert.h"
#include "base/buf.h"
#include "base/digest.h"
#include "base/json_text.h"
#include "bus/client.h"
#include "bus/json_read.h"

enum {
  EXACT_BYTES_MAX = 4 * MESSAGE_VALUE_MAX,     /* "1.5," becomes "\u00011.5", */
  REWRITTEN_BYTES_MAX = 8 * MESSAGE_VALUE_MAX, /* a control character becomes six */
};

static void json_release(json_t **json) {
  json_decref(*json);
}

/* ---- headers ---- */

const char *header_name(enum header header) {
  static const char *const names[] = {
#define X(header, name) name,
      MESSAGE_HEADERS(X)
#undef X
  };
  ASSERT(header < HEADER_COUNT);
  return names[header];
}

static enum rc bad(struct error *err, const char *field, const char *what) {
  return error_field(err, RC_BAD_MESSAGE, field, "%s %s", field, what);
}

static enum rc need_headers(const struct message *message, struct error *err) {
  static const enum header required[] = {HEADER_SPECVERSION, HEADER_ID,   HEADER_TYPE,  HEADER_SOURCE,
                                         HEADER_SUBJECT,     HEADER_TIME, HEADER_TENANT};
  for (size_t i = 0; i < sizeof required / sizeof required[0]; i++) {
    const char *value = message->headers[required[i]];
    if (value == NULL || value[0] == '\0') return bad(err, header_name(required[i]), "is missing");
  }
  if (strcmp(message->headers[HEADER_SPECVERSION], "1.0") != 0)
    return bad(err, header_name(HEADER_SPECVERSION), "is not 1.0");
  return RC_OK;
}

static enum rc uuid_header(const struct message *message, enum header header, struct uuid *ret_id, struct error *err) {
  struct uuid id;
  if (!uuid_parse(message->headers[header], &id)) return bad(err, header_name(header), "is not a UUID");
  if (uuid_is_nil(&id)) return bad(err, header_name(header), "is the nil UUID");
  *ret_id = id;
  return RC_OK;
}

static enum rc time_header(const struct message *message, enum header header, struct utime *ret_time,
                           struct error *err) {
  struct error why;
  if (utime_parse(message->headers[header], header_name(header), ret_time, &why) != RC_OK)
    return bad(err, header_name(header), "is not an RFC 3339 time");
  return RC_OK;
}

/* ---- the value ---- */

static const char BESIDE[] = "provenance"; /* see message_parse */

static bool is_marked(const json_t *value) {
  return json_is_string(value) && json_string_value(value)[0] == JSON_EXACT_MARK;
}

/* beside: as in json_exact_beside. */
static enum rc parse(const char *value, size_t length, const char *beside, json_t **ret_json, struct error *err) {
  if (length > MESSAGE_VALUE_MAX)
    return error_field(err, RC_BAD_MESSAGE, "value", "the value has %zu bytes, more than %d", length,
                       MESSAGE_VALUE_MAX);
  CLEANUP(buf_release) struct buf exact;
  buf_init(&exact, EXACT_BYTES_MAX);
  buf_reserve(&exact, length); /* mostly enough */
  struct error why;
  CLEANUP(json_release) json_t *json = NULL;
  if (json_exact_beside(value, length, beside, &exact, &why) != RC_OK ||
      json_read(buf_text(&exact), exact.length, &json, &why) != RC_OK)
    return error_field(err, RC_BAD_MESSAGE, "value", "the value is not JSON: %s", why.text);
  if (!json_is_object(json)) return error_field(err, RC_BAD_MESSAGE, "value", "the value is not a JSON object");
  *ret_json = json_incref(json);
  return RC_OK;
}

enum rc body_parse(const char *value, size_t length, json_t **ret_json, struct error *err) {
  return parse(value, length, NULL, ret_json, err);
}

enum rc message_parse(const struct message *message, const char *type, json_t **ret_json, struct error *err) {
  const char *beside = strcmp(type, "invoice.create") == 0 ? BESIDE : NULL;
  return parse(message->value, message->value_length, beside, ret_json, err);
}

enum rc message_decode(struct message *message, struct error *err) {
  if (message->flaw != NULL) return error_set(err, RC_BAD_MESSAGE, "%s", message->flaw);
  TRY(need_headers(message, err));
  struct uuid id = UUID_NIL, tenant = UUID_NIL;
  struct utime time = {0};
  json_t *json = NULL;
  TRY(uuid_header(message, HEADER_ID, &id, err));
  TRY(uuid_header(message, HEADER_TENANT, &tenant, err));
  TRY(time_header(message, HEADER_TIME, &time, err));
  TRY(message_parse(message, message->headers[HEADER_TYPE], &json, err));

  message->id = id;
  message->tenant = tenant;
  message->type = message->headers[HEADER_TYPE];
  message->subject = message->headers[HEADER_SUBJECT];
  message->time = time;
  message->json = json;
  return RC_OK;
}

enum rc message_expect_version(const struct message *message, int64_t version, struct error *err) {
  const char *expected = message->headers[HEADER_IF_MATCH];
  char text[24];
  if (expected == NULL) return RC_OK;
  int length = snprintf(text, sizeof text, "%lld", (long long)version);
  for (const char *at = expected; *at != '\0';) {
    size_t span = strcspn(at, ",");
    if (span == (size_t)length && memcmp(at, text, span) == 0) return RC_OK;
    at += span + (at[span] == ',');
  }
  error_set(err, RC_PRECONDITION_FAILED, "it has changed in the meantime: its version is %s", text);
  (void)snprintf(err->details, sizeof err->details, "{\"version\":%s}", text);
  return RC_PRECONDITION_FAILED;
}

/* ---- packed and back ---- */

/* Bytes with their length before them, in network order; ABSENT: none. */
#define ABSENT UINT32_MAX

static const char TOPIC[] = "topic", KEY[] = "key", VALUE[] = "value", END[] = "";

static void pack_bytes(struct buf *out, const char *bytes, size_t length) {
  uint32_t prefix = htobe32(bytes == NULL ? ABSENT : (uint32_t)length);
  ASSERT(length < ABSENT);
  buf_append(out, &prefix, sizeof prefix);
  if (bytes != NULL) buf_append(out, bytes, length);
}

static void pack_text(struct buf *out, const char *name, const char *text) {
  pack_bytes(out, name, strlen(name));
  pack_bytes(out, text, text == NULL ? 0 : strlen(text));
}

void outgoing_pack(const struct outgoing *message, struct buf *out) {
  ASSERT(message->topic != NULL && message->value != NULL);
  pack_text(out, TOPIC, message->topic);
  pack_text(out, KEY, message->key);
  pack_bytes(out, VALUE, strlen(VALUE));
  pack_bytes(out, message->value, message->value_length);
  for (enum header header = 0; header < HEADER_COUNT; header++)
    if (message->headers[header] != NULL) pack_text(out, header_name(header), message->headers[header]);
  pack_bytes(out, END, 0);
}

/* A copy with a NUL behind it; NULL when it is absent. False: there is less left than it says. */
static bool unpack_bytes(const char **at, size_t *left, struct arena *arena, const char **ret_bytes,
                         size_t *ret_length) {
  uint32_t length;
  if (*left < sizeof length) return false;
  memcpy(&length, *at, sizeof length);
  length = be32toh(length);
  bool is_there = length != ABSENT;
  if (!is_there) length = 0;
  if (length > *left - sizeof length) return false;
  *ret_bytes = is_there ? arena_strndup(arena, *at + sizeof length, length) : NULL;
  *ret_length = length;
  *at += sizeof length + length;
  *left -= sizeof length + length;
  return true;
}

/* Where a part of this name belongs; NULL: nowhere. */
static const char **place_of(struct outgoing *message, const char *name) {
  if (strcmp(name, TOPIC) == 0) return &message->topic;
  if (strcmp(name, KEY) == 0) return &message->key;
  if (strcmp(name, VALUE) == 0) return &message->value;
  for (enum header header = 0; header < HEADER_COUNT; header++)
    if (strcmp(name, header_name(header)) == 0) return &message->headers[header];
  return NULL;
}

enum rc outgoing_unpack(const char **at, size_t *left, struct arena *arena, struct outgoing *ret_message,
                        struct error *err) {
  struct outgoing message = {0};
  for (;;) {
    const char *name, *part, **place;
    size_t name_length, length;
    if (!unpack_bytes(at, left, arena, &name, &name_length)) break;
    if (name != NULL && strcmp(name, END) == 0 && message.topic != NULL && message.value != NULL) {
      *ret_message = message;
      return RC_OK;
    }
    if (name == NULL || (place = place_of(&message, name)) == NULL) break;
    if (!unpack_bytes(at, left, arena, &part, &length)) break;
    *place = part;
    if (place == &message.value) message.value_length = length;
  }
  return error_set(err, RC_BAD_MESSAGE, "this is no packed message");
}

/* ---- members of a body ---- */

/* NULL when absent or null. */
static json_t *member_of(json_t *body, const char *field) {
  json_t *member = json_object_get(body, field);
  return json_is_null(member) ? NULL : member;
}

static enum rc wrong_type(struct error *err, const char *field, const char *wanted) {
  return error_field(err, RC_VALIDATION, field, "must be %s", wanted);
}

/* A small integer has no text of its own: it becomes a marked string in its place, which reads as the same number. */
static json_t *give_text(json_t *body, const char *field, json_int_t value) {
  json_t *marked = json_sprintf("%c%" JSON_INTEGER_FORMAT, JSON_EXACT_MARK, value);
  int failed = json_object_set_new(body, field, marked);
  ASSERT(failed == 0);
  return marked;
}

enum rc body_decimal(json_t *body, const char *field, const char **ret_text, struct error *err) {
  json_t *member = member_of(body, field);
  if (member == NULL) {
    *ret_text = NULL;
    return RC_OK;
  }
  if (json_is_integer(member)) member = give_text(body, field, json_integer_value(member));
  if (!json_is_string(member)) return wrong_type(err, field, "a decimal number");
  *ret_text = json_string_value(member) + (is_marked(member) ? 1 : 0);
  return RC_OK;
}

enum rc body_price(json_t *body, const char *field, struct decimal *ret_price, struct error *err) {
  const char *text = NULL;
  TRY(body_decimal(body, field, &text, err));
  return text ? decimal_parse(text, field, ret_price, err) : RC_OK;
}

enum rc body_quantity(json_t *body, const char *field, struct quantity *ret_quantity, struct error *err) {
  const char *text = NULL;
  TRY(body_decimal(body, field, &text, err));
  return text ? quantity_parse(text, field, ret_quantity, err) : RC_OK;
}

enum rc body_text(json_t *body, const char *field, const char **ret_text, struct error *err) {
  json_t *member = member_of(body, field);
  if (member != NULL && (!json_is_string(member) || is_marked(member))) return wrong_type(err, field, "a string");
  *ret_text = json_string_value(member);
  return RC_OK;
}

/* Reads "12" and, as JSON Schema has it, "12.00". */
static bool whole_number(const char *text, int64_t *ret_value) {
  char *end;
  errno = 0;
  long long value = strtoll(text, &end, 10);
  if (errno != 0 || end == text) return false;
  if (*end == '.') end += 1 + strspn(end + 1, "0");
  if (*end != '\0') return false;
  *ret_value = value;
  return true;
}

static bool whole_member(const json_t *member, int64_t *ret_value) {
  if (is_marked(member)) return whole_number(json_string_value(member) + 1, ret_value);
  if (!json_is_integer(member)) return false;
  *ret_value = json_integer_value(member);
  return true;
}

enum rc body_int(json_t *body, const char *field, int64_t least, int64_t most, int64_t default_value,
                 int64_t *ret_value, struct error *err) {
  json_t *member = member_of(body, field);
  int64_t value = default_value;
  if (member != NULL) {
    if (!whole_member(member, &value)) return wrong_type(err, field, "an integer");
    if (value < least || value > most)
      return error_field(err, RC_VALIDATION, field, "must be between %lld and %lld", (long long)least, (long long)most);
  }
  *ret_value = value;
  return RC_OK;
}

enum rc body_bool(json_t *body, const char *field, bool default_value, bool *ret_value, struct error *err) {
  json_t *member = member_of(body, field);
  if (member != NULL && !json_is_boolean(member)) return wrong_type(err, field, "true or false");
  *ret_value = member == NULL ? default_value : json_is_true(member);
  return RC_OK;
}

enum rc body_uuid(json_t *body, const char *field, struct uuid *ret_id, bool *ret_present, struct error *err) {
  const char *text = NULL;
  TRY(body_text(body, field, &text, err));
  if (text != NULL && !uuid_parse(text, ret_id)) return wrong_type(err, field, "a UUID");
  *ret_present = text != NULL;
  return RC_OK;
}

/* NOLINTNEXTLINE(misc-no-recursion): the nesting is bounded */
static void write_exact(struct json_writer *writer, const char *key, json_t *value) {
  switch (json_typeof(value)) {
  case JSON_OBJECT: {
    const char *name;
    json_t *member;
    json_put_object(writer, key);
    json_object_foreach(value, name, member) write_exact(writer, name, member);
    json_put_end(writer);
    return;
  }
  case JSON_ARRAY:
    json_put_array(writer, key);
    for (size_t i = 0; i < json_array_size(value); i++) write_exact(writer, NULL, json_array_get(value, i));
    json_put_end(writer);
    return;
  case JSON_STRING:
    if (is_marked(value)) {
      json_put_raw(writer, key, json_string_value(value) + 1);
    } else {
      json_put_string_n(writer, key, json_string_value(value), json_string_length(value));
    }
    return;
  case JSON_INTEGER: json_put_int(writer, key, json_integer_value(value)); return;
  case JSON_TRUE: json_put_bool(writer, key, true); return;
  case JSON_FALSE: json_put_bool(writer, key, false); return;
  case JSON_NULL: json_put_null(writer, key); return;
  case JSON_REAL: break; /* json_exact leaves none */
  }
  ASSERT(!"a number that is not exact");
}

void body_write(json_t *value, struct buf *out) {
  struct json_writer writer;
  json_writer_init(&writer, out);
  write_exact(&writer, NULL, value);
}

const char *body_json(struct arena *arena, json_t *body, const char *field) {
  json_t *member = member_of(body, field);
  if (member == NULL) return NULL;
  CLEANUP(buf_release) struct buf text;
  buf_init(&text, REWRITTEN_BYTES_MAX);
  body_write(member, &text);
  ASSERT(buf_ok(&text));
  return arena_strndup(arena, buf_text(&text), text.length);
}

const char *message_beside(struct arena *arena, const struct message *message, json_t *body) {
  json_t *place = member_of(body, BESIDE);
  if (place == NULL) return NULL;
  size_t from = (size_t)json_integer_value(json_array_get(place, 0));
  size_t length = (size_t)json_integer_value(json_array_get(place, 1));
  ASSERT(length > 0 && from < message->value_length && length <= message->value_length - from);
  return arena_strndup(arena, message->value + from, length);
}
