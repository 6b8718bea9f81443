/* Whatever arrives on a topic: a value and headers made of the fuzzer's bytes go through decode and the body's readers.
 * Not part of the build; with clang and libclang-rt-dev:
 *
 *   clang -g -O1 -fsanitize=fuzzer,address,undefined -D_GNU_SOURCE -Ilib -include lib/base/banned.h \
 *     tests/fuzz/message_decode.c lib/bus/{message,client,json_read}.c lib/base/?*.c \
 *     -lrdkafka -ljansson -lcrypto -o message_decode
 *   ./message_decode -max_len=65536 -max_total_time=60
 *
 * The first byte says which header the first line of the input replaces; the rest is the value. */
#include <stdint.h>
#include <string.h>

#include "base/assert.h"
#include "base/buf.h"
#include "bus/message.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

enum { ARENA_MAX_BYTES = 64 * 1024 * 1024 };

static struct message sound(void) {
  struct message message = {.topic = "cloudbill.plan.commands", .key = "k"};
  message.headers[HEADER_SPECVERSION] = "1.0";
  message.headers[HEADER_ID] = "0190a1b2-c3d4-7e5f-8a9b-0c1d2e3f4a5b";
  message.headers[HEADER_TYPE] = "plan.create";
  message.headers[HEADER_SOURCE] = "/fuzz";
  message.headers[HEADER_SUBJECT] = "0190a1b2-0000-7000-8000-000000000002";
  message.headers[HEADER_TIME] = "2026-11-21T07:46:59.123Z";
  message.headers[HEADER_TENANT] = "0190a1b2-0000-7000-8000-000000000001";
  return message;
}

/* Each member through each reader: what one of them takes must be text that goes through the others' hands unharmed. */
static void read_members(struct arena *arena, json_t *body) {
  const char *field;
  json_t *member;
  void *next;
  json_object_foreach_safe(body, next, field, member) {
    struct error err;
    const char *text;
    int64_t number;
    bool flag;
    struct uuid id;
    (void)!body_int(body, field, INT64_MIN, INT64_MAX, 0, &number, &err);
    (void)!body_bool(body, field, false, &flag, &err);
    (void)!body_uuid(body, field, &id, &flag, &err);
    (void)!body_text(body, field, &text, &err);
    const char *json = body_json(arena, body, field);
    bool is_null = json == NULL;
    (void)!body_decimal(body, field, &text, &err);
    json = body_json(arena, body, field);
    ASSERT(is_null == (json == NULL));
    if (json == NULL) continue;
    json_t *again = json_loads(json, JSON_DECODE_ANY | JSON_REJECT_DUPLICATES, NULL);
    /* A number may be beyond a double (1e999): then jansson cannot take it back, though it is JSON. */
    ASSERT(again != NULL || strpbrk(json, "0123456789") != NULL);
    json_decref(again);
  }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length) {
  if (length == 0) return 0;
  struct arena CLEANUP(arena_release) arena;
  arena_init(&arena, ARENA_MAX_BYTES);
  struct message message = sound();
  char *input = arena_strndup(&arena, (const char *)bytes + 1, length - 1);
  message.value = input;
  message.value_length = length - 1;
  char *line_end = memchr(input, '\n', length - 1);
  if (bytes[0] < HEADER_COUNT && line_end != NULL) {
    *line_end = '\0';
    message.headers[bytes[0]] = input;
    message.value = line_end + 1;
    message.value_length = length - 1 - (size_t)(line_end + 1 - input);
  }
  struct error err;
  enum rc rc = message_decode(&message, &err);
  ASSERT(rc == RC_OK || rc == RC_BAD_MESSAGE);
  if (rc != RC_OK) return 0;
  read_members(&arena, message.json);
  json_decref(message.json);
  return 0;
}
