/* Connections and transactions. A connection that fails is dropped and opened again by the next begin; nobody above
 * sees more of it than RC_DB_UNAVAILABLE. What went wrong is read from SQLSTATE by the table below, never from the
 * text. */
#include "db/db.h"

#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "db/array.h"

enum { CONNECT_TIMEOUT_S = 5, STATEMENT_TIMEOUT_MS = 60000, LOCK_TIMEOUT_MS = 20000, IDLE_IN_TX_TIMEOUT_MS = 60000 };
enum { DB_PARAMS_MAX = 40, PLANS_AGE_MIN_MS = 1000, PLANS_AGE_MAX_MS = 60000, PLANS_ROWS_MIN = 1000 };

/* Which parameters of a prepared statement are arrays, and of what; 0: none. */
struct prepared {
  const struct statement *statement;
  int count;
  Oid elements[DB_PARAMS_MAX];
};

struct db {
  struct db_options options;
  PGconn *connection;
  struct prepared *prepared;
  size_t prepared_count;
  struct mono connected_at, planned_at;
  int64_t written, planned_written; /* rows, by committed transactions; how many these were when plans were made */
  bool (*step)(void *context);      /* while waiting */
  void *step_context;
};

/* The first row whose prefix fits decides. */
static const struct {
  const char *prefix;
  enum rc code;
} sqlstates[] = {
    {"CB001", RC_IMMUTABLE},      /* ours: schemas/db */
    {"CB002", RC_INVARIANT},      /* ours: the ledger */
    {"40", RC_DB_CONFLICT},       /* serialization failure, deadlock */
    {"55P03", RC_DB_CONFLICT},    /* lock not available in time */
    {"57014", RC_DB_UNAVAILABLE}, /* statement timeout */
    {"57", RC_DB_UNAVAILABLE},    /* shutdown, crash, cannot connect now */
    {"53", RC_DB_UNAVAILABLE},    /* disk full, out of memory, too many connections */
    {"58", RC_DB_UNAVAILABLE},    /* the system below PostgreSQL */
    {"08", RC_DB_UNAVAILABLE},    /* connection */
    {"25P03", RC_DB_UNAVAILABLE}, /* idle in transaction timeout */
    {"25006", RC_DB_UNAVAILABLE}, /* read only: we are at a standby that was not promoted yet */
    {"XX", RC_DB_UNAVAILABLE},    /* PostgreSQL's own: a PANIC on a full disk ends here, too */
    {"22", RC_INVARIANT},         /* a value that does not fit */
    {"23", RC_CONSTRAINT},
};

static enum rc code_of_sqlstate(const char *sqlstate) {
  for (size_t i = 0; i < sizeof sqlstates / sizeof sqlstates[0]; i++)
    if (strncmp(sqlstate, sqlstates[i].prefix, strlen(sqlstates[i].prefix)) == 0) return sqlstates[i].code;
  return RC_BUG;
}

static int text_length_of_line(const char *text) {
  return (int)strcspn(text, "\n");
}

static enum rc connection_lost(struct db *db, struct error *err) {
  const char *why = db->connection ? PQerrorMessage(db->connection) : "no memory";
  enum rc rc = error_set(err, RC_DB_UNAVAILABLE, "PostgreSQL: %.*s", text_length_of_line(why), why);
  PQfinish(db->connection);
  db->connection = NULL;
  return rc;
}

static enum rc failed(struct db *db, const PGresult *result, const char *what, struct error *err) {
  if (PQstatus(db->connection) == CONNECTION_BAD) return connection_lost(db, err);
  const char *sqlstate = PQresultErrorField(result, PG_DIAG_SQLSTATE);
  if (!sqlstate) return connection_lost(db, err);
  const char *constraint = PQresultErrorField(result, PG_DIAG_CONSTRAINT_NAME);
  const char *message = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
  return error_field(err, code_of_sqlstate(sqlstate), constraint ? constraint : "", "%s: %s (%s)", what,
                     message ? message : "", sqlstate);
}

