/* Coupons (BILL-040, BILL-042). Each comes off what the earlier ones left; its amount is rounded once and spread over
 * the lines that it covers by BILL-003. A coupon takes no covered line below zero and never turns what is charged
 * negative: what is left of a fixed amount is lost. */
#ifndef DOMAIN_DISCOUNT_H
#define DOMAIN_DISCOUNT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct coupon {
  int64_t percent_micro; /* domain/percent.h; 0: a fixed amount */
  int64_t amount_minor;  /* of a fixed one, > 0 */
};

/* A line as coupons see it. Amounts are as listed: with the tax in it where prices include it. */
struct discountable {
  int64_t amount_minor;
  bool is_covered;        /* by the coupon at hand */
  bool is_taken_back;     /* takes back another line with its share of the discount (BILL-022): coupons pass it by */
  int64_t discount_minor; /* what comes off so far; grows */
  int64_t share_minor;    /* of it, what the last coupon took */
};

/* What the covered lines have left together: what a percentage is of, and what an amount is spread over. */
int64_t coupon_base(const struct discountable *lines, size_t count);

/* Takes the coupon off the covered lines with an amount left; returns how much it was, >= 0. count is at most
 * INVOICE_LINES_MAX. */
int64_t coupon_apply(const struct coupon *coupon, struct discountable *lines, size_t count);

/* A line that credits take back bit by bit (BILL-022); amounts are as listed. */
struct taken_back {
  int64_t amount_minor, discount_minor;      /* of the line */
  int64_t taken_minor, discount_taken_minor; /* of them, taken back so far */
};

/* What a credit of `credit_minor` (> 0) brings along of the line's discount, >= 0; `line` is moved on. Several credits
 * together never bring more than all of it. */
int64_t discount_take_back(struct taken_back *line, int64_t credit_minor);

/* Account credit (BILL-040): what is used of each grant, oldest first, for an amount that is due. Returns the sum. */
int64_t credit_apply(int64_t due_minor, const int64_t *remaining_minor, size_t count, int64_t *ret_used);

#endif
