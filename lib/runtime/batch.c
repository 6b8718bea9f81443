/* See batch.h. What is learnt about a message stands in its item; whatever else a try made is in the transaction, or
 * in the work's arena, and gone with it. */
#include "runtime/batch.h"

#include <string.h>

#include "base/assert.h"
#include "runtime/clock.h"
#include "runtime/effects.h"
#include "runtime/json_arena.h"
#include "runtime_sql.h"

enum {
  MESSAGES_ARENA_MAX = 256 * 1024 * 1024,
  TENANTS_MAX = 8192 /* more than a batch can hold */
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

bool item_is_done(const struct item *item) {
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

static void decode_next(struct batch *batch) {
  decode(batch, &batch->items[batch->decoded++]);
}

void batch_decode_to(struct batch *batch, size_t count) {
  ASSERT(count <= batch->count);
  while (batch->decoded < count) decode_next(batch);
}

bool batch_decode_ahead(void *context) {
  struct batch *batch = context;
  if (batch->decoded == batch->count) return false;
  if (at_hand_suspicion(batch->process->hand, batch->items[batch->decoded].message) != TRUSTED) return false;
  decode_next(batch);
  return true;
}

void batch_fill(struct batch *batch, struct message *messages, size_t count) {
  batch->items = ARENA_ARRAY(&batch->messages_arena, struct item, count);
  batch->count = count;
  for (size_t i = 0; i < count; i++) batch->items[i].message = &messages[i];
}

struct batch batch_new(struct process *process, struct bus_consumer *consumer) {
  struct batch batch = {.process = process, .consumer = consumer};
  arena_init(&batch.messages_arena, MESSAGES_ARENA_MAX);
  return batch;
}

void batch_forget(struct batch *batch) {
  for (size_t i = 0; i < batch->decoded; i++) json_decref(batch->items[i].message->json);
  arena_reset(&batch->messages_arena);
  struct arena arena = batch->messages_arena;
  *batch = (struct batch){.process = batch->process, .consumer = batch->consumer, .messages_arena = arena};
}

struct batch batch_part(struct batch *batch, size_t from, size_t count) {
  ASSERT(from + count <= batch->decoded);
  struct batch part = {.process = batch->process,
                       .consumer = batch->consumer,
                       .items = &batch->items[from],
                       .count = count,
                       .decoded = count,
                       .positions = ARENA_ARRAY(&batch->messages_arena, struct bus_position, count)};
  for (size_t i = 0; i < count; i++) note_position(&part, part.items[i].message);
  return part;
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
  if (item_is_done(item) || item->fate != FATE_OPEN || !item->message->json) return false;
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
    if (item_is_done(item) || item->fate != FATE_OPEN) {
      i++;
      continue;
    }
    const struct handler *handler = handler_of(batch->process->worker, item->message->type);
    bool may_join = handler && handler->takes_batch && !batch->one_by_one;
    size_t count = 0;
    while (i < batch->count && (count == 0 || may_join)) {
      struct item *next = &batch->items[i];
      bool is_open = !item_is_done(next) && next->fate == FATE_OPEN;
      if (is_open && !may_be_handled_together(next, item)) break;
      if (is_open) run[count++] = next;
      i++;
    }
    TRY(handle_run(batch, work, run, count, err));
  }
  return RC_OK;
}

static enum rc bury_and_answer(struct batch *batch, struct work *work, struct error *err) {
  batch->handled = batch->dead = batch->skipped = 0;
  for (size_t i = 0; i < batch->count; i++) {
    struct item *item = &batch->items[i];
    if (item_is_done(item)) {
      batch->skipped++;
      continue;
    }
    if (item->fate == FATE_REJECTED) reject(work, item->message, &item->why);
    if (item->fate != FATE_DEAD) {
      batch->handled += handler_of(batch->process->worker, item->message->type) != NULL;
      continue;
    }
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
      dead_count += !item_is_done(item) && item->fate == FATE_DEAD;
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

enum rc batch_try(struct batch *batch, struct work *work, struct error *err) {
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
