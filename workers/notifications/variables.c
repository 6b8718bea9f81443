/* The tables of variables.h, and the values of a mail as JSON: they are stored with the notification. */
#include "variables.h"

#include <jansson.h>
#include <string.h>

#include "base/assert.h"
#include "base/json_text.h"

static const char *const kind_names[] = {
#define X(kind, name) [kind] = name,
    MAIL_KINDS(X)
#undef X
};

static const struct {
  const char *name;
  unsigned kinds;
} variables[] = {
#define X(variable, name, kinds) [variable] = {name, kinds},
    VARIABLES(X)
#undef X
};

static bool has_variable(enum mail_kind kind, enum variable variable) {
  return variables[variable].kinds & 1U << kind;
}

const char *mail_kind_name(enum mail_kind kind) {
  ASSERT(kind < MAIL_KIND_COUNT);
  return kind_names[kind];
}

bool mail_kind_from_name(const char *name, enum mail_kind *ret_kind) {
  for (enum mail_kind kind = 0; kind < MAIL_KIND_COUNT; kind++) {
    if (strcmp(kind_names[kind], name) != 0) continue;
    *ret_kind = kind;
    return true;
  }
  return false;
}

enum variable variable_find(enum mail_kind kind, const char *name, size_t length) {
  for (enum variable v = 0; v < VARIABLE_COUNT; v++)
    if (has_variable(kind, v) && strlen(variables[v].name) == length && memcmp(variables[v].name, name, length) == 0)
      return v;
  return VARIABLE_COUNT;
}

void values_write(enum mail_kind kind, const struct mail_values *values, struct buf *out) {
  struct json_writer writer;
  json_writer_init(&writer, out);
  json_put_object(&writer, NULL);
  for (enum variable v = 0; v < VARIABLE_COUNT; v++) {
    const char *text = values->text[v];
    ASSERT(!text || has_variable(kind, v));
    if (text && text[0]) json_put_string(&writer, variables[v].name, text);
  }
  json_put_end(&writer);
}

static void release_json(json_t **json) {
  json_decref(*json);
}

enum rc values_read(enum mail_kind kind, const char *json, struct arena *arena, struct mail_values *ret_values,
                    struct error *err) {
  json_error_t reason;
  json_t *CLEANUP(release_json) object = json_loads(json, JSON_REJECT_DUPLICATES, &reason);
  if (!json_is_object(object)) return error_set(err, RC_INVARIANT, "the mail's variables are not a JSON object");
  struct mail_values values = {0};
  for (enum variable v = 0; v < VARIABLE_COUNT; v++) {
    const char *text = json_string_value(json_object_get(object, variables[v].name));
    if (text && has_variable(kind, v)) values.text[v] = arena_strdup(arena, text);
  }
  *ret_values = values;
  return RC_OK;
}
