/* Exact shares made whole (BILL-003): each part is its own exact share rounded down or up, the parts sum to the rounded
 * sum of the shares. Unlike money_split the shares may be of mixed sign, and their sum need not be a whole number. */
#ifndef DOMAIN_APPORTION_H
#define DOMAIN_APPORTION_H

#include <stddef.h>

#include "base/money.h"

/* Share i is numerators[i] ÷ denominator (> 0). The units that rounding down leaves over go to the largest remainders,
 * ties by order; a sum below zero is treated as its mirror image. Returns the sum of the parts: the shares' sum,
 * rounded half away from zero. |sum| and each share are at most MONEY_MAX. */
int64_t apportion(const int128 *numerators, size_t count, int128 denominator, int64_t *ret_parts);

/* The next part of `total`, given out as `whole` is used up: round(total × (before + now) ÷ whole) - given. When all of
 * whole is used, the parts sum to total exactly. whole != 0. */
int64_t apportion_next(int64_t total, int64_t whole, int64_t before, int64_t now, int64_t given);

#endif
