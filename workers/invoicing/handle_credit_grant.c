/* credit.grant: account credit that the tenant gives a customer, for good or until a day (BILL-040); and its end. */
#include "base/json_text.h"
#include "handlers.h"
#include "posting.h"
#include "sql.h"

enum { JSON_MAX = 2048, EXPIRED_MAX = 200 };

struct gift {
  const struct currency *currency;
  int64_t amount_minor;
  const char *reason, *expires_at;
};

static enum rc read_gift(struct work *work, json_t *body, struct gift *gift, struct error *err) {
  const char *amount, *currency;
  struct utime expires;
  TRY(body_decimal(body, "amount", &amount, err));
  TRY(body_text(body, "currency", &currency, err));
  TRY(body_text(body, "reason", &gift->reason, err));
  TRY(body_text(body, "expiresAt", &gift->expires_at, err));
  gift->currency = currency ? currency_find(currency) : NULL;
  if (!gift->currency) return error_field(err, RC_VALIDATION, "currency", "is not a currency of ISO 4217");
  if (!amount) return error_field(err, RC_VALIDATION, "amount", "is required");
  TRY(money_parse(amount, gift->currency, "amount", &gift->amount_minor, err));
  if (gift->amount_minor <= 0) return error_field(err, RC_VALIDATION, "amount", "must be more than 0");
  if (!gift->expires_at) return RC_OK;
  TRY(utime_parse(gift->expires_at, "expiresAt", &expires, err));
  if (expires.us <= work->now.us) return error_field(err, RC_VALIDATION, "expiresAt", "must be in the future");
  return RC_OK;
}

static enum rc check_customer(struct work *work, const struct message *command, struct error *err) {
  PGresult CLEANUP(db_result_release) *row = NULL;
  TRY(tx_exec(work->tx, &sql_customer_version, PARAMS(db_uuid(work->arena, &command->tenant), command->subject), &row,
              err));
  if (row_count(row) == 0) return error_set(err, RC_NOT_FOUND, "there is no customer %s", command->subject);
  return message_expect_version(command, row_int(row, 0, 0), err);
}

/* What happened to a grant, and what is left of it. */
struct credit_event {
  const char *type, *grant, *customer;
  struct uuid tenant;
  const struct currency *currency;
  int64_t amount_minor, version;
  const struct message *cause;
};

static void emit_credit(struct work *work, const struct credit_event *event) {
  char money[MONEY_TEXT_MAX];
  struct buf CLEANUP(buf_release) text;
  struct json_writer json;
  buf_init(&text, JSON_MAX);
  json_writer_init(&json, &text);
  json_put_object(&json, NULL);
  json_put_string(&json, "creditId", event->grant);
  json_put_string(&json, "customerId", event->customer);
  json_put_string(&json, "currency", event->currency->code);
  json_put_raw(&json, "amount", money_format(event->amount_minor, event->currency, money));
  json_put_int(&json, "version", event->version);
  json_put_end(&json);
  emit(work, &(struct emission){.type = event->type,
                                .id = UUID_DERIVE(event->type, event->grant),
                                .tenant = event->tenant,
                                .subject = event->grant,
                                .key = event->customer,
                                .json = buf_text(&text),
                                .cause = event->cause});
}

enum rc handle_credit_grant(struct work *work, struct message *const *messages, size_t count, struct error *err) {
  (void)count;
  const struct message *command = messages[0];
  struct arena *arena = work->arena;
  const char *tenant = db_uuid(arena, &command->tenant), *grant = db_uuid(arena, &command->id);
  struct gift gift;
  TRY(read_gift(work, command->json, &gift, err));
  TRY(check_customer(work, command, err));

  PGresult CLEANUP(db_result_release) *resource = NULL;
  struct postings *postings = postings_new(work);
  TRY(tx_exec(work->tx, &sql_grant_insert,
              PARAMS(tenant, grant, command->subject, gift.currency->code, db_int(arena, gift.amount_minor),
                     gift.reason, gift.expires_at, db_utime(arena, work->now)),
              NULL, err));
  post(postings,
       &(struct posting){.tenant = command->tenant,
                         .document = command->id,
                         .customer_id = command->subject,
                         .currency = gift.currency->code},
       FACT_CREDIT_GRANTED, gift.amount_minor);
  TRY(postings_insert(work, postings, err));
  TRY(tx_exec(work->tx, &sql_grant_resource, PARAMS(tenant, grant), &resource, err));
  reply(work, command, 201, "credit", grant, row_text(resource, 0, 0));
  emit_credit(work, &(struct credit_event){.type = "credit.granted",
                                           .grant = grant,
                                           .customer = command->subject,
                                           .tenant = command->tenant,
                                           .currency = gift.currency,
                                           .amount_minor = gift.amount_minor,
                                           .version = 1,
                                           .cause = command});
  return RC_OK;
}

enum { EXPIRED_TENANT, EXPIRED_ID, EXPIRED_CUSTOMER, EXPIRED_CURRENCY, EXPIRED_LEFT };

enum rc task_expire_credit(struct work *work, bool *ret_busy, struct error *err) {
  PGresult CLEANUP(db_result_release) *rows = NULL;
  struct postings *postings = postings_new(work);
  TRY(tx_exec(
      work->tx, &sql_grants_expire,
      PARAMS(db_utime(work->arena, work->now), db_int(work->arena, EXPIRED_MAX), db_uuid(work->arena, &work->clock)),
      &rows, err));
  *ret_busy = row_count(rows) == EXPIRED_MAX;
  for (int r = 0; r < row_count(rows); r++) {
    const struct currency *currency = currency_find(row_text(rows, r, EXPIRED_CURRENCY));
    if (!currency) return error_set(err, RC_INVARIANT, "a currency of account credit is unknown");
    struct credit_event event = {.type = "credit.expired",
                                 .grant = row_text(rows, r, EXPIRED_ID),
                                 .customer = row_text(rows, r, EXPIRED_CUSTOMER),
                                 .tenant = row_uuid(rows, r, EXPIRED_TENANT),
                                 .currency = currency,
                                 .amount_minor = row_int(rows, r, EXPIRED_LEFT),
                                 .version = 2};
    struct posting to = {.tenant = event.tenant,
                         .document = row_uuid(rows, r, EXPIRED_ID),
                         .customer_id = event.customer,
                         .currency = currency->code};
    post(postings, &to, FACT_CREDIT_EXPIRED, event.amount_minor);
    emit_credit(work, &event);
  }
  return postings_insert(work, postings, err);
}
