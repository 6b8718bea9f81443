/* A billing run, cut into slices: some customers, billed in one transaction. run.c bills a slice, runs.c decides which,
 * dry_run.c throws the slice away and keeps what it came to. */
#ifndef BILLING_CYCLE_RUN_H
#define BILLING_CYCLE_RUN_H

#include "billing.h"

enum { RUN_SLICE_CUSTOMERS = 500, RUN_SLICE_SUBSCRIPTIONS = 4096 };

struct run {
  struct uuid tenant, id;
  struct utime as_of;
  struct uuid clock; /* whose customers it bills; nil: those of real time */
  bool is_claimed;   /* nothing was due any more when somebody looked */
  bool is_dry;
  bool has_failed; /* its last step did, and the row says why */
};

/* What billing some customers came to; lives in the work's arena. */
struct slice {
  struct billable *due;
  size_t count;
  bool is_cut; /* the last customer has more that is due */
  struct billing billing;
  size_t invoices;
};

/* A new run's row, and its event. */
MUST_CHECK enum rc run_insert(struct work *work, const struct run *run, const char *requested_by,
                              const struct message *cause, struct error *err);
/* Holds the run against pause and end; false when it does not run any more. */
MUST_CHECK enum rc run_hold(struct work *work, const struct run *run, bool *ret_is_running, struct error *err);
/* Holds the run alone, without waiting; false when it does not run any more, or others hold it. */
MUST_CHECK enum rc run_take(struct work *work, const struct run *run, bool *ret_is_alone, struct error *err);
/* Locks the run's next due customers, longest due first. */
MUST_CHECK enum rc run_claim(struct work *work, const struct run *run, int limit, struct db_array **ret_customers,
                             char ret_first[static UUID_TEXT_MAX], struct error *err);
/* Bills what is due of locked customers, at most BILLING_PERIODS_MAX periods of each subscription; when that comes to
 * BILLING_STEP_BYTES, or the customers have more than RUN_SLICE_SUBSCRIPTIONS, what comes after is left due: other
 * customers, later days of one, and of a day that alone is more than a step holds some subscriptions. Counts nothing.
 */
MUST_CHECK enum rc run_bill(struct work *work, const struct run *run, struct db_array *customers,
                            struct slice *ret_slice, struct error *err);
/* Parks all that is due of a locked customer whose billing fails in the database (BILL-063). */
MUST_CHECK enum rc run_park(struct work *work, const struct run *run, struct db_array *customers,
                            const struct error *why, struct slice *ret_slice, struct error *err);
/* Adds a slice to the run's counts (BILL-064). */
MUST_CHECK enum rc run_tally(struct work *work, const struct run *run, const struct slice *slice, struct error *err);
/* Notes that all is claimed, if it is, and completes the run when all that it asked for has come. Whoever calls it has
 * the run's row for itself, or none of it: it is changed. */
MUST_CHECK enum rc run_finish(struct work *work, const struct run *run, struct error *err);

/* The run of a test clock's stop: begun, and its first slice billed. */
MUST_CHECK enum rc run_on_clock(struct work *work, const struct clock *clock, bool bills_at_once, struct error *err);
/* Completes the clock's runs, as far as they can be. */
MUST_CHECK enum rc runs_finish_on_clock(struct work *work, const struct clock *clock, struct error *err);

/* One slice of a dry run; *ret_busy: there is more. */
MUST_CHECK enum rc dry_run_step(struct work *work, const struct run *run, bool *ret_busy, struct error *err);

#endif
