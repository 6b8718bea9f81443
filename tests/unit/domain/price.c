/* Prices: the rules' worked examples (BILL-031 to BILL-033; BILL-032 is volume), each way to be wrong, and that any
 * component agrees with counting half units by hand, at every magnitude. */
#include "domain/price.h"

#include <criterion/criterion.h>
#include <criterion/redirect.h>
#include <signal.h>
#include <string.h>

#include "unit/property.h"

static struct decimal D(const char *text) {
  struct decimal value = {0};
  struct error err;
  cr_assert_eq(decimal_parse(text, "value", &value, &err), RC_OK, "%s", text);
  return value;
}

static struct quantity
Q(const char *text) {
  struct quantity value = {0};
  struct error err;
  cr_assert_eq(quantity_parse(text, "value", &value, &err), RC_OK, "%s", text);
  return value;
}

static const struct currency *
usd(void) {
  return currency_find("USD");
}

static int64_t charge_share(const struct price_component *component, struct quantity quantity, int64_t events,
                            struct price_share share, const struct currency *currency) {
  int64_t minor = -1;
  struct error err = {.code = RC_OK};
  cr_assert_eq(price_component_check(component, "component", &err), RC_OK, "%s %s", err.field, err.text);
  cr_assert_eq(price_charge(component, quantity, events, share, currency, &minor, &err), RC_OK, "%s %s", err.field,
               err.text);
  return minor;
}

static int64_t charge(const struct price_component *component, struct quantity quantity) {
  return charge_share(component, quantity, 0, PRICE_SHARE_WHOLE, usd());
}

/* ---- the rules' examples ---- */

struct example {
  const char *quantity;
  int64_t minor;
};

static void expect_examples(const struct price_component *component, const struct example *examples, size_t count) {
  for (size_t i = 0; i < count; i++)
    cr_expect_eq(charge(component, Q(examples[i].quantity)), examples[i].minor, "%s: %lld", examples[i].quantity,
                 (long long)charge(component, Q(examples[i].quantity)));
}
#define EXPECT_EXAMPLES(component, ...)                                         \
  do {                                                                          \
    static const struct example examples[] = {__VA_ARGS__};                     \
    expect_examples(component, examples, sizeof examples / sizeof examples[0]); \
  } while (0)

static struct price_component graduated_of_the_rules(struct price_tier tiers[static 3]) {
  tiers[0] = (struct price_tier){false, Q("10"), D("10"), D("2")};
  tiers[1] = (struct price_tier){false, Q("20"), D("5"), D("3")};
  tiers[2] = (struct price_tier){true, {0}, D("5"), D("3")};
  return (struct price_component){.code = "g", .model = PRICE_GRADUATED, .tiers = tiers, .tier_count = 3};
}

Test(price, graduated_is_bill_031) {
  struct price_tier tiers[3];
  struct price_component graduated = graduated_of_the_rules(tiers);
  EXPECT_EXAMPLES(&graduated, {"0", 200}, {"1", 1200}, {"10", 10200}, {"11", 11000}, {"21", 16300},
                  /* between the rule's: parts of a unit, and both ends of a tier */
                  {"0.5", 700}, {"9.999999", 10200}, {"10.000001", 10500}, {"10.5", 10750}, {"20", 15500},
                  {"20.000001", 15800}, {"20.5", 16050}, {"1000", 505800});
}

Test(price, volume_is_bill_032) {
  struct price_tier tiers[] = {
      {false, Q("100"), D("2"), D("10")}, {false, Q("200"), D("1"), {0}}, {true, {0}, D("0.5"), D("50")}};
  struct price_component volume = {.code = "v", .model = PRICE_VOLUME, .tiers = tiers, .tier_count = 3};
  EXPECT_EXAMPLES(&volume, {"0", 1000}, {"1", 1200}, {"100", 21000}, {"101", 10100}, {"300", 20000},
                  {"100.000001", 10000}, {"200", 20000}, {"200.01", 15001}, {"0.005", 1001});
}

Test(price, package_is_bill_033) {
  struct price_component package = {
      .code = "p", .model = PRICE_PACKAGE, .unit_price = D("100"), .package_size = Q("10")};
  EXPECT_EXAMPLES(&package, {"121", 130000}, {"0", 0}, {"0.000001", 10000}, {"10", 10000}, {"10.000001", 20000},
                  {"120", 120000});
  package.free_units = Q("10");
  EXPECT_EXAMPLES(&package, {"121", 120000}, {"0", 0}, {"10", 0}, {"10.000001", 10000}, {"20", 10000}, {"21", 20000});
  package.package_size = Q("2.5");
  EXPECT_EXAMPLES(&package, {"10", 0}, {"12.5", 10000}, {"12.500001", 20000});
}

Test(price, flat_per_unit_and_percentage_are_bill_030) {
  struct price_component flat = {.code = "f", .model = PRICE_FLAT, .unit_price = D("49.995")};
  EXPECT_EXAMPLES(&flat, {"0", 5000}, {"1", 5000}, {"1000", 5000});
  struct price_component bare = {.code = "base", .model = PRICE_PER_UNIT, .unit_price = D("9.99")};
  EXPECT_EXAMPLES(&bare, {"0", 0}, {"1", 999}, {"3", 2997}, {"2.5", 2498}, {"0.5", 500}, {"1000000000", 999000000000});
  struct price_component fine = {.code = "api", .model = PRICE_PER_UNIT, .unit_price = D("0.000000000001")};
  EXPECT_EXAMPLES(&fine, {"1", 0}, {"4999999999", 0}, {"5000000000", 1}, {"1000000000000", 100});
  struct price_component with_free = {
      .code = "calls", .model = PRICE_PER_UNIT, .unit_price = D("0.1"), .free_units = Q("100")};
  EXPECT_EXAMPLES(&with_free, {"0", 0}, {"99.5", 0}, {"100", 0}, {"100.05", 1}, {"150", 500});
  struct price_component percentage = {.code = "fees",
                                       .model = PRICE_PERCENTAGE,
                                       .timing = PRICE_ARREARS,
                                       .rate = D("2.9"),
                                       .per_event_fee = D("0.3"),
                                       .metric = "volume"};
  static const struct {
    const char *sum;
    int64_t events, minor;
  } CASES[] = {{"0", 0, 0},       {"100", 1, 320},   {"100", 3, 380},           {"0.01", 1, 30},
               {"1000", 0, 2900}, {"17.07", 2, 110}, {"1000000.5", 4, 2900121}, {"0", 7, 210}};
  for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++)
    cr_expect_eq(charge_share(&percentage, Q(CASES[i].sum), CASES[i].events, PRICE_SHARE_WHOLE, usd()), CASES[i].minor,
                 "row %zu", i);
  percentage.per_event_fee = D("0");
  cr_expect_eq(charge_share(&percentage, Q("100"), 1000, PRICE_SHARE_WHOLE, usd()), 290, "no fee is given");
  percentage.per_event_fee = D("0.000000000001");
  cr_expect_eq(charge_share(&percentage, Q("0"), 5000000000, PRICE_SHARE_WHOLE, usd()), 1, "the smallest fee");
}

