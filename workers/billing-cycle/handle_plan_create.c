/* plan.create: a plan, its first version, and its prices, one for each currency. */
#include "base/text.h"
#include "handlers.h"
#include "plan.h"
#include "sql.h"

static void emit_created(struct work *work, const struct message *command, const char *code) {
  const char *json = arena_printf(work->arena, "{\"planId\":\"%s\",\"code\":\"%s\",\"planVersion\":1,\"version\":1}",
                                  command->subject, code); /* codes need no escape: the table's CHECK */
  emit(work, &(struct emission){.type = "plan.created",
                                .id = UUID_DERIVE("plan.created", command->subject),
                                .tenant = command->tenant,
                                .subject = command->subject,
                                .key = command->subject,
                                .json = json,
                                .cause = command});
}

static enum rc insert_plan(struct work *work, const struct message *command, const char *code, const char *name,
                           struct error *err) {
  struct arena *arena = work->arena;
  json_t *body = command->json;
  const char *description;
  TRY(body_text(body, "description", &description, err));
  PGresult CLEANUP(db_result_release) *inserted = NULL;
  TRY(tx_exec(work->tx, &sql_plan_insert,
              PARAMS(db_uuid(arena, &command->tenant), command->subject, code, name, description,
                     body_json(arena, body, "metadata"), db_utime(arena, work->now)),
              &inserted, err));
  if (row_count(inserted) == 1) return RC_OK;
  return error_field(err, RC_CONFLICT, "code", "there is a plan with the code %s", code);
}

enum rc handle_plan_create(struct work *work, struct message *const *messages, size_t count, struct error *err) {
  (void)count;
  const struct message *command = messages[0];
  const char *code, *name;
  struct uuid id;
  struct plan_terms *terms = ARENA_NEW(work->arena, struct plan_terms);
  TRY(body_text(command->json, "code", &code, err));
  TRY(body_text(command->json, "name", &name, err));
  if (!code || !*code) return error_field(err, RC_VALIDATION, "code", "is required");
  if (uuid_parse(code, &id)) return error_field(err, RC_VALIDATION, "code", "must not look like an id");
  if (!name || text_is_blank(name)) return error_field(err, RC_VALIDATION, "name", "is required, and not blank");
  TRY(plan_terms_read(work->arena, command->json, terms, err));

  TRY(insert_plan(work, command, code, name, err));
  TRY(plan_terms_insert(work, command, 1, terms, err));
  TRY(plan_reply(work, command, 201, err));
  emit_created(work, command, code);
  return RC_OK;
}
