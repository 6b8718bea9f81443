/* invoice.create: the lines that billing computed become invoices; finalised at once, or drafts for as long as the
 * tenant wants to look at them (BILL-071). */
#include <string.h>

#include "base/uuid_map.h"
#include "draft.h"
#include "handlers.h"
#include "invoicing/compute.h"
#include "sql.h"
#include "store.h"

/* -- load -- */

static enum rc read_all(struct work *work, struct message *const *messages, size_t count, struct invoice *invoices,
                        struct error *err) {
  for (size_t i = 0; i < count; i++) TRY(invoice_read(work->arena, messages[i], &invoices[i], err));
  return RC_OK;
}

/* Commands may come twice: those whose invoice is stored, and the second of two in one batch. */
static enum rc find_known(struct work *work, struct invoice *invoices, size_t count, struct uuid_map *by_id,
                          struct error *err) {
  struct db_array *tenants = db_array_new(work->arena), *ids = db_array_new(work->arena);
  size_t at;
  for (size_t i = 0; i < count; i++) {
    invoices[i].is_known = !uuid_map_add(by_id, &invoices[i].id, i, &at);
    db_array_uuid(tenants, &invoices[i].tenant);
    db_array_uuid(ids, &invoices[i].id);
  }
  PGresult CLEANUP(db_result_release) *rows = NULL;
  TRY(tx_exec(work->tx, &sql_invoices_known, PARAMS(db_array_literal(tenants), db_array_literal(ids)), &rows, err));
  for (int r = 0; r < row_count(rows); r++) {
    struct uuid id = row_uuid(rows, r, 0);
    if (uuid_map_find(by_id, &id, &at)) invoices[at].is_known = true;
  }
  return RC_OK;
}

/* The drafts that have to be finalised before become the first of the batch: what all of it stands on is locked at once
 * (ARCHITECTURE.md). */
static enum rc add_needed(struct work *work, struct invoice **invoices, size_t *count, size_t *ret_needed,
                          struct error *err) {
  struct draft_ref *refs = NULL;
  struct invoice *drafts;
  size_t needed;
  *ret_needed = 0;
  TRY(drafts_hold_before(work, *invoices, *count, &refs, &needed, err));
  if (needed == 0) return RC_OK;
  TRY(drafts_load(work, refs, needed, 0, &drafts, &needed, err));
  TRY(drafts_remove(work, drafts, needed, err));
  struct invoice *all = ARENA_ARRAY(work->arena, struct invoice, needed + *count);
  for (size_t i = 0; i < needed; i++) {
    all[i] = drafts[i];
    all[i].is_draft = false;
  }
  memcpy(all + needed, *invoices, *count * sizeof *all);
  *invoices = all;
  *count += needed;
  *ret_needed = needed;
  return RC_OK;
}

/* A draft is in the way when the tenant's settings changed since these were looked for, or while it is being replaced:
 * the batch is run again. */
static enum rc check_origins(const struct invoice *invoice, struct error *err) {
  for (size_t n = 0; !invoice->is_draft && n < invoice->line_count; n++)
    if (invoice->lines[n].origin && invoice->lines[n].origin->is_draft)
      return error_set(err, RC_DB_CONFLICT, "what is taken back is a draft");
  return RC_OK;
}

enum rc handle_invoice_create(struct work *work, struct message *const *messages, size_t count, struct error *err) {
  struct invoice *invoices = ARENA_ARRAY(work->arena, struct invoice, count);
  struct ground ground;
  size_t needed;
  TRY(read_all(work, messages, count, invoices, err));
  struct uuid_map *by_id = uuid_map_new(work->arena, count);
  TRY(find_known(work, invoices, count, by_id, err));
  TRY(add_needed(work, &invoices, &count, &needed, err));
  TRY(ground_load(work, invoices, count, GROUND_TO_STORE, &ground, err));
  for (size_t i = needed; i < count; i++)
    if (!invoices[i].is_known) invoice_begin(&ground, &invoices[i], work->now);
  TRY(ground_load_drafted(work, invoices, count, &ground, err));
  for (size_t i = 0; i < count; i++) {
    if (invoices[i].is_known) continue;
    TRY(check_origins(&invoices[i], err));
    TRY(invoice_compute(work, &ground, invoices, i, err));
  }

  return invoices_store(work, &ground, invoices, count, err);
}
