/* plan.deprecate: no new subscriptions any more. Those that there are go on, and so do changes of the plan. */
#include <string.h>

#include "handlers.h"
#include "plan.h"
#include "sql.h"

static void emit_deprecated(struct work *work, const struct message *command, const struct plan *plan,
                            int64_t version) {
  const char *json =
      arena_printf(work->arena, "{\"planId\":\"%s\",\"code\":\"%s\",\"planVersion\":%lld,\"version\":%lld}",
                   command->subject, plan->code, (long long)plan->current_version, (long long)version);
  emit(work, &(struct emission){.type = "plan.deprecated",
                                .id = UUID_DERIVE("plan.deprecated", command->subject),
                                .tenant = command->tenant,
                                .subject = command->subject,
                                .key = command->subject,
                                .json = json,
                                .cause = command});
}

enum rc handle_plan_deprecate(struct work *work, struct message *const *messages, size_t count, struct error *err) {
  (void)count;
  const struct message *command = messages[0];
  struct plan *plan;
  TRY(plan_lock(work, command, &plan, err));
  if (strcmp(plan->status, "active") != 0) {
    error_set(err, RC_ILLEGAL_TRANSITION, "the plan %s is deprecated already", plan->code);
    snprintf(err->details, sizeof err->details, "{\"allowed\":[]}");
    return err->code;
  }

  PGresult CLEANUP(db_result_release) *updated = NULL;
  TRY(tx_exec(work->tx, &sql_plan_deprecate,
              PARAMS(db_uuid(work->arena, &command->tenant), command->subject, db_utime(work->arena, work->now)),
              &updated, err));
  TRY(plan_reply(work, command, 200, err));
  emit_deprecated(work, command, plan, row_int(updated, 0, 0));
  return RC_OK;
}
