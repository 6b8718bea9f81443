/* A hash table of waiters under one lock, each with a condition of its own; and the thread that listens to Redis. Redis
 * gone: the thread tries again each second, and waiters look into PostgreSQL more often. */
#include "outcomes.h"

#include <errno.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "base/buf.h"

enum { BUCKETS = 512, POLL_MS = 500, SILENCE_MS = 5000, DEATH_MS = 10000, RECONNECT_MS = 500 };

struct outcomes {
  pthread_mutex_t lock;
  struct waiter *buckets[BUCKETS];
  struct redis_server *redis;
  char channel[CHANNEL_MAX];
  pthread_t thread;
  atomic_bool is_stopping, is_listening;
};

/* ---- the table ---- */

static struct waiter **bucket_of(struct outcomes *outcomes, const struct uuid *id) {
  return &outcomes->buckets[(id->bytes[14] << 8 | id->bytes[15]) % BUCKETS];
}

void outcomes_enlist(struct outcomes *outcomes, const struct uuid *command_id, struct waiter *waiter) {
  *waiter = (struct waiter){.command_id = *command_id};
  pthread_condattr_t clock;
  pthread_condattr_init(&clock);
  pthread_condattr_setclock(&clock, CLOCK_MONOTONIC);
  pthread_cond_init(&waiter->changed, &clock);
  pthread_condattr_destroy(&clock);
  pthread_mutex_lock(&outcomes->lock);
  struct waiter **bucket = bucket_of(outcomes, command_id);
  waiter->next = *bucket;
  *bucket = waiter;
  pthread_mutex_unlock(&outcomes->lock);
}

void outcomes_dismiss(struct outcomes *outcomes, struct waiter *waiter) {
  pthread_mutex_lock(&outcomes->lock);
  struct waiter **at = bucket_of(outcomes, &waiter->command_id);
  while (*at != waiter) at = &(*at)->next;
  *at = waiter->next;
  pthread_mutex_unlock(&outcomes->lock);
  pthread_cond_destroy(&waiter->changed);
}

/* Two requests may wait for one command: the same Idempotency-Key twice. */
static void mark(struct outcomes *outcomes, const struct uuid *id, bool is_announcement, bool is_good) {
  pthread_mutex_lock(&outcomes->lock);
  for (struct waiter *waiter = *bucket_of(outcomes, id); waiter; waiter = waiter->next) {
    if (!uuid_equal(&waiter->command_id, id)) continue;
    if (is_announcement)
      waiter->is_announced = true;
    else if (is_good)
      waiter->is_delivered = true;
    else
      waiter->is_failed = true;
    pthread_cond_signal(&waiter->changed);
  }
  pthread_mutex_unlock(&outcomes->lock);
}

void outcomes_delivered(struct outcomes *outcomes, const struct uuid *command_id, enum rc result) {
  mark(outcomes, command_id, false, result == RC_OK);
}

static struct timespec deadline_in_ms(int64_t ms) {
  int64_t ns = mono_now().ns + ms * 1000000;
  return (struct timespec){.tv_sec = (time_t)(ns / 1000000000), .tv_nsec = (long)(ns % 1000000000)};
}

static enum wait_result state_of(const struct waiter *waiter) {
  if (waiter->is_announced) return WAIT_ANNOUNCED;
  if (waiter->is_failed) return WAIT_FAILED;
  return waiter->is_delivered ? WAIT_DELIVERED : WAIT_TIMED_OUT;
}

enum wait_result outcomes_wait_delivery(struct outcomes *outcomes, struct waiter *waiter, int64_t timeout_ms) {
  struct timespec deadline = deadline_in_ms(timeout_ms);
  pthread_mutex_lock(&outcomes->lock);
  while (state_of(waiter) == WAIT_TIMED_OUT)
    if (pthread_cond_timedwait(&waiter->changed, &outcomes->lock, &deadline) == ETIMEDOUT) break;
  enum wait_result result = state_of(waiter);
  pthread_mutex_unlock(&outcomes->lock);
  return result;
}

enum wait_result outcomes_wait(struct outcomes *outcomes, struct waiter *waiter, int64_t timeout_ms) {
  struct timespec deadline = deadline_in_ms(timeout_ms);
  pthread_mutex_lock(&outcomes->lock);
  while (!waiter->is_announced)
    if (pthread_cond_timedwait(&waiter->changed, &outcomes->lock, &deadline) == ETIMEDOUT) break;
  enum wait_result result = waiter->is_announced ? WAIT_ANNOUNCED : WAIT_TIMED_OUT;
  waiter->is_announced = false;
  pthread_mutex_unlock(&outcomes->lock);
  return result;
}

