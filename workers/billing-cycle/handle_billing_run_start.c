/* billing-run.start: writes the run. The work is done by the task in run.c, in every process of this worker. */
#include "base/buf.h"
#include "handlers.h"
#include "sql.h"

static void emit_started(struct work *work, const struct message *command, struct utime as_of) {
  char time[UTIME_TEXT_MAX];
  const char *json = arena_printf(work->arena, "{\"runId\":\"%s\",\"asOf\":\"%s\",\"version\":1}", command->subject,
                                  utime_format(as_of, time));
  emit(work, &(struct emission){.type = "billing-run.started",
                                .id = UUID_DERIVE("billing-run.started", command->subject),
                                .tenant = command->tenant,
                                .subject = command->subject,
                                .key = command->subject,
                                .json = json,
                                .cause = command});
}

enum rc handle_billing_run_start(struct work *work, struct message *const *messages, size_t count, struct error *err) {
  (void)count;
  const struct message *command = messages[0];
  struct arena *arena = work->arena;
  const char *as_of_text;
  struct utime as_of = work->now;
  TRY(body_text(command->json, "asOf", &as_of_text, err));
  if (as_of_text) TRY(utime_parse(as_of_text, "asOf", &as_of, err));
  if (as_of.us > work->now.us)
    return error_field(err, RC_VALIDATION, "asOf", "must not be in the future: nothing is due there yet");

  const char *tenant = db_uuid(arena, &command->tenant);
  const char *actor = command->headers[HEADER_ACTOR] ? command->headers[HEADER_ACTOR] : command->headers[HEADER_SOURCE];
  TRY(tx_exec(work->tx, &sql_run_insert,
              PARAMS(tenant, command->subject, db_utime(arena, as_of), actor, db_utime(arena, work->now)), NULL, err));
  PGresult CLEANUP(db_result_release) *resource = NULL;
  TRY(tx_exec(work->tx, &sql_run_resource, PARAMS(tenant, command->subject), &resource, err));
  reply(work, command, 201, "billing-run", command->subject, row_text(resource, 0, 0));
  emit_started(work, command, as_of);
  return RC_OK;
}
