/* subscription.update: what does not touch the price. What is left out stays as it is; null gives back the default. */
#include <string.h>

#include "customer_billing.h"
#include "domain/subscription.h"
#include "handlers.h"
#include "sql.h"

/* The members as parameters of subscription_update.sql; NULL: as it is. */
struct update {
  const char *auto_renew, *collection, *metadata;
  bool clears_coupons;
};

static bool is_given(json_t *body, const char *member) {
  return json_object_get(body, member) != NULL;
}

static enum rc read_update(struct arena *arena, json_t *body, struct update *update, struct error *err) {
  bool auto_renew;
  TRY(body_bool(body, "autoRenew", true, &auto_renew, err));
  if (is_given(body, "autoRenew")) update->auto_renew = db_bool(auto_renew);
  TRY(body_text(body, "collection", &update->collection, err));
  if (is_given(body, "collection") && !update->collection) update->collection = "automatic";
  if (update->collection && strcmp(update->collection, "automatic") != 0 && strcmp(update->collection, "manual") != 0)
    return error_field(err, RC_VALIDATION, "collection", "must be automatic or manual");
  update->metadata = body_json(arena, body, "metadata");
  if (is_given(body, "metadata") && !update->metadata) update->metadata = "{}";
  update->clears_coupons = is_given(body, "coupons");
  if (json_array_size(json_object_get(body, "coupons")) > 0)
    return error_field(err, RC_VALIDATION, "coupons", "can only be cleared here");
  return RC_OK;
}

/* What is over stays as it was; what people note down about it does not matter. */
static enum rc check_state(struct work *work, const struct message *command, const struct update *update,
                           struct error *err) {
  PGresult CLEANUP(db_result_release) *row = NULL;
  TRY(tx_exec(work->tx, &sql_subscription_status, PARAMS(db_uuid(work->arena, &command->tenant), command->subject),
              &row, err));
  TRY(message_expect_version(command, row_int(row, 0, 1), err));
  const char *status = row_text(row, 0, 0);
  bool is_over = strcmp(status, "cancelled") == 0 || strcmp(status, "expired") == 0;
  if (!is_over || (!update->auto_renew && !update->collection && !update->clears_coupons)) return RC_OK;
  return error_set(err, RC_CONFLICT, "the subscription is %s", status);
}

static void emit_updated(struct work *work, const struct message *command, const char *customer,
                         const PGresult *updated) {
  int64_t version = row_int(updated, 0, 0);
  const char *json =
      arena_printf(work->arena,
                   "{\"subscriptionId\":\"%s\",\"customerId\":\"%s\",\"autoRenew\":%s,\"collection\":\"%s\","
                   "\"version\":%lld}",
                   command->subject, customer, row_bool(updated, 0, 1) ? "true" : "false", row_text(updated, 0, 2),
                   (long long)version);
  emit(work,
       &(struct emission){.type = "subscription.updated",
                          .id = UUID_DERIVE("subscription.updated", command->subject, db_int(work->arena, version)),
                          .tenant = command->tenant,
                          .subject = command->subject,
                          .key = customer,
                          .json = json,
                          .cause = command});
}

enum rc handle_subscription_update(struct work *work, struct message *const *messages, size_t count,
                                   struct error *err) {
  (void)count;
  const struct message *command = messages[0];
  const char *tenant = db_uuid(work->arena, &command->tenant), *customer = NULL;
  struct update update = {0};
  TRY(read_update(work->arena, command->json, &update, err));
  TRY(customer_billing_hold_of(work, tenant, command->subject, &customer, NULL, err));
  TRY(check_state(work, command, &update, err));

  PGresult CLEANUP(db_result_release) *updated = NULL, CLEANUP(db_result_release) *resource = NULL;
  TRY(tx_exec(work->tx, &sql_subscription_update,
              PARAMS(tenant, command->subject, update.auto_renew, update.collection, update.metadata,
                     db_utime(work->arena, work->now)),
              &updated, err));
  if (update.clears_coupons)
    TRY(tx_exec(work->tx, &sql_subscription_coupons_clear, PARAMS(tenant, command->subject), NULL, err));
  TRY(tx_exec(work->tx, &sql_subscription_resource, PARAMS(tenant, command->subject), &resource, err));
  reply(work, command, 200, "subscription", command->subject, row_text(resource, 0, 0));
  emit_updated(work, command, customer, updated);
  return RC_OK;
}
