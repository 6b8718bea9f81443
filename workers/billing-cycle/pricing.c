/* See pricing.h. The versions that a batch needs are few, and the same again and again: a list serves. */
#include "pricing.h"

#include <string.h>

#include "components.h"
#include "sql.h"

struct price_component pricing_bare(int64_t price_minor, const struct currency *currency) {
  return (struct price_component){.code = "base",
                                  .model = PRICE_PER_UNIT,
                                  .timing = PRICE_ADVANCE,
                                  .unit_price = decimal_of_money(price_minor, currency)};
}

bool pricing_is_plain(const struct plan_price *price) {
  return price->is_bare && price->setup_fee_minor == 0 && price->minimum_minor == 0 && price->basis == PRORATION_DAY;
}

enum rc pricing_read(struct arena *arena, const PGresult *rows, int row, int column, const struct currency *currency,
                     struct plan_price *plan, struct error *err) {
  if (!proration_basis_from_name(row_text(rows, row, column), &plan->basis))
    return error_set(err, RC_INVARIANT, "the proration basis of the plan %s is unknown", plan->code);
  plan->is_bare = !row_is_null(rows, row, column + 1);
  if (plan->is_bare) plan->bare_minor = row_int(rows, row, column + 1);
  plan->setup_fee_minor = row_int(rows, row, column + 3);
  plan->minimum_minor = row_int(rows, row, column + 4);
  return price_components_read(arena, row_text(rows, row, column + 2), currency, &plan->components,
                               &plan->component_count, err);
}

static bool is_same(const struct pricing_key *a, const struct pricing_key *b) {
  return a->version == b->version && a->currency == b->currency && strcmp(a->plan_id, b->plan_id) == 0;
}

static size_t place_of(const struct pricing *pricing, const struct pricing_key *key) {
  size_t at = 0;
  while (at < pricing->count && !is_same(&pricing->keys[at], key)) at++;
  return at;
}

void pricing_want(struct arena *arena, struct pricing *pricing, const struct pricing_key *key) {
  if (place_of(pricing, key) < pricing->count) return;
  if (pricing->count == pricing->capacity) {
    size_t capacity = pricing->capacity ? 2 * pricing->capacity : 16;
    struct pricing_key *keys = ARENA_ARRAY(arena, struct pricing_key, capacity);
    if (pricing->count) memcpy(keys, pricing->keys, pricing->count * sizeof *keys);
    pricing->keys = keys;
    pricing->capacity = capacity;
  }
  pricing->keys[pricing->count++] = *key;
}

/* Columns as in plan_billing_load.sql. */
static enum rc read_price(struct arena *arena, const PGresult *rows, int r, struct pricing *pricing,
                          struct error *err) {
  enum { PLAN, VERSION, CURRENCY, CODE, NAME, TERMS };
  struct pricing_key key = {row_text(rows, r, PLAN), row_int(rows, r, VERSION),
                            currency_find(row_text(rows, r, CURRENCY))};
  size_t at = place_of(pricing, &key);
  if (at == pricing->count) return error_set(err, RC_BUG, "a price that nobody asked for");
  struct plan_price *price = ARENA_NEW(arena, struct plan_price);
  *price = (struct plan_price){.plan_id = pricing->keys[at].plan_id,
                               .code = arena_strdup(arena, row_text(rows, r, CODE)),
                               .name = arena_strdup(arena, row_text(rows, r, NAME)),
                               .version = key.version};
  struct error ignored; /* what cannot be read is missing: it concerns those that need it, not the batch (BILL-063) */
  if (pricing_read(arena, rows, r, TERMS, key.currency, price, &ignored) == RC_OK) pricing->prices[at] = price;
  return RC_OK;
}

enum rc pricing_load(struct work *work, const struct uuid *tenant, struct pricing *pricing, struct error *err) {
  struct arena *arena = work->arena;
  struct db_array *plans = db_array_new(arena), *versions = db_array_new(arena), *currencies = db_array_new(arena);
  for (size_t i = 0; i < pricing->count; i++) {
    db_array_text(plans, pricing->keys[i].plan_id);
    db_array_int(versions, pricing->keys[i].version);
    db_array_text(currencies, pricing->keys[i].currency->code);
  }
  pricing->prices = ARENA_ARRAY(arena, struct plan_price *, pricing->count + 1);
  PGresult CLEANUP(db_result_release) *rows = NULL;
  TRY(tx_exec(
      work->tx, &sql_plan_billing_load,
      PARAMS(db_uuid(arena, tenant), db_array_literal(plans), db_array_literal(versions), db_array_literal(currencies)),
      &rows, err));
  for (int r = 0; r < row_count(rows); r++) TRY(read_price(arena, rows, r, pricing, err));
  return RC_OK;
}

enum rc pricing_find(const struct pricing *pricing, const struct pricing_key *key, const struct plan_price **ret_price,
                     struct error *err) {
  size_t at = place_of(pricing, key);
  if (at == pricing->count || !pricing->prices[at])
    return error_set(err, RC_INVARIANT, "the plan %s has no price in %s at version %lld that can be read", key->plan_id,
                     key->currency->code, (long long)key->version);
  *ret_price = pricing->prices[at];
  return RC_OK;
}
