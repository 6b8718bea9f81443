/* The worker loop: one batch (batch.h) after the other, each run until it is committed. RETRY waits and tries again,
 * FATAL stops the process.
 *
 * While messages are waiting two batches are at hand: before a full one is run, the one after it is polled, whose
 * messages are decoded while the database works on the first. Nothing else is done about them before the first is
 * committed: they are run after it or, when the process stops or dies, by whoever reads on at the stored offsets. */
#include <string.h>

#include "base/assert.h"
#include "base/log.h"
#include "runtime/batch.h"
#include "runtime_sql.h"

enum {
  POLL_MS = 200,
  ARENA_MAX = 256 * 1024 * 1024,
  BACKOFF_FIRST_MS = 50,
  BACKOFF_MAX_MS = 5000,
};

static void count_batch(const struct batch *batch) {
  struct at_hand *hand = batch->process->hand;
  if (batch->handled > 0) atomic_store(&hand->has_worked, true);
  metric_add("batches_total", "", 1);
  metric_add("messages_total", "outcome=\"done\"", (int64_t)(batch->count - batch->dead - batch->skipped));
  metric_add("messages_total", "outcome=\"dead\"", (int64_t)batch->dead);
  metric_add("messages_total", "outcome=\"skipped\"", (int64_t)batch->skipped);
  metric_set("batch_messages", "", (int64_t)batch->count);
  for (size_t i = 0; i < batch->count; i++) {
    const struct item *item = &batch->items[i];
    if (item->fate != FATE_DEAD) continue;
    if (at_hand_suspicion(hand, item->message) >= CONDEMNED)
      atomic_store(&hand->has_buried, true); /* maybe by another */
    if (item_is_done(item)) continue;
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
    enum rc rc = batch_try(batch, work, &err);
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

/* In one piece, but for messages that may have ended a process before: each of these alone, and none is looked at
 * before those in front of it are committed. */
static void run_in_parts(struct batch *batch, struct work *work) {
  for (size_t done = 0, together; done < batch->count && !process_is_stopping(batch->process); done += together) {
    together = at_hand_together(batch->process->hand, batch->items[done].message, batch->count - done);
    batch_decode_to(batch, done + together);
    struct batch part = batch_part(batch, done, together);
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
    db_while_waiting(work->db, batch_decode_ahead, next);
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
                                         .session_timeout_ms = (int)process->session_timeout_ms,
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
