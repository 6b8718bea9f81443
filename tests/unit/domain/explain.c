/* BILL-025: the steps as a reader sees them, worked out by hand beside each case, and that they come to what was
 * billed. */
#include "domain/explain.h"

#include <criterion/criterion.h>
#include <string.h>

#include "base/buf.h"
#include "domain/change.h"
#include "unit/property.h"

static struct arena arena;

static void begin(void) {
  arena_init(&arena, (size_t)64 * 1024 * 1024);
}

static void end(void) {
  arena_release(&arena);
}

TestSuite(explain, .init = begin, .fini = end);

static struct explanation in(const char *currency) {
  return (struct explanation){.arena = &arena, .currency = currency_find(currency)};
}

/* "name: expression = result" of each step, with ~ for = where it is rounded; and the texts by themselves. */
static const char *steps_of(const struct explanation *e) {
  struct buf CLEANUP(buf_release) text;
  buf_init(&text, (size_t)64 * 1024);
  for (size_t i = 0; i < e->count; i++)
    buf_printf(&text, "%s%s: %s %s %s", i ? "; " : "", e->steps[i].name, e->steps[i].expression,
               e->steps[i].is_rounded ? "~" : "=", e->steps[i].result);
  return arena_strdup(&arena, buf_text(&text));
}

static const char *text_of(const struct explanation *e) {
  struct buf CLEANUP(buf_release) text;
  buf_init(&text, (size_t)64 * 1024);
  for (size_t i = 0; i < e->count; i++) buf_printf(&text, "%s%s", i ? " " : "", e->steps[i].text);
  return arena_strdup(&arena, buf_text(&text));
}

static const char *rules_of(const struct explanation *e) {
  struct buf CLEANUP(buf_release) text;
  buf_init(&text, (size_t)64 * 1024);
  for (size_t i = 0; i < e->count; i++) buf_printf(&text, "%s%s", i ? "; " : "", e->steps[i].rules);
  return arena_strdup(&arena, buf_text(&text));
}

static struct decimal dec(const char *text) {
  struct decimal value = {0};
  struct error err;
  cr_assert_eq(decimal_parse(text, "decimal", &value, &err), RC_OK, "%s", text);
  return value;
}

static struct quantity qty(const char *text) {
  struct quantity value = {0};
  struct error err;
  cr_assert_eq(quantity_parse(text, "quantity", &value, &err), RC_OK, "%s", text);
  return value;
}

static struct date day(const char *text) {
  struct date date = {0};
  struct error err;
  cr_assert_eq(date_parse(text, "date", &date, &err), RC_OK, "%s", text);
  return date;
}

static const struct zone *zone(const char *name) {
  const struct zone *found = NULL;
  struct error err;
  cr_assert_eq(zone_find(name, "zone", &found, &err), RC_OK, "%s", name);
  return found;
}

/* -- which days -- */

static struct explained_span span_of(const char *zone_text, enum proration_basis basis, const char *from,
                                     const char *to) {
  return (struct explained_span){.grid = {{INTERVAL_MONTH, 1}, day("2027-01-31"), 31, 0},
                                 .index = 1,
                                 .from = day(from),
                                 .to = day(to),
                                 .zone = zone(zone_text),
                                 .basis = basis};
}

Test(explain, bill_021_a_share_of_a_period_in_days) {
  struct explanation e = in("USD");
  struct explained_span span = span_of("UTC", PRORATION_DAY, "2027-03-20", "2027-03-31");
  struct price_share share = explain_share(&e, &span);
  cr_expect(share.part == 11 && share.whole == 31);
  cr_expect_str_eq(steps_of(&e), "period: 2027-03-31 − 2027-02-28 = 31; share: 2027-03-31 − 2027-03-20 = 11");
  cr_expect_str_eq(text_of(&e), "Period 1 runs from 2027-02-28 to 2027-03-31: 31 days. "
                                "Charged is 2027-03-20 to 2027-03-31: 11 of 31 days.");
  cr_expect_str_eq(rules_of(&e), "BILL-010 BILL-021; BILL-020");
}

/* On 2027-03-28 Madrid's day has 23 hours: 3 days are 71 of them, and the period has 743. */
Test(explain, bill_020_a_share_of_a_period_in_seconds) {
  struct explanation e = in("USD");
  struct explained_span span = span_of("Europe/Madrid", PRORATION_SECOND, "2027-03-26", "2027-03-29");
  struct price_share share = explain_share(&e, &span);
  cr_expect_eq(share.part, INT64_C(71) * 3600);
  cr_expect_eq(share.whole, INT64_C(743) * 3600);
  cr_expect_str_eq(text_of(&e), "Period 1 runs from 2027-02-28 to 2027-03-31: 2674800 seconds. "
                                "Charged is 2027-03-26 to 2027-03-29: 255600 of 2674800 seconds.");
}

