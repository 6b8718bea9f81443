/* What a worker is: handlers for messages, tasks for schedules, and the one loop that runs them.
 *
 *   static const struct handler handlers[] = {{"customer.create", handle_customer_create}, {NULL, NULL}};
 *   int main(int argc, char **argv) { return worker_main(argc, argv, &worker); }
 *
 * The loop polls a batch, opens a transaction, locks the batch's rows in consumer_offsets, skips what was done, calls
 * the handlers, writes outbox, outcomes, dead letters and offsets, commits, and then publishes and announces. A handler
 * reads top to bottom: decode, load, decide (lib/domain), write, emit. It validates first; after its first write it
 * does not REJECT any more (the loop would roll the batch back and run it again without the message: right, but slow).
 *
 * A task is the same without a message: claim due rows, work, commit. Tasks run in threads of their own, each with its
 * own connection.
 *
 * WHAT TIME IT IS has one place: work->now. A customer on a test clock lives at that clock's time, everybody else at
 * real time, and a unit of work lives at one time only. So a handler does nothing about it: the loop finds out whose
 * message it is (its key, its subject, its customerId, subscriptionId, invoiceId or paymentId), calls the handler with
 * work->now and work->clock set, and never hands over messages of different clocks together. What dates, bills or
 * schedules a customer's life takes work->now; what is technical (a lease, a deadline or a retry against another
 * system, the age of an outcome) takes work->real_now.
 *
 * A table that says when something of a customer falls due has a column `test_clock_id uuid NOT NULL` (the nil id: real
 * time), written as db_uuid(arena, &work->clock) or read from the customer; the index of its due times begins with it,
 * and the claim says
 *
 *   WHERE test_clock_id = $1::uuid AND due_at <= $2::timestamptz          -- work->clock, work->now
 *
 * It also has a row in the view test_clock_due (schemas/db), which names the task that works it off: an advancing clock
 * stops at each of these times and waits until they are done. A task with `on_clocks` is stepped at real time, and then
 * once for each clock that has something due for the task of its name. */
#ifndef RUNTIME_RUNTIME_H
#define RUNTIME_RUNTIME_H

#include "base/arena.h"
#include "base/error.h"
#include "base/settings.h"
#include "bus/message.h"
#include "bus/topics.h"
#include "db/db.h"
#include "runtime/metrics.h"

struct process;

/* A test clock as it stands; the nil id is real time. */
struct clock {
  struct uuid tenant, id;
  struct utime now;
};

/* One transaction at work: a batch of messages, or one step of a task. */
struct work {
  struct process *process;
  struct db *db;
  struct tx *tx;
  struct arena *arena;   /* reset when the work is done */
  struct utime real_now; /* read once for the work */
  struct utime now;      /* of those whom the work is for: real_now, or their test clock's */
  struct uuid clock;     /* by which `now` goes; nil: real time */
  struct effects *effects;
};
/* A part of the work in an arena of its own: what it says to the world is forgotten with it. For what is tried, or
 * comes in so many parts that one arena could not hold them. */
struct work work_aside(const struct work *work, struct arena *arena);

/* From here on the work is for customers of this clock; NULL: of real time. Handlers called by the loop, and tasks with
 * `on_clocks`, are called with it set. */
void work_at(struct work *work, const struct clock *clock);
/* The same for one customer, for work that learns late whom it is for. An unknown customer lives at real time. */
MUST_CHECK enum rc work_at_customer(struct work *work, const struct uuid *tenant, const struct uuid *customer,
                                    struct error *err);
/* The same by the clock's id; nil: real time. RC_NOT_FOUND when there is no such clock, or none any more. */
MUST_CHECK enum rc work_at_clock(struct work *work, const struct uuid *tenant, const struct uuid *clock,
                                 struct error *err);
/* Clocks that have something due for this task, at most CLOCKS_MAX of them; copied, not in the arena. */
enum { CLOCKS_MAX = 64 };
MUST_CHECK enum rc clocks_due(struct work *work, const char *task, struct clock ret_clocks[static CLOCKS_MAX],
                              size_t *ret_count, struct error *err);

/* Writes an event, or a command to another worker, into the outbox of this transaction; it is published after commit.
 * type decides topic and schema. id: derived from what makes it unique, so that doing the work again makes the same
 * message. key: the customer, else the aggregate. json: the value, copied. */
