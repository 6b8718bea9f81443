/* A credit note on one invoice (BILL-043), from what is wanted to what it comes to: it gives back the invoice's own
 * integers. First it reduces what is due; the rest becomes account credit, or is kept apart to be refunded. */
#ifndef INVOICING_NOTE_H
#define INVOICING_NOTE_H

#include "base/json_text.h"
#include "domain/credit_note.h"
#include "invoicing/credit_uses.h"

/* What a preview sees beside the database: invoices that it has computed, in the order in which they are finalised.
 * They are stored nowhere yet, or are drafts, whose rows do not count then. */
struct ahead {
  struct invoice *invoices;
  size_t count;
};

/* Their ids as an array for a statement; none for NULL. */
const char *ahead_ids(struct arena *arena, const struct ahead *ahead);

struct note {
  struct uuid id;
  const char *id_text, *reason, *disposition, *number;
  struct invoice_facts invoice;
  bool is_ahead;  /* the invoice has no number yet */
  bool is_stored; /* it has an id that will stay */
  struct creditable lines[INVOICE_LINES_MAX];
  const char *item_ids[INVOICE_LINES_MAX]; /* the invoice's lines, in their order: line n is number n + 1 */
  const char *descriptions[INVOICE_LINES_MAX];
  const char *subscription_ids[INVOICE_LINES_MAX];                            /* NULL: of none */
  bool is_apart[INVOICE_LINES_MAX];                                           /* CREDIT_AMOUNT is not spread over it */
  int64_t noted_minor[INVOICE_LINES_MAX], tax_noted_minor[INVOICE_LINES_MAX]; /* of `credited`, what notes gave back */
  size_t line_count;
  enum credit_basis basis;
  int64_t asked_minor;     /* of CREDIT_AMOUNT */
  struct credit_uses uses; /* of account credit, by the invoice */
  struct credit_sum sum;
  struct credit_disposal disposal;
  int64_t expired_minor; /* of what is returned, goes to credit that is over */
};

/* Loads the invoice and its lines, and locks it unless there is an `ahead` (a preview; else NULL); id, reason and
 * disposition are the caller's to set. */
MUST_CHECK enum rc note_open(struct work *work, const struct uuid *tenant, const char *invoice_id,
                             const struct ahead *ahead, struct note **ret_note, struct error *err);
/* RC_ILLEGAL_TRANSITION for drafts and what is void. */
MUST_CHECK enum rc note_check(const struct note *note, struct error *err);
/* From here on counts as credited what notes gave back, and not what lines of later invoices took back: for what these
 * invoices had no room for, because they took it back. */
void note_count_notes_only(struct note *note);
/* Adds up what is wanted of the lines. RC_CONFLICT when that is nothing, or more than is left of the invoice. */
MUST_CHECK enum rc note_sum_up(struct note *note, struct error *err);
/* What of it becomes account credit, new or as it was. */
int64_t note_credited(const struct note *note);
/* What is to be paid out. */
int64_t note_refundable(const struct note *note);
/* Whether nothing is due any more, when something was. */
bool note_settles(const struct note *note);
/* BILL-025: enough to compute it again: the basis, and each line of the invoice as it was before. */
const char *note_provenance(struct arena *arena, const struct note *note);
/* As the view credit_note_resource shows it, but for what it has only when it is stored. */
void note_write(struct json_writer *json, const struct note *note);

#endif
