/* One key for each command, its five words separated by spaces. */
#include "marker.h"

#include <string.h>

#include "redis.h"

enum { KEY_MAX = 128, WORDS = 5 };

static const char *key_of(const struct request *request, const struct uuid *command_id, char key[static KEY_MAX]) {
  char tenant[UUID_TEXT_MAX], id[UUID_TEXT_MAX];
  snprintf(key, KEY_MAX, "cloudbill:operation:%s:%s", uuid_format(&request->caller.tenant, tenant),
           uuid_format(command_id, id));
  return key;
}

static bool parse(struct arena *arena, const char *text, struct marker *ret_marker) {
  const char *words[WORDS];
  size_t count = 0;
  for (const char *at = text; *at && count < WORDS;) {
    size_t length = strcspn(at, " ");
    words[count++] = arena_strndup(arena, at, length);
    at += length + (at[length] == ' ');
  }
  if (count != WORDS) return false;
  *ret_marker = (struct marker){words[0], words[1], words[2], words[3], words[4]};
  return true;
}

enum marker_state marker_find(struct request *request, const struct uuid *command_id, struct marker *ret_found) {
  char key[KEY_MAX];
  redisReply CLEANUP(redis_reply_release) *reply =
      redis_ask(request->redis, "GET %s", key_of(request, command_id, key));
  if (!reply) return MARKER_AWAY;
  if (reply->type != REDIS_REPLY_STRING || !parse(request->arena, reply->str, ret_found)) return MARKER_ABSENT;
  return MARKER_PRESENT;
}

enum marker_state marker_leave(struct request *request, const struct uuid *command_id, const struct marker *marker,
                               struct marker *ret_found) {
  char key[KEY_MAX];
  redisReply CLEANUP(redis_reply_release) *reply =
      redis_ask(request->redis, "SET %s %s EX %d NX", key_of(request, command_id, key),
                arena_printf(request->arena, "%s %s %s %s %s", marker->type, marker->caller, marker->body_hash,
                             marker->subject, marker->created_at),
                MARKER_KEEP_S);
  if (!reply) return MARKER_AWAY;
  if (reply->type != REDIS_REPLY_NIL) return MARKER_ABSENT;
  return marker_find(request, command_id, ret_found);
}

void marker_remove(struct request *request, const struct uuid *command_id) {
  char key[KEY_MAX];
  redisReply CLEANUP(redis_reply_release) *reply =
      redis_ask(request->redis, "DEL %s", key_of(request, command_id, key));
  (void)reply; /* gone already, or gone with Redis */
}
