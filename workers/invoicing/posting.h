/* Ledger entries and account credit, gathered and written in one statement each. */
#ifndef INVOICING_POSTING_H
#define INVOICING_POSTING_H

#include "domain/ledger.h"
#include "invoicing/credit_uses.h"

/* What a fact belongs to. */
struct posting {
  struct uuid tenant, document;
  const char *customer_id, *currency;
};

struct postings;
struct postings *postings_new(struct work *work);
/* Nothing for an amount of 0. */
void post(struct postings *postings, const struct posting *to, enum ledger_fact fact, int64_t minor);
MUST_CHECK enum rc postings_insert(struct work *work, struct postings *postings, struct error *err);

/* The new ones and those that changed. */
MUST_CHECK enum rc grants_save(struct work *work, const struct grant *grants, size_t count, struct error *err);
/* What was decided to be returned of what an invoice used. */
MUST_CHECK enum rc credit_uses_return(struct work *work, const struct invoice_facts *invoice,
                                      const struct credit_uses *uses, struct error *err);

#endif
