/* Loading what a batch stands on. A tenant without tax rates, coupons or account credit costs the batch one statement.
 */
#include "invoicing/ground.h"

#include <string.h>

#include "base/assert.h"
#include "db/columns.h"
#include "invoicing/landing.h"
#include "invoicing/origins.h"
#include "invoicing_sql.h"

const struct settings *settings_of(const struct ground *ground, const struct uuid *tenant) {
  for (size_t i = 0; i < ground->settings_count; i++) /* tenants in one batch are few */
    if (uuid_equal(&ground->settings[i].tenant, tenant)) return &ground->settings[i];
  assert_failed("settings of a tenant of the batch", __FILE__, __LINE__);
}

void invoice_begin(const struct ground *ground, struct invoice *invoice, struct utime now) {
  int64_t hours = invoice->is_awaited ? 0 : settings_of(ground, &invoice->tenant)->draft_hours;
  invoice->is_draft = hours > 0;
  invoice->auto_finalise = utime_add_ms(now, hours * 3600 * 1000);
}

/* -- settings and rates -- */

static enum rc read_settings(struct work *work, const PGresult *rows, int row, struct settings *settings,
                             struct error *err) {
  settings->tenant = row_uuid(rows, row, 0);
  if (!tax_rounding_from_name(row_text(rows, row, 1), &settings->tax_rounding))
    return error_set(err, RC_INVARIANT, "a tenant's tax rounding is unknown");
  settings->draft_hours = row_int(rows, row, 2);
  settings->country = row_text_copy(work->arena, rows, row, 3);
  settings->has_rates = row_bool(rows, row, 4);
  settings->has_coupons = row_bool(rows, row, 5);
  settings->has_credit = row_bool(rows, row, 6);
  settings->has_drafts = row_bool(rows, row, 7);
  return RC_OK;
}

static enum rc load_settings(struct work *work, const struct invoice *invoices, size_t count, struct ground *ground,
                             struct error *err) {
  struct db_array *tenants = db_array_new(work->arena);
  struct uuid_map *seen = uuid_map_new(work->arena, count);
  size_t ignored;
  for (size_t i = 0; i < count; i++)
    if (uuid_map_add(seen, &invoices[i].tenant, i, &ignored)) db_array_uuid(tenants, &invoices[i].tenant);
  PGresult CLEANUP(db_result_release) *rows = NULL;
  TRY(tx_exec(work->tx, &invoicing_sql_settings_load, PARAMS(db_array_literal(tenants)), &rows, err));
  if ((size_t)row_count(rows) != db_array_count(tenants))
    return error_field(err, RC_INVARIANT, "tenantId", "there is no such tenant");
  ground->settings_count = (size_t)row_count(rows);
  ground->settings = ARENA_ARRAY(work->arena, struct settings, ground->settings_count);
  for (int r = 0; r < row_count(rows); r++) TRY(read_settings(work, rows, r, &ground->settings[r], err));
  return RC_OK;
}

static enum rc read_rule(struct work *work, const PGresult *rows, int row, struct tax_rule *rule, struct error *err) {
  rule->country = row_text_copy(work->arena, rows, row, 1);
  rule->region = row_text_copy(work->arena, rows, row, 2);
  rule->tax_code = row_text_copy(work->arena, rows, row, 3);
  rule->rate.percent_micro = row_int(rows, row, 4);
  rule->rate.is_inclusive = row_bool(rows, row, 6);
  rule->rate.id = row_uuid(rows, row, 7);
  if (tax_category_from_name(row_text(rows, row, 5), &rule->rate.category)) return RC_OK;
  return error_set(err, RC_INVARIANT, "a tax rate's category is unknown");
}

