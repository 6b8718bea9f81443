/* What the commands on a plan begin and end with. */
#include "plan.h"

#include "sql.h"

enum { FIRST_COLUMN_OF_TERMS = 7 }; /* of plan_lock.sql */

enum rc plan_lock(struct work *work, const struct message *command, struct plan **ret_plan, struct error *err) {
  struct arena *arena = work->arena;
  PGresult CLEANUP(db_result_release) *row = NULL;
  TRY(tx_exec(work->tx, &sql_plan_lock, PARAMS(db_uuid(arena, &command->tenant), command->subject), &row, err));
  if (row_count(row) == 0) return error_set(err, RC_NOT_FOUND, "there is no plan %s", command->subject);
  TRY(message_expect_version(command, row_int(row, 0, 2), err));
  struct plan *plan = ARENA_NEW(arena, struct plan);
  *plan = (struct plan){.code = row_text_copy(arena, row, 0, 0),
                        .status = row_text_copy(arena, row, 0, 1),
                        .version = row_int(row, 0, 2),
                        .name = row_text_copy(arena, row, 0, 3),
                        .description = row_text_copy(arena, row, 0, 4),
                        .metadata = row_text_copy(arena, row, 0, 5),
                        .current_version = row_int(row, 0, 6)};
  TRY(plan_terms_load(arena, row, FIRST_COLUMN_OF_TERMS, &plan->terms, err));
  *ret_plan = plan;
  return RC_OK;
}

enum rc plan_reply(struct work *work, const struct message *command, int http_status, struct error *err) {
  PGresult CLEANUP(db_result_release) *resource = NULL;
  TRY(tx_exec(work->tx, &sql_plan_resource, PARAMS(db_uuid(work->arena, &command->tenant), command->subject), &resource,
              err));
  reply(work, command, http_status, "plan", command->subject, row_text(resource, 0, 0));
  return RC_OK;
}
