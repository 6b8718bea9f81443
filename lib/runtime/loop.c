/* The worker loop: one batch after the other, each in one transaction with its offsets.
 *
 * What is known of each message of the batch (its `fate`) outlives the transactions that try it: a batch is rolled back
 * and run again until every message has one. RETRY leaves fates as they are and waits. An error that belongs to one
 * message settles that message's fate; one that came from many messages at once switches the batch to `one_by_one`,
 * which finds the message at fault. FATAL stops the process. So a poisoned message costs a rollback, and nobody else
 * anything.
 *
 * While messages are waiting two batches are at hand: before a full one is run, the one after it is polled, whose
 * messages are decoded while the database works on the first. Nothing else is done about them before the first is
 * committed: they are run after it or, when the process stops or dies, by whoever reads on at the stored offsets. */
#include <string.h>

#include "base/assert.h"
#include "base/log.h"
#include "runtime/clock.h"
#include "runtime/effects.h"
#include "runtime/json_arena.h"
#include "runtime_sql.h"

enum {
  POLL_MS = 200,
  ARENA_MAX = 256 * 1024 * 1024,
  BACKOFF_FIRST_MS = 50,
  BACKOFF_MAX_MS = 5000,
  TENANTS_MAX = 8192 /* more than a batch can hold */
};

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
  size_t dead, skipped;
};

/* Tenants that are known to exist. They are never deleted, nor does their mode change, so that a yes is for ever. */
static struct {
  struct known_tenant {
    struct uuid id;
    bool is_test;
  } known[TENANTS_MAX];
  size_t count;
} tenants;

static const struct known_tenant *tenant_find(const struct uuid *tenant) {
  for (size_t i = 0; i < tenants.count; i++)
    if (uuid_equal(&tenants.known[i].id, tenant)) return &tenants.known[i];
  return NULL;
}

static bool tenant_is_known(const struct uuid *tenant) {
  return tenant_find(tenant) != NULL;
}

/* Nothing is done about it in this try. */
static bool is_done(const struct item *item) {
  return item->is_below || item->is_known;
}

static void settle(struct item *item, enum fate fate, const struct error *why, struct utime now) {
  item->fate = fate;
  item->why = *why;
  item->first_failure = now;
}

/* -- before the transaction -- */

static void note_position(struct batch *batch, const struct message *message) {
  for (size_t i = 0; i < batch->position_count; i++) {
    struct bus_position *position = &batch->positions[i];
    if (position->partition != message->partition || strcmp(position->topic, message->topic) != 0) continue;
    position->offset = message->offset + 1;
    return;
  }
  batch->positions[batch->position_count++] =
      (struct bus_position){message->topic, message->partition, message->offset + 1};
}

static const struct handler *handler_of(const struct worker *worker, const char *type) {
  for (const struct handler *handler = worker->handlers; handler->type; handler++)
    if (strcmp(handler->type, type) == 0) return handler;
  return NULL;
}

static bool is_event(const char *topic) {
  size_t length = strlen(topic);
  return length > 7 && strcmp(topic + length - 7, ".events") == 0;
}

/* Decides what can be decided by looking at the message alone. An event that is not for this worker is no fault. */
static void decode(struct batch *batch, struct item *item) {
  struct error err;
  enum suspicion suspicion = at_hand_suspicion(batch->process->hand, item->message);
  if (suspicion >= CONDEMNED) {
    at_hand_explain(batch->process->hand, item->message, &err);
    settle(item, FATE_DEAD, &err, utime_now());
  }
  if (suspicion == UNREADABLE) return;
  at_hand_look(batch->process->hand, item->message);
  json_arena_use(&batch->messages_arena);
  enum rc rc = message_decode(item->message, &err);
  json_arena_use(NULL);
  at_hand_look_away(batch->process->hand);
  if (rc != RC_OK) {
    item->message->tenant = UUID_NIL;
    settle(item, FATE_DEAD, &err, utime_now());
    return;
  }
  if (item->fate == FATE_DEAD || handler_of(batch->process->worker, item->message->type) ||
      is_event(item->message->topic))
    return;
  error_set(&err, RC_UNKNOWN_MESSAGE, "%s has no handler for %s", batch->process->worker->name, item->message->type);
  settle(item, FATE_DEAD, &err, utime_now());
}