Test(explain, bill_021_a_whole_period_is_whole_in_days_on_either_basis) {
  for (int basis = PRORATION_DAY; basis <= (int)PRORATION_SECOND; basis++) {
    struct explanation e = in("USD");
    struct explained_span span = span_of("Europe/Madrid", (enum proration_basis)basis, "2027-02-28", "2027-03-31");
    struct price_share share = explain_share(&e, &span);
    cr_expect(share.part == 31 && share.whole == 31);
    cr_expect_str_eq(text_of(&e), "Period 1 runs from 2027-02-28 to 2027-03-31: 31 days. All of it is charged.");
  }
}

/* -- prices -- */

static const struct price_tier tiers[] = {
    {.up_to = {10 * MICRO}, .unit_price = {(int128)10 * PICO}, .flat_fee = {(int128)2 * PICO}},
    {.up_to = {20 * MICRO}, .unit_price = {(int128)5 * PICO}},
    {.is_last = true, .unit_price = {(int128)5 * PICO}, .flat_fee = {(int128)3 * PICO}}};

static struct explanation priced(struct price_component component, const char *quantity, int64_t events,
                                 struct price_share share, int64_t wanted) {
  struct explanation e = in("USD");
  struct error err;
  int64_t minor = 0;
  component.code = "c";
  cr_assert_eq(explain_price(&e, &component, qty(quantity), events, share, &minor, &err), RC_OK, "%s", err.text);
  cr_expect_eq(minor, wanted, "%lld", (long long)minor);
  return e;
}

#define SHARE(part, whole) ((struct price_share){(part), (whole)})

Test(explain, bill_031_graduated_names_each_tier) {
  struct explanation e = priced((struct price_component){.model = PRICE_GRADUATED, .tiers = tiers, .tier_count = 3},
                                "21", 0, SHARE(1, 1), 16000);
  cr_expect_str_eq(steps_of(&e),
                   "tier: 10.00 × 10 + 2.00 = 102.00; tier: 5.00 × 10 = 50.00; tier: 5.00 × 1 + 3.00 = 8.00; "
                   "sum: 102.00 + 50.00 + 8.00 = 160.00; amount: 160.00 ~ 160.00");
  cr_expect_str_eq(text_of(&e), "Tier 1: 10 at 10.00 each, and once 2.00. Tier 2: 10 at 5.00 each. "
                                "Tier 3: 1 at 5.00 each, and once 3.00. For the whole period, together. "
                                "160.00 for the period, rounded once: 160.00.");
  cr_expect_str_eq(rules_of(&e), "BILL-030 BILL-031; BILL-030 BILL-031; BILL-030 BILL-031; BILL-030; BILL-002");
}

Test(explain, bill_032_volume_names_the_one_tier) {
  struct explanation e = priced((struct price_component){.model = PRICE_VOLUME, .tiers = tiers, .tier_count = 3},
                                "12.5", 0, SHARE(1, 1), 6250);
  cr_expect_str_eq(steps_of(&e), "tier: 5.00 × 12.5 = 62.50; amount: 62.50 ~ 62.50");
  cr_expect_str_eq(rules_of(&e), "BILL-030 BILL-032; BILL-002");
}

Test(explain, bill_031_a_tier_alone_is_one) {
  struct explanation e = priced((struct price_component){.model = PRICE_GRADUATED, .tiers = &tiers[2], .tier_count = 1},
                                "2", 0, SHARE(1, 1), 1300);
  cr_expect_str_eq(steps_of(&e), "tier: 5.00 × 2 + 3.00 = 13.00; amount: 13.00 ~ 13.00");
}

Test(explain, bill_033_packages_and_what_is_free) {
  struct price_component component = {
      .model = PRICE_PACKAGE, .unit_price = dec("100"), .package_size = qty("10"), .free_units = qty("10")};
  struct explanation e = priced(component, "121", 0, SHARE(1, 1), 120000);
  cr_expect_str_eq(steps_of(&e), "free: 121 − 10 = 111; packages: 100.00 × 12 = 1200.00; amount: 1200.00 ~ 1200.00");
  cr_expect_str_eq(text_of(&e), "Of 121, 10 are free: 111 are charged. 111 begin 12 packages of 10, at 100.00 each. "
                                "1200.00 for the period, rounded once: 1200.00.");
  cr_expect_str_eq(rules_of(&e), "BILL-030 BILL-033; BILL-030 BILL-033; BILL-002");
}

