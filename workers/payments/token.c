/* Tokens, and the card numbers that must not be taken for them. */
#include "token.h"

#include <ctype.h>
#include <string.h>

#include "base/luhn.h"

enum { PAN_DIGITS_MIN = 12, PAN_DIGITS_MAX = 19 };

/* Does a card's number begin at `text`? */
static bool begins_card_number(const char *text) {
  char digits[PAN_DIGITS_MAX + 1];
  int count = 0;
  for (; count <= PAN_DIGITS_MAX; text++) {
    if (isdigit((unsigned char)*text))
      digits[count++] = *text;
    else if (count == 0 || (*text != ' ' && *text != '-'))
      break;
  }
  return count >= PAN_DIGITS_MIN && count <= PAN_DIGITS_MAX && luhn_holds(digits, (size_t)count);
}

bool has_card_number(const char *text) {
  for (const char *at = text; *at; at++) {
    bool is_start = at == text || !isdigit((unsigned char)at[-1]);
    if (is_start && begins_card_number(at)) return true;
  }
  return false;
}

static bool has_prefix(const char *text, const char *prefix) {
  return strncmp(text, prefix, strlen(prefix)) == 0;
}

bool token_is_method(const char *token) {
  return has_prefix(token, "pm_");
}

enum rc token_check(const char *token, struct error *err) {
  size_t length = strlen(token);
  if (has_card_number(token))
    return error_field(err, RC_VALIDATION, "token", "must be the gateway's token, never a card's number");
  if (length > TOKEN_MAX ||
      strspn(token, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_") != length ||
      (!has_prefix(token, "pm_") && !has_prefix(token, "tok_")))
    return error_field(err, RC_VALIDATION, "token",
                       "must be a payment method (pm_…) or a token (tok_…) of the gateway");
  return RC_OK;
}
