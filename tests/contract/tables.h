/* The database's tables, as its catalogue knows them. */
#ifndef CONTRACT_TABLES_H
#define CONTRACT_TABLES_H

#include "harness/harness.h"

/* Tables of the machinery: their rows belong to no tenant, and the API sees none of them but the heartbeats. */
#define MACHINERY "'consumer_offsets', 'outbox', 'worker_heartbeats', 'schema_migrations'"
#define TABLES                                                                                  \
  "SELECT c.oid, c.relname::text AS name, c.relrowsecurity, c.relforcerowsecurity, c.relowner " \
  "FROM pg_class c WHERE c.relnamespace = 'cloudbill'::regnamespace AND c.relkind IN ('r', 'p') "

/* Fails for each row; its first column says what is wrong. */
static inline void expect_none(const char *what, const char *sql) {
  const json_t *rows = sql_rows(NULL, NULL, sql);
  size_t index;
  const json_t *row;
  json_array_foreach(rows, index, row) cr_expect_fail("%s: %s", what, json_at(row, "0"));
}

#endif
