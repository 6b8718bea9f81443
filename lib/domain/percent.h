/* Percentages of taxes and coupons: exact to six decimals, from 0 to 100. */
#ifndef DOMAIN_PERCENT_H
#define DOMAIN_PERCENT_H

#include <stdint.h>

#include "base/decimal.h"
#include "base/error.h"

/* 19 % is 19,000,000. */
#define PERCENT_MICRO MICRO
#define PERCENT_WHOLE INT64_C(100000000)

/* "19", "7.7", "8.875"; BILL-004's form of decimals. RC_VALIDATION naming field. */
MUST_CHECK enum rc percent_parse(const char *text, const char *field, int64_t *ret_micro, struct error *err);
enum { PERCENT_TEXT_MAX = DECIMAL_TEXT_MAX };
const char *percent_format(int64_t micro, char text[static PERCENT_TEXT_MAX]); /* shortest: "7.7" */

#endif
