/* What due subscriptions owe: at each boundary that has come, the lines in arrears of the period that ends there and
 * those in advance of the one that begins; then the lines, gathered into invoices. Used by the first invoice of a new
 * subscription, by billing runs and by changes alike. No I/O in here but the emission of messages (invoices.c). */
#ifndef BILLING_CYCLE_BILLING_H
#define BILLING_CYCLE_BILLING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/json_text.h"
#include "base/money.h"
#include "base/zone.h"
#include "domain/calendar.h"
#include "domain/change.h"
#include "domain/subscription.h"
#include "pricing.h"
#include "runtime/runtime.h"

/* Of one transaction: periods of a subscription, and bytes of the messages that all is to become, some 16,384 lines
 * (the arena has room for several times that). What is left is due still, and comes in the next. */
enum { BILLING_PERIODS_MAX = 120, BILLING_STEP_BYTES = 48 * 1024 * 1024 };

struct line;
struct scheduled_change;
/* A period that was begun before its time (BILL-055), as it was told. */
struct renewed_period {
  struct utime start, end;
  int64_t charged_minor; /* recurring charges, for its minimum */
};
struct minimum;

/* A subscription, and what billing it came to. */
struct billable {
  struct uuid id, customer_id;
  enum subscription_state state;
  const struct currency *currency;
  const char *collection;
  const char *zone_name, *next_zone_name; /* next: takes effect at the first boundary after (BILL-013); may be NULL */
  struct utime next_zone_at;              /* it was asked for */
  struct date start;                      /* of period 0: of the subscription, or the end of its trial */
  struct grid grid;
  bool cancel_at_period_end, auto_renew, has_override, is_plain;
  struct utime
      cancel_at;       /* with cancel_at_period_end: the boundary at which it ends; earlier periods are still billed */
  int64_t first_index; /* earlier periods were billed elsewhere (BILL-051) */
  const struct billed_item *items;
  size_t item_count;
  /* moved on by billing_collect */
  int64_t version;    /* each period, and each change of state, is one: events of one version would be taken for one */
  int64_t next_index; /* the period that is billed next */
  int64_t charged_minor; /* recurring charges of the period that runs since arrears were billed last, for the minimum */
  int64_t settled_version; /* in which service stopped last: what was credited by then does not count towards it */
  bool has_arrears_from;
  struct date arrears_from; /* arrears are not billed since that day; else since the period began */
  const struct utime *cuts; /* changes within the period whose arrears are not billed, in order (BILL-022) */
  size_t cut_count;
  const struct renewed_period *renewed; /* the last renewed_count of the periods before next_index */
  size_t renewed_count;
  const struct zone *zone; /* set by billing_collect, as all that follows */
  struct utime next_at;    /* the next boundary: next_index's, or of the first of `renewed` */
  bool ends;               /* nothing is billed any more */
  bool has_period;         /* the one that runs, or ran last, is [period_start, period_end) */
  struct utime period_start, period_end;
  const struct line *charges; /* in advance, of the last period that was begun; zeros too */
  size_t charge_count;
  const struct scheduled_change *scheduled; /* what waits for a boundary; NULL: nothing */
  const struct scheduled_change *applied;   /* and what was applied at one, when */
  struct utime applied_at;
  bool is_parked;
  bool is_unreadable;      /* its row says what this version does not know: parked as it stands */
  const struct error *why; /* it is parked */
  int64_t periods_due, periods_invoiced, periods_without_charge;
};

/* What a line charges for. */
#define LINE_TYPES(X)                     \
  X(LINE_RECURRING, "subscription", NULL) \
  X(LINE_CREDIT, "credit", NULL)          \
  X(LINE_SETUP, "fee", "setup")           \
  X(LINE_MINIMUM, "fee", "minimum")

enum line_type {
#define X(type, kind, code) type,
  LINE_TYPES(X)
#undef X
};