/* libpq's words quote the URL, which may hold a password: they are not repeated. */
enum rc db_check_url(const char *url, struct error *err) {
  PQconninfoOption *options = PQconninfoParse(url, NULL);
  bool is_understood = options != NULL;
  PQconninfoFree(options);
  if (is_understood) return RC_OK;
  return error_field(err, RC_INVALID_SETTING, "DATABASE_URL", "DATABASE_URL must be a libpq URI or conninfo string");
}

struct db *db_new(const struct db_options *options) {
  struct db *db = calloc(1, sizeof *db);
  ASSERT(db);
  db->options = *options;
  return db;
}

void db_free(struct db *db) {
  if (!db) return;
  PQfinish(db->connection);
  free(db->prepared);
  free(db);
}

void db_while_waiting(struct db *db, bool (*step)(void *context), void *context) {
  db->step = step;
  db->step_context = context;
}

bool db_is_connected(const struct db *db) {
  return db->connection && PQstatus(db->connection) == CONNECTION_OK;
}

void db_result_release(PGresult **result) {
  PQclear(*result);
  *result = NULL;
}

/* A statement without parameters outside of the prepared ones: session control. */
static enum rc run(struct db *db, const char *sql, struct error *err) {
  PGresult CLEANUP(db_result_release) *result = PQexec(db->connection, sql);
  ExecStatusType status = PQresultStatus(result);
  if (status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK) return RC_OK;
  return failed(db, result, sql, err);
}

static size_t count_statements(const struct db_options *options) {
  size_t count = 0;
  for (size_t list = 0; options->statements && options->statements[list]; list++)
    for (const struct statement *const *s = options->statements[list]; *s; s++) count++;
  return count;
}

static enum rc prepare(struct db *db, const struct statement *statement, struct error *err) {
  PGresult CLEANUP(db_result_release) *result = PQprepare(db->connection, statement->name, statement->text, 0, NULL);
  if (PQresultStatus(result) != PGRES_COMMAND_OK) return failed(db, result, statement->name, err);
  PGresult CLEANUP(db_result_release) *described = PQdescribePrepared(db->connection, statement->name);
  if (PQresultStatus(described) != PGRES_COMMAND_OK) return failed(db, described, statement->name, err);
  struct prepared prepared = {.statement = statement, .count = PQnparams(described)};
  ASSERT(prepared.count <= DB_PARAMS_MAX);
  for (int i = 0; i < prepared.count; i++) prepared.elements[i] = db_array_element(PQparamtype(described, i));
  db->prepared[db->prepared_count++] = prepared;
  return RC_OK;
}

static enum rc prepare_all(struct db *db, struct error *err) {
  if (!db->prepared) db->prepared = calloc(count_statements(&db->options) + 1, sizeof *db->prepared);
  ASSERT(db->prepared);
  db->prepared_count = 0;
  for (size_t list = 0; db->options.statements && db->options.statements[list]; list++) {
    ASSERT(list < DB_LISTS_MAX);
    for (const struct statement *const *s = db->options.statements[list]; *s; s++) TRY(prepare(db, *s, err));
  }
  return RC_OK;
}

/* The API must not be able to see past row-level security, whatever somebody configured. */
static enum rc check_role(struct db *db, struct error *err) {
  static const char sql[] =
      "SELECT r.rolsuper OR r.rolbypassrls OR EXISTS (SELECT FROM pg_class c WHERE c.relowner = r.oid)"
      " FROM pg_roles r WHERE r.rolname = current_user";
  PGresult CLEANUP(db_result_release) *result = PQexec(db->connection, sql);
  if (PQresultStatus(result) != PGRES_TUPLES_OK) return failed(db, result, "role check", err);
  if (row_count(result) == 1 && !row_bool(result, 0, 0)) return RC_OK;
  return error_field(err, RC_INVALID_SETTING, "DATABASE_URL",
                     "the API's role is a superuser, owns tables or bypasses row-level security");
}

