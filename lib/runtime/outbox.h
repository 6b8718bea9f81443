/* The outbox: messages become visible with the transaction that wrote them, and leave for Kafka after it.
 *
 * One row of table outbox holds the messages of one transaction (or a part of them, OUTBOX_ROW_MESSAGES at most),
 * packed one behind the other. A `shipment` is such a row on its way: it is deleted when the broker has acknowledged
 * each of its messages. What a dead process (or a broker that was away) left is found by the sweeper after
 * OUTBOX_STALE_MS and sent again, so that a message may come twice, but never not at all. Consumers drop what they have
 * seen. Internal to lib/runtime. */
#ifndef RUNTIME_OUTBOX_H
#define RUNTIME_OUTBOX_H

#include <stdatomic.h>

#include "bus/bus.h"
#include "db/db.h"

enum { OUTBOX_ROW_MESSAGES = 500, OUTBOX_ROW_BYTES = 1024 * 1024, OUTBOX_STALE_MS = 15000, OUTBOX_SWEEP_ROWS = 32 };

struct outbox;
struct shipment;

MUST_CHECK enum rc outbox_new(const char *brokers, const char *client_id, struct outbox **ret_outbox,
                              struct error *err);
void outbox_free(struct outbox *outbox);
bool outbox_is_broken(struct outbox *outbox);
bool outbox_is_quiet(struct outbox *outbox); /* nothing is under way and nothing waits to be deleted */

/* Writes the rows; *ret_shipments (in the arena, as many as rows) point to messages, which must live until outbox_ship.
 */
MUST_CHECK enum rc outbox_write(struct tx *tx, struct arena *arena, const struct outgoing *messages, size_t count,
                                struct shipment ***ret_shipments, size_t *ret_shipment_count, struct error *err);
void outbox_ship(struct outbox *outbox, struct shipment *shipment); /* after COMMIT; takes it over */
void outbox_discard(struct shipment *shipment);                     /* after ROLLBACK */

/* One round of housekeeping, from one thread: serves deliveries for up to wait_ms, deletes what arrived. */
MUST_CHECK enum rc outbox_collect(struct outbox *outbox, struct db *db, struct arena *arena, int wait_ms,
                                  struct error *err);
/* Sends what lies there since OUTBOX_STALE_MS; *ret_more when the round was full. Without a broker that takes seconds,
 * unless *stopping becomes true. */
MUST_CHECK enum rc outbox_sweep(struct outbox *outbox, struct db *db, struct arena *arena, const atomic_bool *stopping,
                                bool *ret_more, struct error *err);

#endif
