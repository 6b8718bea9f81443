/* An event in; a row, one mail and an event out: whatever is redelivered, away or killed meanwhile. */
#include <criterion/criterion.h>
#include <string.h>

#include "harness/harness.h"

/* A customer with an open invoice and a card, put beneath the API: what is tested here begins with the event. */
struct scene {
  struct tenant tenant;
  const char *customer, *email, *invoice, *card;
};

static struct scene scene_with(const char *email, const char *locale) {
  const char *id = new_id();
  struct scene scene = {.tenant.id = id, .customer = new_id(), .invoice = new_id(), .card = new_id(), .email = email};
  const struct tenant *tenant = &scene.tenant;
  sql_do(tenant, "INSERT INTO tenants (id, name, currency, seller)"
                 " VALUES ($1, 'Acme', 'USD', '{\"name\": \"Böhm & Söhne\", \"email\": \"help@boehm.example\"}')");
  sql_do(tenant, keep_text("INSERT INTO customers (tenant_id, id, name, email, locale, time_zone, currency,"
                           " net_terms_days, created_at, updated_at)"
                           " VALUES ($1, '%s', '株式会社 山田 <YK>', '%s', '%s', 'Asia/Tokyo', 'USD', 0, now(), now())",
                           scene.customer, email, locale));
  sql_do(tenant, keep_text("INSERT INTO invoices (tenant_id, id, customer_id, series, number, status, currency,"
                           " subtotal_minor, total_minor, collection, issue_date, due_date, created_at, updated_at)"
                           " VALUES ($1, '%s', '%s', 'INV', 42, 'open', 'USD', 123450, 123450, 'automatic',"
                           " '2026-11-21', '2026-12-05', now(), now())",
                           scene.invoice, scene.customer));
  sql_do(tenant, keep_text("INSERT INTO payment_methods (tenant_id, id, customer_id, status, token, brand, last4,"
                           " created_at, updated_at)"
                           " VALUES ($1, '%s', '%s', 'active', 'tok', 'visa', '4242', now(), now())",
                           scene.card, scene.customer));
  return scene;
}

static struct scene scene_new(const char *locale) {
  return scene_with(keep_text("%s@mail.example", new_id()), locale);
}

static void publish(const struct scene *scene, const char *topic, const char *type, const char *id, const char *value) {
  const char *const headers[] = {"ce_specversion",
                                 "1.0",
                                 "ce_id",
                                 id,
                                 "ce_type",
                                 type,
                                 "ce_source",
                                 "/cloudbill/test",
                                 "ce_subject",
                                 scene->invoice,
                                 "ce_time",
                                 "2026-11-21T22:30:00.000Z",
                                 "ce_tenantid",
                                 scene->tenant.id,
                                 "ce_dataschema",
                                 keep_text("/schemas/events/%s.json", type),
                                 NULL};
  const char *body = quotes(value);
  kafka_produce(topic, scene->customer, body, strlen(body), headers);
}

static void publish_invoice(const struct scene *scene, const char *id) {
  publish(
      scene, "cloudbill.invoice.events", "invoice.finalised", id,
      keep_text("{'invoiceId':'%s','invoiceNumber':'INV-000042','customerId':'%s','subscriptionId':null,'runId':null,"
                "'currency':'USD','status':'open','totalAmount':1234.50,'amountDue':1234.50,"
                "'issueDate':'2026-11-21','dueDate':'2026-12-05','collection':'automatic','version':1}",
                scene->invoice, scene->customer));
}

static void publish_payment(const struct scene *scene, const char *type, const char *more) {
  publish(scene, "cloudbill.payment.events", type, new_id(),
          keep_text("{'paymentId':'%s','invoiceId':'%s','customerId':'%s','currency':'USD','amount':1234.50,"
                    "'paymentMethodId':'%s','transactionId':'pi_7','attempts':1,%s,'version':2}",
                    new_id(), scene->invoice, scene->customer, scene->card, more));
}

static int64_t count_with_status(const struct scene *scene, const char *status) {
  return sql_int(&scene->tenant,
                 keep_text("SELECT count(*) FROM notifications WHERE tenant_id = $1 AND status = '%s'", status));
}