static PGconn *open_connection(const struct db_options *options) {
  int statement_timeout_ms = options->statement_timeout_ms > 0 ? options->statement_timeout_ms : STATEMENT_TIMEOUT_MS;
  char settings[512];
  snprintf(settings, sizeof settings,
           "-c statement_timeout=%d -c lock_timeout=%d -c idle_in_transaction_session_timeout=%d -c TimeZone=UTC"
           " -c DateStyle=ISO -c bytea_output=hex -c search_path=cloudbill -c client_min_messages=warning -c jit=off%s",
           statement_timeout_ms, LOCK_TIMEOUT_MS, IDLE_IN_TX_TIMEOUT_MS,
           /* A worker's statements go by keys, whatever the parameters: planned once (but see begin_worker). Where
            * nothing is analysed yet, a table looks small enough to be read whole. */
           options->api_role ? ""
                             : " -c enable_seqscan=off -c enable_memoize=off -c plan_cache_mode=force_generic_plan");
  char connect_timeout[16];
  snprintf(connect_timeout, sizeof connect_timeout, "%d", CONNECT_TIMEOUT_S);
  const char *keys[] = {"dbname",           "connect_timeout",     "tcp_user_timeout",
                        "keepalives_idle",  "keepalives_interval", "options",
                        "application_name", "client_encoding",     NULL};
  const char *values[] = {options->url, connect_timeout,           "20000", "10", "5",
                          settings,     options->application_name, "UTF8",  NULL};
  return PQconnectdbParams(keys, values, 1);
}

enum rc db_connect(struct db *db, struct error *err) {
  if (db_is_connected(db)) return RC_OK;
  PQfinish(db->connection);
  db->connection = open_connection(&db->options);
  if (!db->connection || PQstatus(db->connection) != CONNECTION_OK) return connection_lost(db, err);
  enum rc rc = prepare_all(db, err);
  if (rc == RC_OK && db->options.api_role) rc = check_role(db, err);
  db->connected_at = db->planned_at = mono_now();
  db->written = db->planned_written = 0;
  if (rc != RC_OK) { /* half a session is none */
    PQfinish(db->connection);
    db->connection = NULL;
  }
  return rc;
}

/* A connection that lay idle while the server was started anew is found dead by its first statement. Nothing has been
 * done yet: another one, once. */
static enum rc begin(struct db *db, const char *sql, struct error *err) {
  bool was_idle = db_is_connected(db);
  TRY(db_connect(db, err));
  enum rc rc = run(db, sql, err);
  if (rc != RC_DB_UNAVAILABLE || !was_idle || db->connection) return rc;
  TRY(db_connect(db, err));
  return run(db, sql, err);
}

static bool plans_are_old(const struct db *db) {
  int64_t limit_ms = (db->planned_at.ns - db->connected_at.ns) / 1000000;
  if (limit_ms < PLANS_AGE_MIN_MS) limit_ms = PLANS_AGE_MIN_MS;
  if (limit_ms > PLANS_AGE_MAX_MS) limit_ms = PLANS_AGE_MAX_MS;
  return mono_ms_since(db->planned_at) >= limit_ms || db->written >= 2 * db->planned_written + PLANS_ROWS_MIN;
}

/* Plans are thrown away when they are as old as the connection was when they were made, a minute at most, and when as
 * many rows were written since as before: those that were made on empty tables, where one index seems as good as
 * another, must not outlive them. */
static enum rc begin_worker(struct db *db, struct error *err) {
  if (!plans_are_old(db)) return begin(db, "BEGIN", err);
  db->planned_at = mono_now();
  db->planned_written = db->written;
  return begin(db, "DISCARD PLANS; BEGIN", err);
}

enum rc tx_begin(struct db *db, struct tx *tx, struct error *err) {
  ASSERT(!tx->open);
  TRY(begin_worker(db, err));
  *tx = (struct tx){.db = db, .open = true};
  return RC_OK;
}

enum rc tx_begin_tenant(struct db *db, const struct uuid *tenant, struct tx *tx, struct error *err) {
  ASSERT(!tx->open);
  char sql[128], text[UUID_TEXT_MAX];
  snprintf(sql, sizeof sql, "BEGIN; SELECT set_config('app.tenant_id', '%s', true)", uuid_format(tenant, text));
  TRY(begin(db, sql, err));
  *tx = (struct tx){.db = db, .open = true};
  return RC_OK;
}

