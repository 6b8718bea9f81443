/* The whitelist is compared as it stands: scheme, host and port. Credentials are tokens in headers, so cookies are
 * never allowed. */
#include "cors.h"

#include <string.h>

bool origin_is_allowed(const char *origin, const char *origins) {
  size_t length = strlen(origin);
  for (const char *at = origins; *at && length > 0;) {
    size_t candidate = strcspn(at, " ,");
    if (candidate == length && memcmp(at, origin, length) == 0) return true;
    at += candidate + (at[candidate] != '\0');
  }
  return false;
}

void cors_headers(const struct request *request, struct response *response) {
  const char *origin = request_header(request, "Origin"), *origins = request->api->settings.cors_origins;
  if (origins[0]) response_header(response, "Vary", "Origin");
  if (!origin || !origin_is_allowed(origin, origins)) return;
  response_header(response, "Access-Control-Allow-Origin", origin);
  response_header(response, "Access-Control-Expose-Headers",
                  "ETag, Location, Preference-Applied, RateLimit-Limit, RateLimit-Remaining, RateLimit-Reset, "
                  "Retry-After, X-Request-ID");
}

enum rc cors_preflight(const struct request *request, struct response *response) {
  response_data(response, 204, NULL, NULL);
  const char *origin = request_header(request, "Origin");
  if (!origin || !origin_is_allowed(origin, request->api->settings.cors_origins)) return RC_OK;
  response_header(response, "Access-Control-Allow-Methods", "GET, HEAD, POST, PUT, PATCH, DELETE");
  response_header(response, "Access-Control-Allow-Headers",
                  "Authorization, Content-Type, Idempotency-Key, If-Match, If-None-Match, Prefer, X-Request-ID, "
                  "X-Tenant-ID, traceparent");
  response_header(response, "Access-Control-Max-Age", "600");
  return RC_OK;
}
