/* A customer whose time is a test clock's. */
#ifndef FLOW_LIFE_H
#define FLOW_LIFE_H

#include "flow.h"

struct life {
  struct tenant tenant;
  const char *clock, *customer;
};

static inline struct life life_at(const char *frozen, const char *members) {
  struct life life = {.tenant = tenant_new_test()};
  life.clock = test_clock_new(&life.tenant, frozen);
  life.customer = customer_new(&life.tenant, "'testClockId':'%s'%s", life.clock, members);
  return life;
}

static inline void advance(const struct life *life, const char *to) {
  test_clock_advance(&life->tenant, life->clock, to);
}

/* Sends its invoices: nothing is charged. */
static inline const char *subscribe(const struct life *life, const char *plan, const char *members) {
  return json_at(api_post(&life->tenant, 201, "/api/billing/subscriptions",
                          "{'customerId':'%s','planId':'%s','collection':'manual'%s}", life->customer, plan, members),
                 "id");
}

/* `what` of each invoice in the order of their days, an expression over v. */
static inline const char *invoices_as(const struct tenant *tenant, const char *what) {
  return sql_text(tenant, keep_text("SELECT string_agg(%s, ', ' ORDER BY v.issue_date, v.currency, v.number) "
                                    "FROM invoices v WHERE v.tenant_id = $1",
                                    what));
}

#endif
