/* One row for each thing that can be asked. Parameters that Stripe knows and that mean nothing here (shipping texts and
 * the like) are known too, so that a client need not change; what is in no list is refused, as Stripe does. */
#include "routes.h"

#include <string.h>

#include "handlers.h"

#define CUSTOMER_PARAMS \
  "name email description metadata invoice_settings address phone preferred_locales shipping expand"
#define CONFIRM_PARAMS                                                                                  \
  "payment_method off_session error_on_requires_action return_url use_stripe_sdk payment_method_types " \
  "payment_method_options capture_method mandate_data receipt_email setup_future_usage expand"
#define LIST_PARAMS "limit starting_after expand"

static const struct route ROUTES[] = {
    {"POST", "/v1/customers", CUSTOMER_PARAMS, customers_create},
    {"GET", "/v1/customers", LIST_PARAMS, customers_list},
    {"GET", "/v1/customers/{id}", "expand", customers_get},
    {"POST", "/v1/customers/{id}", CUSTOMER_PARAMS, customers_update},
    {"POST", "/v1/payment_methods", "type card billing_details metadata expand", methods_create},
    {"GET", "/v1/payment_methods", LIST_PARAMS " customer type", methods_list},
    {"GET", "/v1/payment_methods/{id}", "expand", methods_get},
    {"POST", "/v1/payment_methods/{id}/attach", "customer expand", methods_attach},
    {"POST", "/v1/payment_methods/{id}/detach", "expand", methods_detach},
    {"POST", "/v1/payment_intents",
     CONFIRM_PARAMS " amount currency customer description metadata confirm confirmation_method "
                    "automatic_payment_methods statement_descriptor statement_descriptor_suffix shipping",
     intents_create},
    {"GET", "/v1/payment_intents", LIST_PARAMS " customer", intents_list},
    {"GET", "/v1/payment_intents/search", "query limit expand", intents_search},
    {"GET", "/v1/payment_intents/{id}", "client_secret expand", intents_get},
    {"POST", "/v1/payment_intents/{id}/confirm", CONFIRM_PARAMS, intents_confirm},
    {"POST", "/v1/payment_intents/{id}/cancel", "cancellation_reason expand", intents_cancel},
    {"GET", "/v1/charges", LIST_PARAMS " payment_intent", charges_list},
    {"GET", "/v1/charges/{id}", "expand", charges_get},
    {"POST", "/v1/refunds", "charge payment_intent amount reason metadata expand", refunds_create},
    {"GET", "/v1/refunds", LIST_PARAMS " charge payment_intent", refunds_list},
    {"GET", "/v1/refunds/{id}", "expand", refunds_get},

    {"GET", "/readyz", NULL, sandbox_ready},
    {"GET", "/livez", NULL, sandbox_ready},
    {"GET", "/sandbox/charges", "payment_intent metadata limit", sandbox_charges},
    {"GET", "/sandbox/requests", "since limit", sandbox_requests},
    {"GET", "/sandbox/stats", "metadata", sandbox_stats},
    {"GET", "/sandbox/cards", "", sandbox_cards},
    {"GET", "/sandbox/faults", "", sandbox_faults_get},
    {"POST", "/sandbox/faults", NULL, sandbox_faults_set},
    {"DELETE", "/sandbox/faults", NULL, sandbox_faults_clear},
    {"POST", "/sandbox/payment_intents/{id}/settle", "outcome", intents_settle},
};
enum { ROUTE_COUNT = sizeof ROUTES / sizeof ROUTES[0] };

const struct route *route_at(size_t index) {
  return index < ROUTE_COUNT ? &ROUTES[index] : NULL;
}

static bool path_fits(const char *pattern, const char *path, char ret_id[static ROUTE_ID_MAX]) {
  const char *open = strchr(pattern, '{');
  ret_id[0] = '\0';
  if (open == NULL) return strcmp(pattern, path) == 0;
  size_t before = (size_t)(open - pattern);
  if (strncmp(pattern, path, before) != 0) return false;
  size_t length = strcspn(path + before, "/");
  if (length == 0 || length >= ROUTE_ID_MAX) return false;
  if (strcmp(strchr(open, '}') + 1, path + before + length) != 0) return false;
  memcpy(ret_id, path + before, length);
  ret_id[length] = '\0';
  return true;
}

const struct route *route_find(const char *method, const char *path, char ret_id[static ROUTE_ID_MAX]) {
  for (size_t i = 0; i < ROUTE_COUNT; i++) {
    if (strcmp(ROUTES[i].method, method) == 0 && path_fits(ROUTES[i].path, path, ret_id)) return &ROUTES[i];
  }
  return NULL;
}
