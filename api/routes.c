/* THE HTTP surface: one row for each endpoint. A read or a list is a row and a .sql file; a write is a row and a
 * command with its schema; what is neither has a handler. openapi.yaml is checked against this table. */
#include "command.h"
#include "explain.h"
#include "explain_note.h"
#include "health.h"
#include "login.h"
#include "router.h"
#include "settings.h"
#include "sql.h"

/* ---- lists: their filters, in the order of the statement's parameters from $5 on, and sort orders ---- */

#define SUBSCRIPTION_STATES "incomplete trialing active past_due suspended cancelled expired"

static const struct list customers = {&sql_customer_list,
                                      {{"q", FILTER_SEARCH, NULL},
                                       {"email", FILTER_TEXT, NULL},
                                       {"currency", FILTER_CURRENCY, NULL},
                                       {"status", FILTER_CHOICE, "active deleted all"}},
                                      {"-createdAt", "name", "email"}};

static const struct list test_clocks = {
    &sql_test_clock_list, {{"status", FILTER_CHOICE, "ready advancing"}}, {"-createdAt"}};

static const struct list plans = {&sql_plan_list,
                                  {{"status", FILTER_CHOICE, "active deprecated"}, {"code", FILTER_TEXT, NULL}},
                                  {"-createdAt", "name", "code"}};

static const struct list plan_versions = {&sql_plan_version_list, {{"planId", FILTER_TEXT, NULL}}, {"-planVersion"}};

static const struct list subscriptions = {&sql_subscription_list,
                                          {{"status", FILTER_CHOICE, SUBSCRIPTION_STATES},
                                           {"customerId", FILTER_UUID, NULL},
                                           {"planId", FILTER_TEXT, NULL},
                                           {"nextBillingBefore", FILTER_TIME, NULL}},
                                          {"-createdAt", "nextBillingDate"}};

static const struct list invoices = {&sql_invoice_list,
                                     {{"status", FILTER_CHOICE, "draft open paid void uncollectible"},
                                      {"customerId", FILTER_UUID, NULL},
                                      {"subscriptionId", FILTER_UUID, NULL},
                                      {"runId", FILTER_UUID, NULL},
                                      {"currency", FILTER_CURRENCY, NULL},
                                      {"startDate", FILTER_DATE, NULL},
                                      {"endDate", FILTER_DATE, NULL},
                                      {"invoiceNumber", FILTER_TEXT, NULL}},
                                     {"-createdAt", "issueDate", "dueDate", "totalAmount", "invoiceNumber"}};

static const struct list credits = {
    &sql_credit_list, {{"customerId", FILTER_UUID, NULL}, {"currency", FILTER_CURRENCY, NULL}}, {"-grantedAt"}};

static const struct list credit_notes = {
    &sql_credit_note_list, {{"invoiceId", FILTER_UUID, NULL}, {"customerId", FILTER_UUID, NULL}}, {"-createdAt"}};

static const struct list coupons = {&sql_coupon_list,
                                    {{"status", FILTER_CHOICE, "active archived"}, {"code", FILTER_TEXT, NULL}},
                                    {"-createdAt", "code"}};

static const struct list tax_rates = {&sql_tax_rate_list,
                                      {{"status", FILTER_CHOICE, "active archived"}, {"code", FILTER_TEXT, NULL}},
                                      {"-createdAt", "code"}};

static const struct list payments = {
    &sql_payment_list,
    {{"status", FILTER_CHOICE, "pending unknown requires_action succeeded failed cancelled refunded"},
     {"customerId", FILTER_UUID, NULL},
     {"invoiceId", FILTER_UUID, NULL},
     {"startDate", FILTER_TIME, NULL},
     {"endDate", FILTER_TIME, NULL}},
    {"-createdAt", "amount"}};

