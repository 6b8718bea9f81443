/* What strangers may put on the bus: each way in which an envelope can be wrong is one row, and none is a crash. */
#include "bus/message.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"

static const char ID[] = "0190a1b2-c3d4-7e5f-8a9b-0c1d2e3f4a5b";
static const char TENANT[] = "0190a1b2-0000-7000-8000-000000000001";

static struct message sound(void) {
  static const char value[] = "{\"name\":\"Pro\",\"price\":99.00}";
  struct message message = {.topic = "cloudbill.plan.commands", .key = "k", .value = value};
  message.value_length = strlen(value);
  message.headers[HEADER_SPECVERSION] = "1.0";
  message.headers[HEADER_ID] = ID;
  message.headers[HEADER_TYPE] = "plan.create";
  message.headers[HEADER_SOURCE] = "/cloudbill/api";
  message.headers[HEADER_SUBJECT] = "0190a1b2-0000-7000-8000-000000000002";
  message.headers[HEADER_TIME] = "2026-11-21T07:46:59.123Z";
  message.headers[HEADER_TENANT] = TENANT;
  return message;
}

static void expect_bad(struct message *message, const char *field, const char *part, const char *what) {
  struct error err = {0};
  enum rc rc = message_decode(message, &err);
  cr_expect_eq(rc, RC_BAD_MESSAGE, "%s: %s", what, error_name(rc));
  cr_expect_eq(err.code, RC_BAD_MESSAGE, "%s", what);
  cr_expect_str_eq(err.field, field, "%s: field %s", what, err.field);
  cr_expect_not_null(strstr(err.text, part), "%s: text '%s'", what, err.text);
  cr_expect_null(message->json, "%s", what);
}

/* ---- the version that a command is meant for ---- */

static const struct {
  const char *expected; /* NULL: not said */
  int64_t version;
  enum rc rc;
} VERSIONS[] = {
    {NULL, 7, RC_OK},
    {"7", 7, RC_OK},
    {"3,7", 7, RC_OK},
    {"7,3", 7, RC_OK},
    {"3", 7, RC_PRECONDITION_FAILED},
    {"77", 7, RC_PRECONDITION_FAILED},
    {"7", 77, RC_PRECONDITION_FAILED},
    {"", 7, RC_PRECONDITION_FAILED},
    {"0", 1, RC_PRECONDITION_FAILED},
    {"7 ", 7, RC_PRECONDITION_FAILED},
    {",,", 7, RC_PRECONDITION_FAILED},
    {"9223372036854775807", INT64_MAX, RC_OK},
};

Test(message, is_for_the_versions_that_it_names) {
  for (size_t i = 0; i < sizeof VERSIONS / sizeof VERSIONS[0]; i++) {
    struct message message = sound();
    struct error err = {0};
    message.headers[HEADER_IF_MATCH] = VERSIONS[i].expected;
    cr_expect_eq(message_expect_version(&message, VERSIONS[i].version, &err), VERSIONS[i].rc, "row %zu", i);
  }
}

/* ---- decode ---- */

Test(message, a_sound_one_is_decoded) {
  struct message message = sound();
  struct error err;
  cr_assert_eq(message_decode(&message, &err), RC_OK);
  char text[UUID_TEXT_MAX], time[UTIME_TEXT_MAX];
  cr_expect_str_eq(uuid_format(&message.id, text), ID);
  cr_expect_str_eq(uuid_format(&message.tenant, text), TENANT);
  cr_expect_str_eq(utime_format(message.time, time), "2026-11-21T07:46:59.123Z");
  cr_expect_str_eq(message.type, "plan.create");
  cr_expect_str_eq(message.subject, message.headers[HEADER_SUBJECT]);
  const char *price;
  cr_assert_eq(body_decimal(message.json, "price", &price, &err), RC_OK);
  cr_expect_str_eq(price, "99.00");
  json_decref(message.json);
}

Test(message, what_is_set_aside_is_read_as_it_came) {
  static const char value[] = "{\"lines\":[{\"provenance\": {\"days\" : 30} },{\"amount\":1}]}";
  struct message message = sound();
  struct error err;
  struct arena CLEANUP(arena_release) arena;
  arena_init(&arena, sizeof value * 1024);
  message.headers[HEADER_TYPE] = "invoice.create";
  message.value = value;
  message.value_length = sizeof value - 1;
  cr_assert_eq(message_decode(&message, &err), RC_OK);
  json_t *lines = json_object_get(message.json, "lines");
  cr_expect_str_eq(message_beside(&arena, &message, json_array_get(lines, 0)), "{\"days\" : 30}");
  cr_expect_null(message_beside(&arena, &message, json_array_get(lines, 1)));
  json_decref(message.json);
}

