/* subscription.change-plan: another plan, quantity or list of add-ons, now or from the next boundary on (BILL-052). */
#include "base/assert.h"
#include "decision.h"
#include "handlers.h"
#include "pending.h"
#include "sql.h"

/* -- writing: now -- */

static void emit_changed(struct work *work, const struct standing *standing) {
  struct buf CLEANUP(buf_release) text;
  struct json_writer json;
  standing_event_begin(standing, &text, &json);
  billing_write_state(&json, &standing->s, work->now);
  standing_event_end(work, standing, "subscription.changed", &text, &json);
}

static enum rc write_now(struct work *work, struct standing *standing, const struct decision *decision,
                         struct error *err) {
  const struct uuid *tenant = &standing->command->tenant;
  TRY(standing_store(work, standing, err));
  if (!decision->is_billed_now) TRY(pending_keep(work, tenant, decision->lines, decision->line_count, err));
  TRY(change_target_store(work, tenant, &standing->s, &decision->target, err));
  TRY(standing_finish(work, standing, err));
  emit_changed(work, standing);
  return RC_OK;
}

/* -- writing: at the end of the period -- */

static const char *items_json(struct arena *arena, const struct change_target *target) {
  struct buf CLEANUP(buf_release) text;
  struct json_writer json;
  char quantity[DECIMAL_TEXT_MAX];
  buf_init(&text, STANDING_EVENT_MAX);
  json_writer_init(&json, &text);
  json_put_array(&json, NULL);
  for (size_t i = 1; i < target->item_count; i++) {
    json_put_object(&json, NULL);
    json_put_string(&json, "planId", target->items[i].price->plan_id);
    json_put_int(&json, "planVersion", target->items[i].price->version);
    json_put_string(&json, "quantity", quantity_format(target->items[i].quantity, quantity));
    json_put_end(&json);
  }
  json_put_end(&json);
  ASSERT(buf_ok(&text));
  return arena_strdup(arena, buf_text(&text));
}

static enum rc insert_scheduled(struct work *work, const struct standing *standing, const struct decision *decision,
                                const struct uuid *id, struct error *err) {
  struct arena *arena = work->arena;
  const struct change_request *request = &decision->request;
  const struct billed_item *own = &decision->target.items[0];
  const char *actor = standing->command->headers[HEADER_ACTOR];
  char quantity[DECIMAL_TEXT_MAX];
  return tx_exec(work->tx, &sql_scheduled_change_insert,
                 PARAMS(standing->tenant, db_uuid(arena, id), standing->command->subject,
                        db_int(arena, decision->index), db_utime(arena, decision->at),
                        request->plan ? own->price->plan_id : NULL,
                        request->plan ? db_int(arena, own->price->version) : NULL,
                        request->has_quantity ? quantity_format(request->quantity, quantity) : NULL,
                        request->has_items ? items_json(arena, &decision->target) : NULL, actor ? actor : "",
                        db_utime(arena, work->now)),
                 NULL, err);
}

static void emit_scheduled(struct work *work, const struct standing *standing, const struct decision *decision,
                           const struct uuid *id) {
  struct billable as_changed = standing->s;
  char text_id[UUID_TEXT_MAX];
  struct buf CLEANUP(buf_release) text;
  struct json_writer json;
  change_target_apply(&decision->target, &as_changed);
  standing_event_begin(standing, &text, &json);
  json_put_string(&json, "changeId", uuid_format(id, text_id));
  billing_write_state(&json, &as_changed, decision->at);
  standing_event_end(work, standing, "subscription.change_scheduled", &text, &json);
}

static enum rc write_period_end(struct work *work, struct standing *standing, const struct decision *decision,
                                struct error *err) {
  struct uuid id =
      UUID_DERIVE("scheduled-change", standing->command->subject, db_int(work->arena, standing->s.version));
  TRY(standing_store(work, standing, err));
  TRY(insert_scheduled(work, standing, decision, &id, err));
  TRY(standing_finish(work, standing, err));
  emit_scheduled(work, standing, decision, &id);
  return RC_OK;
}

enum rc handle_subscription_change_plan(struct work *work, struct message *const *messages, size_t count,
                                        struct error *err) {
  (void)count;
  struct standing standing;
  struct decision *decision = ARENA_NEW(work->arena, struct decision);
  TRY(decision_make(work, messages[0], &standing, decision, err));
  return decision->is_now ? write_now(work, &standing, decision, err)
                          : write_period_end(work, &standing, decision, err);
}
