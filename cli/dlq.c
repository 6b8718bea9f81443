/* cloudbill dlq: what lies in the dead letters, of one tenant or of all, including messages whose tenant is unknown. */
#include <string.h>

#include "cli.h"
#include "db/db.h"
#include "sql.h"

static const struct statement *const *const lists[] = {sql_statements, NULL};

static enum rc list(struct tx *tx, const char *tenant, struct error *err) {
  PGresult CLEANUP(db_result_release) *rows = NULL;
  TRY(tx_exec(tx, &sql_dead_letters, PARAMS(tenant), &rows, err));
  for (int r = 0; r < row_count(rows); r++) {
    for (int c = 0; c < 7; c++) printf("%s  ", row_text(rows, r, c));
    printf("%s\n", row_text(rows, r, 7));
  }
  printf("%d dead letters\n", row_count(rows));
  return RC_OK;
}

static enum rc show(struct tx *tx, const char *id, struct error *err) {
  struct uuid parsed;
  if (!uuid_parse(id, &parsed)) return error_field(err, RC_VALIDATION, "ID", "is not a UUID");
  PGresult CLEANUP(db_result_release) *rows = NULL;
  TRY(tx_exec(tx, &sql_dead_letter, PARAMS(id), &rows, err));
  if (row_count(rows) == 0) return error_set(err, RC_NOT_FOUND, "no dead letter %s", id);
  for (int c = 0; c < 3; c++) printf("%s\n", row_text(rows, 0, c));
  return RC_OK;
}

int command_dlq(int argc, char **argv) {
  const char *url = environment("DATABASE_ADMIN_URL"), *tenant = option(argc, argv, "--tenant", NULL);
  if (!url) return 2;
  struct db_options options = {.url = url, .application_name = "cloudbill-cli", .statements = lists};
  struct db *db = db_new(&options);
  struct error err;
  struct tx tx = {0};
  enum rc rc = tx_begin(db, &tx, &err);
  if (rc == RC_OK) {
    if (argc >= 2 && strcmp(argv[0], "show") == 0)
      rc = show(&tx, argv[1], &err);
    else if (argc >= 1 && strcmp(argv[0], "list") == 0)
      rc = list(&tx, tenant, &err);
    else
      rc = error_set(&err, RC_VALIDATION, "say list [--tenant ID] or show ID");
  }
  tx_release(&tx);
  db_free(db);
  if (rc != RC_OK) fprintf(stderr, "cloudbill: dlq: %s\n", err.text);
  return rc == RC_OK ? 0 : error_verdict(rc) == VERDICT_REJECT ? 2 : 1;
}
