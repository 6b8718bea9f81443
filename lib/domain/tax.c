/* Taxes. The lines of one rate share a common denominator, so that the exact tax of each, and of all, is a fraction of
 * integers; rounding happens once, on the sum (total) or on each line (line). */
#include "domain/tax.h"

#include <string.h>

#include "base/assert.h"
#include "base/money.h"
#include "domain/apportion.h"
#include "domain/invoice.h"
#include "domain/percent.h"

static const char *const CATEGORY_NAMES[] = {
#define X(category, name) [category] = name,
    TAX_CATEGORIES(X)
#undef X
};
enum { CATEGORY_COUNT = sizeof CATEGORY_NAMES / sizeof CATEGORY_NAMES[0] };

static const char *const ROUNDING_NAMES[] = {
#define X(rounding, name) [rounding] = name,
    TAX_ROUNDINGS(X)
#undef X
};
enum { ROUNDING_COUNT = sizeof ROUNDING_NAMES / sizeof ROUNDING_NAMES[0] };

const char *tax_category_name(enum tax_category category) {
  ASSERT((size_t)category < CATEGORY_COUNT);
  return CATEGORY_NAMES[category];
}

const char *tax_rounding_name(enum tax_rounding rounding) {
  ASSERT((size_t)rounding < ROUNDING_COUNT);
  return ROUNDING_NAMES[rounding];
}

bool tax_category_from_name(const char *name, enum tax_category *ret_category) {
  for (size_t i = 0; i < CATEGORY_COUNT; i++) {
    if (strcmp(CATEGORY_NAMES[i], name) != 0) continue;
    *ret_category = (enum tax_category)i;
    return true;
  }
  return false;
}

bool tax_rounding_from_name(const char *name, enum tax_rounding *ret_rounding) {
  for (size_t i = 0; i < ROUNDING_COUNT; i++) {
    if (strcmp(ROUNDING_NAMES[i], name) != 0) continue;
    *ret_rounding = (enum tax_rounding)i;
    return true;
  }
  return false;
}

/* -- which rate -- */

/* Of the European Union, as ISO 3166 has them; Greece is EL in tax ids and GR in addresses. */
static const char EU_MEMBERS[] = "AT BE BG CY CZ DE DK EE ES FI FR GR HR HU IE IT LT LU LV MT NL PL PT RO SE SI SK";

static bool is_eu_member(const char *country) {
  return country && strlen(country) == 2 && strstr(EU_MEMBERS, country) != NULL;
}

static bool is_reverse_charge(const struct tax_party *customer, const char *seller_country) {
  return customer->has_tax_id && is_eu_member(seller_country) && is_eu_member(customer->country) &&
         strcmp(customer->country, seller_country) != 0;
}

static bool fits(const char *wanted, const char *actual) {
  return !wanted || (actual && strcmp(wanted, actual) == 0);
}

bool tax_rule_fits(const struct tax_rule *rule, const struct tax_party *customer, const char *tax_code) {
  return fits(rule->country, customer->country) && fits(rule->region, customer->region) &&
         fits(rule->tax_code, tax_code);
}

/* Narrower is more: the place before the code. */
static int narrowness(const struct tax_rule *rule) {
  return 4 * (rule->region != NULL) + 2 * (rule->country != NULL) + (rule->tax_code != NULL);
}

struct tax_rate tax_choose(const struct tax_rule *rules, size_t count, const struct tax_party *customer,
                           const char *seller_country, const char *tax_code) {
  const struct tax_rule *best = NULL;
  for (size_t i = 0; i < count; i++) {
    const struct tax_rule *rule = &rules[i];
    if (!tax_rule_fits(rule, customer, tax_code)) continue;
    if (!best || narrowness(rule) > narrowness(best)) best = rule;
  }
  if (customer->is_exempt) return (struct tax_rate){.category = TAX_EXEMPT};
  if (is_reverse_charge(customer, seller_country)) return (struct tax_rate){.category = TAX_REVERSE};
  return best ? best->rate : (struct tax_rate){.category = TAX_ZERO};
}

