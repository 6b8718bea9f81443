/* See scheduled.h. The row holds what was asked for, not what it came to: a change of the quantity that is scheduled
 * today goes with whatever plan the subscription has by then. */
#include "scheduled.h"

#include <string.h>

#include "base/assert.h"
#include "sql.h"

static enum rc read_items(struct arena *arena, const char *json, struct change_request *request, struct error *err) {
  json_auto_t *items = json_loads(json, 0, NULL);
  if (!json_is_array(items)) return error_set(err, RC_INVARIANT, "a scheduled change's items cannot be read");
  request->has_items = true;
  request->item_count = json_array_size(items);
  ASSERT(request->item_count <= CHANGE_ITEMS_MAX);
  for (size_t i = 0; i < request->item_count; i++) {
    json_t *row = json_array_get(items, i);
    const char *plan = json_string_value(json_object_get(row, "planId"));
    const char *quantity = json_string_value(json_object_get(row, "quantity"));
    if (!plan || !quantity) return error_set(err, RC_INVARIANT, "a scheduled change's items cannot be read");
    request->items[i] = (struct change_item){.plan = arena_strdup(arena, plan),
                                             .version = json_integer_value(json_object_get(row, "planVersion")),
                                             .field = "items"};
    TRY(quantity_parse(quantity, "items", &request->items[i].quantity, err));
  }
  return RC_OK;
}

static enum rc read_moves(struct arena *arena, const char *json, struct change_request *request, struct error *err) {
  json_auto_t *rows = json_loads(json, 0, NULL);
  struct version_move *moves = ARENA_ARRAY(arena, struct version_move, json_array_size(rows) + 1);
  for (size_t i = 0; i < json_array_size(rows); i++) {
    json_t *row = json_array_get(rows, i);
    const char *plan = json_string_value(json_object_get(row, "planId"));
    if (!plan) return error_set(err, RC_INVARIANT, "a scheduled change's moves cannot be read");
    moves[i] = (struct version_move){.plan_id = arena_strdup(arena, plan),
                                     .from = json_integer_value(json_object_get(row, "fromVersion")),
                                     .to = json_integer_value(json_object_get(row, "toVersion"))};
  }
  request->moves = moves;
  request->move_count = json_array_size(rows);
  return RC_OK;
}

/* Columns as in scheduled_changes_load.sql. */
static enum rc read_request(struct arena *arena, const PGresult *rows, int r, struct change_request *request,
                            struct error *err) {
  enum { SUBSCRIPTION, ID, INDEX, PLAN, VERSION, QUANTITY, ITEMS, MOVES };
  *request = (struct change_request){.accepts_deprecated = true};
  if (!row_is_null(rows, r, PLAN)) {
    request->plan = arena_strdup(arena, row_text(rows, r, PLAN));
    request->plan_version = row_int(rows, r, VERSION);
  }
  request->has_quantity = !row_is_null(rows, r, QUANTITY);
  if (request->has_quantity) request->quantity.micro = row_int(rows, r, QUANTITY);
  TRY(read_moves(arena, row_text(rows, r, MOVES), request, err));
  return row_is_null(rows, r, ITEMS) ? RC_OK : read_items(arena, row_text(rows, r, ITEMS), request, err);
}

/* What the business refuses by now is known at the boundary; what is broken is, too. */
static enum rc keep_refusal(struct work *work, enum rc rc, const struct error *why, struct scheduled_change *change,
                            struct error *err) {
  if (rc == RC_OK) return RC_OK;
  if (error_verdict(rc) != VERDICT_REJECT && error_verdict(rc) != VERDICT_POISON) {
    *err = *why;
    return rc;
  }
  struct error *kept = ARENA_NEW(work->arena, struct error);
  *kept = *why;
  change->why = kept;
  return RC_OK;
}

/* Another interval, begun before the boundary that it was asked for, has passed that one. */
static int64_t first_index(const struct billable *s, int64_t asked_index) {
  return asked_index > s->next_index ? asked_index : s->next_index;
}

