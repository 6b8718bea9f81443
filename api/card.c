/* Every run of digits is looked at in all windows of a card number's lengths. */
#include "card.h"

#include <stddef.h>
#include <string.h>

#include "base/uuid.h"

enum { DIGITS_MIN = 13, DIGITS_MAX = 19, RUN_MAX = 256 };

/* ISO/IEC 7812-1 annex B. */
static bool satisfies_luhn(const char *digits, size_t count) {
  int sum = 0;
  for (size_t i = 0; i < count; i++) {
    int digit = digits[count - 1 - i] - '0';
    if (i % 2 == 1) digit = digit > 4 ? 2 * digit - 9 : 2 * digit;
    sum += digit;
  }
  return sum % 10 == 0;
}

static bool run_holds_card(const char *digits, size_t count) {
  for (size_t start = 0; start + DIGITS_MIN <= count; start++)
    for (size_t length = DIGITS_MIN; length <= DIGITS_MAX && start + length <= count; length++)
      if (digits[start] != '0' && satisfies_luhn(digits + start, length)) return true;
  return false;
}

bool is_card_number(const char *text) {
  struct uuid id;
  if (uuid_parse(text, &id)) return false;
  char run[RUN_MAX];
  size_t count = 0;
  for (const char *at = text;; at++) {
    bool is_digit = *at >= '0' && *at <= '9', is_separator = *at == ' ' || *at == '-';
    if (is_digit && count < RUN_MAX) run[count++] = *at;
    if (is_digit || (is_separator && count > 0)) continue;
    if (run_holds_card(run, count)) return true;
    count = 0;
    if (*at == '\0') return false;
  }
}

static bool number_is_card(json_t *json) {
  char text[32];
  snprintf(text, sizeof text, "%lld", (long long)json_integer_value(json));
  return is_card_number(text);
}

/* Depth is bounded: json_exact has read it. */
static const char *card_in(const char *name, json_t *json) {
  const char *key, *found = NULL;
  json_t *member;
  size_t i;
  if (json_is_string(json)) return is_card_number(json_string_value(json)) ? name : NULL;
  if (json_is_integer(json)) return number_is_card(json) ? name : NULL;
  json_array_foreach(json, i, member) {
    if ((found = card_in(name, member))) return found;
  }
  json_object_foreach(json, key, member) {
    if (is_card_number(key)) return name;
    if ((found = card_in(key, member))) return found;
  }
  return NULL;
}

const char *card_number_in(json_t *json) {
  return card_in("", json);
}
