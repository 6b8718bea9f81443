/* Test clocks inside the runtime: whose time a message is handled at, and what is still under way for a clock.
 *
 * A message that is sent while the work lives at a test clock says so in its header, and a row of test_clock_messages
 * stands for each group that will read it; the transaction in which the group has done it takes the row away. So a
 * clock knows when everything that it caused has been seen to, and customers of real time pay nothing for it. Internal
 * to lib/runtime. */
#ifndef RUNTIME_CLOCK_H
#define RUNTIME_CLOCK_H

#include "runtime/process.h"

/* A message as far as its clock is concerned. */
struct clock_query {
  const struct message *message; /* decoded, of a tenant in test mode */
  struct clock clock;            /* set: nil is real time */
};
MUST_CHECK enum rc clocks_of_messages(struct work *work, struct clock_query *queries, size_t count, struct error *err);

MUST_CHECK enum rc clock_track_sent(struct work *work, const struct outgoing *messages, size_t count,
                                    struct error *err);
/* This group has done these messages: handled, skipped or buried them. */
MUST_CHECK enum rc clock_track_done(struct work *work, const struct message *const *messages, size_t count,
                                    struct error *err);

#endif
