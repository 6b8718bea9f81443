/* What a client may give in place of a card: a token of the gateway's, and never the card's number (BILL-087). */
#ifndef PAYMENTS_TOKEN_H
#define PAYMENTS_TOKEN_H

#include <stdbool.h>

#include "base/error.h"

enum { TOKEN_MAX = 255 };

/* A run of 12 to 19 digits, spaces and hyphens between them allowed, whose check digit is right (ISO/IEC 7812). */
bool has_card_number(const char *text);
/* "pm_…", a payment method, or "tok_…", a token that becomes one. RC_VALIDATION that does not repeat what was given. */
MUST_CHECK enum rc token_check(const char *token, struct error *err);
bool token_is_method(const char *token);

#endif
