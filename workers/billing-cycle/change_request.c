/* See change_request.h. */
#include "change_request.h"

#include <string.h>

#include "base/assert.h"
#include "domain/tax.h"
#include "sql.h"

/* -- reading -- */

/* BILL-004: the schema says the same to those who come by the API. */
static enum rc read_quantity(json_t *body, const char *member, const char *field, struct quantity *ret_quantity,
                             bool *ret_present, struct error *err) {
  const char *text;
  TRY(body_decimal(body, member, &text, err));
  *ret_present = text != NULL;
  if (!text) return RC_OK;
  TRY(quantity_parse(text, field, ret_quantity, err));
  if (ret_quantity->micro > 0 && ret_quantity->micro <= CHANGE_QUANTITY_MAX * MICRO) return RC_OK;
  return error_field(err, RC_VALIDATION, field, "must be above 0 and at most %lld", (long long)CHANGE_QUANTITY_MAX);
}

static enum rc read_item(struct arena *arena, json_t *body, size_t index, struct change_item *item, struct error *err) {
  bool has_quantity;
  item->field = arena_printf(arena, "items[%zu].planId", index);
  item->quantity = quantity_of(1);
  TRY(body_text(body, "planId", &item->plan, err));
  TRY(body_int(body, "planVersion", 1, INT32_MAX, 0, &item->version, err));
  if (!item->plan) return error_field(err, RC_VALIDATION, item->field, "is required");
  return read_quantity(body, "quantity", arena_printf(arena, "items[%zu].quantity", index), &item->quantity,
                       &has_quantity, err);
}

static enum rc read_items(struct arena *arena, json_t *body, struct change_request *request, struct error *err) {
  json_t *items = json_object_get(body, "items");
  request->has_items = items && !json_is_null(items);
  if (!request->has_items) return RC_OK;
  request->item_count = json_array_size(items);
  if (!json_is_array(items) || request->item_count > CHANGE_ITEMS_MAX)
    return error_field(err, RC_VALIDATION, "items", "must be at most %d items", CHANGE_ITEMS_MAX);
  for (size_t i = 0; i < request->item_count; i++)
    TRY(read_item(arena, json_array_get(items, i), i, &request->items[i], err));
  return RC_OK;
}

static enum rc read_choice(json_t *body, const char *field, const char *first, const char *second,
                           const char **ret_choice, struct error *err) {
  TRY(body_text(body, field, ret_choice, err));
  if (!*ret_choice || strcmp(*ret_choice, first) == 0 || strcmp(*ret_choice, second) == 0) return RC_OK;
  return error_field(err, RC_VALIDATION, field, "must be %s or %s", first, second);
}

enum rc change_request_read(struct arena *arena, json_t *body, struct change_request *ret_request, struct error *err) {
  struct change_request request = {0};
  TRY(body_text(body, "planId", &request.plan, err));
  TRY(body_int(body, "planVersion", 1, INT32_MAX, 0, &request.plan_version, err));
  TRY(read_quantity(body, "quantity", "quantity", &request.quantity, &request.has_quantity, err));
  TRY(read_items(arena, body, &request, err));
  TRY(body_text(body, "billingCycle", &request.billing_cycle, err));
  TRY(read_choice(body, "when", "now", "period_end", &request.when, err));
  TRY(read_choice(body, "billing", "now", "next_invoice", &request.billing, err));
  TRY(body_bool(body, "prorate", true, &request.prorate, err));
  if (!request.plan && !request.has_quantity && !request.has_items)
    return error_field(err, RC_VALIDATION, "planId", "nothing is to be changed: give planId, quantity or items");
  *ret_request = request;
  return RC_OK;
}

/* -- looking the plans up -- */

/* What plans_for_change.sql says of one that was asked for. */
struct offer {
  const char *asked, *field;
  struct plan_price price;
  struct interval interval;
};

