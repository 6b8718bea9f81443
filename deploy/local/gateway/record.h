/* A journal line's fields: who asked what, and the objects as they are afterwards. */
#ifndef GATEWAY_RECORD_H
#define GATEWAY_RECORD_H

#include "base/time.h"
#include "idempotency.h"
#include "objects.h"

enum { RECORD_VERSION = 1, RECORD_FIELDS_MAX = 256 * 1024 };

struct record {
  const char *salt; /* only in the first line */
  struct utime at;
  const char *method, *path; /* NULL in the first line */
  const char *key;           /* NULL: without, or not to be remembered */
  struct key_hash request_hash;
  int status;
  const char *outcome;
  struct change change;
};

void record_encode(const struct record *record, struct buf *out);
/* Texts point into the form or the arena. False for what record_encode did not write. */
bool record_decode(struct arena *arena, const struct form *form, struct record *ret_record);

#endif