Test(price, a_share_of_a_period_is_rounded_with_the_rest_once) {
  static const struct {
    const char *unit_price, *quantity;
    int64_t part, whole;
    const char *currency;
    int64_t minor;
  } CASES[] = {
      {"10.00", "1", 15, 30, "USD", 500}, /* BILL-021 */
      {"10.00", "1", 14, 31, "USD", 452}, /* BILL-021 */
      {"19.95", "1", 8, 30, "USD", 532},  /* BILL-023 */
      {"10.00", "1", 0, 31, "USD", 0},
      {"10.00", "1", 31, 31, "USD", 1000},
      {"0.333333333333", "3", 1, 1, "USD", 100},
      {"0.015", "1", 1, 3, "USD", 1},  /* 0.005: half a cent goes up; rounding 0.015 first would say the same */
      {"0.014", "1", 1, 3, "USD", 0},  /* 0.00466…; */
      {"0.0149", "3", 1, 9, "USD", 0}, /* 0.004966…; rounded before the share it would be 0.04 ÷ 9 */
      {"1000", "1", 1, 7, "JPY", 143},
      {"1.000", "1", 1, 7, "KWD", 143},
      {"1", "1", 86400, 2592000, "EUR", 3}, /* seconds: a day of thirty */
      {"99.99", "1", 1, 3786825600, "USD", 0},
      {"999999999999999", "1", 1, 3786825600, "JPY", 264073}, /* a second of 120 years */
      {"999999999999999", "1", 3999999999, 4000000000, "JPY", 999999999749999},
  };
  for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
    struct price_component bare = {.code = "base", .model = PRICE_PER_UNIT, .unit_price = D(CASES[i].unit_price)};
    int64_t minor = charge_share(&bare, Q(CASES[i].quantity), 0, (struct price_share){CASES[i].part, CASES[i].whole},
                                 currency_find(CASES[i].currency));
    cr_expect_eq(minor, CASES[i].minor, "row %zu: %lld", i, (long long)minor);
  }
}

/* ---- names ---- */

Test(price, names_and_values_belong_together) {
  static const char *const MODELS[] = {"flat", "per_unit", "graduated", "volume", "package", "percentage"};
  for (size_t i = 0; i < sizeof MODELS / sizeof MODELS[0]; i++) {
    enum price_model model = PRICE_PERCENTAGE;
    cr_expect(price_model_from_name(MODELS[i], &model));
    cr_expect_eq((size_t)model, i);
    cr_expect_str_eq(price_model_name(model), MODELS[i]);
  }
  enum price_model model;
  enum price_timing timing;
  cr_expect_not(price_model_from_name("Flat", &model));
  cr_expect_not(price_model_from_name("", &model));
  cr_expect_not(price_timing_from_name("later", &timing));
  cr_expect(price_timing_from_name("arrears", &timing) && timing == PRICE_ARREARS);
  cr_expect(price_timing_from_name("advance", &timing) && timing == PRICE_ADVANCE);
  cr_expect_str_eq(price_timing_name(PRICE_ADVANCE), "advance");
  cr_expect_str_eq(price_timing_name(PRICE_ARREARS), "arrears");
}

/* ---- what a component must be ---- */

static enum rc check(const struct price_component *component, struct error *err) {
  *err = (struct error){.code = RC_OK};
  return price_component_check(component, "prices[1].components[2]", err);
}

static const char LONG_CODE[] = "c1234567890123456789012345678901234567890123456789012345678901234"; /* 65 */

Test(price, what_no_component_is_is_refused_by_field) {
  struct decimal one = D("1");
  struct decimal minus = D("-0.000000000001");
  struct quantity ten = Q("10");
  struct quantity below = {-1};
  const struct {
    struct price_component component;
    const char *member;
  } CASES[] = {
      {{.code = NULL, .model = PRICE_FLAT}, "code"},
      {{.code = "", .model = PRICE_FLAT}, "code"},
      {{.code = "Base", .model = PRICE_FLAT}, "code"},
      {{.code = "-a", .model = PRICE_FLAT}, "code"},
      {{.code = "a b", .model = PRICE_FLAT}, "code"},
      {{.code = LONG_CODE, .model = PRICE_FLAT}, "code"},
      {{.code = "c", .model = PRICE_FLAT, .unit_price = minus}, "unitPrice"},
      {{.code = "c", .model = PRICE_PER_UNIT, .unit_price = minus}, "unitPrice"},
      {{.code = "c", .model = PRICE_PER_UNIT, .free_units = below}, "freeUnits"},
      {{.code = "c", .model = PRICE_FLAT, .free_units = ten}, "freeUnits"},
      {{.code = "c", .model = PRICE_FLAT, .package_size = ten}, "packageSize"},
      {{.code = "c", .model = PRICE_FLAT, .rate = one}, "rate"},
      {{.code = "c", .model = PRICE_FLAT, .per_event_fee = one}, "perEventFee"},
      {{.code = "c", .model = PRICE_FLAT, .tier_count = 1}, "tiers"},
      {{.code = "c", .model = PRICE_PACKAGE, .unit_price = one}, "packageSize"}, /* a package of nothing */
      {{.code = "c", .model = PRICE_PACKAGE, .package_size = below}, "packageSize"},
      {{.code = "c", .model = PRICE_PERCENTAGE, .timing = PRICE_ARREARS, .rate = one}, "metric"},
      {{.code = "c", .model = PRICE_PERCENTAGE, .timing = PRICE_ARREARS, .rate = minus, .metric = "m"}, "rate"},
      {{.code = "c", .model = PRICE_PERCENTAGE, .timing = PRICE_ARREARS, .per_event_fee = minus, .metric = "m"},
       "perEventFee"},
      {{.code = "c", .model = PRICE_PERCENTAGE, .rate = one, .metric = "m"}, "timing"},
      {{.code = "c", .model = PRICE_PERCENTAGE, .unit_price = one, .metric = "m"}, "unitPrice"},
      {{.code = "c", .model = PRICE_PER_UNIT, .unit_price = one, .metric = "m"}, "timing"},
  };
  for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
    char field[ERROR_FIELD_MAX];
    struct error err;
    snprintf(field, sizeof field, "prices[1].components[2].%s", CASES[i].member);
    cr_expect_eq(check(&CASES[i].component, &err), RC_VALIDATION, "row %zu", i);
    cr_expect_str_eq(err.field, field, "row %zu: %s %s", i, err.field, err.text);
    cr_expect_neq(err.text[0], '\0');
  }
}