static enum rc read_offer(struct work *work, const PGresult *rows, int r, const struct currency *currency,
                          bool accepts_deprecated, struct offer *offer, struct error *err) {
  enum { ID, CODE, NAME, VERSION, STATUS, UNIT, COUNT, HAS_PRICE, TERMS };
  struct arena *arena = work->arena;
  if (row_is_null(rows, r, ID))
    return error_field(err, RC_NOT_FOUND, offer->field, "there is no plan %s", offer->asked);
  if (row_is_null(rows, r, VERSION))
    return error_field(err, RC_NOT_FOUND, offer->field, "the plan %s has no such version", offer->asked);
  if (!accepts_deprecated && strcmp(row_text(rows, r, STATUS), "active") != 0)
    return error_field(err, RC_CONFLICT, offer->field, "the plan %s is deprecated", offer->asked);
  if (!interval_unit_from_name(row_text(rows, r, UNIT), &offer->interval.unit))
    return error_set(err, RC_INVARIANT, "a plan's interval is unknown");
  offer->interval.count = (int)row_int(rows, r, COUNT);
  if (!row_bool(rows, r, HAS_PRICE))
    return error_field(err, RC_CONFLICT, offer->field, "the plan %s has no price in %s", offer->asked, currency->code);
  offer->price = (struct plan_price){.plan_id = arena_strdup(arena, row_text(rows, r, ID)),
                                     .code = arena_strdup(arena, row_text(rows, r, CODE)),
                                     .name = arena_strdup(arena, row_text(rows, r, NAME)),
                                     .version = row_int(rows, r, VERSION)};
  return pricing_read(arena, rows, r, TERMS, currency, &offer->price, err);
}

static enum rc load_offers(struct work *work, const struct uuid *tenant, const struct currency *currency,
                           bool accepts_deprecated, struct offer *offers, const int64_t *versions, size_t count,
                           struct error *err) {
  struct arena *arena = work->arena;
  struct db_array *keys = db_array_new(arena), *wanted = db_array_new(arena);
  PGresult CLEANUP(db_result_release) *rows = NULL;
  if (count == 0) return RC_OK;
  for (size_t i = 0; i < count; i++) {
    db_array_text(keys, offers[i].asked);
    db_array_int(wanted, versions[i]);
  }
  TRY(tx_exec(work->tx, &sql_plans_for_change,
              PARAMS(db_uuid(arena, tenant), db_array_literal(keys), db_array_literal(wanted), currency->code), &rows,
              err));
  for (size_t i = 0; i < count; i++) TRY(read_offer(work, rows, (int)i, currency, accepts_deprecated, &offers[i], err));
  return RC_OK;
}

/* The own plan, if it is asked for, then the add-ons. */
static enum rc find_offers(struct work *work, const struct uuid *tenant, const struct billable *s,
                           const struct change_request *request, struct offer **ret_offers, struct error *err) {
  size_t count = 0, most = request->item_count + 1;
  struct offer *offers = ARENA_ARRAY(work->arena, struct offer, most);
  int64_t *versions = ARENA_ARRAY(work->arena, int64_t, most);
  if (request->plan) {
    offers[count] = (struct offer){.asked = request->plan, .field = "planId"};
    versions[count++] = request->plan_version;
  }
  for (size_t i = 0; i < request->item_count; i++) {
    offers[count] = (struct offer){.asked = request->items[i].plan, .field = request->items[i].field};
    versions[count++] = request->items[i].version;
  }
  TRY(load_offers(work, tenant, s->currency, request->accepts_deprecated, offers, versions, count, err));
  *ret_offers = offers;
  return RC_OK;
}

/* -- the new state -- */

static bool is_same_interval(struct interval a, struct interval b) {
  return a.unit == b.unit && a.count == b.count;
}

static enum rc check_cycle(const struct change_request *request, struct interval interval, struct error *err) {
  struct interval asked;
  if (!request->billing_cycle) return RC_OK;
  TRY(interval_from_cycle(request->billing_cycle, "billingCycle", &asked, err));
  if (is_same_interval(asked, interval)) return RC_OK;
  return error_field(err, RC_CONFLICT, "billingCycle", "the plan is not billed %s", request->billing_cycle);
}

static bool is_same_plan(const struct plan_price *a, const struct plan_price *b) {
  return a->version == b->version && strcmp(a->plan_id, b->plan_id) == 0;
}

static const struct plan_price *keep_price(struct arena *arena, const struct offer *offer) {
  struct plan_price *price = ARENA_NEW(arena, struct plan_price);
  *price = offer->price;
  return price;
}

static struct billed_item own_item(struct arena *arena, const struct billable *s, const struct change_request *request,
                                   const struct offer *offer) {
  struct billed_item item = s->items[0];
  if (offer) ASSERT(offer->price.plan_id); /* every offer was found */
  if (offer && !is_same_plan(item.price, &offer->price)) item.price = keep_price(arena, offer);
  if (request->has_quantity) item.quantity = request->quantity;
  return item;
}

