/* The tables behind topics.h. A new message is a row here, a schema in schemas/, and a handler or an emit. */
#include "bus/topics.h"

#include <string.h>

#include "base/assert.h"

static const struct {
  const char *name, *owner;
} topics[] = {
#define X(topic, name, owner) {name, owner},
    TOPICS(X)
#undef X
};

const struct message_type MESSAGE_TYPES[] = {
    /* commands */
    {"customer.create", TOPIC_CUSTOMER_COMMANDS},
    {"customer.update", TOPIC_CUSTOMER_COMMANDS},
    {"customer.replace", TOPIC_CUSTOMER_COMMANDS},
    {"customer.delete", TOPIC_CUSTOMER_COMMANDS},
    {"customer.restore", TOPIC_CUSTOMER_COMMANDS},
    {"test-clock.create", TOPIC_CUSTOMER_COMMANDS},
    {"test-clock.advance", TOPIC_CUSTOMER_COMMANDS},
    {"test-clock.delete", TOPIC_CUSTOMER_COMMANDS},
    {"plan.create", TOPIC_PLAN_COMMANDS},
    {"plan.update", TOPIC_PLAN_COMMANDS},
    {"plan.deprecate", TOPIC_PLAN_COMMANDS},
    {"plan.migrate", TOPIC_PLAN_COMMANDS},
    {"subscription.create", TOPIC_SUBSCRIPTION_COMMANDS},
    {"subscription.update", TOPIC_SUBSCRIPTION_COMMANDS},
    {"subscription.cancel", TOPIC_SUBSCRIPTION_COMMANDS},
    {"subscription.suspend", TOPIC_SUBSCRIPTION_COMMANDS},
    {"subscription.reactivate", TOPIC_SUBSCRIPTION_COMMANDS},
    {"subscription.renew", TOPIC_SUBSCRIPTION_COMMANDS},
    {"subscription.unpark", TOPIC_SUBSCRIPTION_COMMANDS},
    {"subscription.change-plan", TOPIC_SUBSCRIPTION_COMMANDS},
    {"subscription.preview", TOPIC_SUBSCRIPTION_COMMANDS},
    {"subscription.withdraw-change", TOPIC_SUBSCRIPTION_COMMANDS},
    {"billing-run.start", TOPIC_BILLING_RUN_COMMANDS},
    {"billing-run.pause", TOPIC_BILLING_RUN_COMMANDS},
    {"billing-run.resume", TOPIC_BILLING_RUN_COMMANDS},
    {"dead-letter.replay", TOPIC_DEAD_LETTER_COMMANDS},
    {"dead-letter.drop", TOPIC_DEAD_LETTER_COMMANDS},
    {"invoice.create", TOPIC_INVOICE_COMMANDS},
    {"payment-method.create", TOPIC_PAYMENT_COMMANDS},
    {"payment.collect", TOPIC_PAYMENT_COMMANDS},
    {"coupon.create", TOPIC_PLAN_COMMANDS},
    {"coupon.update", TOPIC_PLAN_COMMANDS},
    {"coupon.archive", TOPIC_PLAN_COMMANDS},
    {"tax-rate.create", TOPIC_PLAN_COMMANDS},
    {"tax-rate.archive", TOPIC_PLAN_COMMANDS},
    {"invoice.pay", TOPIC_PAYMENT_COMMANDS},
    {"invoice.draft", TOPIC_INVOICE_COMMANDS},
    {"invoice.add_item", TOPIC_INVOICE_COMMANDS},
    {"invoice.finalise", TOPIC_INVOICE_COMMANDS},
    {"invoice.delete", TOPIC_INVOICE_COMMANDS},
    {"invoice.void", TOPIC_INVOICE_COMMANDS},
    {"invoice.write_off", TOPIC_INVOICE_COMMANDS},
    {"invoice.send", TOPIC_INVOICE_COMMANDS},
    {"invoice.withdraw", TOPIC_INVOICE_COMMANDS},
    {"credit.grant", TOPIC_INVOICE_COMMANDS},
    {"credit-note.issue", TOPIC_INVOICE_COMMANDS},
    {"credit-note.create", TOPIC_INVOICE_COMMANDS},
    /* events */
    {"customer.created", TOPIC_CUSTOMER_EVENTS},
    {"customer.updated", TOPIC_CUSTOMER_EVENTS},
    {"customer.deleted", TOPIC_CUSTOMER_EVENTS},
    {"customer.restored", TOPIC_CUSTOMER_EVENTS},
    {"test-clock.created", TOPIC_CUSTOMER_EVENTS},
    {"test-clock.advanced", TOPIC_CUSTOMER_EVENTS},
    {"test-clock.deleted", TOPIC_CUSTOMER_EVENTS},
    {"plan.created", TOPIC_PLAN_EVENTS},
    {"plan.updated", TOPIC_PLAN_EVENTS},
    {"plan.deprecated", TOPIC_PLAN_EVENTS},
    {"plan.migrated", TOPIC_PLAN_EVENTS},
    {"subscription.created", TOPIC_SUBSCRIPTION_EVENTS},
    {"subscription.updated", TOPIC_SUBSCRIPTION_EVENTS},
    {"subscription.trial_ending", TOPIC_SUBSCRIPTION_EVENTS},
    {"subscription.activated", TOPIC_SUBSCRIPTION_EVENTS},
    {"subscription.renewed", TOPIC_SUBSCRIPTION_EVENTS},
    {"subscription.cancelled", TOPIC_SUBSCRIPTION_EVENTS},
    {"subscription.cancellation_scheduled", TOPIC_SUBSCRIPTION_EVENTS},
    {"subscription.changed", TOPIC_SUBSCRIPTION_EVENTS},
    {"subscription.change_scheduled", TOPIC_SUBSCRIPTION_EVENTS},
    {"subscription.migration_scheduled", TOPIC_SUBSCRIPTION_EVENTS},
    {"subscription.change_withdrawn", TOPIC_SUBSCRIPTION_EVENTS},
    {"subscription.suspended", TOPIC_SUBSCRIPTION_EVENTS},
    {"subscription.reactivated", TOPIC_SUBSCRIPTION_EVENTS},
    {"subscription.expired", TOPIC_SUBSCRIPTION_EVENTS},
    {"subscription.past_due", TOPIC_SUBSCRIPTION_EVENTS},
    {"subscription.recovered", TOPIC_SUBSCRIPTION_EVENTS},
    {"subscription.parked", TOPIC_SUBSCRIPTION_EVENTS},
    {"subscription.unparked", TOPIC_SUBSCRIPTION_EVENTS},
    {"billing-run.started", TOPIC_BILLING_RUN_EVENTS},
    {"billing-run.paused", TOPIC_BILLING_RUN_EVENTS},
    {"billing-run.resumed", TOPIC_BILLING_RUN_EVENTS},
    {"billing-run.completed", TOPIC_BILLING_RUN_EVENTS},
    {"dead-letter.replayed", TOPIC_DEAD_LETTER_EVENTS},
    {"dead-letter.dropped", TOPIC_DEAD_LETTER_EVENTS},
    {"invoice.finalised", TOPIC_INVOICE_EVENTS},
    {"invoice.paid", TOPIC_INVOICE_EVENTS},
    {"payment-method.created", TOPIC_PAYMENT_EVENTS},
    {"payment.succeeded", TOPIC_PAYMENT_EVENTS},
    {"payment.failed", TOPIC_PAYMENT_EVENTS},
    {"payment.action_required", TOPIC_PAYMENT_EVENTS},
    {"payment.exhausted", TOPIC_PAYMENT_EVENTS},
    {"payment.cancelled", TOPIC_PAYMENT_EVENTS},
    {"notification.sent", TOPIC_NOTIFICATION_EVENTS},
    {"notification.failed", TOPIC_NOTIFICATION_EVENTS},
    {"invoice.drafted", TOPIC_INVOICE_EVENTS},
    {"coupon.created", TOPIC_PLAN_EVENTS},
    {"coupon.updated", TOPIC_PLAN_EVENTS},
    {"coupon.archived", TOPIC_PLAN_EVENTS},
    {"tax-rate.created", TOPIC_PLAN_EVENTS},
    {"tax-rate.archived", TOPIC_PLAN_EVENTS},
    {"invoice.deleted", TOPIC_INVOICE_EVENTS},
    {"invoice.voided", TOPIC_INVOICE_EVENTS},
    {"invoice.uncollectible", TOPIC_INVOICE_EVENTS},
    {"invoice.sent", TOPIC_INVOICE_EVENTS},
    {"credit.granted", TOPIC_INVOICE_EVENTS},
    {"credit.expired", TOPIC_INVOICE_EVENTS},
    {"credit-note.created", TOPIC_INVOICE_EVENTS},
    {NULL, TOPIC_COUNT},
};

const char *topic_name(enum topic topic) {
  ASSERT(topic < TOPIC_COUNT);
  return topics[topic].name;
}

const char *topic_owner(enum topic topic) {
  ASSERT(topic < TOPIC_COUNT);
  return topics[topic].owner;
}

enum topic topic_of_type(const char *type) {
  for (const struct message_type *row = MESSAGE_TYPES; row->name; row++)
    if (strcmp(row->name, type) == 0) return row->topic;
  return TOPIC_COUNT;
}