/* Gaps and overlaps cannot be written: a tier begins where the one before it ends. */
Test(price, what_no_tiers_are_is_refused_by_field) {
  struct decimal one = D("1");
  struct decimal minus = D("-1");
  const struct {
    struct price_tier tiers[3];
    size_t count;
    const char *member, *text;
  } CASES[] = {
      {{{0}}, 0, "tiers", "are required"},
      {{{.is_last = false, .up_to = Q("10"), .unit_price = one}},
       1,
       "tiers[0].upTo",
       "the last tier must be without end: null"}, /* no last tier */
      {{{.up_to = Q("10")}, {.up_to = Q("20")}}, 2, "tiers[1].upTo", "the last tier must be without end: null"},
      {{{.is_last = true}, {.is_last = true}}, 2, "tiers[0].upTo", "only the last tier is without end"},
      {{{.up_to = Q("10")}, {.is_last = true}, {.up_to = Q("20")}},
       3,
       "tiers[1].upTo",
       "only the last tier is without end"},
      {{{.up_to = Q("0")}, {.is_last = true}}, 2, "tiers[0].upTo", "must be above 0"},
      {{{.up_to = Q("-5")}, {.is_last = true}}, 2, "tiers[0].upTo", "must be above 0"},
      {{{.up_to = Q("10")}, {.up_to = Q("10")}, {.is_last = true}},
       3,
       "tiers[1].upTo",
       "must be above the tier's before it"}, /* an empty tier */
      {{{.up_to = Q("10")}, {.up_to = Q("9.999999")}, {.is_last = true}},
       3,
       "tiers[1].upTo",
       "must be above the tier's before it"},
      {{{.is_last = true, .unit_price = minus}}, 1, "tiers[0].unitPrice", "must not be negative"},
      {{{.up_to = Q("10"), .unit_price = one}, {.is_last = true, .flat_fee = minus}},
       2,
       "tiers[1].flatFee",
       "must not be negative"},
  };
  for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
    struct price_component component = {.code = "c",
                                        .model = i % 2 ? PRICE_VOLUME : PRICE_GRADUATED,
                                        .tiers = CASES[i].tiers,
                                        .tier_count = CASES[i].count};
    char field[ERROR_FIELD_MAX];
    struct error err;
    snprintf(field, sizeof field, "prices[1].components[2].%s", CASES[i].member);
    cr_expect_eq(check(&component, &err), RC_VALIDATION, "row %zu", i);
    cr_expect_str_eq(err.field, field, "row %zu: %s %s", i, err.field, err.text);
    cr_expect_str_eq(err.text, CASES[i].text, "row %zu: %s", i, err.text);
  }
}

Test(price, the_shortest_and_the_longest_that_a_component_may_be) {
  struct price_tier thin[] = {{.up_to = {1}, .unit_price = D("1")}, {.up_to = {2}}, {.is_last = true}};
  const struct price_component CASES[] = {
      {.code = "c", .model = PRICE_FLAT},
      {.code = LONG_CODE + 1, .model = PRICE_FLAT}, /* 64 */
      {.code = "0._-", .model = PRICE_FLAT},
      {.code = "c", .model = PRICE_VOLUME, .tiers = thin, .tier_count = 3},
      {.code = "c", .model = PRICE_PACKAGE, .package_size = {1}},
      {.code = "c", .model = PRICE_FLAT, .unit_price = D("1000000000000000")},
  };
  for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
    struct error err;
    cr_expect_eq(check(&CASES[i], &err), RC_OK, "row %zu: %s", i, err.text);
  }
}

Test(price, there_may_be_a_hundred_tiers_and_no_more) {
  struct price_tier tiers[PRICE_TIERS_MAX + 1] = {{0}};
  for (size_t i = 0; i < PRICE_TIERS_MAX + 1; i++) tiers[i] = (struct price_tier){.up_to = quantity_of((int64_t)i + 1)};
  tiers[PRICE_TIERS_MAX].is_last = true;
  struct price_component component = {
      .code = "c", .model = PRICE_GRADUATED, .tiers = tiers, .tier_count = PRICE_TIERS_MAX + 1};
  struct error err;
  cr_expect_eq(check(&component, &err), RC_VALIDATION);
  cr_expect_str_eq(err.field, "prices[1].components[2].tiers");
  component.tiers = tiers + 1;
  component.tier_count = PRICE_TIERS_MAX;
  cr_expect_eq(check(&component, &err), RC_OK, "%s %s", err.field, err.text);
  struct price_explanation explanation;
  cr_expect_eq(price_explain(&component, Q("1000"), 0, PRICE_SHARE_WHOLE, usd(), &explanation, &err), RC_OK);
  cr_expect_eq(explanation.part_count, PRICE_TIERS_MAX);
}

/* ---- too much, too little ---- */

