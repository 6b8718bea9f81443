/* Stored invoices: what is told of them. */
#include "invoice_events.h"

#include <string.h>

#include "base/json_text.h"
#include "sql.h"

enum { JSON_MAX = 4096 };

enum rc invoice_answer(struct work *work, const struct message *command, const char *id, int status,
                       struct error *err) {
  PGresult CLEANUP(db_result_release) *row = NULL;
  TRY(tx_exec(work->tx, &sql_invoice_resource, PARAMS(db_uuid(work->arena, &command->tenant), id), &row, err));
  reply(work, command, status, "invoice", id, row_text(row, 0, 0));
  return RC_OK;
}

static void begin(struct json_writer *json, struct buf *text, const struct invoice_facts *facts) {
  char money[MONEY_TEXT_MAX];
  buf_init(text, JSON_MAX);
  json_writer_init(json, text);
  json_put_object(json, NULL);
  json_put_string(json, "invoiceId", facts->id);
  json_put_string(json, "invoiceNumber", facts->number);
  json_put_string(json, "customerId", facts->customer_id);
  json_put_string(json, "subscriptionId", facts->subscription_id);
  json_put_string(json, "currency", facts->currency->code);
  json_put_raw(json, "totalAmount", money_format(facts->total_minor, facts->currency, money));
}

static void end(struct work *work, struct json_writer *json, struct buf *text, const struct invoice_facts *facts,
                const char *type, int64_t version, const char *distinct, const struct message *cause) {
  json_put_int(json, "version", version);
  json_put_end(json);
  emit(work, &(struct emission){.type = type,
                                .id = UUID_DERIVE(type, facts->id, distinct),
                                .tenant = facts->tenant,
                                .subject = facts->id,
                                .key = facts->customer_id,
                                .json = buf_text(text),
                                .cause = cause});
}

void invoice_emit(struct work *work, const struct invoice_facts *facts, const char *type, int64_t version,
                  const struct message *cause) {
  char money[MONEY_TEXT_MAX], time[UTIME_TEXT_MAX];
  struct buf CLEANUP(buf_release) text;
  struct json_writer json;
  begin(&json, &text, facts);
  if (strcmp(type, "invoice.paid") == 0) {
    json_put_raw(&json, "amountPaid", money_format(facts->paid_minor, facts->currency, money));
    json_put_string(&json, "paymentId", NULL);
    json_put_string(&json, "paidAt", utime_format(work->now, time));
  } else {
    json_put_raw(&json, "amountDue", money_format(invoice_facts_due(facts), facts->currency, money));
  }
  end(work, &json, &text, facts, type, version, "0", cause);
}

void invoice_emit_sent(struct work *work, const struct invoice_facts *facts, const char *issue_date,
                       const char *due_date, const char *collection, const struct message *cause) {
  char money[MONEY_TEXT_MAX];
  struct buf CLEANUP(buf_release) text;
  struct json_writer json;
  begin(&json, &text, facts);
  json_put_raw(&json, "amountDue", money_format(invoice_facts_due(facts), facts->currency, money));
  json_put_string(&json, "issueDate", issue_date);
  json_put_string(&json, "dueDate", due_date);
  json_put_string(&json, "collection", collection);
  end(work, &json, &text, facts, "invoice.sent", facts->version, db_uuid(work->arena, &cause->id), cause);
}
