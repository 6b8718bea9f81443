/* The queue: a list by due time. An event goes in at its end unless it is late on purpose (disorder) or was already
 * tried; the sender (sender.c) takes what is due. */
#include "webhooks.h"

#include <curl/curl.h>
#include <stdlib.h>

#include "gateway.h"
#include "sender.h"

enum { DISORDER_DELAY_MS = 300 };

enum rc webhooks_init(struct webhooks *webhooks, struct gateway *gateway, struct error *err) {
  *webhooks = (struct webhooks){.gateway = gateway};
  pthread_mutex_init(&webhooks->lock, NULL);
  webhooks->multi = curl_multi_init();
  if (webhooks->multi == NULL) return error_set(err, RC_UNAVAILABLE, "libcurl does not start");
  return RC_OK;
}

enum rc webhooks_start(struct webhooks *webhooks, struct error *err) {
  if (webhooks->gateway->settings->webhook_url[0] == '\0') return RC_OK;
  if (pthread_create(&webhooks->thread, NULL, sender_run, webhooks) != 0) {
    return error_set(err, RC_UNAVAILABLE, "the webhooks' thread does not start");
  }
  webhooks->is_running = true;
  return RC_OK;
}

void webhooks_stop(struct webhooks *webhooks) {
  if (!webhooks->is_running) return;
  pthread_mutex_lock(&webhooks->lock);
  webhooks->is_stopping = true;
  pthread_mutex_unlock(&webhooks->lock);
  curl_multi_wakeup(webhooks->multi);
  pthread_join(webhooks->thread, NULL);
  webhooks->is_running = false;
}

void webhooks_release(struct webhooks *webhooks) {
  webhooks_stop(webhooks);
  for (struct event *event = webhooks->first; event != NULL;) {
    struct event *next = event->next;
    free(event);
    event = next;
  }
  curl_multi_cleanup(webhooks->multi);
  pthread_mutex_destroy(&webhooks->lock);
}

/* Keeps the list by due time; nearly always at its end. */
static void insert(struct webhooks *webhooks, struct event *event) {
  struct event **place = &webhooks->first;
  if (webhooks->last != NULL && webhooks->last->due.ns <= event->due.ns) place = &webhooks->last->next;
  while (*place != NULL && (*place)->due.ns <= event->due.ns) place = &(*place)->next;
  event->next = *place;
  *place = event;
  if (event->next == NULL) webhooks->last = event;
  webhooks->waiting++;
}

static void insert_copy(struct webhooks *webhooks, const struct event *event, struct mono due) {
  struct event *copy = NULL;
  if (webhooks->waiting < (uint64_t)webhooks->gateway->settings->webhook_queue_max) copy = malloc(sizeof *copy);
  if (copy == NULL) {
    webhooks->totals.dropped++;
    return;
  }
  *copy = *event;
  copy->due = due;
  insert(webhooks, copy);
}

void webhooks_add(struct webhooks *webhooks, const struct event *event) {
  struct faults *faults = &webhooks->gateway->faults;
  if (webhooks->gateway->settings->webhook_url[0] == '\0') return;
  int64_t copies = 1 + faults_get(faults, FAULT_WEBHOOK_COPIES);
  bool is_disordered = faults_get(faults, FAULT_WEBHOOK_DISORDER) != 0;
  struct mono now = mono_now();
  pthread_mutex_lock(&webhooks->lock);
  bool is_late = is_disordered && webhooks->accepted % 2 == 0;
  struct mono due = {now.ns + (is_late ? DISORDER_DELAY_MS * INT64_C(1000000) : 0)};
  webhooks->accepted++;
  for (int64_t i = 0; i < copies; i++) insert_copy(webhooks, event, due);
  pthread_mutex_unlock(&webhooks->lock);
  curl_multi_wakeup(webhooks->multi);
}

struct event *webhooks_take(struct webhooks *webhooks, struct mono now) {
  pthread_mutex_lock(&webhooks->lock);
  struct event *event = webhooks->first;
  if (event != NULL && event->due.ns <= now.ns) {
    webhooks->first = event->next;
    if (webhooks->first == NULL) webhooks->last = NULL;
    webhooks->waiting--;
  } else {
    event = NULL;
  }
  pthread_mutex_unlock(&webhooks->lock);
  return event;
}

void webhooks_put_back(struct webhooks *webhooks, struct event *event, struct mono due) {
  pthread_mutex_lock(&webhooks->lock);
  event->due = due;
  insert(webhooks, event);
  webhooks->totals.failed_tries++;
  pthread_mutex_unlock(&webhooks->lock);
}

void webhooks_done(struct webhooks *webhooks, struct event *event, bool is_sent) {
  pthread_mutex_lock(&webhooks->lock);
  if (is_sent) {
    webhooks->totals.sent++;
  } else {
    webhooks->totals.failed_tries++;
    webhooks->totals.given_up++;
  }
  pthread_mutex_unlock(&webhooks->lock);
  free(event);
}

bool webhooks_are_stopping(struct webhooks *webhooks) {
  pthread_mutex_lock(&webhooks->lock);
  bool is_stopping = webhooks->is_stopping;
  pthread_mutex_unlock(&webhooks->lock);
  return is_stopping;
}

struct webhook_totals webhooks_totals(struct webhooks *webhooks) {
  pthread_mutex_lock(&webhooks->lock);
  struct webhook_totals totals = webhooks->totals;
  totals.queued = webhooks->waiting;
  pthread_mutex_unlock(&webhooks->lock);
  return totals;
}
