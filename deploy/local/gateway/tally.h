/* Sums by text: how many charges, and how much money, for each value of a metadata key. */
#ifndef GATEWAY_TALLY_H
#define GATEWAY_TALLY_H

#include "base/json_text.h"

struct tally_entry {
  const char *value; /* NULL: free. The store's text, which stays. */
  uint32_t times;
};

struct tally {
  struct tally_entry *slots;
  size_t capacity; /* a power of two */
  size_t used;
  uint64_t without; /* charges that have no such key */
};

void tally_init(struct tally *tally);
void tally_release(struct tally *tally);
void tally_add(struct tally *tally, const char *value); /* NULL counts as without */
/* "succeededByMetadata": {"key", "distinct", "without", "moreThanOnce": {value: times}, "counts": {value: times}} */
void tally_render(const struct tally *tally, const char *key, struct json_writer *writer);

#endif
