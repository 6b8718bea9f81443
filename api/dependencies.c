/* Each is asked in the cheapest way that proves more than an open port where that is possible. */
#include "dependencies.h"

#include <netdb.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/assert.h"
#include "base/log.h"
#include "base/time.h"
#include "pool.h"
#include "redis.h"
#include "runtime/metrics.h"

enum { HOST_MAX = 256, STEP_MS = 100, SILENCE_MAX_MS = 5000 };

struct dependencies {
  const struct api *api;
  struct redis_link *redis;
  pthread_mutex_t lock; /* of what follows */
  struct dependency_state states[DEPENDENCY_COUNT];
  struct mono asked_at;   /* of the one that is being asked */
  enum dependency asking; /* DEPENDENCY_COUNT: none */
  pthread_t thread;
  atomic_bool is_stopping;
};

/* ---- asking ---- */

static bool postgresql_answers(struct dependencies *dependencies) {
  struct error err;
  enum rc rc = pool_check(dependencies->api->pool, &err);
  if (rc != RC_OK && error_verdict(rc) != VERDICT_RETRY) LOG(LOG_ERROR, "database.unfit", LOG_TEXT("reason", err.text));
  return rc == RC_OK;
}

static bool redis_answers(struct dependencies *dependencies) {
  redisReply CLEANUP(redis_reply_release) *reply = redis_ask(dependencies->redis, "PING");
  return reply && reply->type == REDIS_REPLY_STATUS;
}

static bool connects(const struct addrinfo *address) {
  int fd = socket(address->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), problem = 0;
  if (fd < 0) return false;
  socklen_t length = sizeof problem;
  struct pollfd writable = {.fd = fd, .events = POLLOUT};
  (void)connect(fd, address->ai_addr, address->ai_addrlen);
  bool is_up = poll(&writable, 1, DEPENDENCY_TIMEOUT_MS) == 1 &&
               getsockopt(fd, SOL_SOCKET, SO_ERROR, &problem, &length) == 0 && problem == 0;
  close(fd);
  return is_up;
}

static bool broker_answers(const char *broker, size_t length) {
  char host[HOST_MAX];
  if (length >= sizeof host) return false;
  memcpy(host, broker, length);
  host[length] = '\0';
  char *colon = strrchr(host, ':');
  if (colon) *colon = '\0';
  struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM}, *found = NULL;
  if (getaddrinfo(host, colon ? colon + 1 : "9092", &hints, &found) != 0) return false;
  bool is_up = false;
  for (const struct addrinfo *at = found; at && !is_up; at = at->ai_next) is_up = connects(at);
  freeaddrinfo(found);
  return is_up;
}

/* Any one of the brokers. */
static bool kafka_answers(struct dependencies *dependencies) {
  for (const char *at = dependencies->api->settings.kafka_brokers; *at;) {
    size_t length = strcspn(at, ",");
    if (broker_answers(at, length)) return true;
    at += length + (at[length] == ',');
  }
  return false;
}

static const struct {
  const char *name;
  bool (*answers)(struct dependencies *dependencies);
} rows[DEPENDENCY_COUNT] = {
    [DEPENDENCY_POSTGRESQL] = {"postgresql", postgresql_answers},
    [DEPENDENCY_REDIS] = {"redis", redis_answers},
    [DEPENDENCY_KAFKA] = {"kafka", kafka_answers},
};

/* ---- the thread ---- */

static void note_asking(struct dependencies *dependencies, enum dependency which) {
  pthread_mutex_lock(&dependencies->lock);
  dependencies->asking = which;
  dependencies->asked_at = mono_now();
  pthread_mutex_unlock(&dependencies->lock);
}

static void check(struct dependencies *dependencies, enum dependency which) {
  struct mono began = mono_now();
  note_asking(dependencies, which);
  bool is_up = rows[which].answers(dependencies);
  struct dependency_state state = {is_up, (mono_now().ns - began.ns) / 1000};
  pthread_mutex_lock(&dependencies->lock);
  bool was_up = dependencies->states[which].is_up;
  dependencies->states[which] = state;
  dependencies->asking = DEPENDENCY_COUNT;
  pthread_mutex_unlock(&dependencies->lock);
  char label[64];
  snprintf(label, sizeof label, "name=\"%s\"", rows[which].name);
  metric_set("dependency_up", label, is_up);
  if (was_up != is_up)
    LOG(is_up ? LOG_INFO : LOG_WARN, is_up ? "dependency.up" : "dependency.down", LOG_TEXT("name", rows[which].name));
}

static void *check_main(void *argument) {
  struct dependencies *dependencies = argument;
  while (!atomic_load(&dependencies->is_stopping)) {
    for (enum dependency which = 0; which < DEPENDENCY_COUNT; which++) check(dependencies, which);
    for (int waited = 0; waited < DEPENDENCIES_CHECK_MS && !atomic_load(&dependencies->is_stopping); waited += STEP_MS)
      sleep_ms(STEP_MS);
  }
  return NULL;
}

struct dependencies *dependencies_new(const struct api *api) {
  struct dependencies *dependencies = calloc(1, sizeof *dependencies);
  ASSERT(dependencies);
  dependencies->api = api;
  dependencies->redis = redis_link_new(api->redis);
  dependencies->asking = DEPENDENCY_COUNT;
  pthread_mutex_init(&dependencies->lock, NULL);
  ASSERT(pthread_create(&dependencies->thread, NULL, check_main, dependencies) == 0);
  return dependencies;
}

void dependencies_free(struct dependencies *dependencies) {
  if (!dependencies) return;
  atomic_store(&dependencies->is_stopping, true);
  pthread_join(dependencies->thread, NULL);
  redis_link_free(dependencies->redis);
  pthread_mutex_destroy(&dependencies->lock);
  free(dependencies);
}

const char *dependency_name(enum dependency dependency) {
  return rows[dependency].name;
}

/* A server that stands still keeps its connections open, and the one who asks waiting: it does not answer. */
struct dependency_state dependency_state(struct dependencies *dependencies, enum dependency dependency) {
  pthread_mutex_lock(&dependencies->lock);
  struct dependency_state state = dependencies->states[dependency];
  if (dependencies->asking == dependency && mono_ms_since(dependencies->asked_at) > SILENCE_MAX_MS) state.is_up = false;
  pthread_mutex_unlock(&dependencies->lock);
  return state;
}

bool dependencies_are_ready(struct dependencies *dependencies, char *ret_reason, size_t reason_size) {
  static const enum dependency needed[] = {DEPENDENCY_POSTGRESQL, DEPENDENCY_KAFKA};
  for (size_t i = 0; i < sizeof needed / sizeof needed[0]; i++) {
    if (dependency_state(dependencies, needed[i]).is_up) continue;
    snprintf(ret_reason, reason_size, "%s does not answer", dependency_name(needed[i]));
    return false;
  }
  return true;
}
