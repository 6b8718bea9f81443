/* Each piece says in front of it where it is from, so that whoever frees it need not know. An arena that is half full
 * leaves the rest to malloc: a message of nothing but brackets becomes forty times its size. */
#include "runtime/json_arena.h"

#include <jansson.h>
#include <stdalign.h>
#include <stdbool.h>
#include <stdlib.h>

static _Thread_local struct arena *current;

struct piece {
  alignas(max_align_t) bool is_in_arena;
};

static void *take(size_t bytes) {
  bool is_in_arena = current && bytes < current->max_bytes / 4 && current->used_bytes < current->max_bytes / 2;
  struct piece *piece = is_in_arena ? arena_alloc(current, sizeof *piece + bytes) : malloc(sizeof *piece + bytes);
  if (!piece) return NULL;
  piece->is_in_arena = is_in_arena;
  return piece + 1;
}

static void give_back(void *memory) {
  struct piece *piece = memory;
  if (piece && !piece[-1].is_in_arena) free(piece - 1);
}

void json_arena_install(void) {
  json_set_alloc_funcs(take, give_back);
}

void json_arena_use(struct arena *arena) {
  current = arena;
}
