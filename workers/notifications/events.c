/* Events become notifications here, rows that send.c works off. What the mail will say is worked out and stored now,
 * from the event and from what the database knows of customer, seller, invoice and card; names and addresses come from
 * there, since events carry none. A mail that cannot be sent is a row too: failed, with the reason.
 *
 * The row's id is derived from the event's: the same event, delivered again, changes nothing. */
#include "events.h"

#include <string.h>

#include "base/assert.h"
#include "base/money.h"
#include "base/zone.h"
#include "db/columns.h"
#include "domain/dunning.h"
#include "language.h"
#include "message.h"
#include "report.h"
#include "sql.h"
#include "variables.h"

enum { VARIABLES_MAX_BYTES = 64 * 1024 };

/* What an event says. */
struct notice {
  const struct message *message;
  struct uuid customer, invoice, payment, payment_method; /* nil: none */
  const struct currency *currency;
  int64_t amount_minor, amount_due_minor;
  struct date issue_date, due_date;
  const char *collection, *transaction, *failure_code, *decline_class;
  struct utime retry_at;
  bool will_retry;
};

/* What the database adds to it. The texts are the result's. */
struct recipient {
  const char *name, *email, *locale, *time_zone;
  bool is_deleted;
  const char *seller_name, *seller_email, *invoice_number, *card_brand, *card_last4;
};

/* A kind of mail: how its event is read, and what its templates get. */
struct mail_maker {
  enum mail_kind kind;
  enum rc (*read)(json_t *body, struct notice *notice, struct error *err);
  void (*fill)(const struct notice *notice, const struct recipient *recipient, const struct language *language,
               struct arena *arena, struct mail_values *values);
};

/* ---- reading events ---- */

static enum rc need_text(json_t *body, const char *field, const char **ret_text, struct error *err) {
  const char *text = NULL;
  TRY(body_text(body, field, &text, err));
  if (!text) return error_field(err, RC_VALIDATION, field, "is missing");
  *ret_text = text;
  return RC_OK;
}

static enum rc need_uuid(json_t *body, const char *field, struct uuid *ret_id, struct error *err) {
  bool present = false;
  TRY(body_uuid(body, field, ret_id, &present, err));
  return present ? RC_OK : error_field(err, RC_VALIDATION, field, "is missing");
}

static enum rc need_date(json_t *body, const char *field, struct date *ret_date, struct error *err) {
  const char *text = NULL;
  TRY(need_text(body, field, &text, err));
  return date_parse(text, field, ret_date, err);
}

static enum rc need_amount(json_t *body, const char *field, const struct currency *currency, int64_t *ret_minor,
                           struct error *err) {
  const char *text = NULL;
  TRY(body_decimal(body, field, &text, err));
  if (!text) return error_field(err, RC_VALIDATION, field, "is missing");
  return money_parse(text, currency, field, ret_minor, err);
}

static enum rc read_common(json_t *body, struct notice *notice, struct error *err) {
  const char *currency = NULL;
  TRY(need_uuid(body, "customerId", &notice->customer, err));
  TRY(need_uuid(body, "invoiceId", &notice->invoice, err));
  TRY(need_text(body, "currency", &currency, err));
  notice->currency = currency_find(currency);
  return notice->currency ? RC_OK : error_field(err, RC_VALIDATION, "currency", "there is no such currency");
}

static enum rc read_invoice(json_t *body, struct notice *notice, struct error *err) {
  TRY(need_amount(body, "totalAmount", notice->currency, &notice->amount_minor, err));
  TRY(need_amount(body, "amountDue", notice->currency, &notice->amount_due_minor, err));
  TRY(need_date(body, "issueDate", &notice->issue_date, err));
  TRY(need_date(body, "dueDate", &notice->due_date, err));
  return need_text(body, "collection", &notice->collection, err);
}

static enum rc read_payment(json_t *body, struct notice *notice, struct error *err) {
  bool has_method = false;
  TRY(need_uuid(body, "paymentId", &notice->payment, err));
  TRY(need_amount(body, "amount", notice->currency, &notice->amount_minor, err));
  return body_uuid(body, "paymentMethodId", &notice->payment_method, &has_method, err);
}

static enum rc read_success(json_t *body, struct notice *notice, struct error *err) {
  TRY(read_payment(body, notice, err));
  return body_text(body, "transactionId", &notice->transaction, err);
}

