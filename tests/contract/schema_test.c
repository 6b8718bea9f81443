/* The schemas themselves: one for each message, none too many; limits on everything; examples that fit, and that stop
 * fitting when something is taken away or added. */
#include <criterion/criterion.h>
#include <dirent.h>

#include "bus/topics.h"
#include "harness/harness.h"
#include "harness/sources.h"
#include "schema/schema.h"

static bool is_event(enum topic topic) {
  return strstr(topic_name(topic), ".events") != NULL;
}

static json_t *parsed(const struct schema_source *source) {
  json_error_t why;
  json_t *schema = json_loads(source->text, JSON_REJECT_DUPLICATES, &why);
  cr_assert_not_null(schema, "%s: %s", source->name, why.text);
  return keep_json(schema);
}

Test(schemas, every_message_has_one_of_its_kind) {
  for (const struct message_type *type = MESSAGE_TYPES; type->name; type++) {
    const struct schema_source *source = schema_find(type->name);
    cr_expect(source, "schemas/ lacks %s", type->name);
    if (source) cr_expect_str_eq(source->kind, is_event(type->topic) ? "events" : "commands", "%s", type->name);
  }
}

Test(schemas, no_other_file_exists) {
  static const char *const directories[] = {"commands", "events"};
  for (size_t i = 0; i < 2; i++) {
    DIR *directory = opendir(keep_text("%s/schemas/%s", SOURCE_DIR, directories[i]));
    cr_assert_not_null(directory);
    for (const struct dirent *entry; (entry = readdir(directory));) {
      if (entry->d_name[0] == '.') continue;
      char *name = keep_text("%s", entry->d_name);
      char *suffix = strrchr(name, '.');
      cr_assert(suffix && strcmp(suffix, ".json") == 0, "%s", name);
      *suffix = '\0';
      cr_expect_neq(topic_of_type(name), TOPIC_COUNT, "MESSAGE_TYPES lacks %s", name);
    }
    closedir(directory);
  }
}

Test(schemas, each_says_who_it_is) {
  for (const struct schema_source *source = schema_sources(); source->name; source++) {
    json_t *schema = parsed(source);
    cr_expect_str_eq(json_at(schema, "$schema"), "http://json-schema.org/draft-07/schema#", "%s", source->name);
    cr_expect_str_eq(json_at(schema, "$id"), keep_text("/schemas/%s/%s.json", source->kind, source->name));
    cr_expect(json_at(schema, "title"), "%s has no title", source->name);
    cr_expect(json_at(schema, "description"), "%s has no description", source->name);
    cr_expect_geq(json_array_size(json_object_get(schema, "examples")), 1, "%s has no example", source->name);
  }
}

/* -- limits: each keyword that a type needs, wherever that type stands -- */

static bool has_type(const json_t *node, const char *name) {
  const json_t *type = json_object_get(node, "type");
  if (json_is_string(type)) return strcmp(json_string_value(type), name) == 0;
  size_t index;
  const json_t *one;
  json_array_foreach(type, index, one) if (strcmp(json_string_value(one), name) == 0) return true;
  return false;
}

static const struct {
  const char *type;
  const char *needs[3];
} limits[] = {{"string", {"maxLength"}}, {"integer", {"minimum", "maximum"}}, {"array", {"maxItems", "items"}}};

static void check_limits(const char *name, const char *place, const json_t *node) {
  for (size_t i = 0; i < sizeof limits / sizeof *limits; i++)
    for (size_t k = 0; has_type(node, limits[i].type) && limits[i].needs[k]; k++)
      cr_expect(json_object_get(node, limits[i].needs[k]), "%s: %s has no %s", name, place, limits[i].needs[k]);
  if (has_type(node, "object"))
    cr_expect(json_is_false(json_object_get(node, "additionalProperties")) || json_object_get(node, "maxProperties"),
              "%s: %s takes anything", name, place);
}

static void walk(const char *name, const char *place, const json_t *node, bool is_definition);

/* NOLINTNEXTLINE(misc-no-recursion): as deep as a schema */
static void walk_members(const char *name, const char *place, const json_t *members, bool is_definition) {
  const char *key;
  json_t *member;
  json_object_foreach((json_t *)(uintptr_t)members, key, member)
      walk(name, keep_text("%s/%s", place, key), member, is_definition);
}

/* NOLINTNEXTLINE(misc-no-recursion) */
static void walk(const char *name, const char *place, const json_t *node, bool is_definition) {
  static const char *const confused[] = {"propertyNames", "contains", "not", "if", "patternProperties"};
  if (!json_is_object(node)) return;
  check_limits(name, place, node);
  for (size_t i = 0; is_definition && i < sizeof confused / sizeof *confused; i++)
    cr_expect_null(json_object_get(node, confused[i]), "%s: %s: no %s below a $ref", name, place, confused[i]);
  const char *reference = json_at(node, "$ref");
  if (reference) cr_expect(strncmp(reference, "#/definitions/", 14) == 0, "%s: %s", name, reference);
  walk_members(name, place, json_object_get(node, "properties"), is_definition);
  walk_members(name, keep_text("%s/definitions", place), json_object_get(node, "definitions"), true);
  walk(name, keep_text("%s/items", place), json_object_get(node, "items"), is_definition);
  walk(name, keep_text("%s/additional", place), json_object_get(node, "additionalProperties"), is_definition);
}

