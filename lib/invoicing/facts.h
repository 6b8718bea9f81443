/* An invoice that is stored: where it stands, and what its lines have left. */
#ifndef INVOICING_FACTS_H
#define INVOICING_FACTS_H

#include "base/money.h"
#include "domain/invoice.h"
#include "invoicing/ground.h"

struct invoice_facts {
  struct uuid tenant;
  const char *id, *customer_id, *subscription_id, *number;
  enum invoice_state state;
  const struct currency *currency;
  int64_t subtotal_minor, discount_minor, tax_minor, total_minor;
  int64_t credit_applied_minor, credited_minor, paid_minor;
  int64_t version;
};

/* Locks it, unless it is for a preview. RC_NOT_FOUND naming it. */
MUST_CHECK enum rc invoice_facts_load(struct work *work, const struct uuid *tenant, const char *id, enum ground_use use,
                                      struct invoice_facts *ret_facts, struct error *err);
/* What is still to be paid; 0 unless it is open or given up. */
int64_t invoice_facts_due(const struct invoice_facts *facts);

/* What of a subscription's lines, as listed, may still be given back after credit notes (BILL-022): nothing of what is
 * on a void invoice; ret_left[i] is INT64_MAX for what is on none yet. `tenant` and `subscription`: ids. */
MUST_CHECK enum rc lines_left(struct work *work, const char *tenant, const char *subscription,
                              const struct line_name *names, size_t count, int64_t *ret_left, struct error *err);

#endif
