/* Reads a process's table of settings from the environment, and prints the same table for --help and the docs. Whatever
 * is wrong is told in one line that names the setting; the value of a secret is never part of it. */
#include "base/settings.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "base/buf.h"

enum { TEXT_LENGTH_MAX = 4096, SHOWN_VALUE_MAX = 64, HELP_MAX_BYTES = 256 * 1024, RANGE_TEXT_MAX = 256 };

/* ---- reading ---- */

__attribute__((format(printf, 3, 4))) static enum rc wrong(const struct setting *setting, struct error *err,
                                                           const char *format, ...) {
  char reason[ERROR_TEXT_MAX];
  va_list arguments;
  va_start(arguments, format);
  (void)vsnprintf(reason, sizeof reason, format, arguments);
  va_end(arguments);
  return error_field(err, RC_INVALID_SETTING, setting->name, "%s %s", setting->name, reason);
}

/* The value as it may stand in a line: cut, and without characters that would end or hide it. */
static const char *shown(const char *value, char text[static SHOWN_VALUE_MAX]) {
  size_t length = strnlen(value, SHOWN_VALUE_MAX - 1);
  for (size_t i = 0; i < length; i++) text[i] = value[i] >= 0x20 && value[i] < 0x7F ? value[i] : '?';
  text[length] = '\0';
  return text;
}

static enum rc wrong_value(const struct setting *setting, const char *value, const char *expected, struct error *err) {
  char text[SHOWN_VALUE_MAX];
  if (setting->type == SETTING_SECRET) return wrong(setting, err, "must be %s", expected);
  return wrong(setting, err, "must be %s, not \"%s\"", expected, shown(value, text));
}

/* A whole decimal number and nothing else. */
static bool read_integer(const char *value, int64_t *ret_integer) {
  char *end;
  const char *digits = value[0] == '-' ? value + 1 : value;
  if (digits[0] < '0' || digits[0] > '9') return false;
  errno = 0;
  long long integer = strtoll(value, &end, 10);
  if (errno != 0 || *end != '\0') return false;
  *ret_integer = integer;
  return true;
}

static bool read_bool(const char *value, bool *ret_bool) {
  bool is_true = strcmp(value, "true") == 0 || strcmp(value, "1") == 0;
  bool is_false = strcmp(value, "false") == 0 || strcmp(value, "0") == 0;
  if (is_true || is_false) *ret_bool = is_true;
  return is_true || is_false;
}

static bool is_address(const char *value) {
  int64_t port;
  const char *colon = strrchr(value, ':');
  if (colon == NULL || colon == value || strpbrk(value, " \t\r\n/,@") != NULL) return false;
  bool bracketed = value[0] == '[' && colon[-1] == ']';
  if (!bracketed && memchr(value, ':', (size_t)(colon - value)) != NULL) return false; /* IPv6 goes in brackets */
  return colon[1] != '-' && read_integer(colon + 1, &port) && port <= UINT16_MAX;
}

static bool is_choice(const char *choices, const char *value) {
  size_t length = strlen(value);
  if (length == 0 || strchr(value, ' ') != NULL) return false;
  for (const char *word = choices; word != NULL; word = strchr(word, ' ')) {
    word += word[0] == ' ';
    if (strncmp(word, value, length) == 0 && (word[length] == ' ' || word[length] == '\0')) return true;
  }
  return false;
}

static void put_text(void *place, const char *value) {
  const char **text = place;
  *text = value;
}

static enum rc check_length(const struct setting *setting, const char *value, struct error *err) {
  size_t length = strlen(value);
  int64_t max = setting->max > 0 ? setting->max : TEXT_LENGTH_MAX;
  if ((int64_t)length < setting->min)
    return wrong(setting, err, "must have at least %lld bytes", (long long)setting->min);
  if ((int64_t)length > max) return wrong(setting, err, "must have at most %lld bytes", (long long)max);
  return RC_OK;
}

static const char *range_text(const struct setting *setting, char text[static RANGE_TEXT_MAX]) {
  (void)snprintf(text, RANGE_TEXT_MAX, "a number from %lld to %lld", (long long)setting->min, (long long)setting->max);
  return text;
}

static enum rc load_text(const struct setting *setting, const char *value, void *place, struct error *err) {
  TRY(check_length(setting, value, err));
  if (setting->type == SETTING_ADDRESS && !is_address(value))
    return wrong_value(setting, value, "an address like host:port", err);
  if (setting->type == SETTING_CHOICE && !is_choice(setting->choices, value)) {
    char expected[RANGE_TEXT_MAX];
    (void)snprintf(expected, sizeof expected, "one of: %s", setting->choices);
    return wrong_value(setting, value, expected, err);
  }
  put_text(place, value);
  return RC_OK;
}

