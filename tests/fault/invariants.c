/* See invariants.h. Mostly SQL that counts what must not exist. */
#include "invariants.h"

#include <dirent.h>
#include <string.h>

static bool none(const struct tenant *tenant, const char *sql) {
  return sql_int(tenant, sql) == 0;
}

static void expect_none(const struct tenant *tenant, const char *what, const char *sql) {
  int64_t found = sql_int(tenant, sql);
  cr_assert_eq(found, 0, "%lld %s", (long long)found, what);
}

bool all_is_quiet(const struct tenant *tenant) {
  return none(tenant, "SELECT count(*) FROM billing_runs WHERE tenant_id = $1 AND status <> 'completed'") &&
         none(tenant, "SELECT count(*) FROM payments WHERE tenant_id = $1 AND (status IN ('processing', 'unknown')"
                      " OR (status = 'pending' AND next_attempt_at < now() + interval '1 hour'))") &&
         none(tenant, "SELECT count(*) FROM invoices v WHERE tenant_id = $1 AND NOT EXISTS (SELECT FROM payments p"
                      " WHERE p.tenant_id = v.tenant_id AND p.invoice_id = v.id)") &&
         none(tenant, "SELECT count(*) FROM notifications WHERE tenant_id = $1 AND status IN ('pending', 'sending')") &&
         none(tenant, "SELECT count(*) FROM invoices v WHERE tenant_id = $1 AND NOT EXISTS (SELECT FROM notifications n"
                      " WHERE n.tenant_id = v.tenant_id AND n.invoice_id = v.id AND n.template = 'invoice')") &&
         none(tenant, "SELECT count(*) FROM payments p WHERE tenant_id = $1 AND status = 'succeeded' AND NOT EXISTS"
                      " (SELECT FROM notifications n WHERE n.tenant_id = p.tenant_id AND n.payment_id = p.id"
                      "  AND n.template = 'receipt')") &&
         none(NULL, "SELECT count(*) FROM outbox");
}

void check_each_period_has_one_invoice(const struct tenant *tenant) {
  expect_none(tenant, "subscriptions with another number of billed periods than have begun",
              "SELECT count(*) FROM subscriptions s WHERE s.tenant_id = $1 AND s.next_period_index <>"
              " (SELECT count(*) + min(period_index) FROM invoice_items i WHERE i.tenant_id = s.tenant_id AND "
              "i.subscription_id = s.id)");
  expect_none(tenant, "subscriptions that are still due",
              "SELECT count(*) FROM subscriptions WHERE tenant_id = $1 AND next_billing_at <= now()");
  expect_none(tenant, "periods billed twice",
              "SELECT count(*) FROM (SELECT 1 FROM invoice_items WHERE tenant_id = $1"
              " GROUP BY subscription_id, period_index HAVING count(*) <> 1) twice");
  expect_none(
      tenant, "invoices that are not the sum of their lines",
      "SELECT count(*) FROM invoices v WHERE tenant_id = $1 AND total_minor <>"
      " (SELECT sum(amount_minor) FROM invoice_items i WHERE i.tenant_id = v.tenant_id AND i.invoice_id = v.id)");
}

void check_numbers_have_no_gap(const struct tenant *tenant) {
  expect_none(tenant, "invoice numbers missing", "SELECT max(number) - count(*) FROM invoices WHERE tenant_id = $1");
  expect_none(tenant, "numbers taken and not used",
              "SELECT s.next_number - 1 - (SELECT max(number) FROM invoices WHERE tenant_id = $1) FROM invoice_series s"
              " WHERE s.tenant_id = $1");
}

void check_ledger_sums_to_zero(const struct tenant *tenant) {
  expect_none(tenant, "currencies out of balance",
              "SELECT count(*) FROM (SELECT 1 FROM ledger_entries WHERE tenant_id = $1 GROUP BY currency"
              " HAVING sum(amount_minor) <> 0) unbalanced");
  expect_none(tenant, "minor units between what is receivable and what open invoices say",
              "SELECT COALESCE((SELECT sum(amount_minor) FROM ledger_entries WHERE tenant_id = $1 AND account = "
              "'receivable'), 0)"
              " - COALESCE((SELECT sum(total_minor - amount_paid_minor) FROM invoices WHERE tenant_id = $1), 0)");
}

/* How many charges of an invoice succeeded at the gateway, for all invoices in one answer. */
void check_each_invoice_is_charged_once(const struct tenant *tenant) {
  struct answer answer =
      http_request("GET", keep_text("%s/sandbox/stats?metadata=invoice_id", setting("GATEWAY_URL")), NULL, NULL, NULL);
  cr_assert_eq(answer.status, 200, "the gateway's counts: %s", answer.text);
  const json_t *counts = json_node_at(answer.json, "succeededByMetadata.counts");
  cr_assert(json_is_object(counts), "the gateway's counts have another shape: %.200s", answer.text);
  const json_t *rows = sql_rows(tenant, NULL, "SELECT id, status FROM invoices WHERE tenant_id = $1");
  size_t index;
  json_t *row;
  json_array_foreach(rows, index, row) {
    const char *id = json_string_value(json_array_get(row, 0)), *status = json_string_value(json_array_get(row, 1));
    json_int_t charges = json_integer_value(json_object_get(counts, id));
    json_int_t wanted = strcmp(status, "paid") == 0 ? 1 : 0;
    cr_assert_eq(charges, wanted, "invoice %s is %s and was charged %lld times", id, status, (long long)charges);
  }
}