Test(price, what_is_beyond_the_largest_amount_is_refused) {
  const struct price_tier dear[] = {{.is_last = true, .unit_price = D("1000000000000000")}};
  const struct price_tier fee[] = {{false, Q("1"), {0}, D("9999999999999.99")}, {true, {0}, D("0.01"), D("0")}};
  const struct {
    struct price_component component;
    const char *quantity;
    int64_t events;
    const char *currency;
    enum rc rc;
    int64_t minor;
  } CASES[] = {
      {{.code = "c", .model = PRICE_FLAT, .unit_price = D("9999999999999.99")}, "1", 0, "USD", RC_OK, MONEY_MAX},
      {{.code = "c", .model = PRICE_FLAT, .unit_price = D("9999999999999.990000000001")},
       "1",
       0,
       "USD",
       RC_VALIDATION,
       0},
      {{.code = "c", .model = PRICE_FLAT, .unit_price = D("999999999999999")}, "1", 0, "JPY", RC_OK, MONEY_MAX},
      {{.code = "c", .model = PRICE_FLAT, .unit_price = D("1000000000000000")}, "1", 0, "JPY", RC_VALIDATION, 0},
      {{.code = "c", .model = PRICE_PER_UNIT, .unit_price = D("1000000000000000")},
       "1000000000000",
       0,
       "USD",
       RC_VALIDATION,
       0}, /* 10^27 units: 128 bits cannot hold that */
      {{.code = "c", .model = PRICE_PER_UNIT, .unit_price = D("10")},
       "1000000000000",
       0,
       "USD",
       RC_VALIDATION,
       0}, /* a cent above */
      {{.code = "c", .model = PRICE_PER_UNIT, .unit_price = D("9.999999999999")},
       "1000000000000",
       0,
       "USD",
       RC_OK,
       999999999999900},
      {{.code = "c", .model = PRICE_GRADUATED, .tiers = dear, .tier_count = 1},
       "1000000000000",
       0,
       "USD",
       RC_VALIDATION,
       0},
      {{.code = "c", .model = PRICE_GRADUATED, .tiers = fee, .tier_count = 2}, "1", 0, "USD", RC_OK, MONEY_MAX},
      {{.code = "c", .model = PRICE_GRADUATED, .tiers = fee, .tier_count = 2}, "2", 0, "USD", RC_VALIDATION, 0},
      {{.code = "c", .model = PRICE_PACKAGE, .unit_price = D("1000000000000000"), .package_size = Q("0.000001")},
       "1000000000000",
       0,
       "USD",
       RC_VALIDATION,
       0},
      {{.code = "c", .model = PRICE_PACKAGE, .unit_price = D("0.000000000001"), .package_size = Q("0.000001")},
       "1000000000000",
       0,
       "USD",
       RC_OK,
       100000000},
      {{.code = "c", .model = PRICE_PERCENTAGE, .timing = PRICE_ARREARS, .rate = D("1000000000000000"), .metric = "m"},
       "1000000000000",
       0,
       "USD",
       RC_VALIDATION,
       0},
      {{.code = "c", .model = PRICE_PERCENTAGE, .timing = PRICE_ARREARS, .per_event_fee = D("1"), .metric = "m"},
       "0",
       INT64_MAX,
       "USD",
       RC_VALIDATION,
       0},
      {{.code = "c", .model = PRICE_PER_UNIT, .unit_price = D("1")}, "-0.000001", 0, "USD", RC_VALIDATION, 0},
      {{.code = "c", .model = PRICE_FLAT, .unit_price = D("1")}, "-1", 0, "USD", RC_VALIDATION, 0},
      {{.code = "c", .model = PRICE_PERCENTAGE, .timing = PRICE_ARREARS, .rate = D("1"), .metric = "m"},
       "1",
       -1,
       "USD",
       RC_VALIDATION,
       0},
  };
  for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
    int64_t minor = 4711;
    struct error err = {.code = RC_OK};
    struct quantity quantity = Q(CASES[i].quantity);
    cr_assert_eq(check(&CASES[i].component, &err), RC_OK, "row %zu: %s %s", i, err.field, err.text);
    cr_expect_eq(price_charge(&CASES[i].component, quantity, CASES[i].events, PRICE_SHARE_WHOLE,
                              currency_find(CASES[i].currency), &minor, &err),
                 CASES[i].rc, "row %zu", i);
    cr_expect_eq(minor, CASES[i].rc == RC_OK ? CASES[i].minor : 4711, "row %zu: %lld", i, (long long)minor);
    if (CASES[i].rc == RC_OK) continue;
    bool is_below = quantity.micro < 0 || CASES[i].events < 0;
    cr_expect_str_eq(err.field, is_below ? "quantity" : "amount", "row %zu", i);
  }
}

Test(price, a_share_above_the_whole_is_our_bug, .signal = SIGABRT, .init = cr_redirect_stderr) {
  struct price_component flat = {.code = "f", .model = PRICE_FLAT, .unit_price = D("1")};
  (void)charge_share(&flat, Q("1"), 0, (struct price_share){2, 1}, usd());
}

Test(price, a_share_of_nothing_is_our_bug, .signal = SIGABRT, .init = cr_redirect_stderr) {
  struct price_component flat = {.code = "f", .model = PRICE_FLAT, .unit_price = D("1")};
  (void)charge_share(&flat, Q("1"), 0, (struct price_share){0, 0}, usd());
}

Test(price, a_share_beyond_its_limit_is_our_bug, .signal = SIGABRT, .init = cr_redirect_stderr) {
  struct price_component flat = {.code = "f", .model = PRICE_FLAT, .unit_price = D("1")};
  (void)charge_share(&flat, Q("1"), 0, (struct price_share){1, PRICE_SHARE_WHOLE_MAX + 1}, usd());
}

/* ---- properties ---- */

struct any {
  struct price_component component;
  struct price_tier tiers[6];
};

/* Prices of up to 99 with some of 12 decimals; quantities in halves. */
static struct decimal any_price(struct dice *dice) {
  int64_t pico = dice_between(dice, 0, 99 * PICO);
  static const int64_t STEPS[] = {PICO, PICO / 100, PICO / 1000, 1};
  int64_t step = STEPS[dice_between(dice, 0, 3)];
  return (struct decimal){(int128)(pico / step) * step};
}

static struct quantity halves(int64_t count) {
  return (struct quantity){count * (MICRO / 2)};
}

