/* Credit notes (BILL-043) allocate an invoice's own integers: what several notes give back of a line never exceeds it,
 * and notes over all lines sum to exactly the invoice. Amounts are net of tax, after discount.
 *
 * The rest of a line is what it charges, or credits, less what was given back of it. The rest of the invoice is that of
 * all its lines together: its total less what was given back. Beside a credit a charge may have more left than the
 * invoice has; no note is more than the invoice has left. */
#ifndef DOMAIN_CREDIT_NOTE_H
#define DOMAIN_CREDIT_NOTE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

/* A line of the invoice, what earlier notes gave back of it, and what this one does. A line of a negative amount is
 * given back in negative amounts. */
struct creditable {
  int64_t amount_minor, tax_minor;            /* of the invoice; the amount after discount */
  int64_t listed_minor;                       /* before discount, with a tax that is in the price */
  int64_t credited_minor, tax_credited_minor; /* before */
  int64_t claimed_minor;                      /* what billing takes back of the listed amount; 0: nothing */
  int64_t wanted_minor, tax_wanted_minor;     /* by this note; the tax is set by the functions below */
  int64_t weight_minor;                       /* of an amount: the part of the line in what it is spread over */
};

/* What is left of the line's amount. */
int64_t credit_rest(const struct creditable *line);

/* What a note goes by: all that is left; an amount for each line; one amount; what billing takes back of lines. */
#define CREDIT_BASES(X)      \
  X(CREDIT_WHOLE, "whole")   \
  X(CREDIT_LINES, "lines")   \
  X(CREDIT_AMOUNT, "amount") \
  X(CREDIT_CLAIMED, "claimed")

enum credit_basis {
#define X(basis, name) basis,
  CREDIT_BASES(X)
#undef X
};
const char *credit_basis_name(enum credit_basis basis);
MUST_CHECK bool credit_basis_from_name(const char *name, enum credit_basis *ret_basis);

/* wanted_minor is given: sets its tax. RC_VALIDATION naming `field` when it is of the other sign or more than the rest.
 */
MUST_CHECK enum rc credit_line(struct creditable *line, const char *field, struct error *err);
/* All that is left of each line. */
void credit_whole(struct creditable *lines, size_t count);
/* An amount net of tax, up to what is left of the invoice. It is spread (BILL-003) over what is left of the charges, so
 * that credits stay what they are; over all lines when charges alone would bring more tax than the invoice has left,
 * and when it is all that is left. count is at most INVOICE_LINES_MAX. */
MUST_CHECK enum rc credit_amount(struct creditable *lines, size_t count, int64_t amount_minor, const char *field,
                                 struct error *err);

/* What a note gives back, added up; left_minor is what no note has given back of the invoice yet. RC_CONFLICT when it
 * is nothing, or more than that. */
struct credit_sum {
  int64_t amount_minor, tax_minor, total_minor;
};
MUST_CHECK enum rc credit_sum_up(const struct creditable *lines, size_t count, int64_t left_minor,
                                 struct credit_sum *ret_sum, struct error *err);

/* claimed_minor is given: the line's share of the discount goes with it, and no more than the line has left. */
void credit_claimed(struct creditable *line);

/* Where a note's total goes: first to what is due on the invoice; of the rest, what was paid in money is the
 * customer's, as new credit or to be refunded; last, what account credit had paid goes back to that credit. */
struct credit_settled {
  int64_t due_minor, money_minor, credit_minor; /* still due; paid, and not given back yet */
};
struct credit_disposal {
  int64_t applied_minor, left_minor;
  int64_t returned_minor; /* of left, to the credit that it came from */
};
struct credit_disposal credit_dispose(int64_t total_minor, const struct credit_settled *settled);

/* Account credit that an invoice used, and that is given back: what was used last, first. It is there again for no
 * longer than it was: what has ended meanwhile stays so. */
struct credit_use {
  int64_t used_minor, returned_minor; /* not given back before; given back now */
  bool is_over;
};
/* At most what was used; returns how much goes to what is over. */
int64_t credit_return(struct credit_use *uses, size_t count, int64_t minor);

#endif
