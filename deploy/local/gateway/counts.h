/* How often each of many 64-bit hashes was seen. Grows as needed. */
#ifndef GATEWAY_COUNTS_H
#define GATEWAY_COUNTS_H

#include <stddef.h>
#include <stdint.h>

struct count {
  uint64_t hash; /* 0: free */
  uint32_t times;
};

struct counts {
  struct count *slots;
  size_t capacity; /* a power of two */
  size_t used;
};

void counts_init(struct counts *counts);
void counts_release(struct counts *counts);
void counts_add(struct counts *counts, uint64_t hash); /* hash is not 0 */
uint32_t counts_get(const struct counts *counts, uint64_t hash);

/* A quick hash for tables and for telling a torn journal line from a whole one; no defence against malice. Never 0. */
uint64_t hash_bytes(const void *bytes, size_t length);

#endif
