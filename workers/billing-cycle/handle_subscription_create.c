/* subscription.create: a subscription of a customer to a plan and its add-ons, from any day on. Its first period is
 * billed at once when it has begun; further periods that a start in the past has left behind are for the next run
 * (BILL-051, BILL-060). A trial comes before the first period, and nothing is due in it (BILL-056). */
#include <string.h>

#include "base/json_text.h"
#include "billables.h"
#include "coupons.h"
#include "customer_billing.h"
#include "domain/tax.h"
#include "handlers.h"
#include "siblings.h"
#include "sql.h"
#include "subscription_request.h"
#include "trials.h"

enum { JSON_MAX = 65536, PAYMENT_WAIT_MS = 23 * 3600 * 1000 };

/* What it stands on, from the database. */
struct ground {
  const char *customer_id, *zone_name, *customer_currency;
  const struct zone *zone;
  const struct currency *currency;
  struct interval interval;
  struct billed_item *items; /* the first with its own price, if that is overridden */
  size_t item_count;
  bool has_price; /* one bare price, own or overridden */
  int64_t price_minor;
  bool has_aligned;
  struct date aligned_with;
  int64_t aligned_day;
};

/* What is decided beside the billable. */
struct decision {
  bool has_trial;
  struct date trial_start;
  struct utime started_at, trial_ends_at, notice_at;
  bool is_incomplete;
};

/* -- load -- */

static enum rc load_customer(struct work *work, const struct message *command,
                             const struct subscription_request *request, struct ground *ground, struct error *err) {
  PGresult CLEANUP(db_result_release) *row = NULL;
  TRY(tx_exec(work->tx, &sql_subscription_ground, PARAMS(db_uuid(work->arena, &command->tenant), request->customer_id),
              &row, err));
  if (row_count(row) == 0 && !request->customer_id)
    return error_field(err, RC_VALIDATION, "customerId", "is required: there is no default customer");
  if (row_count(row) == 0)
    return error_field(err, RC_NOT_FOUND, "customerId", "there is no customer %s", request->customer_id);
  ground->customer_id = arena_strdup(work->arena, row_text(row, 0, 0));
  ground->zone_name = arena_strdup(work->arena, row_text(row, 0, 1));
  ground->customer_currency = arena_strdup(work->arena, row_text(row, 0, 2));
  return zone_find(ground->zone_name, "timeZone", &ground->zone, err);
}

static enum rc check_cycle(const struct subscription_request *request, struct interval interval, struct error *err) {
  struct interval asked;
  if (!request->billing_cycle) return RC_OK;
  TRY(interval_from_cycle(request->billing_cycle, "billingCycle", &asked, err));
  if (asked.unit == interval.unit && asked.count == interval.count) return RC_OK;
  return error_field(err, RC_CONFLICT, "billingCycle", "the plan is not billed %s", request->billing_cycle);
}

/* Columns as in plans_for_items.sql; the first plan's interval and currency are the subscription's. */
static enum rc read_plan(struct work *work, const PGresult *rows, int r, const struct item_request *asked,
                         struct ground *ground, struct error *err) {
  enum { ID, CODE, NAME, VERSION, STATUS, UNIT, COUNT, CURRENCY, HAS_PRICE, TERMS };
  struct interval interval;
  struct plan_price plan = {.code = asked->plan};
  if (row_is_null(rows, r, ID))
    return error_field(err, RC_NOT_FOUND, asked->plan_field, "there is no plan %s", asked->plan);
  if (strcmp(row_text(rows, r, STATUS), "active") != 0)
    return error_field(err, RC_CONFLICT, asked->plan_field, "the plan %s is deprecated", asked->plan);
  if (!interval_unit_from_name(row_text(rows, r, UNIT), &interval.unit))
    return error_set(err, RC_INVARIANT, "a plan's interval is unknown");
  interval.count = (int)row_int(rows, r, COUNT);
  if (r == 0) ground->interval = interval;
  if (interval.unit != ground->interval.unit || interval.count != ground->interval.count)
    return error_field(err, RC_CONFLICT, asked->plan_field, "the plan %s is billed in another interval", asked->plan);
  ground->currency = currency_find(row_text(rows, r, CURRENCY));
  if (!ground->currency || !row_bool(rows, r, HAS_PRICE))
    return error_field(err, RC_VALIDATION, r == 0 ? "currency" : asked->plan_field, "the plan %s has no price in %s",
                       asked->plan, row_text(rows, r, CURRENCY));
  plan.plan_id = arena_strdup(work->arena, row_text(rows, r, ID));
  plan.code = arena_strdup(work->arena, row_text(rows, r, CODE));
  plan.name = arena_strdup(work->arena, row_text(rows, r, NAME));
  plan.version = row_int(rows, r, VERSION);
  TRY(pricing_read(work->arena, rows, r, TERMS, ground->currency, &plan, err));
  struct plan_price *kept = ARENA_NEW(work->arena, struct plan_price);
  *kept = plan;
  ground->items[r] = (struct billed_item){.number = r, .price = kept, .quantity = asked->quantity};
  return RC_OK;
}