/* Identified by subscription, item, component, period and kind (BILL-060); the revisions of changes are > 0. */
struct line {
  const struct billable *subscription;
  enum line_type type;
  const struct billed_item *item;
  const struct price_component *component; /* of LINE_RECURRING */
  int64_t index;                           /* the period */
  struct date from, to;                    /* the span of it that is charged: [from, to) */
  struct utime start, end;                 /* and the instants at which these days begin */
  struct date billed_on;                   /* the boundary: lines of one day meet on one invoice (BILL-061) */
  struct price_share share;
  int64_t amount_minor;
  const struct minimum *minimum;    /* of LINE_MINIMUM */
  int64_t revision;                 /* 0, or the version of the subscription that a change within the period made */
  const struct line_change *change; /* of the two sides of a change (BILL-022); else NULL */
  bool has_waited;                  /* for this invoice; such come first, for a true-up looks at what they came to */
  bool takes_nothing;               /* one of these that credits what is void by now */
  const char *pending_id;           /* under which it was kept (pending.h) */
  const char *json;                 /* as it was written then; NULL: it is to be written yet */
  struct grid grid; /* set by billing_add: the subscription's of now, in which the shares were counted */
  const struct zone *zone;
  size_t sequence; /* in the order in which they were computed */
};

/* What was agreed on at least for a period, or a piece of it, and what was charged in it without that. */
struct minimum {
  bool has_length; /* else it is only what an earlier state left to be made up for */
  struct date from, to;
  struct price_share share;
  const struct line_change *change; /* of a piece, else NULL */
  int64_t charged_minor;
  int64_t credits_after; /* less the credits of later revisions: as decided, not as they landed (invoicing/landing.h) */
};

struct charge;
struct charges;

/* How the amount of a line of a change came about: the rest of `whole_minor` for [from, to) after all the cuts. */
struct line_change {
  int64_t whole_minor;
  struct date from, to;
  struct change_span span; /* the same, as domain/change.h has it */
  const struct charges *cuts;
  const struct charge *credits; /* LINE_CREDIT: the line that is taken back, or part of it; else NULL */
  bool is_piece;                /* what of it falls to the line's own span, between cuts: in arrears */
  int64_t piece_from, piece_to; /* that span, as domain/change.h has it */
};

const char *line_kind(const struct line *line);
const char *line_component(const struct line *line); /* its code */

/* What billing does to a subscription beside its lines: each becomes an event. */
enum milestone_type {
  MILESTONE_ACTIVATED,
  MILESTONE_CHANGED,
  MILESTONE_RENEWED,
  MILESTONE_CANCELLED,
  MILESTONE_EXPIRED
};

struct milestone {
  const struct billable *subscription;
  enum milestone_type type;
  int64_t index, version;
  struct utime start, end;
};

/* The lines and milestones of one transaction. Zero-initialised. */
struct billing {
  struct line *lines;
  size_t count, capacity;
  size_t weight; /* about how many bytes of messages they will be */
  struct milestone *milestones;
  size_t milestone_count, milestone_capacity;
};

void billing_add(struct arena *arena, struct billing *billing, const struct line *line);

/* How far some of a customer's subscriptions are billed in one step. */
struct billing_limits {
  struct utime as_of;
  size_t enough; /* it ends with the day that brings the weight to that, and within a day that alone is more */
  bool is_cut;   /* not all that is due is here; what is not is due no earlier */
};
/* Bills each boundary of a customer's subscriptions at or before as_of, day by day, and moves them on: lines of a day
 * come in one step, for they belong on one invoice (BILL-061). The step ends before the day for which one of them would
 * have more than BILLING_PERIODS_MAX periods. A subscription that cannot be billed is parked (BILL-063): it keeps its
 * place, and the others go on. */
void billing_collect_days(struct arena *arena, struct billing *billing, struct billable *subscriptions, size_t count,
                          const struct billing_limits *limits);
/* It has come to a boundary that can be billed. */
bool billing_is_due(const struct billable *subscription, struct utime as_of);
/* The same for one alone, up to BILLING_STEP_BYTES. */
void billing_collect(struct arena *arena, struct billing *billing, struct billable *subscription, struct utime as_of);

/* Sets it aside as it stands, with the reason (BILL-063). */
void billing_park(struct arena *arena, struct billable *subscription, const struct error *why);

