/* BILL-087: card numbers never enter the system. The numbers are those that card schemes publish for tests. */
#include "card.h"

#include "parts.h"

TestSuite(card);

static const struct {
  const char *text;
  bool is_card;
} cases[] = {
    {"4242424242424242", true},
    {"4242 4242 4242 4242", true},
    {"4242-4242-4242-4242", true},
    {"378282246310005", true},     /* 15 digits */
    {"4222222222222", true},       /* 13 */
    {"6304000000000000000", true}, /* 19 */
    {"my card is 5555555555554444!", true},
    {"4242424242424242 12/30", true},
    {"4242424242424242 1230", true}, /* the date runs into it */
    {"4242424242424241", false},     /* Luhn says no */
    {"424242424242", false},         /* 12 digits */
    {"pm_card_visa", false},
    {"tok_1NvA2b3C4d5E6f", false},
    {"00000000-0000-4000-8000-000000000000", false}, /* a UUID */
    {"0000000000000000", false},
    {"", false},
};

Test(card, a_number_is_seen_in_any_writing) {
  for (size_t i = 0; i < ROWS(cases); i++)
    cr_expect_eq(is_card_number(cases[i].text), cases[i].is_card, "%s", cases[i].text);
}

static const struct {
  const char *json, *member;
} bodies[] = {
    {"{\"token\":\"pm_card_visa\"}", NULL},
    {"{\"customerId\":\"01980c5e-7a10-7c3a-9d41-3f2b6c1a9e01\",\"token\":\"4242424242424242\"}", "token"},
    {"{\"token\":4242424242424242}", "token"},
    {"{\"a\":[{\"b\":[\"x\",\"4242 4242 4242 4242\"]}]}", "b"},
    {"{\"a\":{\"4242424242424242\":1}}", "a"},
    {"{\"token\":\"\\u0034242424242424242\"}", "token"},
};

Test(card, a_body_is_searched_at_every_depth) {
  for (size_t i = 0; i < ROWS(bodies); i++) {
    json_auto_t *body = json_loads(bodies[i].json, 0, NULL);
    const char *found = card_number_in(body);
    if (bodies[i].member)
      cr_expect(found && strcmp(found, bodies[i].member) == 0, "%s: %s", bodies[i].json, found ? found : "none");
    else
      cr_expect_null(found, "%s", bodies[i].json);
  }
}
