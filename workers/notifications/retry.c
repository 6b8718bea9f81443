/* The two back-offs of retry.h: both double, each to its own limit. */
#include "retry.h"

enum {
  MINUTE_MS = 60 * 1000,
  DEFERRAL_LIMIT_MS = 6 * 60 * MINUTE_MS,
  OUTAGE_FIRST_MS = 1000,
  OUTAGE_LIMIT_MS = MINUTE_MS
};

static int64_t doubled(int64_t first_ms, int64_t times, int64_t limit_ms) {
  int64_t delay_ms = first_ms;
  for (int64_t i = 1; i < times && delay_ms < limit_ms; i++) delay_ms *= 2;
  return delay_ms < limit_ms ? delay_ms : limit_ms;
}

bool retry_after_deferral(int64_t deferrals, int64_t *ret_delay_ms) {
  if (deferrals >= DEFERRALS_MAX) return false;
  *ret_delay_ms = doubled(MINUTE_MS, deferrals, DEFERRAL_LIMIT_MS);
  return true;
}

int64_t retry_outage_ms(int64_t failures) {
  return doubled(OUTAGE_FIRST_MS, failures, OUTAGE_LIMIT_MS);
}
