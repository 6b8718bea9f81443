/* All sleeping of request threads is here, so that stopping the process wakes every one of them. */
#include "faults.h"

#include <errno.h>
#include <time.h>

#include "base/time.h"

static const struct {
  const char *name;
  bool is_counted;
  int64_t most;
} FAULT_TABLE[FAULT_COUNT] = {
#define X(id, name, counted, most, help) [id] = {name, counted, most},
    FAULTS(X)
#undef X
};

const char *fault_name(enum fault fault) {
  return FAULT_TABLE[fault].name;
}
int64_t fault_most(enum fault fault) {
  return FAULT_TABLE[fault].most;
}

void faults_init(struct faults *faults) {
  *faults = (struct faults){.is_stopping = false};
  pthread_mutex_init(&faults->lock, NULL);
  pthread_condattr_t attributes;
  pthread_condattr_init(&attributes);
  pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
  pthread_cond_init(&faults->changed, &attributes);
  pthread_condattr_destroy(&attributes);
}

void faults_release(struct faults *faults) {
  pthread_cond_destroy(&faults->changed);
  pthread_mutex_destroy(&faults->lock);
}

void faults_set(struct faults *faults, enum fault fault, int64_t value) {
  pthread_mutex_lock(&faults->lock);
  faults->values[fault] = value;
  pthread_cond_broadcast(&faults->changed);
  pthread_mutex_unlock(&faults->lock);
}

void faults_clear(struct faults *faults) {
  for (int i = 0; i < FAULT_COUNT; i++) faults_set(faults, (enum fault)i, 0);
}

int64_t faults_get(struct faults *faults, enum fault fault) {
  pthread_mutex_lock(&faults->lock);
  int64_t value = faults->values[fault];
  pthread_mutex_unlock(&faults->lock);
  return value;
}

/* The first counted fault that is on, one less of it. Wants the lock. */
static enum fault count_down(struct faults *faults) {
  for (int i = 0; i < FAULT_COUNT; i++) {
    if (!FAULT_TABLE[i].is_counted || faults->values[i] == 0) continue;
    faults->values[i]--;
    return (enum fault)i;
  }
  return FAULT_COUNT;
}

enum fault faults_next(struct faults *faults) {
  pthread_mutex_lock(&faults->lock);
  enum fault fault = count_down(faults);
  pthread_mutex_unlock(&faults->lock);
  return fault == FAULT_AFTER ? FAULT_COUNT : fault;
}

static struct timespec deadline_in(int64_t ms) {
  int64_t ns = mono_now().ns + ms * 1000000;
  return (struct timespec){.tv_sec = ns / 1000000000, .tv_nsec = ns % 1000000000};
}

bool faults_sleep(struct faults *faults, int64_t ms) {
  if (ms <= 0) return true;
  struct timespec deadline = deadline_in(ms);
  pthread_mutex_lock(&faults->lock);
  int rc = 0;
  while (!faults->is_stopping && rc != ETIMEDOUT)
    rc = pthread_cond_timedwait(&faults->changed, &faults->lock, &deadline);
  bool is_awake = !faults->is_stopping;
  pthread_mutex_unlock(&faults->lock);
  return is_awake;
}

bool faults_wait_for_voice(struct faults *faults) {
  pthread_mutex_lock(&faults->lock);
  while (!faults->is_stopping && faults->values[FAULT_SILENT] != 0) {
    pthread_cond_wait(&faults->changed, &faults->lock);
  }
  bool is_awake = !faults->is_stopping;
  pthread_mutex_unlock(&faults->lock);
  return is_awake;
}

void faults_stop(struct faults *faults) {
  pthread_mutex_lock(&faults->lock);
  faults->is_stopping = true;
  pthread_cond_broadcast(&faults->changed);
  pthread_mutex_unlock(&faults->lock);
}
