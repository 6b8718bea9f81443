/* What a component costs. Each model takes a quantity apart into parts, a unit price and a quantity (or a count) each;
 * one function adds a part to the sum, exactly, and writes it down when an explanation is wanted, so that what is
 * explained is what was computed. The share of a period and the rounding come once, at the end (BILL-002). */
#include "domain/price.h"

#include <stdio.h>
#include <string.h>

#include "base/assert.h"

/* 10^-20, the unit of sums: 10^-18 of price × quantity, ÷ 100 for a rate. */
#define SUM_SCALE     ((int128)PICO * PICO / 10000)
#define SUM_PER_ATTO  100
#define SUM_PER_PICO  ((int128)100 * MICRO)
#define SUM_WHOLE_MAX (MONEY_MAX * SUM_SCALE) /* in minor units: 10^35 */

/* ---- names ---- */

static const struct {
  const char *name;
  struct price_members members;
} MODELS[] = {
    [PRICE_FLAT] = {"flat", {.unit_price = true}},
    [PRICE_PER_UNIT] = {"per_unit", {.unit_price = true, .free_units = true}},
    [PRICE_GRADUATED] = {"graduated", {.tiers = true}},
    [PRICE_VOLUME] = {"volume", {.tiers = true}},
    [PRICE_PACKAGE] = {"package", {.unit_price = true, .package_size = true, .free_units = true}},
    [PRICE_PERCENTAGE] = {"percentage", {.rate = true, .per_event_fee = true}},
};
enum { MODEL_COUNT = sizeof MODELS / sizeof MODELS[0] };

static const char *const TIMINGS[] = {[PRICE_ADVANCE] = "advance", [PRICE_ARREARS] = "arrears"};
enum { TIMING_COUNT = sizeof TIMINGS / sizeof TIMINGS[0] };

const char *price_model_name(enum price_model model) {
  ASSERT((size_t)model < MODEL_COUNT);
  return MODELS[model].name;
}

const struct price_members *price_model_members(enum price_model model) {
  ASSERT((size_t)model < MODEL_COUNT);
  return &MODELS[model].members;
}

bool price_model_from_name(const char *name, enum price_model *ret_model) {
  for (size_t i = 0; i < MODEL_COUNT; i++) {
    if (strcmp(name, MODELS[i].name) != 0) continue;
    *ret_model = (enum price_model)i;
    return true;
  }
  return false;
}

const char *price_timing_name(enum price_timing timing) {
  ASSERT((size_t)timing < TIMING_COUNT);
  return TIMINGS[timing];
}

bool price_timing_from_name(const char *name, enum price_timing *ret_timing) {
  for (size_t i = 0; i < TIMING_COUNT; i++) {
    if (strcmp(name, TIMINGS[i]) != 0) continue;
    *ret_timing = (enum price_timing)i;
    return true;
  }
  return false;
}

/* ---- what a component must be ---- */

static enum rc wrong(struct error *err, const char *path, const char *member, const char *text) {
  char field[ERROR_FIELD_MAX];
  snprintf(field, sizeof field, "%s.%s", path, member);
  return error_field(err, RC_VALIDATION, field, "%s", text);
}

static enum rc check_code(const char *code, const char *path, struct error *err) {
  static const char FIRST[] = "abcdefghijklmnopqrstuvwxyz0123456789";
  static const char REST[] = "abcdefghijklmnopqrstuvwxyz0123456789_.-";
  size_t length = code ? strlen(code) : 0;
  if (length >= 1 && length <= PRICE_CODE_MAX && strspn(code, FIRST) > 0 && strspn(code, REST) == length) return RC_OK;
  return wrong(err, path, "code", "must be a code like seats, of at most 64 characters");
}