Test(explain, bill_030_units_flat_and_percentage) {
  struct price_component units = {.model = PRICE_PER_UNIT, .unit_price = dec("0.0125")};
  struct explanation e = priced(units, "3", 0, SHARE(1, 1), 4);
  cr_expect_str_eq(steps_of(&e), "units: 0.0125 × 3 = 0.0375; amount: 0.0375 ~ 0.04");
  cr_expect_str_eq(text_of(&e), "3 at 0.0125 each. 0.0375 for the period, rounded once: 0.04.");
  e = priced((struct price_component){.model = PRICE_FLAT, .unit_price = dec("31")}, "7", 0, SHARE(12, 31), 1200);
  cr_expect_str_eq(steps_of(&e), "flat: 31.00 = 31.00; amount: 31.00 × 12/31 ~ 12.00");
  cr_expect_str_eq(text_of(&e), "A flat price of 31.00, whatever the quantity. Of 31.00 for the whole period 12 of 31 "
                                "parts, rounded once: 12.00.");
  cr_expect_str_eq(rules_of(&e), "BILL-030; BILL-002 BILL-021");
  struct price_component rate = {
      .model = PRICE_PERCENTAGE, .rate = dec("2.5"), .per_event_fee = dec("0.1"), .metric = "m"};
  e = priced(rate, "1000", 4, SHARE(1, 1), 2540);
  cr_expect_str_eq(steps_of(&e), "rate: 1000 × 2.5/100 = 25.00; events: 0.10 × 4 = 0.40; sum: 25.00 + 0.40 = 25.40; "
                                 "amount: 25.40 ~ 25.40");
  cr_expect_str_eq(text_of(&e), "2.5 percent of 1000. 4 events at 0.10 each. For the whole period, together. "
                                "25.40 for the period, rounded once: 25.40.");
}

Test(explain, bill_002_a_sum_finer_than_prices_is_shown_in_full) {
  struct price_component component = {.model = PRICE_PERCENTAGE, .rate = dec("0.000000000001"), .metric = "m"};
  struct explanation e = priced(component, "0.000001", 0, SHARE(1, 1), 0);
  cr_expect_str_eq(e.steps[0].result, "0.00000000000000000001");
}

Test(explain, a_price_that_cannot_be_is_an_error_and_no_step) {
  struct explanation e = in("USD");
  struct error err;
  int64_t minor = 7;
  struct price_component component = {.code = "c", .model = PRICE_PER_UNIT, .unit_price = dec("999999999999999")};
  cr_expect_eq(explain_price(&e, &component, qty("999999"), 0, SHARE(1, 1), &minor, &err), RC_VALIDATION);
  cr_expect(minor == 7 && e.count == 0);
}

/* -- changes -- */

static int64_t rest_of(struct explanation *e, int64_t charged, struct change_span span,
                       const struct explained_cut *cuts, size_t count) {
  struct error err;
  int64_t minor = 0;
  cr_assert_eq(explain_rest(e, charged, span, PRORATION_DAY, (struct explained_cuts){cuts, count}, &minor, &err),
               RC_OK);
  return minor;
}

/* 31.00 for 31 days: 12.00 after 19 days; half of that after 6 of the 12 that were left. The first cut came before the
 * span, the second comes twice, the last after all is over. */
Test(explain, bill_022_cuts_one_after_the_other) {
  struct explanation e = in("USD");
  static const struct explained_cut cuts[] = {{-3, "a"}, {19, "b"}, {19, "c"}, {25, "d"}};
  cr_expect_eq(rest_of(&e, 3100, (struct change_span){0, 31}, cuts, 4), 600);
  cr_expect_str_eq(steps_of(&e), "charged: 31.00 = 31.00; cut: 31.00 − 31.00 × 19/31 ~ 12.00; "
                                 "cut: 12.00 − 12.00 × 6/12 ~ 6.00");
  cr_expect_str_eq(text_of(&e), "31.00 is the charge for all 31 days of the span. "
                                "b: of 31.00 for 31 days, 19 are used: 12.00 are left. "
                                "d: of 12.00 for 12 days, 6 are used: 6.00 are left.");
  cr_expect_eq(explain_credit(&e, 600), -600);
  cr_expect_str_eq(e.steps[3].expression, "0 − 6.00");
  cr_expect_str_eq(e.steps[3].result, "-6.00");
}

