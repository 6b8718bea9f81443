/* How a line's amount came about, as billing-cycle and invoicing wrote it down with the line (BILL-025; see
 * write_provenance in workers/billing-cycle/invoices.c), computed again by lib/domain/explain.h. */
#ifndef API_PROVENANCE_H
#define API_PROVENANCE_H

#include <jansson.h>

#include "domain/explain.h"

/* The listed amount of a line: its price before coupons, with the tax in it where prices include it. `provenance` has
 * exact numbers (base/json_text.h). RC_INVARIANT, with a text for people, for what does not say enough, cannot have
 * been written by us, or contradicts itself: such a line cannot be vouched for. */
MUST_CHECK enum rc provenance_explain(struct explanation *explanation, json_t *provenance, int64_t *ret_minor,
                                      struct error *err);

#endif
