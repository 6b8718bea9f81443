/* billing-run.pause and billing-run.resume. Slices hold the run's row shared while they work, so that from the answer
 * on nothing more is claimed; invoices that were asked for before are made all the same. */
#include "domain/billing_run.h"
#include "handlers.h"
#include "sql.h"

static enum rc lock(struct work *work, const struct message *command, enum billing_run_state *ret_state,
                    struct error *err) {
  PGresult CLEANUP(db_result_release) *row = NULL;
  TRY(tx_exec(work->tx, &sql_run_lock, PARAMS(db_uuid(work->arena, &command->tenant), command->subject), &row, err));
  if (row_count(row) == 0) return error_set(err, RC_NOT_FOUND, "there is no billing run %s", command->subject);
  TRY(message_expect_version(command, row_int(row, 0, 1), err));
  if (billing_run_state_from_name(row_text(row, 0, 0), ret_state)) return RC_OK;
  return error_set(err, RC_INVARIANT, "a billing run's status is unknown");
}

static enum rc change(struct work *work, const struct message *command, enum billing_run_event event, const char *type,
                      struct error *err) {
  struct arena *arena = work->arena;
  const char *tenant = db_uuid(arena, &command->tenant);
  enum billing_run_state state = BILLING_RUN_RUNNING;
  TRY(lock(work, command, &state, err));
  TRY(billing_run_next(state, event, &state, err));

  PGresult CLEANUP(db_result_release) *changed = NULL, CLEANUP(db_result_release) *resource = NULL;
  TRY(tx_exec(work->tx, &sql_run_set_status, PARAMS(tenant, command->subject, billing_run_state_name(state)), &changed,
              err));
  const char *version = arena_strdup(arena, row_text(changed, 0, 0));
  TRY(tx_exec(work->tx, &sql_run_resource, PARAMS(tenant, command->subject), &resource, err));
  reply(work, command, 200, "billing-run", command->subject, row_text(resource, 0, 0));
  emit(work,
       &(struct emission){.type = type,
                          .id = UUID_DERIVE(type, command->subject, version),
                          .tenant = command->tenant,
                          .subject = command->subject,
                          .key = command->subject,
                          .json = arena_printf(arena, "{\"runId\":\"%s\",\"version\":%s}", command->subject, version),
                          .cause = command});
  return RC_OK;
}

enum rc handle_billing_run_pause(struct work *work, struct message *const *messages, size_t count, struct error *err) {
  (void)count;
  return change(work, messages[0], BILLING_RUN_EVENT_PAUSE, "billing-run.paused", err);
}

enum rc handle_billing_run_resume(struct work *work, struct message *const *messages, size_t count, struct error *err) {
  (void)count;
  return change(work, messages[0], BILLING_RUN_EVENT_RESUME, "billing-run.resumed", err);
}