/* The next of them; false: that was the last. Called by lib/db while the batch before this one waits for an answer. */
static bool decode_next(void *context) {
  struct batch *batch = context;
  if (batch->decoded < batch->count) decode(batch, &batch->items[batch->decoded++]);
  return batch->decoded < batch->count;
}

static void batch_fill(struct batch *batch, struct message *messages, size_t count) {
  batch->items = ARENA_ARRAY(&batch->messages_arena, struct item, count);
  batch->count = count;
  for (size_t i = 0; i < count; i++) batch->items[i].message = &messages[i];
}

static struct batch batch_new(struct process *process, struct bus_consumer *consumer) {
  struct batch batch = {.process = process, .consumer = consumer};
  arena_init(&batch.messages_arena, ARENA_MAX);
  return batch;
}

static void batch_forget(struct batch *batch) {
  for (size_t i = 0; i < batch->decoded; i++) json_decref(batch->items[i].message->json);
  arena_reset(&batch->messages_arena);
  struct arena arena = batch->messages_arena;
  *batch = (struct batch){.process = batch->process, .consumer = batch->consumer, .messages_arena = arena};
}

/* -- in the transaction -- */

static enum rc lock_offsets(struct batch *batch, struct work *work, struct error *err) {
  struct arena *arena = work->arena;
  struct db_array *topics = db_array_new(arena), *partitions = db_array_new(arena);
  for (size_t i = 0; i < batch->position_count; i++) {
    db_array_text(topics, batch->positions[i].topic);
    db_array_int(partitions, batch->positions[i].partition);
  }
  PGresult CLEANUP(db_result_release) *rows = NULL;
  TRY(tx_exec(work->tx, &runtime_sql_offsets_lock,
              PARAMS(process_name(batch->process), db_array_literal(topics), db_array_literal(partitions)), &rows,
              err));
  if ((size_t)row_count(rows) != batch->position_count)
    return error_set(err, RC_BUG, "consumer_offsets lacks a row for a partition that is assigned");
  for (int r = 0; r < row_count(rows); r++) {
    const char *topic = row_text(rows, r, 0);
    int64_t partition = row_int(rows, r, 1), next_offset = row_int(rows, r, 2);
    for (size_t i = 0; i < batch->count; i++) {
      struct item *item = &batch->items[i];
      if (item->message->partition != partition || strcmp(item->message->topic, topic) != 0) continue;
      item->is_below = item->message->offset < next_offset;
    }
  }
  return RC_OK;
}

static bool is_same_command(const struct message *a, const struct message *b) {
  return uuid_equal(&a->id, &b->id) && uuid_equal(&a->tenant, &b->tenant);
}

/* Whoever sent it waits for an outcome, in a tenant that there is. */
static bool wants_outcome(const struct item *item) {
  return !item->is_below && item->message->json && item->message->headers[HEADER_REPLY_TO] &&
         !uuid_is_nil(&item->message->tenant);
}

/* A command has one outcome, however often it was produced and whatever became of it. */
static void note_outcome(struct item *item) {
  if (item->fate == FATE_DEAD)
    item->is_answered = true;
  else
    item->is_known = true;
}

/* A command is done once: the one with an outcome, or seen earlier in this batch, is answered with what is stored. */
static enum rc skip_known_commands(struct batch *batch, struct work *work, struct error *err) {
  struct db_array *tenant_ids = db_array_new(work->arena), *ids = db_array_new(work->arena);
  for (size_t i = 0; i < batch->count; i++) {
    struct item *item = &batch->items[i];
    if (!wants_outcome(item)) continue;
    db_array_uuid(tenant_ids, &item->message->tenant);
    db_array_uuid(ids, &item->message->id);
    for (size_t k = 0; k < i; k++)
      if (wants_outcome(&batch->items[k]) && is_same_command(batch->items[k].message, item->message))
        note_outcome(item);
  }
  if (db_array_count(ids) == 0) return RC_OK;
  PGresult CLEANUP(db_result_release) *rows = NULL;
  TRY(tx_exec(work->tx, &runtime_sql_commands_known, PARAMS(db_array_literal(tenant_ids), db_array_literal(ids)), &rows,
              err));
  for (int r = 0; r < row_count(rows); r++) {
    struct message known = {.tenant = row_uuid(rows, r, 0), .id = row_uuid(rows, r, 1)};
    for (size_t i = 0; i < batch->count; i++)
      if (wants_outcome(&batch->items[i]) && is_same_command(batch->items[i].message, &known))
        note_outcome(&batch->items[i]);
  }
  return RC_OK;
}

