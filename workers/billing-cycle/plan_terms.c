/* Reading, comparing and writing what a plan says. A body's member replaces what was said before; what it leaves out
 * stays. So one reader serves a new plan, which says nothing yet, and a change of an old one. */
#include "plan_terms.h"

#include <string.h>

#include "base/json_text.h"
#include "components.h"
#include "domain/tax.h"
#include "pricing.h"
#include "sql.h"

static bool is_member(json_t *body, const char *field) {
  return json_object_get(body, field) != NULL;
}

static bool is_given(json_t *body, const char *field) {
  json_t *member = json_object_get(body, field);
  return member && !json_is_null(member);
}

/* ---- how often ---- */

/* BILL-012: a cycle is an interval of one; an interval without a count is one, too. */
static enum rc read_interval(json_t *body, struct plan_terms *terms, bool is_new, struct error *err) {
  const char *cycle, *unit;
  struct interval interval = terms->interval;
  int64_t interval_count;
  TRY(body_text(body, "billingCycle", &cycle, err));
  TRY(body_text(body, "interval", &unit, err));
  bool stays = !cycle && !unit && !is_new;
  TRY(body_int(body, "intervalCount", 1, INTERVAL_COUNT_MAX, stays ? interval.count : 1, &interval_count, err));
  if (!cycle && !unit && is_new) return error_field(err, RC_VALIDATION, "billingCycle", "is required");
  if (cycle) TRY(interval_from_cycle(cycle, "billingCycle", &interval, err));
  if (unit) {
    if (!interval_unit_from_name(unit, &interval.unit))
      return error_field(err, RC_VALIDATION, "interval", "must be day, week, month, quarter or year");
    if (cycle && strcmp(interval_cycle((struct interval){interval.unit, 1}), cycle) != 0)
      return error_field(err, RC_VALIDATION, "interval", "contradicts billingCycle");
  }
  interval.count = (int)interval_count;
  terms->interval = interval;
  return RC_OK;
}

/* BILL-020 */
static enum rc read_basis(json_t *body, struct plan_terms *terms, struct error *err) {
  const char *basis;
  TRY(body_text(body, "prorationBasis", &basis, err));
  if (basis && strcmp(basis, "day") != 0 && strcmp(basis, "second") != 0)
    return error_field(err, RC_VALIDATION, "prorationBasis", "must be day or second");
  if (basis || !terms->proration_basis) terms->proration_basis = basis ? basis : "day";
  return RC_OK;
}

/* ---- how much ---- */

static enum rc read_amount(json_t *object, const char *prefix, const char *member, const struct currency *currency,
                           int64_t *amount, struct error *err) {
  char path[ERROR_FIELD_MAX];
  const char *text;
  int64_t minor = 0;
  if (!is_member(object, member)) return RC_OK;
  snprintf(path, sizeof path, "%s%s", prefix, member);
  TRY(body_decimal(object, member, &text, err));
  if (text) TRY(money_parse(text, currency, path, &minor, err));
  if (minor < 0) return error_field(err, RC_VALIDATION, path, "must not be negative");
  if (minor > TAXABLE_MAX) return error_field(err, RC_VALIDATION, path, "is too large");
  *amount = minor;
  return RC_OK;
}

static enum rc read_bare_price(struct arena *arena, json_t *object, const char *prefix, struct terms_price *price,
                               struct error *err) {
  TRY(read_amount(object, prefix, "price", price->currency, &price->amount_minor, err));
  struct price_component *base = ARENA_NEW(arena, struct price_component);
  *base = pricing_bare(price->amount_minor, price->currency);
  price->is_bare = true;
  price->components = base;
  price->component_count = 1;
  return RC_OK;
}

/* Metrics come with usage events: until a tenant can have one, none is there. */
static enum rc check_metrics(const struct terms_price *price, const char *path, struct error *err) {
  for (size_t i = 0; i < price->component_count; i++) {
    char field[ERROR_FIELD_MAX];
    if (!price->components[i].metric) continue;
    snprintf(field, sizeof field, "%s[%zu].metric", path, i);
    return error_field(err, RC_VALIDATION, field, "there is no metric %s", price->components[i].metric);
  }
  return RC_OK;
}

static enum rc read_components(struct arena *arena, json_t *object, const char *prefix, struct terms_price *price,
                               struct error *err) {
  char path[ERROR_FIELD_MAX];
  snprintf(path, sizeof path, "%scomponents", prefix);
  TRY(price_components_of_body(arena, object, "components", path, &price->components, &price->component_count, err));
  price->is_bare = false;
  price->amount_minor = 0;
  return check_metrics(price, path, err);
}