static enum rc load_rates(struct work *work, struct ground *ground, struct error *err) {
  struct db_array *tenants = db_array_new(work->arena);
  for (size_t i = 0; i < ground->settings_count; i++)
    if (ground->settings[i].has_rates) db_array_uuid(tenants, &ground->settings[i].tenant);
  if (db_array_count(tenants) == 0) return RC_OK;
  PGresult CLEANUP(db_result_release) *rows = NULL;
  TRY(tx_exec(work->tx, &invoicing_sql_tax_rates_load, PARAMS(db_array_literal(tenants)), &rows, err));
  size_t rule_count = (size_t)row_count(rows);
  struct tax_rule *rules = ARENA_ARRAY(work->arena, struct tax_rule, rule_count);
  for (size_t r = 0; r < rule_count; r++) {
    struct uuid tenant = row_uuid(rows, (int)r, 0);
    TRY(read_rule(work, rows, (int)r, &rules[r], err));
    for (size_t i = 0; i < ground->settings_count; i++) {
      struct settings *settings = &ground->settings[i];
      if (!uuid_equal(&settings->tenant, &tenant)) continue;
      if (settings->rule_count++ == 0) settings->rules = &rules[r];
    }
  }
  return RC_OK;
}

/* Customers of the batch, each once, whose tenant has what is asked about. */
static void add_customers(struct work *work, const struct invoice *invoices, size_t count, const struct ground *ground,
                          bool (*wants)(const struct settings *), struct db_array *tenants,
                          struct db_array *customers) {
  struct uuid_map *seen = uuid_map_new(work->arena, count);
  size_t ignored;
  for (size_t i = 0; i < count; i++) {
    struct uuid customer;
    bool parsed = uuid_parse(invoices[i].customer_id, &customer);
    ASSERT(parsed);
    if (invoices[i].is_known || !wants(settings_of(ground, &invoices[i].tenant))) continue;
    if (!uuid_map_add(seen, &customer, i, &ignored)) continue;
    db_array_uuid(tenants, &invoices[i].tenant);
    db_array_uuid(customers, &customer);
  }
}

static bool wants_taxes(const struct settings *settings) {
  return settings->has_rates;
}

static bool wants_credit(const struct settings *settings) {
  return settings->has_credit;
}

static enum rc load_parties(struct work *work, const struct invoice *invoices, size_t count, struct ground *ground,
                            struct error *err) {
  struct db_array *tenants = db_array_new(work->arena), *customers = db_array_new(work->arena);
  add_customers(work, invoices, count, ground, wants_taxes, tenants, customers);
  ground->customers = uuid_map_new(work->arena, count);
  if (db_array_count(customers) == 0) return RC_OK;
  PGresult CLEANUP(db_result_release) *rows = NULL;
  TRY(tx_exec(work->tx, &invoicing_sql_parties_load, PARAMS(db_array_literal(tenants), db_array_literal(customers)),
              &rows, err));
  ground->parties = ARENA_ARRAY(work->arena, struct tax_party, (size_t)row_count(rows));
  for (int r = 0; r < row_count(rows); r++) {
    struct uuid id = row_uuid(rows, r, 0);
    size_t ignored;
    uuid_map_add(ground->customers, &id, (size_t)r, &ignored);
    ground->parties[r] = (struct tax_party){.country = row_text_copy(work->arena, rows, r, 1),
                                            .region = row_text_copy(work->arena, rows, r, 2),
                                            .is_exempt = row_bool(rows, r, 3),
                                            .has_tax_id = row_bool(rows, r, 4)};
  }
  return RC_OK;
}

/* -- coupons -- */

static void read_coupon(struct work *work, const PGresult *rows, int row, struct redeemed *coupon) {
  coupon->tenant = row_uuid(rows, row, 0);
  coupon->subscription_id = row_text_copy(work->arena, rows, row, 1);
  coupon->coupon_id = row_text_copy(work->arena, rows, row, 2);
  coupon->code = row_text_copy(work->arena, rows, row, 3);
  coupon->plan_ids = row_text_copy(work->arena, rows, row, 4);
  coupon->currency = row_is_null(rows, row, 5) ? NULL : currency_find(row_text(rows, row, 5));
  coupon->percent_micro = row_int(rows, row, 6);
  coupon->amount_minor = row_int(rows, row, 7);
  coupon->from_period = row_int(rows, row, 8);
  coupon->periods = row_int(rows, row, 9);
}

