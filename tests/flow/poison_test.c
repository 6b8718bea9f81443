/* Messages that can never be processed: each reaches the dead letters once, with why, and stops nobody. And what people
 * do with a dead letter. */
#include "flow.h"

#include "bus/topics.h"

TestSuite(poison, .timeout = 180);

/* -- sending -- */

struct envelope {
  const char *type, *tenant, *id, *subject;
};

static struct record send_message(const char *topic, const char *key, const struct envelope *e, const void *value,
                                  size_t length) {
  const char *const headers[] = {"ce_specversion",
                                 "1.0",
                                 "ce_id",
                                 e->id ? e->id : new_id(),
                                 "ce_type",
                                 e->type,
                                 "ce_source",
                                 "/tests",
                                 "ce_subject",
                                 e->subject ? e->subject : new_id(),
                                 "ce_time",
                                 "2026-11-21T00:00:00.000Z",
                                 "ce_tenantid",
                                 e->tenant,
                                 NULL};
  return kafka_produce(topic, key, value, length, headers);
}

static const char *where(const struct record *record) {
  return keep_text("source_topic = '%s' AND source_partition = %d AND source_offset = %lld", record->topic,
                   record->partition, (long long)record->offset);
}

static int64_t dead_letters_of(const struct record *record) {
  return sql_int(NULL, keep_text("SELECT count(*) FROM dead_letters WHERE %s", where(record)));
}

/* Copies of it in <topic>.dlq, told apart by where they came from. */
static struct records in_dlq(const struct record *record) {
  struct records all =
      kafka_read(keep_text("%s" DLQ_SUFFIX, record->topic), "dlq_offset", keep_text("%lld", (long long)record->offset));
  struct records mine = {0, keep(sizeof *all.at * (all.count + 1))};
  const char *partition = keep_text("%d", record->partition);
  for (size_t i = 0; i < all.count; i++)
    if (strcmp(record_header(&all.at[i], "dlq_partition"), partition) == 0) mine.at[mine.count++] = all.at[i];
  return mine;
}

static const char *starts_of_workers(void) {
  return sql_text(NULL, "SELECT string_agg(worker || instance || started_at, ' ' ORDER BY worker, instance) "
                        "FROM worker_heartbeats WHERE seen_at > now() - interval '1 minute'");
}

/* -- the cases: a million digits, and the like -- */

struct payload {
  const char *bytes;
  size_t length;
};

static struct payload text(const char *bytes) {
  return (struct payload){bytes, strlen(bytes)};
}

static struct payload filled(const char *head, char filler, size_t count, const char *tail) {
  size_t before = strlen(head), after = strlen(tail);
  char *bytes = keep(before + count + after + 1);
  memcpy(bytes, head, before);
  memset(bytes + before, filler, count);
  memcpy(bytes + before + count, tail, after);
  return (struct payload){bytes, before + count + after};
}

static struct payload not_json(void) {
  return text("this is not JSON");
}
static struct payload nothing(void) {
  return text("");
}
static struct payload half(void) {
  return text("{\"planId\":\"a\"");
}
static struct payload twice(void) {
  return text("{\"planId\":\"a\",\"planId\":\"b\"}");
}
static struct payload not_an_object(void) {
  return text("[1,2,3]");
}
static struct payload million_digits(void) {
  return filled("{\"planId\":\"a\",\"quantity\":1", '0', 999990, "}");
}
static struct payload million_decimals(void) {
  return filled("{\"planId\":\"a\",\"currentPrice\":1.", '9', 999990, "}");
}
static struct payload deep(void) {
  return filled("{\"metadata\":", '[', 500000, "");
}
static struct payload binary(void) {
  return (struct payload){"\x00\xff\xfe\x80{}\x00", 8};
}
static struct payload good(void) {
  return text("{}");
}

static const struct {
  const char *what;
  struct payload (*payload)(void);
  const char *type;
  bool stranger; /* a tenant that does not exist */
} cases[] = {
    {"not JSON", not_json, "subscription.create", false},
    {"nothing", nothing, "subscription.create", false},
    {"half a document", half, "subscription.create", false},
    {"a member twice", twice, "subscription.create", false},
    {"not an object", not_an_object, "subscription.create", false},
    {"a number of a million digits", million_digits, "subscription.create", false},
    {"an amount of a million decimals", million_decimals, "subscription.create", false},
    {"half a million brackets", deep, "subscription.create", false},
    {"bytes", binary, "subscription.create", false},
    {"an unknown type", good, "subscription.explode", false},
    {"another topic's type", good, "customer.create", false},
    {"an unknown tenant", good, "subscription.create", true},
};

