/* Redis for the HTTP threads: each has a link of its own. Redis holds nothing that money depends on, so its absence is
 * an answer and no error: a link that fails is dropped, and none of the threads tries again for REDIS_RETRY_MS. */
#ifndef API_REDIS_H
#define API_REDIS_H

#include <hiredis/hiredis.h>
#include <stdbool.h>

enum { REDIS_TIMEOUT_MS = 200, REDIS_RETRY_MS = 1000 };

struct redis_server; /* address and state, shared */
struct redis_link;   /* one thread's connection */

struct redis_server *redis_server_new(const char *address);
void redis_server_free(struct redis_server *server);
/* A connection for the caller, not a link: NULL when there is none. */
redisContext *redis_server_connect(struct redis_server *server);

struct redis_link *redis_link_new(struct redis_server *server);
void redis_link_free(struct redis_link *link);
/* The reply (freeReplyObject), or NULL when Redis is away or says an error. */
redisReply *redis_ask(struct redis_link *link, const char *format, ...);
/* Several commands in one round trip: redis_queue each, then redis_collect as many replies. */
void redis_queue(struct redis_link *link, const char *format, ...);
redisReply *redis_collect(struct redis_link *link);
void redis_reply_release(redisReply **reply);

#endif
