/* Drafts: written anew as drafts or as finalised invoices. */
#ifndef INVOICING_DRAFT_H
#define INVOICING_DRAFT_H

#include "invoicing/drafts.h"

/* RC_VALIDATION when the lines are too large to be taxed: before anything is written. */
MUST_CHECK enum rc drafts_check(struct work *work, const struct invoice *invoices, size_t count, struct error *err);
/* With their lines; nothing else is kept for a draft: coupons and account credit are used by finalising it. */
MUST_CHECK enum rc drafts_remove(struct work *work, const struct invoice *invoices, size_t count, struct error *err);
/* Computes loaded drafts (is_draft says as what) and writes them in place of what is stored. */
MUST_CHECK enum rc drafts_replace(struct work *work, struct invoice *invoices, size_t count, struct error *err);
/* Drafts with those of which they take something back: what drafts_hold gives. `cause`: the command about one of them;
 * NULL: none. */
MUST_CHECK enum rc drafts_finalise(struct work *work, const struct draft_ref *refs, size_t count,
                                   const struct message *cause, struct error *err);

#endif
