/* The account credit that an invoice used and that no note has given back yet (BILL-040). */
#ifndef INVOICING_CREDIT_USES_H
#define INVOICING_CREDIT_USES_H

#include "domain/credit_note.h"
#include "invoicing/facts.h"

struct credit_uses {
  struct credit_use *at; /* what was used last, first */
  const char **grants;   /* NULL in a preview: of an invoice that is stored nowhere yet */
  size_t count;
  int64_t sum_minor;
  int64_t money_back_minor; /* what notes gave back of what was paid in money */
};

/* Locks the account credit that (some of) these invoices used, and what else their customer has. */
MUST_CHECK enum rc credit_uses_hold(struct work *work, const struct uuid *tenant, struct db_array *invoices,
                                    struct error *err);
/* Locks the credit, unless it is for a preview. One that has ended by now is over. */
MUST_CHECK enum rc credit_uses_load(struct work *work, const struct invoice_facts *invoice, enum ground_use use,
                                    struct credit_uses *ret_uses, struct error *err);

#endif
