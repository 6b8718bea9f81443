/* A chain of blocks, each filled from its start. Blocks of the usual size come one after another; a request too large
 * for one gets a block of its own behind the current one, so that the rest of the current one is not lost. Under
 * AddressSanitizer (gcc) what is not handed out is poisoned: use after reset is found like use after free. */
#include "base/arena.h"

#include <stdalign.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"

#ifdef __SANITIZE_ADDRESS__
#  include <sanitizer/asan_interface.h>
#else
#  define ASAN_POISON_MEMORY_REGION(address, size)   ((void)(address), (void)(size))
#  define ASAN_UNPOISON_MEMORY_REGION(address, size) ((void)(address), (void)(size))
#endif

enum { BLOCK_BYTES = 32 * 1024, ALIGNMENT = alignof(max_align_t), SHORT_TEXT_MAX = 256 };

struct arena_block {
  struct arena_block *next;
  size_t size;
  size_t used;
  alignas(max_align_t) char bytes[];
};

void arena_init(struct arena *arena, size_t max_bytes) {
  *arena = (struct arena){.max_bytes = max_bytes};
}

static struct arena_block *block_new(size_t size) {
  struct arena_block *block = malloc(sizeof *block + size);
  ASSERT(block != NULL);
  block->next = NULL;
  block->size = size;
  block->used = 0;
  ASAN_POISON_MEMORY_REGION(block->bytes, size);
  return block;
}

static void block_free(struct arena_block *block) {
  ASAN_UNPOISON_MEMORY_REGION(block->bytes, block->size);
  free(block);
}

void arena_reset(struct arena *arena) {
  struct arena_block *kept = NULL;
  for (struct arena_block *block = arena->blocks, *next; block != NULL; block = next) {
    next = block->next;
    if (kept == NULL && block->size == BLOCK_BYTES) {
      kept = block;
    } else {
      block_free(block);
    }
  }
  if (kept != NULL) {
    kept->next = NULL;
    kept->used = 0;
    ASAN_POISON_MEMORY_REGION(kept->bytes, kept->size);
  }
  arena->blocks = kept;
  arena->used_bytes = 0;
}

void arena_release(struct arena *arena) {
  if (arena == NULL) return;
  for (struct arena_block *block = arena->blocks, *next; block != NULL; block = next) {
    next = block->next;
    block_free(block);
  }
  *arena = (struct arena){.max_bytes = arena->max_bytes};
}

/* The block that `size` bytes come from. */
static struct arena_block *block_for(struct arena *arena, size_t size) {
  struct arena_block *current = arena->blocks;
  if (current != NULL && size <= current->size - current->used) return current;
  struct arena_block *block = block_new(size > BLOCK_BYTES ? size : BLOCK_BYTES);
  if (current != NULL && size > BLOCK_BYTES) {
    block->next = current->next;
    current->next = block;
  } else {
    block->next = current;
    arena->blocks = block;
  }
  return block;
}

void *arena_alloc(struct arena *arena, size_t bytes) {
  ASSERT(bytes <= SIZE_MAX / 2);
  size_t size = (bytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
  if (size == 0) size = ALIGNMENT;
  ASSERT(size <= arena->max_bytes - arena->used_bytes);
  struct arena_block *block = block_for(arena, size);
  char *memory = block->bytes + block->used;
  block->used += size;
  arena->used_bytes += size;
  ASAN_UNPOISON_MEMORY_REGION(memory, bytes == 0 ? 1 : bytes);
  memset(memory, 0, bytes);
  return memory;
}

void *arena_alloc_array(struct arena *arena, size_t count, size_t bytes) {
  size_t total;
  bool overflow = __builtin_mul_overflow(count, bytes, &total);
  ASSERT(!overflow);
  return arena_alloc(arena, total);
}

char *arena_strndup(struct arena *arena, const char *text, size_t length) {
  char *copy = arena_alloc(arena, length + 1);
  memcpy(copy, text, length);
  return copy;
}

char *arena_strdup(struct arena *arena, const char *text) {
  return arena_strndup(arena, text, strlen(text));
}

char *arena_printf(struct arena *arena, const char *format, ...) {
  ASSERT(format != NULL);
  va_list arguments;
  va_start(arguments, format);
  va_list again;
  va_copy(again, arguments);
  char most[SHORT_TEXT_MAX];
  int length = vsnprintf(most, sizeof most, format, arguments);
  va_end(arguments);
  ASSERT(length >= 0);
  bool is_short = (size_t)length < sizeof most;
  char *text = is_short ? arena_strndup(arena, most, (size_t)length) : arena_alloc(arena, (size_t)length + 1);
  if (!is_short) (void)vsnprintf(text, (size_t)length + 1, format, again);
  va_end(again);
  return text;
}
