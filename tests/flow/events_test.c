/* Every event in every topic, whoever's work it was: a CloudEvent of its topic, valid against its schema, keyed so that
 * what concerns one aggregate is in order, with versions that only grow. */
#include "flow.h"

#include "bus/topics.h"
#include "schema/schema.h"

TestSuite(events, .timeout = 180);

/* Tests send events of their own making, too: "/tests", "/cloudbill/test". */
static bool is_genuine(const struct record *record) {
  const char *source = record_header(record, "ce_source");
  return source && strncmp(source, "/cloudbill/", 11) == 0 && strncmp(source, "/cloudbill/test", 15) != 0;
}

static void each_event(void (*check)(const struct record *record, const json_t *value)) {
  for (enum topic topic = 0; topic < TOPIC_COUNT; topic++) {
    if (!strstr(topic_name(topic), ".events")) continue;
    struct records records = kafka_read(topic_name(topic), NULL, NULL);
    for (size_t i = 0; i < records.count; i++) {
      const struct record *record = &records.at[i];
      if (!is_genuine(record)) continue;
      json_t *value = json_loadb(record->value, record->value_length, JSON_REJECT_DUPLICATES, NULL);
      cr_assert_not_null(value, "%s", record->value);
      check(record, keep_json(value));
    }
  }
}

/* One subscription's life, so that there is something to look at when this test runs first. */
static struct tenant busy_tenant(void) {
  struct tenant tenant = tenant_new();
  const char *customer = customer_new(&tenant, NULL), *plan = plan_new(&tenant, "5.00", "USD", "weekly");
  payment_method_new(&tenant, customer, "pm_card_visa");
  subscription_new(&tenant, customer, plan, days_ago(20));
  billing_run(&tenant);
  WAIT_UNTIL(all_are_paid(&tenant, 3), "three paid invoices");
  return tenant;
}

static void is_valid(const struct record *record, const json_t *value) {
  const char *type = record_header(record, "ce_type");
  struct schema_faults faults = {0};
  (void)value;
  cr_assert_not_null(type);
  cr_expect_eq(topic_of_type(type) != TOPIC_COUNT && strcmp(topic_name(topic_of_type(type)), record->topic) == 0, true,
               "%s is not of %s", type, record->topic);
  cr_assert_not_null(schema_find(type), "%s", type);
  cr_expect_eq(schema_validate(type, record->value, record->value_length, &faults), RC_OK, "%s: %s %s: %s", type,
               faults.faults[0].field, faults.faults[0].text, record->value);
}

static void is_keyed(const struct record *record, const json_t *value) {
  const char *customer = json_at(value, "customerId");
  cr_expect_str_eq(record->key, customer ? customer : record_header(record, "ce_subject"), "%s",
                   record_header(record, "ce_type"));
}

static void tells_nobody_s_address(const struct record *record, const json_t *value) {
  (void)value;
  cr_expect_null(strchr(record->value, '@'), "%s: %s", record_header(record, "ce_type"), record->value);
}

/* Subject and version -> seen, per type: an aggregate's event of one version is one event. */
static json_t *seen;

static void is_the_only_one_of_its_version(const struct record *record, const json_t *value) {
  const char *name = keep_text("%s %s %.0f", record_header(record, "ce_type"), record_header(record, "ce_subject"),
                               json_number_at(value, "version"));
  const char *id = record_header(record, "ce_id");
  const char *before = json_string_value(json_object_get(seen, name));
  if (before) cr_assert_str_eq(before, id, "two different events: %s", name);
  json_object_set_new(seen, name, json_string(id));
}

Test(events, are_what_their_schemas_say) {
  busy_tenant();
  each_event(is_valid);
}

Test(events, are_keyed_by_customer_else_by_subject) {
  busy_tenant();
  each_event(is_keyed);
}

Test(events, hold_no_personal_data) {
  busy_tenant();
  each_event(tells_nobody_s_address);
}

Test(events, of_one_aggregate_and_version_are_one) {
  busy_tenant();
  seen = keep_json(json_object());
  each_event(is_the_only_one_of_its_version);
}