static enum rc load_plans(struct work *work, const struct message *command, const struct subscription_request *request,
                          struct ground *ground, struct error *err) {
  struct arena *arena = work->arena;
  struct db_array *keys = db_array_new(arena);
  for (size_t i = 0; i < request->item_count; i++) db_array_text(keys, request->items[i].plan);
  PGresult CLEANUP(db_result_release) *rows = NULL;
  TRY(tx_exec(
      work->tx, &sql_plans_for_items,
      PARAMS(db_uuid(arena, &command->tenant), db_array_literal(keys), request->currency, ground->customer_currency),
      &rows, err));
  ground->item_count = request->item_count;
  ground->items = ARENA_ARRAY(arena, struct billed_item, request->item_count);
  for (int r = 0; r < row_count(rows); r++) TRY(read_plan(work, rows, r, &request->items[r], ground, err));
  return check_cycle(request, ground->interval, err);
}

static enum rc load_alignment(struct work *work, const struct message *command, struct ground *ground,
                              struct error *err) {
  struct arena *arena = work->arena;
  PGresult CLEANUP(db_result_release) *row = NULL;
  TRY(tx_exec(work->tx, &sql_subscription_to_align_with,
              PARAMS(db_uuid(arena, &command->tenant), ground->customer_id, interval_unit_name(ground->interval.unit),
                     db_int(arena, ground->interval.count)),
              &row, err));
  ground->has_aligned = row_count(row) == 1;
  if (!ground->has_aligned) return RC_OK;
  ground->aligned_with = row_date(row, 0, 0);
  ground->aligned_day = row_int(row, 0, 1);
  return RC_OK;
}

static enum rc load(struct work *work, const struct message *command, const struct subscription_request *request,
                    struct ground *ground, struct error *err) {
  TRY(load_customer(work, command, request, ground, err));
  TRY(load_plans(work, command, request, ground, err));
  return request->anchor_kind == ANCHOR_ALIGNED ? load_alignment(work, command, ground, err) : RC_OK;
}

/* -- decide: what it costs -- */

/* An override takes the place of the plan's bare price. */
static enum rc decide_price(struct work *work, const struct subscription_request *request, struct ground *ground,
                            struct error *err) {
  const struct plan_price *own = ground->items[0].price;
  ground->has_price = own->is_bare;
  ground->price_minor = own->bare_minor;
  if (!request->price) return RC_OK;
  if (!own->is_bare)
    return error_field(err, RC_VALIDATION, "currentPrice", "the plan %s has price components, not one price to replace",
                       own->code);
  TRY(money_parse(request->price, ground->currency, "currentPrice", &ground->price_minor, err));
  if (ground->price_minor < 0) return error_field(err, RC_VALIDATION, "currentPrice", "must not be negative");
  ground->items[0] =
      *billable_plain_item(work->arena, own, ground->price_minor, ground->currency, request->items[0].quantity);
  return RC_OK;
}

/* What is too large now would be parked at its first boundary; what has no room for its tax would not become an
 * invoice. */
static enum rc check_amounts(const struct subscription_request *request, const struct ground *ground,
                             struct error *err) {
  int64_t sum = 0, amount = 0;
  for (size_t i = 0; i < ground->item_count; i++) {
    const struct billed_item *item = &ground->items[i];
    bool fits = money_add(sum, item->price->setup_fee_minor, &sum);
    for (size_t c = 0; fits && c < item->price->component_count; c++) {
      if (item->price->components[c].metric) continue;
      fits = price_charge(&item->price->components[c], item->quantity, 0, PRICE_SHARE_WHOLE, ground->currency, &amount,
                          err) == RC_OK &&
             money_add(sum, amount, &sum);
    }
    if (!fits || sum > TAXABLE_MAX)
      return error_field(err, RC_VALIDATION, request->items[i].quantity_field, "price × quantity is too large");
  }
  return RC_OK;
}

