/* Looking at what flowed. */
#include "flow.h"

#include "bus/topics.h"
#include "schema/schema.h"

/* -- messages -- */

static bool is_copy(const json_t *ids, const char *id) {
  return json_object_get(ids, id) != NULL;
}

static void expect_cloud_event(const struct record *record, const char *type) {
  static const char *const needed[] = {"ce_id", "ce_source", "ce_subject", "ce_time", "ce_tenantid"};
  for (size_t i = 0; i < sizeof needed / sizeof *needed; i++)
    cr_expect_not_null(record_header(record, needed[i]), "%s has no %s", type, needed[i]);
  cr_expect_str_eq(record_header(record, "ce_specversion"), "1.0");
  const char *kind = strstr(record->topic, ".events") ? "events" : "commands";
  cr_expect_str_eq(record_header(record, "ce_dataschema"), keep_text("/schemas/%s/%s.json", kind, type));
}

static void expect_valid(const struct record *record, const char *type) {
  struct schema_faults faults = {0};
  enum rc rc = schema_validate(type, record->value, record->value_length, &faults);
  cr_expect_eq(rc, RC_OK, "%s: %s %s: %s", type, faults.faults[0].field, faults.faults[0].text, record->value);
}

const json_t *messages_of(const struct tenant *tenant, const char *type) {
  json_t *values = keep_json(json_array()), *ids = keep_json(json_object());
  cr_assert_neq(topic_of_type(type), TOPIC_COUNT, "%s", type);
  struct records records = kafka_read(topic_name(topic_of_type(type)), "ce_tenantid", tenant->id);
  for (size_t i = 0; i < records.count; i++) {
    const struct record *record = &records.at[i];
    if (strcmp(record_header(record, "ce_type"), type) != 0) continue;
    expect_cloud_event(record, type);
    if (is_copy(ids, record_header(record, "ce_id"))) continue;
    json_object_set_new(ids, record_header(record, "ce_id"), json_true());
    expect_valid(record, type);
    json_t *value = json_loadb(record->value, record->value_length, 0, NULL);
    cr_assert_not_null(value, "%s: %s", type, record->value);
    json_array_append_new(values, value);
  }
  return values;
}

size_t count_messages(const struct tenant *tenant, const char *type) {
  return json_array_size(messages_of(tenant, type));
}

static struct record produce_again(const struct record *record) {
  const char *headers[2 * 40] = {NULL};
  size_t count = 0;
  const char *name;
  json_t *value;
  json_object_foreach((json_t *)(uintptr_t)record->headers, name, value) {
    headers[count++] = name;
    headers[count++] = json_string_value(value);
  }
  return kafka_produce(record->topic, record->key, record->value, record->value_length, headers);
}

void send_each_again(const struct records *records) {
  struct record *sent = keep((records->count + 1) * sizeof *sent);
  for (size_t i = 0; i < records->count; i++) sent[i] = produce_again(&records->at[i]);
  for (size_t i = 0; i < records->count; i++)
    WAIT_UNTIL(is_consumed(&sent[i]), "%s to be consumed again", record_header(&records->at[i], "ce_type"));
}

void send_again(const struct record *record) {
  struct record copy = *record;
  send_each_again(&(struct records){.count = 1, .at = &copy});
}

/* -- rows -- */

int64_t periods_begun(const char *start_date, const char *interval) {
  return sql_int(NULL, keep_text("SELECT count(*) FROM generate_series(0, 5000) k "
                                 "WHERE date '%s' + k * interval '%s' <= now()",
                                 start_date, interval));
}

bool invoices_are(const struct tenant *tenant, int64_t count) {
  return sql_int(tenant, "SELECT count(*) FROM invoices WHERE tenant_id = $1 AND status <> 'draft'") == count;
}

const char *subscription_path(const char *subscription, const char *verb) {
  return keep_text("/api/billing/subscriptions/%s/%s", subscription, verb);
}

const char *subscription_uncharged(const struct tenant *tenant, const char *customer, const char *plan,
                                   const char *start_date) {
  return subscription_with(tenant, customer, plan, "'startDate':'%s','collection':'manual'", start_date);
}

const json_t *run_shown(const struct tenant *tenant, const char *run) {
  return api_get(tenant, 200, "/api/billing/runs/%s", run);
}

bool run_is(const struct tenant *tenant, const char *run, const char *status) {
  return strcmp(json_at(run_shown(tenant, run), "status"), status) == 0;
}

bool all_are_paid(const struct tenant *tenant, int64_t invoices) {
  return sql_int(tenant, "SELECT count(*) FROM invoices WHERE tenant_id = $1 AND status = 'paid'") == invoices;
}