static enum rc read_failure(json_t *body, struct notice *notice, struct error *err) {
  const char *retry_at = NULL;
  TRY(read_payment(body, notice, err));
  TRY(body_text(body, "failureCode", &notice->failure_code, err));
  TRY(body_text(body, "declineClass", &notice->decline_class, err));
  TRY(body_text(body, "nextRetryAt", &retry_at, err));
  if (!retry_at) return RC_OK;
  notice->will_retry = true;
  return utime_parse(retry_at, "nextRetryAt", &notice->retry_at, err);
}

/* Nobody waits for the answer to an event: one that cannot be read is a dead letter. */
static enum rc read_event(const struct mail_maker *maker, const struct message *message, struct notice *ret_notice,
                          struct error *err) {
  struct notice notice = {.message = message};
  struct error why;
  enum rc rc = read_common(message->json, &notice, &why);
  if (rc == RC_OK) rc = maker->read(message->json, &notice, &why);
  if (rc != RC_OK) return error_field(err, RC_BAD_MESSAGE, why.field, "%s: %s", why.field, why.text);
  *ret_notice = notice;
  return RC_OK;
}

/* ---- what the mail says ---- */

/* The customer's day; UTC's when this machine does not know the zone. */
static struct date local_date(const struct recipient *recipient, struct utime at) {
  const struct zone *zone;
  struct error unknown;
  if (zone_find(recipient->time_zone, "timeZone", &zone, &unknown) == RC_OK) return zone_date(zone, at);
  return (struct date){(int32_t)(at.us / UTIME_DAY)};
}

/* The gateway's word for a brand, and people's. Others are a card. */
static const char *brand_name(const char *brand) {
  static const char *const brands[][2] = {
      {"visa", "Visa"},         {"mastercard", "Mastercard"}, {"amex", "American Express"},
      {"discover", "Discover"}, {"diners", "Diners Club"},    {"jcb", "JCB"},
      {"unionpay", "UnionPay"},
  };
  for (size_t i = 0; brand && i < sizeof brands / sizeof brands[0]; i++)
    if (strcmp(brands[i][0], brand) == 0) return brands[i][1];
  return NULL;
}

/* Reasons that the customer may be told and can do something about. A card that was reported stolen is not among them.
 */
static void fill_reason(const char *failure_code, struct mail_values *values) {
  static const struct {
    const char *code;
    enum variable variable;
  } reasons[] = {
      {"insufficient_funds", VAR_NO_FUNDS},
      {"expired_card", VAR_CARD_EXPIRED},
      {"authentication_required", VAR_NOT_CONFIRMED},
  };
  for (size_t i = 0; failure_code && i < sizeof reasons / sizeof reasons[0]; i++)
    if (strcmp(reasons[i].code, failure_code) == 0) values->text[reasons[i].variable] = "yes";
}

static void fill_common(const struct notice *notice, const struct recipient *recipient, const struct language *language,
                        struct arena *arena, struct mail_values *values) {
  struct error malformed;
  values->text[VAR_CUSTOMER_NAME] = recipient->name;
  values->text[VAR_SELLER_NAME] = recipient->seller_name;
  if (recipient->seller_email && email_check(recipient->seller_email, "seller", &malformed) == RC_OK)
    values->text[VAR_SELLER_EMAIL] = recipient->seller_email;
  values->text[VAR_INVOICE_NUMBER] = recipient->invoice_number;
  values->text[VAR_AMOUNT] = language_amount(language, notice->amount_minor, notice->currency, arena);
}

static void fill_invoice(const struct notice *notice, const struct recipient *recipient,
                         const struct language *language, struct arena *arena, struct mail_values *values) {
  (void)recipient;
  if (notice->amount_due_minor > 0)
    values->text[VAR_AMOUNT_DUE] = language_amount(language, notice->amount_due_minor, notice->currency, arena);
  if (strcmp(notice->collection, "automatic") == 0) values->text[VAR_AUTOMATIC] = "yes";
  values->text[VAR_ISSUE_DATE] = language_date(language, notice->issue_date, arena);
  values->text[VAR_DUE_DATE] = language_date(language, notice->due_date, arena);
}

static void fill_card(const struct recipient *recipient, struct mail_values *values) {
  values->text[VAR_CARD_BRAND] = brand_name(recipient->card_brand);
  values->text[VAR_CARD_LAST4] = recipient->card_last4;
}

