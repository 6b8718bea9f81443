/* An invoice that is stored, as commands act on it, and the events of what becomes of it. */
#ifndef INVOICING_INVOICE_FACTS_H
#define INVOICING_INVOICE_FACTS_H

#include "base/money.h"
#include "domain/invoice.h"
#include "runtime/runtime.h"

struct standing {
  struct uuid tenant;
  const char *id, *customer_id, *subscription_id, *number;
  enum invoice_state state;
  const struct currency *currency;
  int64_t subtotal_minor, discount_minor, tax_minor, total_minor;
  int64_t credit_applied_minor, credited_minor, paid_minor;
  int64_t version;
};

/* Locks the invoice. RC_NOT_FOUND naming it. */
MUST_CHECK enum rc standing_load(struct work *work, const struct uuid *tenant, const char *id,
                                 struct standing *ret_standing, struct error *err);
/* What is still to be paid; 0 unless it is open or given up. */
int64_t standing_due(const struct standing *standing);

/* An invoice of which nothing has been paid becomes void: its ledger entries turned round, its credit given back. */
MUST_CHECK enum rc invoice_void(struct work *work, struct standing *standing, const struct message *cause,
                                struct error *err);
/* Answers the command with the invoice as it is stored. */
MUST_CHECK enum rc invoice_answer(struct work *work, const struct message *command, const char *id, int status,
                                  struct error *err);
/* invoice.voided, invoice.uncollectible, invoice.paid and invoice.sent. `version`: of the invoice after it. */
void invoice_emit(struct work *work, const struct standing *standing, const char *type, int64_t version,
                  const struct message *cause);
void invoice_emit_sent(struct work *work, const struct standing *standing, const char *issue_date, const char *due_date,
                       const char *collection, const struct message *cause);

#endif
