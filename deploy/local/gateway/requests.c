/* A ring under a lock of its own: writing an entry is a few hundred bytes of copying. */
#include "requests.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/assert.h"

void requests_init(struct requests *requests, size_t capacity) {
  *requests = (struct requests){.ring = calloc(capacity, sizeof(struct request_entry)), .capacity = capacity};
  ASSERT(requests->ring != NULL && capacity > 0);
  pthread_mutex_init(&requests->lock, NULL);
}

void requests_release(struct requests *requests) {
  free(requests->ring);
  pthread_mutex_destroy(&requests->lock);
}

static void copy_cut(char *to, size_t size, const char *from) {
  size_t length = strnlen(from, size - 1);
  memcpy(to, from, length);
  to[length] = '\0';
}

void requests_add(struct requests *requests, struct utime at, const char *method, const char *path, const char *key,
                  int status, const char *outcome) {
  pthread_mutex_lock(&requests->lock);
  struct request_entry *entry = &requests->ring[requests->count % requests->capacity];
  entry->number = ++requests->count;
  entry->at = at;
  entry->status = status;
  copy_cut(entry->method, sizeof entry->method, method);
  copy_cut(entry->path, sizeof entry->path, path);
  copy_cut(entry->key, sizeof entry->key, key != NULL ? key : "");
  copy_cut(entry->outcome, sizeof entry->outcome, outcome != NULL ? outcome : "");
  pthread_mutex_unlock(&requests->lock);
}

uint64_t requests_count(struct requests *requests) {
  pthread_mutex_lock(&requests->lock);
  uint64_t count = requests->count;
  pthread_mutex_unlock(&requests->lock);
  return count;
}

size_t requests_since(struct requests *requests, uint64_t since, struct request_entry *ret_entries, size_t most) {
  size_t copied = 0;
  pthread_mutex_lock(&requests->lock);
  uint64_t oldest = requests->count > requests->capacity ? requests->count - requests->capacity : 0;
  for (uint64_t at = since > oldest ? since : oldest; at < requests->count && copied < most; at++) {
    ret_entries[copied++] = requests->ring[at % requests->capacity];
  }
  pthread_mutex_unlock(&requests->lock);
  return copied;
}
