/* See billables.h. */
#include "billables.h"

#include <string.h>

#include "base/assert.h"
#include "base/uuid_map.h"
#include "charges.h"
#include "scheduled.h"
#include "sql.h"

/* Columns of the view subscription_billing. */
enum column {
  COLUMN_TENANT,
  COLUMN_ID,
  COLUMN_CUSTOMER,
  COLUMN_PLAN,
  COLUMN_PLAN_CODE,
  COLUMN_PLAN_NAME,
  COLUMN_PLAN_VERSION,
  COLUMN_STATUS,
  COLUMN_CURRENCY,
  COLUMN_PRICE,
  COLUMN_HAS_OVERRIDE,
  COLUMN_IS_PLAIN,
  COLUMN_QUANTITY,
  COLUMN_COLLECTION,
  COLUMN_ZONE,
  COLUMN_NEXT_ZONE,
  COLUMN_START,
  COLUMN_INTERVAL_UNIT,
  COLUMN_INTERVAL_COUNT,
  COLUMN_ANCHOR,
  COLUMN_ANCHOR_DAY,
  COLUMN_NEXT_INDEX,
  COLUMN_FIRST_INDEX,
  COLUMN_NEXT_AT,
  COLUMN_PERIOD_START,
  COLUMN_PERIOD_END,
  COLUMN_CHARGED,
  COLUMN_ARREARS_FROM,
  COLUMN_CANCEL_AT,
  COLUMN_AUTO_RENEW,
  COLUMN_VERSION,
  COLUMN_ANCHOR_INDEX,
  COLUMN_NEXT_ZONE_AT,
  COLUMN_CUTS,
  COLUMN_RENEWED,
  COLUMN_SETTLED,
};

/* -- reading -- */

const struct billed_item *billable_plain_item(struct arena *arena, const struct plan_price *plan, int64_t price_minor,
                                              const struct currency *currency, struct quantity quantity) {
  struct price_component *component = ARENA_NEW(arena, struct price_component);
  struct plan_price *price = ARENA_NEW(arena, struct plan_price);
  struct billed_item *item = ARENA_NEW(arena, struct billed_item);
  *component = pricing_bare(price_minor, currency);
  *price = *plan;
  price->components = component;
  price->component_count = 1;
  *item = (struct billed_item){.price = price, .quantity = quantity};
  return item;
}

static bool read_grid(const PGresult *rows, int r, struct grid *ret_grid) {
  struct grid grid = {.anchor = row_date(rows, r, COLUMN_ANCHOR),
                      .anchor_day = (int)row_int(rows, r, COLUMN_ANCHOR_DAY),
                      .origin = row_int(rows, r, COLUMN_ANCHOR_INDEX)};
  grid.interval.count = (int)row_int(rows, r, COLUMN_INTERVAL_COUNT);
  bool known = interval_unit_from_name(row_text(rows, r, COLUMN_INTERVAL_UNIT), &grid.interval.unit);
  *ret_grid = grid;
  return known;
}

/* Item 0 as far as the row says it: all there is of a plain one. */
static void read_own_item(struct arena *arena, const PGresult *rows, int r, struct billable *s) {
  struct plan_price plan = {.plan_id = row_text_copy(arena, rows, r, COLUMN_PLAN),
                            .code = row_text_copy(arena, rows, r, COLUMN_PLAN_CODE),
                            .name = row_text_copy(arena, rows, r, COLUMN_PLAN_NAME),
                            .version = row_int(rows, r, COLUMN_PLAN_VERSION)};
  struct quantity quantity = {row_int(rows, r, COLUMN_QUANTITY)};
  int64_t price_minor = row_is_null(rows, r, COLUMN_PRICE) ? 0 : row_int(rows, r, COLUMN_PRICE);
  s->items = billable_plain_item(arena, &plan, price_minor, s->currency, quantity);
  s->item_count = 1;
}

/* A row that says what no row should say stops nobody else. */
static void set_aside(struct arena *arena, struct billable *s) {
  struct error why;
  error_set(&why, RC_INVARIANT, "its currency, status or interval is unknown to this version");
  s->is_unreadable = true;
  billing_park(arena, s, &why);
}

