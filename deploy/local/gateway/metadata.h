/* Metadata of an object: a flat list "key\0value\0key\0value\0\0", or NULL for none. Limits are Stripe's. */
#ifndef GATEWAY_METADATA_H
#define GATEWAY_METADATA_H

#include "base/json_text.h"
#include "form.h"

enum { METADATA_KEYS_MAX = 50, METADATA_KEY_MAX = 40, METADATA_VALUE_MAX = 500 };

/* What `object[...]` of the form (object is "metadata") makes of what was there: same keys replaced, empty values
 * removed. NULL for none. */
MUST_CHECK enum rc metadata_merge(struct arena *arena, const char *before, const struct form *form, const char *object,
                                  const char **ret_metadata, struct error *err);
const char *metadata_get(const char *metadata, const char *key); /* NULL when it is not there */
void metadata_render(struct json_writer *writer, const char *metadata);
size_t metadata_bytes(const char *metadata);
/* Next pair of a walk that begins with `at` = metadata; false at the end. */
bool metadata_next(const char **at, const char **ret_key, const char **ret_value);

#endif