struct emission {
  const char *type;
  struct uuid id;
  struct uuid tenant;
  const char *subject;
  const char *key;
  const char *json;
  const struct message *cause; /* traceparent, request id and actor are taken over; may be NULL */
};
void emit(struct work *work, const struct emission *emission);
/* A whole message as it is: a dead letter sent again. Its texts live in the work's arena. */
void emit_message(struct work *work, const struct outgoing *message);

/* The business's answer to a command. Without ce_replyto it is dropped: nobody waits. One of the two for each message.
 */
void reply(struct work *work, const struct message *message, int http_status, const char *resource_type,
           const char *resource_id, const char *resource_json);
void reject(struct work *work, const struct message *message, const struct error *error);
/* For a command whose answer comes later (a gateway is asked first): the outcome is stored as pending, duplicates of
 * the command are ignored from now on, and whoever finishes it calls complete. */
void defer(struct work *work, const struct message *message);
void complete(struct work *work, const struct uuid *tenant, const struct uuid *command_id, int http_status,
              const char *resource_type, const char *resource_id, const char *resource_json);
void complete_rejected(struct work *work, const struct uuid *tenant, const struct uuid *command_id,
                       const struct error *error);

/* A dead letter made by a decision, not by a broken message (a payment whose retries are exhausted): `value` is a
 * command of type `type` that does the work again when it is replayed. *ret_id is its row's. */
struct dead_letter {
  struct uuid tenant;
  const char *type, *subject, *key, *value;
  const char *reason, *error_code;
  int attempts;
  struct utime first_failure;
  const char *history_json; /* an array */
};
MUST_CHECK enum rc bury(struct work *work, const struct dead_letter *letter, struct uuid *ret_id, struct error *err);

/* Messages of one type, in order. With count > 1 they come from one poll. A failure that is not RETRY with count > 1
 * makes the loop call again one by one to find the message at fault. */
typedef enum rc handler_function(struct work *work, struct message *const *messages, size_t count, struct error *err);

struct handler {
  const char *type;
  handler_function *handle;
  bool takes_batch; /* false: called with count 1 */
};

/* One step of a schedule; *ret_busy: there may be more to do at once. The transaction is open; the loop commits what
 * the step leaves open. A task that must work outside of transactions (ask a gateway) sets `own_transactions` and uses
 * work_begin/work_commit. */
typedef enum rc task_function(struct work *work, bool *ret_busy, struct error *err);

struct task {
  const char *name;
  task_function *step;
  int idle_ms; /* pause when there was nothing to do */
  bool own_transactions;
  bool on_clocks; /* what falls due for customers on test clocks too: test_clock_due has its rows */
  bool is_nudged; /* a batch that this process commits ends the pause: it may have made something due */
};
MUST_CHECK enum rc work_begin(struct work *work, struct error *err);  /* reads `now` anew: real time */
MUST_CHECK enum rc work_commit(struct work *work, struct error *err); /* and publishes and announces */
void work_rollback(struct work *work);                                /* nothing when none is open */
bool work_is_stopping(const struct work *work);                       /* SIGTERM: come back soon */

struct worker {
  const char *name;
  const char *about;
  const enum topic *topics;
  size_t topic_count;
  const struct handler *handlers; /* a NULL type ends it */
  const struct task *tasks;       /* a NULL name ends it; may be NULL */
  const struct statement *const *statements;
  const struct statement *const *layer_statements; /* of a layer above this one; may be NULL */
  const struct setting *settings;                  /* the worker's own, beside those that all have */
  size_t setting_count;
  void *settings_target;
  /* Before each commit, with all messages of the transaction: what the worker keeps of them. May be NULL. */
  enum rc (*keep)(struct work *work, const struct outgoing *messages, size_t count, struct error *err);
  /* After settings, before anything runs; may be NULL. */
  enum rc (*start)(struct error *err);
};

/* Runs until SIGTERM or SIGINT (0), a wrong setting (2), a bug (1). What a message has ended is started again, and the
 * message buried: supervisor.h. */
int worker_main(int argc, char **argv, const struct worker *worker);

const char *process_name(const struct process *process);     /* "payments" */
const char *process_instance(const struct process *process); /* unique among the running; names tally rows */

#endif
