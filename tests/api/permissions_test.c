/* api.md's table of roles. */
#include "permissions.h"

#include "parts.h"

TestSuite(permissions);

static const struct {
  const char *role, *permission;
  bool permits;
} cases[] = {
    {"SUPER_ADMIN", "tenants:create", true},
    {"SUPER_ADMIN", "anything:at-all", true},
    {"ADMIN", "customers:create", true},
    {"ADMIN", "tenants:read", true},
    {"ADMIN", "tenants:create", false},
    {"ADMIN", "payments:read", true},
    {"ADMIN", "payments:refund", false},
    {"ADMIN", "subscriptions:override", true},
    {"BILLING_ADMIN", "plans:read", true},
    {"BILLING_ADMIN", "plans:create", false},
    {"BILLING_ADMIN", "users:read", false},
    {"BILLING_ADMIN", "dead-letters:replay", true},
    {"BILLING_ADMIN", "audit:read", false},
    {"USER", "invoices:read", true},
    {"USER", "customers:read", false},
    {"USER", "profile:update", true},
    {"VIEWER", "plans:read", true},
    {"VIEWER", "plans:create", false},
    {"VIEWER", "payments:read", false},
    {"VIEWER", "profile:read", true},
    {"ADMIN", "customers", false},
    {"ADMIN", "customersX:read", false},
    {"ADMIN", "", false},
    {"NOBODY", "profile:read", false},
    {"", "profile:read", false},
    {"admin", "customers:read", false},
};

Test(permissions, are_those_of_the_table) {
  for (size_t i = 0; i < ROWS(cases); i++)
    cr_expect_eq(role_permits(cases[i].role, cases[i].permission), cases[i].permits, "%s %s", cases[i].role,
                 cases[i].permission);
}

Test(permissions, only_the_super_admin_spans_tenants) {
  cr_expect(role_spans_tenants("SUPER_ADMIN"));
  cr_expect_not(role_spans_tenants("ADMIN"));
  cr_expect_not(role_spans_tenants("NOBODY"));
}