/* A million digits are JSON: a number that no field takes is a plain refusal, which goes to nobody. */
static bool may_be_refused_instead(size_t index) {
  return cases[index].payload == million_digits || cases[index].payload == million_decimals;
}

static void expect_dead_letter(const struct record *record, const struct payload *payload, const char *what) {
  cr_expect_eq(dead_letters_of(record), 1, "%s: %lld dead letters", what, (long long)dead_letters_of(record));
  WAIT_UNTIL(in_dlq(record).count > 0, "%s to be in the dead letters' topic", what);
  struct records copies = in_dlq(record);
  cr_assert_eq(copies.count, 1, "%s is %zu times in the dead letters' topic", what, copies.count);
  const struct record *copy = &copies.at[0];
  cr_expect_eq(copy->value_length, payload->length, "%s: other value", what);
  cr_expect_eq(memcmp(copy->value, payload->bytes, payload->length), 0, "%s: other value", what);
  static const char *const needed[] = {"dlq_reason",       "dlq_errorcode",   "dlq_worker",  "dlq_topic",
                                       "dlq_firstfailure", "dlq_lastfailure", "dlq_attempts"};
  for (size_t i = 0; i < sizeof needed / sizeof *needed; i++)
    cr_expect_not_null(record_header(copy, needed[i]), "%s: no %s", what, needed[i]);
}

Test(poison, reaches_the_dead_letters_once_and_stops_nobody) {
  static const char topic[] = "cloudbill.subscription.commands";
  struct tenant tenant = tenant_new();
  const char *customer = customer_new(&tenant, NULL), *plan = plan_new(&tenant, "5.00", "USD", "monthly");
  const char *before = starts_of_workers();
  struct record records[sizeof cases / sizeof *cases];
  struct payload payloads[sizeof cases / sizeof *cases];
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    struct envelope envelope = {cases[i].type, cases[i].stranger ? new_id() : tenant.id, NULL, NULL};
    payloads[i] = cases[i].payload();
    records[i] = send_message(topic, customer, &envelope, payloads[i].bytes, payloads[i].length);
  }
  subscription_new(&tenant, customer, plan, days_ago(0)); /* same key, same partition: it stands behind all of them */
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    WAIT_UNTIL(is_consumed(&records[i]), "%s to be consumed", cases[i].what);
    if (may_be_refused_instead(i) && dead_letters_of(&records[i]) == 0) continue;
    expect_dead_letter(&records[i], &payloads[i], cases[i].what);
  }
  cr_expect_str_eq(starts_of_workers(), before, "a worker was started anew");
}

Test(poison, stops_no_worker_on_any_topic) {
  struct tenant tenant = tenant_new();
  const char *before = starts_of_workers();
  for (enum topic topic = 0; topic < TOPIC_COUNT; topic++) {
    bool is_command = strstr(topic_name(topic), ".commands") != NULL;
    struct envelope envelope = {is_command ? "no.such" : "invoice.finalised", tenant.id, NULL, NULL};
    struct payload payload = is_command ? good() : not_json();
    struct record record = send_message(topic_name(topic), NULL, &envelope, payload.bytes, payload.length);
    bool is_read =
        sql_int(NULL, keep_text("SELECT count(*) FROM consumer_offsets WHERE topic = '%s'", topic_name(topic))) > 0;
    if (!is_command && !is_read) continue; /* nobody listens there */
    WAIT_UNTIL(is_consumed(&record) && dead_letters_of(&record) > 0, "%s to bury it", topic_name(topic));
  }
  cr_expect_str_eq(starts_of_workers(), before, "a worker was started anew");
}

Test(poison, without_any_header_is_nobody_s_dead_letter) {
  struct record record = kafka_produce("cloudbill.plan.commands", NULL, "{}", 2, NULL);
  WAIT_UNTIL(dead_letters_of(&record) == 1, "its dead letter");
  cr_expect_str_eq(sql_text(NULL, keep_text("SELECT tenant_id FROM dead_letters WHERE %s", where(&record))),
                   "00000000-0000-0000-0000-000000000000");
}

/* -- dead letters in people's hands -- */

