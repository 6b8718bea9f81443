/* Finds the embedded files by the names that they must have, and compiles them; read-only from then on. A file that
 * nobody asked for is an error too: most often it is one with a slip in its name. */
#include "catalogue.h"

#include <stdio.h>
#include <string.h>

#include "base/assert.h"
#include "template.h"
#include "templates.h"

enum part { PART_SUBJECT, PART_TEXT, PART_HTML, PART_COUNT };
enum { FILE_NAME_MAX = 96, CATALOGUE_MAX_BYTES = 4 * 1024 * 1024 };

static const struct {
  const char *suffix;
  enum escaping escaping;
} parts[PART_COUNT] = {
    [PART_SUBJECT] = {"subject", ESCAPE_NOTHING},
    [PART_TEXT] = {"txt", ESCAPE_NOTHING},
    [PART_HTML] = {"html", ESCAPE_HTML},
};

static struct arena arena;
static const struct template *templates[MAIL_KIND_COUNT][LANGUAGE_COUNT][PART_COUNT];

static const struct embedded_file *find_file(const char *name) {
  for (const struct embedded_file *file = templates_files; file->name; file++)
    if (strcmp(file->name, name) == 0) return file;
  return NULL;
}

static enum rc load_one(enum mail_kind kind, size_t language, enum part part, struct error *err) {
  char name[FILE_NAME_MAX];
  snprintf(name, sizeof name, "%s.%s.%s", mail_kind_name(kind), LANGUAGES[language].code, parts[part].suffix);
  const struct embedded_file *file = find_file(name);
  if (!file) return error_field(err, RC_INVALID_SETTING, "templates", "there is no template %s", name);
  if (strlen(file->text) != file->length)
    return error_field(err, RC_INVALID_SETTING, "templates", "template %s has a NUL in it", name);
  return template_compile(&arena, file->name, file->text, kind, parts[part].escaping, &templates[kind][language][part],
                          err);
}

static size_t count_files(void) {
  size_t count = 0;
  while (templates_files[count].name) count++;
  return count;
}

enum rc catalogue_load(struct error *err) {
  arena_init(&arena, CATALOGUE_MAX_BYTES);
  size_t loaded = 0;
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
