/* Passwords: bcrypt, cost 10, 60 ms of CPU each; so only some are checked at a time, and few wait. Thread-safe. */
#ifndef API_PASSWORD_H
#define API_PASSWORD_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"

enum { PASSWORD_BYTES_MAX = 72, PASSWORD_WAIT_MS = 5000 };

struct passwords;

struct passwords *passwords_new(size_t at_once);
void passwords_free(struct passwords *passwords);
/* hash NULL (no such account, or no password): the same work, and false. RC_UNAVAILABLE when too many wait. */
MUST_CHECK enum rc password_check(struct passwords *passwords, const char *password, const char *hash,
                                  bool *ret_is_right, struct error *err);

#endif