void bank_says(const struct tenant *tenant, const char *outcome) {
  const char *intent = sql_text(tenant, "SELECT gateway_intent_id FROM payment_attempts WHERE tenant_id = $1");
  const char *const form[] = {"Content-Type", "application/x-www-form-urlencoded", NULL};
  struct answer answer =
      http_request("POST", keep_text("%s/sandbox/payment_intents/%s/settle", setting("GATEWAY_URL"), intent),
                   setting("GATEWAY_SECRET_KEY"), keep_text("outcome=%s", outcome), form);
  cr_assert_eq(answer.status, 200, "%s", answer.text);
  sql_do(tenant, "UPDATE payments SET next_attempt_at = now() WHERE tenant_id = $1 AND status = 'unknown'");
}

void let_days_pass(const struct tenant *tenant, int days) {
  sql_do(NULL, keep_text("UPDATE subscriptions SET start_date = start_date - %d, anchor_date = anchor_date - %d, "
                         "trial_start_date = trial_start_date - %d, started_at = started_at - interval '%d days', "
                         "trial_ends_at = trial_ends_at - interval '%d days', "
                         "trial_notice_at = trial_notice_at - interval '%d days', "
                         "incomplete_until = incomplete_until - interval '%d days', "
                         "current_period_start = current_period_start - interval '%d days', "
                         "current_period_end = current_period_end - interval '%d days', "
                         "cancel_at = cancel_at - interval '%d days', "
                         "next_billing_at = next_billing_at - interval '%d days' WHERE tenant_id = '%s'",
                         days, days, days, days, days, days, days, days, days, days, days, tenant->id));
  sql_do(NULL, keep_text("UPDATE customer_billing SET next_billing_at = next_billing_at - interval '%d days' "
                         "WHERE tenant_id = '%s'",
                         days, tenant->id));
}

/* -- commands -- */

const char *command_new(const struct tenant *tenant, const char *path, const char *body) {
  static const char *const headers[] = {"Prefer: respond-async", NULL};
  struct answer answer =
      http_request(body ? "POST" : "DELETE", path, tenant->token, body ? quotes(body) : NULL, headers);
  cr_assert_eq(answer.status, 202, "%s: %d %s", path, answer.status, answer.text);
  return json_at(answer.json, "data.id");
}

bool command_is(const struct tenant *tenant, const char *command, const char *status) {
  return sql_int(tenant, keep_text("SELECT count(*) FROM commands WHERE tenant_id = $1 AND id = '%s' AND status = '%s'",
                                   command, status)) == 1;
}

const char *sql_of_void(const char *invoice) {
  return keep_text(
      "UPDATE invoices SET status = 'void', version = version + 1 WHERE id = '%1$s';"
      "UPDATE credit_grants g SET remaining_minor = g.remaining_minor + u.amount_minor FROM credit_uses u "
      "WHERE u.invoice_id = '%1$s' AND g.id = u.grant_id;"
      "UPDATE credit_uses SET returned_minor = amount_minor WHERE invoice_id = '%1$s';"
      "INSERT INTO ledger_entries SELECT tenant_id, document_id, CASE fact WHEN 'invoice_net' THEN 'void_net' ELSE "
      "'void_credit' END, line, account, currency, -amount_minor, customer_id, now() FROM ledger_entries "
      "WHERE document_id = '%1$s'",
      invoice);
}

/* -- the books -- */

