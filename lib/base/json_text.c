/* JSON without a tree: a writer that puts commas where they belong, and the scan that stands before every parser. The
 * scan keeps amounts exact (a double cannot hold 0.10), and bounds nesting, because a parser that recurses on the small
 * stack of an HTTP thread dies of "[[[[" otherwise. */
#include "base/json_text.h"

#include <ctype.h>
#include <string.h>

#include "base/assert.h"
#include "base/digits.h"

/* ---- writer ---- */

void json_writer_init(struct json_writer *writer, struct buf *out) {
  *writer = (struct json_writer){.out = out};
}

/* Characters that stand in a string as they are: neither quote, backslash nor control character, and below 0x80. */
static const uint8_t PLAIN[UINT8_MAX + 1] = {[' ' ... '!'] = 1, ['#' ... '['] = 1, [']' ... '~'] = 1};

static size_t plain_length(const char *text, size_t length) {
  size_t i = 0;
  while (i < length && PLAIN[(uint8_t)text[i]]) i++;
  return i;
}

static void quote_plain(struct buf *out, const char *text, size_t length) {
  if (!buf_reserve(out, length + 2)) return;
  char *at = out->bytes + out->length;
  *at++ = '"';
  if (length > 0) memcpy(at, text, length);
  at[length] = '"';
  at[length + 1] = '\0';
  out->length += length + 2;
}

/* The comma and the key that come before a value. */
static void before_value(struct json_writer *writer, const char *key) {
  int depth = writer->depth;
  bool keyed = depth > 0 && !writer->is_array[depth];
  ASSERT((key != NULL) == keyed);
  ASSERT(depth > 0 || !writer->has_member[0]);
  if (writer->has_member[depth]) buf_char(writer->out, ',');
  writer->has_member[depth] = true;
  if (key == NULL) return;
  json_escape(writer->out, key, strlen(key));
  buf_char(writer->out, ':');
}

static void open_nested(struct json_writer *writer, const char *key, bool is_array) {
  before_value(writer, key);
  ASSERT(writer->depth < JSON_DEPTH_MAX);
  writer->depth++;
  writer->has_member[writer->depth] = false;
  writer->is_array[writer->depth] = is_array;
  buf_char(writer->out, is_array ? '[' : '{');
}

void json_put_object(struct json_writer *writer, const char *key) {
  open_nested(writer, key, false);
}

void json_put_array(struct json_writer *writer, const char *key) {
  open_nested(writer, key, true);
}

void json_put_end(struct json_writer *writer) {
  ASSERT(writer->depth > 0);
  buf_char(writer->out, writer->is_array[writer->depth] ? ']' : '}');
  writer->depth--;
}

void json_put_raw(struct json_writer *writer, const char *key, const char *json) {
  before_value(writer, key);
  buf_text_append(writer->out, json == NULL ? "null" : json);
}

void json_put_string_n(struct json_writer *writer, const char *key, const char *text, size_t length) {
  if (text == NULL) {
    json_put_raw(writer, key, NULL);
    return;
  }
  before_value(writer, key);
  json_escape(writer->out, text, length);
}

void json_put_string(struct json_writer *writer, const char *key, const char *text) {
  json_put_string_n(writer, key, text, text == NULL ? 0 : strlen(text));
}

void json_put_int(struct json_writer *writer, const char *key, int64_t value) {
  char text[DIGITS_INT64_MAX];
  json_put_raw(writer, key, int64_format(value, text));
}

void json_put_bool(struct json_writer *writer, const char *key, bool value) {
  json_put_raw(writer, key, value ? "true" : "false");
}

void json_put_null(struct json_writer *writer, const char *key) {
  json_put_raw(writer, key, NULL);
}

/* ---- escaping ---- */

/* Bytes of the UTF-8 character at `at` (RFC 3629: no overlong forms, no surrogates); 0 when it is none. */
static size_t utf8_length(const unsigned char *at, size_t left) {
  unsigned char lead = at[0];
  if (lead < 0x80) return 1;
  size_t length = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : 2;
  if (lead < 0xC2 || lead > 0xF4 || length > left) return 0;
  for (size_t i = 1; i < length; i++) {
    if ((at[i] & 0xC0) != 0x80) return 0;
  }
  bool overlong = (lead == 0xE0 && at[1] < 0xA0) || (lead == 0xF0 && at[1] < 0x90);
  bool surrogate = lead == 0xED && at[1] > 0x9F;
  bool beyond = lead == 0xF4 && at[1] > 0x8F;
  return overlong || surrogate || beyond ? 0 : length;
}

static void escape_ascii(struct buf *out, char c) {
  switch (c) {
  case '"': buf_text_append(out, "\\\""); return;
  case '\\': buf_text_append(out, "\\\\"); return;
  case '\n': buf_text_append(out, "\\n"); return;
  case '\r': buf_text_append(out, "\\r"); return;
  case '\t': buf_text_append(out, "\\t"); return;
  default: buf_printf(out, "\\u%04x", (unsigned)c); return;
  }
}