static void refuse_tenant(struct item *item, struct utime now) {
  struct error why;
  item->message->tenant = UUID_NIL;
  if (item->fate == FATE_DEAD) return; /* of something else, before */
  error_set(&why, RC_INVARIANT, "the tenant of the message does not exist");
  settle(item, FATE_DEAD, &why, now);
}

/* A tenant that does not exist is a lie of the sender: poison. */
static enum rc check_tenants(struct batch *batch, struct work *work, struct error *err) {
  struct db_array *asked = db_array_new(work->arena);
  if (tenants.count + batch->count > TENANTS_MAX) tenants.count = 0; /* forget, ask again */
  for (size_t i = 0; i < batch->count; i++)
    if (batch->items[i].message->json && !tenant_is_known(&batch->items[i].message->tenant))
      db_array_uuid(asked, &batch->items[i].message->tenant);
  if (db_array_count(asked) == 0) return RC_OK;
  PGresult CLEANUP(db_result_release) *rows = NULL;
  TRY(tx_exec(work->tx, &runtime_sql_tenants_known, PARAMS(db_array_literal(asked)), &rows, err));
  for (int r = 0; r < row_count(rows); r++)
    tenants.known[tenants.count++] = (struct known_tenant){row_uuid(rows, r, 0), row_bool(rows, r, 1)};
  for (size_t i = 0; i < batch->count; i++)
    if (batch->items[i].message->json && !tenant_is_known(&batch->items[i].message->tenant))
      refuse_tenant(&batch->items[i], work->real_now);
  return RC_OK;
}

static bool may_be_on_a_clock(const struct item *item) {
  if (is_done(item) || item->fate != FATE_OPEN || !item->message->json) return false;
  const struct known_tenant *tenant = tenant_find(&item->message->tenant);
  return tenant && tenant->is_test;
}

/* Only tenants in test mode have clocks: for the others nothing is asked. */
static enum rc find_clocks(struct batch *batch, struct work *work, struct error *err) {
  struct clock_query *queries = NULL;
  size_t count = 0;
  for (size_t i = 0; i < batch->count; i++) {
    struct item *item = &batch->items[i];
    item->clock = (struct clock){0};
    if (!may_be_on_a_clock(item)) continue;
    if (!queries) queries = ARENA_ARRAY(work->arena, struct clock_query, batch->count);
    queries[count++].message = item->message;
  }
  if (count == 0) return RC_OK;
  TRY(clocks_of_messages(work, queries, count, err));
  for (size_t i = 0, q = 0; i < batch->count; i++)
    if (may_be_on_a_clock(&batch->items[i])) batch->items[i].clock = queries[q++].clock;
  return RC_OK;
}

static enum rc let_clocks_go_on(const struct batch *batch, struct work *work, struct error *err) {
  const struct message **done = ARENA_ARRAY(work->arena, const struct message *, batch->count);
  size_t count = 0;
  for (size_t i = 0; i < batch->count; i++)
    if (!batch->items[i].is_below) done[count++] = batch->items[i].message;
  return clock_track_done(work, done, count, err);
}

/* Calls the handler for items[first, first + count), all of one type and one time. Returns RC_OK, or the error of the
 * whole batch after having noted what was learnt. */
static enum rc handle_run(struct batch *batch, struct work *work, struct item **items, size_t count,
                          struct error *err) {
  const struct handler *handler = handler_of(batch->process->worker, items[0]->message->type);
  if (!handler) return RC_OK; /* an event for others */
  struct message **messages = ARENA_ARRAY(work->arena, struct message *, count);
  for (size_t i = 0; i < count; i++) messages[i] = items[i]->message;
  int64_t written_before = work->tx->written;
  size_t messages_before = work->effects->message_count;
  work_at(work, &items[0]->clock);
  enum rc rc = handler->handle(work, messages, count, err);
  work_at(work, NULL);
  enum verdict verdict = error_verdict(rc);
  if (verdict == VERDICT_NONE || verdict == VERDICT_RETRY || verdict == VERDICT_FATAL) return rc;
  if (count > 1) {
    batch->one_by_one = true;
    return rc;
  }
  bool is_clean = !work->tx->sent && work->tx->written == written_before &&
                  work->effects->message_count == messages_before && rc != RC_CONSTRAINT &&
                  rc != RC_IMMUTABLE; /* those came from the database: the transaction is dead */
  if (!items[0]->message->headers[HEADER_REPLY_TO]) verdict = VERDICT_POISON; /* nobody to tell: it must not vanish */
  if (verdict == VERDICT_REJECT && is_clean) {
    reject(work, items[0]->message, err);
    return RC_OK;
  }
  settle(items[0], verdict == VERDICT_REJECT ? FATE_REJECTED : FATE_DEAD, err, work->real_now);
  return rc;
}

