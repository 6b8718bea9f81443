/* The worker's own settings; main.c holds their table. */
#ifndef PAYMENTS_SETTINGS_H
#define PAYMENTS_SETTINGS_H

#include <stdint.h>

struct payments_settings {
  char *gateway_url, *gateway_secret_key;
  int64_t gateway_timeout_ms, gateway_concurrency, attempt_deadline_ms;
};
extern struct payments_settings payments_settings;

#endif