static void add_subscriptions(struct work *work, const struct invoice *invoices, size_t count,
                              const struct ground *ground, struct db_array *tenants, struct db_array *subscriptions) {
  size_t lines = 0, ignored;
  for (size_t i = 0; i < count; i++) lines += invoices[i].line_count;
  struct uuid_map *seen = uuid_map_new(work->arena, lines);
  for (size_t i = 0; i < count; i++) {
    const struct invoice *invoice = &invoices[i];
    if (invoice->is_known || !settings_of(ground, &invoice->tenant)->has_coupons) continue;
    for (size_t n = 0; n < invoice->line_count; n++) {
      struct uuid id;
      const char *text = invoice->lines[n].subscription_id;
      if (!text || !uuid_parse(text, &id) || !uuid_map_add(seen, &id, n, &ignored)) continue;
      db_array_uuid(tenants, &invoice->tenant);
      db_array_text(subscriptions, text);
    }
  }
}

static enum rc load_coupons(struct work *work, const struct invoice *invoices, size_t count, struct ground *ground,
                            struct error *err) {
  struct db_array *tenants = db_array_new(work->arena), *subscriptions = db_array_new(work->arena);
  add_subscriptions(work, invoices, count, ground, tenants, subscriptions);
  if (db_array_count(subscriptions) == 0) return RC_OK;
  PGresult CLEANUP(db_result_release) *rows = NULL;
  TRY(tx_exec(work->tx, &invoicing_sql_coupons_load, PARAMS(db_array_literal(tenants), db_array_literal(subscriptions)),
              &rows, err));
  ground->coupon_count = (size_t)row_count(rows);
  ground->coupons = ARENA_ARRAY(work->arena, struct redeemed, ground->coupon_count);
  ground->subscriptions = uuid_map_new(work->arena, ground->coupon_count);
  for (size_t c = 0; c < ground->coupon_count; c++) {
    struct uuid subscription = row_uuid(rows, (int)c, 1);
    size_t ignored;
    read_coupon(work, rows, (int)c, &ground->coupons[c]);
    uuid_map_add(ground->subscriptions, &subscription, c, &ignored);
  }
  return RC_OK;
}

static struct coupon_use *use_add(struct work *work, struct ground *ground, const struct coupon_use *use) {
  if (ground->use_count == ground->use_capacity) {
    size_t capacity = ground->use_capacity ? 2 * ground->use_capacity : 64;
    struct coupon_use *grown = ARENA_ARRAY(work->arena, struct coupon_use, capacity);
    if (ground->use_count) memcpy(grown, ground->uses, ground->use_count * sizeof *grown);
    ground->uses = grown;
    ground->use_capacity = capacity;
  }
  ground->uses[ground->use_count] = *use;
  return &ground->uses[ground->use_count++];
}

struct coupon_use *coupon_use_of(struct work *work, struct ground *ground, const struct redeemed *coupon,
                                 int64_t period_index) {
  for (size_t i = 0; i < ground->use_count; i++)
    if (ground->uses[i].coupon == coupon && ground->uses[i].period_index == period_index) return &ground->uses[i];
  return use_add(work, ground, &(struct coupon_use){.coupon = coupon, .period_index = period_index});
}

/* What a statement about fixed coupons is asked by. */
enum { FIXED_KEYS = 3 };
struct fixed {
  const struct redeemed **at;
  size_t count;
  const char *params[FIXED_KEYS]; /* tenants, subscriptions, coupons */
};

