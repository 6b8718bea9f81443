/* Access and refresh tokens: JWT, HS256, several keys by kid. Thread-safe. */
#ifndef API_TOKEN_H
#define API_TOKEN_H

#include "base/arena.h"
#include "base/error.h"
#include "base/time.h"
#include "base/uuid.h"

enum { ACCESS_TOKEN_S = 86400, REFRESH_TOKEN_S = 30 * 86400, TOKEN_BYTES_MAX = 2048, TOKEN_CLOCK_SKEW_S = 60 };

enum token_use { TOKEN_ACCESS, TOKEN_REFRESH };

struct token {
  struct uuid user, tenant, session;
  char email[256], role[24]; /* "" in refresh tokens */
  struct utime expires_at;
};

struct token_keys;

/* secret: of at least 32 bytes, or "". file: "kid secret" a line, the first signs, or "". One of the two must be given:
 * RC_INVALID_SETTING. */
MUST_CHECK enum rc token_keys_new(const char *secret, const char *file, struct token_keys **ret_keys,
                                  struct error *err);
void token_keys_free(struct token_keys *keys);

/* In the arena. */
const char *token_sign(const struct token_keys *keys, enum token_use use, const struct token *token, struct utime now,
                       struct arena *arena);
/* RC_UNAUTHORIZED, RC_TOKEN_EXPIRED. Verified ones are remembered for a minute, and no longer than they live. */
MUST_CHECK enum rc token_verify(struct token_keys *keys, enum token_use use, const char *text, struct utime now,
                                struct token *ret_token, struct error *err);

#endif
