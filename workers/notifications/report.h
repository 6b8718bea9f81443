/* The events that say how a notification ended. */
#ifndef NOTIFICATIONS_REPORT_H
#define NOTIFICATIONS_REPORT_H

#include "runtime/runtime.h"

/* reason NULL: notification.sent; else notification.failed, and the reason names nobody. is_dropped: it was not wanted
 * any more, which is no fault. */
struct report {
  struct uuid tenant, id, event_id, customer;
  const char *template;
  int64_t version;
  const char *reason;
  bool is_dropped;
};

void report_emit(struct work *work, const struct report *report);

#endif
