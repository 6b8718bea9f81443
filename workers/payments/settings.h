/* The worker's own settings, beside those that all workers have. */
#ifndef PAYMENTS_SETTINGS_H
#define PAYMENTS_SETTINGS_H

#include "base/settings.h"

enum { CONCURRENCY_MAX = 512 };

struct payments_settings {
  char *gateway_url, *gateway_secret_key;
  int64_t gateway_timeout_ms, gateway_concurrency, attempt_deadline_ms;
};
extern struct payments_settings payments_settings;

extern const struct setting PAYMENTS_SETTINGS[];
extern const size_t PAYMENTS_SETTINGS_COUNT;

/* Relations between settings. RC_INVALID_SETTING naming the one at fault. */
MUST_CHECK enum rc payments_settings_check(const struct payments_settings *settings, struct error *err);

#endif
