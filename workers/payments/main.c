/* cloudbill-payments: payment methods, charges, their retries. What comes in are invoices that were finalised and
 * commands; what goes out are questions to the gateway, and facts. */
#include <curl/curl.h>
#include <string.h>

#include "handlers.h"
#include "settings.h"
#include "sql.h"

struct payments_settings payments_settings;

enum { CONCURRENCY_MAX = 512, DEADLINE_MARGIN_MS = 5000, IDLE_MS = 50 };

#define OFFSET(member) offsetof(struct payments_settings, member)
static const struct setting settings[] = {
    {"GATEWAY_URL", SETTING_TEXT, OFFSET(gateway_url), NULL, 0, 512, NULL,
     "the payment gateway: Stripe's HTTP API, https://api.stripe.com or what speaks like it"},
    {"GATEWAY_SECRET_KEY", SETTING_SECRET, OFFSET(gateway_secret_key), NULL, 8, 0, NULL, "our secret key there"},
    {"GATEWAY_TIMEOUT_MS", SETTING_INT, OFFSET(gateway_timeout_ms), "10000", 100, 120000, NULL,
     "how long one question to the gateway may take"},
    {"GATEWAY_CONCURRENCY", SETTING_INT, OFFSET(gateway_concurrency), "64", 1, CONCURRENCY_MAX, NULL,
     "charges under way at a time"},
    {"ATTEMPT_DEADLINE_MS", SETTING_INT, OFFSET(attempt_deadline_ms), "30000", 1000, 600000, NULL,
     "after this a charge that nobody finished is taken over; at least 5000 more than GATEWAY_TIMEOUT_MS"},
};

static enum rc start(struct error *err) {
  const char *url = payments_settings.gateway_url;
  if (strncmp(url, "https://", 8) != 0 && strncmp(url, "http://", 7) != 0)
    return error_field(err, RC_INVALID_SETTING, "GATEWAY_URL", "must begin with https:// or http://");
  if (url[strlen(url) - 1] == '/') return error_field(err, RC_INVALID_SETTING, "GATEWAY_URL", "must not end in /");
  if (payments_settings.attempt_deadline_ms < payments_settings.gateway_timeout_ms + DEADLINE_MARGIN_MS)
    return error_field(err, RC_INVALID_SETTING, "ATTEMPT_DEADLINE_MS", "must be at least GATEWAY_TIMEOUT_MS + %d",
                       DEADLINE_MARGIN_MS);
  if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) return error_set(err, RC_BUG, "curl does not start");
  return RC_OK;
}

static const enum topic topics[] = {TOPIC_PAYMENT_COMMANDS, TOPIC_INVOICE_EVENTS};

static const struct handler handlers[] = {
    {"invoice.finalised", handle_invoice_finalised, true},
    {"payment.collect", handle_payment_collect, false},
    {"payment-method.create", handle_payment_method_create, false},
    {NULL, NULL, false},
};

static const struct task tasks[] = {
    {"setup", task_setup, IDLE_MS, true},
    {"charge", task_charge, IDLE_MS, true},
    {NULL, NULL, 0, false},
};

int main(int argc, char **argv) {
  const struct worker worker = {.name = "payments",
                                .about = "collects invoices: payment methods, charges through the gateway, retries",
                                .topics = topics,
                                .topic_count = sizeof topics / sizeof topics[0],
                                .handlers = handlers,
                                .tasks = tasks,
                                .statements = sql_statements,
                                .settings = settings,
                                .setting_count = sizeof settings / sizeof settings[0],
                                .settings_target = &payments_settings,
                                .start = start};
  return worker_main(argc, argv, &worker);
}
