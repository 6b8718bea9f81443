/* The latest requests to /v1, for GET /sandbox/requests. A ring: the oldest go. After a restart it holds those that are
 * in the journal (POSTs that did something or were judged). */
#ifndef GATEWAY_REQUESTS_H
#define GATEWAY_REQUESTS_H

#include <pthread.h>
#include <stddef.h>
#include <stdint.h>

#include "base/time.h"

enum { REQUEST_PATH_MAX = 96, REQUEST_KEY_MAX = 96, REQUEST_OUTCOME_MAX = 48, REQUEST_METHOD_MAX = 8 };

struct request_entry {
  uint64_t number; /* from 1 */
  struct utime at;
  int status; /* 0: closed without a byte */
  char method[REQUEST_METHOD_MAX];
  char path[REQUEST_PATH_MAX];
  char key[REQUEST_KEY_MAX]; /* longer ones are cut */
  char outcome[REQUEST_OUTCOME_MAX];
};

struct requests {
  pthread_mutex_t lock;
  struct request_entry *ring;
  size_t capacity;
  uint64_t count; /* ever seen */
};

void requests_init(struct requests *requests, size_t capacity);
void requests_release(struct requests *requests);
void requests_add(struct requests *requests, struct utime at, const char *method, const char *path, const char *key,
                  int status, const char *outcome);
uint64_t requests_count(struct requests *requests);
/* Copies up to `most` entries with a number above `since`, oldest first; returns how many. */
size_t requests_since(struct requests *requests, uint64_t since, struct request_entry *ret_entries, size_t most);

#endif
