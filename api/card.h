/* BILL-087: card numbers never enter the system. Pure. */
#ifndef API_CARD_H
#define API_CARD_H

#include <jansson.h>
#include <stdbool.h>

/* The name of the member (at any depth) whose string, number or name holds what could be a card's number: 13 to 19
 * digits that satisfy Luhn's check, spaces and dashes between them aside. NULL when there is none. A UUID is none. */
const char *card_number_in(json_t *json);
bool is_card_number(const char *text);

#endif
