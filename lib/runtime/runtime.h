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
 * own connection. */
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

/* One transaction at work: a batch of messages, or one step of a task. */
struct work {
  struct process *process;
  struct db *db;
  struct tx *tx;
  struct arena *arena; /* reset when the work is done */
  struct utime now;    /* read once for the work */
  struct effects *effects;
};

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

/* One step of a schedule; *ret_busy: there may be more to do at once. The transaction is open; the loop commits it. A
 * task that must work outside of a transaction (ask a gateway) sets `own_transactions` and uses work_begin/work_commit.
 */
typedef enum rc task_function(struct work *work, bool *ret_busy, struct error *err);

struct task {
  const char *name;
  task_function *step;
  int idle_ms; /* pause when there was nothing to do */
  bool own_transactions;
};
MUST_CHECK enum rc work_begin(struct work *work, struct error *err);  /* reads `now` anew */
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
  const struct setting *settings; /* the worker's own, beside those that all have */
  size_t setting_count;
  void *settings_target;
  /* After settings, before anything runs; may be NULL. */
  enum rc (*start)(struct error *err);
};

/* Runs until SIGTERM or SIGINT (0), a wrong setting (2), a bug (1). */
int worker_main(int argc, char **argv, const struct worker *worker);

const char *process_name(const struct process *process);     /* "payments" */
const char *process_instance(const struct process *process); /* unique among the running; names tally rows */

#endif