/* -- decide: its days -- */

static enum rc check_range(struct date day, struct date today, const char *field, struct error *err) {
  int32_t days = day.days - today.days;
  if (days >= -START_RANGE_DAYS && days <= START_RANGE_DAYS) return RC_OK;
  return error_field(err, RC_VALIDATION, field, "must be within ten years of today");
}

static enum rc decide_start(const struct subscription_request *request, const struct ground *ground, struct utime now,
                            struct billable *s, struct decision *decision, struct error *err) {
  struct date today = zone_date(ground->zone, now), start = today;
  if (request->start_date) TRY(day_parse(request->start_date, "startDate", ground->zone, &start, err));
  TRY(check_range(start, today, "startDate", err));
  decision->started_at = zone_midnight(ground->zone, start);
  decision->has_trial = request->trial_days > 0;
  decision->trial_start = start;
  s->start = (struct date){start.days + (int32_t)request->trial_days}; /* BILL-014: anniversaries count from there */
  if (!decision->has_trial) return RC_OK;
  decision->trial_ends_at = zone_midnight(ground->zone, s->start);
  if (decision->trial_ends_at.us <= now.us) return RC_OK;
  s->state = SUBSCRIPTION_TRIALING;
  decision->notice_at = trial_notice_at(s);
  return RC_OK;
}

/* BILL-014: currentPeriodEnd is a boundary, and the end of the first period or of the one that runs. */
static enum rc decide_grid_by_end(const struct subscription_request *request, const struct ground *ground,
                                  struct utime now, struct billable *s, struct error *err) {
  struct date end, today = zone_date(ground->zone, now);
  static const char field[] = "currentPeriodEnd";
  TRY(day_parse(request->period_end, field, ground->zone, &end, err));
  TRY(check_range(end, today, field, err));
  if (date_compare(end, s->start) <= 0) return error_field(err, RC_VALIDATION, field, "must be after the start");
  TRY(grid_make(s->start, ground->interval, ANCHOR_ALIGNED, 0, end, &s->grid, err));
  struct date running = date_compare(today, s->start) > 0 ? today : s->start;
  if (date_compare(end, grid_boundary(&s->grid, 1)) == 0 ||
      date_compare(end, grid_boundary(&s->grid, grid_index(&s->grid, running) + 1)) == 0)
    return RC_OK;
  return error_field(err, RC_VALIDATION, field, "must be within one period of the start, or of today");
}

static enum rc decide_grid(const struct subscription_request *request, const struct ground *ground, struct utime now,
                           struct billable *s, struct error *err) {
  if (request->period_end) return decide_grid_by_end(request, ground, now, s, err);
  if (request->anchor_kind != ANCHOR_ALIGNED)
    return grid_make(s->start, ground->interval, request->anchor_kind, (int)request->anchor_day, s->start, &s->grid,
                     err);
  if (!ground->has_aligned) /* the first one is what later ones align with */
    return grid_make(s->start, ground->interval, ANCHOR_ANNIVERSARY, 0, s->start, &s->grid, err);
  return grid_make(s->start, ground->interval, ANCHOR_ALIGNED, (int)ground->aligned_day, ground->aligned_with, &s->grid,
                   err);
}

/* BILL-051: the first boundary at or after billFrom; what comes before it was billed elsewhere. */
static enum rc decide_first_index(const struct subscription_request *request, const struct ground *ground,
                                  struct utime now, struct billable *s, struct error *err) {
  struct date from;
  if (!request->bill_from) return RC_OK;
  TRY(day_parse(request->bill_from, "billFrom", ground->zone, &from, err));
  TRY(check_range(from, zone_date(ground->zone, now), "billFrom", err));
  if (date_compare(from, s->start) <= 0) return RC_OK;
  s->first_index = grid_index(&s->grid, from);
  if (s->first_index == 0 || date_compare(grid_boundary(&s->grid, s->first_index), from) < 0) s->first_index++;
  return RC_OK;
}