/* In one currency. A price that has been read before may stay as it is. */
static enum rc read_price(struct arena *arena, json_t *object, const char *prefix, struct terms_price *price,
                          struct error *err) {
  char path[ERROR_FIELD_MAX];
  bool has_price = is_given(object, "price");
  bool has_components = is_given(object, "components");
  if (has_price && has_components) {
    snprintf(path, sizeof path, "%scomponents", prefix);
    return error_field(err, RC_VALIDATION, path, "cannot be combined with price");
  }
  if (!has_price && !has_components && price->component_count == 0) {
    snprintf(path, sizeof path, "%sprice", prefix);
    return error_field(err, RC_VALIDATION, path, "is required, or components");
  }
  if (has_price) TRY(read_bare_price(arena, object, prefix, price, err));
  if (has_components) TRY(read_components(arena, object, prefix, price, err));
  TRY(read_amount(object, prefix, "setupFee", price->currency, &price->setup_fee_minor, err));
  return read_amount(object, prefix, "minimumCommitment", price->currency, &price->minimum_minor, err);
}

static enum rc read_currency(json_t *object, const char *prefix, const struct currency **ret_currency,
                             struct error *err) {
  char path[ERROR_FIELD_MAX];
  const char *code;
  TRY(body_text(object, "currency", &code, err));
  const struct currency *currency = code ? currency_find(code) : NULL;
  snprintf(path, sizeof path, "%scurrency", prefix);
  if (!code) return error_field(err, RC_VALIDATION, path, "is required");
  if (!currency) return error_field(err, RC_VALIDATION, path, "is not a currency of ISO 4217");
  *ret_currency = currency;
  return RC_OK;
}

/* The plan's own price. In another currency than before it is another price: nothing of the old one stays. */
static enum rc read_own_price(struct arena *arena, json_t *body, struct plan_terms *terms, struct error *err) {
  struct terms_price *own = &terms->prices[0];
  const struct currency *currency = own->currency;
  if (!currency || is_given(body, "currency")) TRY(read_currency(body, "", &currency, err));
  if (currency != own->currency) *own = (struct terms_price){.currency = currency};
  if (terms->price_count == 0) terms->price_count = 1;
  return read_price(arena, body, "", own, err);
}

static int compare_currencies(const void *a, const void *b) {
  return strcmp(((const struct terms_price *)a)->currency->code, ((const struct terms_price *)b)->currency->code);
}

static enum rc check_currency_is_new(const struct plan_terms *terms, size_t i, const char *path, struct error *err) {
  for (size_t j = 0; j < i; j++)
    if (terms->prices[j].currency == terms->prices[i].currency)
      return error_field(err, RC_VALIDATION, path, "%s has a price already", terms->prices[i].currency->code);
  return RC_OK;
}

/* Those in further currencies, all of them: a list that is given replaces the one before. */
static enum rc read_further_prices(struct arena *arena, json_t *body, struct plan_terms *terms, struct error *err) {
  json_t *rows = json_object_get(body, "prices"), *row;
  size_t index;
  for (size_t i = 1; !rows && i < terms->price_count; i++) TRY(check_currency_is_new(terms, i, "currency", err));
  if (!rows) return RC_OK;
  if (json_array_size(rows) >= PLAN_PRICES_MAX)
    return error_field(err, RC_VALIDATION, "prices", "at most %d", PLAN_PRICES_MAX - 1);
  terms->price_count = 1;
  json_array_foreach(rows, index, row) {
    char prefix[ERROR_FIELD_MAX], path[ERROR_FIELD_MAX];
    struct terms_price *price = &terms->prices[terms->price_count];
    *price = (struct terms_price){.currency = NULL};
    snprintf(prefix, sizeof prefix, "prices[%zu].", index);
    snprintf(path, sizeof path, "prices[%zu].currency", index);
    TRY(read_currency(row, prefix, &price->currency, err));
    TRY(check_currency_is_new(terms, terms->price_count, path, err));
    TRY(read_price(arena, row, prefix, price, err));
    terms->price_count++;
  }
  qsort(terms->prices + 1, terms->price_count - 1, sizeof terms->prices[0], compare_currencies);
  return RC_OK;
}

/* ---- what one may use ---- */

static void read_json(struct arena *arena, json_t *body, const char *field, const char *empty, const char **value) {
  if (!*value || is_member(body, field)) *value = is_given(body, field) ? body_json(arena, body, field) : empty;
}

enum rc plan_terms_read(struct arena *arena, json_t *body, struct plan_terms *terms, struct error *err) {
  bool is_new = terms->price_count == 0;
  TRY(read_interval(body, terms, is_new, err));
  TRY(read_basis(body, terms, err));
  TRY(read_own_price(arena, body, terms, err));
  TRY(read_further_prices(arena, body, terms, err));
  read_json(arena, body, "features", "[]", &terms->features);
  read_json(arena, body, "limits", "{}", &terms->limits);
  return is_member(body, "tier") ? body_text(body, "tier", &terms->tier, err) : RC_OK;
}

/* ---- what was said before ---- */

static enum rc load_price(struct arena *arena, json_t *row, struct terms_price *price, struct error *err) {
  const char *currency, *components;
  TRY(body_text(row, "currency", &currency, err));
  TRY(body_int(row, "setupFeeMinor", 0, MONEY_MAX, 0, &price->setup_fee_minor, err));
  TRY(body_int(row, "minimumMinor", 0, MONEY_MAX, 0, &price->minimum_minor, err));
  TRY(body_int(row, "amountMinor", 0, MONEY_MAX, 0, &price->amount_minor, err));
  price->is_bare = is_given(row, "amountMinor");
  price->currency = currency ? currency_find(currency) : NULL;
  components = body_json(arena, row, "components");
  if (!price->currency || !components) return error_set(err, RC_INVARIANT, "a plan's price cannot be read");
  return price_components_read(arena, components, price->currency, &price->components, &price->component_count, err);
}

