/* Writing invoices that were computed. */
#ifndef INVOICING_STORE_H
#define INVOICING_STORE_H

#include "invoicing/ground.h"

/* Stores what is not known, drafts and finalised invoices, in the open transaction, and emits their events. The
 * counters of the series stay locked from here to the commit. */
MUST_CHECK enum rc invoices_store(struct work *work, const struct ground *ground, struct invoice *invoices,
                                  size_t count, struct error *err);

#endif
