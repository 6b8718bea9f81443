/* Two lists under one lock: mails that wait, mails that came back. A thread takes from the one, delivers without the
 * lock, and puts into the other. A thread that finds the server unreachable goes home: a server that takes no more than
 * ten connections is served by ten. When all have gone, the server is lost, and the crew halts. */
#include "crew.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>

#include "base/assert.h"

enum { STACK_BYTES = 1024 * 1024 };

struct crew {
  const struct smtp_options *options;
  pthread_mutex_t lock;
  pthread_cond_t mail_waits, mail_is_back;
  struct delivery *waiting, **waiting_end;
  struct delivery *back;
  size_t waiting_count, busy_count, back_count;
  bool halted, dismissed, lost;
  pthread_t *threads;
  size_t thread_count, thread_max, gone_count;
};

void delivery_free(struct delivery *delivery) {
  if (!delivery) return;
  buf_release(&delivery->message);
  free(delivery);
}

void deliveries_free(struct delivery *list) {
  while (list) {
    struct delivery *next = list->next;
    delivery_free(list);
    list = next;
  }
}

/* ---- the threads ---- */

/* With the lock. NULL: dismissed. */
static struct delivery *take_waiting(struct crew *crew) {
  while (!crew->waiting && !crew->dismissed) pthread_cond_wait(&crew->mail_waits, &crew->lock);
  struct delivery *delivery = crew->waiting;
  if (!delivery) return NULL;
  crew->waiting = delivery->next;
  if (!crew->waiting) crew->waiting_end = &crew->waiting;
  crew->waiting_count--;
  crew->busy_count++;
  return delivery;
}

/* With the lock. */
static void add_back(struct crew *crew, struct delivery *delivery) {
  delivery->next = crew->back;
  crew->back = delivery;
  crew->back_count++;
  pthread_cond_signal(&crew->mail_is_back);
}

/* With the lock. */
static void add_unbegun(struct crew *crew, struct delivery *delivery) {
  delivery->answer = (struct smtp_answer){.outcome = NOT_BEGUN};
  add_back(crew, delivery);
}

/* With the lock. */
static void halt(struct crew *crew) {
  while (crew->waiting) {
    struct delivery *delivery = crew->waiting;
    crew->waiting = delivery->next;
    add_unbegun(crew, delivery);
  }
  crew->waiting_end = &crew->waiting;
  crew->waiting_count = 0;
  crew->halted = true;
}

static void deliver(struct smtp *smtp, struct delivery *delivery) {
  struct mono start = mono_now();
  delivery->answer = (struct smtp_answer){.outcome = NOT_BEGUN};
  if (start.ns >= delivery->begin_before.ns) return;
  smtp_deliver(smtp, delivery->recipient, buf_text(&delivery->message), delivery->message.length, &delivery->answer);
  delivery->duration_ms = mono_ms_since(start);
}

/* With the lock. */
static void go_home(struct crew *crew) {
  crew->gone_count++;
  if (crew->gone_count < crew->thread_count) return;
  crew->lost = true;
  halt(crew);
}

static void *thread_main(void *context) {
  struct crew *crew = context;
  struct smtp *smtp = smtp_new(crew->options);
  pthread_mutex_lock(&crew->lock);
  for (struct delivery *delivery; (delivery = take_waiting(crew));) {
    pthread_mutex_unlock(&crew->lock);
    deliver(smtp, delivery);
    pthread_mutex_lock(&crew->lock);
    bool is_away = delivery->answer.outcome == UNREACHABLE;
    crew->busy_count--;
    add_back(crew, delivery);
    if (!is_away) continue;
    go_home(crew);
    break;
  }
  pthread_mutex_unlock(&crew->lock);
  smtp_free(smtp);
  return NULL;
}

/* ---- the owner ---- */

