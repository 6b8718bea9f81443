/* Recursive descent over a text that ends with NUL, so that no look ahead needs a bound. Nothing is copied but into the
 * values themselves: only a string with escapes is put together in a buffer first. The first fault stands; who comes
 * upon it returns NULL. */
#include "bus/json_read.h"

#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "base/buf.h"
#include "bus/client.h"

struct reader {
  const char *at, *end;
  bool is_ascii;        /* then no string need be checked for UTF-8 */
  struct buf unescaped; /* of the string that is read */
  const char *fault;    /* NULL: none yet */
};

/* Bytes of a string as it is, or of what its escapes mean. */
struct span {
  const char *bytes;
  size_t length;
};

static bool fail(struct reader *reader, const char *fault) {
  if (!reader->fault) reader->fault = fault;
  return false;
}

static void skip_space(struct reader *reader) {
  while (*reader->at == ' ' || *reader->at == '\n' || *reader->at == '\r' || *reader->at == '\t') reader->at++;
}

/* Behind the space; false, and nothing read but that: another character comes. */
static bool takes(struct reader *reader, char c) {
  skip_space(reader);
  if (*reader->at != c) return false;
  reader->at++;
  return true;
}

/* -- strings -- */

/* The four digits behind "\u"; -1: they are none. */
static int32_t hex4(const char *digits) {
  int32_t value = 0;
  for (int i = 0; i < 4; i++) {
    char c = digits[i], letter = (char)(c | 0x20);
    if (c >= '0' && c <= '9')
      value = value * 16 + (c - '0');
    else if (letter >= 'a' && letter <= 'f')
      value = value * 16 + (letter - 'a' + 10);
    else
      return -1;
  }
  return value;
}

static void append_utf8(struct buf *out, uint32_t c) {
  if (c < 0x80) {
    buf_char(out, (char)c);
    return;
  }
  int more = c < 0x800 ? 1 : c < 0x10000 ? 2 : 3;
  static const uint32_t first[] = {0, 0xC0, 0xE0, 0xF0};
  buf_char(out, (char)(first[more] | c >> 6 * more));
  while (more-- > 0) buf_char(out, (char)(0x80 | (c >> 6 * more & 0x3F)));
}

/* Behind "\u": one character, or two that make a pair of surrogates. */
static bool read_unicode(struct reader *reader) {
  int32_t c = hex4(reader->at);
  if (c < 0) return fail(reader, "bad escape");
  reader->at += 4;
  if (c >= 0xDC00 && c <= 0xDFFF) return fail(reader, "half a character");
  if (c >= 0xD800 && c <= 0xDBFF) {
    int32_t low = reader->at[0] == '\\' && reader->at[1] == 'u' ? hex4(reader->at + 2) : -1;
    if (low < 0xDC00 || low > 0xDFFF) return fail(reader, "half a character");
    reader->at += 6;
    c = 0x10000 + ((c - 0xD800) << 10) + (low - 0xDC00);
  }
  if (c == 0) return fail(reader, "NUL character");
  append_utf8(&reader->unescaped, (uint32_t)c);
  return true;
}

static bool read_escape(struct reader *reader) {
  static const char names[] = "\"\\/bfnrt", meanings[] = "\"\\/\b\f\n\r\t";
  char c = *reader->at++;
  if (c == 'u') return read_unicode(reader);
  const char *name = c ? strchr(names, c) : NULL;
  if (!name) return fail(reader, "bad escape");
  buf_char(&reader->unescaped, meanings[name - names]);
  return true;
}

/* To the next quote or backslash. */
static bool skip_plain(struct reader *reader) {
  while (*reader->at != '"' && *reader->at != '\\') {
    if (reader->at >= reader->end) return fail(reader, "unfinished string");
    reader->at++;
  }
  return true;
}

/* From its first backslash on. */
static bool read_rest_with_escapes(struct reader *reader, struct span *ret_span) {
  while (*reader->at == '\\') {
    reader->at++;
    if (!read_escape(reader)) return false;
    const char *from = reader->at;
    if (!skip_plain(reader)) return false;
    buf_append(&reader->unescaped, from, (size_t)(reader->at - from));
  }
  if (!buf_ok(&reader->unescaped)) return fail(reader, "string too long");
  reader->at++;
  *ret_span = (struct span){buf_text(&reader->unescaped), reader->unescaped.length};
  return true;
}

