/* Connections to PostgreSQL, bounded and shared by the HTTP threads. One is held for a transaction, never while a
 * request waits for something else. Thread-safe. */
#ifndef API_POOL_H
#define API_POOL_H

#include "base/error.h"
#include "db/db.h"

enum { POOL_WAIT_MS = 2000, POOL_STATEMENT_TIMEOUT_MS = 10000 };

struct pool;

struct pool *pool_new(const char *url, const char *instance, size_t connections);
void pool_free(struct pool *pool); /* all of them must have been given back */
/* Waits up to POOL_WAIT_MS: RC_UNAVAILABLE. The connection may not be open: begin opens it. */
MUST_CHECK enum rc pool_take(struct pool *pool, struct db **ret_db, struct error *err);
/* Whether the database answers, as a role that sees no tenant but the one it names: RC_INVALID_SETTING otherwise. */
MUST_CHECK enum rc pool_check(struct pool *pool, struct error *err);
void pool_give(struct pool *pool, struct db *db);

#endif