Test(explain, bill_022_no_more_than_is_left_of_the_line) {
  struct explanation e = in("USD");
  cr_expect_eq(explain_limit(&e, 500, 200), 200);
  cr_expect_eq(explain_limit(&e, 500, 500), 500);
  cr_expect_eq(explain_limit(&e, 500, 501), 500);
  cr_expect_str_eq(steps_of(&e), "limit: min(5.00, 2.00) = 2.00; limit: min(5.00, 5.00) = 5.00; "
                                 "limit: min(5.00, 5.01) = 5.00");
}

Test(explain, bill_022_nothing_is_left_after_the_end) {
  struct explanation e = in("USD");
  static const struct explained_cut cuts[] = {{40, "late"}, {41, "later"}};
  cr_expect_eq(rest_of(&e, 3100, (struct change_span){10, 41}, cuts, 1), 100);
  cr_expect_eq(rest_of(&e, 3100, (struct change_span){10, 41}, cuts, 2), 0);
  cr_expect_str_eq(steps_of(&e),
                   "charged: 31.00 = 31.00; cut: 31.00 − 31.00 × 30/31 ~ 1.00; "
                   "charged: 31.00 = 31.00; cut: 31.00 − 31.00 × 30/31 ~ 1.00; cut: 1.00 − 1.00 × 1/1 ~ 0.00");
  cr_expect_eq(strncmp(text_of(&e), "31.00 is the charge for all 31 days of the span. ", 49), 0);
}

/* 31.00 for 31 days, cut on the 19th and the 25th: 12.00 are left, then 6.00. Of 10.00 3.87 and then, rounded at each
 * cut, 1.93; a piece before the first cut knows of none. */
Test(explain, bill_022_pieces_between_cuts) {
  static const struct explained_cut cuts[] = {{19, "b"}, {25, "d"}};
  static const struct {
    int64_t charged;
    struct explained_cut ends[2];
    int64_t minor;
    size_t steps;
    const char *step;
  } cases[] = {{3100, {{0, "a"}, {19, "b"}}, 1900, 3, "31.00 − 12.00"},
               {3100, {{19, "b"}, {25, "d"}}, 600, 4, "12.00 − 6.00"},
               {3100, {{25, "d"}, {31, "e"}}, 600, 4, "6.00 − 0.00"},
               {3100, {{1, "a"}, {18, "b"}}, 1700, 2, "30.00 − 13.00"},
               {1000, {{25, "d"}, {31, "e"}}, 193, 4, "1.93 − 0.00"}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    struct explanation e = in("USD");
    struct error err;
    int64_t minor = 0;
    cr_assert_eq(explain_piece(&e, cases[i].charged, (struct change_span){0, 31}, PRORATION_DAY,
                               (struct explained_cuts){cuts, 2}, cases[i].ends, &minor, &err),
                 RC_OK);
    cr_expect_eq(minor, cases[i].minor, "case %zu: %lld", i, (long long)minor);
    cr_expect_eq(e.count, cases[i].steps, "case %zu: %zu steps", i, e.count);
    cr_expect_str_eq(e.steps[e.count - 1].expression, cases[i].step);
    cr_expect_str_eq(e.steps[e.count - 1].text,
                     arena_printf(&arena,
                                  "From %s to %s: what was left at its beginning, less what is left at its end.",
                                  cases[i].ends[0].text, cases[i].ends[1].text));
  }
}

/* Each day of 100: more steps than there is room for at first, or when it was doubled once. */
Test(explain, bill_022_no_step_is_lost_however_many_there_are) {
  enum { CUTS = 40 };
  struct explanation e = in("USD");
  struct explained_cut cuts[CUTS];
  for (int i = 0; i < CUTS; i++) cuts[i] = (struct explained_cut){i + 1, arena_printf(&arena, "day %d", i + 1)};
  cr_expect_eq(rest_of(&e, 10000, (struct change_span){0, 100}, cuts, CUTS), 6000);
  cr_assert_eq(e.count, 1 + CUTS);
  for (int i = 0; i < CUTS; i++)
    cr_expect_str_eq(e.steps[1 + i].text,
                     arena_printf(&arena, "day %d: of %d.00 for %d days, 1 are used: %d.00 are left.", i + 1, 100 - i,
                                  100 - i, 99 - i));
}

