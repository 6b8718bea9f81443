/* See subscription_request.h. The schema has checked the shapes already, for those who come by the API; others write
 * commands, too. */
#include "subscription_request.h"

#include <string.h>

enum { DATE_LENGTH = 10 };

enum rc day_parse(const char *text, const char *field, const struct zone *zone, struct date *ret_day,
                  struct error *err) {
  struct utime at;
  if (strlen(text) <= DATE_LENGTH) return date_parse(text, field, ret_day, err);
  TRY(utime_parse(text, field, &at, err));
  *ret_day = zone_date(zone, at);
  return RC_OK;
}

/* BILL-014 */
static enum rc read_anchor(json_t *body, struct subscription_request *request, struct error *err) {
  static const struct {
    const char *word;
    enum anchor_kind kind;
  } words[] = {{"anniversary", ANCHOR_ANNIVERSARY}, {"calendar", ANCHOR_CALENDAR}, {"aligned", ANCHOR_ALIGNED}};
  static const char field[] = "billingAnchor";
  json_t *anchor = json_object_get(body, field);
  const char *word = json_string_value(anchor);
  request->anchor_kind = ANCHOR_ANNIVERSARY;
  if (!anchor || json_is_null(anchor)) return RC_OK;
  if (request->period_end)
    return error_field(err, RC_VALIDATION, field, "cannot be given with currentPeriodEnd, which is an anchor itself");
  request->anchor_kind = ANCHOR_DAY;
  if (body_int(body, field, 1, 31, 1, &request->anchor_day, err) == RC_OK) return RC_OK;
  for (size_t i = 0; word && i < sizeof words / sizeof words[0]; i++) {
    if (strcmp(words[i].word, word) != 0) continue;
    request->anchor_kind = words[i].kind;
    return RC_OK;
  }
  return error_field(err, RC_VALIDATION, field, "must be anniversary, calendar, aligned or a day from 1 to 31");
}

static enum rc read_choice(json_t *body, const char *field, const char *first, const char *second,
                           const char **ret_choice, struct error *err) {
  TRY(body_text(body, field, ret_choice, err));
  if (!*ret_choice) *ret_choice = first;
  if (strcmp(*ret_choice, first) == 0 || strcmp(*ret_choice, second) == 0) return RC_OK;
  return error_field(err, RC_VALIDATION, field, "must be %s or %s", first, second);
}

static enum rc read_item(json_t *body, struct item_request *item, struct error *err) {
  const char *quantity;
  TRY(body_text(body, "planId", &item->plan, err));
  TRY(body_decimal(body, "quantity", &quantity, err));
  if (!item->plan) return error_field(err, RC_VALIDATION, item->plan_field, "is required");
  item->quantity = quantity_of(1);
  if (!quantity) return RC_OK;
  TRY(quantity_parse(quantity, item->quantity_field, &item->quantity, err));
  if (item->quantity.micro > 0 && item->quantity.micro <= SUBSCRIPTION_QUANTITY_MAX * MICRO) return RC_OK;
  return error_field(err, RC_VALIDATION, item->quantity_field, "must be above 0 and at most %lld",
                     (long long)SUBSCRIPTION_QUANTITY_MAX);
}

/* Item 0 is in the body itself. */
static enum rc read_items(struct arena *arena, json_t *body, struct subscription_request *request, struct error *err) {
  json_t *items = json_object_get(body, "items");
  size_t count = json_array_size(items);
  if (count > SUBSCRIPTION_ITEMS_MAX || (items && !json_is_null(items) && !json_is_array(items)))
    return error_field(err, RC_VALIDATION, "items", "must be at most %d items", SUBSCRIPTION_ITEMS_MAX);
  request->items[0] = (struct item_request){.plan_field = "planId", .quantity_field = "quantity"};
  TRY(read_item(body, &request->items[0], err));
  for (size_t i = 1; i <= count; i++) {
    struct item_request *item = &request->items[i];
    item->plan_field = arena_printf(arena, "items[%zu].planId", i - 1);
    item->quantity_field = arena_printf(arena, "items[%zu].quantity", i - 1);
    TRY(read_item(json_array_get(items, i - 1), item, err));
  }
  request->item_count = 1 + count;
  return RC_OK;
}

static enum rc check_tenant(const struct message *command, struct error *err) {
  struct uuid tenant;
  bool present;
  TRY(body_uuid(command->json, "tenantId", &tenant, &present, err));
  if (!present || uuid_equal(&tenant, &command->tenant)) return RC_OK;
  return error_field(err, RC_TENANT_DENIED, "tenantId", "the command belongs to another tenant");
}

enum rc subscription_request_read(struct arena *arena, const struct message *command,
                                  struct subscription_request *ret_request, struct error *err) {
  json_t *body = command->json;
  struct subscription_request request = {0};
  struct uuid ignored;
  bool present;
  const char *behavior;
  TRY(check_tenant(command, err));
  TRY(body_uuid(body, "customerId", &ignored, &present, err));
  TRY(body_text(body, "customerId", &request.customer_id, err));
  TRY(body_text(body, "currency", &request.currency, err));
  TRY(body_text(body, "billingCycle", &request.billing_cycle, err));
  TRY(body_text(body, "startDate", &request.start_date, err));
  TRY(body_text(body, "billFrom", &request.bill_from, err));
  TRY(body_text(body, "currentPeriodEnd", &request.period_end, err));
  TRY(body_decimal(body, "currentPrice", &request.price, err));
  TRY(body_int(body, "trialDays", 0, TRIAL_DAYS_MAX, 0, &request.trial_days, err));
  TRY(body_bool(body, "autoRenew", true, &request.auto_renew, err));
  TRY(read_choice(body, "collection", "automatic", "manual", &request.collection, err));
  TRY(read_choice(body, "paymentBehavior", "activate", "require_payment", &behavior, err));
  request.requires_payment = strcmp(behavior, "require_payment") == 0;
  if (request.currency && !currency_find(request.currency))
    return error_field(err, RC_VALIDATION, "currency", "is not a currency of ISO 4217");
  TRY(read_items(arena, body, &request, err));
  TRY(read_anchor(body, &request, err));
  *ret_request = request;
  return RC_OK;
}
