/* PostgreSQL: a connection, a transaction, statements from .sql files.
 *
 * One struct db for each thread. Every statement is prepared when the connection opens (and again after a reconnect),
 * so that one which does not fit the schema stops the process before it does any work. All work is in transactions:
 *
 *   struct tx CLEANUP(tx_release) tx = {0};
 *   TRY(tx_begin(db, &tx, err));
 *   PGresult CLEANUP(db_result_release) *found = NULL;
 *   TRY(tx_exec(&tx, &sql_plan_find, PARAMS(db_uuid(arena, &tenant), code), &found, err));
 *   ...
 *   return tx_commit(&tx, err);
 *
 * A tx that leaves its scope uncommitted is rolled back. Errors are classified: connection lost, out of space, shutting
 * down, too many connections, timeouts -> RC_DB_UNAVAILABLE; serialization, deadlock, lock timeout -> RC_DB_CONFLICT
 * (both RETRY); check, foreign key, not null, unique -> RC_CONSTRAINT (REJECT; field = the constraint's name);
 * CB001 -> RC_IMMUTABLE; CB002 -> RC_INVARIANT; bad input syntax, numeric out of range (class 22) -> RC_INVARIANT
 * (POISON); the rest -> RC_BUG. A connection lost in COMMIT has an unknown outcome: RC_DB_UNAVAILABLE, and the offset
 * row tells. */
#ifndef DB_DB_H
#define DB_DB_H

#include <libpq-fe.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/date.h"
#include "base/error.h"
#include "base/time.h"
#include "base/uuid.h"
#include "db/statement.h"

struct db;

struct db_options {
  const char *url;              /* libpq URI or conninfo */
  const char *application_name; /* process and instance */
  int statement_timeout_ms;     /* 0: 60,000 */
  /* lists that end with NULL; prepared on each (re)connect. At most DB_LISTS_MAX of them. */
  const struct statement *const *const *statements;
  bool api_role; /* refuse a role that is superuser, owns a table or bypasses row-level security */
};
enum { DB_LISTS_MAX = 4 };

/* RC_INVALID_SETTING naming DATABASE_URL when it is none that libpq could read: no later attempt would go better. */
MUST_CHECK enum rc db_check_url(const char *url, struct error *err);
/* Does not connect yet. */
struct db *db_new(const struct db_options *options);
void db_free(struct db *db);
/* Connects when there is no (healthy) connection: RC_DB_UNAVAILABLE; RC_BUG naming the statement that does not prepare.
 */
MUST_CHECK enum rc db_connect(struct db *db, struct error *err);
bool db_is_connected(const struct db *db);

/* While a thread waits for an answer, `step` is called again and again, until it returns false: there is no more to do.
 * It must leave this connection alone. NULL: nothing, as at first. */
void db_while_waiting(struct db *db, bool (*step)(void *context), void *context);

struct tx {
  struct db *db;
  bool open;
  const struct statement *sent; /* its answer is not received yet */
  int64_t written;              /* rows inserted, updated or deleted so far */
};

/* Begin connects when needed. A worker's transaction sees all tenants, the API's the one that it names. READ COMMITTED.
 */
MUST_CHECK enum rc tx_begin(struct db *db, struct tx *tx, struct error *err);
MUST_CHECK enum rc tx_begin_tenant(struct db *db, const struct uuid *tenant, struct tx *tx, struct error *err);
MUST_CHECK enum rc tx_commit(struct tx *tx, struct error *err);
void tx_release(struct tx *tx); /* rolls back what is open */
void db_result_release(PGresult **result);

/* Parameters are texts in order, NULL is SQL's NULL; PARAMS counts them. ret_result may be NULL when rows do not
 * matter. */
#define PARAMS(...) \
  (const char *const[]){__VA_ARGS__}, (int)(sizeof((const char *const[]){__VA_ARGS__}) / sizeof(const char *))
#define NO_PARAMS NULL, 0
MUST_CHECK enum rc tx_exec(struct tx *tx, const struct statement *statement, const char *const *params, int count,
                           PGresult **ret_result, struct error *err);
/* The same in two: between them PostgreSQL works, and so does the caller, who asks nothing else meanwhile. What the
 * statement met is told by tx_receive; tx_send fails with RC_DB_UNAVAILABLE when it could not be sent: nothing is to be
 * received then. */
MUST_CHECK enum rc tx_send(struct tx *tx, const struct statement *statement, const char *const *params, int count,
                           struct error *err);
MUST_CHECK enum rc tx_receive(struct tx *tx, PGresult **ret_result, struct error *err);
/* Unprepared text without parameters, possibly several statements: migrations only. */
MUST_CHECK enum rc tx_exec_text(struct tx *tx, const char *sql, struct error *err);

/* Parameters as text, in the arena. */
const char *db_uuid(struct arena *arena, const struct uuid *id); /* NULL gives NULL */
const char *db_int(struct arena *arena, int64_t value);
const char *db_bool(bool value);
const char *db_utime(struct arena *arena, struct utime t);
const char *db_date(struct arena *arena, struct date date);
const char *db_bytea(struct arena *arena, const void *bytes, size_t length);

/* An array, for unnest: elements of one kind, beside NULLs. Grows in the arena. Where the statement has arrays of
 * another type than the elements' (ids as text, bigint for integer), they are converted. */
struct db_array;
struct db_array *db_array_new(struct arena *arena);
void db_array_text(struct db_array *array, const char *text); /* NULL adds NULL */
void db_array_bytes(struct db_array *array, const void *bytes, size_t length);
void db_array_uuid(struct db_array *array, const struct uuid *id);
void db_array_int(struct db_array *array, int64_t value);
void db_array_bool(struct db_array *array, bool value);
void db_array_utime(struct db_array *array, struct utime t);
void db_array_date(struct db_array *array, struct date date);
size_t db_array_count(const struct db_array *array);
/* What a parameter of an array type must be, and only such a one: it is no text. Nothing may be added any more. */
const char *db_array_literal(struct db_array *array);

/* Reading results. They assert that the value is there and is what the statement promises; *_or for what may be NULL.
 */
int row_count(const PGresult *result);
bool row_is_null(const PGresult *result, int row, int column);
const char *row_text(const PGresult *result, int row, int column); /* NULL gives NULL */
/* The same, copied: it outlives the result. */
const char *row_text_copy(struct arena *arena, const PGresult *result, int row, int column);
int64_t row_int(const PGresult *result, int row, int column);
bool row_bool(const PGresult *result, int row, int column);
struct uuid row_uuid(const PGresult *result, int row, int column);
struct utime row_utime(const PGresult *result, int row, int column);
struct date row_date(const PGresult *result, int row, int column);

#endif
