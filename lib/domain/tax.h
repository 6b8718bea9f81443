/* Taxes of an invoice (BILL-041): which rate a line has, and what it comes to. */
#ifndef DOMAIN_TAX_H
#define DOMAIN_TAX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/uuid.h"

#define TAX_CATEGORIES(X)     \
  X(TAX_STANDARD, "standard") \
  X(TAX_ZERO, "zero")         \
  X(TAX_EXEMPT, "exempt")     \
  X(TAX_REVERSE, "reverse_charge")

enum tax_category {
#define X(category, name) category,
  TAX_CATEGORIES(X)
#undef X
};

/* total: for each rate, what its lines sum to is taxed and rounded once (as EN 16931 has it). line: each line is. */
#define TAX_ROUNDINGS(X)      \
  X(TAX_ROUND_TOTAL, "total") \
  X(TAX_ROUND_LINE, "line")

enum tax_rounding {
#define X(rounding, name) rounding,
  TAX_ROUNDINGS(X)
#undef X
};

const char *tax_category_name(enum tax_category category);
MUST_CHECK bool tax_category_from_name(const char *name, enum tax_category *ret_category);
const char *tax_rounding_name(enum tax_rounding rounding);
MUST_CHECK bool tax_rounding_from_name(const char *name, enum tax_rounding *ret_rounding);

/* Rates count as one if percentage and category are the same. */
struct tax_rate {
  int64_t percent_micro; /* domain/percent.h */
  enum tax_category category;
  bool is_inclusive; /* the listed price has the tax in it */
  struct uuid id;    /* of the tenant's rates the one that it is; nil: none of them applies */
};

/* One of the tenant's rates: for a tax code and a place, or for any (NULL). */
struct tax_rule {
  const char *country, *region, *tax_code;
  struct tax_rate rate;
};

struct tax_party {
  const char *country, *region; /* NULL: not known */
  bool is_exempt, has_tax_id;
};

bool tax_rule_fits(const struct tax_rule *rule, const struct tax_party *customer, const char *tax_code);

/* The rate of a line with this tax code (NULL: none) for this customer. Of the rules that fit, the one for the
 * narrowest place counts, among those the one for the code; of two for the same, the first. Exempt customers and
 * customers with a tax id in another member state of the European Union than the seller (reverse charge) have rates of
 * 0 %; so has what no rule fits. */
struct tax_rate tax_choose(const struct tax_rule *rules, size_t count, const struct tax_party *customer,
                           const char *seller_country, const char *tax_code);

bool tax_rate_is_same(const struct tax_rate *a, const struct tax_rate *b);

struct taxable {
  struct tax_rate rate;
  int64_t listed_minor;          /* price × quantity, with the tax in it if the rate is inclusive */
  int64_t listed_discount_minor; /* of the same kind */
  /* set by tax_compute; amount - discount + tax is what the line comes to */
  int64_t amount_minor, discount_minor, tax_minor; /* amount and discount net of tax */
};

/* What listed amounts, whatever their signs, may come to in one invoice: with any discount and any rate, it fits. */
#define TAXABLE_MAX (MONEY_MAX / 4)
/* count is at most INVOICE_LINES_MAX. RC_VALIDATION naming "items" when their sum, with a tax of 100 %, could be beyond
 * MONEY_MAX. */
MUST_CHECK enum rc tax_compute(struct taxable *lines, size_t count, enum tax_rounding rounding, struct error *err);

#endif
