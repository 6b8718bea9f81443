/* subscription.create: a subscription of a customer to a plan, from any day on. Its first period is billed at once when
 * it has begun; further periods that a start in the past has left behind are for the next run (BILL-051, BILL-060). */
#include <string.h>

#include "base/json_text.h"
#include "billables.h"
#include "handlers.h"
#include "sql.h"

enum { QUANTITY_WHOLE_MAX = 1000000000, START_PAST_MAX_DAYS = 3660, START_FUTURE_MAX_DAYS = 3660, JSON_MAX = 16384 };

/* What the command asks for, as far as its body alone says. */
struct request {
  const char *customer_id, *plan, *currency, *billing_cycle, *start_date, *price, *collection;
  int64_t quantity;
  bool auto_renew;
  enum anchor_kind anchor_kind;
  int64_t anchor_day;
};

/* What it stands on, from the database. */
struct ground {
  const char *zone_name, *plan_id, *plan_code, *plan_name;
  int64_t plan_version;
  struct interval interval;
  const struct currency *currency;
  bool has_price;
  int64_t price_minor;
};

static enum rc read_anchor(json_t *body, struct request *request, struct error *err) {
  json_t *anchor = json_object_get(body, "billingAnchor");
  request->anchor_kind = ANCHOR_ANNIVERSARY;
  if (!anchor || json_is_null(anchor)) return RC_OK;
  if (json_is_integer(anchor)) {
    request->anchor_kind = ANCHOR_DAY;
    return body_int(body, "billingAnchor", 1, 31, 1, &request->anchor_day, err);
  }
  const char *word;
  TRY(body_text(body, "billingAnchor", &word, err));
  if (strcmp(word, "anniversary") == 0) return RC_OK;
  request->anchor_kind = ANCHOR_CALENDAR;
  if (strcmp(word, "calendar") == 0) return RC_OK;
  return error_field(err, RC_VALIDATION, "billingAnchor", "must be \"anniversary\", \"calendar\" or a day");
}

static enum rc read_request(json_t *body, struct request *request, struct error *err) {
  struct uuid customer;
  bool has_customer;
  TRY(body_uuid(body, "customerId", &customer, &has_customer, err));
  TRY(body_text(body, "customerId", &request->customer_id, err));
  TRY(body_text(body, "planId", &request->plan, err));
  TRY(body_text(body, "currency", &request->currency, err));
  TRY(body_text(body, "billingCycle", &request->billing_cycle, err));
  TRY(body_text(body, "startDate", &request->start_date, err));
  TRY(body_decimal(body, "currentPrice", &request->price, err));
  TRY(body_text(body, "collection", &request->collection, err));
  TRY(body_int(body, "quantity", 1, QUANTITY_WHOLE_MAX, 1, &request->quantity, err));
  TRY(body_bool(body, "autoRenew", true, &request->auto_renew, err));
  if (!has_customer) return error_field(err, RC_VALIDATION, "customerId", "is required");
  if (!request->plan) return error_field(err, RC_VALIDATION, "planId", "is required");
  if (!request->collection) request->collection = "automatic";
  if (strcmp(request->collection, "automatic") != 0 && strcmp(request->collection, "manual") != 0)
    return error_field(err, RC_VALIDATION, "collection", "must be automatic or manual");
  if (request->currency && !currency_find(request->currency))
    return error_field(err, RC_VALIDATION, "currency", "is not a currency of ISO 4217");
  return read_anchor(body, request, err);
}

static enum rc check_cycle(const struct request *request, struct interval interval, struct error *err) {
  struct interval asked;
  if (!request->billing_cycle) return RC_OK;
  TRY(interval_from_cycle(request->billing_cycle, "billingCycle", &asked, err));
  if (asked.unit == interval.unit && asked.count == interval.count) return RC_OK;
  return error_field(err, RC_CONFLICT, "billingCycle", "the plan is not billed %s", request->billing_cycle);
}

