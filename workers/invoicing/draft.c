/* A draft's lines and sums may change until it is finalised, and a finalised invoice is written by one path alone: so a
 * draft is taken away and stored again, with its id, its lines' ids and the next version. */
#include "draft.h"

#include <string.h>

#include "handlers.h"
#include "invoicing/compute.h"
#include "sql.h"
#include "store.h"

enum rc drafts_check(struct work *work, const struct invoice *invoices, size_t count, struct error *err) {
  for (size_t i = 0; i < count; i++) {
    struct taxable *lines = ARENA_ARRAY(work->arena, struct taxable, invoices[i].line_count);
    for (size_t n = 0; n < invoices[i].line_count; n++) {
      lines[n].listed_minor = invoices[i].lines[n].listed_minor;
      lines[n].listed_discount_minor = invoices[i].lines[n].listed_minor; /* at most */
    }
    TRY(tax_compute(lines, invoices[i].line_count, TAX_ROUND_TOTAL, err));
  }
  return RC_OK;
}

enum rc drafts_remove(struct work *work, const struct invoice *invoices, size_t count, struct error *err) {
  struct db_array *tenants = db_array_new(work->arena), *ids = db_array_new(work->arena);
  for (size_t i = 0; i < count; i++) {
    db_array_uuid(tenants, &invoices[i].tenant);
    db_array_uuid(ids, &invoices[i].id);
  }
  const char *params[] = {db_array_literal(tenants), db_array_literal(ids)};
  TRY(tx_exec(work->tx, &sql_draft_items_remove, params, 2, NULL, err));
  return tx_exec(work->tx, &sql_drafts_remove, params, 2, NULL, err);
}

enum rc drafts_replace(struct work *work, struct invoice *invoices, size_t count, struct error *err) {
  struct ground ground;
  if (count == 0) return RC_OK;
  TRY(drafts_remove(work, invoices, count, err));
  TRY(ground_load(work, invoices, count, GROUND_TO_STORE, &ground, err));
  TRY(ground_load_drafted(work, invoices, count, &ground, err));
  for (size_t i = 0; i < count; i++) {
    invoice_gather(&invoices[i]);
    TRY(invoice_compute(work, &ground, invoices, i, err));
  }
  return invoices_store(work, &ground, invoices, count, err);
}

enum rc drafts_finalise(struct work *work, const struct draft_ref *refs, size_t count, const struct message *cause,
                        struct error *err) {
  struct invoice *drafts;
  if (count == 0) return RC_OK;
  TRY(drafts_load(work, refs, count, 0, &drafts, &count, err));
  for (size_t i = 0; i < count; i++) {
    drafts[i].is_draft = false;
    if (cause && strcmp(drafts[i].id_text, cause->subject) == 0) drafts[i].cause = cause;
  }
  return drafts_replace(work, drafts, count, err);
}