static struct fixed find_fixed(struct work *work, const struct ground *ground) {
  struct db_array *tenants = db_array_new(work->arena), *subscriptions = db_array_new(work->arena);
  struct db_array *coupons = db_array_new(work->arena);
  struct fixed fixed = {.at = ARENA_ARRAY(work->arena, const struct redeemed *, ground->coupon_count)};
  for (size_t c = 0; c < ground->coupon_count; c++) {
    const struct redeemed *coupon = &ground->coupons[c];
    if (coupon->percent_micro > 0) continue;
    fixed.at[fixed.count++] = coupon;
    db_array_uuid(tenants, &coupon->tenant);
    db_array_text(subscriptions, coupon->subscription_id);
    db_array_text(coupons, coupon->coupon_id);
  }
  fixed.params[0] = db_array_literal(tenants);
  fixed.params[1] = db_array_literal(subscriptions);
  fixed.params[2] = db_array_literal(coupons);
  return fixed;
}

static enum rc load_uses(struct work *work, enum ground_use purpose, struct ground *ground, struct error *err) {
  struct fixed fixed = find_fixed(work, ground);
  PGresult CLEANUP(db_result_release) *rows = NULL;
  if (fixed.count == 0) return RC_OK;
  if (purpose == GROUND_TO_STORE)
    TRY(tx_exec(work->tx, &invoicing_sql_coupons_hold, fixed.params, FIXED_KEYS, NULL, err));
  TRY(tx_exec(work->tx, &invoicing_sql_coupon_uses_load, fixed.params, FIXED_KEYS, &rows, err));
  for (int r = 0; r < row_count(rows); r++) {
    struct coupon_use use = {.coupon = fixed.at[row_int(rows, r, 0)],
                             .period_index = row_int(rows, r, 1),
                             .used_minor = row_int(rows, r, 2)};
    use_add(work, ground, &use);
  }
  return RC_OK;
}

/* Whether an invoice is to be a draft of a tenant that has some already. A draft that is changed comes after those of
 * an earlier time alone, a new one after all. */
static bool looks_at_drafts(const struct invoice *invoices, size_t count, const struct ground *ground,
                            struct utime *ret_until) {
  bool looks = false;
  *ret_until = (struct utime){0};
  for (size_t i = 0; i < count; i++) {
    const struct invoice *invoice = &invoices[i];
    if (invoice->is_known || !invoice->is_draft || !settings_of(ground, &invoice->tenant)->has_drafts) continue;
    looks = true;
    if (!invoice->is_tallied) continue;
    if (ret_until->us == 0 || invoice->auto_finalise.us < ret_until->us) *ret_until = invoice->auto_finalise;
  }
  return looks;
}

enum rc ground_load_drafted(struct work *work, const struct invoice *invoices, size_t count, struct ground *ground,
                            struct error *err) {
  struct db_array *aside = db_array_new(work->arena);
  PGresult CLEANUP(db_result_release) *rows = NULL;
  struct utime until;
  if (!looks_at_drafts(invoices, count, ground, &until)) return RC_OK;
  struct fixed fixed = find_fixed(work, ground);
  if (fixed.count == 0) return RC_OK;
  for (size_t i = 0; i < count; i++) db_array_uuid(aside, &invoices[i].id);
  TRY(tx_exec(work->tx, &invoicing_sql_coupon_uses_drafted,
              PARAMS(fixed.params[0], fixed.params[1], fixed.params[2], db_array_literal(aside),
                     until.us ? db_utime(work->arena, until) : NULL),
              &rows, err));
  for (int r = 0; r < row_count(rows); r++)
    coupon_use_of(work, ground, fixed.at[row_int(rows, r, 0)], row_int(rows, r, 1))->drafted_minor =
        row_int(rows, r, 2);
  return RC_OK;
}

enum { USE_COLUMNS = 5 };

enum rc coupon_uses_save(struct work *work, const struct ground *ground, struct error *err) {
  struct db_array *columns[USE_COLUMNS];
  const char *params[USE_COLUMNS];
  db_arrays_new(work->arena, columns, USE_COLUMNS);
  for (size_t i = 0; i < ground->use_count; i++) {
    const struct coupon_use *use = &ground->uses[i];
    if (!use->is_changed) continue;
    db_array_uuid(columns[0], &use->coupon->tenant);
    db_array_text(columns[1], use->coupon->subscription_id);
    db_array_text(columns[2], use->coupon->coupon_id);
    db_array_int(columns[3], use->period_index);
    db_array_int(columns[4], use->used_minor);
  }
  if (db_array_count(columns[0]) == 0) return RC_OK;
  db_arrays_literals(columns, USE_COLUMNS, params);
  return tx_exec(work->tx, &invoicing_sql_coupon_uses_save, params, USE_COLUMNS, NULL, err);
}

