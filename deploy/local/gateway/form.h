/* application/x-www-form-urlencoded: what clients send, and what a journal line is written in.
 * Names keep their brackets ("metadata[invoice_id]", "expand[]"). Everything parsed lives in the arena. */
#ifndef GATEWAY_FORM_H
#define GATEWAY_FORM_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/error.h"

enum { FORM_PAIRS_MAX = 256, FORM_NAME_MAX = 128, FORM_VALUE_MAX = 5000, FORM_MEMBER_MAX = 64 };

struct form_pair {
  const char *name;
  const char *value;
};

struct form {
  struct form_pair *pairs;
  size_t count;
};

/* RC_MALFORMED for a bad escape, a NUL or what is not UTF-8; RC_VALIDATION past a limit, naming the parameter. */
MUST_CHECK enum rc form_parse(struct arena *arena, const char *text, size_t length, struct form *ret_form,
                              struct error *err);
const char *form_get(const struct form *form, const char *name); /* NULL when it is not there; the last of several */
/* "metadata[invoice_id]" of object "metadata" has the member "invoice_id"; false for any other shape. */
bool form_member(const char *name, const char *object, char ret_member[static FORM_MEMBER_MAX]);
/* Names up to their first bracket, for a list of what is known: "card[token]" is "card". */
size_t form_root_length(const char *name);

/* Appends `&name=value`, or `name=value` at the start of an empty buf. */
void form_add(struct buf *out, const char *name, const char *value);
void form_add_int(struct buf *out, const char *name, long long value);

#endif
