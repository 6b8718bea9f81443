/* From an id to a place in an array: for joining what a statement returned with what a batch holds. Lives in an arena,
 * holds a number of entries that is known when it is made. */
#ifndef BASE_UUID_MAP_H
#define BASE_UUID_MAP_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/uuid.h"

struct uuid_map;

struct uuid_map *uuid_map_new(struct arena *arena, size_t max_entries);
/* False, and *ret_value is what is there, when the id is in it already. Asserts that there is room. */
bool uuid_map_add(struct uuid_map *map, const struct uuid *id, size_t value, size_t *ret_value);
bool uuid_map_find(const struct uuid_map *map, const struct uuid *id, size_t *ret_value);

#endif
