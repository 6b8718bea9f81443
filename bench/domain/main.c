/* bench-domain: what the arithmetic of one line costs, in nanoseconds, on one core. Beside it, in the same run, the
 * limit of the machine: the one 128-bit multiplication and division that a prorated line cannot do without.
 *
 *   bench-domain        as `./dev bench domain` runs it; it needs no servers
 */
#include <stdio.h>

#include "base/time.h"
#include "domain/calendar.h"
#include "domain/change.h"
#include "domain/discount.h"
#include "domain/price.h"
#include "domain/tax.h"

enum { ROUNDS = 8, ROUND_MS = 30, BURST = 1000, LINES = 10 };

static volatile int64_t sink; /* so that nothing is optimised away */

/* Each does its thing once, for the n-th time, so that no two in a row have the same input. */
static void limit(int64_t n) {
  sink += (int64_t)(((int128)(1000000 + n) * 17) / (30 + n % 2));
}

static const struct grid MONTHLY = {.interval = {INTERVAL_MONTH, 1}, .anchor = {7305}, .anchor_day = 31};

static void boundary(int64_t n) {
  sink += grid_boundary(&MONTHLY, n % 1200).days;
}

static void index_of_day(int64_t n) {
  sink += grid_index(&MONTHLY, (struct date){(int32_t)(7305 + n % 30000)});
}

static void charge(const struct price_component *component, int64_t n, struct price_share share) {
  struct error err;
  int64_t minor = 0;
  if (price_charge(component, quantity_of(n % 250), 0, share, currency_find("USD"), &minor, &err) == RC_OK)
    sink += minor;
}

static void flat_line(int64_t n) {
  static const struct price_component flat = {
      .code = "base", .model = PRICE_PER_UNIT, .unit_price = {99 * (int128)PICO}};
  charge(&flat, n, PRICE_SHARE_WHOLE);
}

static void prorated_line(int64_t n) {
  static const struct price_component flat = {
      .code = "base", .model = PRICE_PER_UNIT, .unit_price = {99 * (int128)PICO}};
  charge(&flat, n, (struct price_share){1 + n % 30, 31});
}

static void graduated_line(int64_t n) {
  static const struct price_tier tiers[] = {
      {.up_to = {10 * MICRO}, .unit_price = {10 * (int128)PICO}, .flat_fee = {2 * (int128)PICO}},
      {.up_to = {20 * MICRO}, .unit_price = {5 * (int128)PICO}, .flat_fee = {3 * (int128)PICO}},
      {.is_last = true, .unit_price = {5 * (int128)PICO}, .flat_fee = {3 * (int128)PICO}}};
  static const struct price_component graduated = {
      .code = "seats", .model = PRICE_GRADUATED, .tiers = tiers, .tier_count = sizeof tiers / sizeof *tiers};
  charge(&graduated, n, PRICE_SHARE_WHOLE);
}

static void change(int64_t n) {
  const int64_t cuts[] = {7, 15};
  struct error err;
  int64_t rest = 0;
  if (change_rest(1000 + n % 100000, (struct change_span){0, 30}, (struct change_cuts){cuts, 2}, &rest, &err) == RC_OK)
    sink += rest;
}

static void coupons_of_ten_lines(int64_t n) {
  static const struct coupon tenth = {.percent_micro = 10 * MICRO};
  struct discountable lines[LINES];
  for (int i = 0; i < LINES; i++)
    lines[i] = (struct discountable){.amount_minor = 100 + n % 999 + i, .is_covered = true};
  sink += coupon_apply(&tenth, lines, LINES);
}

static void taxes_of_ten_lines(int64_t n) {
  struct taxable lines[LINES];
  struct error err;
  for (int i = 0; i < LINES; i++)
    lines[i] = (struct taxable){.rate = {.percent_micro = (i % 2 ? 7 : 19) * MICRO}, .listed_minor = 100 + n % 999 + i};
  if (tax_compute(lines, LINES, TAX_ROUND_TOTAL, &err) == RC_OK) sink += lines[0].tax_minor;
}

static const struct {
  const char *name;
  void (*run)(int64_t n);
  int lines; /* of an invoice that one run is about */
} benches[] = {
    {"limit: a 128-bit product, divided", limit, 1},
    {"a boundary of a monthly grid", boundary, 1},
    {"the period that a day lies in", index_of_day, 1},
    {"a line, price x quantity", flat_line, 1},
    {"a line of a short period", prorated_line, 1},
    {"a line in three graduated tiers", graduated_line, 1},
    {"what a second change leaves of a line", change, 1},
    {"a coupon, each line of ten", coupons_of_ten_lines, LINES},
    {"tax at two rates, each line of ten", taxes_of_ten_lines, LINES},
};

/* The best of some rounds: what disturbs a round only ever adds to it. */
static double nanoseconds(void (*run)(int64_t n)) {
  double best = 0;
  for (int round = 0; round < ROUNDS; round++) {
    int64_t n = 0;
    struct mono start = mono_now();
    while (mono_ms_since(start) < ROUND_MS)
      for (int64_t burst_end = n + BURST; n < burst_end; n++) run(n);
    double ns = (double)(mono_now().ns - start.ns) / (double)n;
    if (round == 0 || ns < best) best = ns;
  }
  return best;
}

int main(void) {
  double limit_ns = nanoseconds(benches[0].run);
  printf("| what | ns | times the limit |\n|---|---|---|\n");
  for (size_t i = 0; i < sizeof benches / sizeof *benches; i++) {
    double ns = nanoseconds(benches[i].run) / benches[i].lines;
    printf("| %s | %.1f | %.1f |\n", benches[i].name, ns, ns / limit_ns);
  }
  return 0;
}
