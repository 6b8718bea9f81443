/* One place for what a parameter may look like. */
#include "params.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <strings.h>

#include "answer.h"
#include "base/money.h"
#include "metadata.h"

static bool read_int(const char *text, int64_t *ret_value) {
  char *end;
  errno = 0;
  long long value = strtoll(text, &end, 10);
  if (errno != 0 || !isdigit((unsigned char)text[0]) || *end != '\0') return false;
  *ret_value = value;
  return true;
}

bool param_int(struct call *call, const char *name, int64_t least, int64_t most, int64_t *ret_value) {
  const char *text = form_get(&call->form, name);
  int64_t value;
  if (text == NULL) return true;
  if (!read_int(text, &value) || value < least || value > most) {
    answer_invalid(call, "parameter_invalid_integer", name, "Invalid integer: it is from %lld to %lld",
                   (long long)least, (long long)most);
    return false;
  }
  *ret_value = value;
  return true;
}

bool param_amount(struct call *call, const char *name, bool is_required, int64_t *ret_amount) {
  const char *text = form_get(&call->form, name);
  int64_t amount;
  if (text == NULL && !is_required) return true;
  if (text == NULL) {
    answer_invalid(call, "parameter_missing", name, "Missing required param: %s.", name);
    return false;
  }
  if (!read_int(text, &amount)) {
    answer_invalid(call, "parameter_invalid_integer", name, "Invalid integer: an amount is minor units, from 1");
    return false;
  }
  if (amount < 1) {
    answer_invalid(call, "amount_too_small", name, "An amount is at least 1.");
    return false;
  }
  if (amount > PARAM_AMOUNT_MAX) {
    answer_invalid(call, "amount_too_large", name, "An amount is at most %lld.", (long long)PARAM_AMOUNT_MAX);
    return false;
  }
  *ret_amount = amount;
  return true;
}

/* Stripe's own Python library sends "True". */
bool param_bool(struct call *call, const char *name, bool *ret_value) {
  const char *text = form_get(&call->form, name);
  if (text == NULL) return true;
  bool is_true = strcasecmp(text, "true") == 0 || strcmp(text, "1") == 0;
  if (!is_true && strcasecmp(text, "false") != 0 && strcmp(text, "0") != 0) {
    answer_invalid(call, NULL, name, "Invalid boolean: it is true or false");
    return false;
  }
  *ret_value = is_true;
  return true;
}

bool param_currency(struct call *call, const char *name, char ret_currency[static 4]) {
  const char *text = form_get(&call->form, name);
  char upper[4] = "";
  if (text == NULL) {
    answer_invalid(call, "parameter_missing", name, "Missing required param: %s.", name);
    return false;
  }
  if (strlen(text) == 3) {
    for (int i = 0; i < 3; i++) upper[i] = (char)toupper((unsigned char)text[i]);
  }
  if (currency_find(upper) == NULL) {
    answer_invalid(call, NULL, name, "Invalid currency: it is three letters of ISO 4217");
    return false;
  }
  for (int i = 0; i < 4; i++) ret_currency[i] = (char)tolower((unsigned char)upper[i]);
  return true;
}

bool param_metadata(struct call *call, const char *before, const char **ret_metadata) {
  struct error err;
  if (metadata_merge(call->arena, before, &call->form, "metadata", ret_metadata, &err) == RC_OK) return true;
  answer_invalid_error(call, &err);
  return false;
}

void param_text(struct call *call, const char *name, const char **value) {
  const char *text = form_get(&call->form, name);
  if (text != NULL) *value = *text != '\0' ? text : NULL;
}

static bool span_is_among(const char *word, size_t length, const char *words) {
  for (const char *at = words; *at != '\0';) {
    size_t span = strcspn(at, " ");
    if (span == length && memcmp(at, word, length) == 0) return true;
    at += span + strspn(at + span, " ");
  }
  return false;
}

bool word_is_among(const char *word, const char *words) {
  return span_is_among(word, strlen(word), words);
}

bool params_are_known(struct call *call, const char *words) {
  for (size_t i = 0; i < call->form.count; i++) {
    const char *name = call->form.pairs[i].name;
    if (span_is_among(name, form_root_length(name), words)) continue;
    answer_invalid(call, "parameter_unknown", name, "Received unknown parameter: %s", name);
    return false;
  }
  return true;
}

bool param_expands(const struct call *call, const char *what) {
  for (size_t i = 0; i < call->form.count; i++) {
    const struct form_pair *pair = &call->form.pairs[i];
    if (strncmp(pair->name, "expand[", 7) == 0 && strcmp(pair->value, what) == 0) return true;
  }
  return false;
}