/* -- decide: its first period -- */

/* The time before the first period that is billed here: a trial, or a period that was billed elsewhere. */
static void decide_period_before(struct billable *s, const struct decision *decision) {
  if (s->state == SUBSCRIPTION_TRIALING) {
    s->has_period = true;
    s->period_start = decision->started_at;
    s->period_end = s->next_at;
  } else if (s->first_index > 0) {
    s->has_period = true;
    s->period_start = zone_midnight(s->zone, grid_period(&s->grid, s->start, s->first_index - 1).start);
    s->period_end = s->next_at;
  }
}

/* Bills the period that has begun, and no other: a run, soon, takes those that a start in the past has left behind. */
static enum rc bill_first(struct work *work, const struct subscription_request *request, struct billable *s,
                          struct decision *decision, struct billing *first, struct error *err) {
  if (s->next_at.us <= work->now.us) billing_collect(work->arena, first, s, s->next_at);
  if (s->is_parked) {
    *err = *s->why;
    return s->why->code;
  }
  s->version = 1;
  decision->is_incomplete = request->requires_payment && first->count > 0;
  if (decision->is_incomplete) s->state = SUBSCRIPTION_INCOMPLETE;
  return RC_OK;
}

/* Puts it all together: the subscription as it will be stored, its first period billed if that has begun. */
static enum rc decide(struct work *work, const struct subscription_request *request, struct ground *ground,
                      const struct message *command, struct billable *s, struct decision *decision,
                      struct billing *first, struct error *err) {
  TRY(decide_price(work, request, ground, err));
  TRY(check_amounts(request, ground, err));
  *s = (struct billable){.state = SUBSCRIPTION_ACTIVE,
                         .currency = ground->currency,
                         .collection = request->collection,
                         .zone_name = ground->zone_name,
                         .zone = ground->zone,
                         .auto_renew = request->auto_renew,
                         .has_override = request->price != NULL,
                         .is_plain = ground->item_count == 1 && pricing_is_plain(ground->items[0].price),
                         .items = ground->items,
                         .item_count = ground->item_count};
  if (!uuid_parse(command->subject, &s->id)) return error_set(err, RC_BAD_MESSAGE, "the subject is not a UUID");
  if (!uuid_parse(ground->customer_id, &s->customer_id)) return error_set(err, RC_INVARIANT, "a customer's id is none");
  TRY(decide_start(request, ground, work->now, s, decision, err));
  TRY(decide_grid(request, ground, work->now, s, err));
  TRY(decide_first_index(request, ground, work->now, s, err));
  s->next_index = s->first_index;
  s->next_at = zone_midnight(s->zone, grid_period(&s->grid, s->start, s->next_index).start);
  decide_period_before(s, decision);
  return bill_first(work, request, s, decision, first, err);
}

/* -- write -- */

static enum rc insert_items(struct work *work, const struct message *command, const struct ground *ground,
                            struct error *err) {
  struct arena *arena = work->arena;
  struct db_array *plans = db_array_new(arena), *versions = db_array_new(arena), *quantities = db_array_new(arena);
  char quantity[DECIMAL_TEXT_MAX];
  for (size_t i = 1; i < ground->item_count; i++) {
    db_array_text(plans, ground->items[i].price->plan_id);
    db_array_int(versions, ground->items[i].price->version);
    db_array_text(quantities, quantity_format(ground->items[i].quantity, quantity));
  }
  if (db_array_count(plans) == 0) return RC_OK;
  return tx_exec(work->tx, &sql_subscription_items_insert,
                 PARAMS(db_uuid(arena, &command->tenant), command->subject, db_utime(arena, work->now),
                        db_array_literal(plans), db_array_literal(versions), db_array_literal(quantities)),
                 NULL, err);
}

