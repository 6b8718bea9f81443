/* Topics as they are made, against a broker that is a mock. */
#include <criterion/criterion.h>

#include "unit/bus/mock.h"

Test(admin, leaves_topics_that_exist_as_they_are, .timeout = 60) {
  struct mock mock;
  struct error err;
  size_t created = 99;
  mock_start(&mock);
  for (enum topic topic = 0; topic < TOPIC_COUNT; topic++) {
    char dead_letters[256];
    (void)snprintf(dead_letters, sizeof dead_letters, "%s" DLQ_SUFFIX, topic_name(topic));
    rd_kafka_mock_topic_create(mock.cluster, topic_name(topic), 1, 1);
    rd_kafka_mock_topic_create(mock.cluster, dead_letters, 1, 1);
  }
  cr_expect_eq(bus_create_topics(mock.brokers, 6, 1, &created, &err), RC_OK);
  cr_expect_eq(created, 0);
  mock_stop(&mock);
}

/* The mock cannot create topics: that is told, not taken for done. */
Test(admin, tells_when_topics_could_not_be_made, .timeout = 90) {
  struct mock mock;
  struct error err;
  size_t created = 99;
  mock_start(&mock);
  cr_expect_eq(bus_create_topics(mock.brokers, 6, 1, &created, &err), RC_BROKER_UNAVAILABLE);
  cr_expect_eq(created, 99);
  mock_stop(&mock);
}

Test(admin, wrong_numbers_are_a_wrong_setting, .timeout = 60) {
  struct mock mock;
  struct error err;
  size_t created;
  mock_start(&mock);
  cr_expect_eq(bus_create_topics(mock.brokers, 0, 1, &created, &err), RC_INVALID_SETTING);
  cr_expect_eq(bus_create_topics("", 1, 1, &created, &err), RC_INVALID_SETTING);
  mock_stop(&mock);
}
