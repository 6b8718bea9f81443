/* Whether PostgreSQL, Redis and Kafka answer, asked by a thread of its own every DEPENDENCIES_CHECK_MS. Thread-safe. */
#ifndef API_DEPENDENCIES_H
#define API_DEPENDENCIES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "api.h"
#include "base/error.h"

enum { DEPENDENCIES_CHECK_MS = 1000, DEPENDENCY_TIMEOUT_MS = 1000 };

enum dependency { DEPENDENCY_POSTGRESQL, DEPENDENCY_REDIS, DEPENDENCY_KAFKA, DEPENDENCY_COUNT };

struct dependency_state {
  bool is_up;
  int64_t response_us;
};

struct dependencies;

struct dependencies *dependencies_new(const struct api *api);
void dependencies_free(struct dependencies *dependencies);
const char *dependency_name(enum dependency dependency);
struct dependency_state dependency_state(struct dependencies *dependencies, enum dependency dependency);
/* PostgreSQL and Kafka; without Redis the API is slower, and right. */
bool dependencies_are_ready(struct dependencies *dependencies, char *ret_reason, size_t reason_size);

#endif
