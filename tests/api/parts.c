#include "parts.h"

enum { ARENA_BYTES_MAX = 16 * 1024 * 1024 };

struct arena *test_arena(void) {
  static struct arena arena;
  if (arena.max_bytes == 0) arena_init(&arena, ARENA_BYTES_MAX);
  return &arena;
}

struct request *test_request(enum method method, const char *path) {
  struct arena *arena = test_arena();
  struct request *request = ARENA_NEW(arena, struct request);
  *request = (struct request){
      .arena = arena, .method = method, .path = path, .http = ARENA_NEW(arena, struct mg_request_info)};
  return request;
}