static enum rc insert_subscription(struct work *work, const struct message *command, const struct ground *ground,
                                   const struct billable *s, const struct decision *decision, struct error *err) {
  struct arena *arena = work->arena;
  char quantity[DECIMAL_TEXT_MAX];
  const struct plan_price *own = ground->items[0].price;
  bool has_trial = decision->has_trial;
  return tx_exec(
      work->tx, &sql_subscription_insert,
      PARAMS(db_uuid(arena, &command->tenant), command->subject, ground->customer_id, own->plan_id,
             db_int(arena, own->version), subscription_state_name(s->state), s->currency->code,
             ground->has_price ? db_int(arena, ground->price_minor) : NULL, db_bool(s->has_override),
             db_bool(s->is_plain), quantity_format(ground->items[0].quantity, quantity), s->collection, s->zone_name,
             db_date(arena, s->start), interval_unit_name(s->grid.interval.unit), db_int(arena, s->grid.interval.count),
             db_date(arena, s->grid.anchor), db_int(arena, s->grid.anchor_day), db_int(arena, s->first_index),
             db_utime(arena, decision->started_at), has_trial ? db_date(arena, decision->trial_start) : NULL,
             has_trial ? db_utime(arena, decision->trial_ends_at) : NULL,
             s->state == SUBSCRIPTION_TRIALING ? db_utime(arena, decision->notice_at) : NULL,
             decision->is_incomplete ? db_utime(arena, utime_add_ms(work->now, PAYMENT_WAIT_MS)) : NULL,
             db_bool(s->auto_renew), body_json(arena, command->json, "metadata"), db_utime(arena, work->now)),
      NULL, err);
}

static enum rc insert(struct work *work, const struct message *command, const struct ground *ground,
                      const struct billable *s, const struct decision *decision, const struct redemption *coupons,
                      struct error *err) {
  TRY(insert_subscription(work, command, ground, s, decision, err));
  TRY(insert_items(work, command, ground, err));
  TRY(coupons_redeem(work, &command->tenant, command->subject, s->first_index, coupons, err));
  TRY(billables_advance(work, &command->tenant, s, 1, err));
  return customer_billing_refresh(work, db_uuid(work->arena, &command->tenant), ground->customer_id, err);
}

/* -- what the customer's others owe on the day of the first invoice goes on it (BILL-061) -- */

/* The end of that day, or now. */
static struct utime end_of_first_day(const struct work *work, const struct billable *s) {
  struct date day = grid_period(&s->grid, s->start, s->first_index).start;
  struct utime end = {zone_midnight(s->zone, (struct date){day.days + 1}).us - 1};
  return end.us < work->now.us ? end : work->now;
}

/* The customer's billing lock, before that of the coupons (ARCHITECTURE.md). Before a customer's first subscription no
 * row is there; two first ones may come at once. */
static enum rc lock_customer(struct work *work, const struct message *command, const struct ground *ground,
                             PGresult **ret_locked, struct error *err) {
  const char *tenant = db_uuid(work->arena, &command->tenant);
  TRY(tx_exec(work->tx, &sql_customer_billing_insert, PARAMS(tenant, ground->customer_id), NULL, err));
  return customer_billing_hold(work, tenant, ground->customer_id, ret_locked, err);
}

/* An invoice that is to be paid before anything begins is for this alone: it is withdrawn when that never comes about
 * (BILL-051). */
static enum rc bill_siblings(struct work *work, const struct message *command, const struct ground *ground,
                             const struct billable *s, const PGresult *locked, struct billing *first,
                             struct siblings *siblings, struct error *err) {
  if (s->periods_due == 0 || s->state == SUBSCRIPTION_INCOMPLETE) return RC_OK;
  if (row_is_null(locked, 0, 1)) return RC_OK;
  struct utime as_of = end_of_first_day(work, s);
  if (row_utime(locked, 0, 1).us > as_of.us) return RC_OK;
  return siblings_bill(work, &command->tenant, ground->customer_id, &s->id, as_of, first, siblings, err);
}

/* -- emit -- */

static void write_items(struct json_writer *json, const struct ground *ground) {
  char quantity[DECIMAL_TEXT_MAX];
  json_put_array(json, "items");
  for (size_t i = 1; i < ground->item_count; i++) {
    json_put_object(json, NULL);
    json_put_int(json, "item", ground->items[i].number);
    json_put_string(json, "planId", ground->items[i].price->plan_id);
    json_put_string(json, "planCode", ground->items[i].price->code);
    json_put_int(json, "planVersion", ground->items[i].price->version);
    json_put_raw(json, "quantity", quantity_format(ground->items[i].quantity, quantity));
    json_put_end(json);
  }
  json_put_end(json);
}

