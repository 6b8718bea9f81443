/* The request guard: civetweb accepts heads that two readers may understand differently, which is how requests are
 * smuggled past a proxy. What is not exactly one way to read is refused before anything else looks at it (RFC 9112). */
#ifndef API_GUARD_H
#define API_GUARD_H

#include <civetweb.h>
#include <stdint.h>

#include "base/error.h"

enum { URI_MAX = 4096, HEADERS_MAX = 63, HEADER_BYTES_MAX = 16 * 1024, HEAD_BYTES_MAX = 256 * 1024 };

/* civetweb reads HEAD_BYTES_MAX and has but one word for what is longer and for what is garbled: it must be far beyond
 * what is allowed, so that who sends too much is told so (431). */

/* RC_MALFORMED, RC_URI_TOO_LONG, RC_HEADERS_TOO_LARGE, RC_PAYLOAD_TOO_LARGE. Reads the connection's buffer around the
 * parsed parts, which civetweb ends in place: it must be called before the body is read. */
MUST_CHECK enum rc guard_check(const struct mg_request_info *http, int64_t body_bytes_max, struct error *err);
/* The path of the request target: what follows the authority when that is in absolute form (RFC 9112 3.2.2). NULL for
 * other forms. */
const char *guard_path(const struct mg_request_info *http);
/* The declared length: -1 for chunked, 0 when there is no body. After guard_check. */
int64_t guard_body_length(const struct mg_request_info *http);

#endif