Test(schemas, everything_has_a_limit) {
  for (const struct schema_source *source = schema_sources(); source->name; source++)
    walk(source->name, "", parsed(source), false);
}

Test(schemas, every_event_carries_its_version_and_nobody_s_address) {
  static const char *const personal[] = {"email", "name", "phone", "address", "billingAddress"};
  for (const struct schema_source *source = schema_sources(); source->name; source++) {
    if (strcmp(source->kind, "events") != 0) continue;
    const json_t *properties = json_object_get(parsed(source), "properties");
    cr_expect(json_object_get(properties, "version"), "%s has no version", source->name);
    for (size_t i = 0; i < sizeof personal / sizeof *personal; i++)
      cr_expect_null(json_object_get(properties, personal[i]), "%s tells %s", source->name, personal[i]);
  }
}

/* -- examples -- */

static enum rc validate(const char *name, const json_t *message, struct schema_faults *faults) {
  char *text = json_dumps(message, 0);
  enum rc rc = schema_validate(name, text, strlen(text), faults);
  free(text);
  return rc;
}

static const char *first_fault(const struct schema_faults *faults) {
  return keep_text("%s %s", faults->faults[0].field, faults->faults[0].text);
}

static void example_fits(const char *name, const json_t *example, const json_t *schema) {
  struct schema_faults faults = {0};
  (void)schema;
  cr_expect_eq(validate(name, example, &faults), RC_OK, "%s: %s", name, first_fault(&faults));
}

static void example_needs_what_is_required(const char *name, const json_t *example, const json_t *schema) {
  size_t index;
  const json_t *required;
  json_array_foreach(json_object_get(schema, "required"), index, required) {
    struct schema_faults faults = {0};
    const char *field = json_string_value(required);
    json_t *less = keep_json(json_deep_copy(example));
    cr_expect_eq(json_object_del(less, field), 0, "%s: the example lacks %s", name, field);
    cr_expect_eq(validate(name, less, &faults), RC_VALIDATION, "%s without %s", name, field);
    cr_expect_str_eq(first_fault(&faults), keep_text("%s is required", field), "%s", name);
  }
}

static void example_takes_nothing_more(const char *name, const json_t *example, const json_t *schema) {
  struct schema_faults faults = {0};
  (void)schema;
  json_t *more = keep_json(json_deep_copy(example));
  json_object_set_new(more, "surprise", json_true());
  cr_expect_eq(validate(name, more, &faults), RC_VALIDATION, "%s with a surprise", name);
  cr_expect_str_eq(first_fault(&faults), "surprise unknown field", "%s", name);
}

static void each_example(void (*check)(const char *, const json_t *, const json_t *)) {
  for (const struct schema_source *source = schema_sources(); source->name; source++) {
    json_t *schema = parsed(source);
    size_t index;
    const json_t *example;
    json_array_foreach(json_object_get(schema, "examples"), index, example) check(source->name, example, schema);
  }
}

Test(schemas, every_example_fits) {
  each_example(example_fits);
}
Test(schemas, no_example_fits_without_what_is_required) {
  each_example(example_needs_what_is_required);
}
Test(schemas, no_example_fits_with_something_more) {
  each_example(example_takes_nothing_more);
}

/* -- amounts (BILL-004): what a schema can say of them; the currency's digits are the worker's to check -- */

static const struct {
  const char *amount;
  bool fits;
} amount_cases[] = {{"'0'", true},    {"'99'", true},   {"'99.00'", true}, {"'0.001'", true},
                    {"99.5", true},   {"0", true},      {"'1e2'", false},  {"'+1'", false},
                    {"'.5'", false},  {"'5.'", false},  {"' 5'", false},   {"'5 '", false},
                    {"'007'", false}, {"'NaN'", false}, {"''", false},     {"'-1'", false},
                    {"-1", false},    {"null", false},  {"true", false},   {"'1,000'", false},
                    {"'1_0'", false}, {"[1]", false},   {"1e15", false},   {"'1000000000000000000000'", false}};

Test(schemas, an_amount_is_a_plain_decimal) {
  for (size_t i = 0; i < sizeof amount_cases / sizeof *amount_cases; i++) {
    struct schema_faults faults = {0};
    const char *json =
        quotes(keep_text("{'customerId':'%s','planId':'basic','currentPrice':%s}", new_id(), amount_cases[i].amount));
    enum rc rc = schema_validate("subscription.create", json, strlen(json), &faults);
    cr_expect_eq(rc, amount_cases[i].fits ? RC_OK : RC_VALIDATION, "%s", json);
    if (rc == RC_VALIDATION) cr_expect_str_eq(faults.faults[0].field, "currentPrice", "%s", json);
  }
}

