/* One flat block for each object: a million payments keep theirs, so it costs no more than its text. */
#include "metadata.h"

#include "base/assert.h"

bool metadata_next(const char **at, const char **ret_key, const char **ret_value) {
  if (*at == NULL || **at == '\0') return false;
  *ret_key = *at;
  *ret_value = *ret_key + strlen(*ret_key) + 1;
  *at = *ret_value + strlen(*ret_value) + 1;
  return true;
}

const char *metadata_get(const char *metadata, const char *key) {
  const char *name, *value;
  while (metadata_next(&metadata, &name, &value)) {
    if (strcmp(name, key) == 0) return value;
  }
  return NULL;
}

size_t metadata_bytes(const char *metadata) {
  const char *at = metadata, *key, *value;
  if (metadata == NULL) return 0;
  while (metadata_next(&at, &key, &value)) {
  }
  return (size_t)(at - metadata) + 1;
}

void metadata_render(struct json_writer *writer, const char *metadata) {
  const char *key, *value;
  json_put_object(writer, "metadata");
  while (metadata_next(&metadata, &key, &value)) json_put_string(writer, key, value);
  json_put_end(writer);
}

struct draft {
  struct form_pair pairs[METADATA_KEYS_MAX];
  size_t count;
};

static enum rc draft_set(struct draft *draft, struct arena *arena, const char *key, const char *value,
                         struct error *err) {
  size_t i = 0;
  while (i < draft->count && strcmp(draft->pairs[i].name, key) != 0) i++;
  if (*value == '\0') {
    if (i < draft->count) draft->pairs[i] = draft->pairs[--draft->count];
    return RC_OK;
  }
  if (i == METADATA_KEYS_MAX) {
    return error_field(err, RC_VALIDATION, "metadata", "it has more than %d keys", METADATA_KEYS_MAX);
  }
  if (i == draft->count) draft->pairs[draft->count++].name = arena_strdup(arena, key);
  draft->pairs[i].value = value;
  return RC_OK;
}

static const char *draft_flatten(const struct draft *draft, struct arena *arena) {
  if (draft->count == 0) return NULL;
  size_t bytes = 1;
  for (size_t i = 0; i < draft->count; i++) bytes += strlen(draft->pairs[i].name) + strlen(draft->pairs[i].value) + 2;
  char *flat = arena_alloc(arena, bytes), *at = flat;
  for (size_t i = 0; i < draft->count; i++) {
    for (int part = 0; part < 2; part++) {
      const char *text = part == 0 ? draft->pairs[i].name : draft->pairs[i].value;
      memcpy(at, text, strlen(text) + 1);
      at += strlen(text) + 1;
    }
  }
  ASSERT(at == flat + bytes - 1);
  return flat;
}

/* "metadata[…", however it goes on. */
static bool is_inside(const char *name, const char *object) {
  size_t length = strlen(object);
  return strncmp(name, object, length) == 0 && name[length] == '[';
}

enum rc metadata_merge(struct arena *arena, const char *before, const struct form *form, const char *object,
                       const char **ret_metadata, struct error *err) {
  struct draft draft = {.count = 0};
  const char *key, *value;
  while (metadata_next(&before, &key, &value)) TRY(draft_set(&draft, arena, key, value, err));
  for (size_t i = 0; i < form->count; i++) {
    char member[FORM_MEMBER_MAX];
    const struct form_pair *pair = &form->pairs[i];
    ASSERT(pair->name != NULL && pair->value != NULL);
    if (!is_inside(pair->name, object)) continue;
    if (!form_member(pair->name, object, member) || strlen(member) > METADATA_KEY_MAX) {
      return error_field(err, RC_VALIDATION, pair->name, "a metadata key has 1 to %d bytes, without brackets",
                         METADATA_KEY_MAX);
    }
    if (strlen(pair->value) > METADATA_VALUE_MAX) {
      return error_field(err, RC_VALIDATION, pair->name, "it is longer than %d bytes", METADATA_VALUE_MAX);
    }
    TRY(draft_set(&draft, arena, member, pair->value, err));
  }
  *ret_metadata = draft_flatten(&draft, arena);
  return RC_OK;
}
