/* cloudbill tenant create: the first tenant of an installation, and any further one, with its administrator. */
#include <crypt.h>
#include <stdlib.h>
#include <string.h>

#include "base/email.h"
#include "base/money.h"
#include "base/text.h"
#include "base/zone.h"
#include "cli.h"
#include "db/db.h"
#include "sql.h"

enum { BCRYPT_COST = 10, ARENA_MAX = 1024 * 1024, PASSWORD_MAX_BYTES = 72 };

static const struct statement *const *const lists[] = {sql_statements, NULL};

static bool is_strong(const char *password) {
  size_t length = strlen(password);
  return length >= 8 && length <= PASSWORD_MAX_BYTES && strpbrk(password, "0123456789") &&
         strpbrk(password, "abcdefghijklmnopqrstuvwxyz") && strpbrk(password, "ABCDEFGHIJKLMNOPQRSTUVWXYZ");
}

/* "off", "hourly", or the hour of a day. */
static enum rc read_schedule(const char *text, bool *ret_enabled, const char **ret_hour, struct error *err) {
  char *end;
  long hour = strtol(text, &end, 10);
  *ret_enabled = strcmp(text, "off") != 0;
  *ret_hour = NULL;
  if (!*ret_enabled || strcmp(text, "hourly") == 0) return RC_OK;
  *ret_hour = text;
  if (*text >= '0' && *text <= '9' && *end == '\0' && hour <= 23) return RC_OK;
  return error_field(err, RC_VALIDATION, "--billing-schedule", "off, hourly, or an hour from 0 to 23");
}

static enum rc check(const char *name, const char *email, const char *password, const char *currency, const char *zone,
                     const char *mode, struct error *err) {
  const struct zone *found;
  if (!name || text_is_blank(name) || strlen(name) > 200)
    return error_field(err, RC_VALIDATION, "--name", "1 to 200 characters");
  TRY(email_check(email ? email : "", "--admin-email", err));
  if (!password || !is_strong(password))
    return error_field(err, RC_VALIDATION, "--admin-password",
                       "8 to 72 bytes with an upper case letter, a lower case letter and a digit");
  if (!currency_find(currency)) return error_field(err, RC_VALIDATION, "--currency", "is not in ISO 4217");
  if (strcmp(mode, "live") != 0 && strcmp(mode, "test") != 0)
    return error_field(err, RC_VALIDATION, "--mode", "live or test");
  return zone_find(zone, "--time-zone", &found, err);
}

/* bcrypt; the caller frees nothing: the result lives in the arena. */
static enum rc hash_password(struct arena *arena, const char *password, const char **ret_hash, struct error *err) {
  char salt[CRYPT_GENSALT_OUTPUT_SIZE];
  struct crypt_data *crypt = arena_alloc(arena, sizeof *crypt); /* 32 KiB: not for a stack */
  const char *hash = NULL;
  if (crypt_gensalt_rn("$2b$", BCRYPT_COST, NULL, 0, salt, sizeof salt)) hash = crypt_r(password, salt, crypt);
  if (!hash || *hash == '*') return error_set(err, RC_BUG, "the password cannot be hashed");
  *ret_hash = hash;
  return RC_OK;
}

static enum rc create(struct db *db, struct arena *arena, const char *const *fields, struct uuid *ret_tenant,
                      struct error *err) {
  struct uuid tenant = uuid_new(), user = uuid_new();
  const char *hash, *hour;
  bool is_scheduled;
  TRY(read_schedule(fields[6], &is_scheduled, &hour, err));
  TRY(hash_password(arena, fields[2], &hash, err));
  struct tx CLEANUP(tx_release) tx = {0};
  TRY(tx_begin(db, &tx, err));
  enum rc rc = tx_exec(&tx, &sql_tenant_insert,
                       PARAMS(db_uuid(arena, &tenant), fields[0], fields[3], fields[4], fields[5],
                              db_uuid(arena, &user), fields[1], hash, db_bool(is_scheduled), hour),
                       NULL, err);
  if (rc == RC_CONSTRAINT && strcmp(err->field, "users_email") == 0)
    return error_field(err, RC_CONFLICT, "--admin-email", "there is an account with this address");
  if (rc != RC_OK) return rc;
  TRY(tx_commit(&tx, err));
  *ret_tenant = tenant;
  return RC_OK;
}

int command_tenant_create(int argc, char **argv) {
  const char *url = environment("DATABASE_ADMIN_URL");
  if (!url) return 2;
  const char *fields[] = {option(argc, argv, "--name", NULL),
                          option(argc, argv, "--admin-email", NULL),
                          option(argc, argv, "--admin-password", NULL),
                          option(argc, argv, "--currency", "USD"),
                          option(argc, argv, "--time-zone", "UTC"),
                          option(argc, argv, "--mode", "live"),
                          option(argc, argv, "--billing-schedule", "hourly")};
  struct error err;
  struct arena arena;
  arena_init(&arena, ARENA_MAX);
  struct db_options options = {.url = url, .application_name = "cloudbill-cli", .statements = lists};
  struct db *db = db_new(&options);
  struct uuid tenant;
  enum rc rc = check(fields[0], fields[1], fields[2], fields[3], fields[4], fields[5], &err);
  if (rc == RC_OK) rc = create(db, &arena, fields, &tenant, &err);
  char text[UUID_TEXT_MAX];
  if (rc == RC_OK)
    printf("%s\n", uuid_format(&tenant, text));
  else
    fprintf(stderr, "cloudbill: tenant create: %s%s%s\n", err.field, *err.field ? ": " : "", err.text);
  db_free(db);
  arena_release(&arena);
  return rc == RC_OK ? 0 : error_verdict(rc) == VERDICT_REJECT ? 2 : 1;
}