static const struct list payment_methods = {
    &sql_payment_method_list,
    {{"customerId", FILTER_UUID, NULL}, {"status", FILTER_CHOICE, "pending active refused detached"}},
    {"-createdAt"}};

static const struct list runs = {
    &sql_billing_run_list, {{"status", FILTER_CHOICE, "running paused completed"}}, {"-startedAt"}};

static const struct list parked = {
    &sql_parked_list, {{"runId", FILTER_UUID, NULL}, {"reasonCode", FILTER_TEXT, NULL}}, {"-parkedAt"}};

static const struct list dead_letters = {&sql_dead_letter_list,
                                         {{"status", FILTER_CHOICE, "dead replayed dropped"},
                                          {"topic", FILTER_TEXT, NULL},
                                          {"messageType", FILTER_TEXT, NULL},
                                          {"worker", FILTER_TEXT, NULL}},
                                         {"-lastFailureAt"}};

/* ---- the verbs ---- */

#define READ(where, who, sql) \
  .method = METHOD_GET, .path = (where), .kind = ROUTE_READ, .permission = (who), .statement = &(sql)
#define LIST(where, who, what) \
  .method = METHOD_GET, .path = (where), .kind = ROUTE_LIST, .permission = (who), .list = &(what)
#define BELOW(sql, filter) .parent = &(sql), .parent_filter = (filter)
#define ACTS_ON(sql)       .subject = &(sql)
#define COMMAND(verb, where, who, name) \
  .method = (verb), .path = (where), .kind = ROUTE_COMMAND, .permission = (who), .command = (name)
#define HANDLER(verb, where, who, function) \
  .method = (verb), .path = (where), .kind = ROUTE_HANDLER, .permission = (who), .handle = (function)
#define PUBLIC NULL /* no token */
#define ANYONE ""   /* who is logged in */

