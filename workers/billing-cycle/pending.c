/* See pending.h. A line is kept as the text that invoice.create will have, so that nothing about it is worked out
 * twice. */
#include "pending.h"

#include <string.h>

#include "base/assert.h"
#include "sql.h"

enum { LINE_JSON_MAX = 65536 };
enum { SUBSCRIPTION, LINE, TAKES_NOTHING, ID }; /* columns of pending_lines_of.sql */

enum rc pending_keep(struct work *work, const struct uuid *tenant, const struct line *kept, size_t count,
                     struct error *err) {
  struct arena *arena = work->arena;
  struct db_array *ids = db_array_new(arena), *subscriptions = db_array_new(arena), *lines = db_array_new(arena);
  struct buf CLEANUP(buf_release) text;
  buf_init(&text, LINE_JSON_MAX);
  for (size_t i = 0; i < count; i++) {
    struct uuid id = uuid_new(); /* in the order of the lines */
    struct json_writer json;
    buf_clear(&text);
    json_writer_init(&json, &text);
    billing_write_line(&json, &kept[i]);
    ASSERT(buf_ok(&text));
    db_array_uuid(ids, &id);
    db_array_uuid(subscriptions, &kept[i].subscription->id);
    db_array_text(lines, buf_text(&text));
  }
  if (db_array_count(ids) == 0) return RC_OK;
  return tx_exec(work->tx, &sql_pending_lines_insert,
                 PARAMS(db_uuid(arena, tenant), db_array_literal(ids), db_array_literal(subscriptions),
                        db_array_literal(lines), db_utime(arena, work->now)),
                 NULL, err);
}

/* The day whose invoice the subscription's lines go on. */
static struct date billed_on(const struct work *work, const struct billing *billing, const struct billable *s) {
  for (size_t i = 0; i < billing->count; i++)
    if (billing->lines[i].subscription == s) return billing->lines[i].billed_on;
  return zone_date(s->zone, work->now);
}

static const struct billable *find(const struct billable *subscriptions, size_t count, const struct uuid *id) {
  for (size_t i = 0; i < count; i++)
    if (uuid_equal(&subscriptions[i].id, id)) return &subscriptions[i];
  return NULL;
}

/* What is more than that has its customer parked by a run (BILL-063): nobody could make invoices of it. */
static enum rc add_rows(struct work *work, const PGresult *rows, const struct billable *subscriptions, size_t count,
                        struct billing *billing, struct error *err) {
  size_t bytes = 0;
  for (int r = 0; r < row_count(rows); r++) bytes += strlen(row_text(rows, r, LINE));
  if (bytes > BILLING_STEP_BYTES)
    return error_set(err, RC_CONFLICT, "the lines of changes that wait for the next invoice are too many: %d",
                     row_count(rows));
  for (int r = 0; r < row_count(rows); r++) {
    struct uuid id = row_uuid(rows, r, SUBSCRIPTION);
    const struct billable *s = find(subscriptions, count, &id);
    ASSERT(s);
    billing_add(work->arena, billing,
                &(struct line){.subscription = s,
                               .billed_on = billed_on(work, billing, s),
                               .has_waited = true,
                               .takes_nothing = row_bool(rows, r, TAKES_NOTHING),
                               .pending_id = arena_strdup(work->arena, row_text(rows, r, ID)),
                               .json = arena_strdup(work->arena, row_text(rows, r, LINE))});
  }
  return RC_OK;
}

/* A subscription that is parked keeps its lines, too. */
enum rc pending_peek(struct work *work, const struct uuid *tenant, const struct billable *subscriptions, size_t count,
                     struct billing *billing, struct error *err) {
  struct db_array *ids = db_array_new(work->arena);
  for (size_t i = 0; i < count; i++)
    if (!subscriptions[i].is_parked) db_array_uuid(ids, &subscriptions[i].id);
  PGresult CLEANUP(db_result_release) *rows = NULL;
  TRY(tx_exec(work->tx, &sql_pending_lines_of, PARAMS(db_uuid(work->arena, tenant), db_array_literal(ids)), &rows,
              err));
  return add_rows(work, rows, subscriptions, count, billing, err);
}

/* -- what is void -- */

static bool is_alone(const struct billing *billing, const struct line *line) {
  for (size_t i = 0; line->takes_nothing && i < billing->count; i++) {
    const struct line *other = &billing->lines[i];
    if (!other->takes_nothing && uuid_equal(&other->subscription->id, &line->subscription->id)) return false;
  }
  return line->takes_nothing;
}

static bool has_ended(const struct billable *s) {
  return s->state == SUBSCRIPTION_CANCELLED || s->state == SUBSCRIPTION_EXPIRED;
}

/* From the first line on, in one pass: what is alone is left out of the billing. ret_done: the ids of what waits no
 * more, because it is in the billing, or because nothing can follow that it would go with; NULL: of no interest. */
static void leave_out_lone(struct billing *billing, size_t first, struct db_array *ret_done) {
  size_t stay = first;
  for (size_t i = first; i < billing->count; i++) { /* what is left out makes none of the others alone */
    struct line line = billing->lines[i];
    bool is_left = is_alone(billing, &line);
    if (ret_done && (!is_left || has_ended(line.subscription))) db_array_text(ret_done, line.pending_id);
    if (!is_left) billing->lines[stay++] = line;
  }
  billing->count = stay;
}

void pending_leave_out_lone(struct billing *billing) {
  leave_out_lone(billing, 0, NULL);
}

enum rc pending_take(struct work *work, const struct uuid *tenant, const struct billable *subscriptions, size_t count,
                     struct billing *billing, struct error *err) {
  struct db_array *done = db_array_new(work->arena);
  size_t first = billing->count;
  TRY(pending_peek(work, tenant, subscriptions, count, billing, err));
  leave_out_lone(billing, first, done);
  if (db_array_count(done) == 0) return RC_OK;
  return tx_exec(work->tx, &sql_pending_lines_take, PARAMS(db_uuid(work->arena, tenant), db_array_literal(done)), NULL,
                 err);
}
