/* What the parts of the API process share: its settings and its long-lived things. Made once by main, read by all
 * threads. */
#ifndef API_API_H
#define API_API_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/time.h"

struct settings {
  const char *http_address, *internal_address;
  const char *database_url, *kafka_brokers, *redis_address;
  const char *jwt_secret, *jwt_keys_file;
  const char *trusted_proxies, *cors_origins;
  const char *log_level, *instance;
  int64_t connections_max, connections_per_address_max, database_connections, password_hashes_max;
  int64_t rate_limit_per_minute, body_bytes_max, body_timeout_ms, delivery_timeout_ms, drain_ms;
  int64_t hsts_max_age_s;
};

enum { INSTANCE_MAX = 64 };

struct api {
  struct settings settings;
  char instance[INSTANCE_MAX]; /* unique among the running */
  const char *version;
  struct mono started;
  atomic_bool is_draining; /* SIGTERM: take no new work, end what waits */
  struct pool *pool;       /* database connections */
  struct redis_server *redis;
  struct token_keys *keys;
  struct producer *producer;
  struct outcomes *outcomes;
  struct passwords *passwords;
  struct dependencies *dependencies;
};

#endif
