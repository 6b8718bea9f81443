/* The one table of topics: what flows where, who owns it. `cloudbill migrate` creates them (and each one's .dlq); the
 * workers subscribe by it; the contract test walks it. Messages are keyed by customer, else by the aggregate's id. */
#ifndef BUS_TOPICS_H
#define BUS_TOPICS_H

#include <stddef.h>

/* name, the worker that consumes its commands or publishes its events */
#define TOPICS(X)                                                                    \
  X(TOPIC_CUSTOMER_COMMANDS, "cloudbill.customer.commands", "billing-cycle")         \
  X(TOPIC_PLAN_COMMANDS, "cloudbill.plan.commands", "billing-cycle")                 \
  X(TOPIC_SUBSCRIPTION_COMMANDS, "cloudbill.subscription.commands", "billing-cycle") \
  X(TOPIC_BILLING_RUN_COMMANDS, "cloudbill.billing-run.commands", "billing-cycle")   \
  X(TOPIC_DEAD_LETTER_COMMANDS, "cloudbill.dead-letter.commands", "billing-cycle")   \
  X(TOPIC_INVOICE_COMMANDS, "cloudbill.invoice.commands", "invoicing")               \
  X(TOPIC_PAYMENT_COMMANDS, "cloudbill.payment.commands", "payments")                \
  X(TOPIC_NOTIFICATION_COMMANDS, "cloudbill.notification.commands", "notifications") \
  X(TOPIC_CUSTOMER_EVENTS, "cloudbill.customer.events", "billing-cycle")             \
  X(TOPIC_PLAN_EVENTS, "cloudbill.plan.events", "billing-cycle")                     \
  X(TOPIC_SUBSCRIPTION_EVENTS, "cloudbill.subscription.events", "billing-cycle")     \
  X(TOPIC_BILLING_RUN_EVENTS, "cloudbill.billing-run.events", "billing-cycle")       \
  X(TOPIC_DEAD_LETTER_EVENTS, "cloudbill.dead-letter.events", "billing-cycle")       \
  X(TOPIC_INVOICE_EVENTS, "cloudbill.invoice.events", "invoicing")                   \
  X(TOPIC_PAYMENT_EVENTS, "cloudbill.payment.events", "payments")                    \
  X(TOPIC_NOTIFICATION_EVENTS, "cloudbill.notification.events", "notifications")

enum topic {
#define X(topic, name, owner) topic,
  TOPICS(X)
#undef X
      TOPIC_COUNT
};

const char *topic_name(enum topic topic);
const char *topic_owner(enum topic topic);

/* The topic of a message by its type: "subscription.create" -> cloudbill.subscription.commands. One row for each
 * command and each event; TOPIC_COUNT for what is not in the table. Types of payment-method are the payment topic's,
 * those of test-clock the customer topic's. */
struct message_type {
  const char *name;
  enum topic topic;
};
extern const struct message_type MESSAGE_TYPES[]; /* ends with a NULL name */
enum topic topic_of_type(const char *type);

#define DLQ_SUFFIX ".dlq"

#endif
