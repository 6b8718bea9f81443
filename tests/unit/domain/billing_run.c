/* A billing run's life: the whole table. */
#include "domain/billing_run.h"

#include <criterion/criterion.h>
#include <string.h>

static const struct {
  enum billing_run_state from;
  enum billing_run_event event;
  const char *to; /* "-": illegal */
  const char *allowed;
} CASES[] = {
    {BILLING_RUN_RUNNING, BILLING_RUN_EVENT_PAUSE, "paused", ""},
    {BILLING_RUN_RUNNING, BILLING_RUN_EVENT_COMPLETE, "completed", ""},
    {BILLING_RUN_RUNNING, BILLING_RUN_EVENT_RESUME, "-", "{\"allowed\":[\"pause\"]}"},
    {BILLING_RUN_PAUSED, BILLING_RUN_EVENT_PAUSE, "-", "{\"allowed\":[\"resume\"]}"},
    {BILLING_RUN_PAUSED, BILLING_RUN_EVENT_RESUME, "running", ""},
    {BILLING_RUN_PAUSED, BILLING_RUN_EVENT_COMPLETE, "-", "{\"allowed\":[\"resume\"]}"},
    {BILLING_RUN_COMPLETED, BILLING_RUN_EVENT_PAUSE, "-", "{\"allowed\":[]}"},
    {BILLING_RUN_COMPLETED, BILLING_RUN_EVENT_RESUME, "-", "{\"allowed\":[]}"},
    {BILLING_RUN_COMPLETED, BILLING_RUN_EVENT_COMPLETE, "-", "{\"allowed\":[]}"},
};

Test(billing_run_life, each_event_leads_where_the_table_says) {
  for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
    enum billing_run_state to = CASES[i].from, named;
    struct error err = {.text = ""};
    enum rc rc = billing_run_next(CASES[i].from, CASES[i].event, &to, &err);
    bool is_legal = strcmp(CASES[i].to, "-") != 0;
    cr_expect_eq(rc, is_legal ? RC_OK : RC_ILLEGAL_TRANSITION, "case %zu", i);
    cr_expect_str_eq(billing_run_state_name(to), is_legal ? CASES[i].to : billing_run_state_name(CASES[i].from));
    if (!is_legal) cr_expect_str_eq(err.details, CASES[i].allowed, "case %zu", i);
    cr_expect(billing_run_state_from_name(billing_run_state_name(to), &named) && named == to);
  }
}

Test(billing_run_life, knows_no_other_state) {
  enum billing_run_state state;
  cr_expect_not(billing_run_state_from_name("stuck", &state));
}