static void any_tiers(struct dice *dice, struct any *any) {
  size_t count = (size_t)dice_between(dice, 1, 6);
  int64_t up_to = 0;
  for (size_t i = 0; i < count; i++) {
    up_to += dice_between(dice, 1, 12);
    any->tiers[i] = (struct price_tier){.is_last = i + 1 == count,
                                        .up_to = halves(up_to),
                                        .unit_price = any_price(dice),
                                        .flat_fee = dice_between(dice, 0, 1) ? any_price(dice) : (struct decimal){0}};
  }
  any->component.tiers = any->tiers;
  any->component.tier_count = count;
}

static void any_component(struct dice *dice, enum price_model model, struct any *any) {
  const struct price_members *members = price_model_members(model);
  *any = (struct any){.component = {.code = "any", .model = model}};
  if (members->unit_price) any->component.unit_price = any_price(dice);
  if (members->tiers) any_tiers(dice, any);
  if (members->package_size) any->component.package_size = halves(dice_between(dice, 1, 9));
  if (members->free_units) any->component.free_units = halves(dice_between(dice, 0, 9));
  if (members->rate) {
    any->component.rate = any_price(dice);
    any->component.per_event_fee = any_price(dice);
    any->component.metric = "sales";
    any->component.timing = PRICE_ARREARS;
  }
}

static struct price_share any_share(struct dice *dice) {
  int64_t whole = dice_between(dice, 1, dice_between(dice, 0, 3) ? 366 : PRICE_SHARE_WHOLE_MAX);
  return (struct price_share){dice_between(dice, 0, whole), whole};
}

/* The tier of half unit number n, 0 being the first. */
static const struct price_tier *tier_of_half(const struct price_component *component, int64_t n) {
  const struct price_tier *tier = component->tiers;
  while (!tier->is_last && halves(n + 1).micro > tier->up_to.micro) tier++;
  return tier;
}

/* In units of 10^-20, half unit by half unit, as one would count on fingers. */
static int128 count_sum(const struct price_component *component, int64_t half_count, int64_t events) {
  int128 half = (int128)100 * MICRO / 2; /* × pico is the price of half a unit */
  int128 sum = 0;
  const struct price_tier *tier = component->tier_count > 0 ? tier_of_half(component, half_count - 1) : NULL;
  int64_t free_halves = component->free_units.micro / (MICRO / 2);
  int64_t package_halves = component->package_size.micro / (MICRO / 2);
  switch (component->model) {
  case PRICE_FLAT: return component->unit_price.pico * half * 2;
  case PRICE_PER_UNIT:
    for (int64_t n = free_halves; n < half_count; n++) sum += component->unit_price.pico * half;
    return sum;
  case PRICE_GRADUATED:
    sum = component->tiers[0].flat_fee.pico * half * 2;
    for (int64_t n = 0; n < half_count; n++) {
      const struct price_tier *here = tier_of_half(component, n);
      sum += here->unit_price.pico * half;
      if (n > 0 && here != tier_of_half(component, n - 1)) sum += here->flat_fee.pico * half * 2;
    }
    return sum;
  case PRICE_VOLUME:
    for (int64_t n = 0; n < half_count; n++) sum += tier->unit_price.pico * half;
    return sum + tier->flat_fee.pico * half * 2;
  case PRICE_PACKAGE:
    for (int64_t n = free_halves; n < half_count; n += package_halves) sum += component->unit_price.pico * half * 2;
    return sum;
  case PRICE_PERCENTAGE:
    for (int64_t n = 0; n < half_count; n++) sum += component->rate.pico * (MICRO / 2);
    for (int64_t n = 0; n < events; n++) sum += component->per_event_fee.pico * half * 2;
    return sum;
  }
  return -1;
}

struct wide {
  uint64_t limbs[4]; /* least first */
};

static struct wide wide_multiply(int128 a, int128 b) {
  uint64_t x[2] = {(uint64_t)a, (uint64_t)(a >> 64)};
  uint64_t y[2] = {(uint64_t)b, (uint64_t)(b >> 64)};
  struct wide product = {{0}};
  for (size_t i = 0; i < 2; i++) {
    unsigned __int128 carry = 0;
    for (size_t j = 0; j < 2; j++) {
      carry += (unsigned __int128)x[i] * y[j] + product.limbs[i + j];
      product.limbs[i + j] = (uint64_t)carry;
      carry >>= 64;
    }
    product.limbs[i + 2] += (uint64_t)carry;
  }
  return product;
}

static int wide_compare(struct wide a, struct wide b) {
  for (size_t i = 4; i-- > 0;)
    if (a.limbs[i] != b.limbs[i]) return a.limbs[i] < b.limbs[i] ? -1 : 1;
  return 0;
}

/* Is `minor` round(sum ÷ 10^20 × minor_per_unit × part ÷ whole), half up? That is (2 minor - 1) × D <= 2 × N and
 * 2 × N < (2 minor + 1) × D, with N = sum × minor_per_unit × part and D = 10^20 × whole, in 256 bits. */
static bool is_nearest(int64_t minor, int128 sum, int minor_per_unit, struct price_share share) {
  int128 denominator = (int128)PICO * 100 * MICRO * share.whole;
  struct wide twice = wide_multiply(sum * minor_per_unit, (int128)2 * share.part);
  bool is_enough = minor == 0 || wide_compare(wide_multiply(denominator, 2 * (int128)minor - 1), twice) <= 0;
  return is_enough && wide_compare(twice, wide_multiply(denominator, 2 * (int128)minor + 1)) < 0;
}

static const struct {
  const char *code;
  int minor_per_unit;
} CURRENCIES[] = {{"USD", 100}, {"JPY", 1}, {"KWD", 1000}, {"CLF", 10000}};

static void agrees_with_counting(enum price_model model) {
  struct dice dice = dice_new();
  for (int i = 0; i < MONEY_CASES; i++) {
    struct any any;
    any_component(&dice, model, &any);
    int64_t half_count = dice_between(&dice, 0, 60);
    int64_t events = dice_between(&dice, 0, 20);
    struct price_share share = i % 4 == 0 ? PRICE_SHARE_WHOLE : any_share(&dice);
    size_t currency = (size_t)i % 4;
    int64_t minor =
        charge_share(&any.component, halves(half_count), events, share, currency_find(CURRENCIES[currency].code));
    int128 sum = count_sum(&any.component, half_count, events);
    cr_assert(is_nearest(minor, sum, CURRENCIES[currency].minor_per_unit, share), "case %d: %lld", i, (long long)minor);
  }
}

