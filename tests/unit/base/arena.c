/* Memory that is zeroed, aligned, apart, and given back all at once (the sanitizer watches). */
#include "base/arena.h"

#include <criterion/criterion.h>
#include <criterion/redirect.h>
#include <signal.h>
#include <stdalign.h>
#include <stdint.h>
#include <string.h>

#include "base/buf.h"
#include "unit/property.h"

enum { MIB = 1024 * 1024 };

Test(arena, memory_is_zeroed_aligned_and_apart) {
  enum { PIECES = 2000 };
  struct arena arena CLEANUP(arena_release);
  struct dice dice = dice_new();
  unsigned char *pieces[PIECES];
  size_t sizes[PIECES];
  arena_init(&arena, 64UL * MIB);
  for (int round = 0; round < 3; round++) {
    for (size_t i = 0; i < PIECES; i++) {
      sizes[i] = (size_t)dice_between(&dice, 0, i % 100 == 0 ? 100000 : 300);
      pieces[i] = arena_alloc(&arena, sizes[i]);
      cr_assert_eq((uintptr_t)pieces[i] % alignof(max_align_t), 0);
      for (size_t j = 0; j < sizes[i]; j++) cr_assert_eq(pieces[i][j], 0);
      memset(pieces[i], (int)(i % 255) + 1, sizes[i]);
    }
    for (size_t i = 0; i < PIECES; i++) {
      for (size_t j = 0; j < sizes[i]; j++) cr_assert_eq(pieces[i][j], i % 255 + 1, "piece %zu was overwritten", i);
    }
    arena_reset(&arena);
    cr_assert_eq(arena.used_bytes, 0);
  }
}

Test(arena, typed_memory) {
  struct arena arena CLEANUP(arena_release);
  struct pair {
    int64_t a, b;
  };
  arena_init(&arena, 10000);
  struct pair *one = ARENA_NEW(&arena, struct pair);
  struct pair *many = ARENA_ARRAY(&arena, struct pair, 10);
  one->b = 5;
  many[9].b = 6;
  cr_expect_eq(one->a + many[9].a, 0);
}

Test(arena, texts_are_copied) {
  struct arena arena CLEANUP(arena_release);
  arena_init(&arena, 10000);
  char source[] = "source";
  char *copy = arena_strdup(&arena, source);
  char *part = arena_strndup(&arena, source, 4);
  char *made = arena_printf(&arena, "%s %d", source, 7);
  memset(source, 'x', sizeof source - 1);
  cr_expect_str_eq(copy, "source");
  cr_expect_str_eq(part, "sour");
  cr_expect_str_eq(made, "source 7");
}

Test(arena, can_be_filled_to_its_limit) {
  struct arena arena CLEANUP(arena_release);
  arena_init(&arena, MIB);
  memset(arena_alloc(&arena, MIB), 1, MIB);
  cr_expect_eq(arena.used_bytes, MIB);
  arena_reset(&arena);
  memset(arena_alloc(&arena, MIB), 1, MIB);
}

Test(arena, past_its_limit_the_process_ends, .signal = SIGABRT, .init = cr_redirect_stderr) {
  struct arena arena;
  arena_init(&arena, 1024);
  (void)arena_alloc(&arena, 1000);
  (void)arena_alloc(&arena, 100);
}

Test(arena, an_array_that_overflows_ends_the_process, .signal = SIGABRT, .init = cr_redirect_stderr) {
  struct arena arena;
  arena_init(&arena, 1024);
  (void)arena_alloc_array(&arena, SIZE_MAX / 2, 3);
}

Test(arena, releasing_nothing_is_fine) {
  struct arena zeroed = {0};
  arena_release(NULL);
  arena_release(&zeroed);
  arena_reset(&zeroed);
}