/* ---- the listener ---- */

static void context_release(redisContext **context) {
  if (*context) redisFree(*context);
  *context = NULL;
}

static redisContext *subscribe(struct outcomes *outcomes) {
  redisContext *context = redis_server_connect(outcomes->redis);
  if (!context) return NULL;
  redisReply CLEANUP(redis_reply_release) *reply = redisCommand(context, "SUBSCRIBE %s", outcomes->channel);
  if (!reply || reply->type != REDIS_REPLY_ARRAY) context_release(&context);
  return context;
}

/* ["message", channel, command id]; other replies are answers to our PINGs. */
static void take(struct outcomes *outcomes, const redisReply *reply) {
  struct uuid id;
  if (reply->type != REDIS_REPLY_ARRAY || reply->elements != 3) return;
  const redisReply *kind = reply->element[0], *text = reply->element[2];
  if (kind->type != REDIS_REPLY_STRING || strcmp(kind->str, "message") != 0 || text->type != REDIS_REPLY_STRING) return;
  if (uuid_parse(text->str, &id)) mark(outcomes, &id, true, true);
}

/* All that has arrived. False when the connection is dead. */
static bool drain(struct outcomes *outcomes, redisContext *context) {
  if (redisBufferRead(context) != REDIS_OK) return false;
  for (;;) {
    void *reply = NULL;
    if (redisGetReplyFromReader(context, &reply) != REDIS_OK) return false;
    if (!reply) return true;
    take(outcomes, reply);
    freeReplyObject(reply);
  }
}

static bool ping(redisContext *context) {
  int done = 0;
  return redisAppendCommand(context, "PING") == REDIS_OK && redisBufferWrite(context, &done) == REDIS_OK;
}

/* Until the connection dies; a silent one is asked whether it lives, and given up when it stays silent. */
static void listen_on(struct outcomes *outcomes, redisContext *context) {
  struct mono heard_at = mono_now(), asked_at = heard_at;
  while (!atomic_load(&outcomes->is_stopping)) {
    struct pollfd ready = {.fd = context->fd, .events = POLLIN};
    int count = poll(&ready, 1, POLL_MS);
    if (count > 0) {
      if (!drain(outcomes, context)) return;
      heard_at = asked_at = mono_now();
    } else if (mono_ms_since(heard_at) > DEATH_MS) {
      return;
    } else if (mono_ms_since(asked_at) > SILENCE_MS) {
      if (!ping(context)) return;
      asked_at = mono_now();
    }
  }
}

static void *listener_main(void *argument) {
  struct outcomes *outcomes = argument;
  while (!atomic_load(&outcomes->is_stopping)) {
    redisContext CLEANUP(context_release) *context = subscribe(outcomes);
    if (context) {
      atomic_store(&outcomes->is_listening, true);
      listen_on(outcomes, context);
      atomic_store(&outcomes->is_listening, false);
    }
    if (!atomic_load(&outcomes->is_stopping)) sleep_ms(RECONNECT_MS);
  }
  return NULL;
}

/* ---- life ---- */

struct outcomes *outcomes_new(struct redis_server *redis, const char *instance) {
  struct outcomes *outcomes = calloc(1, sizeof *outcomes);
  ASSERT(outcomes);
  pthread_mutex_init(&outcomes->lock, NULL);
  outcomes->redis = redis;
  snprintf(outcomes->channel, sizeof outcomes->channel, "cloudbill:outcome:%s", instance);
  ASSERT(pthread_create(&outcomes->thread, NULL, listener_main, outcomes) == 0);
  return outcomes;
}

void outcomes_free(struct outcomes *outcomes) {
  if (!outcomes) return;
  atomic_store(&outcomes->is_stopping, true);
  pthread_join(outcomes->thread, NULL);
  pthread_mutex_destroy(&outcomes->lock);
  free(outcomes);
}

const char *outcomes_channel(const struct outcomes *outcomes) {
  return outcomes->channel;
}
bool outcomes_is_listening(struct outcomes *outcomes) {
  return atomic_load(&outcomes->is_listening);
}
