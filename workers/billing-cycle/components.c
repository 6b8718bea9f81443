/* Between JSON and struct price_component. Reading says what is missing and what a model does not take, by the domain's
 * table of members; everything else that can be wrong with a component is price_component_check's to say. */
#include "components.h"

#include <stdio.h>
#include <string.h>

#include "base/assert.h"
#include "bus/message.h"

enum { COMPONENTS_JSON_MAX = MESSAGE_VALUE_MAX };

/* err->field is a member below `path`. */
static enum rc below(const char *path, enum rc rc, struct error *err) {
  char member[ERROR_FIELD_MAX];
  if (rc == RC_OK) return rc;
  snprintf(member, sizeof member, "%s", err->field);
  snprintf(err->field, sizeof err->field, "%s.%s", path, member);
  return rc;
}

/* ---- reading ---- */

static enum rc read_tier(json_t *object, struct price_tier *tier, struct error *err) {
  if (!json_is_object(object)) return error_field(err, RC_VALIDATION, "upTo", "is not of an object");
  json_t *up_to = json_object_get(object, "upTo");
  if (!up_to) return error_field(err, RC_VALIDATION, "upTo", "is required; null for the last tier");
  tier->is_last = json_is_null(up_to);
  TRY(body_quantity(object, "upTo", &tier->up_to, err));
  TRY(body_price(object, "flatFee", &tier->flat_fee, err));
  if (!json_object_get(object, "unitPrice")) return error_field(err, RC_VALIDATION, "unitPrice", "is required");
  return body_price(object, "unitPrice", &tier->unit_price, err);
}

static enum rc read_tiers(struct arena *arena, json_t *object, struct price_component *component, struct error *err) {
  json_t *tiers = json_object_get(object, "tiers");
  if (!tiers || json_is_null(tiers)) return RC_OK;
  size_t count = json_array_size(tiers);
  if (!json_is_array(tiers)) return error_field(err, RC_VALIDATION, "tiers", "must be an array");
  if (count > PRICE_TIERS_MAX) return error_field(err, RC_VALIDATION, "tiers", "at most %d", PRICE_TIERS_MAX);
  struct price_tier *read = ARENA_ARRAY(arena, struct price_tier, count);
  for (size_t i = 0; i < count; i++) {
    char path[32];
    snprintf(path, sizeof path, "tiers[%zu]", i);
    TRY(below(path, read_tier(json_array_get(tiers, i), &read[i], err), err));
  }
  component->tiers = read;
  component->tier_count = count;
  return RC_OK;
}

/* What the model takes must be there, unless it may be left out; what it does not take must not be. */
static enum rc check_members(json_t *object, enum price_model model, struct error *err) {
  const struct price_members *members = price_model_members(model);
  const struct {
    const char *name;
    bool is_taken, may_be_absent;
  } rows[] = {
      {"unitPrice", members->unit_price, false},
      {"tiers", members->tiers, false},
      {"packageSize", members->package_size, false},
      {"freeUnits", members->free_units, true},
      {"rate", members->rate, false},
      {"perEventFee", members->per_event_fee, true},
  };
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    json_t *member = json_object_get(object, rows[i].name);
    bool is_there = member && !json_is_null(member);
    if (is_there && !rows[i].is_taken)
      return error_field(err, RC_VALIDATION, rows[i].name, "is not of the model %s", price_model_name(model));
    if (!is_there && rows[i].is_taken && !rows[i].may_be_absent)
      return error_field(err, RC_VALIDATION, rows[i].name, "is required by the model %s", price_model_name(model));
  }
  return RC_OK;
}

static enum rc read_kind(json_t *object, struct price_component *component, struct error *err) {
  const char *model, *timing;
  TRY(body_text(object, "code", &component->code, err));
  TRY(body_text(object, "model", &model, err));
  TRY(body_text(object, "timing", &timing, err));
  if (!component->code) return error_field(err, RC_VALIDATION, "code", "is required");
  if (!model) return error_field(err, RC_VALIDATION, "model", "is required");
  if (!price_model_from_name(model, &component->model))
    return error_field(err, RC_VALIDATION, "model", "must be flat, per_unit, graduated, volume, package or percentage");
  if (timing && !price_timing_from_name(timing, &component->timing))
    return error_field(err, RC_VALIDATION, "timing", "must be advance or arrears");
  return RC_OK;
}

static enum rc read_component(struct arena *arena, json_t *object, struct price_component *component,
                              struct error *err) {
  const char *metric, *tax_code;
  TRY(read_kind(object, component, err));
  TRY(check_members(object, component->model, err));
  TRY(body_price(object, "unitPrice", &component->unit_price, err));
  TRY(body_quantity(object, "packageSize", &component->package_size, err));
  TRY(body_quantity(object, "freeUnits", &component->free_units, err));
  TRY(body_price(object, "rate", &component->rate, err));
  TRY(body_price(object, "perEventFee", &component->per_event_fee, err));
  TRY(read_tiers(arena, object, component, err));
  TRY(body_text(object, "metric", &metric, err));
  TRY(body_text(object, "taxCode", &tax_code, err));
  component->code = arena_strdup(arena, component->code);
  component->metric = metric ? arena_strdup(arena, metric) : NULL;
  component->tax_code = tax_code ? arena_strdup(arena, tax_code) : NULL;
  return RC_OK;
}