static void fill_receipt(const struct notice *notice, const struct recipient *recipient,
                         const struct language *language, struct arena *arena, struct mail_values *values) {
  fill_card(recipient, values);
  values->text[VAR_PAID_DATE] = language_date(language, local_date(recipient, notice->message->time), arena);
  values->text[VAR_TRANSACTION] = notice->transaction;
}

/* BILL-081: only a soft decline is tried again with the same method. */
static void fill_failure(const struct notice *notice, const struct recipient *recipient,
                         const struct language *language, struct arena *arena, struct mail_values *values) {
  bool is_soft = notice->decline_class && strcmp(notice->decline_class, decline_class_name(DECLINE_SOFT)) == 0;
  fill_card(recipient, values);
  if (is_soft && notice->will_retry)
    values->text[VAR_RETRY_DATE] = language_date(language, local_date(recipient, notice->retry_at), arena);
  fill_reason(notice->failure_code, values);
}

/* ---- writing ---- */

/* Why this customer gets no mail; NULL: no reason. */
static const char *refusal_of(const struct recipient *recipient, struct arena *arena) {
  struct error why;
  if (recipient->is_deleted) return "the customer has been deleted";
  if (email_check(recipient->email, "email", &why) == RC_OK) return NULL;
  return arena_strdup(arena, why.text);
}

static enum rc load_recipients(struct work *work, const struct notice *notices, size_t count, PGresult **ret_rows,
                               struct error *err) {
  struct db_array *tenants = db_array_new(work->arena), *customers = db_array_new(work->arena);
  struct db_array *invoices = db_array_new(work->arena), *methods = db_array_new(work->arena);
  for (size_t i = 0; i < count; i++) {
    db_array_uuid(tenants, &notices[i].message->tenant);
    db_array_uuid(customers, &notices[i].customer);
    db_array_uuid(invoices, &notices[i].invoice);
    db_array_uuid_unless_nil(methods, &notices[i].payment_method);
  }
  return tx_exec(work->tx, &sql_recipients,
                 PARAMS(db_array_literal(tenants), db_array_literal(customers), db_array_literal(invoices),
                        db_array_literal(methods)),
                 ret_rows, err);
}

/* Columns of recipients.sql. */
static enum rc read_recipient(const PGresult *rows, int row, struct recipient *ret_recipient, struct error *err) {
  if (row_is_null(rows, row, 0)) return error_set(err, RC_INVARIANT, "the event's customer does not exist");
  if (row_is_null(rows, row, 7)) return error_set(err, RC_INVARIANT, "the event's invoice has no number, or is none");
  *ret_recipient = (struct recipient){.name = row_text(rows, row, 0),
                                      .email = row_text(rows, row, 1),
                                      .locale = row_text(rows, row, 2),
                                      .time_zone = row_text(rows, row, 3),
                                      .is_deleted = row_bool(rows, row, 4),
                                      .seller_name = row_text(rows, row, 5),
                                      .seller_email = row_text(rows, row, 6),
                                      .invoice_number = row_text(rows, row, 7),
                                      .card_brand = row_text(rows, row, 8),
                                      .card_last4 = row_text(rows, row, 9)};
  return RC_OK;
}

/* The arrays of notification_insert.sql. */
struct insertion {
  struct db_array *tenants, *ids, *events, *templates, *locales, *recipients, *customers, *invoices, *payments,
      *variables, *refusals;
};

static void insertion_init(struct insertion *insertion, struct arena *arena) {
  struct db_array **const arrays[] = {&insertion->tenants,   &insertion->ids,      &insertion->events,
                                      &insertion->templates, &insertion->locales,  &insertion->recipients,
                                      &insertion->customers, &insertion->invoices, &insertion->payments,
                                      &insertion->variables, &insertion->refusals};
  for (size_t i = 0; i < sizeof arrays / sizeof arrays[0]; i++) *arrays[i] = db_array_new(arena);
}

static struct uuid notification_id(const struct message *event, enum mail_kind kind) {
  char tenant[UUID_TEXT_MAX], id[UUID_TEXT_MAX];
  return UUID_DERIVE("notification", uuid_format(&event->tenant, tenant), uuid_format(&event->id, id),
                     mail_kind_name(kind));
}

