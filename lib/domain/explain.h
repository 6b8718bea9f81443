/* How an amount came about, step by step, and what it comes to when it is computed again (BILL-025). Each function
 * calls the very ones that billed and writes down what they did: nothing is computed in a second way here, or an error
 * would explain itself away. What is asked about is as it was stored with the line; its caller has checked that it is
 * possible.
 *
 * Steps live in the explanation's arena. Numbers in them are exact decimals as text; what was rounded says so. */
#ifndef DOMAIN_EXPLAIN_H
#define DOMAIN_EXPLAIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/zone.h"
#include "domain/calendar.h"
#include "domain/change.h"
#include "domain/credit_note.h"
#include "domain/discount.h"
#include "domain/price.h"
#include "domain/proration.h"
#include "domain/tax.h"

struct explanation_step {
  const char *name;       /* for programs: "share" */
  const char *rules;      /* "BILL-002 BILL-021" */
  const char *text;       /* for people */
  const char *expression; /* "31.00 × 12/31" */
  const char *result;     /* "12.00" */
  bool is_rounded;        /* half away from zero */
};

struct explanation {
  struct arena *arena;
  const struct currency *currency;
  struct explanation_step *steps;
  size_t count, capacity;
};

/* What is charged of which period. [from, to) lies within period `index` of the grid. */
struct explained_span {
  struct grid grid;
  int64_t index;
  struct date from, to;
  const struct zone *zone;
  enum proration_basis basis;
};
struct price_share explain_share(struct explanation *explanation, const struct explained_span *span);

/* A component's price for a share of a period. */
MUST_CHECK enum rc explain_price(struct explanation *explanation, const struct price_component *component,
                                 struct quantity quantity, int64_t events, struct price_share share, int64_t *ret_minor,
                                 struct error *err);

/* What is left of a charge for a span after each of the cuts (BILL-022). */
struct explained_cut {
  int64_t at;       /* as in change.h */
  const char *text; /* "2027-03-20" */
};
struct explained_cuts {
  const struct explained_cut *at; /* in order */
  size_t count;
};
MUST_CHECK enum rc explain_rest(struct explanation *explanation, int64_t charged_minor, struct change_span span,
                                enum proration_basis basis, struct explained_cuts cuts, int64_t *ret_minor,
                                struct error *err);
/* What of it falls to a piece, [ends[0], ends[1]), between cuts or the ends of the span. */
MUST_CHECK enum rc explain_piece(struct explanation *explanation, int64_t charged_minor, struct change_span span,
                                 enum proration_basis basis, struct explained_cuts cuts,
                                 const struct explained_cut ends[static 2], int64_t *ret_minor, struct error *err);
/* Of the rest, no more than credit notes left of the line. */
int64_t explain_limit(struct explanation *explanation, int64_t rest_minor, int64_t left_minor);
/* And what is then given back. */
int64_t explain_credit(struct explanation *explanation, int64_t rest_minor);

/* A fee that is charged once, in full. */
int64_t explain_fee(struct explanation *explanation, int64_t fee_minor);

/* What was agreed on at least for a period, or its share. */
MUST_CHECK enum rc explain_agreed(struct explanation *explanation, int64_t minimum_minor, struct price_share share,
                                  int64_t *ret_minor, struct error *err);
/* Charged after all: what was to be credited, and the lines had less left. */
int64_t explain_uncredited(struct explanation *explanation, int64_t charged_minor, int64_t uncredited_minor);
/* What was agreed on for some periods, less what was charged in them, at least 0. charged_minor below 0: an earlier
 * state of a period has not reached its own part. */
int64_t explain_missing(struct explanation *explanation, int64_t agreed_minor, int64_t charged_minor);

/* A line written by hand. */
MUST_CHECK enum rc explain_product(struct explanation *explanation, struct quantity quantity, struct decimal unit_price,
                                   int64_t *ret_minor, struct error *err);

/* The coupons of an invoice in their order; is_covered has a flag for each line. Returns what comes off line `at`. */
struct explained_coupon {
  const char *code;
  struct coupon coupon;
  const bool *is_covered;
};
int64_t explain_coupons(struct explanation *explanation, const struct explained_coupon *coupons, size_t coupon_count,
                        struct discountable *lines, size_t count, size_t at);

/* The share of a line's discount that a credit of `credit_minor` brings along, below zero (BILL-022). */
int64_t explain_taken_back(struct explanation *explanation, const struct taken_back *before, int64_t credit_minor);

/* Which of the tenant's rates a line has, and for whom it was chosen. */
struct explained_rate {
  const char *code;
  struct tax_rule rule;
  const struct tax_party *customer; /* NULL: not known, or the line takes back another and has its rate */
  const char *tax_code;             /* of the line; NULL: none */
};
/* The tax of line `at` among those of its invoice; all of them are computed as tax_compute does. chosen: of this line;
 * NULL: none of the tenant's. RC_INVARIANT when it is not the line's rate, or is for somebody else. */
MUST_CHECK enum rc explain_tax(struct explanation *explanation, struct taxable *lines, size_t count, size_t at,
                               enum tax_rounding rounding, const struct explained_rate *chosen, struct error *err);

/* What a credit note gives back of line `at` of its invoice, by its basis: all lines are as they were before; wanted
 * and its tax are set as they were then (BILL-043). count is at most INVOICE_LINES_MAX. */
MUST_CHECK enum rc explain_credited(struct explanation *explanation, enum credit_basis basis, int64_t asked_minor,
                                    struct creditable *lines, size_t count, size_t at, struct error *err);
/* And of its tax. */
void explain_credited_tax(struct explanation *explanation, const struct creditable *line);

#endif
