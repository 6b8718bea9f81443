/* Memory for one command, batch or request: allocated piece by piece, given back all at once. Nothing in it is freed
 * alone. Running into the arena's limit ends the process (limits on input keep everything far below it). */
#ifndef BASE_ARENA_H
#define BASE_ARENA_H

#include <stdarg.h>
#include <stddef.h>

struct arena_block;
struct arena {
  struct arena_block *blocks;
  size_t used_bytes;
  size_t max_bytes;
};

void arena_init(struct arena *arena, size_t max_bytes);
void arena_reset(struct arena *arena);                /* forgets everything, keeps one block for what comes next */
void arena_release(struct arena *arena);              /* gives everything back; NULL and a zeroed arena are fine */
void *arena_alloc(struct arena *arena, size_t bytes); /* zeroed, aligned for any type */
#define ARENA_NEW(arena, type)          ((type *)arena_alloc((arena), sizeof(type)))
#define ARENA_ARRAY(arena, type, count) ((type *)arena_alloc_array((arena), (count), sizeof(type)))
void *arena_alloc_array(struct arena *arena, size_t count, size_t bytes);
char *arena_strdup(struct arena *arena, const char *text);
char *arena_strndup(struct arena *arena, const char *text, size_t length);
char *arena_printf(struct arena *arena, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
