/* cloudbill-payments: payment methods, charges, their retries. What comes in are invoices that were finalised or
 * settled, and commands; what goes out are questions to the gateway, and facts. */
#include <curl/curl.h>

#include "handlers.h"
#include "settings.h"
#include "sql.h"

enum { IDLE_MS = 100 };

static enum rc start(struct error *err) {
  TRY(payments_settings_check(&payments_settings, err));
  if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) return error_set(err, RC_BUG, "curl does not start");
  return RC_OK;
}

static const enum topic topics[] = {TOPIC_PAYMENT_COMMANDS, TOPIC_INVOICE_EVENTS};

static const struct handler handlers[] = {
    {"invoice.finalised", handle_invoice_finalised, true},
    {"invoice.paid", handle_invoice_settled, true},
    {"invoice.voided", handle_invoice_settled, true},
    {"invoice.uncollectible", handle_invoice_settled, true},
    {"payment.collect", handle_payment_collect, false},
    {"invoice.pay", handle_invoice_pay, false},
    {"payment-method.create", handle_payment_method_create, false},
    {NULL, NULL, false},
};

static const struct task tasks[] = {
    {"setup", task_setup, .idle_ms = IDLE_MS, .own_transactions = true, .is_nudged = true},
    {"charge", task_charge, .idle_ms = IDLE_MS, .own_transactions = true, .is_nudged = true},
    {.name = NULL},
};

int main(int argc, char **argv) {
  const struct worker worker = {.name = "payments",
                                .about = "collects invoices: payment methods, charges through the gateway, retries",
                                .topics = topics,
                                .topic_count = sizeof topics / sizeof topics[0],
                                .handlers = handlers,
                                .tasks = tasks,
                                .statements = sql_statements,
                                .settings = PAYMENTS_SETTINGS,
                                .setting_count = PAYMENTS_SETTINGS_COUNT,
                                .settings_target = &payments_settings,
                                .start = start};
  return worker_main(argc, argv, &worker);
}