/* Each way to say where something is: of ISO 3166-1, as the tz database has it, and Kosovo, which has no code there. */
Test(schemas, a_country_is_one_that_there_is) {
  char *table = file_text("/usr/share/zoneinfo", "iso3166.tab");
  cr_assert_not_null(table);
  const char *pattern = NULL;
  for (const struct schema_source *source = schema_sources(); source->name; source++) {
    const char **found = matches(source->text, "\"pattern\": \"(\\^\\(A\\[DE[^\"]*)\"");
    if (found[0] && pattern) cr_expect_str_eq(found[0], pattern, "%s", source->name);
    if (found[0]) pattern = found[0];
    cr_expect_null(matches(source->text, "(\\^\\[A-Z\\]\\{2\\})")[0], "%s", source->name);
  }
  for (int a = 'A'; a <= 'Z'; a++) {
    for (int b = 'A'; b <= 'Z'; b++) {
      const char *body = keep_text("{\"code\":\"R\",\"name\":\"R\",\"percentage\":\"1\",\"country\":\"%c%c\"}", a, b);
      bool is_there = strstr(table, keep_text("\n%c%c\t", a, b)) || (a == 'X' && b == 'K');
      struct schema_faults faults = {0};
      cr_expect_eq(schema_validate("tax-rate.create", body, strlen(body), &faults) == RC_OK, is_there, "%c%c", a, b);
    }
  }
  free(table);
}

Test(schemas, a_card_number_is_no_token) {
  static const char *const numbers[] = {"4242424242424242", "4242 4242 4242 4242", "pm-4242", ""};
  for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
    struct schema_faults faults = {0};
    const char *json = quotes(keep_text("{'customerId':'%s','token':'%s'}", new_id(), numbers[i]));
    cr_expect_eq(schema_validate("payment-method.create", json, strlen(json), &faults), RC_VALIDATION, "%s", json);
  }
}

Test(schemas, a_plan_has_a_price_or_components) {
  static const struct {
    const char *members, *fault;
  } cases[] = {
      {"'price':1", NULL},
      {"'components':[{'code':'a','model':'flat','unitPrice':'1.123456789012'}]", NULL},
      {"'tier':'pro'", "price is required"},
      {"'components':[]", "components must have at least 1 elements"},
      {"'components':[{'code':'a','model':'flat','unitPrice':'1.1234567890123'}]",
       "components[0].unitPrice must be a decimal number like 0.0125, not below 0, with at most 12 decimals"},
      {"'components':[{'code':'a','model':'flat','unitPrice':-1}]",
       "components[0].unitPrice must be a decimal number like 0.0125, not below 0, with at most 12 decimals"},
      {"'components':[{'code':'a','model':'volume','tiers':[{'upTo':'1e3','unitPrice':'1'}]}]",
       "components[0].tiers[0].upTo must be a decimal number like 2.5, not below 0, with at most 6 decimals, or null"},
      {"'components':[{'code':'a','model':'volume','tiers':[{'unitPrice':'1'}]}]",
       "components[0].tiers[0].upTo is required"},
      {"'components':[{'code':'a','model':'tiered'}]",
       "components[0].model must be one of flat, per_unit, graduated, volume, package or percentage"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    struct schema_faults faults = {0};
    const char *json =
        quotes(keep_text("{'code':'a','name':'A','currency':'EUR','billingCycle':'monthly',%s}", cases[i].members));
    enum rc rc = schema_validate("plan.create", json, strlen(json), &faults);
    cr_expect_eq(rc, cases[i].fault ? RC_VALIDATION : RC_OK, "%s", json);
    if (cases[i].fault) cr_expect_str_eq(first_fault(&faults), cases[i].fault, "%s", first_fault(&faults));
  }
}

Test(schemas, a_plan_says_how_often_it_is_billed) {
  static const struct {
    const char *members, *fault;
  } cases[] = {
      {"'billingCycle':'monthly'", NULL},
      {"'interval':'week','intervalCount':2", NULL},
      {"'interval':'week'", NULL},
      {"'tier':'pro'", "billingCycle is required"},
      {"'billingCycle':'monthly','intervalCount':2", "interval is required here"},
      {"'billingCycle':'hourly'", "billingCycle must be one of daily, weekly, monthly, quarterly or yearly"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    struct schema_faults faults = {0};
    const char *json = quotes(keep_text("{'code':'a','name':'A','price':1,'currency':'EUR',%s}", cases[i].members));
    enum rc rc = schema_validate("plan.create", json, strlen(json), &faults);
    cr_expect_eq(rc, cases[i].fault ? RC_VALIDATION : RC_OK, "%s", json);
    if (cases[i].fault) cr_expect_str_eq(first_fault(&faults), cases[i].fault);
  }
}