Test(explain, bill_022_any_change_is_explained_as_it_was_billed) {
  struct dice dice = dice_new();
  for (int n = 0; n < PROPERTY_CASES / 10; n++) {
    struct explanation e = in("KWD");
    struct explained_cut cuts[4];
    int64_t at[4], billed, charged = dice_between(&dice, -MONEY_MAX, MONEY_MAX), last = -5;
    struct change_span span = {0, dice_between(&dice, 1, 366)};
    for (size_t i = 0; i < 4; i++) {
      at[i] = last = dice_between(&dice, last, 400);
      cuts[i] = (struct explained_cut){at[i], "cut"};
    }
    struct error err;
    cr_assert_eq(change_rest(charged, span, (struct change_cuts){at, 4}, &billed, &err), RC_OK);
    cr_assert_eq(rest_of(&e, charged, span, cuts, 4), billed, "case %d", n);
    arena_reset(&arena);
  }
}

/* -- fees, minimum, lines by hand -- */

Test(explain, bill_030_what_was_not_credited_was_charged) {
  struct explanation e = in("USD");
  cr_expect_eq(explain_uncredited(&e, 1950, 1500), 3450);
  cr_expect_eq(explain_missing(&e, 4000, 3450), 550);
  cr_expect_str_eq(steps_of(&e), "uncredited: 19.50 + 15.00 = 34.50; missing: 40.00 − 34.50 = 5.50");
  cr_expect_str_eq(e.steps[0].rules, "BILL-022 BILL-030");
}

Test(explain, bill_030_more_than_was_agreed_on_is_not_given_back) {
  struct explanation e = in("USD");
  cr_expect_eq(explain_missing(&e, 2667, 2667), 0);
  cr_expect_str_eq(steps_of(&e), "missing: 26.67 − 26.67 = 0.00");
  e = in("USD");
  cr_expect_eq(explain_missing(&e, 2667, 3150), 0);
  cr_expect_str_eq(steps_of(&e), "missing: 26.67 − 31.50 = -4.83; limit: max(-4.83, 0.00) = 0.00");
  cr_expect_str_eq(e.steps[1].rules, "BILL-030");
}

Test(explain, bill_030_a_fee_and_a_minimum) {
  struct explanation e = in("USD");
  struct error err;
  int64_t minor;
  cr_expect_eq(explain_fee(&e, 2500), 2500);
  cr_expect_str_eq(steps_of(&e), "fee: 25.00 = 25.00");
  e = in("USD");
  const struct price_share shares[] = {{3, 7}, {7, 7}}; /* 42.86 + 100.00 - 36.72 */
  cr_assert_eq(explain_agreed(&e, 10000, shares[0], &minor, &err), RC_OK);
  cr_expect_eq(minor, 4286);
  cr_assert_eq(explain_agreed(&e, 10000, shares[1], &minor, &err), RC_OK);
  cr_expect_eq(minor, 10000);
  cr_expect_eq(explain_missing(&e, 14286, 3672), 10614);
  cr_expect_str_eq(steps_of(&e),
                   "agreed: 100.00 × 3/7 ~ 42.86; agreed: 100.00 × 7/7 ~ 100.00; missing: 142.86 − 36.72 = 106.14");
  cr_expect_str_eq(text_of(&e),
                   "Agreed on at least: 42.86 for 3 of 7 parts of a period. Agreed on at least: 100.00 for "
                   "7 of 7 parts of a period. Charged for it otherwise: 36.72. What is missing is charged.");
}

Test(explain, bill_002_a_line_by_hand) {
  struct explanation e = in("JPY");
  struct error err;
  int64_t minor;
  cr_assert_eq(explain_product(&e, qty("2.5"), dec("-3.1"), &minor, &err), RC_OK);
  cr_expect_eq(minor, -8);
  cr_expect_str_eq(steps_of(&e), "amount: -3.1 × 2.5 ~ -8");
  cr_expect_eq(explain_product(&e, qty("1000000"), dec("999999999999999"), &minor, &err), RC_VALIDATION);
  cr_expect_eq(e.count, 1);
}

/* -- coupons -- */

