/* test-clock.create, .advance and .delete: clocks on which customers of a tenant in test mode live. An advance only
 * says where to; the way there is test_clock.c's. */
#include <string.h>

#include "base/buf.h"
#include "handlers.h"
#include "sql.h"

/* Times that have four digits for the year wherever they are written, with room for a period after them. */
static const char FIRST_TIME[] = "1970-01-01T00:00:00Z", LAST_TIME[] = "9000-01-01T00:00:00Z";

static enum rc read_time(json_t *body, const char *field, struct utime *ret_time, struct error *err) {
  const char *text;
  struct utime first = {0}, last = {0};
  TRY(body_text(body, field, &text, err));
  if (!text) return error_field(err, RC_VALIDATION, field, "is required");
  TRY(utime_parse(text, field, ret_time, err));
  TRY(utime_parse(FIRST_TIME, field, &first, err));
  TRY(utime_parse(LAST_TIME, field, &last, err));
  if (ret_time->us >= first.us && ret_time->us < last.us) return RC_OK;
  return error_field(err, RC_VALIDATION, field, "must be from %s to before %s", FIRST_TIME, LAST_TIME);
}

static enum rc answer(struct work *work, const struct message *command, int status, struct error *err) {
  PGresult CLEANUP(db_result_release) *resource = NULL;
  TRY(tx_exec(work->tx, &sql_test_clock_resource, PARAMS(db_uuid(work->arena, &command->tenant), command->subject),
              &resource, err));
  reply(work, command, status, "test-clock", command->subject, row_text(resource, 0, 0));
  return RC_OK;
}

void test_clock_emit(struct work *work, const struct uuid *tenant, const char *type, const char *id,
                     const struct utime *at, int64_t version, const struct message *cause) {
  char time[UTIME_TEXT_MAX];
  const char *frozen = at ? arena_printf(work->arena, "\"frozenTime\":\"%s\",", utime_format(*at, time)) : "";
  emit(work, &(struct emission){.type = type,
                                .id = UUID_DERIVE(type, id, db_int(work->arena, version)),
                                .tenant = *tenant,
                                .subject = id,
                                .key = id,
                                .json = arena_printf(work->arena, "{\"testClockId\":\"%s\",%s\"version\":%lld}", id,
                                                     frozen, (long long)version),
                                .cause = cause});
}

enum rc handle_test_clock_create(struct work *work, struct message *const *messages, size_t count, struct error *err) {
  (void)count;
  const struct message *command = messages[0];
  struct arena *arena = work->arena;
  const char *name;
  struct utime frozen = {0};
  TRY(body_text(command->json, "name", &name, err));
  if (!name || !*name) return error_field(err, RC_VALIDATION, "name", "is required");
  TRY(read_time(command->json, "frozenTime", &frozen, err));

  PGresult CLEANUP(db_result_release) *inserted = NULL;
  TRY(tx_exec(work->tx, &sql_test_clock_insert,
              PARAMS(db_uuid(arena, &command->tenant), command->subject, name, db_utime(arena, frozen),
                     db_utime(arena, work->now)),
              &inserted, err));
  if (row_count(inserted) == 0) return error_set(err, RC_CONFLICT, "only a tenant in test mode has test clocks");
  test_clock_emit(work, &command->tenant, "test-clock.created", command->subject, &frozen, 1, command);
  return answer(work, command, 201, err);
}

/* Locks the clock, which must stand still. */
static enum rc lock_ready(struct work *work, const struct message *command, struct utime *ret_now, int64_t *ret_version,
                          struct error *err) {
  PGresult CLEANUP(db_result_release) *row = NULL;
  TRY(tx_exec(work->tx, &sql_test_clock_lock, PARAMS(db_uuid(work->arena, &command->tenant), command->subject), &row,
              err));
  if (row_count(row) == 0) return error_set(err, RC_NOT_FOUND, "there is no test clock %s", command->subject);
  *ret_version = row_int(row, 0, 2);
  TRY(message_expect_version(command, *ret_version, err));
  *ret_now = row_utime(row, 0, 1);
  if (strcmp(row_text(row, 0, 0), "ready") == 0) return RC_OK;
  enum rc rc = error_set(err, RC_ILLEGAL_TRANSITION, "the clock is advancing: wait until it is ready");
  snprintf(err->details, sizeof err->details, "{\"allowed\":[]}");
  return rc;
}

enum rc handle_test_clock_advance(struct work *work, struct message *const *messages, size_t count, struct error *err) {
  (void)count;
  const struct message *command = messages[0];
  struct arena *arena = work->arena;
  struct utime to = {0}, now = {0};
  int64_t version = 0;
  TRY(read_time(command->json, "to", &to, err));
  TRY(lock_ready(work, command, &now, &version, err));
  if (to.us < now.us) return error_field(err, RC_CONFLICT, "to", "a clock never goes back");

  TRY(tx_exec(
      work->tx, &sql_test_clock_set_target,
      PARAMS(db_uuid(arena, &command->tenant), command->subject, db_utime(arena, to), db_utime(arena, work->real_now)),
      NULL, err));
  return answer(work, command, 200, err);
}

/* In the order of locks (ARCHITECTURE.md). */
static enum rc hold_customers(struct work *work, const struct message *command, struct error *err) {
  const char *params[] = {db_uuid(work->arena, &command->tenant), command->subject};
  TRY(tx_exec(work->tx, &sql_test_clock_customers_hold, params, 2, NULL, err));
  return tx_exec(work->tx, &sql_test_clock_billing_hold, params, 2, NULL, err);
}

enum rc handle_test_clock_delete(struct work *work, struct message *const *messages, size_t count, struct error *err) {
  (void)count;
  const struct message *command = messages[0];
  struct utime now = {0};
  int64_t version = 0;
  TRY(lock_ready(work, command, &now, &version, err));
  TRY(hold_customers(work, command, err));

  TRY(tx_exec(work->tx, &sql_test_clock_delete,
              PARAMS(db_uuid(work->arena, &command->tenant), command->subject, db_utime(work->arena, work->real_now)),
              NULL, err));
  reply(work, command, 204, "test-clock", command->subject, "null");
  test_clock_emit(work, &command->tenant, "test-clock.deleted", command->subject, NULL, version + 1, command);
  return RC_OK;
}