/* The parser would read it as the same name, and find a place that nothing was set aside at. */
Test(message, what_is_set_aside_cannot_be_named_in_another_way) {
  static const char *const values[] = {
      "{\"lines\":[{\"\\u0070rovenance\":{\"days\":30}}]}", "{\"lines\":[{\"\\u0070rovenance\":[1,99999]}]}",
      "{\"lines\":[{\"provenance\":{},\"provenanc\\u0065\" : [0,9]}]}", "{\"lines\":[{\"provenance\":[1,99999]}]}"};
  for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
    struct message message = sound();
    struct error err;
    message.headers[HEADER_TYPE] = "invoice.create";
    message.value = values[i];
    message.value_length = strlen(values[i]);
    cr_expect_eq(message_decode(&message, &err), RC_BAD_MESSAGE, "%s", values[i]);
  }
}

/* Who sends a customer, or a plan, may call a member of his own so. */
Test(message, nothing_is_set_aside_in_what_others_send) {
  static const char *const values[] = {"{\"metadata\":{\"provenance\":\"fair\"}}",
                                       "{\"metadata\":{\"provenance\":{\"of\":\"fair\"}}}"};
  for (size_t i = 0; i < 2; i++) {
    struct message message = sound();
    struct error err;
    message.value = values[i];
    message.value_length = strlen(values[i]);
    cr_assert_eq(message_decode(&message, &err), RC_OK, "%s", values[i]);
    const json_t *own = json_object_get(json_object_get(message.json, "metadata"), "provenance");
    if (json_is_object(own)) own = json_object_get(own, "of");
    cr_expect_str_eq(json_string_value(own), "fair");
    json_decref(message.json);
  }
}

Test(message, headers_that_may_be_absent_are) {
  struct message message = sound();
  struct error err;
  message.key = "";
  cr_assert_eq(message_decode(&message, &err), RC_OK);
  for (enum header header = HEADER_DATASCHEMA; header < HEADER_COUNT; header++) cr_expect_null(message.headers[header]);
  json_decref(message.json);
}

Test(message, each_wrong_header_is_named) {
  static const struct {
    enum header header;
    const char *value, *part;
  } rows[] = {
      {HEADER_SPECVERSION, NULL, "missing"},
      {HEADER_SPECVERSION, "", "missing"},
      {HEADER_SPECVERSION, "0.3", "is not 1.0"},
      {HEADER_SPECVERSION, "1", "is not 1.0"},
      {HEADER_ID, NULL, "missing"},
      {HEADER_ID, "", "missing"},
      {HEADER_ID, "42", "not a UUID"},
      {HEADER_ID, "0190a1b2c3d47e5f8a9b0c1d2e3f4a5b", "not a UUID"},
      {HEADER_ID, "0190a1b2-c3d4-7e5f-8a9b-0c1d2e3f4a5b ", "not a UUID"},
      {HEADER_ID, "{0190a1b2-c3d4-7e5f-8a9b-0c1d2e3f4a5b}", "not a UUID"},
      {HEADER_ID, "00000000-0000-0000-0000-000000000000", "nil"},
      {HEADER_TYPE, NULL, "missing"},
      {HEADER_TYPE, "", "missing"},
      {HEADER_SOURCE, NULL, "missing"},
      {HEADER_SUBJECT, NULL, "missing"},
      {HEADER_SUBJECT, "", "missing"},
      {HEADER_TIME, NULL, "missing"},
      {HEADER_TIME, "yesterday", "RFC 3339"},
      {HEADER_TIME, "2026-02-30T00:00:00Z", "RFC 3339"},
      {HEADER_TIME, "2026-11-21T07:46:59", "RFC 3339"},
      {HEADER_TIME, "1763711219", "RFC 3339"},
      {HEADER_TENANT, NULL, "missing"},
      {HEADER_TENANT, "acme", "not a UUID"},
      {HEADER_TENANT, "00000000-0000-0000-0000-000000000000", "nil"},
  };
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    struct message message = sound();
    message.headers[rows[i].header] = rows[i].value;
    expect_bad(&message, header_name(rows[i].header), rows[i].part, rows[i].value == NULL ? "NULL" : rows[i].value);
  }
}

#define VALUE(text) \
  { text, sizeof text - 1 }

