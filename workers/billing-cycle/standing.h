/* Where one subscription stands when a command about its life arrives: locked, with what it was charged, and billed up
 * to now with the customer's others, so that it makes no difference whether the run that was due has come already
 * (BILL-061). Handlers decide upon it, move it on, and store it. */
#ifndef BILLING_CYCLE_STANDING_H
#define BILLING_CYCLE_STANDING_H

#include "billables.h"
#include "change.h"
#include "siblings.h"

struct standing {
  const struct message *command;
  const char *tenant, *customer; /* ids */
  struct billable s;             /* as it is, billed up to now */
  struct charges charges;        /* of periods that are not over */
  struct billing billing;        /* to be invoiced at once: what was due by now */
  struct siblings siblings;      /* whose lines are there, too: */
  size_t own_first;              /* the subscription's own begin here */
  bool bills_now;                /* and what waits for its next invoice goes with them */
  struct date today;             /* in the zone of the subscription */
  bool is_parked;                /* no run comes by any more */
  bool was_billed;               /* its state was one in which periods are billed */
  struct utime trial_ends_at;    /* 0: it had none */
  /* where it is moved to, beside s and charges */
  bool has_cancelled_at, has_suspended_at;
  struct utime cancelled_at, suspended_at;
  const char *cancel_reason; /* NULL: as it was */
};

/* Takes the customer's billing lock, then the row, in the order that everybody keeps; and bills what is due, in
 * memory. The caller's storage: lines point at it. A subscription that does not live any more is as it is. */
MUST_CHECK enum rc standing_load(struct work *work, const struct message *command, struct standing *ret_standing,
                                 struct error *err);

/* Whether its first period has begun. */
bool standing_has_begun(const struct standing *standing);

/* The state that the event leads to; the version that the change makes is standing->s.version afterwards. */
MUST_CHECK enum rc standing_move(struct standing *standing, enum subscription_event event, struct error *err);

/* Cuts the charges that run at work->now. */
MUST_CHECK enum rc standing_cut(struct work *work, struct standing *standing, struct error *err);

/* Service stops within a period: what is owed in arrears is billed, with what waited for the next invoice, and nothing
 * is charged any more. ret_unused: what was charged for the time that is left, and the caller credits; with `credits`
 * false it is nothing, and counts for the minimum (BILL-030). */
MUST_CHECK enum rc standing_stop(struct work *work, struct standing *standing, bool credits, struct unused **ret_unused,
                                 size_t *ret_count, struct error *err);

/* The row, and when the customer is due next; takes what waits for an invoice that is made now. */
MUST_CHECK enum rc standing_store(struct work *work, struct standing *standing, struct error *err);
/* The invoices and events of what was billed. */
void standing_emit(struct work *work, struct standing *standing);
/* The answer: the subscription as it is now. */
MUST_CHECK enum rc standing_reply(struct work *work, const struct standing *standing, struct error *err);
/* Both. */
MUST_CHECK enum rc standing_finish(struct work *work, struct standing *standing, struct error *err);

/* An event about the subscription: standing_event_begin writes who, standing_event_end the version, and emits. */
enum { STANDING_EVENT_MAX = 65536 };
void standing_event_begin(const struct standing *standing, struct buf *text, struct json_writer *json);
void standing_event_end(struct work *work, const struct standing *standing, const char *type, struct buf *text,
                        struct json_writer *json);

/* credit-note.create for what is unused (BILL-053); nothing when that is nothing. */
void standing_credit(struct work *work, const struct standing *standing, const struct unused *unused, size_t count,
                     const char *reason);
/* Its body, and its subject. */
struct uuid standing_write_credit(struct work *work, const struct standing *standing, const struct unused *unused,
                                  size_t count, const char *reason, struct buf *text);

#endif