static struct billable read_billable(struct arena *arena, const PGresult *rows, int r) {
  struct billable s = {.id = row_uuid(rows, r, COLUMN_ID),
                       .customer_id = row_uuid(rows, r, COLUMN_CUSTOMER),
                       .currency = currency_find(row_text(rows, r, COLUMN_CURRENCY)),
                       .collection = row_text_copy(arena, rows, r, COLUMN_COLLECTION),
                       .zone_name = row_text_copy(arena, rows, r, COLUMN_ZONE),
                       .next_zone_name = row_text_copy(arena, rows, r, COLUMN_NEXT_ZONE),
                       .start = row_date(rows, r, COLUMN_START),
                       .has_override = row_bool(rows, r, COLUMN_HAS_OVERRIDE),
                       .is_plain = row_bool(rows, r, COLUMN_IS_PLAIN),
                       .first_index = row_int(rows, r, COLUMN_FIRST_INDEX),
                       .next_index = row_int(rows, r, COLUMN_NEXT_INDEX),
                       .charged_minor = row_int(rows, r, COLUMN_CHARGED),
                       .settled_version = row_int(rows, r, COLUMN_SETTLED),
                       .auto_renew = row_bool(rows, r, COLUMN_AUTO_RENEW),
                       .version = row_int(rows, r, COLUMN_VERSION)};
  if (s.next_zone_name) s.next_zone_at = row_utime(rows, r, COLUMN_NEXT_ZONE_AT);
  s.cancel_at_period_end = !row_is_null(rows, r, COLUMN_CANCEL_AT);
  if (s.cancel_at_period_end) s.cancel_at = row_utime(rows, r, COLUMN_CANCEL_AT);
  s.has_arrears_from = !row_is_null(rows, r, COLUMN_ARREARS_FROM);
  if (s.has_arrears_from) s.arrears_from = row_date(rows, r, COLUMN_ARREARS_FROM);
  if (!row_is_null(rows, r, COLUMN_CUTS))
    s.cuts = charges_cuts_read(arena, row_text(rows, r, COLUMN_CUTS), &s.cut_count);
  s.has_period = !row_is_null(rows, r, COLUMN_PERIOD_START);
  if (s.has_period) s.period_start = row_utime(rows, r, COLUMN_PERIOD_START);
  if (s.has_period) s.period_end = row_utime(rows, r, COLUMN_PERIOD_END);
  if (!row_is_null(rows, r, COLUMN_RENEWED))
    s.renewed = renewed_read(arena, row_text(rows, r, COLUMN_RENEWED), &s.renewed_count);
  bool known = read_grid(rows, r, &s.grid);
  known = subscription_state_from_name(row_text(rows, r, COLUMN_STATUS), &s.state) && known && s.currency;
  if (known)
    read_own_item(arena, rows, r, &s);
  else
    set_aside(arena, &s);
  return s;
}

/* -- reading those that are not plain -- */

static struct pricing_key key_of(const struct billable *s, const struct billed_item *item) {
  return (struct pricing_key){item->price->plan_id, item->price->version, s->currency};
}

/* Columns as in items_of_subscriptions.sql. What it costs is to be found yet. */
static struct billed_item read_item(struct arena *arena, const PGresult *rows, int r) {
  struct plan_price *price = ARENA_NEW(arena, struct plan_price);
  price->plan_id = arena_strdup(arena, row_text(rows, r, 2));
  price->version = row_int(rows, r, 3);
  struct billed_item item = {.number = row_int(rows, r, 1),
                             .price = price,
                             .quantity = {row_int(rows, r, 4)},
                             .added_index = row_int(rows, r, 5)};
  return item;
}

/* Rows [first, end) are the add-ons of one subscription. */
static void add_items(struct arena *arena, const PGresult *rows, struct billable *s, int first, int end) {
  struct billed_item *items = ARENA_ARRAY(arena, struct billed_item, 1 + (size_t)(end - first));
  items[0] = s->items[0];
  for (int r = first; r < end; r++) items[1 + r - first] = read_item(arena, rows, r);
  s->items = items;
  s->item_count = 1 + (size_t)(end - first);
}