static bool may_be_handled_together(const struct item *a, const struct item *b) {
  return strcmp(a->message->type, b->message->type) == 0 && uuid_equal(&a->clock.id, &b->clock.id);
}

static enum rc handle_all(struct batch *batch, struct work *work, struct error *err) {
  struct item **run = ARENA_ARRAY(work->arena, struct item *, batch->count);
  for (size_t i = 0; i < batch->count;) {
    struct item *item = &batch->items[i];
    if (is_done(item) || item->fate != FATE_OPEN) {
      i++;
      continue;
    }
    const struct handler *handler = handler_of(batch->process->worker, item->message->type);
    bool may_join = handler && handler->takes_batch && !batch->one_by_one;
    size_t count = 0;
    while (i < batch->count && (count == 0 || may_join)) {
      struct item *next = &batch->items[i];
      bool is_open = !is_done(next) && next->fate == FATE_OPEN;
      if (is_open && !may_be_handled_together(next, item)) break;
      if (is_open) run[count++] = next;
      i++;
    }
    TRY(handle_run(batch, work, run, count, err));
  }
  return RC_OK;
}

static enum rc bury_and_answer(struct batch *batch, struct work *work, struct error *err) {
  batch->dead = batch->skipped = 0;
  for (size_t i = 0; i < batch->count; i++) {
    struct item *item = &batch->items[i];
    if (is_done(item)) {
      batch->skipped++;
      continue;
    }
    if (item->fate == FATE_REJECTED) reject(work, item->message, &item->why);
    if (item->fate != FATE_DEAD) continue;
    batch->dead++;
    TRY(effects_bury(work, item->message, &item->why, batch->tries, item->first_failure, err));
    if (wants_outcome(item) && !item->is_answered) reject(work, item->message, &item->why); /* whoever waits is told */
  }
  return RC_OK;
}

static enum rc move_offsets(struct batch *batch, struct work *work, struct error *err) {
  struct arena *arena = work->arena;
  struct db_array *topics = db_array_new(arena), *partitions = db_array_new(arena), *next = db_array_new(arena),
                  *processed = db_array_new(arena), *dead = db_array_new(arena);
  for (size_t p = 0; p < batch->position_count; p++) {
    const struct bus_position *position = &batch->positions[p];
    int64_t processed_count = 0, dead_count = 0;
    for (size_t i = 0; i < batch->count; i++) {
      const struct item *item = &batch->items[i];
      if (item->message->partition != position->partition || strcmp(item->message->topic, position->topic) != 0)
        continue;
      processed_count += !item->is_below;
      dead_count += !is_done(item) && item->fate == FATE_DEAD;
    }
    db_array_text(topics, position->topic);
    db_array_int(partitions, position->partition);
    db_array_int(next, position->offset);
    db_array_int(processed, processed_count);
    db_array_int(dead, dead_count);
  }
  return tx_exec(work->tx, &runtime_sql_offsets_move,
                 PARAMS(process_name(batch->process), db_array_literal(topics), db_array_literal(partitions),
                        db_array_literal(next), db_array_literal(processed), db_array_literal(dead)),
                 NULL, err);
}

static enum rc try_batch(struct batch *batch, struct work *work, struct error *err) {
  batch->has_begun = false;
  TRY(work_begin(work, err));
  for (size_t i = 0; i < batch->count; i++)
    batch->items[i].is_below = batch->items[i].is_known = batch->items[i].is_answered = false;
  TRY(lock_offsets(batch, work, err));
  TRY(check_tenants(batch, work, err));
  TRY(skip_known_commands(batch, work, err));
  TRY(find_clocks(batch, work, err));
  batch->has_begun = true;
  TRY(handle_all(batch, work, err));
  TRY(let_clocks_go_on(batch, work, err));
  TRY(bury_and_answer(batch, work, err));
  TRY(move_offsets(batch, work, err));
  return work_commit(work, err);
}

/* -- around it -- */

