/* A page of JSON to lines of text. Numbers keep their own characters (json_exact). */
#include "csv.h"

#include <string.h>
#include <strings.h>

#include "base/json_text.h"
#include "bus/message.h"

enum { CELL_BYTES_MAX = 4 * 1024 * 1024, PAGE_BYTES_MAX = 64 * 1024 * 1024 };

/* ---- cells ---- */

/* The signs that begin a formula, and their full-width forms. */
static bool begins_formula(const char *text) {
  static const char *const starts[] = {"=", "+", "-", "@", "\t", "\r", "\uFF1D", "\uFF0B", "\uFF0D", "\uFF20"};
  for (size_t i = 0; i < sizeof starts / sizeof starts[0]; i++)
    if (strncmp(text, starts[i], strlen(starts[i])) == 0) return true;
  return false;
}

/* An empty text is "", and nothing at all is null. */
static bool needs_quotes(const char *text) {
  size_t length = strlen(text);
  return length == 0 || strpbrk(text, "\",\r\n") || text[0] == ' ' || text[length - 1] == ' ';
}

static void write_cell(struct buf *out, const char *text, bool is_guarded) {
  const char *guard = is_guarded && begins_formula(text) ? "'" : "";
  if (!needs_quotes(text) && !guard[0]) {
    buf_text_append(out, text);
    return;
  }
  buf_printf(out, "\"%s", guard);
  for (const char *at = text; *at; at++) {
    if (*at == '"') buf_char(out, '"');
    buf_char(out, *at);
  }
  buf_char(out, '"');
}

static void write_json(struct buf *out, json_t *value) {
  struct buf CLEANUP(buf_release) text;
  buf_init(&text, CELL_BYTES_MAX);
  body_write(value, &text);
  write_cell(out, buf_text(&text), false);
}

static void write_value(struct buf *out, json_t *value) {
  bool is_text = json_is_string(value) && json_string_value(value)[0] != JSON_EXACT_MARK;
  if (!value || json_is_null(value)) return;
  if (is_text)
    write_cell(out, json_string_value(value), true);
  else
    write_json(out, value);
}

/* ---- lines ---- */

static void end_cell(struct buf *out, size_t column, size_t count) {
  buf_text_append(out, column + 1 < count ? "," : "\r\n");
}

static void write_header(struct csv *csv, json_t *item, struct buf *out) {
  const char *name;
  json_t *ignored;
  json_object_foreach(item, name, ignored) {
    if (csv->count < CSV_COLUMNS_MAX) csv->columns[csv->count++] = arena_strdup(csv->arena, name);
  }
  for (size_t i = 0; i < csv->count; i++) {
    write_cell(out, csv->columns[i], true);
    end_cell(out, i, csv->count);
  }
}

static void write_row(const struct csv *csv, json_t *item, struct buf *out) {
  for (size_t i = 0; i < csv->count; i++) {
    write_value(out, json_object_get(item, csv->columns[i]));
    end_cell(out, i, csv->count);
  }
}

enum rc csv_write_page(struct csv *csv, const char *items, struct buf *out, struct error *err) {
  struct buf CLEANUP(buf_release) exact;
  size_t index;
  json_t *item;
  buf_init(&exact, PAGE_BYTES_MAX);
  TRY(json_exact(items, strlen(items), &exact, err));
  json_auto_t *page = json_loadb(buf_text(&exact), exact.length, 0, NULL);
  if (!json_is_array(page)) return error_set(err, RC_BUG, "a page of a list is no array");
  json_array_foreach(page, index, item) {
    if (csv->count == 0) write_header(csv, item, out);
    write_row(csv, item, out);
  }
  return buf_ok(out) ? RC_OK : error_set(err, RC_BUG, "a page of a list is too long");
}

/* ---- Accept ---- */

static bool is_word(const char *at, size_t length, const char *word) {
  return length == strlen(word) && strncasecmp(at, word, length) == 0;
}

/* "q=0.8" among a range's parameters, in thousandths; 1000 without one, 0 for what cannot be read. */
static int quality_of(const char *parameters, size_t length) {
  const char *end = parameters + length;
  for (const char *at = parameters; at < end; at++) {
    if (*at != ';') continue;
    at += 1 + strspn(at + 1, " \t");
    if (strncasecmp(at, "q=", 2) != 0) {
      at--;
      continue;
    }
    int quality = at[2] == '1' ? 1000 : 0;
    if (at[2] == '0' && at[3] == '.')
      for (int digit = 0, unit = 100; digit < 3 && at[4 + digit] >= '0' && at[4 + digit] <= '9'; digit++, unit /= 10)
        quality += (at[4 + digit] - '0') * unit;
    return quality;
  }
  return 1000;
}

/* Of a type, by the range that names it most exactly. */
static int liking(const char *accept, const char *type, const char *family) {
  int best_rank = 0, quality = 0;
  for (const char *at = accept; *at;) {
    at += strspn(at, " \t,");
    size_t whole = strcspn(at, ","), range = strcspn(at, ",; \t");
    int rank = is_word(at, range, type) ? 3 : is_word(at, range, family) ? 2 : is_word(at, range, "*/*") ? 1 : 0;
    if (rank > best_rank) {
      best_rank = rank;
      quality = quality_of(at + range, whole - range);
    }
    at += whole;
  }
  return quality;
}

bool csv_is_accepted(const char *accept) {
  return accept && liking(accept, "text/csv", "text/*") > liking(accept, "application/json", "application/*");
}
