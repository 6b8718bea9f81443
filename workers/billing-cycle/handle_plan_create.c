/* plan.create: a plan, its first version, and its prices, one for each currency. */
#include <string.h>

#include "base/money.h"
#include "base/text.h"
#include "domain/calendar.h"
#include "handlers.h"
#include "sql.h"

enum { PRICES_MAX = 50 };

struct prices {
  const struct currency *currency[PRICES_MAX];
  int64_t amount_minor[PRICES_MAX];
  size_t count;
};

static enum rc add_price(struct prices *prices, const char *code, const char *amount, const char *field,
                         struct error *err) {
  char path[ERROR_FIELD_MAX];
  const struct currency *currency = code ? currency_find(code) : NULL;
  snprintf(path, sizeof path, "%scurrency", field);
  if (!currency) return error_field(err, RC_VALIDATION, path, "is not a currency of ISO 4217");
  for (size_t i = 0; i < prices->count; i++)
    if (prices->currency[i] == currency)
      return error_field(err, RC_VALIDATION, path, "%s has a price already", currency->code);
  if (prices->count == PRICES_MAX) return error_field(err, RC_VALIDATION, "prices", "at most %d", PRICES_MAX);
  snprintf(path, sizeof path, "%sprice", field);
  if (!amount) return error_field(err, RC_VALIDATION, path, "is required");
  TRY(money_parse(amount, currency, path, &prices->amount_minor[prices->count], err));
  if (prices->amount_minor[prices->count] < 0) return error_field(err, RC_VALIDATION, path, "must not be negative");
  prices->currency[prices->count++] = currency;
  return RC_OK;
}

/* The plan's own price, then those in further currencies. */
static enum rc read_prices(json_t *body, struct prices *prices, struct error *err) {
  const char *currency, *amount;
  TRY(body_text(body, "currency", &currency, err));
  TRY(body_decimal(body, "price", &amount, err));
  TRY(add_price(prices, currency, amount, "", err));
  json_t *further = json_object_get(body, "prices"), *row;
  size_t index;
  json_array_foreach(further, index, row) {
    char field[ERROR_FIELD_MAX];
    snprintf(field, sizeof field, "prices[%zu].", index);
    TRY(body_text(row, "currency", &currency, err));
    TRY(body_decimal(row, "price", &amount, err));
    TRY(add_price(prices, currency, amount, field, err));
  }
  return RC_OK;
}

static enum rc read_interval(json_t *body, struct interval *ret_interval, struct error *err) {
  const char *cycle, *unit;
  int64_t interval_count;
  TRY(body_text(body, "billingCycle", &cycle, err));
  TRY(body_text(body, "interval", &unit, err));
  TRY(body_int(body, "intervalCount", 1, INTERVAL_COUNT_MAX, 1, &interval_count, err));
  if (!cycle && !unit) return error_field(err, RC_VALIDATION, "billingCycle", "is required");
  struct interval interval;
  if (cycle) TRY(interval_from_cycle(cycle, "billingCycle", &interval, err));
  if (unit) {
    if (!interval_unit_from_name(unit, &interval.unit))
      return error_field(err, RC_VALIDATION, "interval", "must be day, week, month, quarter or year");
    if (cycle && strcmp(interval_unit_name(interval.unit), unit) != 0)
      return error_field(err, RC_VALIDATION, "interval", "contradicts billingCycle");
  }
  interval.count = (int)interval_count;
  *ret_interval = interval;
  return RC_OK;
}

static void emit_created(struct work *work, const struct message *command, const char *code) {
  const char *json = arena_printf(work->arena, "{\"planId\":\"%s\",\"code\":\"%s\",\"planVersion\":1,\"version\":1}",
                                  command->subject, code); /* codes need no escape: the table's CHECK */
  emit(work, &(struct emission){.type = "plan.created",
                                .id = UUID_DERIVE("plan.created", command->subject),
                                .tenant = command->tenant,
                                .subject = command->subject,
                                .key = command->subject,
                                .json = json,
                                .cause = command});
}

static enum rc insert_plan(struct work *work, const struct message *command, const char *code, const char *name,
                           struct interval interval, const struct prices *prices, struct error *err) {
  struct arena *arena = work->arena;
  json_t *body = command->json;
  const char *description, *tier;
  TRY(body_text(body, "description", &description, err));
  TRY(body_text(body, "tier", &tier, err));
  struct db_array *currencies = db_array_new(arena), *amounts = db_array_new(arena);
  for (size_t i = 0; i < prices->count; i++) {
    db_array_text(currencies, prices->currency[i]->code);
    db_array_int(amounts, prices->amount_minor[i]);
  }
  PGresult CLEANUP(db_result_release) *inserted = NULL;
  TRY(tx_exec(work->tx, &sql_plan_insert,
              PARAMS(db_uuid(arena, &command->tenant), command->subject, code, name, description, tier,
                     body_json(arena, body, "features"), body_json(arena, body, "limits"),
                     body_json(arena, body, "metadata"), interval_unit_name(interval.unit),
                     db_int(arena, interval.count), prices->currency[0]->code, db_array_literal(currencies),
                     db_array_literal(amounts), db_utime(arena, work->now)),
              &inserted, err));
  if (row_count(inserted) == 1) return RC_OK;
  return error_field(err, RC_CONFLICT, "code", "there is a plan with the code %s", code);
}

enum rc handle_plan_create(struct work *work, struct message *const *messages, size_t count, struct error *err) {
  (void)count;
  const struct message *command = messages[0];
  const char *code, *name;
  struct interval interval;
  struct prices prices = {.count = 0};
  TRY(body_text(command->json, "code", &code, err));
  TRY(body_text(command->json, "name", &name, err));
  if (!code || !*code) return error_field(err, RC_VALIDATION, "code", "is required");
  struct uuid id;
  if (uuid_parse(code, &id)) return error_field(err, RC_VALIDATION, "code", "must not look like an id");
  if (!name || text_is_blank(name)) return error_field(err, RC_VALIDATION, "name", "is required, and not blank");
  TRY(read_interval(command->json, &interval, err));
  TRY(read_prices(command->json, &prices, err));

  TRY(insert_plan(work, command, code, name, interval, &prices, err));
  PGresult CLEANUP(db_result_release) *resource = NULL;
  TRY(tx_exec(work->tx, &sql_plan_resource, PARAMS(db_uuid(work->arena, &command->tenant), command->subject), &resource,
              err));
  reply(work, command, 201, "plan", command->subject, row_text(resource, 0, 0));
  emit_created(work, command, code);
  return RC_OK;
}
