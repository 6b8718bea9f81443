/* Looks into the database behind everybody's back. */
#include <libpq-fe.h>

#include "harness.h"

/* A server that was restarted has said so and closed: read before anything is asked, so that no question is lost. */
static bool is_alive(PGconn *shared) {
  bool hears = PQconsumeInput(shared) != 0; /* once for what it said, once for that it closed */
  hears = hears && PQconsumeInput(shared) != 0;
  return hears && PQstatus(shared) == CONNECTION_OK;
}

static PGconn *connection(void) {
  static PGconn *shared;
  if (shared && !is_alive(shared)) {
    PQfinish(shared);
    shared = NULL;
  }
  if (!shared) {
    shared = PQconnectdb(setting("DATABASE_ADMIN_URL"));
    cr_assert_eq(PQstatus(shared), CONNECTION_OK, "PostgreSQL: %s", PQerrorMessage(shared));
    PQclear(PQexec(shared, "SET search_path = cloudbill, public; SET timezone = 'UTC'"));
  }
  return shared;
}

static PGresult *run(const struct tenant *tenant, const char *sql) {
  PGresult *result =
      tenant ? PQexecParams(connection(), sql, 1, NULL, &tenant->id, NULL, NULL, 0) : PQexec(connection(), sql);
  ExecStatusType status = PQresultStatus(result);
  cr_assert(status == PGRES_TUPLES_OK || status == PGRES_COMMAND_OK, "%s: %s", sql, PQresultErrorMessage(result));
  return result;
}

const char *sql_text(const struct tenant *tenant, const char *sql) {
  PGresult *result = run(tenant, sql);
  bool is_there = PQntuples(result) > 0 && !PQgetisnull(result, 0, 0);
  const char *text = is_there ? keep_text("%s", PQgetvalue(result, 0, 0)) : NULL;
  PQclear(result);
  return text;
}

int64_t sql_int(const struct tenant *tenant, const char *sql) {
  const char *text = sql_text(tenant, sql);
  cr_assert_not_null(text, "no row: %s", sql);
  return strtoll(text, NULL, 10);
}

void sql_do(const struct tenant *tenant, const char *sql) {
  PQclear(run(tenant, sql));
}

static json_t *rows_of(PGresult *result) {
  json_t *rows = json_array();
  for (int row = 0; row < PQntuples(result); row++) {
    json_t *columns = json_array();
    for (int column = 0; column < PQnfields(result); column++)
      json_array_append_new(columns, PQgetisnull(result, row, column) ? json_null()
                                                                      : json_string(PQgetvalue(result, row, column)));
    json_array_append_new(rows, columns);
  }
  return keep_json(rows);
}

static void become(const struct tenant *tenant, const char *role) {
  sql_do(NULL, "BEGIN");
  sql_do(NULL, keep_text("SET LOCAL ROLE %s; SET LOCAL app.tenant_id = '%s'", role, tenant ? tenant->id : ""));
}

const json_t *sql_rows(const struct tenant *tenant, const char *role, const char *sql) {
  if (role) become(tenant, role);
  PGresult *result = role ? run(NULL, sql) : run(tenant, sql);
  json_t *rows = rows_of(result);
  PQclear(result);
  if (role) sql_do(NULL, "ROLLBACK");
  return rows;
}

const char *sql_state(const struct tenant *tenant, const char *role, const char *sql) {
  become(tenant, role);
  PGresult *result = PQexec(connection(), sql);
  const char *state = PQresultErrorField(result, PG_DIAG_SQLSTATE);
  const char *kept = keep_text("%s", state ? state : "00000");
  PQclear(result);
  sql_do(NULL, "ROLLBACK");
  return kept;
}

/* -- all of a tenant -- */

const char *fingerprint(const struct tenant *tenant) {
  const json_t *tables = sql_rows(NULL, NULL,
                                  "SELECT table_name FROM information_schema.columns JOIN information_schema.tables "
                                  "USING (table_schema, table_name) WHERE table_schema = 'cloudbill' "
                                  "AND table_type = 'BASE TABLE' AND column_name = 'tenant_id' ORDER BY 1");
  const char *text = "";
  size_t index;
  const json_t *row;
  json_array_foreach(tables, index, row) {
    const char *sql = keep_text("SELECT concat(count(*), ' ', md5(string_agg(t::text, ';' ORDER BY t::text))) "
                                "FROM %s t WHERE tenant_id = $1",
                                json_at(row, "0"));
    text = keep_text("%s%s %s\n", text, json_at(row, "0"), sql_text(tenant, sql));
  }
  return text;
}

/* -- sessions that hold something -- */

PGconn *hold(const char *sql) {
  PGconn *holder = PQconnectdb(setting("DATABASE_ADMIN_URL"));
  PQclear(PQexec(holder, "SET search_path = cloudbill, public; BEGIN"));
  PGresult *result = PQexec(holder, sql);
  cr_assert_eq(*PQresultErrorMessage(result), '\0', "%s: %s", sql, PQresultErrorMessage(result));
  PQclear(result);
  return holder;
}

void let_go(PGconn *holder) {
  PGresult *result = PQexec(holder, "COMMIT");
  cr_assert_eq(*PQresultErrorMessage(result), '\0', "%s", PQresultErrorMessage(result));
  PQclear(result);
  PQfinish(holder);
}

void undo(PGconn *holder) {
  PQclear(PQexec(holder, "ROLLBACK"));
  PQfinish(holder);
}

int64_t waiting_for(PGconn *holder) {
  return sql_int(NULL, keep_text("SELECT count(*) FROM pg_stat_activity WHERE %d = ANY (pg_blocking_pids(pid))",
                                 PQbackendPID(holder)));
}