void json_escape(struct buf *out, const char *text, size_t length) {
  const unsigned char *bytes = (const unsigned char *)text;
  size_t plain_from = 0, i = plain_length(text, length);
  if (i == length) {
    quote_plain(out, text, length);
    return;
  }
  buf_char(out, '"');
  for (; i < length; i += plain_length(text + i, length - i)) {
    size_t step = utf8_length(bytes + i, length - i);
    if (step > 1) {
      i += step;
      continue;
    }
    buf_append(out, text + plain_from, i - plain_from);
    if (step == 0) {
      buf_text_append(out, "\xEF\xBF\xBD"); /* U+FFFD */
    } else {
      escape_ascii(out, text[i]);
    }
    plain_from = ++i;
  }
  buf_append(out, text + plain_from, length - plain_from);
  buf_char(out, '"');
}

/* ---- the scan before a parser ---- */

enum {
  PLAIN_DIGITS_MAX = 18, /* any such integer fits 64 bits */
  EXPONENT_MAX = 308     /* what a double can hold, and a database writes out in bounded space */
};

static const char MARK_ESCAPED[] = "\\u0001";
enum { MARK_ESCAPED_LENGTH = sizeof MARK_ESCAPED - 1 };

struct scan {
  const char *text;
  size_t length;
  size_t at;
  int depth;
  const char *name; /* the last string, with its quotes: the member's that comes, when a value comes */
  size_t name_length;
  const char *beside; /* the name of the members that are set aside; NULL: of none */
  struct buf *out;
  struct error *err;
};

static bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