/* A message that nobody knows, in this tenant's name. */
static const char *dead_letter_new(const struct tenant *tenant, struct record *ret_record) {
  struct envelope envelope = {"plan.explode", tenant->id, NULL, NULL};
  static const char value[] = "{\"n\":1.50, \"t\":\"\xc3\xa9\\u00e9\"}";
  *ret_record = send_message("cloudbill.plan.commands", NULL, &envelope, value, sizeof value - 1);
  WAIT_UNTIL(dead_letters_of(ret_record) == 1, "its dead letter");
  return sql_text(NULL, keep_text("SELECT id FROM dead_letters WHERE %s", where(ret_record)));
}

Test(poison, its_dead_letter_can_be_read) {
  struct tenant tenant = tenant_new();
  struct record record;
  const char *id = dead_letter_new(&tenant, &record);
  const json_t *list = api_get(&tenant, 200, "/api/dead-letters?status=dead");
  cr_assert_eq(json_array_size(list), 1);
  cr_expect_str_eq(json_at(list, "0.id"), id);
  const json_t *shown = api_get(&tenant, 200, "/api/dead-letters/%s", id);
  cr_expect_str_eq(json_at(shown, "sourceTopic"), record.topic);
  cr_expect_eq(json_number_at(shown, "offset"), (double)record.offset);
  cr_expect_str_eq(json_at(shown, "messageType"), "plan.explode");
  cr_expect_str_eq(json_at(shown, "errorCode"), "UNKNOWN_MESSAGE");
  cr_expect_not_null(json_at(shown, "reason"));
}

Test(poison, dropped_is_dropped_once) {
  struct tenant tenant = tenant_new();
  struct record record;
  const char *id = dead_letter_new(&tenant, &record);
  const char *path = keep_text("/api/dead-letters/%s/drop", id);
  cr_expect_str_eq(json_at(api_post(&tenant, 200, path, "{}"), "status"), "dropped");
  WAIT_UNTIL(count_messages(&tenant, "dead-letter.dropped") == 1, "dead-letter.dropped");
  cr_expect_eq(count_messages(&tenant, "dead-letter.drop"), 1);
  api_post(&tenant, 409, path, "{}");
  api_post(&tenant, 409, keep_text("/api/dead-letters/%s/replay", id), "{}");
}

/* What is as broken as before dies again, as a new letter; nothing goes round in circles. */
Test(poison, replayed_is_sent_again_as_it_was) {
  struct tenant tenant = tenant_new();
  struct record record;
  const char *id = dead_letter_new(&tenant, &record);
  const char *path = keep_text("/api/dead-letters/%s/replay", id);
  cr_expect_str_eq(json_at(api_post(&tenant, 200, path, "{}"), "status"), "replayed");
  WAIT_UNTIL(sql_int(&tenant, "SELECT count(*) FROM dead_letters WHERE tenant_id = $1") == 2, "the second dead letter");
  cr_expect_eq(sql_int(&tenant, "SELECT count(DISTINCT value) FROM dead_letters WHERE tenant_id = $1"), 1);
  WAIT_UNTIL(count_messages(&tenant, "dead-letter.replayed") == 1, "dead-letter.replayed");
  cr_expect_eq(count_messages(&tenant, "dead-letter.replay"), 1);
  api_post(&tenant, 409, path, "{}");
}

static struct record send_invoice(const struct tenant *tenant, const char *invoice, const char *customer,
                                  const char *provenance) {
  struct envelope envelope = {"invoice.create", tenant->id, NULL, invoice};
  const char *value = quotes(keep_text(
      "{'invoiceId':'%s','customerId':'%s','currency':'USD','issueDate':'%s','collection':'manual','runId':null,'lines'"
      ":["
      "{'subscriptionId':'%s','item':0,'periodIndex':0,'kind':'subscription','revision':0,'description':'a','quantity':"
      "1,"
      "'unitPrice':'5.00','amount':'5.00','periodStart':'2026-11-01T00:00:00Z','periodEnd':'2026-12-01T00:00:00Z',"
      "'provenance':%s}]}",
      invoice, customer, days_ago(0), new_id(), provenance));
  return send_message("cloudbill.invoice.commands", customer, &envelope, value, strlen(value));
}

