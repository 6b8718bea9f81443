/* Payment methods, as intents use them. */
#ifndef GATEWAY_METHODS_H
#define GATEWAY_METHODS_H

#include "cards.h"
#include "gateway.h"

/* The card behind a payment method's id or a test method's name; NULL for none. Wants the lock. */
const struct card *method_card(const struct store *store, const char *id);
/* The method to charge `customer` (0: none) with. A test method's name makes a new method in change->method. False when
 * the call is answered. Wants the lock. */
bool method_resolve(struct call *call, const char *id, uint32_t customer, struct change *change,
                    struct method *ret_method);

#endif
