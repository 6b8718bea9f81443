/* Who asks too often. The counts are in Redis, for all instances together; without Redis nobody is held back. */
#ifndef API_LIMITER_H
#define API_LIMITER_H

#include "request.h"

/* Requests of an address in a minute. Fills request->rate: RC_RATE_LIMITED with the seconds to wait in it. */
MUST_CHECK enum rc limiter_count_request(struct request *request, struct error *err);

/* Failed logins: each attempt is counted before the password is looked at, and taken back when it was right, so that
 * many at once do not slip through. */
enum { LOGIN_WINDOW_S = 900, LOGIN_ACCOUNT_MAX = 10, LOGIN_ADDRESS_MAX = 50 };
MUST_CHECK enum rc limiter_count_login(struct request *request, const char *email, struct error *err);
void limiter_forgive_login(struct request *request, const char *email);

#endif