static void count_batch(const struct batch *batch) {
  if (batch->count > batch->dead + batch->skipped) atomic_store(&batch->process->hand->has_worked, true);
  metric_add("batches_total", "", 1);
  metric_add("messages_total", "outcome=\"done\"", (int64_t)(batch->count - batch->dead - batch->skipped));
  metric_add("messages_total", "outcome=\"dead\"", (int64_t)batch->dead);
  metric_add("messages_total", "outcome=\"skipped\"", (int64_t)batch->skipped);
  metric_set("batch_messages", "", (int64_t)batch->count);
  for (size_t i = 0; i < batch->count; i++) {
    const struct item *item = &batch->items[i];
    if (item->fate == FATE_DEAD && !is_done(item))
      LOG(LOG_ERROR, "message.dead", LOG_TEXT("topic", item->message->topic),
          LOG_INT("partition", item->message->partition), LOG_INT("offset", item->message->offset),
          LOG_TEXT("code", error_name(item->why.code)), LOG_TEXT("reason", item->why.text));
  }
}

/* What earlier tries have found out. A try that fails for the sake of a message adds to it, so that the next one goes
 * further; one that adds nothing would fail for ever. */
static size_t lessons(const struct batch *batch) {
  size_t count = batch->one_by_one;
  for (size_t i = 0; i < batch->count; i++) count += batch->items[i].fate != FATE_OPEN;
  return count;
}

static bool batch_has_learnt(struct batch *batch, size_t *learnt) {
  size_t before = *learnt;
  *learnt = lessons(batch);
  if (*learnt > before) return true;
  if (batch->one_by_one) return false;
  batch->one_by_one = true; /* whose effects the database refused is not known yet */
  *learnt = lessons(batch);
  return true;
}

static void take(const struct batch *batch) {
  at_hand_take(batch->process->hand, batch->positions, batch->position_count, batch->count);
}

/* A bug. What was met before any message was looked at (a statement that the schema does not fit) is nobody's fault;
 * else the batch stays at hand, for the supervisor to see. */
static void fail(const struct batch *batch, const struct error *err) {
  struct at_hand *hand = batch->process->hand;
  snprintf(hand->last_words, sizeof hand->last_words, "%s", err->text);
  if (batch->has_begun) take(batch);
  process_fail(batch->process, "loop", err);
}

/* Runs the batch until it is committed, the process is stopped (then nothing of it is), or a bug is met. */
static void run_batch(struct batch *batch, struct work *work) {
  int64_t backoff_ms = BACKOFF_FIRST_MS;
  size_t learnt = lessons(batch);
  while (!process_is_stopping(batch->process)) {
    struct error err;
    batch->tries++;
    take(batch);
    enum rc rc = try_batch(batch, work, &err);
    at_hand_put_down(batch->process->hand);
    if (rc == RC_OK) {
      count_batch(batch);
      process_nudge(batch->process);
      bus_commit(batch->consumer, batch->positions, batch->position_count);
      return;
    }
    work_rollback(work);
    metric_add("rollbacks_total", error_verdict(rc) == VERDICT_RETRY ? "verdict=\"retry\"" : "verdict=\"message\"", 1);
    switch (error_verdict(rc)) {
    case VERDICT_RETRY:
      LOG(LOG_WARN, "batch.retry", LOG_TEXT("code", error_name(rc)), LOG_TEXT("text", err.text),
          LOG_INT("wait_ms", backoff_ms));
      process_sleep(batch->process, backoff_ms);
      backoff_ms = backoff_ms * 2 > BACKOFF_MAX_MS ? BACKOFF_MAX_MS : backoff_ms * 2;
      break;
    case VERDICT_REJECT:
    case VERDICT_POISON:
      if (!batch_has_learnt(batch, &learnt)) fail(batch, &err);
      break;
    case VERDICT_NONE:
    case VERDICT_FATAL: fail(batch, &err); break;
    }
  }
}

/* In one piece, but for messages that may have ended a process before: each of these alone. */
static void run_in_parts(struct batch *batch, struct work *work) {
  for (size_t done = 0, together; done < batch->count && !process_is_stopping(batch->process); done += together) {
    together = at_hand_together(batch->process->hand, batch->items[done].message, batch->count - done);
    struct batch part = {.process = batch->process,
                         .consumer = batch->consumer,
                         .items = &batch->items[done],
                         .count = together,
                         .positions = ARENA_ARRAY(&batch->messages_arena, struct bus_position, together)};
    for (size_t i = 0; i < together; i++) note_position(&part, part.items[i].message);
    run_batch(&part, work);
  }
}

