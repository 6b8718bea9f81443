/* JSON trees whose pieces come from an arena and from malloc, mixed: what is freed twice, too early or never is found
 * by AddressSanitizer and LeakSanitizer. */
#include "runtime/json_arena.h"

#include <criterion/criterion.h>
#include <jansson.h>
#include <string.h>

#include "base/buf.h"

enum { ARENA_MAX = 64 * 1024 };

static void install(void) {
  json_arena_install();
}

TestSuite(json_arena, .init = install);

static json_t *parse_in(struct arena *arena, const char *text) {
  json_arena_use(arena);
  json_t *json = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
  json_arena_use(NULL);
  cr_assert(json);
  return json;
}

Test(json_arena, holds_a_tree_that_is_changed_and_released_later) {
  struct arena CLEANUP(arena_release) arena;
  arena_init(&arena, ARENA_MAX);
  json_t *json = parse_in(&arena, "{\"a\": {\"b\": [1, \"two\", null]}, \"c\": 3}");
  size_t used_bytes = arena.used_bytes;
  cr_expect_gt(used_bytes, 0);
  cr_assert_eq(json_object_set_new(json, "c", json_string("four")), 0);
  cr_assert_eq(json_object_del(json, "a"), 0);
  json_t *kept = json_incref(json_object_get(json, "c"));
  json_decref(json);
  cr_expect_eq(arena.used_bytes, used_bytes, "only what is made while the arena is in use comes from it");
  arena_reset(&arena);
  cr_expect_str_eq(json_string_value(kept), "four");
  json_decref(kept);
}

Test(json_arena, leaves_what_is_large_to_malloc) {
  struct arena CLEANUP(arena_release) arena;
  arena_init(&arena, ARENA_MAX);
  static char text[4 * 8192 + 16];
  text[0] = '[';
  for (size_t i = 0; i < 8192; i++) memcpy(text + 1 + 4 * i, i ? ",[1]" : " [1]", 4);
  text[1 + 4 * 8192] = ']';
  json_t *json = parse_in(&arena, text);
  cr_expect_eq(json_array_size(json), 8192);
  cr_expect_leq(arena.used_bytes, ARENA_MAX * 3 / 4);
  json_decref(json);
}