/* Columns as in subscription_create_load.sql. */
static enum rc read_ground(struct work *work, const PGresult *row, const struct request *request, struct ground *ground,
                           struct error *err) {
  if (row_is_null(row, 0, 0))
    return error_field(err, RC_NOT_FOUND, "customerId", "there is no customer %s", request->customer_id);
  if (row_is_null(row, 0, 2)) return error_field(err, RC_NOT_FOUND, "planId", "there is no plan %s", request->plan);
  if (strcmp(row_text(row, 0, 5), "active") != 0)
    return error_field(err, RC_CONFLICT, "planId", "the plan %s is deprecated", request->plan);
  struct arena *arena = work->arena;
  ground->zone_name = arena_strdup(arena, row_text(row, 0, 1));
  ground->plan_id = arena_strdup(arena, row_text(row, 0, 2));
  ground->plan_code = arena_strdup(arena, row_text(row, 0, 3));
  ground->plan_name = arena_strdup(arena, row_text(row, 0, 4));
  ground->plan_version = row_int(row, 0, 6);
  if (!interval_unit_from_name(row_text(row, 0, 7), &ground->interval.unit))
    return error_set(err, RC_INVARIANT, "a plan's interval is unknown");
  ground->interval.count = (int)row_int(row, 0, 8);
  ground->currency = row_is_null(row, 0, 9) ? NULL : currency_find(row_text(row, 0, 9));
  ground->has_price = !row_is_null(row, 0, 10);
  if (ground->has_price) ground->price_minor = row_int(row, 0, 10);
  return check_cycle(request, ground->interval, err);
}

static enum rc load_ground(struct work *work, const struct message *command, const struct request *request,
                           struct ground *ground, struct error *err) {
  PGresult CLEANUP(db_result_release) *row = NULL;
  TRY(tx_exec(work->tx, &sql_subscription_create_load,
              PARAMS(db_uuid(work->arena, &command->tenant), request->customer_id, request->plan, request->currency),
              &row, err));
  return read_ground(work, row, request, ground, err);
}

static enum rc decide_price(const struct request *request, const struct ground *ground, int64_t *ret_price,
                            struct error *err) {
  if (!ground->currency) return error_field(err, RC_VALIDATION, "currency", "the plan has no price");
  if (!request->price) {
    *ret_price = ground->price_minor;
    if (ground->has_price) return RC_OK;
    return error_field(err, RC_VALIDATION, "currency", "the plan has no price in %s", ground->currency->code);
  }
  TRY(money_parse(request->price, ground->currency, "currentPrice", ret_price, err));
  if (*ret_price < 0) return error_field(err, RC_VALIDATION, "currentPrice", "must not be negative");
  return RC_OK;
}

static enum rc decide_start(const struct request *request, struct date today, struct date *ret_start,
                            struct error *err) {
  *ret_start = today;
  if (!request->start_date) return RC_OK;
  TRY(date_parse(request->start_date, "startDate", ret_start, err));
  int32_t days = ret_start->days - today.days;
  if (days >= -START_PAST_MAX_DAYS && days <= START_FUTURE_MAX_DAYS) return RC_OK;
  return error_field(err, RC_VALIDATION, "startDate", "must be within ten years of today");
}

/* Puts it all together: the subscription as it will be stored, its first period billed if that has begun. */
static enum rc decide(struct work *work, const struct request *request, struct ground *ground,
                      const struct message *command, struct billable *s, struct billing *first, struct error *err) {
  int64_t full_minor;
  *s = (struct billable){.state = SUBSCRIPTION_ACTIVE,
                         .currency = ground->currency,
                         .collection = request->collection,
                         .zone_name = ground->zone_name,
                         .auto_renew = request->auto_renew,
                         .is_plain = true};
  if (!uuid_parse(command->subject, &s->id)) return error_set(err, RC_BAD_MESSAGE, "the subject is not a UUID");
  if (!uuid_parse(request->customer_id, &s->customer_id))
    return error_field(err, RC_VALIDATION, "customerId", "is not a UUID");
  TRY(zone_find(ground->zone_name, "timeZone", &s->zone, err));
  TRY(decide_price(request, ground, &ground->price_minor, err));
  struct plan_price plan = {.plan_id = ground->plan_id,
                            .code = ground->plan_code,
                            .name = ground->plan_name,
                            .version = ground->plan_version};
  s->items = billable_plain_item(work->arena, &plan, ground->price_minor, s->currency, quantity_of(request->quantity));
  s->item_count = 1;
  if (!money_multiply(ground->price_minor, request->quantity, &full_minor))
    return error_field(err, RC_VALIDATION, "quantity", "price × quantity is too large");
  TRY(decide_start(request, zone_date(s->zone, work->now), &s->start, err));
  TRY(grid_make(s->start, ground->interval, request->anchor_kind, (int)request->anchor_day, s->start, &s->grid, err));
  struct period period = grid_period(&s->grid, s->start, 0);
  struct utime begins = zone_midnight(s->zone, period.start);
  s->next_at = begins;
  if (begins.us <= work->now.us) billing_collect(work->arena, first, s, begins); /* one period: the next begins later */
  s->version = 1;
  if (s->is_parked) {
    *err = *s->why;
    return s->why->code;
  }
  return RC_OK;
}