/* 10 percent of 100.00 + 30.00, then 50.00 off the first line alone: 10.00 + 50.00. */
Test(explain, bill_040_coupons_in_their_order) {
  struct explanation e = in("USD");
  const bool both[] = {true, true, false}, first[] = {true, false, false};
  const struct explained_coupon coupons[] = {{"TENTH", {.percent_micro = 10000000}, both},
                                             {"FIFTY", {.amount_minor = 5000}, first}};
  struct discountable lines[] = {{.amount_minor = 10000}, {.amount_minor = 3000}, {.amount_minor = 70000}};
  cr_expect_eq(explain_coupons(&e, coupons, 2, lines, 3, 0), 6000);
  cr_expect_str_eq(steps_of(&e), "coupon: 130.00 × 10/100 ~ 13.00; couponShare: 13.00 × 100.00/130.00 ~ 10.00; "
                                 "coupon: 50.00 ~ 50.00; couponShare: 50.00 × 90.00/90.00 ~ 50.00");
  cr_expect_str_eq(text_of(&e),
                   "TENTH takes 10 percent off 130.00, at most what is left: 13.00 in all. Spread over all "
                   "that it covers by largest remainder; this line has 100.00 of 130.00. FIFTY takes 50.00 "
                   "off 90.00, at most what is left: 50.00 in all. Spread over all that it covers by "
                   "largest remainder; this line has 90.00 of 90.00.");
  struct discountable again[] = {{.amount_minor = 10000}, {.amount_minor = 3000}, {.amount_minor = 70000}};
  e = in("USD");
  cr_expect_eq(explain_coupons(&e, coupons, 2, again, 3, 1), 300);
  cr_expect_eq(e.count, 2, "the second coupon does not cover it");
  e = in("USD");
  struct discountable third[] = {{.amount_minor = 10000}, {.amount_minor = 0}, {.amount_minor = 70000}};
  cr_expect_eq(explain_coupons(&e, coupons, 2, third, 3, 2), 0);
  cr_expect_eq(e.count, 0);
}

/* 3.10 off 31.00; 1.00 went with 10.00 before: of all 22.00 by now 2.20. */
Test(explain, bill_022_a_credit_brings_its_share_of_the_discount) {
  struct explanation e = in("USD");
  const struct taken_back before = {3100, 310, 1000, 100};
  cr_expect_eq(explain_taken_back(&e, &before, 1200), -120);
  cr_expect_str_eq(steps_of(&e), "takenBack: 3.10 × 22.00/31.00 − 1.00 ~ -1.20");
  cr_expect_str_eq(text_of(&e),
                   "The line that is taken back had 3.10 off 31.00; of this 1.20 go with the credit, after "
                   "1.00 that went with earlier ones.");
}

/* -- tax -- */

static struct taxable taxed(int64_t percent, bool is_inclusive, int64_t listed, int64_t discount) {
  return (struct taxable){.rate = {.percent_micro = percent * 1000000, .is_inclusive = is_inclusive},
                          .listed_minor = listed,
                          .listed_discount_minor = discount};
}

Test(explain, bill_041_tax_of_a_rate_and_a_line_s_part_of_it) {
  struct explanation e = in("USD");
  struct error err;
  struct taxable lines[] = {taxed(19, false, 1003, 0), taxed(19, false, 1003, 500), taxed(7, false, 5000, 0)};
  cr_assert_eq(explain_tax(&e, lines, 3, 0, TAX_ROUND_TOTAL, NULL, &err), RC_OK);
  cr_expect_str_eq(steps_of(&e), "rate: 19 = 19; taxOfRate: 15.06 × 19/100 ~ 2.86; tax: 10.03 × 19/100 ~ 1.91");
  cr_expect_str_eq(text_of(&e),
                   "The rate is 19 percent. 2 lines of this rate come to 15.06: their tax, rounded once, is "
                   "2.86. This line's own part of it, by largest remainder.");
  e = in("USD");
  cr_assert_eq(explain_tax(&e, lines, 3, 1, TAX_ROUND_LINE, NULL, &err), RC_OK);
  cr_expect_str_eq(steps_of(&e), "rate: 19 = 19; tax: 5.03 × 19/100 ~ 0.96");
  cr_expect_str_eq(text_of(&e), "The rate is 19 percent. Each line's tax is rounded by itself.");
}

/* 119.00 with 11.90 off: tax 17.10; the discount is 10.00 and the price 100.00 without it. */
Test(explain, bill_041_a_price_with_the_tax_in_it) {
  struct explanation e = in("USD");
  struct error err;
  struct taxable lines[] = {taxed(19, true, 11900, 1190)};
  cr_assert_eq(explain_tax(&e, lines, 1, 0, TAX_ROUND_TOTAL, NULL, &err), RC_OK);
  cr_expect_str_eq(steps_of(&e),
                   "rate: 19 = 19; taxOfRate: 107.10 × 19/119 ~ 17.10; tax: 107.10 × 19/119 ~ 17.10; "
                   "netDiscount: 11.90 − 11.90 × 19/119 ~ 10.00; net: 119.00 − 11.90 − 17.10 + 10.00 = 100.00");
  cr_expect_str_eq(e.steps[0].text, "The rate is 19 percent, and in the price already.");
}

