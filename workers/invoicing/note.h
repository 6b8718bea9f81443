/* A credit note on one invoice (BILL-043), from what is wanted to its rows: it gives back the invoice's own integers.
 * First it reduces what is due; the rest becomes account credit, or is kept apart to be refunded. */
#ifndef INVOICING_NOTE_H
#define INVOICING_NOTE_H

#include "domain/credit_note.h"
#include "invoice_facts.h"

struct note {
  const struct message *command;
  struct uuid id;
  const char *id_text, *reason, *disposition, *number;
  struct standing invoice;
  struct creditable lines[INVOICE_LINES_MAX];
  const char *item_ids[INVOICE_LINES_MAX]; /* the invoice's lines, in their order: line n is number n + 1 */
  int64_t listed_minor[INVOICE_LINES_MAX];
  size_t line_count;
  int64_t amount_minor, tax_minor, total_minor;
  struct credit_disposal disposal;
};

/* Locks the invoice and loads its lines; id, reason and disposition are the caller's to set. RC_ILLEGAL_TRANSITION for
 * drafts and what is void. */
MUST_CHECK enum rc note_open(struct work *work, const struct message *command, const char *invoice_id,
                             struct note **ret_note, struct error *err);
/* Adds up what is wanted of the lines. RC_CONFLICT when that is nothing, or more than is left of the invoice. */
MUST_CHECK enum rc note_sum_up(struct note *note, struct error *err);
/* Writes note, ledger and credit, settles the invoice, and tells. */
MUST_CHECK enum rc note_store(struct work *work, struct note *note, struct error *err);

#endif