static enum rc start_at(void *context, const char *cluster_id, struct bus_position *positions, size_t count,
                        struct error *err) {
  struct process *process = context;
  struct arena CLEANUP(arena_release) arena;
  arena_init(&arena, ARENA_MAX);
  struct db *db = process_new_db(process);
  struct tx tx = {0};
  PGresult CLEANUP(db_result_release) *rows = NULL;
  struct db_array *topics = db_array_new(&arena), *partitions = db_array_new(&arena);
  for (size_t i = 0; i < count; i++) {
    db_array_text(topics, positions[i].topic);
    db_array_int(partitions, positions[i].partition);
  }
  enum rc rc = tx_begin(db, &tx, err);
  if (rc == RC_OK)
    rc = tx_exec(&tx, &runtime_sql_offsets_start,
                 PARAMS(process->worker->name, cluster_id, db_array_literal(topics), db_array_literal(partitions)),
                 &rows, err);
  if (rc == RC_OK) rc = tx_commit(&tx, err);
  for (int r = 0; rc == RC_OK && r < row_count(rows); r++)
    for (size_t i = 0; i < count; i++)
      if (positions[i].partition == row_int(rows, r, 1) && strcmp(positions[i].topic, row_text(rows, r, 0)) == 0)
        positions[i].offset = row_int(rows, r, 2) > 0 ? row_int(rows, r, 2) : -1;
  tx_release(&tx);
  db_free(db);
  if (rc == RC_OK) atomic_store(&process->assigned, true);
  return rc;
}

/* Fills a batch that is empty; it stays so when nothing comes. */
static void poll(struct batch *batch, int64_t wait_ms) {
  struct process *process = batch->process;
  struct message *messages = NULL;
  size_t count = 0;
  struct error err;
  arena_reset(&batch->messages_arena); /* of what was polled, and lost with its partition */
  enum rc rc = bus_poll(batch->consumer, &batch->messages_arena, (size_t)process->batch_max, (int)wait_ms, &messages,
                        &count, &err);
  metric_set("consumer_lag", "", bus_consumer_lag(batch->consumer));
  if (error_verdict(rc) == VERDICT_FATAL) process_fail(process, "poll", &err);
  if (error_verdict(rc) == VERDICT_RETRY) {
    LOG(LOG_WARN, "broker.away", LOG_TEXT("text", err.text));
    process_sleep(process, wait_ms);
  }
  if (rc == RC_OK && count > 0) batch_fill(batch, messages, count);
}

static void poll_and_run(struct process *process, struct bus_consumer *consumer, struct work *work) {
  struct batch batches[2] = {batch_new(process, consumer), batch_new(process, consumer)};
  struct batch *batch = &batches[0], *next = &batches[1];
  while (!process_is_stopping(process)) {
    if (batch->count == 0) poll(batch, POLL_MS);
    if (batch->count == 0) continue;
    if (batch->count == (size_t)process->batch_max) poll(next, 0);
    while (decode_next(batch)) continue;
    db_while_waiting(work->db, decode_next, next);
    run_in_parts(batch, work);
    db_while_waiting(work->db, NULL, NULL);
    batch_forget(batch);
    struct batch *done = batch;
    batch = next;
    next = done;
  }
  for (int i = 0; i < 2; i++) {
    batch_forget(&batches[i]);
    arena_release(&batches[i].messages_arena);
  }
}

/* The exit status of the process. */
int loop_run(struct process *process) {
  struct error err;
  struct bus_consumer *consumer = NULL;
  struct bus_consumer_options options = {.brokers = process->kafka_brokers,
                                         .client_id = process->instance,
                                         .group = process->worker->name,
                                         .topics = process->worker->topics,
                                         .topic_count = process->worker->topic_count,
                                         .start_at = start_at,
                                         .context = process};
  if (bus_consumer_new(&options, &consumer, &err) != RC_OK) {
    process_fail(process, "consumer", &err);
    return 1;
  }
  struct arena arena;
  arena_init(&arena, ARENA_MAX);
  struct tx tx = {0};
  struct work work = {.process = process, .db = process_new_db(process), .tx = &tx, .arena = &arena};
  poll_and_run(process, consumer, &work);
  bus_consumer_free(consumer);
  db_free(work.db);
  arena_release(&arena);
  return atomic_load(&process->fatal) ? 1 : 0;
}