static void wait_for_status(const struct scene *scene, const char *status) {
  WAIT_UNTIL(count_with_status(scene, status) == 1, "a notification that is %s", status);
}

/* Without quoted-printable's soft line breaks: what is said may be looked for as it is written. */
static const char *unbroken(const char *text) {
  char *whole = keep(strlen(text) + 1), *to = whole;
  for (const char *from = text; *from; from += strncmp(from, "=\r\n", 3) == 0 ? 3 : 1)
    if (strncmp(from, "=\r\n", 3) != 0) *to++ = *from;
  return whole;
}

/* The one mail that came, when its row says that it did. */
static struct mail only_mail(const struct scene *scene) {
  wait_for_status(scene, "sent");
  struct mails mails = mails_for(scene->email);
  cr_assert_eq(mails.count, 1);
  mails.at[0].text = unbroken(mails.at[0].text);
  return mails.at[0];
}

static const char *notification_id(const struct scene *scene) {
  return sql_text(&scene->tenant, "SELECT id FROM notifications WHERE tenant_id = $1");
}

static bool was_announced(const struct scene *scene, const char *type) {
  struct records records = kafka_read("cloudbill.notification.events", "ce_tenantid", scene->tenant.id);
  size_t found = 0;
  for (size_t i = 0; i < records.count; i++) found += strcmp(record_header(&records.at[i], "ce_type"), type) == 0;
  cr_assert_leq(found, 1, "%s twice", type);
  return found == 1;
}

#define EXPECT_SAYS(mail, what) cr_expect_not_null(strstr((mail).text, (what)), "%s\nlacks: %s", (mail).text, (what))

/* -- what is said -- */

Test(notifications, a_finalised_invoice_is_one_mail_with_two_parts) {
  process_hold("notifications", false);
  struct scene scene = scene_new("en-GB");
  publish_invoice(&scene, new_id());
  struct mail mail = only_mail(&scene);
  cr_expect_eq(mail.copies, 1);
  cr_expect_not_null(strstr(mail.message_id, notification_id(&scene)));
  EXPECT_SAYS(mail, "Content-Type: text/plain; charset=utf-8");
  EXPECT_SAYS(mail, "Content-Type: text/html; charset=utf-8");
  EXPECT_SAYS(mail, "Auto-Submitted: auto-generated");
  EXPECT_SAYS(mail, "Reply-To: <help@boehm.example>");
  EXPECT_SAYS(mail, "From: =?UTF-8?B?QsO2aG0gJiBTw7ZobmU=?");
  EXPECT_SAYS(mail, "USD 1,234.50");
  EXPECT_SAYS(mail, "21 November 2026");
  EXPECT_SAYS(mail, "&lt;YK&gt;");
  WAIT_UNTIL(was_announced(&scene, "notification.sent"), "notification.sent");
  cr_expect_eq(sql_int(&scene.tenant, "SELECT count(*) FROM notification_attempts WHERE tenant_id = $1 AND delivered"),
               1);
}

Test(notifications, a_payment_is_a_receipt_in_the_customers_language_and_day) {
  struct scene scene = scene_new("de-AT");
  publish_payment(&scene, "payment.succeeded", "'failureCode':null");
  struct mail mail = only_mail(&scene);
  EXPECT_SAYS(mail, "1.234,50 USD");
  EXPECT_SAYS(mail, "22. November 2026"); /* in Tokyo it is tomorrow */
  EXPECT_SAYS(mail, "Visa mit den Endziffern 4242");
  EXPECT_SAYS(mail, "Content-Language: de");
}

Test(notifications, a_soft_decline_names_the_day_of_the_next_try) {
  struct scene scene = scene_new("en");
  publish_payment(&scene, "payment.failed",
                  "'failureCode':'insufficient_funds','failureMessage':'x','declineClass':'soft',"
                  "'nextRetryAt':'2026-11-23T01:00:00.000Z'");
  struct mail mail = only_mail(&scene);
  EXPECT_SAYS(mail, "We will try again on 23 November 2026");
  EXPECT_SAYS(mail, "not enough funds");
  cr_expect_null(strstr(mail.text, "new payment method"));
}