static const struct {
  const char *rule, *sql; /* a count that must be 0 */
} books[] = {
    {"numbers have no gap and no double", "SELECT count(*) FROM (SELECT number, row_number() OVER (PARTITION BY series "
                                          "ORDER BY number) AS place FROM invoices "
                                          "WHERE tenant_id = $1 AND number IS NOT NULL) n WHERE number <> place"},
    {"the ledger sums to zero",
     "SELECT count(*) FROM (SELECT FROM ledger_entries WHERE tenant_id = $1 GROUP BY currency "
     "HAVING sum(amount_minor) <> 0) l"},
    {"what customers owe is what is due, and what became account credit",
     "SELECT count(*) FROM (SELECT currency, sum(amount_minor) FILTER (WHERE fact NOT IN ('invoice_credit', "
     "'credit_note_credit')) AS balance FROM ledger_entries WHERE tenant_id = $1 AND account = 'receivable' "
     "GROUP BY currency) l FULL JOIN (SELECT currency, sum(total_minor - credit_applied_minor "
     "- amount_credited_minor - amount_paid_minor) AS due FROM invoices WHERE tenant_id = $1 AND status IN ('open', "
     "'paid') GROUP BY currency) i USING (currency) WHERE COALESCE(balance, 0) <> COALESCE(due, 0)"},
    {"account credit is what the ledger says",
     "SELECT count(*) FROM (SELECT customer_id, currency, -sum(amount_minor) AS balance FROM ledger_entries "
     "WHERE tenant_id = $1 AND account = 'customer_credit' GROUP BY 1, 2) l FULL JOIN (SELECT customer_id, currency, "
     "sum(remaining_minor) AS remaining FROM credit_grants WHERE tenant_id = $1 GROUP BY 1, 2) g "
     "USING (customer_id, currency) WHERE COALESCE(balance, 0) <> COALESCE(remaining, 0)"},
    {"an invoice's ledger entries are its total (BILL-041)",
     "SELECT count(*) FROM invoices v WHERE tenant_id = $1 AND status <> 'draft' AND total_minor <> (SELECT "
     "COALESCE(sum(amount_minor), 0) FROM ledger_entries l WHERE l.tenant_id = v.tenant_id AND l.document_id = v.id "
     "AND account = 'receivable' AND fact IN ('invoice_net', 'invoice_tax'))"},
    {"credit notes never exceed their invoice (BILL-043)",
     "SELECT count(*) FROM invoices v WHERE tenant_id = $1 AND (amount_credited_minor <> (SELECT "
     "COALESCE(sum(n.total_minor), "
     "0) FROM credit_notes n WHERE n.tenant_id = v.tenant_id AND n.invoice_id = v.id) OR amount_credited_minor > "
     "greatest(0, total_minor))"},
    {"nor does what they give back of a line exceed it (BILL-043)",
     "SELECT count(*) FROM (SELECT FROM credit_note_items x JOIN invoice_items i ON i.tenant_id = x.tenant_id AND "
     "i.invoice_id = x.invoice_id AND i.line = x.invoice_line WHERE x.tenant_id = $1 GROUP BY i.invoice_id, i.line "
     "HAVING abs(sum(x.amount_minor)) > abs(max(i.amount_minor - i.discount_minor)) "
     "OR abs(sum(x.tax_minor)) > abs(max(i.tax_minor))) x"},
    {"an invoice is the sum of its lines",
     "SELECT count(*) FROM invoices v WHERE tenant_id = $1 AND (subtotal_minor, discount_minor, tax_minor) <> (SELECT "
     "COALESCE(sum(amount_minor), 0), COALESCE(sum(discount_minor), 0), COALESCE(sum(tax_minor), 0) "
     "FROM invoice_items i WHERE i.tenant_id = v.tenant_id AND i.invoice_id = v.id)"},
    {"a period is billed once (BILL-060)",
     "SELECT count(*) FROM (SELECT FROM invoice_items WHERE tenant_id = $1 AND subscription_id IS NOT NULL GROUP "
     "BY subscription_id, item, component, "
     "period_index, kind, revision HAVING count(*) > 1) d"},
    {"periods of a subscription tile (BILL-011); one that another interval cut short is credited from there (BILL-052)",
     "SELECT count(*) FROM (SELECT subscription_id, item, component, period_start, lag(period_end) OVER w AS before, "
     "period_index, lag(period_index) OVER w AS index_before FROM invoice_items WHERE tenant_id = $1 "
     "AND kind = 'subscription' AND revision = 0 WINDOW w AS (PARTITION BY subscription_id, item, component "
     "ORDER BY period_index)) t WHERE before IS NOT NULL AND (period_index <> index_before + 1 OR (before <> "
     "period_start AND NOT EXISTS (SELECT FROM invoice_items c WHERE c.tenant_id = $1 AND c.kind = 'credit' "
     "AND c.period_index = t.index_before AND c.period_start = t.period_start))) AND NOT EXISTS (SELECT FROM "
     "invoice_items x WHERE x.tenant_id = $1 AND x.subscription_id = t.subscription_id AND x.item = t.item "
     "AND x.component = t.component AND x.period_index = t.period_index - 1 AND x.revision > 0)"},
    {"what is paid on an invoice came in by its payments",
     "SELECT count(*) FROM invoices v WHERE tenant_id = $1 AND amount_paid_minor <> (SELECT "
     "COALESCE(sum(-l.amount_minor), "
     "0) FROM payments p JOIN ledger_entries l ON l.tenant_id = p.tenant_id AND l.document_id = p.id "
     "WHERE p.tenant_id = v.tenant_id AND p.invoice_id = v.id AND p.status = 'succeeded' AND l.account = 'receivable' "
     "AND l.fact IN ('payment', 'overpayment'))"},
    {"a payment has one successful attempt at most",
     "SELECT count(*) FROM (SELECT FROM payment_attempts WHERE tenant_id = $1 AND outcome = 'succeeded' "
     "GROUP BY payment_id HAVING count(*) > 1) a"},
    {"no active subscription without a next boundary (BILL-065)",
     "SELECT count(*) FROM subscriptions WHERE tenant_id = $1 AND status IN ('active', 'past_due') "
     "AND next_billing_at IS NULL AND parked_at IS NULL"},
    {"a run's due is what became of it (BILL-064)",
     "SELECT count(*) FROM billing_run_tallies WHERE tenant_id = $1 AND due <> invoiced + nothing_to_bill + parked"},
    {"every answered command is in the audit log", "SELECT count(*) FROM commands c WHERE tenant_id = $1 AND status <> "
                                                   "'pending' AND NOT EXISTS (SELECT FROM audit_log a "
                                                   "WHERE a.tenant_id = c.tenant_id AND a.action = c.type)"},
};