static enum rc insert(struct work *work, const struct message *command, const struct request *request,
                      const struct ground *ground, const struct billable *s, struct error *err) {
  struct arena *arena = work->arena;
  const char *tenant = db_uuid(arena, &command->tenant);
  struct db_array *customers = db_array_new(arena);
  db_array_uuid(customers, &s->customer_id);
  TRY(tx_exec(work->tx, &sql_customer_billing_lock, PARAMS(tenant, db_array_literal(customers)), NULL, err));
  TRY(tx_exec(work->tx, &sql_subscription_insert,
              PARAMS(tenant, command->subject, request->customer_id, ground->plan_id,
                     db_int(arena, ground->plan_version), subscription_state_name(s->state), s->currency->code,
                     db_int(arena, ground->price_minor), db_bool(request->price != NULL),
                     db_int(arena, request->quantity), s->collection, s->zone_name, db_date(arena, s->start),
                     interval_unit_name(s->grid.interval.unit), db_int(arena, s->grid.interval.count),
                     db_date(arena, s->grid.anchor), db_int(arena, s->grid.anchor_day),
                     db_utime(arena, zone_midnight(s->zone, s->start)), db_bool(s->auto_renew),
                     body_json(arena, command->json, "metadata"), db_utime(arena, work->now)),
              NULL, err));
  TRY(billables_advance(work, &command->tenant, s, 1, err));
  return tx_exec(work->tx, &sql_customer_billing_refresh, PARAMS(tenant, db_array_literal(customers)), NULL, err);
}

static void emit_created(struct work *work, const struct message *command, const struct request *request,
                         const struct ground *ground, const struct billable *s) {
  char customer[UUID_TEXT_MAX], money[MONEY_TEXT_MAX], date[DATE_TEXT_MAX], time[UTIME_TEXT_MAX];
  struct buf CLEANUP(buf_release) text;
  buf_init(&text, JSON_MAX);
  struct json_writer json;
  json_writer_init(&json, &text);
  json_put_object(&json, NULL);
  json_put_string(&json, "subscriptionId", command->subject);
  json_put_string(&json, "customerId", uuid_format(&s->customer_id, customer));
  json_put_string(&json, "planId", ground->plan_id);
  json_put_string(&json, "planCode", ground->plan_code);
  json_put_int(&json, "planVersion", ground->plan_version);
  json_put_string(&json, "status", subscription_state_name(s->state));
  json_put_string(&json, "currency", s->currency->code);
  json_put_raw(&json, "price", money_format(ground->price_minor, s->currency, money));
  json_put_int(&json, "quantity", request->quantity);
  json_put_string(&json, "startDate", date_format(s->start, date));
  json_put_string(&json, "nextBillingDate", utime_format(s->next_at, time));
  json_put_int(&json, "version", 1);
  json_put_end(&json);
  emit(work, &(struct emission){.type = "subscription.created",
                                .id = UUID_DERIVE("subscription.created", command->subject),
                                .tenant = command->tenant,
                                .subject = command->subject,
                                .key = customer,
                                .json = buf_text(&text),
                                .cause = command});
}

enum rc handle_subscription_create(struct work *work, struct message *const *messages, size_t count,
                                   struct error *err) {
  (void)count;
  const struct message *command = messages[0];
  struct request request = {0};
  struct ground ground = {0};
  struct billable subscription;
  struct billing first = {0};
  TRY(read_request(command->json, &request, err));
  TRY(load_ground(work, command, &request, &ground, err));
  TRY(decide(work, &request, &ground, command, &subscription, &first, err));

  TRY(insert(work, command, &request, &ground, &subscription, err));
  PGresult CLEANUP(db_result_release) *resource = NULL;
  TRY(tx_exec(work->tx, &sql_subscription_resource, PARAMS(db_uuid(work->arena, &command->tenant), command->subject),
              &resource, err));
  reply(work, command, 201, "subscription", command->subject, row_text(resource, 0, 0));
  emit_created(work, command, &request, &ground, &subscription);
  billing_emit(work, &first, &command->tenant, NULL, command);
  return RC_OK;
}
