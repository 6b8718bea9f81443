/* The table of topics and types: whatever is sent has one place to go, and that place is made by `cloudbill migrate`.
 */
#include "bus/topics.h"

#include <criterion/criterion.h>
#include <string.h>

Test(topics, names_are_unique) {
  for (enum topic a = 0; a < TOPIC_COUNT; a++)
    for (enum topic b = 0; b < a; b++) cr_expect_str_neq(topic_name(a), topic_name(b));
}

Test(topics, names_tell_aggregate_and_kind) {
  for (enum topic topic = 0; topic < TOPIC_COUNT; topic++) {
    const char *name = topic_name(topic);
    const char *kind = strrchr(name, '.');
    cr_expect_eq(strncmp(name, "cloudbill.", strlen("cloudbill.")), 0, "%s", name);
    cr_expect(strcmp(kind, ".commands") == 0 || strcmp(kind, ".events") == 0, "%s", name);
    cr_expect_lt(strlen(name) + strlen(DLQ_SUFFIX), 250, "%s", name);
  }
}

Test(topics, owners_are_the_four_workers) {
  static const char *const workers[] = {"billing-cycle", "invoicing", "payments", "notifications"};
  for (enum topic topic = 0; topic < TOPIC_COUNT; topic++) {
    int found = 0;
    for (size_t i = 0; i < sizeof workers / sizeof workers[0]; i++)
      found += strcmp(topic_owner(topic), workers[i]) == 0;
    cr_expect_eq(found, 1, "%s is owned by %s", topic_name(topic), topic_owner(topic));
  }
}

Test(topics, every_type_has_one_row_and_is_found) {
  for (const struct message_type *row = MESSAGE_TYPES; row->name != NULL; row++) {
    cr_expect_lt(row->topic, TOPIC_COUNT, "%s", row->name);
    cr_expect_eq(topic_of_type(row->name), row->topic, "%s", row->name);
    for (const struct message_type *other = MESSAGE_TYPES; other != row; other++)
      cr_expect_str_neq(other->name, row->name);
  }
}

/* What has no topic of its own goes with the aggregate whose order it must keep: a noun, or one type. */
static const struct {
  const char *type, *goes_with;
} GUESTS[] = {{"payment-method.", "payment."}, {"test-clock.", "customer."}, {"coupon.", "plan."},
              {"tax-rate.", "plan."},          {"credit.", "invoice."},      {"credit-note.", "invoice."},
              {"invoice.pay", "payment."}};

static const char *aggregate_of(const char *type) {
  for (size_t i = 0; i < sizeof GUESTS / sizeof *GUESTS; i++) {
    size_t length = strlen(GUESTS[i].type);
    bool is_noun = GUESTS[i].type[length - 1] == '.';
    if (is_noun ? strncmp(type, GUESTS[i].type, length) == 0 : strcmp(type, GUESTS[i].type) == 0)
      return GUESTS[i].goes_with;
  }
  return type;
}

/* "subscription.create" goes to cloudbill.subscription.commands. */
Test(topics, a_types_noun_is_its_topics) {
  for (const struct message_type *row = MESSAGE_TYPES; row->name != NULL; row++) {
    const char *noun = aggregate_of(row->name);
    size_t length = (size_t)(strchr(noun, '.') - noun) + 1;
    const char *aggregate = topic_name(row->topic) + strlen("cloudbill.");
    cr_expect_eq(strncmp(aggregate, noun, length), 0, "%s goes to %s", row->name, topic_name(row->topic));
  }
}

Test(topics, every_topic_of_commands_has_a_command) {
  for (enum topic topic = 0; topic < TOPIC_COUNT; topic++) {
    int types = 0;
    for (const struct message_type *row = MESSAGE_TYPES; row->name != NULL; row++) types += row->topic == topic;
    bool is_for_later = topic == TOPIC_NOTIFICATION_COMMANDS;
    cr_expect(types > 0 || is_for_later, "%s", topic_name(topic));
  }
}

Test(topics, unknown_types_have_no_topic) {
  static const char *const unknown[] = {"", "customer", "customer.", "customer.create ", "Customer.create", "x.y"};
  for (size_t i = 0; i < sizeof unknown / sizeof unknown[0]; i++)
    cr_expect_eq(topic_of_type(unknown[i]), TOPIC_COUNT, "'%s'", unknown[i]);
}