/* The worker does not parse what it only stores: the database does. */
Test(poison, a_provenance_that_is_no_json_is_buried_alone) {
  struct tenant tenant = tenant_new();
  const char *customer = customer_new(&tenant, NULL), *before = new_id(), *after = new_id();
  send_invoice(&tenant, before, customer, "{'quantity':'1','unitPrice':'5.00'}");
  struct record record = send_invoice(&tenant, new_id(), customer, "{'days' 30]}");
  send_invoice(&tenant, after, customer, "{'quantity':'1','unitPrice':'5.00'}");
  WAIT_UNTIL(sql_int(&tenant, "SELECT count(*) FROM invoices WHERE tenant_id = $1") == 2, "the two invoices");
  WAIT_UNTIL(dead_letters_of(&record) == 1, "what is no JSON to be buried");
  cr_expect_eq(sql_int(&tenant, keep_text("SELECT count(*) FROM invoice_items WHERE tenant_id = $1 AND invoice_id IN "
                                          "('%s', '%s') AND provenance::text = "
                                          "'{\"quantity\":\"1\",\"unitPrice\":\"5.00\"}'",
                                          before, after)),
               2);
  expect_sound_books(&tenant);
}

/* A replay that works: the message came before what it needs. */
Test(poison, replayed_does_its_work_when_the_cause_is_gone) {
  struct tenant tenant = tenant_new();
  const char *other = customer_new(&tenant, NULL), *customer = new_id(), *invoice = new_id();
  struct record record = send_invoice(&tenant, invoice, customer, "{'quantity':'1','unitPrice':'5.00'}");
  WAIT_UNTIL(dead_letters_of(&record) == 1, "an invoice for nobody to be buried");
  sql_do(NULL,
         keep_text("CREATE TEMP TABLE copy AS SELECT * FROM customers WHERE id = '%s'; UPDATE copy SET id = '%s'; "
                   "ALTER TABLE copy DROP bill_to; INSERT INTO customers SELECT * FROM copy",
                   other, customer));
  const char *id = sql_text(NULL, keep_text("SELECT id FROM dead_letters WHERE %s", where(&record)));
  api_post(&tenant, 200, keep_text("/api/dead-letters/%s/replay", id), "{}");
  WAIT_UNTIL(sql_int(&tenant, "SELECT count(*) FROM invoices WHERE tenant_id = $1") == 1, "the invoice");
  cr_expect_str_eq(sql_text(&tenant, "SELECT id FROM invoices WHERE tenant_id = $1"), invoice);
  expect_sound_books(&tenant);
}

/* Whoever waits is told once, however often the command comes and wherever its twins lie; and the next one gets
 * through. */
Test(poison, answered_twice_does_not_stop_the_worker) {
  struct tenant tenant = tenant_new();
  const char *id = new_id(), *subject = new_id(), *nobody = new_id();
  const char *const tenants[] = {tenant.id, tenant.id, nobody};
  for (size_t i = 0; i < 3; i++) {
    const char *const headers[] = {"ce_specversion",
                                   "1.0",
                                   "ce_id",
                                   id,
                                   "ce_type",
                                   "customer.creat",
                                   "ce_source",
                                   "/tests",
                                   "ce_subject",
                                   subject,
                                   "ce_time",
                                   "2026-11-21T00:00:00.000Z",
                                   "ce_tenantid",
                                   tenants[i],
                                   "ce_replyto",
                                   "nobody",
                                   "ce_actor",
                                   "user:test",
                                   NULL};
    kafka_produce("cloudbill.customer.commands", subject, "{}", 2, headers);
  }
  WAIT_UNTIL(sql_int(NULL, keep_text("SELECT count(*) FROM dead_letters WHERE message_id = '%s'", id)) == 3,
             "all three to be buried");
  cr_expect_eq(sql_int(&tenant, keep_text("SELECT count(*) FROM commands WHERE tenant_id = $1 AND id = '%s'", id)), 1);
  customer_new(&tenant, NULL);
}

/* A row of the outbox that nobody can read is put aside, said aloud, and stops no other. */
Test(poison, in_the_outbox_is_set_aside) {
  const char *rows[] = {new_id(), new_id(), new_id()};
  static const char *const texts[] = {"not packed", "", "\\\\000\\\\000\\\\000\\\\000"};
  for (size_t i = 0; i < 3; i++)
    sql_do(NULL, keep_text("INSERT INTO outbox VALUES ('%s', now() - interval '1 day', 1, '%s')", rows[i], texts[i]));
  const char *aside = keep_text("SELECT count(*) FROM outbox WHERE id IN ('%s', '%s', '%s') AND created_at > now()",
                                rows[0], rows[1], rows[2]);
  WAIT_UNTIL(sql_int(NULL, aside) == 3, "the rows to be put aside");
  sql_do(NULL, keep_text("DELETE FROM outbox WHERE id IN ('%s', '%s', '%s')", rows[0], rows[1], rows[2]));
}
