/* Numbers are written in one piece or in groups; what stands around them may be digits, too (a date of expiry). */
#include "card.h"

#include <stddef.h>
#include <string.h>

#include "base/luhn.h"
#include "base/uuid.h"

enum { DIGITS_MIN = 13, DIGITS_MAX = 19, RUN_MAX = 128 };

/* A run: groups of digits with spaces and dashes between them. A card's number is one or some neighbouring groups. */
struct run {
  char digits[RUN_MAX];
  size_t count, group_count;
  size_t groups[RUN_MAX]; /* where each begins */
};

static bool run_holds_card(const struct run *run) {
  for (size_t from = 0; from < run->group_count; from++) {
    for (size_t to = from + 1; to <= run->group_count; to++) {
      size_t start = run->groups[from], end = to < run->group_count ? run->groups[to] : run->count;
      bool is_long_enough = end - start >= DIGITS_MIN && end - start <= DIGITS_MAX;
      if (is_long_enough && run->digits[start] != '0' && luhn_holds(run->digits + start, end - start)) return true;
    }
  }
  return false;
}

static void add_digit(struct run *run, char digit, bool begins_group) {
  if (run->count == RUN_MAX) return;
  if (begins_group) run->groups[run->group_count++] = run->count;
  run->digits[run->count++] = digit;
}

bool is_card_number(const char *text) {
  struct uuid id;
  if (uuid_parse(text, &id)) return false;
  struct run run = {.count = 0};
  bool was_digit = false;
  for (const char *at = text;; at++) {
    bool is_digit = *at >= '0' && *at <= '9', is_separator = (*at == ' ' || *at == '-') && run.count > 0;
    if (is_digit) add_digit(&run, *at, !was_digit);
    was_digit = is_digit;
    if (is_digit || is_separator) continue;
    if (run_holds_card(&run)) return true;
    run.count = run.group_count = 0;
    if (*at == '\0') return false;
  }
}

static bool number_is_card(json_t *json) {
  char text[32];
  snprintf(text, sizeof text, "%lld", (long long)json_integer_value(json));
  return is_card_number(text);
}

/* Depth is bounded: json_exact has read it. */
static const char *card_in(const char *name, json_t *json) { // NOLINT(misc-no-recursion)
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
