/* The roles and what each may do, as one table. A grant is "*", "resource:*" or "resource:action". The grants of the
 * first line of each role are fixed by contract; those of the second are what the rest of the API needs. Everyone may
 * read and change their own profile. */
#include "permissions.h"

#include <string.h>

enum { GRANTS_MAX = 40 };

static const struct {
  const char *role;
  bool spans_tenants;
  const char *grants[GRANTS_MAX];
} roles[] = {
    {"SUPER_ADMIN", true, {"*"}},
    {"ADMIN",
     false,
     {"tenants:read",     "users:*",           "subscriptions:*", "invoices:*",     "payments:read", /* and */
      "customers:*",      "plans:*",           "usage:*",         "coupons:*",      "taxes:*",       "credits:*",
      "payments:collect", "payment-methods:*", "refunds:*",       "dashboard:read", "runs:*",        "dead-letters:*",
      "webhooks:*",       "templates:*",       "integrations:*",  "api-clients:*",  "audit:read",    "settings:*",
      "test-clocks:*",    "monitoring:read",   "profile:read",    "profile:update"}},
    {"BILLING_ADMIN",
     false,
     {"subscriptions:*",  "invoices:*",        "payments:read", /* and */
      "customers:*",      "plans:read",        "usage:*",         "coupons:*",      "taxes:read",    "credits:*",
      "payments:collect", "payment-methods:*", "refunds:*",       "dashboard:read", "runs:*",        "dead-letters:*",
      "templates:read",   "test-clocks:*",     "monitoring:read", "profile:read",   "profile:update"}},
    {"USER", false, {"profile:read", "profile:update", "invoices:read", "payments:read"}},
    {"VIEWER",
     false,
     {"dashboard:read", "invoices:read", "subscriptions:read", /* and */
      "customers:read", "plans:read", "profile:read", "profile:update"}},
};

static size_t role_index(const char *role) {
  size_t count = sizeof roles / sizeof roles[0];
  for (size_t i = 0; i < count; i++)
    if (strcmp(roles[i].role, role) == 0) return i;
  return count;
}

const char *const *role_grants(const char *role) {
  size_t index = role_index(role);
  return index < sizeof roles / sizeof roles[0] ? roles[index].grants : NULL;
}

bool role_spans_tenants(const char *role) {
  size_t index = role_index(role);
  return index < sizeof roles / sizeof roles[0] && roles[index].spans_tenants;
}

static bool grant_covers(const char *grant, const char *permission) {
  if (strcmp(grant, "*") == 0) return true;
  size_t length = strlen(grant);
  if (length > 2 && strcmp(grant + length - 2, ":*") == 0) return strncmp(grant, permission, length - 1) == 0;
  return strcmp(grant, permission) == 0;
}

bool role_permits(const char *role, const char *permission) {
  const char *const *grants = role_grants(role);
  for (; grants && *grants; grants++)
    if (grant_covers(*grants, permission)) return true;
  return false;
}