static enum rc load_prices(struct arena *arena, const char *text, struct plan_terms *terms, struct error *err) {
  struct buf CLEANUP(buf_release) exact;
  json_t *row;
  size_t index;
  buf_init(&exact, (size_t)2 * MESSAGE_VALUE_MAX);
  TRY(json_exact(text, strlen(text), &exact, err));
  json_auto_t *rows = json_loads(buf_text(&exact), 0, NULL);
  if (json_array_size(rows) == 0 || json_array_size(rows) > PLAN_PRICES_MAX)
    return error_set(err, RC_INVARIANT, "a plan's prices cannot be read");
  json_array_foreach(rows, index, row) TRY(load_price(arena, row, &terms->prices[index], err));
  terms->price_count = index;
  return RC_OK;
}

enum rc plan_terms_load(struct arena *arena, const PGresult *row, int column, struct plan_terms *ret_terms,
                        struct error *err) {
  struct plan_terms terms = {.interval.count = (int)row_int(row, 0, column + 1)};
  if (!interval_unit_from_name(row_text(row, 0, column), &terms.interval.unit))
    return error_set(err, RC_INVARIANT, "a plan's interval is unknown");
  terms.proration_basis = arena_strdup(arena, row_text(row, 0, column + 2));
  terms.features = arena_strdup(arena, row_text(row, 0, column + 3));
  terms.limits = arena_strdup(arena, row_text(row, 0, column + 4));
  if (!row_is_null(row, 0, column + 5)) terms.tier = arena_strdup(arena, row_text(row, 0, column + 5));
  TRY(load_prices(arena, row_text(row, 0, column + 6), &terms, err));
  *ret_terms = terms;
  return RC_OK;
}

/* ---- whether anything changed ---- */

static bool is_same_text(const char *a, const char *b) {
  return a == b || (a && b && strcmp(a, b) == 0);
}

static bool is_same_json(const char *a, const char *b) {
  json_auto_t *left = json_loads(a, JSON_DECODE_ANY, NULL), *right = json_loads(b, JSON_DECODE_ANY, NULL);
  return json_equal(left, right);
}

static bool is_same_price(struct arena *arena, const struct terms_price *a, const struct terms_price *b) {
  return a->currency == b->currency && a->is_bare == b->is_bare && a->amount_minor == b->amount_minor &&
         a->setup_fee_minor == b->setup_fee_minor && a->minimum_minor == b->minimum_minor &&
         strcmp(price_components_json(arena, a->components, a->component_count, a->currency),
                price_components_json(arena, b->components, b->component_count, b->currency)) == 0;
}

bool plan_terms_equal(struct arena *arena, const struct plan_terms *a, const struct plan_terms *b) {
  bool is_same = a->interval.unit == b->interval.unit && a->interval.count == b->interval.count &&
                 is_same_text(a->proration_basis, b->proration_basis) && is_same_text(a->tier, b->tier) &&
                 is_same_json(a->features, b->features) && is_same_json(a->limits, b->limits) &&
                 a->price_count == b->price_count;
  for (size_t i = 0; is_same && i < a->price_count; i++) is_same = is_same_price(arena, &a->prices[i], &b->prices[i]);
  return is_same;
}

/* ---- writing ---- */

enum rc plan_terms_insert(struct work *work, const struct message *command, int64_t plan_version,
                          const struct plan_terms *terms, struct error *err) {
  struct arena *arena = work->arena;
  struct db_array *currencies = db_array_new(arena), *amounts = db_array_new(arena), *components = db_array_new(arena),
                  *setup_fees = db_array_new(arena), *minima = db_array_new(arena);
  for (size_t i = 0; i < terms->price_count; i++) {
    const struct terms_price *price = &terms->prices[i];
    db_array_text(currencies, price->currency->code);
    if (price->is_bare)
      db_array_int(amounts, price->amount_minor);
    else
      db_array_text(amounts, NULL);
    db_array_text(components, price_components_json(arena, price->components, price->component_count, price->currency));
    db_array_int(setup_fees, price->setup_fee_minor);
    db_array_int(minima, price->minimum_minor);
  }
  return tx_exec(work->tx, &sql_plan_version_insert,
                 PARAMS(db_uuid(arena, &command->tenant), command->subject, db_int(arena, plan_version),
                        interval_unit_name(terms->interval.unit), db_int(arena, terms->interval.count),
                        terms->proration_basis, terms->prices[0].currency->code, terms->features, terms->limits,
                        terms->tier, db_array_literal(currencies), db_array_literal(amounts),
                        db_array_literal(components), db_array_literal(setup_fees), db_array_literal(minima),
                        db_utime(arena, work->now)),
                 NULL, err);
}
