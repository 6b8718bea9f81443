/* Open addressing with linear probing, at most two thirds full. */
#include "counts.h"

#include <stdlib.h>
#include <string.h>

#include "base/assert.h"

enum { COUNTS_CAPACITY_FIRST = 1024 };

uint64_t hash_bytes(const void *bytes, size_t length) {
  const uint64_t odd = UINT64_C(0x9E3779B97F4A7C15);
  const char *at = bytes;
  uint64_t hash = (odd ^ length) * odd;
  for (; length >= 8; at += 8, length -= 8) {
    uint64_t word;
    memcpy(&word, at, sizeof word);
    hash = (hash ^ word) * odd;
    hash ^= hash >> 29;
  }
  uint64_t rest = 0;
  memcpy(&rest, at, length);
  hash = (hash ^ rest) * odd;
  hash ^= hash >> 32;
  hash *= odd;
  hash ^= hash >> 29;
  return hash != 0 ? hash : 1;
}

static void counts_make(struct counts *counts, size_t capacity) {
  *counts = (struct counts){.slots = calloc(capacity, sizeof(struct count)), .capacity = capacity};
  ASSERT(counts->slots != NULL);
}

void counts_init(struct counts *counts) {
  counts_make(counts, COUNTS_CAPACITY_FIRST);
}
void counts_release(struct counts *counts) {
  free(counts->slots);
}

static struct count *count_slot(const struct counts *counts, uint64_t hash) {
  size_t at = (size_t)hash & (counts->capacity - 1);
  while (counts->slots[at].hash != 0 && counts->slots[at].hash != hash) at = (at + 1) & (counts->capacity - 1);
  return &counts->slots[at];
}

static void counts_grow(struct counts *counts) {
  struct counts larger;
  counts_make(&larger, counts->capacity * 2);
  for (size_t i = 0; i < counts->capacity; i++) {
    if (counts->slots[i].hash != 0) *count_slot(&larger, counts->slots[i].hash) = counts->slots[i];
  }
  larger.used = counts->used;
  counts_release(counts);
  *counts = larger;
}

void counts_add(struct counts *counts, uint64_t hash) {
  ASSERT(hash != 0);
  if ((counts->used + 1) * 3 > counts->capacity * 2) counts_grow(counts);
  struct count *count = count_slot(counts, hash);
  counts->used += count->hash == 0;
  count->hash = hash;
  count->times++;
}

uint32_t counts_get(const struct counts *counts, uint64_t hash) {
  return count_slot(counts, hash)->times;
}