/* Behind the quote that it begins with. */
static bool read_string(struct reader *reader, struct span *ret_span) {
  const char *from = reader->at;
  if (!skip_plain(reader)) return false;
  size_t plain = (size_t)(reader->at - from);
  if (*reader->at == '"') {
    reader->at++;
    *ret_span = (struct span){from, plain};
    return true;
  }
  buf_clear(&reader->unescaped);
  buf_append(&reader->unescaped, from, plain);
  return read_rest_with_escapes(reader, ret_span);
}

static json_t *read_text(struct reader *reader) {
  struct span span = {0};
  if (!read_string(reader, &span)) return NULL;
  json_t *text =
      reader->is_ascii ? json_stringn_nocheck(span.bytes, span.length) : json_stringn(span.bytes, span.length);
  if (!text) fail(reader, "no UTF-8");
  return text;
}

/* -- values -- */

/* NOLINTBEGIN(misc-no-recursion): the scan has bounded the nesting */

static json_t *read_value(struct reader *reader);

static bool set(struct reader *reader, json_t *object, struct span name, json_t *value) {
  size_t before = json_object_size(object);
  int failed = reader->is_ascii ? json_object_setn_new_nocheck(object, name.bytes, name.length, value)
                                : json_object_setn_new(object, name.bytes, name.length, value);
  if (failed) return fail(reader, "no UTF-8");
  return json_object_size(object) > before || fail(reader, "a member is there twice");
}

/* The name is kept by whoever reads it, for its value may need the buffer as well. */
static bool read_member(struct reader *reader, json_t *object) {
  struct span name = {0};
  if (!takes(reader, '"')) return fail(reader, "no member's name");
  if (!read_string(reader, &name)) return false;
  char *copy = NULL;
  if (name.bytes && name.bytes == reader->unescaped.bytes) {
    copy = strndup(name.bytes, name.length);
    ASSERT(copy);
    name.bytes = copy;
  }
  json_t *value = takes(reader, ':') ? read_value(reader) : NULL;
  if (!value) fail(reader, "no ':'");
  bool is_set = value && set(reader, object, name, value);
  free(copy);
  return is_set && !reader->fault;
}

static json_t *read_object(struct reader *reader) {
  json_t *object = json_object();
  ASSERT(object);
  if (takes(reader, '}')) return object;
  do
    if (!read_member(reader, object)) break;
  while (takes(reader, ','));
  if (reader->fault || takes(reader, '}')) return object;
  fail(reader, "no ',' or '}'");
  return object;
}

static json_t *read_array(struct reader *reader) {
  json_t *array = json_array();
  ASSERT(array);
  if (takes(reader, ']')) return array;
  do {
    json_t *value = read_value(reader);
    if (!value) break;
    int failed = json_array_append_new(array, value);
    ASSERT(!failed);
  } while (!reader->fault && takes(reader, ','));
  if (reader->fault || takes(reader, ']')) return array;
  fail(reader, "no ',' or ']'");
  return array;
}

static json_t *read_word(struct reader *reader) {
  static const char *const words[] = {"true", "false", "null"};
  json_t *const values[] = {json_true(), json_false(), json_null()};
  for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
    size_t length = strlen(words[i]);
    if (strncmp(reader->at, words[i], length) != 0) continue;
    reader->at += length;
    return values[i];
  }
  fail(reader, "no value");
  return NULL;
}

static json_t *read_integer(struct reader *reader) {
  char *end;
  json_t *integer = json_integer(strtoll(reader->at, &end, 10));
  reader->at = end;
  return integer;
}

static json_t *read_value(struct reader *reader) {
  skip_space(reader);
  char c = *reader->at;
  if (c == '-' || (c >= '0' && c <= '9')) return read_integer(reader);
  if (c != '"' && c != '{' && c != '[') return read_word(reader);
  reader->at++;
  return c == '"' ? read_text(reader) : c == '{' ? read_object(reader) : read_array(reader);
}

/* NOLINTEND(misc-no-recursion) */

enum rc json_read(const char *text, size_t length, json_t **ret_json, struct error *err) {
  struct reader reader = {.at = text, .end = text + length, .is_ascii = client_is_ascii(text, length)};
  ASSERT(text[length] == '\0');
  buf_init(&reader.unescaped, length + 1);
  json_t *json = read_value(&reader);
  if (!reader.fault) skip_space(&reader);
  if (!reader.fault && reader.at != reader.end) fail(&reader, "something behind the value");
  buf_release(&reader.unescaped);
  if (!reader.fault) {
    *ret_json = json;
    return RC_OK;
  }
  json_decref(json);
  return error_set(err, RC_MALFORMED, "%s at byte %zu", reader.fault, (size_t)(reader.at - text));
}
