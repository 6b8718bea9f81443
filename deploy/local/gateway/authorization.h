/* Who may ask. */
#ifndef GATEWAY_AUTHORIZATION_H
#define GATEWAY_AUTHORIZATION_H

#include <stdbool.h>

/* The key in an Authorization header (NULL: there was none) is the one we want: as a Bearer token, or as Basic's user.
 */
bool is_authorized(const char *authorization, const char *secret_key);

#endif