enum rc tx_commit(struct tx *tx, struct error *err) {
  ASSERT(tx->open && !tx->sent);
  PGresult CLEANUP(db_result_release) *result = PQexec(tx->db->connection, "COMMIT");
  tx->open = false;
  if (PQresultStatus(result) != PGRES_COMMAND_OK) return failed(tx->db, result, "COMMIT", err);
  /* A transaction that had failed before answers COMMIT with ROLLBACK and no error. */
  if (strcmp(PQcmdStatus(result), "COMMIT") == 0) {
    tx->db->written += tx->written;
    return RC_OK;
  }
  return error_set(err, RC_BUG, "COMMIT of a transaction that had failed");
}

void tx_release(struct tx *tx) {
  if (!tx->open) return;
  tx->open = false;
  tx->sent = NULL; /* libpq passes over the answer */
  if (!db_is_connected(tx->db)) return;
  PGresult CLEANUP(db_result_release) *result = PQexec(tx->db->connection, "ROLLBACK");
  if (PQresultStatus(result) == PGRES_COMMAND_OK) return;
  PQfinish(tx->db->connection); /* closing rolls back, too */
  tx->db->connection = NULL;
}

static bool send_prepared(const struct db *db, const struct statement *statement, const char *const *params,
                          int count) {
  const struct prepared *prepared = db->prepared, *end = db->prepared + db->prepared_count;
  while (prepared < end && prepared->statement != statement) prepared++;
  ASSERT(prepared < end && prepared->count == count);
  const char *values[DB_PARAMS_MAX];
  int lengths[DB_PARAMS_MAX] = {0}, formats[DB_PARAMS_MAX] = {0};
  for (int i = 0; i < count; i++) {
    values[i] = params[i];
    if (prepared->elements[i] == 0 || !params[i]) continue;
    struct db_value value = db_array_value(params[i], prepared->elements[i]);
    values[i] = value.bytes;
    lengths[i] = value.length;
    formats[i] = value.is_binary;
  }
  return PQsendQueryPrepared(db->connection, statement->name, count, values, lengths, formats, 0) == 1;
}

enum rc tx_send(struct tx *tx, const struct statement *statement, const char *const *params, int count,
                struct error *err) {
  ASSERT(tx->open && !tx->sent);
  if (!tx->db->connection) return error_set(err, RC_DB_UNAVAILABLE, "PostgreSQL: the connection was lost");
  if (!send_prepared(tx->db, statement, params, count)) return failed(tx->db, NULL, statement->name, err);
  tx->sent = statement;
  return RC_OK;
}

/* One step, then a look whether the answer has come. What goes wrong here, PQgetResult tells. */
static void work_meanwhile(const struct db *db) {
  while (db->step && PQisBusy(db->connection) && db->step(db->step_context))
    if (!PQconsumeInput(db->connection)) return;
}

/* The last result counts, as with PQexec: a connection that breaks behind an answer has failed. */
static PGresult *await_result(const struct db *db) {
  PGresult *last = NULL;
  work_meanwhile(db);
  for (PGresult *result; (result = PQgetResult(db->connection)); last = result) PQclear(last);
  return last;
}

enum rc tx_receive(struct tx *tx, PGresult **ret_result, struct error *err) {
  ASSERT(tx->open && tx->sent);
  const struct statement *statement = tx->sent;
  PGresult CLEANUP(db_result_release) *result = await_result(tx->db);
  tx->sent = NULL;
  ExecStatusType status = PQresultStatus(result);
  if (status != PGRES_TUPLES_OK && status != PGRES_COMMAND_OK) return failed(tx->db, result, statement->name, err);
  if (strncmp(PQcmdStatus(result), "SELECT", 6) != 0) tx->written += strtoll(PQcmdTuples(result), NULL, 10);
  if (ret_result) {
    *ret_result = result;
    result = NULL;
  }
  return RC_OK;
}

enum rc tx_exec(struct tx *tx, const struct statement *statement, const char *const *params, int count,
                PGresult **ret_result, struct error *err) {
  TRY(tx_send(tx, statement, params, count, err));
  return tx_receive(tx, ret_result, err);
}

enum rc tx_exec_text(struct tx *tx, const char *sql, struct error *err) {
  ASSERT(tx->open && !tx->sent);
  return run(tx->db, sql, err);
}
