/* Messages of one poll that are handled in one transaction, with their offsets.
 *
 * What is known of each message (its `fate`) outlives the transactions that try it: a batch is rolled back and tried
 * again until every message has one. An error that belongs to one message settles that message's fate; one that came
 * from many messages at once switches the batch to `one_by_one`, which finds the message at fault. So a poisoned
 * message costs a rollback, and nobody else anything. Internal to lib/runtime. */
#ifndef RUNTIME_BATCH_H
#define RUNTIME_BATCH_H

#include "runtime/process.h"

enum fate {
  FATE_OPEN,     /* a handler decides */
  FATE_REJECTED, /* its handler said no after having written: answered with the error */
  FATE_DEAD,     /* goes to the dead letters */
};

/* A message of the batch, with what was learnt about it in earlier tries. */
struct item {
  struct message *message;
  enum fate fate;
  struct error why;
  struct utime first_failure;
  /* of this try */
  bool is_below;      /* the stored offset: done, counted, published */
  bool is_known;      /* a command that has its outcome, or had it earlier in this batch */
  bool is_answered;   /* the same of one that is dead: it is buried, and not answered again */
  struct clock clock; /* at whose time it is handled; nil: real time */
};

struct batch {
  struct process *process;
  struct bus_consumer *consumer;
  struct arena messages_arena; /* of what was polled */
  struct item *items;
  size_t count, decoded;
  struct bus_position *positions; /* one past the last message of each partition; room for as many as messages */
  size_t position_count;
  bool one_by_one;
  bool has_begun; /* this try has come to the handlers */
  int tries;
  size_t handled, dead, skipped; /* the others are events that nobody here handles */
};

struct batch batch_new(struct process *process, struct bus_consumer *consumer); /* empty */
void batch_fill(struct batch *batch, struct message *messages, size_t count);
void batch_forget(struct batch *batch); /* its messages; it is empty again */

/* Looks at the first `count` messages, of those that it has not looked at yet. */
void batch_decode_to(struct batch *batch, size_t count);
/* Looks at the next one, for lib/db while the batch before this one waits for an answer. False: that was the last, or
 * it may end the process: then what is before it is to be committed first. */
bool batch_decode_ahead(void *batch);

/* Messages that have been looked at, as a batch that lives no longer than this one. */
struct batch batch_part(struct batch *batch, size_t from, size_t count);
/* All of it in one transaction, with outbox, outcomes, dead letters and offsets; after an error the caller rolls it
 * back. */
MUST_CHECK enum rc batch_try(struct batch *batch, struct work *work, struct error *err);

bool item_is_done(const struct item *item); /* nothing was done about it in the last try */

#endif
