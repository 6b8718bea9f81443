/* Cross-origin requests: browsers of the origins in CORS_ORIGINS, and no others. */
#ifndef API_CORS_H
#define API_CORS_H

#include "response.h"

void cors_headers(const struct request *request, struct response *response);
/* OPTIONS on a known path: what may be done there; the header Allow is set. */
MUST_CHECK enum rc cors_preflight(const struct request *request, struct response *response);
/* origins: separated by spaces or commas. Pure. */
bool origin_is_allowed(const char *origin, const char *origins);

#endif
