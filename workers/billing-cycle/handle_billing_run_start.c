/* billing-run.start: writes the run. The work is done by the task in runs.c, in every process of this worker. */
#include "handlers.h"
#include "run.h"
#include "sql.h"

enum { FORESIGHT_MAX_DAYS = 366 };

/* A dry run may look ahead: what would be billed then, as things stand now. */
static enum rc read_as_of(json_t *body, bool is_dry, struct utime now, struct utime *ret_as_of, struct error *err) {
  const char *text;
  int64_t latest_us = is_dry ? now.us + FORESIGHT_MAX_DAYS * UTIME_DAY : now.us;
  TRY(body_text(body, "asOf", &text, err));
  *ret_as_of = now;
  if (text) TRY(utime_parse(text, "asOf", ret_as_of, err));
  if (ret_as_of->us <= latest_us) return RC_OK;
  if (is_dry) return error_field(err, RC_VALIDATION, "asOf", "must be within %d days", FORESIGHT_MAX_DAYS);
  return error_field(err, RC_VALIDATION, "asOf", "must not be in the future: nothing is due there yet");
}

enum rc handle_billing_run_start(struct work *work, struct message *const *messages, size_t count, struct error *err) {
  (void)count;
  const struct message *command = messages[0];
  struct run run = {.tenant = command->tenant};
  if (!uuid_parse(command->subject, &run.id)) return error_set(err, RC_BAD_MESSAGE, "the subject is not a UUID");
  TRY(body_bool(command->json, "dryRun", false, &run.is_dry, err));
  TRY(read_as_of(command->json, run.is_dry, work->now, &run.as_of, err));

  const char *actor = command->headers[HEADER_ACTOR] ? command->headers[HEADER_ACTOR] : command->headers[HEADER_SOURCE];
  TRY(run_insert(work, &run, actor, command, err));
  PGresult CLEANUP(db_result_release) *resource = NULL;
  TRY(tx_exec(work->tx, &sql_run_resource, PARAMS(db_uuid(work->arena, &run.tenant), command->subject), &resource,
              err));
  reply(work, command, 201, "billing-run", command->subject, row_text(resource, 0, 0));
  return RC_OK;
}