static bool outbox_is_empty(const struct tenant *tenant) {
  return sql_int(NULL, keep_text("SELECT count(*) FROM outbox WHERE messages LIKE '%%%s%%'", tenant->id)) == 0;
}

static void expect_one_charge_each(const struct tenant *tenant) {
  const json_t *invoices =
      sql_rows(tenant, NULL,
               "SELECT v.id, v.status, count(p.id) FROM invoices v LEFT JOIN payments p ON "
               "p.tenant_id = v.tenant_id AND p.invoice_id = v.id AND p.status = 'succeeded' "
               "AND p.source = 'gateway' WHERE v.tenant_id = $1 AND v.total_minor > 0 GROUP BY 1, 2");
  size_t index;
  const json_t *invoice;
  json_array_foreach(invoices, index, invoice) {
    int wanted = (int)strtol(json_at(invoice, "2"), NULL, 10);
    cr_expect_leq(wanted, 1, "invoice %s", json_at(invoice, "0"));
    cr_expect_eq(gateway_paid(json_at(invoice, "0")), wanted, "invoice %s (%s) was charged %d times",
                 json_at(invoice, "0"), json_at(invoice, "1"), gateway_paid(json_at(invoice, "0")));
  }
}

/* BILL-025: whatever was billed or given back, and however, comes to the same when it is computed again. */
static void expect_explained(const struct tenant *tenant, const char *documents, const char *sql) {
  size_t index;
  const json_t *line;
  json_array_foreach(sql_rows(tenant, NULL, sql), index, line) {
    struct answer answer = api_call(
        tenant, "GET",
        keep_text("/api/billing/%s/%s/items/%s/explain", documents, json_at(line, "0"), json_at(line, "1")), NULL);
    cr_expect(answer.status == 200 && json_is_true(json_node_at(answer.json, "data.matches")),
              "a line is not what it says that it is: %s", answer.text);
  }
}

void expect_explained_lines(const struct tenant *tenant) {
  expect_explained(tenant, "invoices",
                   "SELECT invoice_id, id FROM invoice_items WHERE tenant_id = $1 ORDER BY md5(id::text) LIMIT 200");
  expect_explained(tenant, "credit-notes",
                   "SELECT x.credit_note_id, i.id FROM credit_note_items x JOIN invoice_items i ON i.tenant_id = "
                   "x.tenant_id AND i.invoice_id = x.invoice_id AND i.line = x.invoice_line WHERE x.tenant_id = $1 "
                   "ORDER BY md5(x.credit_note_id::text), x.line LIMIT 200");
}

void expect_sound_books(const struct tenant *tenant) {
  for (size_t i = 0; i < sizeof books / sizeof *books; i++)
    cr_expect_eq(sql_int(tenant, books[i].sql), 0, "%s", books[i].rule);
  WAIT_UNTIL(outbox_is_empty(tenant), "the outbox of %s to be empty", tenant->id);
  expect_one_charge_each(tenant);
  expect_explained_lines(tenant);
}

const char *dead_letter_again(const struct tenant *tenant, const char *letter) {
  const char *id = new_id();
  sql_do(
      tenant,
      keep_text("INSERT INTO dead_letters SELECT (jsonb_populate_record(d, '{\"id\":\"%s\",\"status\":\"dead\"}')).* "
                "FROM dead_letters d WHERE d.tenant_id = $1 AND d.id = '%s'",
                id, letter));
  return id;
}
