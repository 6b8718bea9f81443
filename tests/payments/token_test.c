/* BILL-087: a token, and never a card's number. */
#include "token.h"

#include <criterion/criterion.h>
#include <string.h>

static const struct {
  const char *token;
  bool is_fine;
} TOKENS[] = {
    {"pm_card_visa", true},
    {"pm_1PqRsT2eZvKYlo2C8hbUZxyz", true},
    {"tok_visa", true},
    {"", false},
    {"visa", false},
    {"card_1PqRsT", false},
    {"pm_card visa", false},
    {"pm_/../customers", false},
    {"pm_caf\xc3\xa9", false},
    {"4242424242424242", false},
    {"4242 4242 4242 4242", false},
    {"pm_4242424242424242", false},
    {"tok_378282246310005", false},
    {"pm_4242424242424241", true}, /* no card's number: its check digit is wrong */
    {"pm_42424242", true},         /* too short for one */
};

Test(token, is_the_gateways_and_never_a_card_number) {
  for (size_t i = 0; i < sizeof TOKENS / sizeof TOKENS[0]; i++) {
    struct error err = {0};
    enum rc rc = token_check(TOKENS[i].token, &err);
    cr_expect_eq(rc == RC_OK, TOKENS[i].is_fine, "%s", TOKENS[i].token);
    if (rc == RC_OK) continue;
    cr_expect_eq(rc, RC_VALIDATION);
    cr_expect_str_eq(err.field, "token");
    cr_expect_null(strstr(err.text, "4242"), "what was given is not repeated");
  }
}

Test(token, that_is_too_long_is_refused) {
  char token[TOKEN_MAX + 2];
  struct error err;
  memset(token, 'a', sizeof token);
  memcpy(token, "pm_", 3);
  token[TOKEN_MAX + 1] = '\0';
  cr_expect_eq(token_check(token, &err), RC_VALIDATION);
  token[TOKEN_MAX] = '\0';
  cr_expect_eq(token_check(token, &err), RC_OK);
}

static const struct {
  const char *text;
  bool is_there;
} NUMBERS[] = {
    {"4000 0025-0000 3155", true},   {"my card is 5555555555554444, thanks", true},
    {"378282246310005", true},       {"6011111111111117x", true},
    {"42424242424242424242", false}, {"1234567890123", false},
    {"2026-11-21 07:46", false},     {"", false},
};

Test(token, finds_card_numbers_however_they_are_written) {
  for (size_t i = 0; i < sizeof NUMBERS / sizeof NUMBERS[0]; i++)
    cr_expect_eq(has_card_number(NUMBERS[i].text), NUMBERS[i].is_there, "%s", NUMBERS[i].text);
}