Test(price, flat_agrees_with_counting) {
  agrees_with_counting(PRICE_FLAT);
}

Test(price, per_unit_agrees_with_counting) {
  agrees_with_counting(PRICE_PER_UNIT);
}

Test(price, graduated_agrees_with_counting) {
  agrees_with_counting(PRICE_GRADUATED);
}

Test(price, volume_agrees_with_counting) {
  agrees_with_counting(PRICE_VOLUME);
}

Test(price, package_agrees_with_counting) {
  agrees_with_counting(PRICE_PACKAGE);
}

Test(price, percentage_agrees_with_counting) {
  agrees_with_counting(PRICE_PERCENTAGE);
}

/* Prices and quantities of every magnitude: right to the last digit, or said to be too large because it is. */
Test(price, large_amounts_are_exact_or_refused) {
  struct dice dice = dice_new();
  int refused = 0;
  for (int i = 0; i < MONEY_CASES; i++) {
    struct price_component bare = {.code = "base", .model = PRICE_PER_UNIT};
    bare.unit_price.pico = (int128)dice_between(&dice, 0, 1000000000000000 - 1) * PICO + dice_between(&dice, 0, PICO);
    bare.unit_price.pico >>= dice_between(&dice, 0, 85);
    struct quantity quantity = {dice_between(&dice, 0, QUANTITY_MAX) >> dice_between(&dice, 0, 58)};
    struct price_share share = any_share(&dice);
    size_t currency = (size_t)i % 4;
    struct error err;
    int64_t minor = -1;
    /* price × quantity > (10^15 - 1) minor units, without doing it in 128 bits */
    struct wide cost = wide_multiply(bare.unit_price.pico * CURRENCIES[currency].minor_per_unit, quantity.micro);
    bool is_too_large = wide_compare(cost, wide_multiply((int128)PICO * MICRO, MONEY_MAX)) > 0;
    enum rc rc = price_charge(&bare, quantity, 0, share, currency_find(CURRENCIES[currency].code), &minor, &err);
    cr_assert_eq(rc, is_too_large ? RC_VALIDATION : RC_OK, "case %d", i);
    refused += is_too_large;
    if (is_too_large) continue;
    cr_assert(
        is_nearest(minor, bare.unit_price.pico * quantity.micro * 100, CURRENCIES[currency].minor_per_unit, share),
        "case %d: %lld", i, (long long)minor);
  }
  cr_expect(refused > MONEY_CASES / 50 && refused < MONEY_CASES, "%d", refused);
}

Test(price, graduated_never_falls_and_rises_by_a_fee_at_a_tier) {
  struct dice dice = dice_new();
  for (int i = 0; i < MONEY_CASES; i++) {
    struct any any;
    any_component(&dice, PRICE_GRADUATED, &any);
    int64_t before = dice_between(&dice, 0, 40 * MICRO);
    int64_t after = before + dice_between(&dice, 0, 10 * MICRO);
    cr_assert_leq(charge(&any.component, (struct quantity){before}), charge(&any.component, (struct quantity){after}));
    if (any.component.tier_count < 2) continue;
    const struct price_tier *next = &any.tiers[1];
    struct price_explanation at, above;
    struct error err;
    struct quantity end = any.tiers[0].up_to;
    cr_assert_eq(price_explain(&any.component, end, 0, PRICE_SHARE_WHOLE, usd(), &at, &err), RC_OK);
    end.micro++;
    cr_assert_eq(price_explain(&any.component, end, 0, PRICE_SHARE_WHOLE, usd(), &above, &err), RC_OK);
    cr_assert(above.sum - at.sum == next->flat_fee.pico * 100 * MICRO + next->unit_price.pico * 100,
              "a millionth more costs the next tier's fee and its price for a millionth");
  }
}

/* A tier cut in two of the same price, the second without a fee, is the same tier. */
Test(price, a_graduated_tier_cut_in_two_costs_the_same) {
  struct dice dice = dice_new();
  for (int i = 0; i < MONEY_CASES; i++) {
    struct any any;
    struct price_tier cut[7];
    any_component(&dice, PRICE_GRADUATED, &any);
    size_t tier = (size_t)dice_between(&dice, 0, (int64_t)any.component.tier_count - 1);
    int64_t from = tier == 0 ? 0 : any.tiers[tier - 1].up_to.micro;
    memcpy(cut, any.tiers, (tier + 1) * sizeof cut[0]);
    memcpy(cut + tier + 1, any.tiers + tier, (any.component.tier_count - tier) * sizeof cut[0]);
    int64_t most = any.tiers[tier].is_last ? from + 9 * MICRO : any.tiers[tier].up_to.micro - 1;
    cut[tier].is_last = false;
    cut[tier].up_to.micro = dice_between(&dice, from + 1, most);
    cut[tier + 1].flat_fee.pico = 0;
    struct price_component as_cut = any.component;
    as_cut.tiers = cut;
    as_cut.tier_count++;
    struct quantity quantity = {dice_between(&dice, 0, 50 * MICRO)};
    struct price_share share = any_share(&dice);
    cr_assert_eq(charge_share(&as_cut, quantity, 0, share, usd()),
                 charge_share(&any.component, quantity, 0, share, usd()), "case %d", i);
  }
}

