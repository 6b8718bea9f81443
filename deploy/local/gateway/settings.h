/* What this process is told by its environment; the table is in main.c. */
#ifndef GATEWAY_SETTINGS_H
#define GATEWAY_SETTINGS_H

#include <stdbool.h>
#include <stdint.h>

struct settings {
  int64_t port;
  const char *state_dir;
  const char *secret_key;
  const char *webhook_url; /* "": no webhooks */
  const char *webhook_secret;
  int64_t webhook_queue_max;
  int64_t hold_ms;
  int64_t slow_ms;
  int64_t connections_max;
  int64_t kept_max;
  int64_t requests_kept;
  bool fsync;
  const char *log_level;
};

#endif
