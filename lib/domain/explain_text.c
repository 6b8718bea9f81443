/* See explain_text.h. */
#include "domain/explain_text.h"

#include <string.h>

#include "base/assert.h"

enum { STEPS_FIRST = 16 };

void step_add(struct explanation *e, struct explanation_step step) {
  if (e->count == e->capacity) {
    size_t capacity = e->capacity ? 2 * e->capacity : STEPS_FIRST;
    struct explanation_step *steps = ARENA_ARRAY(e->arena, struct explanation_step, capacity);
    if (e->count) memcpy(steps, e->steps, e->count * sizeof *steps);
    e->steps = steps;
    e->capacity = capacity;
  }
  e->steps[e->count++] = step;
}

const char *text_money(const struct explanation *e, int64_t minor) {
  char text[MONEY_TEXT_MAX];
  return arena_strdup(e->arena, money_format(minor, e->currency, text));
}

const char *text_price(const struct explanation *e, struct decimal value) {
  char text[DECIMAL_TEXT_MAX];
  return arena_strdup(e->arena, decimal_format_price(value, e->currency, text));
}

const char *text_quantity(const struct explanation *e, struct quantity quantity) {
  char text[DECIMAL_TEXT_MAX];
  return arena_strdup(e->arena, quantity_format(quantity, text));
}

const char *text_percent(const struct explanation *e, int64_t micro) {
  return text_quantity(e, (struct quantity){micro});
}

const char *text_integer(const struct explanation *e, int64_t value) {
  return arena_printf(e->arena, "%lld", (long long)value);
}

const char *text_sum(const struct explanation *e, int128 sum) {
  static const int64_t PER_PICO = 100 * MICRO;
  char text[DECIMAL_TEXT_MAX];
  if (sum % PER_PICO == 0) return text_price(e, (struct decimal){sum / PER_PICO});
  return arena_strdup(e->arena, fixed_format(sum, PRICE_SUM_DECIMALS, text));
}

const char *text_date(const struct explanation *e, struct date date) {
  char text[DATE_TEXT_MAX];
  return arena_strdup(e->arena, date_format(date, text));
}

const char *text_units(enum proration_basis basis) {
  switch (basis) {
  case PRORATION_DAY: return "days";
  case PRORATION_SECOND: return "seconds";
  }
  assert_failed("a basis of proration", __FILE__, __LINE__);
}