/* Two quantities as one: the second goes on in the tiers where the first ended. */
Test(price, graduated_sums_over_a_quantity_in_two_pieces) {
  struct dice dice = dice_new();
  for (int i = 0; i < MONEY_CASES; i++) {
    struct any any;
    any_component(&dice, PRICE_GRADUATED, &any);
    for (size_t t = 0; t < any.component.tier_count; t++) any.tiers[t].flat_fee.pico = 0;
    int64_t first = dice_between(&dice, 0, 30 * MICRO);
    int64_t second = dice_between(&dice, 0, 30 * MICRO);
    struct price_tier rest[6];
    struct price_component going_on = any.component;
    going_on.tiers = rest;
    going_on.tier_count = 0;
    for (size_t t = 0; t < any.component.tier_count; t++) {
      struct price_tier tier = any.tiers[t];
      tier.up_to.micro -= first;
      if (tier.is_last || tier.up_to.micro > 0) rest[going_on.tier_count++] = tier;
    }
    struct price_explanation one, two, both;
    struct error err;
    cr_assert_eq(price_explain(&any.component, (struct quantity){first}, 0, PRICE_SHARE_WHOLE, usd(), &one, &err),
                 RC_OK);
    cr_assert_eq(price_explain(&going_on, (struct quantity){second}, 0, PRICE_SHARE_WHOLE, usd(), &two, &err), RC_OK);
    cr_assert_eq(
        price_explain(&any.component, (struct quantity){first + second}, 0, PRICE_SHARE_WHOLE, usd(), &both, &err),
        RC_OK);
    cr_assert(one.sum + two.sum == both.sum, "case %d", i);
  }
}

Test(price, volume_is_per_unit_at_the_price_of_the_tier) {
  struct dice dice = dice_new();
  for (int i = 0; i < MONEY_CASES; i++) {
    struct any any;
    any_component(&dice, PRICE_VOLUME, &any);
    struct quantity quantity = {dice_between(&dice, 0, 50 * MICRO)};
    size_t tier = 0;
    for (size_t t = 1; t < any.component.tier_count; t++)
      if (quantity.micro > any.tiers[t - 1].up_to.micro) tier = t;
    struct price_tier only = any.tiers[tier];
    only.is_last = true;
    struct price_component alone = any.component;
    alone.tiers = &only;
    alone.tier_count = 1;
    struct price_component as_graduated = alone;
    as_graduated.model = PRICE_GRADUATED;
    cr_assert_eq(charge(&any.component, quantity), charge(&alone, quantity), "case %d", i);
    cr_assert_eq(charge(&alone, quantity), charge(&as_graduated, quantity), "of one tier, both are the same");
  }
}

Test(price, packages_are_steps) {
  struct dice dice = dice_new();
  for (int i = 0; i < MONEY_CASES; i++) {
    struct any any;
    any_component(&dice, PRICE_PACKAGE, &any);
    int64_t size = any.component.package_size.micro;
    int64_t packages = dice_between(&dice, 0, 50);
    int64_t full = any.component.free_units.micro + packages * size;
    struct price_component flat = {.code = "f", .model = PRICE_PER_UNIT, .unit_price = any.component.unit_price};
    int64_t expected = charge(&flat, quantity_of(packages));
    int64_t one_more = charge(&flat, quantity_of(packages + 1));
    cr_assert_eq(charge(&any.component, (struct quantity){full}), expected, "a full package");
    cr_assert_eq(charge(&any.component, (struct quantity){full + dice_between(&dice, 1, size)}), one_more,
                 "any part of the next");
  }
}

Test(price, shares_of_a_period_add_up_within_rounding) {
  struct dice dice = dice_new();
  for (int i = 0; i < MONEY_CASES; i++) {
    struct any any;
    any_component(&dice, (enum price_model)(i % 6), &any);
    struct quantity quantity = {dice_between(&dice, 0, 50 * MICRO)};
    int64_t whole = charge_share(&any.component, quantity, 3, PRICE_SHARE_WHOLE, usd());
    struct price_share share = any_share(&dice);
    struct price_share rest = {share.whole - share.part, share.whole};
    cr_assert_eq(charge_share(&any.component, quantity, 3, (struct price_share){share.whole, share.whole}, usd()),
                 whole, "n of n is the whole");
    cr_assert_eq(charge_share(&any.component, quantity, 3, (struct price_share){0, share.whole}, usd()), 0);
    int64_t sum = charge_share(&any.component, quantity, 3, share, usd()) +
                  charge_share(&any.component, quantity, 3, rest, usd());
    cr_assert(sum - whole <= 1 && whole - sum <= 1, "case %d: %lld of %lld", i, (long long)sum, (long long)whole);
  }
}

/* ---- the explanation: BILL-025 ---- */

static int128 part_sum(const struct price_part *part) {
  int128 flat = part->flat_fee.pico * 100 * MICRO;
  switch (part->kind) {
  case PRICE_PART_FLAT: return part->unit_price.pico * 100 * MICRO;
  case PRICE_PART_UNITS: return part->unit_price.pico * part->quantity.micro * 100 + flat;
  case PRICE_PART_RATE: return part->unit_price.pico * part->quantity.micro;
  case PRICE_PART_PACKAGES:
  case PRICE_PART_EVENTS: return part->unit_price.pico * part->count * 100 * MICRO;
  }
  return -1;
}

Test(price, an_explanation_adds_up_to_what_is_charged) {
  struct dice dice = dice_new();
  for (int i = 0; i < MONEY_CASES; i++) {
    struct any any;
    any_component(&dice, (enum price_model)(i % 6), &any);
    struct quantity quantity = {dice_between(&dice, 0, 50 * MICRO)};
    struct price_share share = any_share(&dice);
    struct price_explanation explained;
    struct error err;
    cr_assert_eq(price_explain(&any.component, quantity, 5, share, usd(), &explained, &err), RC_OK);
    int128 sum = 0;
    int64_t priced_micro = 0;
    for (size_t j = 0; j < explained.part_count; j++) {
      sum += part_sum(&explained.parts[j]);
      priced_micro += explained.parts[j].quantity.micro;
      if (any.component.tier_count > 0) {
        const struct price_tier *tier = &any.tiers[explained.parts[j].tier];
        cr_assert(explained.parts[j].unit_price.pico == tier->unit_price.pico);
        cr_assert(explained.parts[j].flat_fee.pico == tier->flat_fee.pico);
      }
    }
    cr_assert(sum == explained.sum, "case %d", i);
    if (any.component.model != PRICE_FLAT)
      cr_assert_eq(priced_micro + explained.free.micro, quantity.micro, "each unit is priced or free");
    cr_assert_eq(explained.quantity.micro, quantity.micro);
    cr_assert_eq(explained.share.part, share.part);
    cr_assert_eq(explained.share.whole, share.whole);
    cr_assert_eq(explained.amount_minor, charge_share(&any.component, quantity, 5, share, usd()));
  }
}

