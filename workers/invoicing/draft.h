/* Drafts: loaded as they were given, written anew as drafts or as finalised invoices. */
#ifndef INVOICING_DRAFT_H
#define INVOICING_DRAFT_H

#include "invoicing/ground.h"

struct draft_ref {
  struct uuid tenant, id;
};

/* Locks and loads those that are drafts still. `spare`: room for so many more lines in each. */
MUST_CHECK enum rc drafts_load(struct work *work, const struct draft_ref *refs, size_t count, size_t spare,
                               struct invoice **ret_invoices, size_t *ret_count, struct error *err);
/* RC_VALIDATION when the lines are too large to be taxed: before anything is written. */
MUST_CHECK enum rc drafts_check(struct work *work, const struct invoice *invoices, size_t count, struct error *err);
/* Computes loaded drafts (is_draft says as what) and writes them in place of what is stored. */
MUST_CHECK enum rc drafts_replace(struct work *work, struct invoice *invoices, size_t count, struct error *err);
/* Before its time; nothing when it is a draft no more. */
MUST_CHECK enum rc draft_finalise(struct work *work, const struct draft_ref *ref, struct error *err);

#endif