static enum rc insertion_add(struct insertion *insertion, const struct mail_maker *maker, const struct notice *notice,
                             const struct recipient *recipient, struct arena *arena, struct error *err) {
  const struct language *language = language_find(recipient->locale);
  struct mail_values values = {0};
  struct uuid id = notification_id(notice->message, maker->kind);
  const char *refusal = refusal_of(recipient, arena);
  struct buf CLEANUP(buf_release) variables = {0};
  fill_common(notice, recipient, language, arena, &values);
  maker->fill(notice, recipient, language, arena, &values);
  buf_init(&variables, VARIABLES_MAX_BYTES);
  values_write(maker->kind, &values, &variables);
  if (!buf_ok(&variables)) return error_set(err, RC_BAD_MESSAGE, "the event's texts are too long for a mail");
  db_array_uuid(insertion->tenants, &notice->message->tenant);
  db_array_uuid(insertion->ids, &id);
  db_array_uuid(insertion->events, &notice->message->id);
  db_array_text(insertion->templates, mail_kind_name(maker->kind));
  db_array_text(insertion->locales, language->code);
  db_array_text(insertion->recipients, recipient->is_deleted ? "" : recipient->email);
  db_array_uuid(insertion->customers, &notice->customer);
  db_array_uuid(insertion->invoices, &notice->invoice);
  db_array_uuid_unless_nil(insertion->payments, &notice->payment);
  db_array_text(insertion->variables, buf_text(&variables));
  db_array_text(insertion->refusals, refusal);
  return RC_OK;
}

static void report_refused(struct work *work, const PGresult *rows) {
  for (int r = 0; r < row_count(rows); r++)
    report_emit(work, &(struct report){.tenant = row_uuid(rows, r, 0),
                                       .id = row_uuid(rows, r, 1),
                                       .event_id = row_uuid(rows, r, 2),
                                       .template = row_text(rows, r, 3),
                                       .customer = row_uuid(rows, r, 4),
                                       .version = row_int(rows, r, 5),
                                       .reason = row_text(rows, r, 6)});
}

static enum rc insert(struct work *work, const struct insertion *insertion, struct error *err) {
  PGresult CLEANUP(db_result_release) *refused = NULL;
  TRY(tx_exec(work->tx, &sql_notification_insert,
              PARAMS(db_utime(work->arena, work->real_now), db_array_literal(insertion->tenants),
                     db_array_literal(insertion->ids), db_array_literal(insertion->events),
                     db_array_literal(insertion->templates), db_array_literal(insertion->locales),
                     db_array_literal(insertion->recipients), db_array_literal(insertion->customers),
                     db_array_literal(insertion->invoices), db_array_literal(insertion->payments),
                     db_array_literal(insertion->variables), db_array_literal(insertion->refusals)),
              &refused, err));
  report_refused(work, refused);
  return RC_OK;
}

static enum rc notify(struct work *work, struct message *const *messages, size_t count, const struct mail_maker *maker,
                      struct error *err) {
  struct notice *notices = ARENA_ARRAY(work->arena, struct notice, count);
  for (size_t i = 0; i < count; i++) TRY(read_event(maker, messages[i], &notices[i], err));
  PGresult CLEANUP(db_result_release) *rows = NULL;
  TRY(load_recipients(work, notices, count, &rows, err));
  ASSERT((size_t)row_count(rows) == count);
  struct insertion insertion;
  insertion_init(&insertion, work->arena);
  for (size_t i = 0; i < count; i++) {
    struct recipient recipient = {0};
    TRY(read_recipient(rows, (int)i, &recipient, err));
    TRY(insertion_add(&insertion, maker, &notices[i], &recipient, work->arena, err));
  }
  return insert(work, &insertion, err);
}

enum rc handle_invoice_finalised(struct work *work, struct message *const *messages, size_t count, struct error *err) {
  static const struct mail_maker invoice = {MAIL_INVOICE, read_invoice, fill_invoice};
  return notify(work, messages, count, &invoice, err);
}

enum rc handle_payment_succeeded(struct work *work, struct message *const *messages, size_t count, struct error *err) {
  static const struct mail_maker receipt = {MAIL_RECEIPT, read_success, fill_receipt};
  return notify(work, messages, count, &receipt, err);
}

enum rc handle_payment_failed(struct work *work, struct message *const *messages, size_t count, struct error *err) {
  static const struct mail_maker payment_failed = {MAIL_PAYMENT_FAILED, read_failure, fill_failure};
  return notify(work, messages, count, &payment_failed, err);
}
