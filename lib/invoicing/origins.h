/* The lines that those of a batch take back, and what has been taken back of them already (BILL-022). */
#ifndef INVOICING_ORIGINS_H
#define INVOICING_ORIGINS_H

#include "invoicing/ground.h"

/* Where they are invoiced, of tenants that had drafts and make none any more: rows of origins_find.sql; NULL: the batch
 * takes nothing back. */
MUST_CHECK enum rc origins_find(struct work *work, struct invoice *invoices, size_t count, PGresult **ret_rows,
                                struct error *err);
/* For the invoices that are not known; to store what comes of it, the invoices that the lines are on are locked. */
MUST_CHECK enum rc origins_load(struct work *work, struct invoice *invoices, size_t count, enum ground_use use,
                                struct error *err);

#endif
