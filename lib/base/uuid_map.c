/* Open addressing with linear probing, at most half full. The last eight bytes of an id are random or a digest, which
 * is all that a hash needs. */
#include "base/uuid_map.h"

#include <string.h>

#include "base/assert.h"

struct entry {
  struct uuid id;
  size_t value;
  bool used;
};

struct uuid_map {
  struct entry *entries;
  size_t mask, count, max_entries;
};

struct uuid_map *uuid_map_new(struct arena *arena, size_t max_entries) {
  size_t slots = 16;
  while (slots < 2 * max_entries) slots *= 2;
  struct uuid_map *map = ARENA_NEW(arena, struct uuid_map);
  *map = (struct uuid_map){.mask = slots - 1, .max_entries = max_entries};
  map->entries = ARENA_ARRAY(arena, struct entry, slots);
  return map;
}

/* The slot of the id, or the free one where it belongs. */
static struct entry *slot_of(const struct uuid_map *map, const struct uuid *id) {
  uint64_t hash;
  memcpy(&hash, id->bytes + 8, sizeof hash);
  for (size_t at = (size_t)(hash ^ (hash >> 32)) & map->mask;; at = (at + 1) & map->mask)
    if (!map->entries[at].used || uuid_equal(&map->entries[at].id, id)) return &map->entries[at];
}

bool uuid_map_add(struct uuid_map *map, const struct uuid *id, size_t value, size_t *ret_value) {
  struct entry *entry = slot_of(map, id);
  if (entry->used) {
    *ret_value = entry->value;
    return false;
  }
  ASSERT(map->count < map->max_entries);
  *entry = (struct entry){.id = *id, .value = value, .used = true};
  map->count++;
  *ret_value = value;
  return true;
}

bool uuid_map_find(const struct uuid_map *map, const struct uuid *id, size_t *ret_value) {
  const struct entry *entry = slot_of(map, id);
  if (entry->used) *ret_value = entry->value;
  return entry->used;
}