/* Begins the next period, whenever it comes; what was begun before is settled, or nobody asks. */
MUST_CHECK enum rc billing_begin_next(struct arena *arena, struct billing *billing, struct billable *subscription,
                                      struct error *err);

/* Bills the next period before its time: it waits in `renewed` until it runs (BILL-055). */
MUST_CHECK enum rc billing_renew(struct arena *arena, struct billing *billing, struct billable *subscription,
                                 struct error *err);

enum { RENEWED_PERIODS_MAX = 24 };
/* The period that runs, or ran last. */
int64_t billing_running(const struct billable *subscription);
/* When nothing is billed any more that was begun: the boundary next_index. */
struct utime billing_begun_until(const struct billable *subscription);
/* The first instant of a period that was begun, and of what comes after it, as they were told; else in its zone. */
struct utime billing_start_of(const struct billable *subscription, int64_t index, struct date start);
struct utime billing_end_of(const struct billable *subscription, int64_t index, struct date end);
/* A period, or the charge for it, in days or in seconds: by the second it is what was told, whichever zones its ends
 * were told in (BILL-013, BILL-021). */
struct change_span billing_span_of(const struct billable *s, enum proration_basis basis, int64_t index,
                                   struct date start, struct date end);
/* Counts what a change charges in a period, or credits, for its minimum. */
MUST_CHECK enum rc billing_count(struct arena *arena, struct billable *subscription, int64_t index,
                                 int64_t amount_minor, struct error *err);
/* Onto that period, if it was begun early; nothing counts as billed of it and of those after it. */
MUST_CHECK enum rc billing_skip_renewed(struct arena *arena, struct billable *subscription, int64_t running,
                                        struct error *err);

/* BILL-052: what was to change at boundary next_index, if something was. */
MUST_CHECK enum rc billing_apply_change(struct arena *arena, struct billing *billing, struct billable *subscription,
                                        struct error *err);

/* Passes the next boundary, whenever it comes: what a run will bill there. */
MUST_CHECK enum rc billing_pass_next(struct arena *arena, struct billing *billing, struct billable *subscription,
                                     struct error *err);

/* A state ends at a cut on that day within the running period: bills its arrears, which stay for the boundary
 * otherwise, and takes its part of the minimum off charged_minor, so that at the boundary the next state's part is
 * left. */
MUST_CHECK enum rc billing_close(struct arena *arena, struct billing *billing, struct billable *subscription,
                                 struct date on, struct error *err);

/* The instant at which the next boundary comes, into next_at: never before the running period ends. */
MUST_CHECK enum rc billing_find_boundary(struct billable *subscription, struct error *err);
/* The zone that was to come is there. */
MUST_CHECK enum rc billing_enter_zone(struct billable *subscription, struct error *err);

/* Arrears, and what is missing to the minimum, up to a day within the running period: for what ends before its
 * boundary. */
MUST_CHECK enum rc billing_settle(struct arena *arena, struct billing *billing, struct billable *subscription,
                                  struct date on, struct error *err);

/* What a subscription consists of since `at`: planId, planCode, planVersion, quantity, items. */
void billing_write_state(struct json_writer *json, const struct billable *subscription, struct utime at);

/* About how many bytes of a message a line is. */
size_t line_weight(const struct line *line);
/* A line as invoice.create has it. */
void billing_write_line(struct json_writer *json, const struct line *line);

enum { BILLING_INVOICE_MAX = MESSAGE_VALUE_MAX };

/* The lines in the order of their invoices (BILL-061), and the end of the one that begins at line `first`. */
void billing_order(struct billing *billing);
size_t billing_invoice_end(const struct billing *billing, size_t first);
/* The body of invoice.create for these lines; run_id may be NULL. `now`: when it is made. */
void billing_write_invoice(struct buf *text, const struct line *lines, size_t count, const char *invoice_id,
                           const struct uuid *run_id, struct utime now);

/* Emits one invoice.create for each customer, currency and day (BILL-061), in the order of the days, and the events of
 * the milestones. Returns how many invoices. */
size_t billing_emit(struct work *work, struct billing *billing, const struct uuid *tenant, const struct uuid *run_id,
                    const struct message *cause);

#endif
