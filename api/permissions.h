/* Who may do what: the table of api.md. Pure. */
#ifndef API_PERMISSIONS_H
#define API_PERMISSIONS_H

#include <stdbool.h>
#include <stddef.h>

/* permission: "resource:action". An unknown role may do nothing. */
bool role_permits(const char *role, const char *permission);
bool role_spans_tenants(const char *role);
/* The role's grants, as they stand in the table, NULL at the end; NULL for an unknown role. */
const char *const *role_grants(const char *role);

#endif
