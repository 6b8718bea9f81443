/* cloudbill-notifications: tells customers by e-mail what happened to their invoices and payments. Events become rows
 * (events.c); rows become mails (send.c). */
#include "catalogue.h"
#include "events.h"
#include "runtime/runtime.h"
#include "send.h"
#include "smtp.h"
#include "sql.h"

enum { IDLE_MS = 200 };

static struct mail_settings settings;

#define SETTING(field) offsetof(struct mail_settings, field)

static const struct setting setting_table[] = {
    {"SMTP_URL", SETTING_TEXT, SETTING(smtp_url), NULL, 0, 1024, NULL,
     "the mail server: smtp://host:port, or smtps://host:port for TLS from the first byte"},
    {"SMTP_TLS", SETTING_CHOICE, SETTING(smtp_tls), "auto", 0, 0, "auto required none",
     "STARTTLS with smtp://; auto: required with SMTP_USER, and else used when the server offers it"},
    {"SMTP_USER", SETTING_TEXT, SETTING(smtp_user), "", 0, 256, NULL, "account at the mail server"},
    {"SMTP_PASSWORD", SETTING_SECRET, SETTING(smtp_password), "", 0, 1024, NULL, "its password"},
    {"MAIL_FROM", SETTING_TEXT, SETTING(mail_from), NULL, 0, 254, NULL,
     "address that mails come from; its domain is also that of their Message-IDs"},
    {"MAIL_CONCURRENCY", SETTING_INT, SETTING(concurrency), "16", 1, 256, NULL,
     "connections to the mail server at most"},
    {"MAIL_TIMEOUT_MS", SETTING_INT, SETTING(timeout_ms), "60000", 100, 600000, NULL,
     "for one mail; twice as long after a crash, and three seconds, another process sends what was under way"},
};

static const enum topic topics[] = {TOPIC_NOTIFICATION_COMMANDS, TOPIC_INVOICE_EVENTS, TOPIC_PAYMENT_EVENTS};

static const struct handler handlers[] = {
    {"invoice.finalised", handle_invoice_finalised, true},    {"invoice.sent", handle_invoice_finalised, true},
    {"payment.succeeded", handle_payment_succeeded, true},    {"payment.failed", handle_payment_failed, true},
    {"payment.action_required", handle_payment_failed, true}, {0},
};

static const struct task tasks[] = {
    {"send_due_mails", send_due_mails, IDLE_MS, .own_transactions = true},
    {0},
};

static enum rc start(struct error *err) {
  smtp_start();
  TRY(catalogue_load(err));
  return send_start(&settings, err);
}

static const struct worker worker = {
    .name = "notifications",
    .about = "Tells customers by e-mail what happened to their invoices and payments.",
    .topics = topics,
    .topic_count = sizeof topics / sizeof topics[0],
    .handlers = handlers,
    .tasks = tasks,
    .statements = sql_statements,
    .settings = setting_table,
    .setting_count = sizeof setting_table / sizeof setting_table[0],
    .settings_target = &settings,
    .start = start,
};

int main(int argc, char **argv) {
  int status = worker_main(argc, argv, &worker);
  catalogue_release();
  smtp_end();
  return status;
}