static enum rc find_change(struct work *work, const struct uuid *tenant, const PGresult *rows, int r,
                           struct billable *s, struct error *err) {
  struct scheduled_change *change = ARENA_NEW(work->arena, struct scheduled_change);
  struct change_request *request = ARENA_NEW(work->arena, struct change_request);
  struct error why;
  change->id = arena_strdup(work->arena, row_text(rows, r, 1));
  change->index = first_index(s, row_int(rows, r, 2));
  change->request = request;
  enum rc rc = read_request(work->arena, rows, r, request, &why);
  if (rc == RC_OK) rc = change_target_find(work, tenant, s, request, change->index, &change->target, &why);
  TRY(keep_refusal(work, rc, &why, change, err));
  s->scheduled = change;
  return RC_OK;
}

enum rc scheduled_find_again(struct work *work, const struct uuid *tenant, struct billable *s, struct error *err) {
  if (!s->scheduled) return RC_OK;
  struct scheduled_change *change = ARENA_NEW(work->arena, struct scheduled_change);
  struct error why;
  *change = *s->scheduled;
  change->index = first_index(s, change->index);
  change->why = NULL;
  enum rc rc = change_target_find(work, tenant, s, change->request, change->index, &change->target, &why);
  TRY(keep_refusal(work, rc, &why, change, err));
  s->scheduled = change;
  return RC_OK;
}

static struct billable *find(struct billable *subscriptions, size_t count, const struct uuid *id) {
  for (size_t i = 0; i < count; i++)
    if (uuid_equal(&subscriptions[i].id, id)) return &subscriptions[i];
  return NULL;
}

enum rc scheduled_load(struct work *work, const struct uuid *tenant, struct billable *subscriptions, size_t count,
                       struct error *err) {
  struct db_array *ids = db_array_new(work->arena);
  for (size_t i = 0; i < count; i++)
    if (!subscriptions[i].is_parked) db_array_uuid(ids, &subscriptions[i].id);
  PGresult CLEANUP(db_result_release) *rows = NULL;
  TRY(tx_exec(work->tx, &sql_scheduled_changes_load, PARAMS(db_uuid(work->arena, tenant), db_array_literal(ids)), &rows,
              err));
  for (int r = 0; r < row_count(rows); r++) {
    struct uuid id = row_uuid(rows, r, 0);
    struct billable *s = find(subscriptions, count, &id);
    ASSERT(s);
    TRY(find_change(work, tenant, rows, r, s, err));
  }
  return RC_OK;
}

enum rc scheduled_apply(struct billable *s, bool *ret_was_due, struct error *err) {
  const struct scheduled_change *change = s->scheduled;
  *ret_was_due = change && s->next_index >= change->index;
  if (!*ret_was_due) return RC_OK;
  if (change->why) {
    *err = *change->why;
    return change->why->code;
  }
  if (change_target_has_other_interval(&change->target, s))
    s->grid = grid_follow(grid_period(&s->grid, s->start, s->next_index).start, change->target.interval, s->next_index);
  change_target_apply(&change->target, s);
  s->scheduled = NULL;
  s->applied = change;
  s->applied_at = s->next_at;
  s->version++;
  return RC_OK;
}

static enum rc resolve(struct work *work, const char *tenant, const struct scheduled_change *change, const char *status,
                       const char *took_effect_at, struct error *err) {
  return tx_exec(work->tx, &sql_scheduled_change_resolve,
                 PARAMS(tenant, change->id, status, db_utime(work->arena, work->now), took_effect_at), NULL, err);
}

enum rc scheduled_store(struct work *work, const struct uuid *tenant, const struct billable *subscriptions,
                        size_t count, struct error *err) {
  const char *tenant_id = db_uuid(work->arena, tenant);
  for (size_t i = 0; i < count; i++) {
    const struct billable *s = &subscriptions[i];
    if (s->applied) {
      TRY(change_target_store(work, tenant, s, &s->applied->target, err));
      TRY(resolve(work, tenant_id, s->applied, "applied", db_utime(work->arena, s->applied_at), err));
    }
    bool is_over = s->state == SUBSCRIPTION_CANCELLED || s->state == SUBSCRIPTION_EXPIRED;
    if (s->scheduled && is_over) TRY(resolve(work, tenant_id, s->scheduled, "withdrawn", NULL, err));
  }
  return RC_OK;
}