const struct route ROUTES[] = {
    /* identity */
    {HANDLER(METHOD_POST, "/api/auth/login", PUBLIC, login_handle)},
    {HANDLER(METHOD_POST, "/api/auth/refresh", PUBLIC, refresh_handle)},
    {HANDLER(METHOD_POST, "/api/auth/logout", ANYONE, logout_handle)},
    {HANDLER(METHOD_GET, "/api/auth/me", "profile:read", me_handle)},

    /* settings */
    {READ("/api/settings", "settings:read", sql_settings_get)},
    {HANDLER(METHOD_PATCH, "/api/settings", "settings:update", settings_handle)},

    /* customers */
    {LIST("/api/customers", "customers:read", customers)},
    {COMMAND(METHOD_POST, "/api/customers", "customers:create", "customer.create"), .location = "/api/customers"},
    {READ("/api/customers/{id}", "customers:read", sql_customer_get)},
    {COMMAND(METHOD_PATCH, "/api/customers/{id}", "customers:update", "customer.update")},
    {COMMAND(METHOD_DELETE, "/api/customers/{id}", "customers:delete", "customer.delete"), .fixed_body = "{}",
     .success = 204},
    {COMMAND(METHOD_POST, "/api/customers/{id}/restore", "customers:restore", "customer.restore")},
    {LIST("/api/customers/{id}/subscriptions", "subscriptions:read", subscriptions),
     BELOW(sql_customer_exists, "customerId")},
    {LIST("/api/customers/{id}/invoices", "invoices:read", invoices), BELOW(sql_customer_exists, "customerId")},
    {LIST("/api/customers/{id}/payments", "payments:read", payments), BELOW(sql_customer_exists, "customerId")},

    /* test clocks */
    {LIST("/api/test-clocks", "test-clocks:read", test_clocks)},
    {COMMAND(METHOD_POST, "/api/test-clocks", "test-clocks:create", "test-clock.create"),
     .location = "/api/test-clocks"},
    {READ("/api/test-clocks/{id}", "test-clocks:read", sql_test_clock_get)},
    {COMMAND(METHOD_POST, "/api/test-clocks/{id}/advance", "test-clocks:advance", "test-clock.advance")},
    {COMMAND(METHOD_DELETE, "/api/test-clocks/{id}", "test-clocks:delete", "test-clock.delete"), .fixed_body = "{}",
     .success = 204},

    /* plans */
    {LIST("/api/plans", "plans:read", plans)},
    {COMMAND(METHOD_POST, "/api/plans", "plans:create", "plan.create"), .location = "/api/plans"},
    {READ("/api/plans/{key}", "plans:read", sql_plan_get)},
    {COMMAND(METHOD_PATCH, "/api/plans/{key}", "plans:update", "plan.update"), ACTS_ON(sql_plan_id)},
    {COMMAND(METHOD_POST, "/api/plans/{key}/deprecate", "plans:deprecate", "plan.deprecate"), ACTS_ON(sql_plan_id)},
    {COMMAND(METHOD_POST, "/api/plans/{key}/migrate", "plans:migrate", "plan.migrate"), ACTS_ON(sql_plan_id)},
    {LIST("/api/plans/{key}/versions", "plans:read", plan_versions), BELOW(sql_plan_id, "planId")},

    /* subscriptions */
    {LIST("/api/billing/subscriptions", "subscriptions:read", subscriptions)},
    {COMMAND(METHOD_POST, "/api/billing/subscriptions", "subscriptions:create", "subscription.create"),
     .partition_member = "customerId", .location = "/api/billing/subscriptions"},
    {READ("/api/billing/subscriptions/{id}", "subscriptions:read", sql_subscription_get)},
    {COMMAND(METHOD_PATCH, "/api/billing/subscriptions/{id}", "subscriptions:update", "subscription.update")},
    {COMMAND(METHOD_POST, "/api/billing/subscriptions/{id}/cancel", "subscriptions:cancel", "subscription.cancel")},
    {COMMAND(METHOD_POST, "/api/billing/subscriptions/{id}/suspend", "subscriptions:suspend", "subscription.suspend")},
    {COMMAND(METHOD_POST, "/api/billing/subscriptions/{id}/reactivate", "subscriptions:reactivate",
             "subscription.reactivate")},
    {COMMAND(METHOD_POST, "/api/billing/subscriptions/{id}/renew", "subscriptions:renew", "subscription.renew")},
    {COMMAND(METHOD_POST, "/api/billing/subscriptions/{id}/unpark", "subscriptions:unpark", "subscription.unpark")},
    {COMMAND(METHOD_POST, "/api/billing/subscriptions/{id}/change-plan", "subscriptions:change-plan",
             "subscription.change-plan")},
    {COMMAND(METHOD_POST, "/api/billing/subscriptions/{id}/preview", "subscriptions:preview", "subscription.preview")},
    {READ("/api/billing/subscriptions/{id}/entitlements", "subscriptions:read", sql_subscription_entitlements)},
    {READ("/api/billing/subscriptions/{id}/timeline", "subscriptions:read", sql_subscription_timeline)},
    {READ("/api/billing/subscriptions/{id}/scheduled-changes", "subscriptions:read", sql_scheduled_changes_get)},
    {COMMAND(METHOD_DELETE, "/api/billing/subscriptions/{id}/scheduled-changes/{changeId}", "subscriptions:change-plan",
             "subscription.withdraw-change"),
     .param_member = "changeId", .success = 204},

    /* invoices */
    {LIST("/api/billing/invoices", "invoices:read", invoices)},
    {READ("/api/billing/invoices/{id}", "invoices:read", sql_invoice_get)},
    {COMMAND(METHOD_POST, "/api/billing/invoices", "invoices:create", "invoice.draft"),
     .partition_member = "customerId", .location = "/api/billing/invoices"},
    {COMMAND(METHOD_DELETE, "/api/billing/invoices/{id}", "invoices:delete", "invoice.delete"), .fixed_body = "{}",
     .success = 204},
    {COMMAND(METHOD_POST, "/api/billing/invoices/{id}/items", "invoices:update", "invoice.add_item")},
    {COMMAND(METHOD_POST, "/api/billing/invoices/{id}/finalize", "invoices:finalize", "invoice.finalise")},
    {COMMAND(METHOD_POST, "/api/billing/invoices/{id}/void", "invoices:void", "invoice.void")},
    {COMMAND(METHOD_POST, "/api/billing/invoices/{id}/uncollectible", "invoices:update", "invoice.write_off")},
    {COMMAND(METHOD_POST, "/api/billing/invoices/{id}/send", "invoices:send", "invoice.send")},
    {COMMAND(METHOD_POST, "/api/billing/invoices/{id}/payment", "payments:collect", "invoice.pay"),
     .refuses_cards = true},
    {READ("/api/billing/invoices/{id}/items", "invoices:read", sql_invoice_items_get)},
    {HANDLER(METHOD_GET, "/api/billing/invoices/{id}/items/{itemId}/explain", "invoices:read", explain_handle)},

    /* account credit, credit notes */
    {LIST("/api/billing/customers/{id}/credits", "credits:read", credits), BELOW(sql_customer_exists, "customerId")},
    {COMMAND(METHOD_POST, "/api/billing/customers/{id}/credits", "credits:create", "credit.grant")},
    {LIST("/api/billing/credit-notes", "invoices:read", credit_notes)},
    {COMMAND(METHOD_POST, "/api/billing/credit-notes", "credits:create", "credit-note.issue"),
     .partition_member = "invoiceId", .location = "/api/billing/credit-notes"},
    {READ("/api/billing/credit-notes/{id}", "invoices:read", sql_credit_note_get)},
    {HANDLER(METHOD_GET, "/api/billing/credit-notes/{id}/items/{itemId}/explain", "invoices:read",
             explain_note_handle)},
    {READ("/api/customers/{id}/balance", "customers:read", sql_customer_balance)},
    {READ("/api/customers/{id}/ledger", "customers:read", sql_customer_ledger)},

    /* coupons, tax rates */
    {LIST("/api/billing/coupons", "coupons:read", coupons)},
    {COMMAND(METHOD_POST, "/api/billing/coupons", "coupons:create", "coupon.create"),
     .location = "/api/billing/coupons"},
    {READ("/api/billing/coupons/{id}", "coupons:read", sql_coupon_get)},
    {COMMAND(METHOD_PATCH, "/api/billing/coupons/{id}", "coupons:update", "coupon.update")},
    {COMMAND(METHOD_DELETE, "/api/billing/coupons/{id}", "coupons:delete", "coupon.archive"), .success = 204},
    {LIST("/api/billing/tax-rates", "taxes:read", tax_rates)},
    {COMMAND(METHOD_POST, "/api/billing/tax-rates", "taxes:create", "tax-rate.create"),
     .location = "/api/billing/tax-rates"},
    {READ("/api/billing/tax-rates/{id}", "taxes:read", sql_tax_rate_get)},
    {COMMAND(METHOD_DELETE, "/api/billing/tax-rates/{id}", "taxes:delete", "tax-rate.archive"), .success = 204},

    /* payments */
    {LIST("/api/payments", "payments:read", payments)},
    {READ("/api/payments/{id}", "payments:read", sql_payment_get)},
    {LIST("/api/payment-methods", "payment-methods:read", payment_methods)},
    {COMMAND(METHOD_POST, "/api/payment-methods", "payment-methods:create", "payment-method.create"),
     .partition_member = "customerId", .refuses_cards = true, .location = "/api/payment-methods"},
    {READ("/api/payment-methods/{id}", "payment-methods:read", sql_payment_method_get)},

    /* billing runs */
    {LIST("/api/billing/runs", "runs:read", runs)},
    {COMMAND(METHOD_POST, "/api/billing/runs", "runs:create", "billing-run.start"), .location = "/api/billing/runs"},
    {READ("/api/billing/runs/{id}", "runs:read", sql_billing_run_get)},
    {COMMAND(METHOD_POST, "/api/billing/runs/{id}/pause", "runs:pause", "billing-run.pause")},
    {COMMAND(METHOD_POST, "/api/billing/runs/{id}/resume", "runs:resume", "billing-run.resume")},
    {LIST("/api/billing/runs/{id}/parked", "runs:read", parked), BELOW(sql_billing_run_exists, "runId")},

    /* operations */
    {LIST("/api/dead-letters", "dead-letters:read", dead_letters)},
    {READ("/api/dead-letters/{id}", "dead-letters:read", sql_dead_letter_get)},
    {COMMAND(METHOD_POST, "/api/dead-letters/{id}/replay", "dead-letters:replay", "dead-letter.replay")},
    {COMMAND(METHOD_POST, "/api/dead-letters/{id}/drop", "dead-letters:drop", "dead-letter.drop")},
    {HANDLER(METHOD_GET, "/api/operations/{id}", ANYONE, operation_handle)},
    {HANDLER(METHOD_GET, "/api/monitoring/health", "monitoring:read", monitoring_handle)},
    {HANDLER(METHOD_GET, "/health", PUBLIC, health_handle), .is_unlimited = true},
    {HANDLER(METHOD_GET, "/livez", PUBLIC, livez_handle), .is_unlimited = true},
    {HANDLER(METHOD_GET, "/readyz", PUBLIC, readyz_handle), .is_unlimited = true},

    /* paths of the first generation */
    {HANDLER(METHOD_POST, "/auth/login", PUBLIC, login_handle), .is_deprecated = true},
    {HANDLER(METHOD_POST, "/auth/refresh", PUBLIC, refresh_handle), .is_deprecated = true},
    {HANDLER(METHOD_POST, "/auth/logout", ANYONE, logout_handle), .is_deprecated = true},
    {HANDLER(METHOD_GET, "/auth/me", "profile:read", me_handle), .is_deprecated = true},
    {LIST("/customers", "customers:read", customers), .is_deprecated = true},
    {COMMAND(METHOD_POST, "/customers", "customers:create", "customer.create"), .location = "/customers",
     .is_deprecated = true},
    {READ("/customers/{id}", "customers:read", sql_customer_get), .is_deprecated = true},
    {COMMAND(METHOD_PUT, "/customers/{id}", "customers:update", "customer.replace"), .is_deprecated = true},
    {COMMAND(METHOD_DELETE, "/customers/{id}", "customers:delete", "customer.delete"), .fixed_body = "{}",
     .success = 204, .is_deprecated = true},
    {LIST("/plans", "plans:read", plans), .is_deprecated = true},
    {COMMAND(METHOD_POST, "/plans", "plans:create", "plan.create"), .location = "/plans", .is_deprecated = true},
    {READ("/plans/{key}", "plans:read", sql_plan_get), .is_deprecated = true},
    {LIST("/subscriptions", "subscriptions:read", subscriptions), .is_deprecated = true},
    {COMMAND(METHOD_POST, "/subscriptions", "subscriptions:create", "subscription.create"),
     .partition_member = "customerId", .location = "/subscriptions", .is_deprecated = true},
    {READ("/subscriptions/{id}", "subscriptions:read", sql_subscription_get), .is_deprecated = true},
    {COMMAND(METHOD_DELETE, "/subscriptions/{id}", "subscriptions:cancel", "subscription.cancel"),
     .fixed_body = "{\"immediately\":true}", .success = 204, .is_deprecated = true},
    {LIST("/invoices", "invoices:read", invoices), .is_deprecated = true},
    {READ("/invoices/{id}", "invoices:read", sql_invoice_get), .is_deprecated = true},
    {.path = NULL},
};
