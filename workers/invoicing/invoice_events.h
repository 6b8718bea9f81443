/* What becomes of stored invoices, and the events that tell it. */
#ifndef INVOICING_INVOICE_EVENTS_H
#define INVOICING_INVOICE_EVENTS_H

#include "invoicing/facts.h"

/* An invoice of which nothing has been paid becomes void: its ledger entries turned round, its credit given back. */
MUST_CHECK enum rc invoice_void(struct work *work, struct invoice_facts *facts, const struct message *cause,
                                struct error *err);
/* Answers the command with the invoice as it is stored. */
MUST_CHECK enum rc invoice_answer(struct work *work, const struct message *command, const char *id, int status,
                                  struct error *err);
/* invoice.deleted, invoice.voided, invoice.uncollectible, invoice.paid and invoice.sent. `version`: of the invoice
 * after it. */
void invoice_emit(struct work *work, const struct invoice_facts *facts, const char *type, int64_t version,
                  const struct message *cause);
void invoice_emit_sent(struct work *work, const struct invoice_facts *facts, const char *issue_date,
                       const char *due_date, const char *collection, const struct message *cause);

#endif