Test(message, each_wrong_value_is_refused) {
  static const struct {
    const char *value;
    size_t length;
  } rows[] = {
      VALUE(""),
      VALUE("   "),
      VALUE("hello"),
      VALUE("{"),
      VALUE("{\"a\":1"),
      VALUE("{\"a\":1}}"),
      VALUE("{\"a\":1} {\"b\":2}"),
      VALUE("{\"a\":1,}"),
      VALUE("{\"a\":1,\"a\":2}"),
      VALUE("{\"o\":{\"a\":1,\"a\":1}}"),
      VALUE("[]"),
      VALUE("[{\"a\":1}]"),
      VALUE("null"),
      VALUE("true"),
      VALUE("12"),
      VALUE("1.5"),
      VALUE("\"text\""),
      VALUE("{\"a\":NaN}"),
      VALUE("{\"a\":01}"),
      VALUE("{\"a\":1.}"),
      VALUE("{\"a\":1e}"),
      VALUE("{1.5:1}"),
      VALUE("{\"a\":\"\xff\"}"),
      VALUE("{\"a\":\"\xc3\"}"),
      VALUE("{\"a\":\"\\ud800\"}"),
      VALUE("{\"a\":\"\\u0000\"}"),
      VALUE("{\"a\\u0000\":1}"),
      VALUE("{\"a\":\"\\u0001rm\"}"),
      VALUE("{\"a\":\"x\0y\"}"),
      VALUE("{\"a\":1}\0"),
      VALUE("\0"),
      VALUE("\xef\xbb\xbf{\"a\":1}"),
  };
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    struct message message = sound();
    message.value = rows[i].value;
    message.value_length = rows[i].length;
    expect_bad(&message, "value", "value", rows[i].value);
  }
}

Test(message, a_reason_quotes_nothing_of_the_value) {
  struct message message = sound();
  struct error err;
  message.value = "{\"email\":\"jane@example.com\" \"jane\"}";
  message.value_length = strlen(message.value);
  cr_assert_eq(message_decode(&message, &err), RC_BAD_MESSAGE);
  cr_expect_null(strstr(err.text, "jane"), "%s", err.text);
}

/* ---- bombs ---- */

/* prefix, `count` times unit, suffix */
static char *bomb(const char *prefix, const char *unit, size_t count, const char *suffix, size_t *ret_length) {
  struct buf text;
  buf_init(&text, 4 * (size_t)MESSAGE_VALUE_MAX);
  buf_text_append(&text, prefix);
  for (size_t i = 0; i < count; i++) buf_text_append(&text, unit);
  buf_text_append(&text, suffix);
  cr_assert(buf_ok(&text));
  *ret_length = text.length;
  return text.bytes;
}

Test(message, bombs_are_refused_and_harm_nobody) {
  static const struct {
    const char *what, *prefix, *unit;
    size_t count;
    const char *suffix;
  } rows[] = {
      {"a million digits", "{\"a\":", "9", 1000000, "}"},
      {"a million digits behind the point", "{\"a\":0.", "1", 1000000, "}"},
      {"a million digits of an exponent", "{\"a\":1e", "1", 1000000, "}"},
      {"65 digits", "{\"a\":", "1", 65, "}"},
      {"65 digits deep inside", "{\"a\":[{\"b\":[1,", "1", 65, "]}]}"},
      {"arrays without end", "{\"a\":", "[", 500000, ""},
      {"objects without end", "", "{\"a\":", 200000, ""},
      {"one level too many", "{\"a\":", "[", 32, "]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]}"},
      {"a value of more than a megabyte", "{\"a\":\"", "x", MESSAGE_VALUE_MAX, "\"}"},
  };
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    struct message message = sound();
    char *value = bomb(rows[i].prefix, rows[i].unit, rows[i].count, rows[i].suffix, &message.value_length);
    message.value = value;
    expect_bad(&message, "value", "value", rows[i].what);
    free(value);
  }
}

Test(message, the_limits_themselves_are_inside) {
  static const struct {
    const char *what, *prefix, *unit;
    size_t count;
    const char *suffix;
  } rows[] = {
      {"64 digits", "{\"a\":", "1", 64, "}"},
      {"32 levels", "{\"a\":", "[", 31, "]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]}"},
      {"a megabyte", "{\"a\":\"", "x", MESSAGE_VALUE_MAX - 8, "\"}"},
      {"a megabyte of fractions", "{\"a\":[0", ",0.1", MESSAGE_VALUE_MAX / 4 - 4, "]}"},
      {"a megabyte of escapes", "{\"a\":\"", "\\u007f", MESSAGE_VALUE_MAX / 6 - 2, "\"}"},
  };
  struct arena CLEANUP(arena_release) arena;
  arena_init(&arena, 16 * (size_t)MESSAGE_VALUE_MAX);
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    struct message message = sound();
    struct error err = {0};
    char *value = bomb(rows[i].prefix, rows[i].unit, rows[i].count, rows[i].suffix, &message.value_length);
    message.value = value;
    cr_assert_eq(message_decode(&message, &err), RC_OK, "%s: %s", rows[i].what, err.text);
    cr_expect_not_null(body_json(&arena, message.json, "a"), "%s", rows[i].what);
    json_decref(message.json);
    free(value);
  }
}

