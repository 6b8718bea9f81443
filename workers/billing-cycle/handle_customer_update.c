/* customer.update changes what it names; customer.replace is an update that says null for all that it leaves out. A
 * change that changes nothing makes no version and no event. */
#include <string.h>

#include "customer.h"
#include "customer_billing.h"
#include "handlers.h"
#include "sql.h"

/* The patch as JSON with its exact numbers. */
static const char *patch_text(struct arena *arena, json_t *patch) {
  json_auto_t *holder = json_pack("{s:O}", "patch", patch);
  return body_json(arena, holder, "patch");
}

/* BILL-013. The customer is locked, so that no subscription is made meanwhile in the zone that was. */
static enum rc move_to_zone(struct work *work, const struct message *command, const char *zone, struct error *err) {
  struct arena *arena = work->arena;
  const char *tenant = db_uuid(arena, &command->tenant);
  TRY(customer_billing_hold(work, tenant, command->subject, NULL, err));
  return tx_exec(work->tx, &sql_subscriptions_set_next_zone,
                 PARAMS(tenant, command->subject, zone, db_utime(arena, work->now)), NULL, err);
}

static enum rc change(struct work *work, const struct message *command, json_t *patch, struct error *err) {
  struct arena *arena = work->arena;
  const char *tenant = db_uuid(arena, &command->tenant);
  struct customer before;
  PGresult CLEANUP(db_result_release) *updated = NULL, CLEANUP(db_result_release) *changes = NULL;
  TRY(customer_take(work, command, &before, err));
  TRY(customer_expect_live(command, &before, err));

  TRY(tx_exec(work->tx, &sql_customer_update,
              PARAMS(tenant, command->subject, patch_text(arena, patch), db_utime(arena, work->now)), &updated, err));
  TRY(customer_reply(work, command, 200, err));
  if (row_count(updated) == 0) return RC_OK;
  const char *zone = row_text(updated, 0, 1);
  if (strcmp(zone, before.time_zone) != 0) TRY(move_to_zone(work, command, zone, err));
  TRY(tx_exec(work->tx, &sql_customer_changes, PARAMS(tenant, command->subject, before.json), &changes, err));
  customer_emit(work, command, "customer.updated", row_int(updated, 0, 0), row_text(changes, 0, 0));
  return RC_OK;
}

enum rc handle_customer_update(struct work *work, struct message *const *messages, size_t count, struct error *err) {
  (void)count;
  TRY(customer_check(messages[0]->json, err));
  return change(work, messages[0], messages[0]->json, err);
}

enum rc handle_customer_replace(struct work *work, struct message *const *messages, size_t count, struct error *err) {
  (void)count;
  TRY(customer_check_whole(messages[0]->json, err));
  json_auto_t *patch = customer_blank();
  json_object_update(patch, messages[0]->json);
  return change(work, messages[0], patch, err);
}
