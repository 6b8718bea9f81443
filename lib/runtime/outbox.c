/* See outbox.h. Deliveries are reported by librdkafka in the thread that polls the producer, which is the housekeeping
 * thread alone; the threads that ship only count up. A shipment is freed by whoever takes its last message off. */
#include "runtime/outbox.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "base/digest.h"
#include "base/log.h"
#include "runtime/metrics.h"
#include "runtime_sql.h"

/* What a row can come to at most: dead letters are large. */
#define ROW_MAX_BYTES ((size_t)OUTBOX_ROW_BYTES + (size_t)16 * MESSAGE_VALUE_MAX)
/* Swept, it is there as bytes and as messages, each with a few pointers. */
#define ROW_ARENA_MAX_BYTES ((size_t)64 * 1024 * 1024)
_Static_assert(2 * ROW_MAX_BYTES + OUTBOX_ROW_MESSAGES * sizeof(struct outgoing) + (16U << 20U) < ROW_ARENA_MAX_BYTES,
               "a row of the outbox must fit its arena");

enum { LINGER_MS = 2, MESSAGE_TIMEOUT_MS = 10000, FLUSH_MS = 500, SWEEP_WAIT_MS = 12000 };

struct shipment {
  struct uuid row;
  const struct outgoing *messages;
  size_t count;
  _Atomic size_t under_way; /* messages not reported yet, plus one while it is being handed over */
  atomic_bool failed;
  bool is_swept;
  struct shipment *next; /* in the list of arrived ones */
};

struct outbox {
  struct bus_producer *producer;
  pthread_mutex_t lock;
  struct shipment *arrived;
  _Atomic size_t under_way;       /* shipments whose messages are not all reported yet */
  _Atomic size_t swept_under_way; /* those of the sweeper among them */
  atomic_bool broken;
};

static void take_off(struct outbox *outbox, struct shipment *shipment) {
  if (atomic_fetch_sub(&shipment->under_way, 1) != 1) return;
  if (shipment->is_swept) atomic_fetch_sub(&outbox->swept_under_way, 1);
  atomic_fetch_sub(&outbox->under_way, 1);
  if (atomic_load(&shipment->failed)) { /* the row stays; the sweeper has it */
    free(shipment);
    return;
  }
  pthread_mutex_lock(&outbox->lock);
  shipment->next = outbox->arrived;
  outbox->arrived = shipment;
  pthread_mutex_unlock(&outbox->lock);
}

static void delivered(void *context, void *opaque, enum rc result, const char *reason) {
  struct shipment *shipment = opaque;
  if (result != RC_OK) {
    atomic_store(&shipment->failed, true);
    LOG(LOG_DEBUG, "outbox.delivery_failed", LOG_TEXT("reason", reason));
  }
  take_off(context, shipment);
}

enum rc outbox_new(const char *brokers, const char *client_id, struct outbox **ret_outbox, struct error *err) {
  struct outbox *outbox = calloc(1, sizeof *outbox);
  ASSERT(outbox);
  pthread_mutex_init(&outbox->lock, NULL);
  struct bus_producer_options options = {.brokers = brokers,
                                         .client_id = client_id,
                                         .linger_ms = LINGER_MS,
                                         .message_timeout_ms = MESSAGE_TIMEOUT_MS,
                                         .delivered = delivered,
                                         .context = outbox};
  enum rc rc = bus_producer_new(&options, &outbox->producer, err);
  if (rc != RC_OK) {
    free(outbox);
    return rc;
  }
  *ret_outbox = outbox;
  return RC_OK;
}

static struct shipment *take_arrived(struct outbox *outbox) {
  pthread_mutex_lock(&outbox->lock);
  struct shipment *arrived = outbox->arrived;
  outbox->arrived = NULL;
  pthread_mutex_unlock(&outbox->lock);
  return arrived;
}

static void free_list(struct shipment *shipment) {
  while (shipment) {
    struct shipment *next = shipment->next;
    free(shipment);
    shipment = next;
  }
}

/* Housekeeping has waited for what was under way; what the broker did not take by then is the sweeper's. */
void outbox_free(struct outbox *outbox) {
  if (!outbox) return;
  bus_producer_free(outbox->producer, FLUSH_MS);
  free_list(take_arrived(outbox));
  pthread_mutex_destroy(&outbox->lock);
  free(outbox);
}

