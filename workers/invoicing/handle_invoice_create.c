/* invoice.create: the lines that billing computed become invoices; finalised at once, or drafts for as long as the
 * tenant wants to look at them (BILL-071). */
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

/* BILL-071 */
static void decide_drafts(struct work *work, const struct ground *ground, struct invoice *invoices, size_t count) {
  for (size_t i = 0; i < count; i++) {
    if (invoices[i].is_known) continue;
    int64_t hours = settings_of(ground, &invoices[i].tenant)->draft_hours;
    invoices[i].is_draft = hours > 0;
    invoices[i].auto_finalise = utime_add_ms(work->now, hours * 3600 * 1000);
  }
}

/* What is finalised takes nothing back of a draft, which may become something else yet (the tenant does not want drafts
 * any more, or not for as long): that draft is finalised before it. */
static size_t find_needed(struct invoice *invoices, size_t count, struct draft_ref *refs) {
  size_t needed = 0;
  for (size_t i = 0; i < count; i++) {
    for (size_t n = 0; !invoices[i].is_known && !invoices[i].is_draft && n < invoices[i].line_count; n++) {
      const struct origin *origin = invoices[i].lines[n].origin;
      if (!origin || !origin->is_draft) continue;
      if (refs) refs[needed] = (struct draft_ref){.tenant = invoices[i].tenant, .id = origin->invoice_id};
      needed++;
    }
  }
  return needed;
}

static enum rc finalise_needed(struct work *work, struct invoice *invoices, size_t count, struct ground *ground,
                               struct error *err) {
  size_t needed = find_needed(invoices, count, NULL);
  if (needed == 0) return RC_OK;
  struct draft_ref *refs = ARENA_ARRAY(work->arena, struct draft_ref, needed);
  (void)find_needed(invoices, count, refs);
  TRY(drafts_finalise(work, refs, needed, NULL, err));
  return ground_load(work, invoices, count, GROUND_TO_STORE, ground, err); /* on which all stand now */
}

enum rc handle_invoice_create(struct work *work, struct message *const *messages, size_t count, struct error *err) {
  struct invoice *invoices = ARENA_ARRAY(work->arena, struct invoice, count);
  struct ground ground;
  TRY(read_all(work, messages, count, invoices, err));
  struct uuid_map *by_id = uuid_map_new(work->arena, count);
  TRY(find_known(work, invoices, count, by_id, err));
  TRY(ground_load(work, invoices, count, GROUND_TO_STORE, &ground, err));
  decide_drafts(work, &ground, invoices, count);
  TRY(finalise_needed(work, invoices, count, &ground, err));
  TRY(ground_load_drafted(work, invoices, count, &ground, err));
  for (size_t i = 0; i < count; i++)
    if (!invoices[i].is_known) TRY(invoice_compute(work, &ground, invoices, i, err));

  return invoices_store(work, &ground, invoices, count, err);
}