/* -- account credit -- */

/* Only what is held is used: what a note or a void gives back while the lock is waited for is for the next invoice. */
static enum rc hold_grants(struct work *work, const char *const *params, const char **ret_ids, struct error *err) {
  struct db_array *ids = db_array_new(work->arena);
  PGresult CLEANUP(db_result_release) *held = NULL;
  TRY(tx_exec(work->tx, &invoicing_sql_grants_hold, params, 2, &held, err));
  for (int r = 0; r < row_count(held); r++) {
    struct uuid id = row_uuid(held, r, 0);
    db_array_uuid(ids, &id);
  }
  *ret_ids = db_array_literal(ids);
  return RC_OK;
}

static enum rc load_grants(struct work *work, const struct invoice *invoices, size_t count, bool is_held,
                           struct ground *ground, struct error *err) {
  struct db_array *tenants = db_array_new(work->arena), *customers = db_array_new(work->arena);
  PGresult CLEANUP(db_result_release) *rows = NULL;
  add_customers(work, invoices, count, ground, wants_credit, tenants, customers);
  if (db_array_count(customers) > 0) {
    const char *params[] = {db_array_literal(tenants), db_array_literal(customers), db_utime(work->arena, work->now),
                            NULL};
    if (is_held) TRY(hold_grants(work, params, &params[3], err));
    TRY(tx_exec(work->tx, &invoicing_sql_grants_load, params, 4, &rows, err));
  }
  size_t found = rows ? (size_t)row_count(rows) : 0;
  ground->grants = ARENA_ARRAY(work->arena, struct grant, found + count);
  ground->grant_uses = ARENA_ARRAY(work->arena, struct grant_use, found + 2 * count);
  ground->grant_count = found;
  for (size_t g = 0; g < found; g++)
    ground->grants[g] = (struct grant){.tenant = row_uuid(rows, (int)g, 0),
                                       .id = row_uuid(rows, (int)g, 1),
                                       .customer_id = row_text_copy(work->arena, rows, (int)g, 2),
                                       .currency = row_text_copy(work->arena, rows, (int)g, 3),
                                       .amount_minor = row_int(rows, (int)g, 4),
                                       .remaining_minor = row_int(rows, (int)g, 5)};
  return RC_OK;
}

void ground_add_grant(struct work *work, struct ground *ground, const struct grant *grant, size_t spare) {
  struct grant *grants = ARENA_ARRAY(work->arena, struct grant, ground->grant_count + 1 + spare);
  struct grant_use *uses = ARENA_ARRAY(work->arena, struct grant_use, ground->grant_count + 1 + 2 * spare);
  if (ground->grant_count) memcpy(grants, ground->grants, ground->grant_count * sizeof *grants);
  grants[ground->grant_count++] = *grant;
  ground->grants = grants;
  ground->grant_uses = uses;
  ground->grant_use_count = 0;
}

enum rc ground_load(struct work *work, struct invoice *invoices, size_t count, enum ground_use use,
                    struct ground *ret_ground, struct error *err) {
  struct ground ground = {0};
  TRY(load_settings(work, invoices, count, &ground, err));
  TRY(load_rates(work, &ground, err));
  TRY(load_parties(work, invoices, count, &ground, err));
  TRY(load_coupons(work, invoices, count, &ground, err));
  TRY(origins_load(work, invoices, count, use, err)); /* the order of locks (ARCHITECTURE.md) */
  TRY(landing_load(work, invoices, count, use, err));
  TRY(load_grants(work, invoices, count, use == GROUND_TO_STORE, &ground, err));
  TRY(load_uses(work, use, &ground, err));
  *ret_ground = ground;
  return RC_OK;
}
