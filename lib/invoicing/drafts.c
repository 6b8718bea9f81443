/* See drafts.h. A draft is read back as it was given, before anything was computed. */
#include "invoicing/drafts.h"

#include "base/assert.h"
#include "db/columns.h"
#include "invoicing/order.h"
#include "invoicing/origins.h"
#include "invoicing_sql.h"

/* Columns as in drafts_load.sql. */
static enum rc read_draft(struct row_cursor *at, struct invoice *invoice, struct error *err) {
  invoice->tenant = next_uuid(at);
  invoice->id = row_uuid(at->rows, at->row, at->column);
  invoice->id_text = next_text(at);
  invoice->customer_id = next_text(at);
  invoice->run_id = next_text(at);
  invoice->collection = next_text(at);
  invoice->notes = next_text(at);
  invoice->currency = currency_find(next_text(at));
  invoice->has_asked_due_date = next_date(at, &invoice->asked_due_date);
  invoice->created = next_utime(at);
  invoice->version = next_int(at, 1) + 1;
  (void)next_date(at, &invoice->issue_date);
  invoice->auto_finalise = next_utime(at);
  invoice->is_draft = true;
  invoice->is_tallied = true;
  return invoice->currency ? RC_OK : error_set(err, RC_INVARIANT, "the draft's currency is none");
}

/* Columns as in draft_items_load.sql, from the second on. */
static enum rc read_item(struct row_cursor *at, struct invoice_line *line, struct error *err) {
  *line = (struct invoice_line){.id = next_uuid(at)};
  line->kind = next_text(at);
  line->subscription_id = next_text(at);
  line->item = next_int(at, 0);
  line->component = next_text(at);
  line->period_index = next_int(at, -1);
  line->revision = next_int(at, 0);
  line->description = next_text(at);
  line->quantity = next_text(at);
  line->unit_price = next_text(at);
  line->listed_minor = next_int(at, 0);
  line->tax_code = next_text(at);
  line->plan_id = next_text(at);
  line->has_period = !row_is_null(at->rows, at->row, at->column);
  line->start = next_utime(at);
  line->end = next_utime(at);
  line->provenance = next_text(at);
  const char *credits = next_text(at);
  if (!credits) return RC_OK;
  json_t *body = json_loads(credits, 0, NULL);
  enum rc rc =
      body ? line_read_credits(at->arena, body, line, err) : error_set(err, RC_INVARIANT, "credits is no JSON");
  if (rc == RC_OK) {
    line->credits.component = arena_strdup(at->arena, line->credits.component);
    line->credits.kind = arena_strdup(at->arena, line->credits.kind);
  }
  json_decref(body);
  return rc;
}

static enum rc load_items(struct work *work, struct invoice *invoices, size_t count, size_t spare, struct error *err) {
  struct db_array *tenants = db_array_new(work->arena), *ids = db_array_new(work->arena);
  struct uuid_map *by_id = uuid_map_new(work->arena, count);
  size_t at;
  PGresult CLEANUP(db_result_release) *rows = NULL;
  for (size_t i = 0; i < count; i++) {
    db_array_uuid(tenants, &invoices[i].tenant);
    db_array_uuid(ids, &invoices[i].id);
    uuid_map_add(by_id, &invoices[i].id, i, &at);
  }
  TRY(tx_exec(work->tx, &invoicing_sql_draft_items_load, PARAMS(db_array_literal(tenants), db_array_literal(ids)),
              &rows, err));
  for (int pass = 0; pass < 2; pass++) { /* counted first, then read */
    for (size_t i = 0; pass == 1 && i < count; i++) {
      invoices[i].lines = ARENA_ARRAY(work->arena, struct invoice_line, invoices[i].line_count + spare);
      invoices[i].line_count = 0;
    }
    for (int r = 0; r < row_count(rows); r++) {
      struct uuid id = row_uuid(rows, r, 0);
      struct row_cursor cursor = {.rows = rows, .arena = work->arena, .row = r, .column = 1};
      bool found = uuid_map_find(by_id, &id, &at);
      ASSERT(found);
      if (pass == 1) TRY(read_item(&cursor, &invoices[at].lines[invoices[at].line_count], err));
      invoices[at].line_count++;
    }
  }
  return RC_OK;
}

struct keys {
  const char *tenants, *ids;
};

static struct keys keys_of(struct work *work, const struct draft_ref *refs, size_t count) {
  struct db_array *tenants = db_array_new(work->arena), *ids = db_array_new(work->arena);
  for (size_t i = 0; i < count; i++) {
    db_array_uuid(tenants, &refs[i].tenant);
    db_array_uuid(ids, &refs[i].id);
  }
  return (struct keys){db_array_literal(tenants), db_array_literal(ids)};
}

static void read_refs(const PGresult *rows, struct draft_ref *refs) {
  for (int r = 0; r < row_count(rows); r++)
    refs[r] = (struct draft_ref){.tenant = row_uuid(rows, r, 0), .id = row_uuid(rows, r, 1)};
}

/* Invoices with those that they need; one that several need is there for each of these, if that was asked for. */
struct needed {
  const char *tenants, *ids, *roots;
  size_t count;
};

