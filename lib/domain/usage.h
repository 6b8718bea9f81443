/* What a metric says about a period (BILL-034): many events of usage, one quantity. */
#ifndef DOMAIN_USAGE_H
#define DOMAIN_USAGE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/decimal.h"
#include "base/error.h"
#include "base/time.h"

/*   count         how many events
 *   sum           of their quantities, corrections below 0 too
 *   max           the largest quantity
 *   last          the quantity of the latest event; of several at one instant, the last in the array
 *   unique_count  how many different texts; an event without one is not counted
 * Of no events, each is 0. All but `last` are the same whatever the order of the events. */
#define USAGE_AGGREGATIONS(X) \
  X(USAGE_COUNT, "count")     \
  X(USAGE_SUM, "sum")         \
  X(USAGE_MAX, "max")         \
  X(USAGE_LAST, "last")       \
  X(USAGE_UNIQUE_COUNT, "unique_count")

enum usage_aggregation {
#define X(aggregation, name) aggregation,
  USAGE_AGGREGATIONS(X)
#undef X
};

const char *usage_aggregation_name(enum usage_aggregation aggregation);
MUST_CHECK bool usage_aggregation_from_name(const char *name, enum usage_aggregation *ret_aggregation);

struct usage_event {
  struct utime timestamp;
  struct quantity quantity;
  const char *text; /* what unique_count counts; NULL: nothing */
};

/* RC_VALIDATION naming "quantity" when it is beyond QUANTITY_MAX; a sum only at its end, so that the order of the
 * events does not decide. The arena is for unique_count. */
MUST_CHECK enum rc usage_aggregate(enum usage_aggregation aggregation, const struct usage_event *events, size_t count,
                                   struct arena *arena, struct quantity *ret_quantity, struct error *err);

#endif