Test(notifications, any_other_decline_asks_for_a_new_payment_method) {
  static const char *const rows[] = {
      "'failureCode':'expired_card','failureMessage':'x','declineClass':'customer','nextRetryAt':null",
      "'failureCode':'stolen_card','failureMessage':'Stolen!','declineClass':'never','nextRetryAt':null",
      "'failureCode':'do_not_honor','failureMessage':'x','declineClass':'soft','nextRetryAt':null",
  };
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    struct scene scene = scene_new("en");
    publish_payment(&scene, "payment.failed", rows[i]);
    struct mail mail = only_mail(&scene);
    EXPECT_SAYS(mail, "Please add a new payment method");
    cr_expect_null(strstr(mail.text, "try again on"));
    cr_expect_null(strcasestr(mail.text, "stolen"));
  }
}

Test(notifications, a_payment_that_waits_for_the_customer_says_so) {
  struct scene scene = scene_new("en");
  publish_payment(&scene, "payment.action_required",
                  "'failureCode':'authentication_required','failureMessage':'x','declineClass':'customer'");
  struct mail mail = only_mail(&scene);
  EXPECT_SAYS(mail, "Your bank asked for a confirmation");
  cr_expect_null(strstr(mail.text, "try again on"));
}

/* -- once -- */

Test(notifications, an_event_that_comes_again_changes_nothing_not_even_with_a_new_address) {
  process_hold("notifications", false);
  struct scene scene = scene_new("en");
  const char *event = new_id();
  publish_invoice(&scene, event);
  publish_invoice(&scene, event);
  struct mail mail = only_mail(&scene);
  const char *other = keep_text("%s@moved.example", new_id());
  sql_do(&scene.tenant, keep_text("UPDATE customers SET email = '%s' WHERE tenant_id = $1", other));
  publish_invoice(&scene, event);
  publish_payment(&scene, "payment.succeeded", "'failureCode':null"); /* what comes after it has been done, too */
  WAIT_UNTIL(count_with_status(&scene, "sent") == 2, "the receipt");
  WAIT_UNTIL(mails_for(other).count == 1, "the receipt's mail");
  cr_expect_eq(mails_for(scene.email).count, 1);
  cr_expect_eq(mail.copies, 1);
}

Test(notifications, a_mail_waits_for_a_server_that_is_away_and_comes_once) {
  process_hold("notifications", true);
  struct scene scene = scene_new("en");
  process_do("stop", "mail");
  publish_invoice(&scene, new_id());
  WAIT_UNTIL(sql_int(&scene.tenant, "SELECT count(*) FROM notifications WHERE tenant_id = $1 AND status = 'pending'"
                                    " AND last_error = 'the mail server cannot be reached'") == 1,
             "an attempt that reached nobody");
  process_do("start", "mail");
  cr_expect_eq(only_mail(&scene).copies, 1);
  cr_expect_eq(sql_int(&scene.tenant, "SELECT deferrals FROM notifications WHERE tenant_id = $1"), 0);
}

/* The statement that records it takes long: the worker dies between (b) and (c). */
static void hold_recording(const struct scene *scene) {
  sql_do(NULL, "CREATE FUNCTION hold_recording() RETURNS trigger LANGUAGE plpgsql AS"
               " 'BEGIN PERFORM pg_sleep(5); RETURN NEW; END'");
  sql_do(NULL, keep_text("CREATE TRIGGER hold_recording BEFORE UPDATE ON notifications FOR EACH ROW"
                         " WHEN (NEW.status = 'sent' AND NEW.tenant_id = '%s') EXECUTE FUNCTION hold_recording()",
                         scene->tenant.id));
}

static void let_record(void) {
  sql_do(NULL, "DROP TRIGGER hold_recording ON notifications");
  sql_do(NULL, "DROP FUNCTION hold_recording()");
}

Test(notifications, a_worker_killed_after_sending_sends_the_same_message_id) {
  process_hold("notifications", true);
  struct scene scene = scene_new("en");
  hold_recording(&scene);
  publish_invoice(&scene, new_id());
  WAIT_UNTIL(mails_for(scene.email).count == 1, "the mail");
  process_do("kill", "notifications");
  let_record();
  wait_for_status(&scene, "sending");
  /* time passes: the dead worker's claims, this one and others', run out */
  sql_do(NULL, "UPDATE notifications SET next_attempt_at = now() WHERE status = 'sending'");
  process_do("start", "notifications");
  struct mail mail = only_mail(&scene);
  cr_expect_eq(mail.copies, 2);
  cr_expect_not_null(strstr(mail.message_id, notification_id(&scene)));
  cr_expect_eq(sql_int(&scene.tenant, "SELECT count(*) FROM notification_attempts WHERE tenant_id = $1"), 2);
  WAIT_UNTIL(was_announced(&scene, "notification.sent"), "notification.sent");
}