Test(message, a_flaw_that_was_found_on_arrival_counts) {
  struct message message = sound();
  message.flaw = "ce_actor is too long";
  expect_bad(&message, "", "ce_actor is too long", "flaw");
}

/* ---- packed and back ---- */

static void expect_same(const struct outgoing *message) {
  struct buf CLEANUP(buf_release) packed;
  struct arena CLEANUP(arena_release) arena;
  buf_init(&packed, MESSAGE_VALUE_MAX);
  arena_init(&arena, MESSAGE_VALUE_MAX);
  outgoing_pack(message, &packed);
  outgoing_pack(message, &packed);
  cr_assert(buf_ok(&packed));
  const char *at = packed.bytes;
  size_t left = packed.length;
  struct outgoing back = {0};
  struct error err;
  cr_assert_eq(outgoing_unpack(&at, &left, &arena, &back, &err), RC_OK);
  cr_expect_eq(left, packed.length / 2);
  cr_expect_str_eq(back.topic, message->topic);
  cr_expect_eq(back.key == NULL, message->key == NULL);
  if (message->key != NULL) cr_expect_str_eq(back.key, message->key);
  cr_expect_eq(back.value_length, message->value_length);
  cr_expect_eq(memcmp(back.value, message->value, message->value_length), 0);
  for (enum header header = 0; header < HEADER_COUNT; header++) {
    cr_expect_eq(back.headers[header] == NULL, message->headers[header] == NULL);
    if (message->headers[header] != NULL) cr_expect_str_eq(back.headers[header], message->headers[header]);
  }
  cr_assert_eq(outgoing_unpack(&at, &left, &arena, &back, &err), RC_OK);
  cr_expect_eq(left, 0);
}

Test(outgoing, what_is_written_is_read_back) {
  static const struct {
    const char *value;
    size_t length;
  } rows[] = {
      VALUE("{\"price\":99.00,\"name\":\"Zo\xc3\xab \\\"x\\\"\"}"),
      VALUE(""),
      VALUE("\n\t\x7f"),
      VALUE("a\0b"),
      VALUE("\xff\xfe\x00\x01"),
      VALUE("\0"),
  };
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    struct outgoing message = {.topic = "t", .key = "k\"\n", .value = rows[i].value, .value_length = rows[i].length};
    message.headers[HEADER_ID] = ID;
    message.headers[HEADER_DLQ_REASON] = "line\nquote\" \xe2\x82\xac";
    expect_same(&message);
    message.key = NULL;
    expect_same(&message);
  }
}

#define BYTES(literal) (literal), sizeof(literal) - 1

Test(outgoing, what_was_not_packed_is_refused) {
  static const struct {
    const char *bytes;
    size_t length;
  } rows[] = {
      {BYTES("")},
      {BYTES("\0\0\0")},
      {BYTES("not packed")},
      {BYTES("\0\0\0\0")},                                                                 /* nothing in it */
      {BYTES("\xff\xff\xff\xff")},                                                         /* a name that is absent */
      {BYTES("\0\0\0\5topic\0\0\0\1t\0\0\0\0")},                                           /* no value */
      {BYTES("\0\0\0\5value\0\0\0\1v\0\0\0\0")},                                           /* no topic */
      {BYTES("\0\0\0\5topic\0\0\0\1t\0\0\0\5value\xff\xff\xff\xff\0\0\0\0")},              /* a value that is absent */
      {BYTES("\0\0\0\5topic\0\0\0\1t\0\0\0\5value\0\0\0\1v")},                             /* no end */
      {BYTES("\0\0\0\5topic\0\0\0\1t\0\0\0\5value\0\0\0\2v")},                             /* cut off */
      {BYTES("\0\0\0\5topic\0\0\0\1t\0\0\0\3odd\0\0\0\1x\0\0\0\5value\0\0\0\1v\0\0\0\0")}, /* a stranger */
  };
  struct arena CLEANUP(arena_release) arena;
  arena_init(&arena, 4096);
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    const char *at = rows[i].bytes;
    size_t left = rows[i].length;
    struct outgoing message;
    struct error err;
    cr_expect_eq(outgoing_unpack(&at, &left, &arena, &message, &err), RC_BAD_MESSAGE, "row %zu", i);
  }
}
