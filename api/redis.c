/* After any error a hiredis context is dead: it is freed and a new one made. A connection that lay idle may have died
 * without a word, so the first command on an old link is tried twice. */
#include "redis.h"

#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "base/time.h"

enum { HOST_MAX = 256, REDIS_TIMEOUT_US = REDIS_TIMEOUT_MS * 1000 };

struct redis_server {
  char host[HOST_MAX];
  int port;
  _Atomic int64_t failed_ns; /* when it was last found away; 0: it answers */
};

struct redis_link {
  struct redis_server *server;
  redisContext *context;
};

struct redis_server *redis_server_new(const char *address) {
  struct redis_server *server = calloc(1, sizeof *server);
  ASSERT(server);
  const char *colon = strrchr(address, ':');
  ASSERT(colon && (size_t)(colon - address) < HOST_MAX); /* SETTING_ADDRESS has been checked */
  memcpy(server->host, address, (size_t)(colon - address));
  server->port = (int)strtol(colon + 1, NULL, 10);
  return server;
}

void redis_server_free(struct redis_server *server) {
  free(server);
}

redisContext *redis_server_connect(struct redis_server *server) {
  int64_t failed_ns = atomic_load(&server->failed_ns);
  if (failed_ns && mono_ms_since((struct mono){failed_ns}) < REDIS_RETRY_MS) return NULL;
  struct timeval timeout = {.tv_usec = REDIS_TIMEOUT_US};
  redisContext *context = redisConnectWithTimeout(server->host, server->port, timeout);
  if (context && !context->err && redisSetTimeout(context, timeout) == REDIS_OK) {
    atomic_store(&server->failed_ns, 0);
    return context;
  }
  if (context) redisFree(context);
  atomic_store(&server->failed_ns, mono_now().ns);
  return NULL;
}

struct redis_link *redis_link_new(struct redis_server *server) {
  struct redis_link *link = calloc(1, sizeof *link);
  ASSERT(link);
  link->server = server;
  return link;
}

static void drop(struct redis_link *link) {
  if (link->context) redisFree(link->context);
  link->context = NULL;
}

void redis_link_free(struct redis_link *link) {
  if (!link) return;
  drop(link);
  free(link);
}

void redis_reply_release(redisReply **reply) {
  if (*reply) freeReplyObject(*reply);
  *reply = NULL;
}

redisReply *redis_ask(struct redis_link *link, const char *format, ...) {
  for (int attempt = 0; attempt < 2; attempt++) {
    bool was_idle = link->context != NULL;
    if (!was_idle) link->context = redis_server_connect(link->server);
    if (!link->context) return NULL;
    va_list arguments;
    va_start(arguments, format);
    redisReply *reply = redisvCommand(link->context, format, arguments);
    va_end(arguments);
    if (reply && reply->type != REDIS_REPLY_ERROR) return reply;
    redis_reply_release(&reply);
    drop(link);
    if (!was_idle) return NULL;
  }
  return NULL;
}

void redis_queue(struct redis_link *link, const char *format, ...) {
  if (!link->context) link->context = redis_server_connect(link->server);
  if (!link->context) return;
  va_list arguments;
  va_start(arguments, format);
  int queued = redisvAppendCommand(link->context, format, arguments);
  va_end(arguments);
  if (queued != REDIS_OK) drop(link);
}

redisReply *redis_collect(struct redis_link *link) {
  void *reply = NULL;
  if (!link->context) return NULL;
  if (redisGetReply(link->context, &reply) == REDIS_OK) return reply;
  drop(link);
  return NULL;
}
