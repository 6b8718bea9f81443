/* For explain_*.c: steps, and the numbers in them as text, in the explanation's arena. */
#ifndef DOMAIN_EXPLAIN_TEXT_H
#define DOMAIN_EXPLAIN_TEXT_H

#include "domain/explain.h"

void step_add(struct explanation *explanation, struct explanation_step step);

const char *text_money(const struct explanation *explanation, int64_t minor);
const char *text_price(const struct explanation *explanation, struct decimal value);
const char *text_quantity(const struct explanation *explanation, struct quantity quantity);
const char *text_percent(const struct explanation *explanation, int64_t micro);
const char *text_integer(const struct explanation *explanation, int64_t value);
/* An exact sum of price.h, with no fewer digits than the currency has. */
const char *text_sum(const struct explanation *explanation, int128 sum);
const char *text_date(const struct explanation *explanation, struct date date);
const char *text_units(enum proration_basis basis);

#endif
