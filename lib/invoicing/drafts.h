/* Drafts, loaded as they were given, to be computed anew. */
#ifndef INVOICING_DRAFTS_H
#define INVOICING_DRAFTS_H

#include "invoicing/ground.h"

struct draft_ref {
  struct uuid tenant, id;
};

/* Locks these invoices with all that are locked when those of them that are drafts are finalised: those of whose lines
 * they take something back, and so on; at once, in one order for all. *refs becomes what of all is a draft. */
MUST_CHECK enum rc drafts_hold(struct work *work, struct draft_ref **refs, size_t *count, struct error *err);
/* The same for who holds some of them already and must not wait for the others: without those that need one that
 * somebody else has. */
MUST_CHECK enum rc drafts_hold_free(struct work *work, struct draft_ref **refs, size_t *count, struct error *err);
/* The drafts that are finalised before these invoices, which are none themselves, as their tenants want no drafts (any
 * more): for what is finalised takes nothing back of what may become something else yet. When there are any, all that
 * the invoices take back is locked. */
MUST_CHECK enum rc drafts_hold_before(struct work *work, struct invoice *invoices, size_t count,
                                      struct draft_ref **ret_refs, size_t *ret_count, struct error *err);
/* Those that are drafts, in the order in which they are finalised (invoicing/order.h); held, or for a preview. `spare`:
 * room for so many more lines in each. */
MUST_CHECK enum rc drafts_load(struct work *work, const struct draft_ref *refs, size_t count, size_t spare,
                               struct invoice **ret_invoices, size_t *ret_count, struct error *err);
/* For a preview: the drafts of a customer that a task will finalise, all of them: each may use account credit, or a
 * coupon, before what is previewed. RC_CONFLICT when they have more than DRAFTS_LINES_MAX lines. */
enum { DRAFTS_LINES_MAX = 20000 };
MUST_CHECK enum rc drafts_under_way(struct work *work, const struct uuid *tenant, const char *customer,
                                    struct invoice **ret_invoices, size_t *ret_count, struct error *err);

#endif
