/* The body of subscription.create, as far as it says something by itself. */
#ifndef BILLING_CYCLE_SUBSCRIPTION_REQUEST_H
#define BILLING_CYCLE_SUBSCRIPTION_REQUEST_H

#include "base/decimal.h"
#include "base/zone.h"
#include "domain/calendar.h"
#include "runtime/runtime.h"

enum { SUBSCRIPTION_ITEMS_MAX = 20, TRIAL_DAYS_MAX = 1095, START_RANGE_DAYS = 3660 };
#define SUBSCRIPTION_QUANTITY_MAX INT64_C(1000000000)

/* One of the things asked for: item 0 is the subscription's own plan, the others are add-ons. */
struct item_request {
  const char *plan; /* id or code */
  struct quantity quantity;
  const char *plan_field, *quantity_field; /* what an error names: "planId", "items[0].planId" */
};

struct subscription_request {
  const char *customer_id; /* NULL: the tenant's default customer */
  const char *currency, *billing_cycle, *collection, *price;
  const char *start_date, *bill_from, *period_end; /* dates or times; NULL: not given */
  int64_t trial_days;
  bool auto_renew, requires_payment;
  enum anchor_kind anchor_kind;
  int64_t anchor_day;
  struct item_request items[1 + SUBSCRIPTION_ITEMS_MAX];
  size_t item_count;
};

MUST_CHECK enum rc subscription_request_read(struct arena *arena, const struct message *command,
                                             struct subscription_request *ret_request, struct error *err);

/* "2026-08-31", or the day of the zone that an RFC 3339 time falls on. */
MUST_CHECK enum rc day_parse(const char *text, const char *field, const struct zone *zone, struct date *ret_day,
                             struct error *err);

#endif