/* An add-on that the subscription has keeps its number, and its version unless another one is asked for (BILL-035). */
static struct billed_item add_on(struct arena *arena, const struct billable *s, const struct change_item *asked,
                                 const struct offer *offer, int64_t from_index, uint32_t *taken, int64_t *next_number) {
  for (size_t i = 1; i < s->item_count; i++) {
    if ((*taken & (UINT32_C(1) << i)) || strcmp(s->items[i].price->plan_id, offer->price.plan_id) != 0) continue;
    if (asked->version != 0 && asked->version != s->items[i].price->version) continue;
    struct billed_item item = s->items[i];
    *taken |= UINT32_C(1) << i;
    item.quantity = asked->quantity;
    return item;
  }
  return (struct billed_item){.number = (*next_number)++,
                              .price = keep_price(arena, offer),
                              .quantity = asked->quantity,
                              .added_index = from_index};
}

static enum rc next_item_number(struct work *work, const struct uuid *tenant, const struct billable *s,
                                int64_t *ret_number, struct error *err) {
  PGresult CLEANUP(db_result_release) *row = NULL;
  TRY(tx_exec(work->tx, &sql_subscription_next_item, PARAMS(db_uuid(work->arena, tenant), db_uuid(work->arena, &s->id)),
              &row, err));
  *ret_number = row_int(row, 0, 0);
  for (size_t i = 1; i < s->item_count; i++)
    if (s->items[i].number >= *ret_number)
      *ret_number = s->items[i].number + 1; /* of a change that is not stored yet */
  return RC_OK;
}

static enum rc choose_add_ons(struct work *work, const struct uuid *tenant, const struct billable *s,
                              const struct change_request *request, const struct offer *offers, int64_t from_index,
                              struct change_target *target, struct error *err) {
  uint32_t taken = 0;
  int64_t next_number = 0;
  TRY(next_item_number(work, tenant, s, &next_number, err));
  for (size_t i = 0; i < request->item_count; i++) {
    if (!is_same_interval(offers[i].interval, target->interval))
      return error_field(err, RC_CONFLICT, offers[i].field, "the plan %s is billed in another interval",
                         offers[i].asked);
    target->items[target->item_count++] =
        add_on(work->arena, s, &request->items[i], &offers[i], from_index, &taken, &next_number);
  }
  return RC_OK;
}

/* -- another version of the same (BILL-035) -- */

/* A price that was agreed on stays. */
static const struct version_move *move_of(const struct billable *s, const struct billed_item *item,
                                          const struct change_request *request) {
  if (item->number == 0 && s->has_override) return NULL;
  for (size_t m = 0; m < request->move_count; m++)
    if (item->price->version == request->moves[m].from && strcmp(item->price->plan_id, request->moves[m].plan_id) == 0)
      return &request->moves[m];
  return NULL;
}

static enum rc use_version(struct arena *arena, const struct offer *offer, struct billed_item *item,
                           struct interval *interval, struct error *err) {
  item->price = keep_price(arena, offer);
  if (item->number == 0) *interval = offer->interval; /* the first of them */
  if (is_same_interval(offer->interval, *interval)) return RC_OK;
  return error_field(err, RC_CONFLICT, "items", "the plan %s is billed in another interval by now", offer->price.code);
}

/* The subscription with the versions that it was moved to, before anything else is changed about it. */
static enum rc move_versions(struct work *work, const struct uuid *tenant, const struct change_request *request,
                             struct billable *s, struct interval *interval, struct error *err) {
  struct offer *offers = ARENA_ARRAY(work->arena, struct offer, s->item_count);
  int64_t *versions = ARENA_ARRAY(work->arena, int64_t, s->item_count);
  struct billed_item **moved = ARENA_ARRAY(work->arena, struct billed_item *, s->item_count);
  struct billed_item *items = ARENA_ARRAY(work->arena, struct billed_item, s->item_count);
  size_t count = 0;
  for (size_t i = 0; i < s->item_count; i++) {
    const struct version_move *move = move_of(s, &s->items[i], request);
    items[i] = s->items[i];
    if (!move) continue;
    offers[count] = (struct offer){.asked = move->plan_id, .field = "planId"};
    versions[count] = move->to;
    moved[count++] = &items[i];
  }
  TRY(load_offers(work, tenant, s->currency, true, offers, versions, count, err));
  for (size_t i = 0; i < count; i++) TRY(use_version(work->arena, &offers[i], moved[i], interval, err));
  s->items = items;
  return RC_OK;
}

/* What cannot be priced now would be parked at its boundary; what has no room for its tax would not become an invoice.
 */