static enum rc find_needed(struct work *work, const struct draft_ref *refs, size_t count, bool for_each,
                           struct needed *ret_needed, struct error *err) {
  struct db_array *columns[3];
  const char *params[3];
  struct keys keys = keys_of(work, refs, count);
  PGresult CLEANUP(db_result_release) *rows = NULL;
  TRY(tx_exec(work->tx, &invoicing_sql_drafts_with_origins, PARAMS(keys.tenants, keys.ids, db_bool(for_each)), &rows,
              err));
  db_arrays_new(work->arena, columns, 3);
  for (int r = 0; r < row_count(rows); r++)
    for (int c = 0; c < 3; c++) db_array_text(columns[c], row_is_null(rows, r, c) ? NULL : row_text(rows, r, c));
  db_arrays_literals(columns, 3, params);
  *ret_needed = (struct needed){params[0], params[1], params[2], (size_t)row_count(rows)};
  return RC_OK;
}

static void read_drafts(struct work *work, const PGresult *held, struct draft_ref **ret_refs, size_t *ret_count) {
  struct draft_ref *refs = ARENA_ARRAY(work->arena, struct draft_ref, (size_t)row_count(held));
  size_t count = 0;
  for (int r = 0; r < row_count(held); r++)
    if (row_bool(held, r, 2)) refs[count++] = (struct draft_ref){row_uuid(held, r, 0), row_uuid(held, r, 1)};
  *ret_refs = refs;
  *ret_count = count;
}

/* Twice: who replaced a draft while its lock was waited for left a row that the first look does not see. */
enum rc drafts_hold(struct work *work, struct draft_ref **refs, size_t *count, struct error *err) {
  struct needed needed;
  PGresult CLEANUP(db_result_release) *held = NULL;
  TRY(find_needed(work, *refs, *count, false, &needed, err));
  for (int look = 0; look < 2 && (!held || (size_t)row_count(held) < needed.count); look++) {
    db_result_release(&held);
    TRY(tx_exec(work->tx, &invoicing_sql_drafts_hold, PARAMS(needed.tenants, needed.ids), &held, err));
  }
  read_drafts(work, held, refs, count);
  return RC_OK;
}

enum rc drafts_hold_free(struct work *work, struct draft_ref **refs, size_t *count, struct error *err) {
  struct needed needed;
  PGresult CLEANUP(db_result_release) *held = NULL;
  TRY(find_needed(work, *refs, *count, true, &needed, err));
  TRY(tx_exec(work->tx, &invoicing_sql_drafts_hold_free, PARAMS(needed.tenants, needed.ids, needed.roots), &held, err));
  read_drafts(work, held, refs, count);
  return RC_OK;
}

enum rc drafts_hold_before(struct work *work, struct invoice *invoices, size_t count, struct draft_ref **ret_refs,
                           size_t *ret_count, struct error *err) {
  bool has_drafts = false;
  PGresult CLEANUP(db_result_release) *rows = NULL;
  *ret_count = 0;
  TRY(origins_find(work, invoices, count, &rows, err));
  for (int r = 0; rows && r < row_count(rows); r++) has_drafts = has_drafts || row_bool(rows, r, 2);
  if (!has_drafts) return RC_OK;
  *ret_refs = ARENA_ARRAY(work->arena, struct draft_ref, (size_t)row_count(rows));
  *ret_count = (size_t)row_count(rows);
  read_refs(rows, *ret_refs);
  return drafts_hold(work, ret_refs, ret_count, err);
}

static struct invoice *in_order(struct arena *arena, struct invoice *invoices, size_t count) {
  struct finalising *each = ARENA_ARRAY(arena, struct finalising, count);
  for (size_t i = 0; i < count; i++) {
    invoice_gather(&invoices[i]);
    each[i] = (struct finalising){.at = invoices[i].auto_finalise, .place = i};
  }
  return invoices_order(arena, invoices, each, count);
}

enum rc drafts_load(struct work *work, const struct draft_ref *refs, size_t count, size_t spare,
                    struct invoice **ret_invoices, size_t *ret_count, struct error *err) {
  PGresult CLEANUP(db_result_release) *rows = NULL;
  struct keys keys = keys_of(work, refs, count);
  TRY(tx_exec(work->tx, &invoicing_sql_drafts_load, PARAMS(keys.tenants, keys.ids, db_utime(work->arena, work->now)),
              &rows, err));
  size_t found = (size_t)row_count(rows);
  struct invoice *invoices = ARENA_ARRAY(work->arena, struct invoice, found);
  for (size_t i = 0; i < found; i++)
    TRY(read_draft(&(struct row_cursor){.rows = rows, .arena = work->arena, .row = (int)i}, &invoices[i], err));
  if (found > 0) TRY(load_items(work, invoices, found, spare, err));
  *ret_invoices = in_order(work->arena, invoices, found);
  *ret_count = found;
  return RC_OK;
}

enum rc drafts_under_way(struct work *work, const struct uuid *tenant, const char *customer,
                         struct invoice **ret_invoices, size_t *ret_count, struct error *err) {
  PGresult CLEANUP(db_result_release) *rows = NULL;
  TRY(tx_exec(work->tx, &invoicing_sql_drafts_under_way, PARAMS(db_uuid(work->arena, tenant), customer), &rows, err));
  int64_t lines = row_count(rows) > 0 ? row_int(rows, 0, 2) : 0;
  if (lines > DRAFTS_LINES_MAX)
    return error_set(err, RC_CONFLICT,
                     "the customer's drafts have %lld lines, and a preview looks at %d at most: finalise some first",
                     (long long)lines, DRAFTS_LINES_MAX);
  struct draft_ref *refs = ARENA_ARRAY(work->arena, struct draft_ref, (size_t)row_count(rows));
  read_refs(rows, refs);
  return drafts_load(work, refs, (size_t)row_count(rows), 0, ret_invoices, ret_count, err);
}