static enum rc check_code_is_new(const struct price_component *components, size_t i, struct error *err) {
  for (size_t j = 0; j < i; j++)
    if (strcmp(components[j].code, components[i].code) == 0)
      return error_field(err, RC_VALIDATION, "code", "there is a component %s already", components[i].code);
  return RC_OK;
}

static enum rc read_array(struct arena *arena, json_t *array, const char *path,
                          const struct price_component **ret_components, size_t *ret_count, struct error *err) {
  size_t count = json_array_size(array);
  if (!json_is_array(array) || count == 0)
    return error_field(err, RC_VALIDATION, path, "must be an array of components, not empty");
  if (count > PRICE_COMPONENTS_MAX)
    return error_field(err, RC_VALIDATION, path, "at most %d components", PRICE_COMPONENTS_MAX);
  struct price_component *components = ARENA_ARRAY(arena, struct price_component, count);
  for (size_t i = 0; i < count; i++) {
    char at[ERROR_FIELD_MAX];
    snprintf(at, sizeof at, "%s[%zu]", path, i);
    TRY(below(at, read_component(arena, json_array_get(array, i), &components[i], err), err));
    TRY(below(at, check_code_is_new(components, i, err), err));
    TRY(price_component_check(&components[i], at, err));
  }
  *ret_components = components;
  *ret_count = count;
  return RC_OK;
}

enum rc price_components_of_body(struct arena *arena, json_t *body, const char *field, const char *path,
                                 const struct price_component **ret_components, size_t *ret_count, struct error *err) {
  return read_array(arena, json_object_get(body, field), path, ret_components, ret_count, err);
}

enum rc price_components_read(struct arena *arena, const char *json, const struct currency *currency,
                              const struct price_component **ret_components, size_t *ret_count, struct error *err) {
  (void)currency;
  struct error why;
  struct buf CLEANUP(buf_release) exact;
  buf_init(&exact, (size_t)2 * COMPONENTS_JSON_MAX);
  json_auto_t *array = NULL;
  if (json_exact(json, strlen(json), &exact, &why) == RC_OK) array = json_loads(buf_text(&exact), 0, NULL);
  if (!array) return error_set(err, RC_INVARIANT, "a plan's components are no JSON");
  if (read_array(arena, array, "components", ret_components, ret_count, &why) == RC_OK) return RC_OK;
  return error_set(err, RC_INVARIANT, "a plan's components cannot be read: %s %s", why.field, why.text);
}

/* ---- writing ---- */

static void put_price(struct json_writer *json, const char *key, struct decimal value,
                      const struct currency *currency) {
  char text[DECIMAL_TEXT_MAX];
  json_put_string(json, key, decimal_format_price(value, currency, text));
}

static void put_decimal(struct json_writer *json, const char *key, struct decimal value) {
  char text[DECIMAL_TEXT_MAX];
  json_put_string(json, key, decimal_format(value, text));
}

static void put_quantity(struct json_writer *json, const char *key, struct quantity value) {
  char text[DECIMAL_TEXT_MAX];
  json_put_raw(json, key, quantity_format(value, text));
}

static void put_tiers(struct json_writer *json, const struct price_component *component,
                      const struct currency *currency) {
  json_put_array(json, "tiers");
  for (size_t i = 0; i < component->tier_count; i++) {
    const struct price_tier *tier = &component->tiers[i];
    json_put_object(json, NULL);
    if (tier->is_last)
      json_put_null(json, "upTo");
    else
      put_quantity(json, "upTo", tier->up_to);
    put_price(json, "unitPrice", tier->unit_price, currency);
    if (tier->flat_fee.pico != 0) put_price(json, "flatFee", tier->flat_fee, currency);
    json_put_end(json);
  }
  json_put_end(json);
}

static void put_component(struct json_writer *json, const struct price_component *component,
                          const struct currency *currency) {
  const struct price_members *members = price_model_members(component->model);
  json_put_object(json, NULL);
  json_put_string(json, "code", component->code);
  json_put_string(json, "model", price_model_name(component->model));
  json_put_string(json, "timing", price_timing_name(component->timing));
  if (members->unit_price) put_price(json, "unitPrice", component->unit_price, currency);
  if (members->tiers) put_tiers(json, component, currency);
  if (members->package_size) put_quantity(json, "packageSize", component->package_size);
  if (component->free_units.micro != 0) put_quantity(json, "freeUnits", component->free_units);
  if (members->rate) put_decimal(json, "rate", component->rate);
  if (component->per_event_fee.pico != 0) put_price(json, "perEventFee", component->per_event_fee, currency);
  if (component->metric) json_put_string(json, "metric", component->metric);
  if (component->tax_code) json_put_string(json, "taxCode", component->tax_code);
  json_put_end(json);
}

const char *price_components_json(struct arena *arena, const struct price_component *components, size_t count,
                                  const struct currency *currency) {
  struct buf CLEANUP(buf_release) text;
  struct json_writer json;
  buf_init(&text, COMPONENTS_JSON_MAX);
  json_writer_init(&json, &text);
  json_put_array(&json, NULL);
  for (size_t i = 0; i < count; i++) put_component(&json, &components[i], currency);
  json_put_end(&json);
  ASSERT(buf_ok(&text));
  return arena_strdup(arena, buf_text(&text));
}