static enum rc load_items(struct work *work, const struct uuid *tenant, struct billable *const *composed, size_t count,
                          struct error *err) {
  struct db_array *ids = db_array_new(work->arena);
  struct uuid_map *by_id = uuid_map_new(work->arena, count);
  size_t at;
  for (size_t i = 0; i < count; i++) {
    db_array_uuid(ids, &composed[i]->id);
    if (!uuid_map_add(by_id, &composed[i]->id, i, &at)) return error_set(err, RC_BUG, "a subscription twice");
    add_items(work->arena, NULL, composed[i], 0, 0);
  }
  PGresult CLEANUP(db_result_release) *rows = NULL;
  TRY(tx_exec(work->tx, &sql_items_of_subscriptions, PARAMS(db_uuid(work->arena, tenant), db_array_literal(ids)), &rows,
              err));
  for (int first = 0, end; first < row_count(rows); first = end) {
    struct uuid id = row_uuid(rows, first, 0);
    for (end = first + 1; end < row_count(rows) && strcmp(row_text(rows, end, 0), row_text(rows, first, 0)) == 0;)
      end++;
    if (uuid_map_find(by_id, &id, &at)) add_items(work->arena, rows, composed[at], first, end);
  }
  return RC_OK;
}

/* An override takes the place of the bare price of item 0. */
static enum rc price_item(struct arena *arena, const struct pricing *pricing, const struct billable *s,
                          struct billed_item *item, struct error *err) {
  struct pricing_key key = key_of(s, item);
  const struct plan_price *found, *row = item->price;
  TRY(pricing_find(pricing, &key, &found, err));
  item->price = found;
  if (item->number > 0 || !s->has_override) return RC_OK;
  struct plan_price *overridden = ARENA_NEW(arena, struct plan_price);
  *overridden = *found;
  overridden->components = row->components;
  overridden->component_count = row->component_count;
  item->price = overridden;
  return RC_OK;
}

static void price_items(struct arena *arena, const struct pricing *pricing, struct billable *s) {
  struct billed_item *items = ARENA_ARRAY(arena, struct billed_item, s->item_count);
  struct error why;
  for (size_t i = 0; i < s->item_count; i++) {
    items[i] = s->items[i];
    if (price_item(arena, pricing, s, &items[i], &why) == RC_OK) continue;
    billing_park(arena, s, &why);
    return;
  }
  s->items = items;
}

/* Two statements for all that are not plain, whatever their number; none when there are none. */
static enum rc load_prices(struct work *work, const struct uuid *tenant, struct billable *billables, size_t count,
                           struct error *err) {
  struct billable **composed = ARENA_ARRAY(work->arena, struct billable *, count + 1);
  size_t composed_count = 0;
  struct pricing pricing = {0};
  for (size_t i = 0; i < count; i++)
    if (!billables[i].is_plain && !billables[i].is_parked) composed[composed_count++] = &billables[i];
  if (composed_count == 0) return RC_OK;
  TRY(load_items(work, tenant, composed, composed_count, err));
  for (size_t i = 0; i < composed_count; i++) {
    for (size_t k = 0; k < composed[i]->item_count; k++) {
      struct pricing_key key = key_of(composed[i], &composed[i]->items[k]);
      pricing_want(work->arena, &pricing, &key);
    }
  }
  TRY(pricing_load(work, tenant, &pricing, err));
  for (size_t i = 0; i < composed_count; i++) price_items(work->arena, &pricing, composed[i]);
  return RC_OK;
}

enum rc billables_due(struct work *work, const struct uuid *tenant, struct db_array *customers, struct utime as_of,
                      size_t most, struct billable **ret_due, size_t *ret_count, struct error *err) {
  struct arena *arena = work->arena;
  PGresult CLEANUP(db_result_release) *rows = NULL;
  TRY(tx_exec(
      work->tx, &sql_billables_due,
      PARAMS(db_uuid(arena, tenant), db_array_literal(customers), db_utime(arena, as_of), db_int(arena, (int64_t)most)),
      &rows, err));
  size_t count = (size_t)row_count(rows);
  struct billable *due = ARENA_ARRAY(arena, struct billable, count);
  for (size_t i = 0; i < count; i++) due[i] = read_billable(arena, rows, (int)i);
  TRY(load_prices(work, tenant, due, count, err));
  TRY(scheduled_load(work, tenant, due, count, err));
  *ret_due = due;
  *ret_count = count;
  return RC_OK;
}