static void emit_created(struct work *work, const struct message *command, const struct ground *ground,
                         const struct billable *s, const struct decision *decision) {
  char money[MONEY_TEXT_MAX], date[DATE_TEXT_MAX], time[UTIME_TEXT_MAX], quantity[DECIMAL_TEXT_MAX];
  const struct plan_price *own = ground->items[0].price;
  struct buf CLEANUP(buf_release) text;
  buf_init(&text, JSON_MAX);
  struct json_writer json;
  json_writer_init(&json, &text);
  json_put_object(&json, NULL);
  json_put_string(&json, "subscriptionId", command->subject);
  json_put_string(&json, "customerId", ground->customer_id);
  json_put_string(&json, "planId", own->plan_id);
  json_put_string(&json, "planCode", own->code);
  json_put_int(&json, "planVersion", own->version);
  json_put_string(&json, "status", subscription_state_name(s->state));
  json_put_string(&json, "currency", s->currency->code);
  json_put_raw(&json, "price", ground->has_price ? money_format(ground->price_minor, s->currency, money) : NULL);
  json_put_raw(&json, "quantity", quantity_format(ground->items[0].quantity, quantity));
  write_items(&json, ground);
  json_put_string(&json, "startDate", date_format(decision->trial_start, date));
  json_put_string(&json, "trialEndsAt", decision->has_trial ? utime_format(decision->trial_ends_at, time) : NULL);
  json_put_string(&json, "nextBillingDate", decision->is_incomplete ? NULL : utime_format(s->next_at, time));
  json_put_int(&json, "version", s->version);
  json_put_end(&json);
  emit(work, &(struct emission){.type = "subscription.created",
                                .id = UUID_DERIVE("subscription.created", command->subject),
                                .tenant = command->tenant,
                                .subject = command->subject,
                                .key = ground->customer_id,
                                .json = buf_text(&text),
                                .cause = command});
}

static enum rc check_coupons(struct work *work, const struct message *command, const struct ground *ground,
                             struct redemption *coupons, struct error *err) {
  struct db_array *plans = db_array_new(work->arena);
  for (size_t i = 0; i < ground->item_count; i++) db_array_text(plans, ground->items[i].price->plan_id);
  return coupons_check(work, &command->tenant, command->json, ground->currency->code, plans, coupons, err);
}

/* What others redeemed meanwhile is refused here: only such a race has the customer's new row rolled back. */
static enum rc lock_coupons(struct work *work, const struct message *command, const struct ground *ground,
                            struct redemption *coupons, struct error *err) {
  TRY(coupons_lock(work, &command->tenant, coupons, err));
  return check_coupons(work, command, ground, coupons, err);
}

enum rc handle_subscription_create(struct work *work, struct message *const *messages, size_t count,
                                   struct error *err) {
  (void)count;
  const struct message *command = messages[0];
  struct subscription_request *request = ARENA_NEW(work->arena, struct subscription_request);
  struct ground ground = {0};
  struct billable subscription;
  struct decision decision = {0};
  struct billing first = {0};
  struct redemption coupons;
  struct siblings siblings = {0};
  PGresult CLEANUP(db_result_release) *locked = NULL;
  TRY(subscription_request_read(work->arena, command, request, err));
  TRY(load(work, command, request, &ground, err));
  TRY(decide(work, request, &ground, command, &subscription, &decision, &first, err));
  TRY(check_coupons(work, command, &ground, &coupons, err));
  TRY(lock_customer(work, command, &ground, &locked, err));
  TRY(lock_coupons(work, command, &ground, &coupons, err));
  TRY(bill_siblings(work, command, &ground, &subscription, locked, &first, &siblings, err));

  TRY(siblings_store(work, &command->tenant, &siblings, &first, err));
  TRY(insert(work, command, &ground, &subscription, &decision, &coupons, err));
  PGresult CLEANUP(db_result_release) *resource = NULL;
  TRY(tx_exec(work->tx, &sql_subscription_resource, PARAMS(db_uuid(work->arena, &command->tenant), command->subject),
              &resource, err));
  reply(work, command, 201, "subscription", command->subject, row_text(resource, 0, 0));
  emit_created(work, command, &ground, &subscription, &decision);
  billing_emit(work, &first, &command->tenant, NULL, command);
  return RC_OK;
}
