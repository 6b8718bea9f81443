/* Price components as JSON: read from a command, or from plan_prices.components, and written in the one form that is
 * stored. What they mean is domain/price.h's.
 *
 *   {"code":"seats","model":"graduated","timing":"advance",
 *    "tiers":[{"upTo":10,"unitPrice":"10.00","flatFee":"2.00"},{"upTo":null,"unitPrice":"5.00"}]}
 *
 * Unit prices, fees and rates are strings, with the currency's digits at least; quantities are numbers. Members that
 * the model does not have, and zeros of those that may be left out, are not written. */
#ifndef BILLING_CYCLE_COMPONENTS_H
#define BILLING_CYCLE_COMPONENTS_H

#include <jansson.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/json_text.h"
#include "domain/price.h"

/* What is stored, as text. In the arena. RC_INVARIANT when it is not what was written. */
MUST_CHECK enum rc price_components_read(struct arena *arena, const char *json, const struct currency *currency,
                                         const struct price_component **ret_components, size_t *ret_count,
                                         struct error *err);
/* Member `field` of a command's body, an array; errors name what is wrong below `path`, its whole path. */
MUST_CHECK enum rc price_components_of_body(struct arena *arena, json_t *body, const char *field, const char *path,
                                            const struct price_component **ret_components, size_t *ret_count,
                                            struct error *err);
/* The stored form. In the arena. */
const char *price_components_json(struct arena *arena, const struct price_component *components, size_t count,
                                  const struct currency *currency);

#endif