static enum rc check_amounts(const struct billable *s, const struct change_target *target, struct error *err) {
  struct billable as_changed = *s;
  int64_t sum;
  change_target_apply(target, &as_changed);
  if (change_recurring(&as_changed, &sum, err) == RC_OK && sum <= TAXABLE_MAX) return RC_OK;
  return error_field(err, RC_VALIDATION, "quantity", "price × quantity is too large");
}

enum rc change_target_find(struct work *work, const struct uuid *tenant, const struct billable *now,
                           const struct change_request *request, int64_t from_index, struct change_target *ret_target,
                           struct error *err) {
  struct change_target target = {.interval = now->grid.interval};
  struct billable s = *now;
  struct offer *offers;
  TRY(move_versions(work, tenant, request, &s, &target.interval, err));
  TRY(find_offers(work, tenant, &s, request, &offers, err));
  ASSERT(offers);
  const struct offer *own = request->plan ? offers++ : NULL;
  if (own) target.interval = own->interval;
  TRY(check_cycle(request, target.interval, err));
  target.items = ARENA_ARRAY(work->arena, struct billed_item, s.item_count + request->item_count + 1);
  target.items[target.item_count++] = own_item(work->arena, &s, request, own);
  target.is_other_plan = !is_same_plan(target.items[0].price, now->items[0].price);
  if (request->has_items) {
    TRY(choose_add_ons(work, tenant, &s, request, offers, from_index, &target, err));
  } else {
    if (s.item_count > 1 && !is_same_interval(target.interval, s.grid.interval))
      return error_field(err, RC_CONFLICT, "items",
                         "the add-ons have no price for the new interval: say which ones go on");
    for (size_t i = 1; i < s.item_count; i++) target.items[target.item_count++] = s.items[i];
  }
  TRY(check_amounts(now, &target, err));
  *ret_target = target;
  return RC_OK;
}

bool change_target_has_other_interval(const struct change_target *target, const struct billable *s) {
  return !is_same_interval(target->interval, s->grid.interval);
}

void change_target_apply(const struct change_target *target, struct billable *s) {
  bool had_plain_price = s->is_plain || pricing_is_plain(s->items[0].price);
  s->is_plain =
      target->item_count == 1 && (target->is_other_plan ? pricing_is_plain(target->items[0].price) : had_plain_price);
  if (target->is_other_plan) s->has_override = false;
  s->items = target->items;
  s->item_count = target->item_count;
}

/* -- storing -- */

static enum rc store_items(struct work *work, const char *tenant, const char *id, const struct billable *s,
                           struct error *err) {
  struct arena *arena = work->arena;
  struct db_array *items = db_array_new(arena), *plans = db_array_new(arena), *versions = db_array_new(arena),
                  *quantities = db_array_new(arena), *added = db_array_new(arena);
  for (size_t i = 1; i < s->item_count; i++) {
    char quantity[DECIMAL_TEXT_MAX];
    db_array_int(items, s->items[i].number);
    db_array_text(plans, s->items[i].price->plan_id);
    db_array_int(versions, s->items[i].price->version);
    db_array_text(quantities, quantity_format(s->items[i].quantity, quantity));
    db_array_int(added, s->items[i].added_index);
  }
  return tx_exec(work->tx, &sql_subscription_items_store,
                 PARAMS(tenant, id, db_array_literal(items), db_array_literal(plans), db_array_literal(versions),
                        db_array_literal(quantities), db_array_literal(added), db_utime(arena, work->now)),
                 NULL, err);
}

enum rc change_target_store(struct work *work, const struct uuid *tenant, const struct billable *s,
                            const struct change_target *target, struct error *err) {
  struct arena *arena = work->arena;
  const char *tenant_id = db_uuid(arena, tenant), *id = db_uuid(arena, &s->id);
  const struct billed_item *own = &s->items[0];
  char quantity[DECIMAL_TEXT_MAX];
  TRY(tx_exec(work->tx, &sql_subscription_replan,
              PARAMS(tenant_id, id, own->price->plan_id, db_int(arena, own->price->version),
                     db_bool(target->is_other_plan), own->price->is_bare ? db_int(arena, own->price->bare_minor) : NULL,
                     db_bool(s->is_plain), quantity_format(own->quantity, quantity),
                     interval_unit_name(s->grid.interval.unit), db_int(arena, s->grid.interval.count),
                     db_date(arena, s->grid.anchor), db_int(arena, s->grid.anchor_day), db_int(arena, s->grid.origin)),
              NULL, err));
  return store_items(work, tenant_id, id, s, err);
}
