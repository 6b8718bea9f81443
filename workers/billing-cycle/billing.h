/* What due subscriptions owe: the lines of each period that has begun, gathered into invoices. Used by the first
 * invoice of a new subscription and by billing runs alike. No I/O in here but the emission of invoice.create. */
#ifndef BILLING_CYCLE_BILLING_H
#define BILLING_CYCLE_BILLING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/money.h"
#include "base/zone.h"
#include "domain/calendar.h"
#include "domain/subscription.h"
#include "runtime/runtime.h"

/* Periods of one subscription in one transaction; what is left is due still, and comes in the next. */
enum { BILLING_PERIODS_MAX = 120 };

/* A due subscription, and what billing it came to. */
struct billable {
  struct uuid id, customer_id;
  const char *plan_code, *plan_name;
  int64_t plan_version;
  enum subscription_state state;
  const struct currency *currency;
  int64_t price_minor, quantity;
  const char *collection;
  const char *zone_name;
  struct date start;
  struct grid grid;
  bool cancel_at_period_end, auto_renew;
  struct utime
      cancel_at; /* with cancel_at_period_end: the boundary at which it ends; earlier periods are still billed */
  int64_t version;
  int64_t next_index; /* the period that is billed next */
  /* set by billing_collect */
  const struct zone *zone;
  bool ends;       /* nothing is billed any more */
  bool has_period; /* period_start and period_end are the last period billed */
  struct utime period_start, period_end;
  struct utime next_at; /* unless it ends */
  bool is_parked;
  struct error why; /* it is parked */
  int64_t periods_due, periods_invoiced, periods_without_charge;
};

/* Periods that billing_collect moved it on by. Each is a version of the subscription, and so is what it came to after
 * them: events of one version would be taken for one event. */
int64_t billable_steps(const struct billable *subscription);

struct line {
  const struct billable *subscription;
  struct period period;
  struct utime start, end;
  int64_t amount_minor;
};

struct billing {
  struct line *lines;
  size_t count, capacity;
};

/* Adds the lines of each period of the subscription that begins at or before as_of, oldest first, and moves it on. A
 * subscription that cannot be billed is parked (BILL-063): it keeps its place, and the others go on. */
void billing_collect(struct arena *arena, struct billing *billing, struct billable *subscription, struct utime as_of);

/* Emits one invoice.create for each customer, currency and day (BILL-061), in the order of the days; the event
 * subscription.renewed for each line but the first of a subscription's life. Returns how many invoices. */
size_t billing_emit(struct work *work, struct billing *billing, const struct uuid *tenant, const struct uuid *run_id,
                    const struct message *cause);

#endif
