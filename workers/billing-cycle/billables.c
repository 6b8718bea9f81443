/* See billables.h. */
#include "billables.h"

#include "base/assert.h"
#include "charges.h"
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

static const char *text_of(struct arena *arena, const PGresult *rows, int r, enum column column) {
  return row_is_null(rows, r, (int)column) ? NULL : arena_strdup(arena, row_text(rows, r, (int)column));
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

static void read_items(struct arena *arena, const PGresult *rows, int r, struct billable *s) {
  struct plan_price plan = {.plan_id = text_of(arena, rows, r, COLUMN_PLAN),
                            .code = text_of(arena, rows, r, COLUMN_PLAN_CODE),
                            .name = text_of(arena, rows, r, COLUMN_PLAN_NAME),
                            .version = row_int(rows, r, COLUMN_PLAN_VERSION)};
  struct quantity quantity = {row_int(rows, r, COLUMN_QUANTITY)};
  s->items = billable_plain_item(arena, &plan, row_int(rows, r, COLUMN_PRICE), s->currency, quantity);
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
                       .collection = text_of(arena, rows, r, COLUMN_COLLECTION),
                       .zone_name = text_of(arena, rows, r, COLUMN_ZONE),
                       .next_zone_name = text_of(arena, rows, r, COLUMN_NEXT_ZONE),
                       .start = row_date(rows, r, COLUMN_START),
                       .has_override = row_bool(rows, r, COLUMN_HAS_OVERRIDE),
                       .is_plain = row_bool(rows, r, COLUMN_IS_PLAIN),
                       .first_index = row_int(rows, r, COLUMN_FIRST_INDEX),
                       .next_index = row_int(rows, r, COLUMN_NEXT_INDEX),
                       .charged_minor = row_int(rows, r, COLUMN_CHARGED),
                       .auto_renew = row_bool(rows, r, COLUMN_AUTO_RENEW),
                       .version = row_int(rows, r, COLUMN_VERSION)};
  if (s.next_zone_name) s.next_zone_at = row_utime(rows, r, COLUMN_NEXT_ZONE_AT);
  s.cancel_at_period_end = !row_is_null(rows, r, COLUMN_CANCEL_AT);
  if (s.cancel_at_period_end) s.cancel_at = row_utime(rows, r, COLUMN_CANCEL_AT);
  s.has_arrears_from = !row_is_null(rows, r, COLUMN_ARREARS_FROM);
  if (s.has_arrears_from) s.arrears_from = row_date(rows, r, COLUMN_ARREARS_FROM);
  s.has_period = !row_is_null(rows, r, COLUMN_PERIOD_START);
  if (s.has_period) s.period_start = row_utime(rows, r, COLUMN_PERIOD_START);
  if (s.has_period) s.period_end = row_utime(rows, r, COLUMN_PERIOD_END);
  bool known = read_grid(rows, r, &s.grid);
  known = subscription_state_from_name(row_text(rows, r, COLUMN_STATUS), &s.state) && known && s.currency;
  if (known)
    read_items(arena, rows, r, &s);
  else
    set_aside(arena, &s);
  return s;
}

enum rc billables_due(struct work *work, const struct uuid *tenant, struct db_array *customers, struct utime as_of,
                      struct billable **ret_due, size_t *ret_count, struct error *err) {
  struct arena *arena = work->arena;
  PGresult CLEANUP(db_result_release) *rows = NULL;
  TRY(tx_exec(work->tx, &sql_billables_due,
              PARAMS(db_uuid(arena, tenant), db_array_literal(customers), db_utime(arena, as_of)), &rows, err));
  size_t count = (size_t)row_count(rows);
  struct billable *due = ARENA_ARRAY(arena, struct billable, count);
  for (size_t i = 0; i < count; i++) due[i] = read_billable(arena, rows, (int)i);
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
  if (ret_subscription->is_unreadable) return error_set(err, RC_INVARIANT, "%s", ret_subscription->why->text);
  return RC_OK;
}

/* -- writing -- */

/* The columns of an update by arrays, in the order of subscriptions_advance.sql. */
enum { IDS, STATUSES, INDEXES, TIMES, STARTS, ENDS, PARKED, CHARGES, SUMS, VERSIONS, ZONES, ARRAYS };

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
  if (s->ends || s->is_parked)
    db_array_text(array[TIMES], NULL);
  else
    db_array_utime(array[TIMES], s->next_at);
  add_period(array, s);
  db_array_bool(array[PARKED], s->is_parked);
  add_charges(array[CHARGES], arena, s);
  db_array_int(array[SUMS], s->charged_minor);
  db_array_int(array[VERSIONS], s->version);
  db_array_text(array[ZONES], s->zone_name);
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
  return tx_exec(work->tx, &sql_subscriptions_advance, params, 1 + ARRAYS + 1, NULL, err);
}