/* BILL-031, BILL-032: each tier ends above the one before it, and the last has no end: no gap and no overlap. */
static enum rc check_tier(const struct price_component *component, size_t i, const char *path, struct error *err) {
  char at[ERROR_FIELD_MAX];
  const struct price_tier *tier = &component->tiers[i];
  bool is_at_end = i + 1 == component->tier_count;
  snprintf(at, sizeof at, "%s.tiers[%zu]", path, i);
  if (tier->is_last && !is_at_end) return wrong(err, at, "upTo", "only the last tier is without end");
  if (!tier->is_last && is_at_end) return wrong(err, at, "upTo", "the last tier must be without end: null");
  int64_t least = i == 0 ? 0 : component->tiers[i - 1].up_to.micro;
  if (!tier->is_last && tier->up_to.micro <= least)
    return wrong(err, at, "upTo", i == 0 ? "must be above 0" : "must be above the tier's before it");
  if (tier->unit_price.pico < 0) return wrong(err, at, "unitPrice", "must not be negative");
  if (tier->flat_fee.pico < 0) return wrong(err, at, "flatFee", "must not be negative");
  return RC_OK;
}

static enum rc check_tiers(const struct price_component *component, const char *path, struct error *err) {
  if (!price_model_members(component->model)->tiers)
    return component->tier_count == 0 ? RC_OK : wrong(err, path, "tiers", "are not of this model");
  if (component->tier_count == 0) return wrong(err, path, "tiers", "are required");
  if (component->tier_count > PRICE_TIERS_MAX) return wrong(err, path, "tiers", "are too many: at most 100");
  for (size_t i = 0; i < component->tier_count; i++) TRY(check_tier(component, i, path, err));
  return RC_OK;
}

static enum rc check_number(int128 value, bool is_taken, const char *path, const char *member, struct error *err) {
  if (value < 0) return wrong(err, path, member, "must not be negative");
  if (value != 0 && !is_taken) return wrong(err, path, member, "is not of this model");
  return RC_OK;
}

static enum rc check_metric(const struct price_component *component, const char *path, struct error *err) {
  if (component->model == PRICE_PERCENTAGE && !component->metric)
    return wrong(err, path, "metric", "is required: a percentage is one of usage");
  if (component->metric && component->timing != PRICE_ARREARS)
    return wrong(err, path, "timing", "must be arrears: usage is charged when it is known");
  return RC_OK;
}

enum rc price_component_check(const struct price_component *component, const char *path, struct error *err) {
  const struct price_members *members = price_model_members(component->model);
  TRY(check_code(component->code, path, err));
  TRY(check_number(component->unit_price.pico, members->unit_price, path, "unitPrice", err));
  TRY(check_number(component->package_size.micro, members->package_size, path, "packageSize", err));
  TRY(check_number(component->free_units.micro, members->free_units, path, "freeUnits", err));
  TRY(check_number(component->rate.pico, members->rate, path, "rate", err));
  TRY(check_number(component->per_event_fee.pico, members->per_event_fee, path, "perEventFee", err));
  if (members->package_size && component->package_size.micro == 0)
    return wrong(err, path, "packageSize", "must be above 0");
  TRY(check_tiers(component, path, err));
  return check_metric(component, path, err);
}

/* ---- the sum ---- */

struct tally {
  int128 sum, max; /* of a whole period, in 10^-20 */
  bool is_too_large;
  struct price_explanation *explanation; /* NULL: not wanted */
};

/* What a part costs, before flat fees; false beyond 128 bits. */
static bool part_cost(const struct price_part *part, int128 *ret_cost) {
  switch (part->kind) {
  case PRICE_PART_FLAT: return !__builtin_mul_overflow(part->unit_price.pico, SUM_PER_PICO, ret_cost);
  case PRICE_PART_PACKAGES:
  case PRICE_PART_EVENTS:
    return !__builtin_mul_overflow(part->unit_price.pico, (int128)part->count, ret_cost) &&
           !__builtin_mul_overflow(*ret_cost, SUM_PER_PICO, ret_cost);
  case PRICE_PART_UNITS:
    return decimal_times(part->unit_price, part->quantity, ret_cost) &&
           !__builtin_mul_overflow(*ret_cost, (int128)SUM_PER_ATTO, ret_cost);
  case PRICE_PART_RATE: /* 10^-18 percent is 10^-20 */ return decimal_times(part->unit_price, part->quantity, ret_cost);
  }
  assert_failed("a kind of part", __FILE__, __LINE__);
}