Test(explain, bill_041_why_there_is_no_tax) {
  static const struct {
    enum tax_category category;
    const char *text;
  } cases[] = {{TAX_ZERO, "No rate applies: it is 0 percent."},
               {TAX_EXEMPT, "The customer is exempt: the rate is 0 percent."},
               {TAX_REVERSE, "The customer owes the tax (reverse charge): the rate is 0 percent."}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    struct explanation e = in("USD");
    struct error err;
    struct taxable line = taxed(0, false, 1000, 0);
    line.rate.category = cases[i].category;
    cr_assert_eq(explain_tax(&e, &line, 1, 0, TAX_ROUND_TOTAL, NULL, &err), RC_OK);
    cr_expect_str_eq(text_of(&e), cases[i].text);
  }
}

/* Which of the tenant's rates it is, for where, and that it is the line's. */
Test(explain, bill_041_the_rate_that_was_chosen) {
  struct error err;
  const struct tax_party munich = {.country = "DE", .region = "BY"}, nobody = {0};
  const struct {
    struct explained_rate chosen;
    const char *text, *problem;
  } cases[] = {
      {{.code = "VAT", .rule = {.country = "DE"}, .customer = &munich, .tax_code = "books"},
       "The rate VAT (country DE, region any, tax code any: the narrowest that fits) is 19 percent.",
       NULL},
      {{.code = "BOOKS", .rule = {.country = "DE", .region = "BY", .tax_code = "books"}, .customer = NULL},
       "The rate BOOKS (country DE, region BY, tax code books) is 19 percent.",
       NULL},
      {{.code = "VAT", .rule = {.country = "DE"}, .customer = &nobody}, NULL, "VAT is for another place or tax code"},
      {{.code = "BOOKS", .rule = {.tax_code = "books"}, .customer = &munich, .tax_code = "food"},
       NULL,
       "BOOKS is for another place or tax code"},
      {{.code = "SEVEN", .rule = {.rate = {.percent_micro = 7000000}}, .customer = &munich},
       NULL,
       "SEVEN is another than the line's"},
      {{.code = "IN", .rule = {.rate = {.percent_micro = 19000000, .is_inclusive = true}}, .customer = &munich},
       NULL,
       "IN is another than the line's"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    struct explanation e = in("USD");
    struct taxable line = taxed(19, false, 0, 0);
    struct explained_rate chosen = cases[i].chosen;
    if (chosen.rule.rate.percent_micro == 0) chosen.rule.rate = line.rate;
    enum rc rc = explain_tax(&e, &line, 1, 0, TAX_ROUND_LINE, &chosen, &err);
    cr_expect_eq(rc, cases[i].problem ? RC_INVARIANT : RC_OK, "%zu", i);
    if (cases[i].problem)
      cr_expect(strstr(err.text, cases[i].problem), "%zu: %s", i, err.text);
    else
      cr_expect_str_eq(e.steps[0].text, cases[i].text);
  }
}

/* Rates of one percentage and another category are two; what cannot be summed up is an error. */
Test(explain, bill_041_rates_count_as_one_if_both_are_the_same) {
  struct explanation e = in("USD");
  struct error err;
  struct taxable lines[] = {taxed(19, false, 1000, 0), taxed(19, false, 3000, 0)};
  lines[1].rate.category = TAX_ZERO;
  cr_assert_eq(explain_tax(&e, lines, 2, 0, TAX_ROUND_TOTAL, NULL, &err), RC_OK);
  cr_expect_str_eq(e.steps[1].expression, "10.00 × 19/100");
  struct taxable large[] = {taxed(19, false, MONEY_MAX, 0)};
  cr_expect_eq(explain_tax(&e, large, 1, 0, TAX_ROUND_TOTAL, NULL, &err), RC_VALIDATION);
}

/* -- credit notes -- */

/* Two lines of 10.00 and 5.00 net with 1.90 and 0.95 of tax; of the first 2.00 and 0.38 have been given back, which was
 * listed at 12.50. */
Test(explain, bill_043_what_a_credit_note_gives_back) {
  static const struct {
    enum credit_basis basis;
    int64_t asked, claimed, wanted, line_tax;
    const char *steps, *tax, *rules;
  } cases[] = {
      {CREDIT_WHOLE, 0, 0, 0, 152, "rest: 10.00 − 2.00 = 8.00", "tax: 1.90 − 0.38 = 1.52", "BILL-043"},
      {CREDIT_LINES, 0, 0, 300, 57, "rest: 10.00 − 2.00 = 8.00; asked: 3.00 = 3.00",
       "tax: 1.90 × 5.00/10.00 − 0.38 ~ 0.57", "BILL-043; BILL-043"},
      {CREDIT_AMOUNT, 650, 0, 0, 76, "rest: 10.00 − 2.00 = 8.00; share: 6.50 × 8.00/13.00 ~ 4.00",
       "tax: 1.90 × 6.00/10.00 − 0.38 ~ 0.76", "BILL-043; BILL-003 BILL-043"},
      {CREDIT_CLAIMED, 0, 625, 0, 95, "rest: 10.00 − 2.00 = 8.00; claimed: 10.00 × 6.25/12.50 ~ 5.00",
       "tax: 1.90 × 7.00/10.00 − 0.38 ~ 0.95", "BILL-043; BILL-022 BILL-043 BILL-053"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    struct explanation e = in("EUR"), tax = in("EUR");
    struct creditable lines[] = {{1000, 190, 1250, 200, 38, cases[i].claimed, cases[i].wanted, 0, 0},
                                 {500, 95, 500, 0, 0, 0, 0, 0, 0}};
    struct error err;
    cr_assert_eq(explain_credited(&e, cases[i].basis, cases[i].asked, lines, 2, 0, &err), RC_OK);
    explain_credited_tax(&tax, &lines[0]);
    cr_expect_str_eq(steps_of(&e), cases[i].steps);
    cr_expect_str_eq(steps_of(&tax), cases[i].tax);
    cr_expect_str_eq(rules_of(&e), cases[i].rules);
    cr_expect_eq(lines[0].tax_wanted_minor, cases[i].line_tax, "case %zu", i);
  }
}

/* Beside credits with a higher tax an amount is spread over these, too; and a cent of tax may be moved. */
Test(explain, bill_043_what_an_amount_is_spread_over_is_said) {
  struct explanation e = in("EUR"), tax = in("EUR");
  struct creditable lines[] = {{8, 2, 8, 0, 0, 0, 0, 0, 0},
                               {-5, -3, -5, 0, 0, 0, 0, 0, 0},
                               {-3, -2, -3, 0, 0, 0, 0, 0, 0},
                               {8, 2, 8, 0, 0, 0, 0, 0, 0},
                               {-3, -3, -3, 0, 0, 0, 0, 0, 0}};
  struct error err;
  cr_assert_eq(explain_credited(&e, CREDIT_AMOUNT, 4, lines, 5, 0, &err), RC_OK);
  explain_credited_tax(&tax, &lines[0]);
  cr_expect_str_eq(steps_of(&e), "rest: 0.08 − 0.00 = 0.08; share: 0.04 × 0.08/0.05 ~ 0.06");
  cr_expect_str_eq(e.steps[1].text, "0.04 are given back of the invoice, spread over what is left of its lines.");
  cr_expect_str_eq(steps_of(&tax), "tax: 0.02 × 0.06/0.08 − 0.00 ~ 0.02; fit: 0.00 = 0.00");
  cr_assert_eq(explain_credited(&e, CREDIT_AMOUNT, 1, lines, 1, 0, &err), RC_OK);
  cr_expect_str_eq(e.steps[3].text, "0.01 are given back of the invoice, spread over what is left of its charges.");
  struct creditable plain[] = {{1000, 190, 1000, 0, 0, 0, 0, 0, 0}, {-200, -38, -200, 0, 0, 0, 0, 0, 0}};
  cr_assert_eq(explain_credited(&e, CREDIT_AMOUNT, 100, plain, 2, 0, &err), RC_OK);
  cr_expect_str_eq(e.steps[5].text, "1.00 are given back of the invoice, spread over what is left of its charges.");
}

Test(explain, bill_043_a_note_that_cannot_be_is_an_error) {
  struct explanation e = in("EUR");
  struct creditable line = {1000, 190, 1000, 0, 0, 0, 1001, 0, 0};
  struct error err;
  cr_expect_eq(explain_credited(&e, CREDIT_LINES, 0, &line, 1, 0, &err), RC_VALIDATION);
  cr_expect_eq(explain_credited(&e, CREDIT_AMOUNT, 1001, &line, 1, 0, &err), RC_VALIDATION);
}