bool outbox_is_quiet(struct outbox *outbox) {
  pthread_mutex_lock(&outbox->lock);
  bool quiet = !outbox->arrived && atomic_load(&outbox->under_way) == 0;
  pthread_mutex_unlock(&outbox->lock);
  return quiet;
}

bool outbox_is_broken(struct outbox *outbox) {
  return atomic_load(&outbox->broken) || bus_producer_is_broken(outbox->producer);
}

/* -- writing and shipping -- */

static struct shipment *shipment_new(const struct outgoing *messages, size_t count) {
  struct shipment *shipment = calloc(1, sizeof *shipment);
  ASSERT(shipment);
  shipment->row = uuid_new();
  shipment->messages = messages;
  shipment->count = count;
  return shipment;
}

enum rc outbox_write(struct tx *tx, struct arena *arena, const struct outgoing *messages, size_t count,
                     struct shipment ***ret_shipments, size_t *ret_shipment_count, struct error *err) {
  struct db_array *ids = db_array_new(arena), *counts = db_array_new(arena), *rows = db_array_new(arena);
  struct shipment **shipments = ARENA_ARRAY(arena, struct shipment *, count);
  size_t shipment_count = 0;
  struct buf CLEANUP(buf_release) packed;
  buf_init(&packed, ROW_MAX_BYTES);
  for (size_t at = 0; at < count;) {
    size_t first = at;
    buf_clear(&packed);
    while (at < count && at - first < OUTBOX_ROW_MESSAGES && packed.length < OUTBOX_ROW_BYTES)
      outgoing_pack(&messages[at++], &packed);
    ASSERT(buf_ok(&packed));
    struct shipment *shipment = shipment_new(&messages[first], at - first);
    shipments[shipment_count++] = shipment;
    db_array_uuid(ids, &shipment->row);
    db_array_int(counts, (int64_t)shipment->count);
    db_array_bytes(rows, packed.bytes, packed.length);
  }
  enum rc rc = tx_exec(tx, &runtime_sql_outbox_insert,
                       PARAMS(db_array_literal(ids), db_array_literal(counts), db_array_literal(rows)), NULL, err);
  if (rc != RC_OK) {
    for (size_t i = 0; i < shipment_count; i++) free(shipments[i]);
    return rc;
  }
  *ret_shipments = shipments;
  *ret_shipment_count = shipment_count;
  return RC_OK;
}

void outbox_ship(struct outbox *outbox, struct shipment *shipment) {
  atomic_store(&shipment->under_way, shipment->count + 1);
  atomic_fetch_add(&outbox->under_way, 1);
  for (size_t i = 0; i < shipment->count; i++) {
    struct error err;
    enum rc rc = bus_produce(outbox->producer, &shipment->messages[i], shipment, &err);
    if (rc == RC_OK) continue;
    if (error_verdict(rc) == VERDICT_FATAL) atomic_store(&outbox->broken, true);
    atomic_store(&shipment->failed, true);
    atomic_fetch_sub(&shipment->under_way, shipment->count - i); /* the rest waits for the sweeper, in its order */
    break;
  }
  shipment->messages = NULL;
  take_off(outbox, shipment);
}

void outbox_discard(struct shipment *shipment) {
  free(shipment);
}

/* -- housekeeping -- */

/* Should it fail, the sweeper sends them once more: harmless. */
static enum rc delete_arrived(struct tx *tx, struct arena *arena, struct shipment *arrived, struct error *err) {
  struct db_array *ids = db_array_new(arena);
  for (struct shipment *s = arrived; s; s = s->next) db_array_uuid(ids, &s->row);
  free_list(arrived);
  return tx_exec(tx, &runtime_sql_outbox_delete, PARAMS(db_array_literal(ids)), NULL, err);
}

enum rc outbox_collect(struct outbox *outbox, struct db *db, struct arena *arena, int wait_ms, struct error *err) {
  bus_producer_poll(outbox->producer, wait_ms);
  struct tx CLEANUP(tx_release) tx = {0};
  struct shipment *arrived = take_arrived(outbox);
  if (!arrived) return RC_OK;
  enum rc rc = tx_begin(db, &tx, err);
  if (rc != RC_OK) {
    free_list(arrived);
    return rc;
  }
  TRY(delete_arrived(&tx, arena, arrived, err));
  return tx_commit(&tx, err);
}