Test(price, an_explanation_names_the_tiers_and_the_sum_before_rounding) {
  struct price_tier tiers[3];
  struct price_component graduated = graduated_of_the_rules(tiers);
  struct price_explanation explained;
  struct error err;
  char text[DECIMAL_TEXT_MAX];
  cr_assert_eq(price_explain(&graduated, Q("10.0001"), 0, (struct price_share){1, 3}, usd(), &explained, &err), RC_OK);
  cr_assert_eq(explained.part_count, 2);
  cr_expect_eq(explained.parts[1].tier, 1);
  cr_expect_eq(explained.parts[1].quantity.micro, 100);
  cr_expect_str_eq(fixed_format(explained.sum, PRICE_SUM_DECIMALS, text), "105.0005");
  cr_expect_eq(explained.amount_minor, 3500);
}

Test(price, an_explanation_says_nothing_of_a_fee_that_there_is_not) {
  struct price_component percentage = {
      .code = "fees", .model = PRICE_PERCENTAGE, .timing = PRICE_ARREARS, .rate = D("2.9"), .metric = "volume"};
  struct price_explanation explained;
  struct error err;
  cr_assert_eq(price_explain(&percentage, Q("100"), 7, PRICE_SHARE_WHOLE, usd(), &explained, &err), RC_OK);
  cr_expect_eq(explained.part_count, 1);
  percentage.per_event_fee = D("0.3");
  cr_assert_eq(price_explain(&percentage, Q("100"), 7, PRICE_SHARE_WHOLE, usd(), &explained, &err), RC_OK);
  cr_expect_eq(explained.part_count, 2);
  cr_expect_eq(explained.parts[1].count, 7);
}

Test(price, a_failure_leaves_the_explanation_alone) {
  struct price_component flat = {.code = "f", .model = PRICE_FLAT, .unit_price = D("1")};
  struct price_explanation explained = {.part_count = 4711};
  struct error err;
  cr_expect_eq(price_explain(&flat, Q("-1"), 0, PRICE_SHARE_WHOLE, usd(), &explained, &err), RC_VALIDATION);
  cr_expect_eq(explained.part_count, 4711);
}

/* ---- minimum commitment: BILL-030, BILL-021 ---- */

Test(price, a_true_up_lifts_to_the_share_of_the_minimum) {
  static const struct {
    int64_t minimum, part, whole, charged, lift;
  } CASES[] = {
      {10000, 1, 1, 7500, 2500},
      {10000, 1, 1, 10000, 0},
      {10000, 1, 1, 10001, 0},
      {10000, 1, 1, 0, 10000},
      {10000, 1, 1, -500, 10500}, /* a period that was credited more than charged */
      {10000, 15, 30, 4999, 1},   /* BILL-021: a short period has its share */
      {1000, 14, 31, 400, 52},
      {1, 1, 2, 0, 1}, /* BILL-002: half a cent goes up */
      {0, 1, 1, 0, 0},
      {10000, 0, 30, 0, 0},
      {MONEY_MAX, 1, 1, 0, MONEY_MAX},
      {MONEY_MAX, 1, 1, MONEY_MAX, 0},
  };
  for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
    int64_t lift = -1;
    struct error err;
    cr_expect_eq(price_true_up(CASES[i].minimum, (struct price_share){CASES[i].part, CASES[i].whole}, CASES[i].charged,
                               &lift, &err),
                 RC_OK);
    cr_expect_eq(lift, CASES[i].lift, "row %zu: %lld", i, (long long)lift);
  }
  int64_t lift = 4711;
  struct error err;
  cr_expect_eq(price_true_up(MONEY_MAX, PRICE_SHARE_WHOLE, -1, &lift, &err), RC_VALIDATION);
  cr_expect_str_eq(err.field, "amount");
  cr_expect_eq(lift, 4711);
}

Test(price, a_negative_minimum_is_our_bug, .signal = SIGABRT, .init = cr_redirect_stderr) {
  int64_t lift;
  struct error err;
  cr_expect_eq(price_true_up(-1, PRICE_SHARE_WHOLE, 0, &lift, &err), RC_OK);
}

Test(price, bill_002_a_product_is_rounded_once_and_bounded) {
  static const struct {
    const char *quantity, *unit_price, *currency;
    int64_t minor;
  } cases[] = {{"3", "0.0125", "USD", 4},
               {"1", "0.005", "USD", 1},
               {"1", "-0.005", "USD", -1},
               {"2.5", "3.1", "JPY", 8},
               {"1", "1.2345", "KWD", 1235},
               {"0.000001", "4999", "USD", 0},
               {"1", "9999999999999.99", "USD", MONEY_MAX},
               {"1", "-9999999999999.99", "USD", -MONEY_MAX}};
  struct error err;
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    struct quantity quantity;
    struct decimal unit_price;
    int64_t minor = 0;
    cr_assert_eq(quantity_parse(cases[i].quantity, "q", &quantity, &err), RC_OK);
    cr_assert_eq(decimal_parse(cases[i].unit_price, "p", &unit_price, &err), RC_OK);
    cr_assert_eq(price_product(quantity, unit_price, currency_find(cases[i].currency), "f", &minor, &err), RC_OK);
    cr_expect_eq(minor, cases[i].minor, "%s x %s: %lld", cases[i].quantity, cases[i].unit_price, (long long)minor);
  }
  static const char *const too_large[] = {"9999999999999.995", "-9999999999999.995", "999999999999999"};
  for (size_t i = 0; i < sizeof too_large / sizeof *too_large; i++) {
    struct decimal unit_price;
    int64_t minor = 7;
    cr_assert_eq(decimal_parse(too_large[i], "p", &unit_price, &err), RC_OK);
    cr_expect_eq(price_product(quantity_of(1), unit_price, currency_find("USD"), "f", &minor, &err), RC_VALIDATION);
    cr_expect_str_eq(err.field, "f");
    cr_expect_eq(minor, 7);
  }
  struct decimal largest;
  int64_t minor = 7;
  cr_assert_eq(decimal_parse("999999999999999", "p", &largest, &err), RC_OK);
  cr_expect_eq(price_product(quantity_of(1000000000000), largest, currency_find("USD"), "f", &minor, &err),
               RC_VALIDATION, "beyond 128 bits");
}