/* -- how much -- */

bool tax_rate_is_same(const struct tax_rate *a, const struct tax_rate *b) {
  return a->percent_micro == b->percent_micro && a->category == b->category;
}

/* The exact tax of every line of a rate has this denominator, whether its price includes the tax or not. */
static int128 tax_denominator(const struct tax_rate *rate) {
  return (int128)PERCENT_WHOLE * (PERCENT_WHOLE + rate->percent_micro);
}

static int128 tax_numerator(const struct tax_rate *rate, int64_t minor) {
  int64_t other = rate->is_inclusive ? PERCENT_WHOLE : PERCENT_WHOLE + rate->percent_micro;
  return (int128)minor * rate->percent_micro * other;
}

static int64_t tax_of(const struct tax_rate *rate, int64_t minor) {
  return (int64_t)round_half_away(tax_numerator(rate, minor), tax_denominator(rate));
}

static int64_t charged_of(const struct taxable *line) {
  return line->listed_minor - line->listed_discount_minor;
}

/* The lines from `first` on that have its rate: rounded once, each its own exact share (BILL-003). */
static void tax_group(struct taxable *lines, size_t count, size_t first, bool *is_done) {
  int128 numerators[INVOICE_LINES_MAX];
  int64_t parts[INVOICE_LINES_MAX];
  size_t members[INVOICE_LINES_MAX], member_count = 0;
  for (size_t i = first; i < count; i++) {
    if (is_done[i] || !tax_rate_is_same(&lines[i].rate, &lines[first].rate)) continue;
    numerators[member_count] = tax_numerator(&lines[i].rate, charged_of(&lines[i]));
    members[member_count++] = i;
    is_done[i] = true;
  }
  (void)apportion(numerators, member_count, tax_denominator(&lines[first].rate), parts);
  for (size_t m = 0; m < member_count; m++) lines[members[m]].tax_minor = parts[m];
}

/* Of an inclusive price the net is what the tax leaves; the discount's net is rounded by itself, so that a line without
 * a discount has none. */
static void separate(struct taxable *line) {
  int64_t discount = line->listed_discount_minor;
  line->amount_minor = line->listed_minor;
  line->discount_minor = discount;
  if (!line->rate.is_inclusive) return;
  line->discount_minor = discount - tax_of(&line->rate, discount);
  line->amount_minor = charged_of(line) - line->tax_minor + line->discount_minor;
}

static int128 magnitude_of(int64_t minor) {
  int128 wide = minor;
  return wide < 0 ? -wide : wide;
}

/* The largest that a total could come to: each amount with the highest tax, and the discounts of the other sign. */
static enum rc check_sums(const struct taxable *lines, size_t count, struct error *err) {
  int128 sum = 0;
  for (size_t i = 0; i < count; i++) {
    ASSERT(lines[i].rate.percent_micro >= 0 && lines[i].rate.percent_micro <= PERCENT_WHOLE);
    sum += magnitude_of(lines[i].listed_minor) + magnitude_of(lines[i].listed_discount_minor);
  }
  return sum <= MONEY_MAX / 2 ? RC_OK : error_field(err, RC_VALIDATION, "items", "their sum is too large");
}

enum rc tax_compute(struct taxable *lines, size_t count, enum tax_rounding rounding, struct error *err) {
  bool is_done[INVOICE_LINES_MAX] = {false};
  ASSERT(count <= INVOICE_LINES_MAX);
  TRY(check_sums(lines, count, err));
  for (size_t i = 0; i < count; i++) {
    switch (rounding) {
    case TAX_ROUND_TOTAL:
      if (!is_done[i]) tax_group(lines, count, i, is_done);
      break;
    case TAX_ROUND_LINE: lines[i].tax_minor = tax_of(&lines[i].rate, charged_of(&lines[i])); break;
    }
  }
  for (size_t i = 0; i < count; i++) separate(&lines[i]);
  return RC_OK;
}
