/* The table of settings, and what must hold between them. */
#include "settings.h"

#include <string.h>

struct payments_settings payments_settings;

/* A deadline leaves time for the answer to be recorded after the gateway's last moment. */
enum { DEADLINE_MARGIN_MS = 5000 };

#define AT(member) offsetof(struct payments_settings, member)
const struct setting PAYMENTS_SETTINGS[] = {
    {"GATEWAY_URL", SETTING_TEXT, AT(gateway_url), NULL, 0, 512, NULL,
     "the payment gateway: Stripe's HTTP API, https://api.stripe.com or what speaks like it"},
    {"GATEWAY_SECRET_KEY", SETTING_SECRET, AT(gateway_secret_key), NULL, 8, 0, NULL, "our secret key there"},
    {"GATEWAY_TIMEOUT_MS", SETTING_INT, AT(gateway_timeout_ms), "10000", 100, 120000, NULL,
     "how long one question to the gateway may take"},
    {"GATEWAY_CONCURRENCY", SETTING_INT, AT(gateway_concurrency), "64", 1, CONCURRENCY_MAX, NULL,
     "charges under way at a time"},
    {"ATTEMPT_DEADLINE_MS", SETTING_INT, AT(attempt_deadline_ms), "30000", 1000, 600000, NULL,
     "after this a charge that nobody finished is taken over; at least 5000 more than GATEWAY_TIMEOUT_MS"},
};
const size_t PAYMENTS_SETTINGS_COUNT = sizeof PAYMENTS_SETTINGS / sizeof PAYMENTS_SETTINGS[0];

enum rc payments_settings_check(const struct payments_settings *settings, struct error *err) {
  const char *url = settings->gateway_url;
  if (strncmp(url, "https://", 8) != 0 && strncmp(url, "http://", 7) != 0)
    return error_field(err, RC_INVALID_SETTING, "GATEWAY_URL", "must begin with https:// or http://");
  if (url[strlen(url) - 1] == '/') return error_field(err, RC_INVALID_SETTING, "GATEWAY_URL", "must not end in /");
  if (settings->attempt_deadline_ms < settings->gateway_timeout_ms + DEADLINE_MARGIN_MS)
    return error_field(err, RC_INVALID_SETTING, "ATTEMPT_DEADLINE_MS", "must be at least GATEWAY_TIMEOUT_MS + %d",
                       DEADLINE_MARGIN_MS);
  return RC_OK;
}