/* Parts are never negative: what is beyond the maximum once stays so. */
static void add_part(struct tally *tally, struct price_part part) {
  int128 cost;
  ASSERT(part.quantity.micro >= 0 && part.count >= 0 && part.unit_price.pico >= 0 && part.flat_fee.pico >= 0);
  if (tally->is_too_large || !part_cost(&part, &cost) || cost > tally->max) {
    tally->is_too_large = true;
    return;
  }
  part.cost = cost + part.flat_fee.pico * SUM_PER_PICO; /* at most 10^35 + 10^35 */
  tally->sum += part.cost;                              /* and 10^35 more */
  tally->is_too_large = tally->sum > tally->max;
  struct price_explanation *explanation = tally->explanation;
  if (!explanation) return;
  ASSERT(explanation->part_count < PRICE_PARTS_MAX);
  explanation->parts[explanation->part_count++] = part;
}

/* What is left of the quantity after the free units. */
static struct quantity take_free(struct tally *tally, const struct price_component *component,
                                 struct quantity quantity) {
  int64_t free_micro = quantity.micro < component->free_units.micro ? quantity.micro : component->free_units.micro;
  if (tally->explanation) tally->explanation->free.micro = free_micro;
  return (struct quantity){quantity.micro - free_micro};
}

static void add_tier(struct tally *tally, const struct price_component *component, size_t i, int64_t micro) {
  const struct price_tier *tier = &component->tiers[i];
  add_part(tally, (struct price_part){.kind = PRICE_PART_UNITS,
                                      .tier = i,
                                      .quantity = {micro},
                                      .unit_price = tier->unit_price,
                                      .flat_fee = tier->flat_fee});
}

static bool lies_beyond(const struct price_tier *tier, struct quantity quantity) {
  return !tier->is_last && quantity.micro > tier->up_to.micro;
}

/* BILL-031 */
static void add_graduated(struct tally *tally, const struct price_component *component, struct quantity quantity) {
  int64_t below_micro = 0;
  size_t i = 0;
  for (; lies_beyond(&component->tiers[i], quantity); i++) {
    add_tier(tally, component, i, component->tiers[i].up_to.micro - below_micro);
    below_micro = component->tiers[i].up_to.micro;
  }
  add_tier(tally, component, i, quantity.micro - below_micro);
}

/* BILL-032 */
static void add_volume(struct tally *tally, const struct price_component *component, struct quantity quantity) {
  size_t i = 0;
  while (lies_beyond(&component->tiers[i], quantity)) i++;
  add_tier(tally, component, i, quantity.micro);
}

/* BILL-033: each package begun counts. */
static void add_packages(struct tally *tally, const struct price_component *component, struct quantity quantity) {
  int64_t size = component->package_size.micro;
  int64_t count = quantity.micro / size + (quantity.micro % size > 0);
  add_part(tally,
           (struct price_part){
               .kind = PRICE_PART_PACKAGES, .quantity = quantity, .count = count, .unit_price = component->unit_price});
}

static void add_percentage(struct tally *tally, const struct price_component *component, struct quantity quantity,
                           int64_t events) {
  add_part(tally, (struct price_part){.kind = PRICE_PART_RATE, .quantity = quantity, .unit_price = component->rate});
  if (component->per_event_fee.pico > 0)
    add_part(tally,
             (struct price_part){.kind = PRICE_PART_EVENTS, .count = events, .unit_price = component->per_event_fee});
}

/* BILL-030 */
static void add_component(struct tally *tally, const struct price_component *component, struct quantity quantity,
                          int64_t events) {
  switch (component->model) {
  case PRICE_FLAT:
    return add_part(tally, (struct price_part){.kind = PRICE_PART_FLAT, .unit_price = component->unit_price});
  case PRICE_PER_UNIT:
    return add_part(tally, (struct price_part){.kind = PRICE_PART_UNITS,
                                               .quantity = take_free(tally, component, quantity),
                                               .unit_price = component->unit_price});
  case PRICE_GRADUATED: return add_graduated(tally, component, quantity);
  case PRICE_VOLUME: return add_volume(tally, component, quantity);
  case PRICE_PACKAGE: return add_packages(tally, component, take_free(tally, component, quantity));
  case PRICE_PERCENTAGE: return add_percentage(tally, component, quantity, events);
  }
  assert_failed("a model", __FILE__, __LINE__);
}