static enum rc load_value(const struct setting *setting, const char *value, void *place, struct error *err) {
  char range[RANGE_TEXT_MAX];
  switch (setting->type) {
  case SETTING_TEXT:
  case SETTING_SECRET:
  case SETTING_ADDRESS:
  case SETTING_CHOICE: return load_text(setting, value, place, err);
  case SETTING_INT: {
    int64_t integer;
    if (!read_integer(value, &integer) || integer < setting->min || integer > setting->max)
      return wrong_value(setting, value, range_text(setting, range), err);
    *(int64_t *)place = integer;
    return RC_OK;
  }
  case SETTING_BOOL:
    if (!read_bool(value, place)) return wrong_value(setting, value, "true or false", err);
    return RC_OK;
  }
  assert_failed("a setting type", __FILE__, __LINE__);
}

enum rc settings_load(const struct setting *table, size_t count, void *target, struct error *err) {
  for (size_t i = 0; i < count; i++) {
    const struct setting *setting = &table[i];
    void *place = (char *)target + setting->offset;
    const char *value = getenv(setting->name);
    if (value != NULL && value[0] != '\0') {
      TRY(load_value(setting, value, place, err));
    } else if (setting->default_value == NULL) {
      return wrong(setting, err, "must be given");
    } else if (setting->default_value[0] == '\0' && setting->type != SETTING_INT && setting->type != SETTING_BOOL) {
      put_text(place, ""); /* "not used": an empty default need not be an address or have a length */
    } else {
      TRY(load_value(setting, setting->default_value, place, err));
    }
  }
  return RC_OK;
}

/* Some texts begin with the setting's name, as settings_load writes them; some faults are found further below. */
void settings_complain(const char *process, const struct error *err) {
  bool is_named = err->field[0] == '\0' || strncmp(err->text, err->field, strlen(err->field)) == 0;
  (void)fprintf(stderr, "%s: %s%s%s\n", process, is_named ? "" : err->field, is_named ? "" : " ", err->text);
}

/* ---- help ---- */

static const char *type_text(const struct setting *setting, char text[static RANGE_TEXT_MAX]) {
  switch (setting->type) {
  case SETTING_TEXT: return "text";
  case SETTING_SECRET: return "secret";
  case SETTING_ADDRESS: return "host:port";
  case SETTING_BOOL: return "true, false";
  case SETTING_CHOICE: return setting->choices;
  case SETTING_INT:
    (void)snprintf(text, RANGE_TEXT_MAX, "%lld to %lld", (long long)setting->min, (long long)setting->max);
    return text;
  }
  assert_failed("a setting type", __FILE__, __LINE__);
}

static const char *default_text(const struct setting *setting) {
  if (setting->default_value == NULL) return "(required)";
  if (setting->default_value[0] == '\0') return "(none)";
  return setting->type == SETTING_SECRET ? "(hidden)" : setting->default_value;
}

/* A cell's text, with what would end the cell escaped. */
static void markdown_cell(struct buf *out, const char *text) {
  for (; *text != '\0'; text++) {
    if (*text == '|') buf_char(out, '\\');
    buf_char(out, *text == '\n' ? ' ' : *text);
  }
}

static void markdown_help(const struct setting *table, size_t count, const char *process, const char *about,
                          struct buf *out) {
  char type[RANGE_TEXT_MAX];
  buf_printf(out, "## %s\n\n%s\n\n| Setting | Type | Default | Meaning |\n|---|---|---|---|\n", process, about);
  for (size_t i = 0; i < count; i++) {
    buf_printf(out, "| `%s` | ", table[i].name);
    markdown_cell(out, type_text(&table[i], type));
    buf_text_append(out, " | ");
    markdown_cell(out, default_text(&table[i]));
    buf_text_append(out, " | ");
    markdown_cell(out, table[i].help);
    buf_text_append(out, " |\n");
  }
}

static int widest(int width, const char *text) {
  int length = (int)strlen(text);
  return length > width ? length : width;
}

static void plain_help(const struct setting *table, size_t count, const char *process, const char *about,
                       struct buf *out) {
  char type[RANGE_TEXT_MAX];
  int name_width = 0;
  int type_width = 0;
  int default_width = 0;
  for (size_t i = 0; i < count; i++) {
    name_width = widest(name_width, table[i].name);
    type_width = widest(type_width, type_text(&table[i], type));
    default_width = widest(default_width, default_text(&table[i]));
  }
  buf_printf(out, "%s: %s\n\nSettings, from the environment:\n", process, about);
  for (size_t i = 0; i < count; i++)
    buf_printf(out, "  %-*s  %-*s  %-*s  %s\n", name_width, table[i].name, type_width, type_text(&table[i], type),
               default_width, default_text(&table[i]), table[i].help);
}

bool settings_help(const struct setting *table, size_t count, const char *process, const char *about, int argc,
                   char **argv) {
  for (int i = 1; i < argc; i++) {
    bool plain = strcmp(argv[i], "--help") == 0;
    bool markdown = strcmp(argv[i], "--help=markdown") == 0;
    if (!plain && !markdown) continue;
    struct buf out CLEANUP(buf_release);
    buf_init(&out, HELP_MAX_BYTES);
    (markdown ? markdown_help : plain_help)(table, count, process, about, &out);
    (void)fputs(buf_text(&out), stdout);
    return true;
  }
  return false;
}
