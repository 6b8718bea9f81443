/* JSON Schema (draft 7) behind one small C interface: what a client's body, a command or an event must look like is in
 * schemas/, embedded when the program is built, and compiled once, when the first message is checked. valijson does the
 * checking; nobody else sees C++.
 *
 * Thread-safe. `json` is the text as it was sent (not json_exact's), which json_exact has accepted: its nesting is
 * bounded. "format" is an annotation here and asserts nothing; a "pattern" is a POSIX extended expression, which those
 * of schemas/ are as well as ECMA 262's. valijson 1.0 confuses a definition that is reached by $ref with its own
 * "propertyNames", "contains", "not" and "if": they stand where they are used. A schema may say in "errorMessage" what
 * people shall read in place of the text below. */
#ifndef SCHEMA_SCHEMA_H
#define SCHEMA_SCHEMA_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"

#ifdef __cplusplus
extern "C" {
#endif

enum { SCHEMA_FAULTS_MAX = 16, SCHEMA_FAULT_TEXT_MAX = 240 };

/* field: "items[2].quantity", "" for the whole. text goes on from the field's name: "is required", "must be one of …".
 */
struct schema_fault {
  char field[ERROR_FIELD_MAX];
  char text[SCHEMA_FAULT_TEXT_MAX];
};

/* All that is wrong, in the order of the document where it has one; `more` when there was no room for all. */
struct schema_faults {
  size_t count;
  bool more;
  struct schema_fault faults[SCHEMA_FAULTS_MAX];
};

/* By the message's name, "subscription.create". RC_OK; RC_VALIDATION with at least one fault; RC_MALFORMED, without
 * faults, for what is not JSON. A name without a schema is our own bug. *ret_faults is written only for RC_VALIDATION.
 */
MUST_CHECK enum rc schema_validate(const char *name, const char *json, size_t length, struct schema_faults *ret_faults);

/* The embedded schemas, as they stand in schemas/, by index; NULL name at the end. */
struct schema_source {
  const char *name;
  const char *kind; /* "commands", "events", or "requests": what the API does itself */
  const char *text;
};
const struct schema_source *schema_sources(void);
const struct schema_source *schema_find(const char *name); /* NULL when there is none */

/* The same for a schema that is not embedded. RC_INVARIANT with the reason when it is no schema. */
struct schema;
MUST_CHECK enum rc schema_compile(const char *text, size_t length, struct schema **ret_schema, struct error *err);
void schema_free(struct schema *schema); /* NULL is fine */
MUST_CHECK enum rc schema_check(const struct schema *schema, const char *json, size_t length,
                                struct schema_faults *ret_faults);

#ifdef __cplusplus
}
#endif

#endif
