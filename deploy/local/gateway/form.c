/* The parser works in place on one copy of the text, so a request costs one allocation for its strings and one for its
 * pairs. It sees everything that strangers send: each limit is checked before anything is stored. */
#include "form.h"

#include <stdint.h>

static int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

/* Decodes [text, end) in place and terminates it. Returns its length, or -1 for a bad escape or a NUL. */
static ptrdiff_t decode(char *text, const char *end) {
  char *out = text;
  for (const char *in = text; in < end; in++) {
    char c = *in;
    if (c == '+') {
      c = ' ';
    } else if (c == '%') {
      if (end - in < 3 || hex_digit(in[1]) < 0 || hex_digit(in[2]) < 0) return -1;
      c = (char)(hex_digit(in[1]) * 16 + hex_digit(in[2]));
      in += 2;
    }
    if (c == '\0') return -1;
    *out++ = c;
  }
  *out = '\0';
  return out - text;
}

/* Bytes of the UTF-8 character that begins here, by RFC 3629 (no overlong forms, no surrogates, nothing above
 * U+10FFFF); 0 when it is none. The text's terminator ends every sequence too early. */
static size_t utf8_length(const uint8_t *at) {
  uint8_t lead = at[0];
  uint8_t low = lead == 0xE0 ? 0xA0 : lead == 0xF0 ? 0x90 : 0x80;
  uint8_t high = lead == 0xED ? 0x9F : lead == 0xF4 ? 0x8F : 0xBF;
  size_t length = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : 2;
  if (lead < 0x80) return 1;
  if (lead < 0xC2 || lead > 0xF4 || at[1] < low || at[1] > high) return 0;
  for (size_t i = 2; i < length; i++) {
    if (at[i] < 0x80 || at[i] > 0xBF) return 0;
  }
  return length;
}

static bool is_utf8(const char *text) {
  for (const uint8_t *at = (const uint8_t *)text; *at != 0;) {
    size_t length = utf8_length(at);
    if (length == 0) return false;
    at += length;
  }
  return true;
}

static enum rc parse_pair(char *text, char *end, struct form_pair *ret_pair, struct error *err) {
  char *equals = memchr(text, '=', (size_t)(end - text));
  char *name_end = equals != NULL ? equals : end;
  char *value = equals != NULL ? equals + 1 : end;
  /* The value first: decoding the name writes its terminator over the '='. */
  ptrdiff_t value_length = decode(value, end);
  ptrdiff_t name_length = decode(text, name_end);
  if (name_length < 0 || value_length < 0 || !is_utf8(text) || !is_utf8(value)) {
    return error_set(err, RC_MALFORMED, "the form is not url-encoded UTF-8");
  }
  if (name_length == 0 || name_length > FORM_NAME_MAX) {
    return error_set(err, RC_VALIDATION, "a parameter's name has 1 to %d bytes", FORM_NAME_MAX);
  }
  if (value_length > FORM_VALUE_MAX) {
    return error_field(err, RC_VALIDATION, text, "it is longer than %d bytes", FORM_VALUE_MAX);
  }
  *ret_pair = (struct form_pair){text, value};
  return RC_OK;
}

enum rc form_parse(struct arena *arena, const char *text, size_t length, struct form *ret_form, struct error *err) {
  size_t most = length == 0 ? 0 : 1;
  for (size_t i = 0; i < length; i++) most += text[i] == '&';
  if (most > FORM_PAIRS_MAX) return error_set(err, RC_VALIDATION, "more than %d parameters", FORM_PAIRS_MAX);

  struct form form = {.pairs = ARENA_ARRAY(arena, struct form_pair, most + 1)};
  char *copy = arena_strndup(arena, text, length);
  char *end = copy + length;
  for (char *start = copy; start < end;) {
    char *ampersand = memchr(start, '&', (size_t)(end - start));
    char *pair_end = ampersand != NULL ? ampersand : end;
    if (pair_end > start) {
      TRY(parse_pair(start, pair_end, &form.pairs[form.count], err));
      form.count++;
    }
    start = pair_end + 1;
  }
  *ret_form = form;
  return RC_OK;
}

const char *form_get(const struct form *form, const char *name) {
  for (size_t i = form->count; i > 0; i--) {
    if (strcmp(form->pairs[i - 1].name, name) == 0) return form->pairs[i - 1].value;
  }
  return NULL;
}

bool form_member(const char *name, const char *object, char ret_member[static FORM_MEMBER_MAX]) {
  size_t object_length = strlen(object);
  if (strncmp(name, object, object_length) != 0 || name[object_length] != '[') return false;
  const char *member = name + object_length + 1;
  size_t length = strcspn(member, "[]");
  if (length == 0 || length >= FORM_MEMBER_MAX || strcmp(member + length, "]") != 0) return false;
  memcpy(ret_member, member, length);
  ret_member[length] = '\0';
  return true;
}

size_t form_root_length(const char *name) {
  return strcspn(name, "[");
}

/* Brackets stay readable; everything that could end a pair, a line or a field is escaped. */
static void escape(struct buf *out, const char *text) {
  static const char HEX[] = "0123456789ABCDEF";
  const char *plain = text;
  for (; *text != '\0'; text++) {
    uint8_t c = (uint8_t)*text;
    bool is_plain = c > ' ' && c != '%' && c != '&' && c != '=' && c != '+' && c != 0x7F;
    if (is_plain) continue;
    buf_append(out, plain, (size_t)(text - plain));
    buf_append(out, (char[]){'%', HEX[c >> 4], HEX[c & 15]}, 3);
    plain = text + 1;
  }
  buf_append(out, plain, (size_t)(text - plain));
}

void form_add(struct buf *out, const char *name, const char *value) {
  if (out->length > 0) buf_char(out, '&');
  escape(out, name);
  buf_char(out, '=');
  escape(out, value);
}

void form_add_int(struct buf *out, const char *name, long long value) {
  char digits[24];
  (void)snprintf(digits, sizeof digits, "%lld", value);
  form_add(out, name, digits);
}
