/* See clock.h, and runtime.h for what handlers know of it. */
#include "runtime/clock.h"

#include <string.h>

#include "runtime_sql.h"

static const struct clock REAL_TIME;

void work_at(struct work *work, const struct clock *clock) {
  if (!clock) clock = &REAL_TIME;
  work->clock = clock->id;
  work->now = uuid_is_nil(&clock->id) ? work->real_now : clock->now;
}

/* A row of (tenant id, clock id, time). */
static struct clock read_clock(const PGresult *rows, int r) {
  return (struct clock){.tenant = row_uuid(rows, r, 0), .id = row_uuid(rows, r, 1), .now = row_utime(rows, r, 2)};
}

enum rc work_at_customer(struct work *work, const struct uuid *tenant, const struct uuid *customer, struct error *err) {
  PGresult CLEANUP(db_result_release) *rows = NULL;
  TRY(tx_exec(work->tx, &runtime_sql_clock_of_customer,
              PARAMS(db_uuid(work->arena, tenant), db_uuid(work->arena, customer)), &rows, err));
  struct clock clock = row_count(rows) == 1 ? read_clock(rows, 0) : REAL_TIME;
  work_at(work, &clock);
  return RC_OK;
}

enum rc work_at_clock(struct work *work, const struct uuid *tenant, const struct uuid *clock_id, struct error *err) {
  if (uuid_is_nil(clock_id)) {
    work_at(work, NULL);
    return RC_OK;
  }
  PGresult CLEANUP(db_result_release) *rows = NULL;
  TRY(tx_exec(work->tx, &runtime_sql_clock_find, PARAMS(db_uuid(work->arena, tenant), db_uuid(work->arena, clock_id)),
              &rows, err));
  if (row_count(rows) == 0) return error_set(err, RC_NOT_FOUND, "there is no such test clock");
  struct clock clock = read_clock(rows, 0);
  work_at(work, &clock);
  return RC_OK;
}

enum rc clocks_due(struct work *work, const char *task, struct clock ret_clocks[static CLOCKS_MAX], size_t *ret_count,
                   struct error *err) {
  PGresult CLEANUP(db_result_release) *rows = NULL;
  TRY(tx_exec(work->tx, &runtime_sql_clocks_due, PARAMS(task, db_int(work->arena, CLOCKS_MAX)), &rows, err));
  *ret_count = (size_t)row_count(rows);
  for (int r = 0; r < row_count(rows); r++) ret_clocks[r] = read_clock(rows, r);
  return RC_OK;
}

/* -- whose message it is -- */

/* By what a message may be about somebody. */
static const char *const ABOUT[] = {"customerId", "subscriptionId", "invoiceId", "paymentId"};

struct clock_question {
  struct db_array *places, *tenants, *ids;
};

static void ask_about(struct clock_question *question, size_t place, const struct message *message, const char *id) {
  struct uuid parsed;
  if (!id || !uuid_parse(id, &parsed)) return;
  db_array_int(question->places, (int64_t)place);
  db_array_uuid(question->tenants, &message->tenant);
  db_array_uuid(question->ids, &parsed);
}

enum rc clocks_of_messages(struct work *work, struct clock_query *queries, size_t count, struct error *err) {
  struct arena *arena = work->arena;
  struct clock_question question = {db_array_new(arena), db_array_new(arena), db_array_new(arena)};
  for (size_t i = 0; i < count; i++) {
    const struct message *message = queries[i].message;
    ask_about(&question, i, message, message->key);
    if (strcmp(message->subject, message->key) != 0) ask_about(&question, i, message, message->subject);
    for (size_t a = 0; a < sizeof ABOUT / sizeof ABOUT[0]; a++)
      ask_about(&question, i, message, json_string_value(json_object_get(message->json, ABOUT[a])));
  }
  if (db_array_count(question.ids) == 0) return RC_OK;
  PGresult CLEANUP(db_result_release) *rows = NULL;
  TRY(tx_exec(
      work->tx, &runtime_sql_clocks_of,
      PARAMS(db_array_literal(question.places), db_array_literal(question.tenants), db_array_literal(question.ids)),
      &rows, err));
  for (int r = 0; r < row_count(rows); r++) queries[row_int(rows, r, 3)].clock = read_clock(rows, r);
  return RC_OK;
}

/* -- what is under way -- */

enum rc clock_track_sent(struct work *work, const struct outgoing *messages, size_t count, struct error *err) {
  enum { TENANT, CLOCK, TOPIC, ID, COLUMNS };
  static const enum header headers[COLUMNS] = {[TENANT] = HEADER_TENANT, [CLOCK] = HEADER_TEST_CLOCK, [ID] = HEADER_ID};
  struct db_array *columns[COLUMNS] = {NULL};
  for (size_t i = 0; i < count; i++) {
    if (!messages[i].headers[HEADER_TEST_CLOCK]) continue;
    for (int c = 0; c < COLUMNS; c++) {
      if (!columns[c]) columns[c] = db_array_new(work->arena);
      db_array_text(columns[c], c == TOPIC ? messages[i].topic : messages[i].headers[headers[c]]);
    }
  }
  if (!columns[ID]) return RC_OK;
  return tx_exec(work->tx, &runtime_sql_clock_messages_insert,
                 PARAMS(db_array_literal(columns[TENANT]), db_array_literal(columns[CLOCK]),
                        db_array_literal(columns[TOPIC]), db_array_literal(columns[ID])),
                 NULL, err);
}

enum rc clock_track_done(struct work *work, const struct message *const *messages, size_t count, struct error *err) {
  struct db_array *tenants = NULL, *ids = NULL;
  for (size_t i = 0; i < count; i++) {
    if (!messages[i]->json || !messages[i]->headers[HEADER_TEST_CLOCK]) continue;
    if (!ids) {
      tenants = db_array_new(work->arena);
      ids = db_array_new(work->arena);
    }
    db_array_uuid(tenants, &messages[i]->tenant);
    db_array_uuid(ids, &messages[i]->id);
  }
  if (!ids) return RC_OK;
  return tx_exec(work->tx, &runtime_sql_clock_messages_delete,
                 PARAMS(process_name(work->process), db_array_literal(tenants), db_array_literal(ids)), NULL, err);
}
