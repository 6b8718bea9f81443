/* Finds the embedded files by the names that they must have, and compiles them; read-only from then on. A file that
 * nobody asked for is an error too: most often it is one with a slip in its name. */
#include "catalogue.h"

#include <string.h>

#include "base/assert.h"
#include "template.h"
#include "templates.h"

enum part { PART_SUBJECT, PART_TEXT, PART_HTML, PART_COUNT };
enum { FRAMES = 2 * LANGUAGE_COUNT, CATALOGUE_MAX_BYTES = 4 * 1024 * 1024 };

static const char CONTENT[] = "{{content}}\n";

static const struct {
  const char *suffix;
  enum escaping escaping;
  bool is_framed;
} parts[PART_COUNT] = {
    [PART_SUBJECT] = {"subject", ESCAPE_NOTHING, false},
    [PART_TEXT] = {"txt", ESCAPE_NOTHING, true},
    [PART_HTML] = {"html", ESCAPE_HTML, true},
};

static struct arena arena;
static const struct template *templates[MAIL_KIND_COUNT][LANGUAGE_COUNT][PART_COUNT];

static const struct embedded_file *find_file(const char *name) {
  for (const struct embedded_file *file = templates_files; file->name; file++)
    if (strcmp(file->name, name) == 0) return file;
  return NULL;
}

static enum rc read_file(const char *name, const char **ret_text, struct error *err) {
  const struct embedded_file *file = find_file(name);
  if (!file) return error_field(err, RC_INVALID_SETTING, "templates", "there is no template %s", name);
  if (strlen(file->text) != file->length)
    return error_field(err, RC_INVALID_SETTING, "templates", "template %s has a NUL in it", name);
  *ret_text = file->text;
  return RC_OK;
}

static const char *file_name(const char *of, size_t language, enum part part) {
  return arena_printf(&arena, "%s.%s.%s", of, LANGUAGES[language].code, parts[part].suffix);
}

/* What stands around the content of each mail of a language: greeting, signature, style. */
static enum rc put_into_frame(size_t language, enum part part, const char **text, struct error *err) {
  const char *frame = "", *name = file_name("frame", language, part);
  TRY(read_file(name, &frame, err));
  const char *at = strstr(frame, CONTENT);
  if (!at) return error_field(err, RC_INVALID_SETTING, "templates", "template %s has no line {{content}}", name);
  *text = arena_printf(&arena, "%.*s%s%s", (int)(at - frame), frame, *text, at + strlen(CONTENT));
  return RC_OK;
}

/* A content is compiled by itself first: its mistakes are told by its own lines. */
static enum rc load_one(enum mail_kind kind, size_t language, enum part part, struct error *err) {
  const char *text = "", *name = file_name(mail_kind_name(kind), language, part);
  const struct template **template = &templates[kind][language][part];
  TRY(read_file(name, &text, err));
  TRY(template_compile(&arena, name, text, kind, parts[part].escaping, template, err));
  if (!parts[part].is_framed) return RC_OK;
  TRY(put_into_frame(language, part, &text, err));
  return template_compile(&arena, file_name("frame", language, part), text, kind, parts[part].escaping, template, err);
}

static size_t count_files(void) {
  size_t count = 0;
  while (templates_files[count].name) count++;
  return count;
}

enum rc catalogue_load(struct error *err) {
  arena_init(&arena, CATALOGUE_MAX_BYTES);
  size_t loaded = FRAMES;
  for (enum mail_kind kind = 0; kind < MAIL_KIND_COUNT; kind++)
    for (size_t language = 0; language < LANGUAGE_COUNT; language++)
      for (enum part part = 0; part < PART_COUNT; part++, loaded++) TRY(load_one(kind, language, part, err));
  if (count_files() != loaded)
    return error_field(err, RC_INVALID_SETTING, "templates", "there are %zu files for %zu templates", count_files(),
                       loaded);
  return RC_OK;
}

void catalogue_release(void) {
  arena_release(&arena);
}

static void render(enum mail_kind kind, const struct language *language, enum part part,
                   const struct mail_values *values, struct buf *out) {
  const struct template *template = templates[kind][language_index(language)][part];
  ASSERT(template);
  template_render(template, values, out);
}

void catalogue_subject(enum mail_kind kind, const struct language *language, const struct mail_values *values,
                       struct buf *out) {
  render(kind, language, PART_SUBJECT, values, out);
  while (out->length > 0 && out->bytes[out->length - 1] == '\n') out->bytes[--out->length] = '\0';
}

void catalogue_text(enum mail_kind kind, const struct language *language, const struct mail_values *values,
                    struct buf *out) {
  render(kind, language, PART_TEXT, values, out);
}

void catalogue_html(enum mail_kind kind, const struct language *language, const struct mail_values *values,
                    struct buf *out) {
  render(kind, language, PART_HTML, values, out);
}