/* The messages of a row: as many as it says. They come as PostgreSQL writes bytea, "\\x" and hexadecimal digits. */
static enum rc read_row(struct arena *arena, const char *hex, size_t count, struct outgoing **ret_messages,
                        struct error *err) {
  size_t left = strlen(hex + 2) / 2;
  char *bytes = arena_alloc(arena, left + 1);
  bool is_hex = hex_read(hex + 2, 2 * left, (uint8_t *)bytes);
  ASSERT(is_hex);
  struct outgoing *messages = ARENA_ARRAY(arena, struct outgoing, count);
  const char *at = bytes;
  for (size_t i = 0; i < count; i++) TRY(outgoing_unpack(&at, &left, arena, &messages[i], err));
  if (left > 0) return error_set(err, RC_BAD_MESSAGE, "a row of the outbox holds more than its messages");
  *ret_messages = messages;
  return RC_OK;
}

/* What a row holds comes from the database. One that nobody can read is said aloud and stops no other. */
static enum rc set_aside(struct tx *tx, struct arena *arena, const struct uuid *row, const struct error *why,
                         struct error *err) {
  const char *id = db_uuid(arena, row);
  LOG(LOG_ERROR, "outbox.unreadable", LOG_TEXT("row", id), LOG_TEXT("text", why->text));
  metric_add("outbox_unreadable_total", "", 1);
  return tx_exec(tx, &runtime_sql_outbox_set_aside, PARAMS(id), NULL, err);
}

/* One at a time: 32 of the largest would be more than this process may take. librdkafka copies what it is given. */
static enum rc ship_row(struct outbox *outbox, struct tx *tx, const struct uuid *row, struct error *err) {
  struct arena CLEANUP(arena_release) arena;
  PGresult CLEANUP(db_result_release) *rows = NULL;
  arena_init(&arena, ROW_ARENA_MAX_BYTES);
  TRY(tx_exec(tx, &runtime_sql_outbox_read, PARAMS(db_uuid(&arena, row)), &rows, err));
  size_t count = (size_t)row_int(rows, 0, 0);
  struct outgoing *messages = NULL;
  struct error why;
  if (read_row(&arena, row_text(rows, 0, 1), count, &messages, &why) != RC_OK)
    return set_aside(tx, &arena, row, &why, err);
  struct shipment *shipment = shipment_new(messages, count);
  shipment->row = *row;
  shipment->is_swept = true;
  atomic_fetch_add(&outbox->swept_under_way, 1);
  outbox_ship(outbox, shipment);
  return RC_OK;
}

/* The rows stay locked until they have arrived and are deleted, so that no two sweepers send the same one. */
enum rc outbox_sweep(struct outbox *outbox, struct db *db, struct arena *arena, const atomic_bool *stopping,
                     bool *ret_more, struct error *err) {
  struct tx CLEANUP(tx_release) tx = {0};
  PGresult CLEANUP(db_result_release) *rows = NULL;
  TRY(tx_begin(db, &tx, err));
  TRY(tx_exec(&tx, &runtime_sql_outbox_stale, PARAMS(db_int(arena, OUTBOX_STALE_MS), db_int(arena, OUTBOX_SWEEP_ROWS)),
              &rows, err));
  for (int r = 0; r < row_count(rows); r++) {
    struct uuid row = row_uuid(rows, r, 0);
    TRY(ship_row(outbox, &tx, &row, err));
  }
  struct mono start = mono_now();
  while (atomic_load(&outbox->swept_under_way) > 0 && mono_ms_since(start) < SWEEP_WAIT_MS && !atomic_load(stopping))
    bus_producer_poll(outbox->producer, 50);
  struct shipment *arrived = take_arrived(outbox);
  if (arrived) TRY(delete_arrived(&tx, arena, arrived, err));
  *ret_more = row_count(rows) == OUTBOX_SWEEP_ROWS;
  return tx_commit(&tx, err);
}
