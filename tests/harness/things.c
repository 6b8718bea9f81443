/* A tenant, and the things that most tests begin with, made as a client would make them. */
#include <stdarg.h>

#include "harness.h"

static struct tenant tenant_make(const char *currency, const char *time_zone, const char *mode) {
  const char *name = new_id();
  struct tenant tenant = {.email = keep_text("admin@%s.example", name), .password = "Correct-Horse-7"};
  const char *const arguments[] = {
      "tenant", "create",           "--name",        name,          "--admin-email", tenant.email, "--currency",
      currency, "--admin-password", tenant.password, "--time-zone", time_zone,       "--mode",     mode,
      NULL};
  tenant.id = run_program("cloudbill", arguments);
  cr_assert_eq(strlen(tenant.id), 36, "tenant create said: %s", tenant.id);
  const json_t *login =
      api_post(&tenant, 200, "/api/auth/login", "{'email':'%s','password':'%s'}", tenant.email, tenant.password);
  tenant.token = json_at(login, "accessToken");
  tenant.user_id = json_at(login, "user.id");
  cr_assert_not_null(tenant.token);
  return tenant;
}

struct tenant tenant_new_with(const char *currency, const char *time_zone) {
  return tenant_make(currency, time_zone, "live");
}

struct tenant tenant_new(void) {
  return tenant_new_with("USD", "UTC");
}

struct tenant tenant_new_test(void) {
  return tenant_make("USD", "UTC", "test");
}

static const char *created(const json_t *resource) {
  const char *id = json_at(resource, "id");
  cr_assert_not_null(id);
  return id;
}

/* "" for NULL. */
static const char *filled(const char *members, va_list arguments) {
  char text[4096] = "";
  int length = members ? vsnprintf(text, sizeof text, members, arguments) : 0;
  cr_assert(length >= 0 && (size_t)length < sizeof text, "too long: %s", members);
  return keep_text("%s", text);
}

const char *customer_new(const struct tenant *tenant, const char *members, ...) {
  va_list arguments;
  va_start(arguments, members);
  const char *more = filled(members, arguments);
  va_end(arguments);
  return created(api_post(tenant, 201, "/api/customers", "{'name':'Ada Lovelace','email':'%s@customer.example'%s%s}",
                          new_id(), *more ? "," : "", more));
}

const char *plan_new(const struct tenant *tenant, const char *price, const char *currency, const char *billing_cycle) {
  return created(api_post(tenant, 201, "/api/plans",
                          "{'code':'p-%s','name':'Plan','price':'%s','currency':'%s','billingCycle':'%s'}", new_id(),
                          price, currency, billing_cycle));
}

const char *plan_with(const struct tenant *tenant, const char *members, ...) {
  va_list arguments;
  va_start(arguments, members);
  const char *more = filled(members, arguments);
  va_end(arguments);
  return created(
      api_post(tenant, 201, "/api/plans", "{'code':'p-%s','name':'Plan','currency':'USD',%s}", new_id(), more));
}

const char *plan_of_days(const struct tenant *tenant, int days, const char *price) {
  return created(api_post(tenant, 201, "/api/plans",
                          "{'code':'p-%s','name':'Plan %s','price':'%s','currency':'USD','interval':'day',"
                          "'intervalCount':%d}",
                          new_id(), price, price, days));
}

const char *payment_method_new(const struct tenant *tenant, const char *customer, const char *token) {
  return created(api_post(tenant, 201, "/api/payment-methods", "{'customerId':'%s','token':'%s','setDefault':true}",
                          customer, token));
}

const char *subscription_with(const struct tenant *tenant, const char *customer, const char *plan, const char *members,
                              ...) {
  va_list arguments;
  va_start(arguments, members);
  const char *more = filled(members, arguments);
  va_end(arguments);
  return created(api_post(tenant, 201, "/api/billing/subscriptions", "{'customerId':'%s','planId':'%s'%s%s}", customer,
                          plan, *more ? "," : "", more));
}

const char *subscription_new(const struct tenant *tenant, const char *customer, const char *plan,
                             const char *start_date) {
  return subscription_with(tenant, customer, plan, "'startDate':'%s'", start_date);
}

const char *test_clock_new(const struct tenant *tenant, const char *frozen_time) {
  return created(api_post(tenant, 201, "/api/test-clocks", "{'name':'Clock','frozenTime':'%s'}", frozen_time));
}

static bool is_ready(const struct tenant *tenant, const char *clock) {
  return strcmp(json_at(api_get(tenant, 200, "/api/test-clocks/%s", clock), "status"), "ready") == 0;
}

void test_clock_advance(const struct tenant *tenant, const char *clock, const char *to) {
  api_post(tenant, 200, keep_text("/api/test-clocks/%s/advance", clock), "{'to':'%s'}", to);
  WAIT_UNTIL(is_ready(tenant, clock), "the clock to arrive at %s", to);
}

static bool is_completed(const struct tenant *tenant, const char *run) {
  return strcmp(json_at(api_get(tenant, 200, "/api/billing/runs/%s", run), "status"), "completed") == 0;
}

static const char *run_with(const struct tenant *tenant, const char *body) {
  const char *run = created(api_post(tenant, 201, "/api/billing/runs", "%s", body));
  WAIT_UNTIL(is_completed(tenant, run), "billing run %s to complete", run);
  return run;
}

const char *billing_run(const struct tenant *tenant) {
  return run_with(tenant, "{}");
}

const char *billing_dry_run(const struct tenant *tenant) {
  return run_with(tenant, "{'dryRun':true}");
}