/* -- mails: the Message-ID is the notification's id, so that one pass over the folder is enough -- */

/* Of the Message-ID, what stands before the @; false when the file is none of a mail. */
static bool read_notification_id(const char *folder, const char *name, char ret_id[static 37]) {
  char head[4096];
  FILE *file = fopen(keep_text("%s/%s", folder, name), "rb");
  if (!file) return false;
  head[fread(head, 1, sizeof head - 1, file)] = '\0';
  fclose(file);
  const char *header = strstr(head, "\nMessage-ID: <");
  return header && sscanf(header, "\nMessage-ID: <%36[^@]@", ret_id) == 1;
}

static json_t *ids_of_mails(void) {
  json_t *ids = keep_json(json_object());
  DIR *directory = opendir(setting("MAIL_DIR"));
  cr_assert_not_null(directory);
  for (const struct dirent *entry; (entry = readdir(directory));) {
    char id[37];
    if (entry->d_name[0] != '.' && read_notification_id(setting("MAIL_DIR"), entry->d_name, id))
      json_object_set_new(ids, id, json_true());
  }
  closedir(directory);
  return ids;
}

/* A mail that was sent again after a crash has the same Message-ID and counts once. */
void check_each_mail_went_out_once(const struct tenant *tenant) {
  expect_none(tenant, "mails not sent", "SELECT count(*) FROM notifications WHERE tenant_id = $1 AND status <> 'sent'");
  expect_none(
      tenant, "mails about one thing twice",
      "SELECT count(*) FROM (SELECT 1 FROM notifications WHERE tenant_id = $1 AND template IN ('invoice', 'receipt')"
      " GROUP BY invoice_id, template HAVING count(*) > 1) twice");
  const json_t *ids = ids_of_mails(),
               *sent = sql_rows(tenant, NULL, "SELECT id FROM notifications WHERE tenant_id = $1");
  size_t index, missing = 0;
  json_t *row;
  json_array_foreach(sent, index, row) if (!json_object_get(ids, json_string_value(json_array_get(row, 0)))) missing++;
  cr_assert_eq(missing, 0, "%zu of %zu mails are said to be sent and are not in the folder", missing, index);
}

/* One row for each group and topic: how far it has come, and how many it has counted. */
static const json_t *progress_of_groups(void) {
  return sql_rows(NULL, NULL,
                  "SELECT consumer_group, topic, sum(next_offset), sum(processed) FROM consumer_offsets"
                  " GROUP BY 1, 2 HAVING sum(next_offset) > 0 ORDER BY 1, 2");
}

static long long number_in(const json_t *row, size_t column) {
  return strtoll(json_string_value(json_array_get(row, column)), NULL, 10);
}

bool every_message_is_consumed(void) {
  size_t index;
  const json_t *groups = progress_of_groups(), *row;
  if (!none(NULL, "SELECT count(*) FROM outbox")) return false;
  json_array_foreach(groups, index, row) {
    const char *topic = json_string_value(json_array_get(row, 1));
    if (number_in(row, 2) < (long long)kafka_read(topic, NULL, NULL).count) return false;
  }
  return true;
}

bool at_one_moment(bool (*holds)(const struct tenant *tenant), const struct tenant *tenant) {
  sql_do(NULL, "BEGIN ISOLATION LEVEL REPEATABLE READ");
  bool does = holds(tenant);
  sql_do(NULL, "COMMIT");
  return does;
}

void check_produced_is_done_plus_dead(void) {
  const json_t *groups = progress_of_groups(), *row;
  size_t index;
  json_array_foreach(groups, index, row) {
    const char *group = json_string_value(json_array_get(row, 0)), *topic = json_string_value(json_array_get(row, 1));
    long long consumed = number_in(row, 2), processed = number_in(row, 3);
    long long produced = (long long)kafka_read(topic, NULL, NULL).count;
    cr_assert_eq(consumed, produced, "%s: %lld produced, %s is at %lld", topic, produced, group, consumed);
    cr_assert_eq(processed, produced, "%s: %lld produced, %s counted %lld", topic, produced, group, processed);
  }
}

void check_runs_add_up(const struct tenant *tenant) {
  expect_none(tenant, "runs whose counts do not add up",
              "SELECT count(*) FROM (SELECT 1 FROM billing_run_tallies WHERE tenant_id = $1 GROUP BY run_id"
              " HAVING sum(due) <> sum(invoiced) + sum(nothing_to_bill) + sum(parked)"
              "     OR sum(invoices_requested) <> sum(invoices_finalised)) wrong");
  expect_none(tenant, "invoices between the runs' counts and the table",
              "SELECT (SELECT sum(invoices_finalised) FROM billing_run_tallies WHERE tenant_id = $1)"
              " - (SELECT count(*) FROM invoices WHERE tenant_id = $1 AND run_id IS NOT NULL)");
}
