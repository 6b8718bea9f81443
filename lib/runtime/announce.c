/* One Redis connection behind a lock, pipelined. After any error hiredis's context is dead: it is thrown away, and a
 * new one is tried at most every RECONNECT_MS, so that an absent Redis costs a worker nothing. */
#include "runtime/announce.h"

#include <hiredis/hiredis.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "base/time.h"

enum { RECONNECT_MS = 1000, TIMEOUT_MS = 200, HOST_MAX = 256 };

struct announcer {
  pthread_mutex_t lock;
  char host[HOST_MAX];
  int port;
  redisContext *redis;
  struct mono tried_at;
};

struct announcer *announcer_new(const char *address) {
  struct announcer *announcer = calloc(1, sizeof *announcer);
  ASSERT(announcer);
  pthread_mutex_init(&announcer->lock, NULL);
  const char *colon = strrchr(address, ':');
  ASSERT(colon && (size_t)(colon - address) < HOST_MAX); /* SETTING_ADDRESS has been checked */
  memcpy(announcer->host, address, (size_t)(colon - address));
  announcer->port = (int)strtol(colon + 1, NULL, 10);
  return announcer;
}

void announcer_free(struct announcer *announcer) {
  if (!announcer) return;
  if (announcer->redis) redisFree(announcer->redis);
  pthread_mutex_destroy(&announcer->lock);
  free(announcer);
}

static void drop(struct announcer *announcer) {
  if (announcer->redis) redisFree(announcer->redis);
  announcer->redis = NULL;
}

static bool connected(struct announcer *announcer) {
  if (announcer->redis) return true;
  if (announcer->tried_at.ns && mono_ms_since(announcer->tried_at) < RECONNECT_MS) return false;
  announcer->tried_at = mono_now();
  struct timeval timeout = {.tv_usec = TIMEOUT_MS * 1000L};
  announcer->redis = redisConnectWithTimeout(announcer->host, announcer->port, timeout);
  if (announcer->redis && !announcer->redis->err && redisSetTimeout(announcer->redis, timeout) == REDIS_OK) return true;
  drop(announcer);
  return false;
}

static bool publish(redisContext *redis, const struct announcement *announcements, size_t count) {
  char id[UUID_TEXT_MAX];
  for (size_t i = 0; i < count; i++)
    if (redisAppendCommand(redis, "PUBLISH %s %s", announcements[i].channel,
                           uuid_format(&announcements[i].command_id, id)) != REDIS_OK)
      return false;
  for (size_t i = 0; i < count; i++) {
    void *reply = NULL;
    if (redisGetReply(redis, &reply) != REDIS_OK) return false;
    freeReplyObject(reply);
  }
  return true;
}

void announce(struct announcer *announcer, const struct announcement *announcements, size_t count) {
  if (count == 0) return;
  pthread_mutex_lock(&announcer->lock);
  /* A connection that lay idle may have died unnoticed: a second try, on a new one. */
  for (int attempt = 0; attempt < 2 && connected(announcer); attempt++) {
    if (publish(announcer->redis, announcements, count)) break;
    drop(announcer);
    announcer->tried_at = (struct mono){0};
  }
  pthread_mutex_unlock(&announcer->lock);
}
