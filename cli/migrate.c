/* cloudbill migrate: roles and schema, the numbered files of schemas/db that the database lacks, each in a transaction
 * of its own under a lock that lets one migration run at a time, and Kafka's topics. Running it again changes nothing.
 */
#include <string.h>

#include "base/digest.h"
#include "bus/bus.h"
#include "cli.h"
#include "db/db.h"
#include "migrations.h"

enum { STATEMENT_TIMEOUT_MS = 600000 };

/* As the database's owner or superuser. Roles belong to the cluster, so another database may have made them. */
static const char prepare_sql[] =
    "SELECT pg_advisory_xact_lock(7205759403792794);"
    "DO $$ DECLARE r record; BEGIN"
    "  FOR r IN SELECT * FROM (VALUES ('cloudbill_owner', 'NOLOGIN'), ('cloudbill_identity', 'NOLOGIN'),"
    "                                 ('cloudbill_api', 'LOGIN'), ('cloudbill_worker', 'LOGIN')) AS v (name, kind) LOOP"
    "    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = r.name) THEN"
    "      EXECUTE format('CREATE ROLE %I %s NOSUPERUSER NOBYPASSRLS', r.name, r.kind);"
    "    END IF;"
    "  END LOOP;"
    "  EXECUTE format('ALTER DATABASE %I SET search_path = cloudbill', current_database());"
    "END $$;"
    "GRANT cloudbill_identity TO cloudbill_owner;"
    "GRANT cloudbill_owner TO CURRENT_USER;"
    "CREATE SCHEMA IF NOT EXISTS cloudbill AUTHORIZATION cloudbill_owner;"
    "GRANT USAGE ON SCHEMA cloudbill TO cloudbill_api, cloudbill_worker, cloudbill_identity;"
    "GRANT CREATE ON SCHEMA cloudbill TO cloudbill_identity;"
    "SET LOCAL ROLE cloudbill_owner;"
    "CREATE TABLE IF NOT EXISTS schema_migrations (name text PRIMARY KEY, sha256 text NOT NULL,"
    "                                              applied_at timestamptz NOT NULL DEFAULT now());";

static const struct statement find_migration = {"find_migration",
                                                "SELECT sha256 FROM schema_migrations WHERE name = $1"};
static const struct statement note_migration = {"note_migration",
                                                "INSERT INTO schema_migrations (name, sha256) VALUES ($1, $2)"};
static const struct statement *const bookkeeping[] = {&find_migration, &note_migration, NULL};
static const struct statement *const *const lists[] = {bookkeeping, NULL};

static enum rc prepare_database(const char *url, struct error *err) {
  struct db_options options = {.url = url, .application_name = "cloudbill-migrate"};
  struct db *db = db_new(&options);
  struct tx tx = {0};
  enum rc rc = tx_begin(db, &tx, err);
  if (rc == RC_OK) rc = tx_exec_text(&tx, prepare_sql, err);
  if (rc == RC_OK) rc = tx_commit(&tx, err);
  tx_release(&tx);
  db_free(db);
  return rc;
}

/* A file that was applied and has been changed since is refused: what runs would not be what is written. */
static enum rc apply(struct db *db, const struct statement *migration, bool *ret_applied, struct error *err) {
  const char *name = migration->name + strlen("migrations_");
  char sha[SHA256_HEX_MAX];
  sha256_hex(migration->text, strlen(migration->text), sha);
  struct tx CLEANUP(tx_release) tx = {0};
  PGresult CLEANUP(db_result_release) *found = NULL;
  TRY(tx_begin(db, &tx, err));
  TRY(tx_exec_text(&tx, "SELECT pg_advisory_xact_lock(7205759403792794); SET LOCAL ROLE cloudbill_owner", err));
  TRY(tx_exec(&tx, &find_migration, PARAMS(name), &found, err));
  if (row_count(found) == 1) {
    if (strcmp(row_text(found, 0, 0), sha) == 0) return RC_OK;
    return error_field(err, RC_BUG, name, "was applied in another form: write a new migration instead");
  }
  TRY(tx_exec_text(&tx, migration->text, err));
  TRY(tx_exec(&tx, &note_migration, PARAMS(name, sha), NULL, err));
  TRY(tx_commit(&tx, err));
  printf("applied %s\n", name);
  *ret_applied = true;
  return RC_OK;
}

static enum rc migrate_database(const char *url, struct error *err) {
  TRY(prepare_database(url, err));
  struct db_options options = {.url = url,
                               .application_name = "cloudbill-migrate",
                               .statements = lists,
                               .statement_timeout_ms = STATEMENT_TIMEOUT_MS};
  struct db *db = db_new(&options);
  enum rc rc = RC_OK;
  bool applied = false;
  for (const struct statement *const *m = migrations_statements; rc == RC_OK && *m; m++)
    rc = apply(db, *m, &applied, err);
  db_free(db);
  if (rc == RC_OK && !applied) printf("the database is up to date\n");
  return rc;
}

int command_migrate(int argc, char **argv) {
  const char *url = environment("DATABASE_ADMIN_URL"), *brokers = environment("KAFKA_BROKERS");
  if (!url || !brokers) return 2;
  long partitions = strtol(option(argc, argv, "--partitions", "6"), NULL, 10);
  long replication = strtol(option(argc, argv, "--replication", "1"), NULL, 10);
  if (partitions < 1 || partitions > 1000 || replication < 1 || replication > 10) {
    fprintf(stderr, "cloudbill: --partitions: 1 to 1000; --replication: 1 to 10\n");
    return 2;
  }
  struct error err;
  size_t created = 0;
  enum rc rc = migrate_database(url, &err);
  if (rc == RC_OK) rc = bus_create_topics(brokers, (int)partitions, (int)replication, &created, &err);
  if (rc != RC_OK) {
    fprintf(stderr, "cloudbill: migrate: %s%s%s\n", err.field, *err.field ? ": " : "", err.text);
    return 1;
  }
  printf("%zu topics created\n", created);
  return 0;
}
