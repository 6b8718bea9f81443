/* BILL-050: the whole table of transitions, one row a state. */
#include "domain/subscription.h"

#include <criterion/criterion.h>
#include <jansson.h>
#include <string.h>

enum { STATES = 7, EVENTS = 10 };

/* Where each event leads; "-" is illegal. Columns: pay, end_trial, fail_payment, cancel, suspend, reactivate,
 * resume_trial, change-plan, renew, expire. */
static const struct {
  const char *from;
  const char *to[EVENTS];
} MATRIX[STATES] = {
    {"incomplete", {"active", "-", "incomplete", "cancelled", "-", "-", "-", "-", "-", "expired"}},
    {"trialing", {"trialing", "active", "trialing", "cancelled", "suspended", "-", "-", "trialing", "-", "expired"}},
    {"active", {"active", "-", "past_due", "cancelled", "suspended", "-", "-", "active", "active", "expired"}},
    {"past_due", {"active", "-", "past_due", "cancelled", "suspended", "-", "-", "past_due", "past_due", "expired"}},
    {"suspended", {"suspended", "-", "suspended", "cancelled", "-", "active", "trialing", "-", "-", "expired"}},
    {"cancelled", {"cancelled", "-", "cancelled", "-", "-", "-", "-", "-", "-", "-"}},
    {"expired", {"expired", "-", "expired", "-", "-", "-", "-", "-", "-", "-"}},
};
static const char *const EVENT_NAMES[EVENTS] = {"pay",        "end_trial",    "fail_payment", "cancel", "suspend",
                                                "reactivate", "resume_trial", "change-plan",  "renew",  "expire"};

static enum subscription_state state_of(const char *name) {
  enum subscription_state state = SUBSCRIPTION_INCOMPLETE;
  cr_assert(subscription_state_from_name(name, &state), "%s", name);
  return state;
}

Test(subscription, each_event_leads_where_the_table_says) {
  for (int from = 0; from < STATES; from++) {
    for (int event = 0; event < EVENTS; event++) {
      const char *to = MATRIX[from].to[event];
      enum subscription_state state = SUBSCRIPTION_EXPIRED;
      struct error err = {.text = ""};
      enum rc rc = subscription_next(state_of(MATRIX[from].from), (enum subscription_event)event, &state, &err);
      cr_expect_eq(rc, strcmp(to, "-") == 0 ? RC_ILLEGAL_TRANSITION : RC_OK, "%s, %s", MATRIX[from].from,
                   EVENT_NAMES[event]);
      cr_expect_str_eq(subscription_state_name(state), rc == RC_OK ? to : "expired", "%s, %s", MATRIX[from].from,
                       EVENT_NAMES[event]);
    }
  }
}

Test(subscription, an_illegal_event_is_answered_with_what_would_lead_somewhere) {
  for (int from = 0; from < STATES; from++) {
    for (int event = 0; event < EVENTS; event++) {
      if (strcmp(MATRIX[from].to[event], "-") != 0) continue;
      enum subscription_state state;
      struct error err = {.text = ""};
      cr_assert_eq(subscription_next(state_of(MATRIX[from].from), (enum subscription_event)event, &state, &err),
                   RC_ILLEGAL_TRANSITION);
      json_t *details = json_loads(err.details, 0, NULL);
      json_t *allowed = json_object_get(details, "allowed");
      cr_assert(json_is_array(allowed), "%s", err.details);
      size_t expected = 0;
      for (int other = 0; other < EVENTS; other++) {
        const char *to = MATRIX[from].to[other];
        bool is_asked_for = strcmp(EVENT_NAMES[other], "change-plan") == 0 || strcmp(EVENT_NAMES[other], "renew") == 0;
        bool leads_away = strcmp(to, "-") != 0 && (is_asked_for || strcmp(to, MATRIX[from].from) != 0);
        bool listed = false;
        for (size_t i = 0; i < json_array_size(allowed); i++)
          listed |= strcmp(json_string_value(json_array_get(allowed, i)), EVENT_NAMES[other]) == 0;
        cr_expect_eq(listed, leads_away, "%s from %s: %s", EVENT_NAMES[other], MATRIX[from].from, err.details);
        expected += leads_away;
      }
      cr_expect_eq(json_array_size(allowed), expected);
      json_decref(details);
    }
  }
}

Test(subscription, an_illegal_event_is_a_409_in_plain_words) {
  enum subscription_state state;
  struct error err = {.text = ""};
  cr_assert_eq(subscription_next(SUBSCRIPTION_CANCELLED, SUBSCRIPTION_EVENT_CANCEL, &state, &err),
               RC_ILLEGAL_TRANSITION);
  cr_expect_eq(error_http_status(err.code), 409);
  cr_expect_str_eq(err.text, "cancel is not possible while the subscription is cancelled");
  cr_expect_str_eq(err.details, "{\"allowed\":[]}");
}

/* BILL-053: what ends with its period may still be kept, or ended at once; only not ended with its period again. */
Test(subscription, a_second_end_is_answered_with_reactivate) {
  struct error err = {.text = ""};
  cr_assert_eq(subscription_refuse_ending(SUBSCRIPTION_ACTIVE, &err), RC_ILLEGAL_TRANSITION);
  cr_expect_str_eq(err.details,
                   "{\"allowed\":[\"reactivate\",\"fail_payment\",\"cancel\",\"suspend\",\"change-plan\",\"renew\","
                   "\"expire\"]}");
}

Test(subscription, a_payment_is_a_fact_in_every_state) { /* BILL-084 */
  for (int from = 0; from < STATES; from++) {
    enum subscription_state state;
    struct error err;
    cr_expect_eq(subscription_next((enum subscription_state)from, SUBSCRIPTION_EVENT_PAID, &state, &err), RC_OK);
    cr_expect_eq(subscription_next((enum subscription_state)from, SUBSCRIPTION_EVENT_PAYMENT_FAILED, &state, &err),
                 RC_OK);
  }
}

Test(subscription, names_of_states_and_events) {
  for (int i = 0; i < STATES; i++) cr_expect_str_eq(subscription_state_name(state_of(MATRIX[i].from)), MATRIX[i].from);
  for (int i = 0; i < EVENTS; i++)
    cr_expect_str_eq(subscription_event_name((enum subscription_event)i), EVENT_NAMES[i]);
  static const char *const NO_STATES[] = {"", "ACTIVE", "canceled", "active "};
  for (size_t i = 0; i < sizeof NO_STATES / sizeof NO_STATES[0]; i++) {
    enum subscription_state state = SUBSCRIPTION_PAST_DUE;
    cr_expect_not(subscription_state_from_name(NO_STATES[i], &state), "%s", NO_STATES[i]);
    cr_expect_eq(state, SUBSCRIPTION_PAST_DUE);
  }
}
