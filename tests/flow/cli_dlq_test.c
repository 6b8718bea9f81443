/* cloudbill dlq: an operator's decisions about dead letters are the commands that the API sends. */
#include <string.h>

#include "flow/flow.h"
#include "harness/harness.h"

TestSuite(cli_dlq, .timeout = 120);

/* A dead letter of the tenant's, or of nobody's when `tenant` does not exist. */
static const char *bury(const char *tenant) {
  const char *id = new_id();
  const char *const headers[] = {"ce_specversion", "1.0",    "ce_id",      id,       "ce_type", "no.such",
                                 "ce_source",      "/tests", "ce_subject", new_id(), "ce_time", "2026-11-21T00:00:00Z",
                                 "ce_tenantid",    tenant,   NULL};
  kafka_produce("cloudbill.plan.commands", NULL, "{}", 2, headers);
  const char *found = keep_text("SELECT id FROM dead_letters WHERE message_id = '%s'", id);
  WAIT_UNTIL(sql_text(NULL, found) != NULL, "it to be buried");
  return sql_text(NULL, found);
}

static const char *dlq(const char *verb, const char *id) {
  const char *const arguments[] = {"dlq", verb, id, NULL};
  return run_program("cloudbill", arguments);
}

static const char *status(const char *letter) {
  return sql_text(NULL, keep_text("SELECT status FROM dead_letters WHERE id = '%s'", letter));
}

Test(cli_dlq, drops_and_replays_as_the_api_does) {
  struct tenant tenant = tenant_new();
  const char *dropped = bury(tenant.id), *replayed = bury(tenant.id);
  cr_expect_str_eq(dlq("drop", dropped), "dropped");
  cr_expect_str_eq(status(dropped), "dropped");
  cr_expect_str_eq(dlq("replay", replayed), "replayed");
  cr_expect_str_eq(status(replayed), "replayed");
  WAIT_UNTIL(count_messages(&tenant, "dead-letter.dropped") == 1, "the event");
  WAIT_UNTIL(sql_int(&tenant, "SELECT count(*) FROM dead_letters WHERE tenant_id = $1") == 3,
             "the replay to die again");
  cr_expect_eq(sql_int(&tenant, "SELECT count(*) FROM audit_log WHERE tenant_id = $1 AND action LIKE 'dead-letter.%'"
                                " AND actor LIKE 'operator:%'"),
               2);
}

Test(cli_dlq, drops_what_is_nobody_s) {
  const char *letter = bury(new_id());
  cr_expect_str_eq(dlq("drop", letter), "dropped");
  cr_expect_str_eq(status(letter), "dropped");
}