/* ---- the share, and the one rounding ---- */

static int128 power_of_ten(int exponent) {
  int128 power = 1;
  while (exponent-- > 0) power *= 10;
  return power;
}

/* round(minor ÷ 10^20 × part ÷ whole) without overflow: with minor = q × whole + r, and q × part = e × 10^20 + f, it is
 * e + (f × whole + r × part) ÷ (10^20 × whole), whose terms are at most 10^35, 4 × 10^29 and 4 × 10^29. */
static int64_t round_share(int128 minor, struct price_share share) {
  ASSERT(minor >= 0 && minor <= SUM_WHOLE_MAX);
  ASSERT(share.whole >= 1 && share.whole <= PRICE_SHARE_WHOLE_MAX && share.part >= 0 && share.part <= share.whole);
  int128 scaled = minor / share.whole * share.part;
  int128 whole = scaled / SUM_SCALE;
  int128 rest = scaled % SUM_SCALE * share.whole + minor % share.whole * share.part;
  int128 rounded = whole + round_half_away(rest, SUM_SCALE * share.whole);
  ASSERT(rounded >= 0 && rounded <= MONEY_MAX);
  return (int64_t)rounded;
}

static enum rc compute(const struct price_component *component, struct quantity quantity, int64_t events,
                       struct price_share share, const struct currency *currency, struct price_explanation *explanation,
                       int64_t *ret_minor, struct error *err) {
  if (quantity.micro < 0 || events < 0)
    return error_field(err, RC_VALIDATION, "quantity", "a quantity below 0 has no price");
  ASSERT(quantity.micro <= QUANTITY_MAX);
  int128 minor_per_unit = power_of_ten(currency->exponent);
  struct tally tally = {.max = SUM_WHOLE_MAX / minor_per_unit, .explanation = explanation};
  add_component(&tally, component, quantity, events);
  if (tally.is_too_large) return error_field(err, RC_VALIDATION, "amount", "the amount is too large");
  *ret_minor = round_share(tally.sum * minor_per_unit, share);
  if (explanation) explanation->sum = tally.sum;
  return RC_OK;
}

enum rc price_charge(const struct price_component *component, struct quantity quantity, int64_t events,
                     struct price_share share, const struct currency *currency, int64_t *ret_minor, struct error *err) {
  return compute(component, quantity, events, share, currency, NULL, ret_minor, err);
}

/* BILL-025 */
enum rc price_explain(const struct price_component *component, struct quantity quantity, int64_t events,
                      struct price_share share, const struct currency *currency,
                      struct price_explanation *ret_explanation, struct error *err) {
  struct price_explanation explanation = {.quantity = quantity, .share = share};
  TRY(compute(component, quantity, events, share, currency, &explanation, &explanation.amount_minor, err));
  *ret_explanation = explanation;
  return RC_OK;
}

/* BILL-002 */
enum rc price_product(struct quantity quantity, struct decimal unit_price, const struct currency *currency,
                      const char *field, int64_t *ret_minor, struct error *err) {
  int128 exact;
  int128 minor = MONEY_MAX + (int128)1;
  if (decimal_times(unit_price, quantity, &exact))
    minor = round_half_away(exact, power_of_ten(ATTO_DECIMALS - currency->exponent));
  if (minor > MONEY_MAX || minor < -MONEY_MAX)
    return error_field(err, RC_VALIDATION, field, "quantity × unitPrice is too large");
  *ret_minor = (int64_t)minor;
  return RC_OK;
}

enum rc price_true_up(int64_t minimum_minor, struct price_share share, int64_t charged_minor, int64_t *ret_minor,
                      struct error *err) {
  ASSERT(minimum_minor >= 0 && minimum_minor <= MONEY_MAX);
  int128 missing = (int128)round_share(minimum_minor * SUM_SCALE, share) - charged_minor;
  if (missing > MONEY_MAX) return error_field(err, RC_VALIDATION, "amount", "the amount is too large");
  *ret_minor = (int64_t)(missing > 0 ? missing : 0);
  return RC_OK;
}