static bool is_space(char c) {
  return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static enum rc malformed(const struct scan *scan, size_t at, const char *what) {
  return error_set(scan->err, RC_MALFORMED, "%s at byte %zu", what, at);
}

static size_t skip_digits(const char *text, size_t length, size_t at) {
  while (at < length && is_digit(text[at])) at++;
  return at;
}

/* The length of the number (RFC 8259) that text begins with, or 0. */
static size_t number_length(const char *text, size_t length, bool *ret_is_plain) {
  size_t at = length > 0 && text[0] == '-' ? 1 : 0;
  size_t whole_from = at;
  at = skip_digits(text, length, at);
  size_t whole = at - whole_from;
  if (whole == 0 || (whole > 1 && text[whole_from] == '0')) return 0;
  *ret_is_plain = whole <= PLAIN_DIGITS_MAX;
  if (at < length && text[at] == '.') {
    size_t from = at + 1;
    at = skip_digits(text, length, from);
    if (at == from) return 0;
    *ret_is_plain = false;
  }
  if (at < length && (text[at] == 'e' || text[at] == 'E')) {
    size_t from = at + 1;
    if (from < length && (text[from] == '+' || text[from] == '-')) from++;
    at = skip_digits(text, length, from);
    if (at == from) return 0;
    *ret_is_plain = false;
  }
  return at;
}

/* As a string, a number could pass for a member's name: the parser would not see that it is wrong. */
static bool is_before_colon(const struct scan *scan) {
  size_t at = scan->at;
  while (at < scan->length && is_space(scan->text[at])) at++;
  return at < scan->length && scan->text[at] == ':';
}

static bool is_bounded(const char *number, size_t length) {
  for (size_t i = 0; i < length; i++) {
    if (number[i] != 'e' && number[i] != 'E') continue;
    long exponent = strtol(number + i + 1, NULL, 10); /* LONG_MIN has no absolute value */
    return exponent >= -EXPONENT_MAX && exponent <= EXPONENT_MAX;
  }
  return true;
}

/* A name of letters and digits; whatever else somebody wrote there is not repeated. */
static void name_field(const struct scan *scan, char field[static ERROR_FIELD_MAX]) {
  size_t length = scan->name_length > 2 ? scan->name_length - 2 : 0;
  bool is_plain = length > 0 && length < ERROR_FIELD_MAX;
  for (size_t i = 0; is_plain && i < length; i++) is_plain = isalnum((unsigned char)scan->name[1 + i]) != 0;
  (void)snprintf(field, ERROR_FIELD_MAX, "%.*s", is_plain ? (int)length : 0, scan->name ? scan->name + 1 : "");
}

static enum rc too_long(const struct scan *scan, size_t length) {
  char field[ERROR_FIELD_MAX];
  name_field(scan, field);
  return error_field(scan->err, RC_MALFORMED, field, "%s: the number at byte %zu has %zu characters, more than %d",
                     field[0] ? field : "the body", scan->at, length, JSON_NUMBER_MAX);
}

static enum rc scan_number(struct scan *scan) {
  bool is_plain = false;
  const char *number = scan->text + scan->at;
  size_t length = number_length(number, scan->length - scan->at, &is_plain);
  if (length == 0) return malformed(scan, scan->at, "bad number");
  if (length > JSON_NUMBER_MAX) return too_long(scan, length);
  if (!is_bounded(number, length)) return malformed(scan, scan->at, "number out of bounds");
  scan->at += length;
  if (is_plain) {
    buf_append(scan->out, number, length);
    return RC_OK;
  }
  if (is_before_colon(scan)) return malformed(scan, scan->at - length, "number as a member's name");
  buf_char(scan->out, '"');
  buf_append(scan->out, MARK_ESCAPED, MARK_ESCAPED_LENGTH);
  buf_append(scan->out, number, length);
  buf_char(scan->out, '"');
  return RC_OK;
}

/* The mark is the scan's own: a sender's string that began with it would be read as a number by whoever comes after. */
static bool is_marked(const char *inner, size_t length) {
  return length >= MARK_ESCAPED_LENGTH && strncmp(inner, MARK_ESCAPED, MARK_ESCAPED_LENGTH) == 0;
}

static enum rc scan_string(struct scan *scan) {
  size_t from = scan->at;
  for (scan->at++; scan->at < scan->length; scan->at++) {
    scan->at += plain_length(scan->text + scan->at, scan->length - scan->at);
    if (scan->at == scan->length || scan->text[scan->at] == '"') break;
    if ((unsigned char)scan->text[scan->at] < 0x20) return malformed(scan, scan->at, "control character");
    if (scan->text[scan->at] != '\\') continue;
    if (scan->length - scan->at > 5 && strncmp(scan->text + scan->at, "\\u0000", 6) == 0)
      return malformed(scan, scan->at, "NUL character");
    scan->at++; /* what is escaped cannot end the string */
    if (scan->at < scan->length && (unsigned char)scan->text[scan->at] < 0x20)
      return malformed(scan, scan->at, "control character");
  }
  if (scan->at >= scan->length) return malformed(scan, from, "unfinished string");
  if (is_marked(scan->text + from + 1, scan->at - from - 1)) return malformed(scan, from, "control character");
  scan->at++;
  scan->name = scan->text + from;
  scan->name_length = scan->at - from;
  buf_append(scan->out, scan->text + from, scan->at - from);
  return RC_OK;
}

static enum rc scan_plain(struct scan *scan) {
  char c = scan->text[scan->at];
  if ((unsigned char)c < 0x20 && !is_space(c)) return malformed(scan, scan->at, "control character");
  if (c == '{' || c == '[') scan->depth++;
  if (c == '}' || c == ']') scan->depth--;
  if (scan->depth > JSON_DEPTH_MAX) return malformed(scan, scan->at, "nesting too deep");
  buf_char(scan->out, c);
  scan->at++;
  return RC_OK;
}

static enum rc scan_next(struct scan *scan) {
  char c = scan->text[scan->at];
  if (c == '"') return scan_string(scan);
  return c == '-' || is_digit(c) ? scan_number(scan) : scan_plain(scan);
}

static bool is_beside(const struct scan *scan) {
  return scan->name_length == strlen(scan->beside) + 2 &&
         memcmp(scan->name + 1, scan->beside, scan->name_length - 2) == 0;
}

static enum rc set_aside(struct scan *scan) {
  while (scan->at < scan->length && (is_space(scan->text[scan->at]) || scan->text[scan->at] == ':'))
    TRY(scan_plain(scan));
  if (scan->at == scan->length || scan->text[scan->at] != '{') return malformed(scan, scan->at, "no object");
  size_t from = scan->at, written = scan->out->length;
  int depth = scan->depth;
  do TRY(scan_next(scan));
  while (scan->at < scan->length && scan->depth > depth);
  buf_cut(scan->out, written);
  buf_printf(scan->out, "[%zu,%zu]", from, scan->at - from);
  return RC_OK;
}

enum rc json_exact_beside(const char *text, size_t length, const char *name, struct buf *out, struct error *err) {
  struct scan scan = {.text = text, .length = length, .beside = name, .out = out, .err = err};
  while (scan.at < length) {
    bool is_string = text[scan.at] == '"';
    TRY(scan_next(&scan));
    if (!name || !is_string || !is_before_colon(&scan)) continue;
    if (memchr(scan.name, '\\', scan.name_length)) return malformed(&scan, scan.at, "escaped member name");
    if (is_beside(&scan)) TRY(set_aside(&scan));
  }
  if (!buf_ok(out)) return error_set(err, RC_MALFORMED, "the document is too large");
  return RC_OK;
}

enum rc json_exact(const char *text, size_t length, struct buf *out, struct error *err) {
  return json_exact_beside(text, length, NULL, out, err);
}