struct crew *crew_new(const struct smtp_options *options, size_t threads) {
  ASSERT(threads > 0);
  struct crew *crew = calloc(1, sizeof *crew);
  ASSERT(crew);
  crew->options = options;
  crew->threads = calloc(threads, sizeof *crew->threads);
  ASSERT(crew->threads);
  crew->thread_max = threads;
  crew->waiting_end = &crew->waiting;
  pthread_mutex_init(&crew->lock, NULL);
  pthread_condattr_t clock;
  pthread_condattr_init(&clock);
  pthread_condattr_setclock(&clock, CLOCK_MONOTONIC);
  pthread_cond_init(&crew->mail_waits, NULL);
  pthread_cond_init(&crew->mail_is_back, &clock);
  pthread_condattr_destroy(&clock);
  return crew;
}

void crew_free(struct crew *crew) {
  if (!crew) return;
  pthread_mutex_lock(&crew->lock);
  crew->dismissed = true;
  pthread_cond_broadcast(&crew->mail_waits);
  pthread_mutex_unlock(&crew->lock);
  for (size_t i = 0; i < crew->thread_count; i++) pthread_join(crew->threads[i], NULL);
  deliveries_free(crew->back);
  pthread_cond_destroy(&crew->mail_waits);
  pthread_cond_destroy(&crew->mail_is_back);
  pthread_mutex_destroy(&crew->lock);
  free(crew->threads);
  free(crew);
}

void crew_release(struct crew **crew) {
  crew_free(*crew);
}

/* With the lock. One more thread when all have something to do; without memory for one, those that are there will do.
 */
static void grow(struct crew *crew) {
  if (crew->thread_count == crew->thread_max ||
      crew->waiting_count + crew->busy_count <= crew->thread_count - crew->gone_count)
    return;
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  pthread_attr_setstacksize(&attributes, STACK_BYTES);
  int rc = pthread_create(&crew->threads[crew->thread_count], &attributes, thread_main, crew);
  pthread_attr_destroy(&attributes);
  ASSERT(rc == 0 || crew->thread_count > 0);
  if (rc == 0) crew->thread_count++;
}

void crew_hand_over(struct crew *crew, struct delivery *delivery) {
  pthread_mutex_lock(&crew->lock);
  if (crew->halted) {
    add_unbegun(crew, delivery);
  } else {
    delivery->next = NULL;
    *crew->waiting_end = delivery;
    crew->waiting_end = &delivery->next;
    crew->waiting_count++;
    grow(crew);
    pthread_cond_signal(&crew->mail_waits);
  }
  pthread_mutex_unlock(&crew->lock);
}

static struct timespec in_ms(int wait_ms) {
  int64_t ns = mono_now().ns + (int64_t)wait_ms * 1000000;
  return (struct timespec){.tv_sec = (time_t)(ns / 1000000000), .tv_nsec = (long)(ns % 1000000000)};
}

struct delivery *crew_collect(struct crew *crew, size_t enough, int wait_ms) {
  struct timespec until = in_ms(wait_ms);
  pthread_mutex_lock(&crew->lock);
  while (crew->back_count < enough && crew->waiting_count + crew->busy_count > 0)
    if (pthread_cond_timedwait(&crew->mail_is_back, &crew->lock, &until) == ETIMEDOUT) break;
  struct delivery *back = crew->back;
  crew->back = NULL;
  crew->back_count = 0;
  pthread_mutex_unlock(&crew->lock);
  return back;
}

size_t crew_load(struct crew *crew) {
  pthread_mutex_lock(&crew->lock);
  size_t load = crew->waiting_count + crew->busy_count + crew->back_count;
  pthread_mutex_unlock(&crew->lock);
  return load;
}

size_t crew_waiting(struct crew *crew) {
  pthread_mutex_lock(&crew->lock);
  size_t waiting = crew->waiting_count;
  pthread_mutex_unlock(&crew->lock);
  return waiting;
}

void crew_halt(struct crew *crew) {
  pthread_mutex_lock(&crew->lock);
  halt(crew);
  pthread_mutex_unlock(&crew->lock);
}

bool crew_is_halted(struct crew *crew) {
  pthread_mutex_lock(&crew->lock);
  bool halted = crew->halted;
  pthread_mutex_unlock(&crew->lock);
  return halted;
}

bool crew_has_lost_server(struct crew *crew) {
  pthread_mutex_lock(&crew->lock);
  bool lost = crew->lost;
  pthread_mutex_unlock(&crew->lock);
  return lost;
}