/* -- never -- */

static void expect_failed(const struct scene *scene, const char *reason) {
  wait_for_status(scene, "failed");
  cr_expect_str_eq(sql_text(&scene->tenant, "SELECT last_error FROM notifications WHERE tenant_id = $1"), reason);
  WAIT_UNTIL(was_announced(scene, "notification.failed"), "notification.failed");
  cr_expect_eq(sql_int(&scene->tenant, "SELECT count(*) FROM dead_letters WHERE tenant_id = $1"), 0);
}

Test(notifications, a_deleted_customer_gets_no_mail_and_the_row_says_so) {
  struct scene scene = scene_new("en");
  sql_do(&scene.tenant, "UPDATE customers SET deleted_at = now() WHERE tenant_id = $1");
  publish_invoice(&scene, new_id());
  expect_failed(&scene, "the customer has been deleted");
  cr_expect_eq(mails_for(scene.email).count, 0);
}

Test(notifications, an_address_that_cannot_be_written_to_fails_with_the_reason) {
  static const struct {
    const char *email, *reason;
  } rows[] = {
      {"", "there is no e-mail address"},
      {"nobody", "the e-mail address is malformed"},
      {"jürgen@mail.example", "the e-mail address is not ASCII: SMTPUTF8 is not supported"},
      {"a@mail.example>\r\nRCPT TO:<b@mail.example", "the e-mail address is malformed"},
  };
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    struct scene scene = scene_with(rows[i].email, "en");
    publish_invoice(&scene, new_id());
    expect_failed(&scene, rows[i].reason);
  }
}

Test(notifications, an_event_that_cannot_be_read_is_a_dead_letter_and_stops_nobody) {
  struct scene scene = scene_new("en");
  publish(&scene, "cloudbill.invoice.events", "invoice.finalised", new_id(),
          keep_text("{'invoiceId':'%s','customerId':'%s','currency':'USD','totalAmount':'1.234','version':1}",
                    scene.invoice, scene.customer));
  publish_invoice(&scene, new_id());
  (void)only_mail(&scene);
  WAIT_UNTIL(sql_int(&scene.tenant,
                     "SELECT count(*) FROM dead_letters WHERE tenant_id = $1 AND worker = 'notifications'") == 1,
             "the dead letter");
}

/* BILL-070: what is void is not asked for. A receipt stays true. */
Test(notifications, of_an_invoice_that_is_void_by_then_are_dropped) {
  struct scene scene = scene_new("en");
  publish_invoice(&scene, new_id());
  WAIT_UNTIL(count_with_status(&scene, "sent") == 1, "the first mail");
  sql_do(&scene.tenant, "UPDATE invoices SET status = 'void' WHERE tenant_id = $1");
  sql_do(&scene.tenant, "UPDATE notifications SET status = 'pending', sent_at = NULL, next_attempt_at = now() "
                        "WHERE tenant_id = $1"); /* as if the server had put it off */
  WAIT_UNTIL(count_with_status(&scene, "dropped") == 1, "what waited to be dropped");
  publish_invoice(&scene, new_id());
  publish_payment(&scene, "payment.failed", "'failureCode':'card_declined','declineClass':'soft','nextRetryAt':null");
  publish_payment(&scene, "payment.succeeded", "'failureCode':null");
  WAIT_UNTIL(count_with_status(&scene, "dropped") == 3, "what comes later, too");
  WAIT_UNTIL(count_with_status(&scene, "sent") == 1, "the receipt");
  cr_expect_eq(sql_int(&scene.tenant, "SELECT count(*) FROM notifications WHERE tenant_id = $1 AND status = 'dropped' "
                                      "AND last_error = 'the invoice is void'"),
               3);
  WAIT_UNTIL(mails_for(scene.email).count == 2, "the invoice as it was, and the receipt");
}
