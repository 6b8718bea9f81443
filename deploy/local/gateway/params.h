/* Reading a call's parameters. Each function returns false when it has answered the call with what is wrong. */
#ifndef GATEWAY_PARAMS_H
#define GATEWAY_PARAMS_H

#include "gateway.h"

#define PARAM_AMOUNT_MAX INT64_C(99999999) /* Stripe's: eight digits */

bool param_amount(struct call *call, const char *name, bool is_required, int64_t *ret_amount); /* untouched if absent */
bool param_bool(struct call *call, const char *name, bool *ret_value);                         /* untouched if absent */
bool param_currency(struct call *call, const char *name, char ret_currency[static 4]);
bool param_int(struct call *call, const char *name, int64_t least, int64_t most, int64_t *ret_value);
bool param_metadata(struct call *call, const char *before, const char **ret_metadata);
/* Replaces *value if the parameter is there; an empty one is NULL. */
void param_text(struct call *call, const char *name, const char **value);
bool word_is_among(const char *word, const char *words); /* words are separated by spaces */
/* The call has only parameters whose root is among these words. */
bool params_are_known(struct call *call, const char *words);
bool param_expands(const struct call *call, const char *what); /* expand[]=what */

#endif