enum rc billable_find(struct work *work, const struct uuid *tenant, const char *subscription_id,
                      struct billable *ret_subscription, struct error *err) {
  PGresult CLEANUP(db_result_release) *rows = NULL;
  TRY(tx_exec(work->tx, &sql_billable_find, PARAMS(db_uuid(work->arena, tenant), subscription_id), &rows, err));
  if (row_count(rows) == 0) return error_set(err, RC_NOT_FOUND, "there is no subscription %s", subscription_id);
  *ret_subscription = read_billable(work->arena, rows, 0);
  TRY(load_prices(work, tenant, ret_subscription, 1, err));
  if (!ret_subscription->is_parked) return scheduled_load(work, tenant, ret_subscription, 1, err);
  *err = *ret_subscription->why;
  return ret_subscription->why->code;
}

/* -- writing -- */

/* The columns of an update by arrays, in the order of subscriptions_advance.sql. */
enum { IDS, STATUSES, INDEXES, TIMES, STARTS, ENDS, PARKED, CHARGES, SUMS, VERSIONS, ZONES, RENEWED, ARREARS, ARRAYS };

static void add_period(struct db_array *const *array, const struct billable *s) {
  if (s->has_period) {
    db_array_utime(array[STARTS], s->period_start);
    db_array_utime(array[ENDS], s->period_end);
  } else {
    db_array_text(array[STARTS], NULL);
    db_array_text(array[ENDS], NULL);
  }
}

static void add_charges(struct db_array *array, struct arena *arena, const struct billable *s) {
  if (!s->charges) {
    db_array_text(array, NULL);
    return;
  }
  struct charges charges = charges_of_period(arena, s);
  db_array_text(array, charges_text(arena, &charges, s->currency));
}

static void add_row(struct db_array *const *array, struct arena *arena, const struct billable *s) {
  db_array_uuid(array[IDS], &s->id);
  db_array_text(array[STATUSES], s->is_unreadable ? NULL : subscription_state_name(s->state));
  db_array_int(array[INDEXES], s->next_index);
  if (s->ends || s->is_parked || s->state == SUBSCRIPTION_INCOMPLETE)
    db_array_text(array[TIMES], NULL);
  else
    db_array_utime(array[TIMES], s->next_at);
  add_period(array, s);
  db_array_bool(array[PARKED], s->is_parked);
  add_charges(array[CHARGES], arena, s);
  db_array_int(array[SUMS], s->charged_minor);
  db_array_int(array[VERSIONS], s->version);
  db_array_text(array[ZONES], s->zone_name);
  db_array_text(array[RENEWED], renewed_text(arena, s));
  if (s->has_arrears_from)
    db_array_date(array[ARREARS], s->arrears_from);
  else
    db_array_text(array[ARREARS], NULL);
}

enum rc billables_advance(struct work *work, const struct uuid *tenant, const struct billable *billables, size_t count,
                          struct error *err) {
  struct arena *arena = work->arena;
  struct db_array *array[ARRAYS];
  for (int a = 0; a < ARRAYS; a++) array[a] = db_array_new(arena);
  for (size_t i = 0; i < count; i++) add_row(array, arena, &billables[i]);
  const char *params[1 + ARRAYS + 1] = {db_uuid(arena, tenant)};
  for (int a = 0; a < ARRAYS; a++) params[1 + a] = db_array_literal(array[a]);
  params[1 + ARRAYS] = db_utime(arena, work->now);
  int64_t before = work->tx->written;
  TRY(tx_exec(work->tx, &sql_subscriptions_advance, params, 1 + ARRAYS + 1, NULL, err));
  if (work->tx->written - before == (int64_t)count) return RC_OK;
  return error_set(err, RC_DB_CONFLICT, "a subscription was changed while it was billed"); /* nobody holds its lock */
}
