/* subscription.cancel: at once, or when the period that is paid for ends (BILL-053). */
#include <string.h>

#include "base/json_text.h"
#include "billing.h"
#include "handlers.h"
#include "sql.h"

enum { JSON_MAX = 4096 };

struct standing {
  enum subscription_state state;
  bool is_ending; /* cancel_at_period_end is set */
  bool is_parked; /* no run comes by any more */
  const struct zone *zone;
  struct date start;
  struct grid grid;
  int64_t next_index;
};

/* Takes the customer's billing lock, then the row: in the order that everybody keeps. */
static enum rc load(struct work *work, const struct message *command, const char **ret_customer,
                    struct standing *standing, struct error *err) {
  struct arena *arena = work->arena;
  const char *tenant = db_uuid(arena, &command->tenant);
  PGresult CLEANUP(db_result_release) *owner = NULL, CLEANUP(db_result_release) *row = NULL;
  TRY(tx_exec(work->tx, &sql_subscription_customer, PARAMS(tenant, command->subject), &owner, err));
  if (row_count(owner) == 0) return error_set(err, RC_NOT_FOUND, "there is no subscription %s", command->subject);
  *ret_customer = arena_strdup(arena, row_text(owner, 0, 0));
  struct db_array *customers = db_array_new(arena);
  db_array_text(customers, *ret_customer);
  TRY(tx_exec(work->tx, &sql_customer_billing_only_lock, PARAMS(tenant, db_array_literal(customers)), NULL, err));
  TRY(tx_exec(work->tx, &sql_subscription_state, PARAMS(tenant, command->subject), &row, err));
  TRY(message_expect_version(command, row_int(row, 0, 10), err));
  if (!subscription_state_from_name(row_text(row, 0, 0), &standing->state))
    return error_set(err, RC_INVARIANT, "a subscription's status is unknown");
  standing->is_ending = row_bool(row, 0, 1);
  standing->is_parked = row_bool(row, 0, 2);
  standing->start = row_date(row, 0, 4);
  standing->grid = (struct grid){.anchor = row_date(row, 0, 7), .anchor_day = (int)row_int(row, 0, 8)};
  standing->grid.interval.count = (int)row_int(row, 0, 6);
  standing->next_index = row_int(row, 0, 9);
  if (!interval_unit_from_name(row_text(row, 0, 5), &standing->grid.interval.unit))
    return error_set(err, RC_INVARIANT, "a subscription's interval is unknown");
  return zone_find(row_text(row, 0, 3), "timeZone", &standing->zone, err);
}

/* The end of the period that runs now, whether it is billed already or not: what was used is paid for. */
static struct utime end_of_period(const struct standing *standing, struct utime now) {
  struct date today = zone_date(standing->zone, now);
  int64_t index = grid_index(&standing->grid, today) + 1;
  if (index < standing->next_index) index = standing->next_index; /* billed ahead */
  return zone_midnight(standing->zone, grid_boundary(&standing->grid, index));
}

static void emit_cancelled(struct work *work, const struct message *command, const char *customer, const char *type,
                           const char *status, struct utime at, const char *reason, int64_t version) {
  char time[UTIME_TEXT_MAX];
  struct buf CLEANUP(buf_release) text;
  buf_init(&text, JSON_MAX);
  struct json_writer json;
  json_writer_init(&json, &text);
  json_put_object(&json, NULL);
  json_put_string(&json, "subscriptionId", command->subject);
  json_put_string(&json, "customerId", customer);
  json_put_string(&json, "status", status);
  json_put_string(&json, "at", utime_format(at, time));
  json_put_string(&json, "reason", reason);
  json_put_int(&json, "version", version);
  json_put_end(&json);
  emit(work, &(struct emission){.type = type,
                                .id = UUID_DERIVE(type, command->subject, db_int(work->arena, version)),
                                .tenant = command->tenant,
                                .subject = command->subject,
                                .key = customer,
                                .json = buf_text(&text),
                                .cause = command});
}

enum rc handle_subscription_cancel(struct work *work, struct message *const *messages, size_t count,
                                   struct error *err) {
  (void)count;
  const struct message *command = messages[0];
  struct arena *arena = work->arena;
  const char *customer = NULL, *reason;
  bool immediately, prorate;
  struct standing standing = {0};
  enum subscription_state cancelled;
  TRY(body_bool(command->json, "immediately", false, &immediately, err));
  TRY(body_text(command->json, "reason", &reason, err));
  TRY(body_bool(command->json, "prorate", false, &prorate, err));
  if (prorate) return error_field(err, RC_VALIDATION, "prorate", "credits for unused time are not available yet");
  TRY(load(work, command, &customer, &standing, err));
  TRY(subscription_next(standing.state, SUBSCRIPTION_EVENT_CANCEL, &cancelled, err));
  if (standing.is_ending && !immediately)
    return error_set(err, RC_CONFLICT, "the subscription ends with its period already");
  bool has_begun = date_compare(standing.start, zone_date(standing.zone, work->now)) <= 0;
  bool now = immediately || !has_begun || standing.is_parked; /* there is no period to run out, or nobody to end it */
  struct utime at = now ? work->now : end_of_period(&standing, work->now);
  const char *status = subscription_state_name(now ? cancelled : standing.state);

  const char *tenant = db_uuid(arena, &command->tenant);
  PGresult CLEANUP(db_result_release) *updated = NULL, CLEANUP(db_result_release) *resource = NULL;
  TRY(tx_exec(work->tx, &sql_subscription_cancel,
              PARAMS(tenant, command->subject, db_bool(now), status, reason, db_utime(arena, work->now),
                     now ? NULL : db_utime(arena, at)),
              &updated, err));
  struct db_array *customers = db_array_new(arena);
  db_array_text(customers, customer);
  TRY(tx_exec(work->tx, &sql_customer_billing_refresh, PARAMS(tenant, db_array_literal(customers)), NULL, err));
  TRY(tx_exec(work->tx, &sql_subscription_resource, PARAMS(tenant, command->subject), &resource, err));
  reply(work, command, 200, "subscription", command->subject, row_text(resource, 0, 0));
  emit_cancelled(work, command, customer, now ? "subscription.cancelled" : "subscription.cancellation_scheduled",
                 status, at, reason, row_int(updated, 0, 0));
  return RC_OK;
}
