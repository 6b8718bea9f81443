/* plan.update: what a plan is called, and what it says. What it says is never changed: other terms are another version,
 * for subscriptions to come (BILL-035). A change that changes nothing makes no version, and no event. */
#include <string.h>

#include "base/text.h"
#include "handlers.h"
#include "plan.h"
#include "sql.h"

static enum rc read_names(struct arena *arena, json_t *body, struct plan *plan, struct error *err) {
  json_t *metadata = json_object_get(body, "metadata");
  if (json_object_get(body, "name")) TRY(body_text(body, "name", &plan->name, err));
  if (json_object_get(body, "description")) TRY(body_text(body, "description", &plan->description, err));
  if (metadata) plan->metadata = json_is_null(metadata) ? "{}" : body_json(arena, body, "metadata");
  if (!plan->name || text_is_blank(plan->name))
    return error_field(err, RC_VALIDATION, "name", "is required, and not blank");
  return RC_OK;
}

static bool is_called_the_same(const struct plan *a, const struct plan *b) {
  json_auto_t *left = json_loads(a->metadata, 0, NULL), *right = json_loads(b->metadata, 0, NULL);
  return strcmp(a->name, b->name) == 0 &&
         strcmp(a->description ? a->description : "", b->description ? b->description : "") == 0 &&
         !a->description == !b->description && json_equal(left, right);
}

static enum rc store(struct work *work, const struct message *command, const struct plan *plan, int64_t *ret_version,
                     struct error *err) {
  PGresult CLEANUP(db_result_release) *updated = NULL;
  TRY(tx_exec(work->tx, &sql_plan_update,
              PARAMS(db_uuid(work->arena, &command->tenant), command->subject, plan->name, plan->description,
                     plan->metadata, db_int(work->arena, plan->current_version), db_utime(work->arena, work->now)),
              &updated, err));
  *ret_version = row_int(updated, 0, 0);
  return RC_OK;
}

static void emit_updated(struct work *work, const struct message *command, const struct plan *plan, bool is_new_version,
                         int64_t version) {
  const char *json = arena_printf(
      work->arena, "{\"planId\":\"%s\",\"code\":\"%s\",\"planVersion\":%lld,\"isNewVersion\":%s,\"version\":%lld}",
      command->subject, plan->code, (long long)plan->current_version, is_new_version ? "true" : "false",
      (long long)version);
  emit(work, &(struct emission){.type = "plan.updated",
                                .id = UUID_DERIVE("plan.updated", command->subject, db_int(work->arena, version)),
                                .tenant = command->tenant,
                                .subject = command->subject,
                                .key = command->subject,
                                .json = json,
                                .cause = command});
}

enum rc handle_plan_update(struct work *work, struct message *const *messages, size_t count, struct error *err) {
  (void)count;
  const struct message *command = messages[0];
  struct plan *before;
  int64_t version;
  TRY(plan_lock(work, command, &before, err));
  struct plan *after = ARENA_NEW(work->arena, struct plan);
  *after = *before;
  TRY(read_names(work->arena, command->json, after, err));
  TRY(plan_terms_read(work->arena, command->json, &after->terms, err));
  bool is_new_version = !plan_terms_equal(work->arena, &before->terms, &after->terms);
  if (!is_new_version && is_called_the_same(before, after)) return plan_reply(work, command, 200, err);

  if (is_new_version) TRY(plan_terms_insert(work, command, ++after->current_version, &after->terms, err));
  TRY(store(work, command, after, &version, err));
  TRY(plan_reply(work, command, 200, err));
  emit_updated(work, command, after, is_new_version, version);
  return RC_OK;
}
