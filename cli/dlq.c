/* cloudbill dlq: what lies in the dead letters, of one tenant or of all, including messages whose tenant is unknown;
 * and what is to become of one. */
#include <string.h>

#include "cli.h"
#include "db/db.h"
#include "decide.h"
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

static enum rc look_at(struct db *db, int argc, char **argv, struct error *err) {
  struct tx CLEANUP(tx_release) tx = {0};
  TRY(tx_begin(db, &tx, err));
  if (argc >= 2 && strcmp(argv[0], "show") == 0) return show(&tx, argv[1], err);
  return list(&tx, option(argc, argv, "--tenant", NULL), err);
}

static enum rc run(struct db *db, int argc, char **argv, struct error *err) {
  const char *verb = argc >= 1 ? argv[0] : "";
  bool needs_id = strcmp(verb, "show") == 0 || strcmp(verb, "replay") == 0 || strcmp(verb, "drop") == 0;
  if ((!needs_id && strcmp(verb, "list") != 0) || (needs_id && argc < 2))
    return error_set(err, RC_VALIDATION, "say list [--tenant ID], show ID, replay ID or drop ID");
  if (strcmp(verb, "list") == 0 || strcmp(verb, "show") == 0) return look_at(db, argc, argv, err);
  TRY(decide_dead_letter(db, verb, argv[1], err));
  printf("%s\n", strcmp(verb, "drop") == 0 ? "dropped" : "replayed");
  return RC_OK;
}

int command_dlq(int argc, char **argv) {
  const char *url = environment("DATABASE_ADMIN_URL");
  if (!url) return 2;
  struct db_options options = {.url = url, .application_name = "cloudbill-cli", .statements = lists};
  struct db *db = db_new(&options);
  struct error err;
  enum rc rc = run(db, argc, argv, &err);
  db_free(db);
  if (rc != RC_OK) fprintf(stderr, "cloudbill: dlq: %s\n", err.text);
  return rc == RC_OK ? 0 : error_verdict(rc) == VERDICT_REJECT ? 2 : 1;
}
