/* Steps beside the functions that bill. Where one of those does several things at once, it is asked for each prefix (of
 * the cuts of a change, of the coupons of an invoice), so that what stands between two steps is its own doing. */
#include "domain/explain.h"

#include <stdio.h>
#include <string.h>

#include "base/assert.h"
#include "base/buf.h"
#include "domain/apportion.h"
#include "domain/percent.h"

enum { STEPS_FIRST = 16, EXPRESSION_MAX = 16 * 1024 };

static void add(struct explanation *e, struct explanation_step step) {
  if (e->count == e->capacity) {
    size_t capacity = e->capacity ? 2 * e->capacity : STEPS_FIRST;
    struct explanation_step *steps = ARENA_ARRAY(e->arena, struct explanation_step, capacity);
    if (e->count) memcpy(steps, e->steps, e->count * sizeof *steps);
    e->steps = steps;
    e->capacity = capacity;
  }
  e->steps[e->count++] = step;
}

/* -- numbers as text, in the arena -- */

static const char *money(const struct explanation *e, int64_t minor) {
  char text[MONEY_TEXT_MAX];
  return arena_strdup(e->arena, money_format(minor, e->currency, text));
}

static const char *price(const struct explanation *e, struct decimal value) {
  char text[DECIMAL_TEXT_MAX];
  return arena_strdup(e->arena, decimal_format_price(value, e->currency, text));
}

static const char *quantity_text(const struct explanation *e, struct quantity quantity) {
  char text[DECIMAL_TEXT_MAX];
  return arena_strdup(e->arena, quantity_format(quantity, text));
}

static const char *percent(const struct explanation *e, int64_t micro) {
  return quantity_text(e, (struct quantity){micro});
}

static const char *integer(const struct explanation *e, int64_t value) {
  return arena_printf(e->arena, "%lld", (long long)value);
}

/* An exact sum of price.h, with no fewer digits than the currency has. */
static const char *sum_text(const struct explanation *e, int128 sum) {
  static const int64_t PER_PICO = 100 * MICRO;
  char text[DECIMAL_TEXT_MAX];
  if (sum % PER_PICO == 0) return price(e, (struct decimal){sum / PER_PICO});
  return arena_strdup(e->arena, fixed_format(sum, PRICE_SUM_DECIMALS, text));
}

static const char *date_text(const struct explanation *e, struct date date) {
  char text[DATE_TEXT_MAX];
  return arena_strdup(e->arena, date_format(date, text));
}

static const char *units_of(enum proration_basis basis) {
  switch (basis) {
  case PRORATION_DAY: return "days";
  case PRORATION_SECOND: return "seconds";
  }
  assert_failed("a basis of proration", __FILE__, __LINE__);
}

/* -- which days -- */

struct price_share explain_share(struct explanation *e, const struct explained_span *span) {
  struct period period = {.index = span->index,
                          .start = grid_boundary(&span->grid, span->index),
                          .end = grid_boundary(&span->grid, span->index + 1),
                          .full_start = grid_boundary(&span->grid, span->index)};
  struct price_share share = proration_span(span->zone, span->basis, span->from, span->to, &period);
  const char *start = date_text(e, period.full_start), *end = date_text(e, period.end);
  const char *from = date_text(e, span->from), *to = date_text(e, span->to);
  bool is_whole = share.part == share.whole;
  const char *units = is_whole ? "days" : units_of(span->basis);
  add(e,
      (struct explanation_step){.name = "period",
                                .rules = "BILL-010 BILL-021",
                                .text = arena_printf(e->arena, "Period %lld runs from %s to %s: %lld %s.",
                                                     (long long)span->index, start, end, (long long)share.whole, units),
                                .expression = arena_printf(e->arena, "%s − %s", end, start),
                                .result = integer(e, share.whole)});
  add(e, (struct explanation_step){.name = "share",
                                   .rules = "BILL-020",
                                   .text = is_whole
                                               ? "All of it is charged."
                                               : arena_printf(e->arena, "Charged is %s to %s: %lld of %lld %s.", from,
                                                              to, (long long)share.part, (long long)share.whole, units),
                                   .expression = arena_printf(e->arena, "%s − %s", to, from),
                                   .result = integer(e, share.part)});
  return share;
}

/* -- prices -- */

static void explain_units(struct explanation *e, const struct price_component *component, const struct price_part *part,
                          struct explanation_step *step) {
  bool has_tiers = component->tier_count > 0, has_fee = part->flat_fee.pico != 0;
  const char *units = quantity_text(e, part->quantity), *each = price(e, part->unit_price);
  const char *fee = price(e, part->flat_fee);
  const char *who = has_tiers ? arena_printf(e->arena, "Tier %zu: ", part->tier + 1) : "";
  step->name = has_tiers ? "tier" : "units";
  step->text = arena_printf(e->arena, "%s%s at %s each%s%s.", who, units, each, has_fee ? ", and once " : "",
                            has_fee ? fee : "");
  step->expression = arena_printf(e->arena, "%s × %s%s%s", each, units, has_fee ? " + " : "", has_fee ? fee : "");
}

static const char *rule_of(enum price_model model) {
  switch (model) {
  case PRICE_GRADUATED: return "BILL-030 BILL-031";
  case PRICE_VOLUME: return "BILL-030 BILL-032";
  case PRICE_PACKAGE: return "BILL-030 BILL-033";
  case PRICE_FLAT:
  case PRICE_PER_UNIT:
  case PRICE_PERCENTAGE: return "BILL-030";
  }
  assert_failed("a model", __FILE__, __LINE__);
}

static void explain_part(struct explanation *e, const struct price_component *component,
                         const struct price_part *part) {
  struct explanation_step step = {.rules = rule_of(component->model), .result = sum_text(e, part->cost)};
  const char *each = price(e, part->unit_price), *count = integer(e, part->count);
  const char *units = quantity_text(e, part->quantity);
  switch (part->kind) {
  case PRICE_PART_FLAT:
    step.name = "flat";
    step.text = arena_printf(e->arena, "A flat price of %s, whatever the quantity.", each);
    step.expression = each;
    break;
  case PRICE_PART_UNITS: explain_units(e, component, part, &step); break;
  case PRICE_PART_PACKAGES:
    step.name = "packages";
    step.text = arena_printf(e->arena, "%s begin %s packages of %s, at %s each.", units, count,
                             quantity_text(e, component->package_size), each);
    step.expression = arena_printf(e->arena, "%s × %s", each, count);
    break;
  case PRICE_PART_RATE: {
    char rate[DECIMAL_TEXT_MAX];
    decimal_format(part->unit_price, rate);
    step.name = "rate";
    step.text = arena_printf(e->arena, "%s percent of %s.", rate, units);
    step.expression = arena_printf(e->arena, "%s × %s/100", units, rate);
    break;
  }
  case PRICE_PART_EVENTS:
    step.name = "events";
    step.text = arena_printf(e->arena, "%s events at %s each.", count, each);
    step.expression = arena_printf(e->arena, "%s × %s", each, count);
    break;
  }
  add(e, step);
}

static void explain_sum(struct explanation *e, const struct price_explanation *found) {
  struct buf CLEANUP(buf_release) text;
  buf_init(&text, EXPRESSION_MAX);
  if (found->part_count < 2) return;
  for (size_t i = 0; i < found->part_count; i++)
    buf_printf(&text, "%s%s", i ? " + " : "", sum_text(e, found->parts[i].cost));
  ASSERT(buf_ok(&text));
  add(e, (struct explanation_step){.name = "sum",
                                   .rules = "BILL-030",
                                   .text = "For the whole period, together.",
                                   .expression = arena_strdup(e->arena, buf_text(&text)),
                                   .result = sum_text(e, found->sum)});
}

/* BILL-002: the one rounding. */
static void explain_amount(struct explanation *e, int128 sum, struct price_share share, int64_t minor) {
  const char *whole = sum_text(e, sum), *amount = money(e, minor);
  bool is_whole = share.part == share.whole;
  const char *text = is_whole
                         ? arena_printf(e->arena, "%s for the period, rounded once: %s.", whole, amount)
                         : arena_printf(e->arena, "Of %s for the whole period %lld of %lld parts, rounded once: %s.",
                                        whole, (long long)share.part, (long long)share.whole, amount);
  add(e, (struct explanation_step){.name = "amount",
                                   .rules = is_whole ? "BILL-002" : "BILL-002 BILL-021",
                                   .text = text,
                                   .expression = is_whole ? whole
                                                          : arena_printf(e->arena, "%s × %lld/%lld", whole,
                                                                         (long long)share.part, (long long)share.whole),
                                   .result = amount,
                                   .is_rounded = true});
}

enum rc explain_price(struct explanation *e, const struct price_component *component, struct quantity quantity,
                      int64_t events, struct price_share share, int64_t *ret_minor, struct error *err) {
  struct price_explanation *found = ARENA_NEW(e->arena, struct price_explanation);
  TRY(price_explain(component, quantity, events, share, e->currency, found, err));
  if (found->free.micro != 0) {
    const char *all = quantity_text(e, quantity), *free = quantity_text(e, found->free);
    const char *charged = quantity_text(e, (struct quantity){quantity.micro - found->free.micro});
    add(e, (struct explanation_step){
               .name = "free",
               .rules = rule_of(component->model),
               .text = arena_printf(e->arena, "Of %s, %s are free: %s are charged.", all, free, charged),
               .expression = arena_printf(e->arena, "%s − %s", all, free),
               .result = charged});
  }
  for (size_t i = 0; i < found->part_count; i++) explain_part(e, component, &found->parts[i]);
  explain_sum(e, found);
  explain_amount(e, found->sum, share, found->amount_minor);
  *ret_minor = found->amount_minor;
  return RC_OK;
}

/* -- changes -- */

static void explain_cut(struct explanation *e, int64_t before_minor, int64_t used, int64_t whole,
                        enum proration_basis basis, const char *cut, int64_t rest_minor) {
  const char *before = money(e, before_minor), *rest = money(e, rest_minor), *units = units_of(basis);
  const char *left = arena_printf(e->arena, "%s × %lld/%lld", before, (long long)used, (long long)whole);
  add(e, (struct explanation_step){.name = "cut",
                                   .rules = "BILL-022",
                                   .text = arena_printf(e->arena, "%s: of %s for %lld %s, %lld are used: %s are left.",
                                                        cut, before, (long long)whole, units, (long long)used, rest),
                                   .expression = arena_printf(e->arena, "%s − %s", before, left),
                                   .result = rest,
                                   .is_rounded = true});
}

enum rc explain_rest(struct explanation *e, int64_t charged_minor, struct change_span span, enum proration_basis basis,
                     struct explained_cuts cuts, int64_t *ret_minor, struct error *err) {
  int64_t *at = ARENA_ARRAY(e->arena, int64_t, cuts.count + 1), before = charged_minor, from = span.start;
  const char *charged = money(e, charged_minor);
  add(e, (struct explanation_step){.name = "charged",
                                   .rules = "BILL-022",
                                   .text = arena_printf(e->arena, "%s is the charge for all %lld %s of the span.",
                                                        charged, (long long)(span.end - span.start), units_of(basis)),
                                   .expression = charged,
                                   .result = charged});
  for (size_t i = 0; i < cuts.count; i++) {
    int64_t rest;
    at[i] = cuts.at[i].at;
    TRY(change_rest(charged_minor, span, (struct change_cuts){at, i + 1}, &rest, err));
    int64_t cut = at[i] < span.end ? at[i] : span.end;
    if (cut <= from) continue; /* it takes nothing away */
    explain_cut(e, before, cut - from, span.end - from, basis, cuts.at[i].text, rest);
    before = rest;
    from = cut;
  }
  *ret_minor = before;
  return RC_OK;
}

enum rc explain_piece(struct explanation *e, int64_t charged_minor, struct change_span span, enum proration_basis basis,
                      struct explained_cuts cuts, const struct explained_cut ends[static 2], int64_t *ret_minor,
                      struct error *err) {
  int64_t *at = ARENA_ARRAY(e->arena, int64_t, cuts.count + 1), at_from, at_to, rest;
  size_t until = 0;
  for (size_t i = 0; i < cuts.count; i++) at[i] = cuts.at[i].at;
  while (until < cuts.count && at[until] <= ends[1].at) until++;
  const struct change_cuts all = {at, cuts.count};
  TRY(explain_rest(e, charged_minor, span, basis, (struct explained_cuts){cuts.at, until}, &rest, err));
  TRY(change_piece(charged_minor, span, all, ends[0].at, span.end, &at_from, err));
  TRY(change_piece(charged_minor, span, all, ends[1].at, span.end, &at_to, err));
  TRY(change_piece(charged_minor, span, all, ends[0].at, ends[1].at, ret_minor, err));
  add(e,
      (struct explanation_step){
          .name = "piece",
          .rules = "BILL-022",
          .text = arena_printf(e->arena, "From %s to %s: what was left at its beginning, less what is left at its end.",
                               ends[0].text, ends[1].text),
          .expression = arena_printf(e->arena, "%s − %s", money(e, at_from), money(e, at_to)),
          .result = money(e, *ret_minor)});
  return RC_OK;
}

int64_t explain_limit(struct explanation *e, int64_t rest_minor, int64_t left_minor) {
  const char *left = money(e, left_minor);
  int64_t limited = rest_minor < left_minor ? rest_minor : left_minor;
  add(e, (struct explanation_step){
             .name = "limit",
             .rules = "BILL-022",
             .text = arena_printf(e->arena, "Of the line, %s had not been given back: more than that is not credited.",
                                  left),
             .expression = arena_printf(e->arena, "min(%s, %s)", money(e, rest_minor), left),
             .result = money(e, limited)});
  return limited;
}

int64_t explain_credit(struct explanation *e, int64_t rest_minor) {
  add(e, (struct explanation_step){.name = "credit",
                                   .rules = "BILL-022",
                                   .text = "What is left is given back.",
                                   .expression = arena_printf(e->arena, "0 − %s", money(e, rest_minor)),
                                   .result = money(e, -rest_minor)});
  return -rest_minor;
}

/* -- fees, minimum, lines by hand -- */

int64_t explain_fee(struct explanation *e, int64_t fee_minor) {
  const char *fee = money(e, fee_minor);
  add(e, (struct explanation_step){.name = "fee",
                                   .rules = "BILL-030",
                                   .text = "A fee that is charged once, in full.",
                                   .expression = fee,
                                   .result = fee});
  return fee_minor;
}

enum rc explain_agreed(struct explanation *e, int64_t minimum_minor, struct price_share share, int64_t *ret_minor,
                       struct error *err) {
  TRY(price_true_up(minimum_minor, share, 0, ret_minor, err));
  const char *agreed = money(e, *ret_minor), *minimum = money(e, minimum_minor);
  long long part = share.part, whole = share.whole;
  add(e, (struct explanation_step){.name = "agreed",
                                   .rules = "BILL-021 BILL-030",
                                   .text = arena_printf(e->arena,
                                                        "Agreed on at least: %s for %lld of %lld parts of a period.",
                                                        agreed, part, whole),
                                   .expression = arena_printf(e->arena, "%s × %lld/%lld", minimum, part, whole),
                                   .result = agreed,
                                   .is_rounded = true});
  return RC_OK;
}

int64_t explain_missing(struct explanation *e, int64_t agreed_minor, int64_t charged_minor) {
  const char *agreed = money(e, agreed_minor), *charged = money(e, charged_minor);
  add(e, (struct explanation_step){
             .name = "missing",
             .rules = "BILL-030",
             .text = arena_printf(e->arena, "Charged for it otherwise: %s. What is missing is charged.", charged),
             .expression = arena_printf(e->arena, "%s − %s", agreed, charged),
             .result = money(e, agreed_minor - charged_minor)});
  return agreed_minor - charged_minor;
}

enum rc explain_product(struct explanation *e, struct quantity quantity, struct decimal unit_price, int64_t *ret_minor,
                        struct error *err) {
  TRY(price_product(quantity, unit_price, e->currency, "quantity", ret_minor, err));
  const char *units = quantity_text(e, quantity), *each = price(e, unit_price);
  add(e, (struct explanation_step){
             .name = "amount",
             .rules = "BILL-002",
             .text = arena_printf(e->arena, "Written by hand: %s at %s each, rounded once.", units, each),
             .expression = arena_printf(e->arena, "%s × %s", each, units),
             .result = money(e, *ret_minor),
             .is_rounded = true});
  return RC_OK;
}

/* -- coupons -- */

static void explain_coupon(struct explanation *e, const struct explained_coupon *coupon, int64_t covered,
                           int64_t own_minor, int64_t taken_minor, int64_t share_minor) {
  const char *all = money(e, covered), *taken = money(e, taken_minor), *own = money(e, own_minor);
  const char *off = coupon->coupon.percent_micro
                        ? arena_printf(e->arena, "%s percent", percent(e, coupon->coupon.percent_micro))
                        : money(e, coupon->coupon.amount_minor);
  add(e, (struct explanation_step){
             .name = "coupon",
             .rules = "BILL-002 BILL-040",
             .text = arena_printf(e->arena, "%s takes %s off %s, at most what is left: %s in all.", coupon->code, off,
                                  all, taken),
             .expression = coupon->coupon.percent_micro
                               ? arena_printf(e->arena, "%s × %s/100", all, percent(e, coupon->coupon.percent_micro))
                               : off,
             .result = taken,
             .is_rounded = true});
  add(e, (struct explanation_step){
             .name = "couponShare",
             .rules = "BILL-003 BILL-040",
             .text = arena_printf(
                 e->arena, "Spread over all that it covers by largest remainder; this line has %s of %s.", own, all),
             .expression = arena_printf(e->arena, "%s × %s/%s", taken, own, all),
             .result = money(e, share_minor),
             .is_rounded = true});
}

int64_t explain_coupons(struct explanation *e, const struct explained_coupon *coupons, size_t coupon_count,
                        struct discountable *lines, size_t count, size_t at) {
  ASSERT(at < count);
  for (size_t c = 0; c < coupon_count; c++) {
    for (size_t i = 0; i < count; i++) lines[i].is_covered = coupons[c].is_covered[i];
    int64_t covered = coupon_base(lines, count), own = lines[at].amount_minor - lines[at].discount_minor;
    int64_t taken = coupon_apply(&coupons[c].coupon, lines, count);
    if (lines[at].is_covered) explain_coupon(e, &coupons[c], covered, own, taken, lines[at].share_minor);
  }
  return lines[at].discount_minor;
}

int64_t explain_taken_back(struct explanation *e, const struct taken_back *before, int64_t credit_minor) {
  struct taken_back after = *before;
  int64_t share = discount_take_back(&after, credit_minor);
  add(e, (struct explanation_step){
             .name = "takenBack",
             .rules = "BILL-022",
             .text = arena_printf(e->arena,
                                  "The line that is taken back had %s off %s; of this %s go with the credit, after %s "
                                  "that went with earlier ones.",
                                  money(e, before->discount_minor), money(e, before->amount_minor), money(e, share),
                                  money(e, before->discount_taken_minor)),
             .expression = arena_printf(e->arena, "%s × %s/%s − %s", money(e, before->discount_minor),
                                        money(e, after.taken_minor), money(e, before->amount_minor),
                                        money(e, before->discount_taken_minor)),
             .result = money(e, -share),
             .is_rounded = true});
  return -share;
}

/* -- tax -- */

/* "19/100", or "19/119" of a price that has the tax in it. */
static const char *tax_fraction(const struct explanation *e, const struct tax_rate *rate) {
  int64_t of = rate->is_inclusive ? PERCENT_WHOLE + rate->percent_micro : PERCENT_WHOLE;
  return arena_printf(e->arena, "%s/%s", percent(e, rate->percent_micro), percent(e, of));
}

static const char *or_any(const char *text) {
  return text ? text : "any";
}

/* What a rate is for decides which one a line has, so it is said with the rate. */
static const char *rate_text(const struct explanation *e, const struct explained_rate *chosen) {
  const struct tax_rule *rule = &chosen->rule;
  return arena_printf(e->arena, "The rate %s (country %s, region %s, tax code %s%s)", chosen->code,
                      or_any(rule->country), or_any(rule->region), or_any(rule->tax_code),
                      chosen->customer ? ": the narrowest that fits" : "");
}

static enum rc check_choice(const struct explained_rate *chosen, const struct tax_rate *rate, struct error *err) {
  const struct tax_rule *rule = &chosen->rule;
  if (!tax_rate_is_same(&rule->rate, rate) || rule->rate.is_inclusive != rate->is_inclusive)
    return error_set(err, RC_INVARIANT, "the rate %s is another than the line's", chosen->code);
  if (chosen->customer && !tax_rule_fits(rule, chosen->customer, chosen->tax_code))
    return error_set(err, RC_INVARIANT, "the rate %s is for another place or tax code", chosen->code);
  return RC_OK;
}

static const char *tax_category_text(enum tax_category category) {
  switch (category) {
  case TAX_STANDARD: return "The rate";
  case TAX_ZERO: return "No rate applies: it";
  case TAX_EXEMPT: return "The customer is exempt: the rate";
  case TAX_REVERSE: return "The customer owes the tax (reverse charge): the rate";
  }
  assert_failed("a category of taxes", __FILE__, __LINE__);
}

static void explain_rate(struct explanation *e, const struct taxable *line, const struct explained_rate *chosen) {
  const char *rate = percent(e, line->rate.percent_micro);
  add(e, (struct explanation_step){
             .name = "rate",
             .rules = "BILL-041",
             .text = arena_printf(e->arena, "%s is %s percent%s.",
                                  chosen ? rate_text(e, chosen) : tax_category_text(line->rate.category), rate,
                                  line->rate.is_inclusive ? ", and in the price already" : ""),
             .expression = rate,
             .result = rate});
}

/* The sum of the lines of a rate, rounded once, and this line's part of it (BILL-003). */
static void explain_group(struct explanation *e, const struct taxable *lines, size_t count, size_t at) {
  int64_t charged = 0, tax = 0;
  size_t members = 0;
  for (size_t i = 0; i < count; i++) {
    if (!tax_rate_is_same(&lines[i].rate, &lines[at].rate)) continue;
    charged += lines[i].listed_minor - lines[i].listed_discount_minor;
    tax += lines[i].tax_minor;
    members++;
  }
  add(e, (struct explanation_step){
             .name = "taxOfRate",
             .rules = "BILL-002 BILL-041",
             .text = arena_printf(e->arena, "%zu lines of this rate come to %s: their tax, rounded once, is %s.",
                                  members, money(e, charged), money(e, tax)),
             .expression = arena_printf(e->arena, "%s × %s", money(e, charged), tax_fraction(e, &lines[at].rate)),
             .result = money(e, tax),
             .is_rounded = true});
}

static void explain_own_tax(struct explanation *e, const struct taxable *line, enum tax_rounding rounding) {
  const char *charged = money(e, line->listed_minor - line->listed_discount_minor);
  bool is_part = rounding == TAX_ROUND_TOTAL;
  add(e,
      (struct explanation_step){.name = "tax",
                                .rules = is_part ? "BILL-003 BILL-041" : "BILL-002 BILL-041",
                                .text = is_part ? "This line's own part of it, by largest remainder."
                                                : "Each line's tax is rounded by itself.",
                                .expression = arena_printf(e->arena, "%s × %s", charged, tax_fraction(e, &line->rate)),
                                .result = money(e, line->tax_minor),
                                .is_rounded = true});
}

static void explain_net(struct explanation *e, const struct taxable *line) {
  add(e, (struct explanation_step){
             .name = "netDiscount",
             .rules = "BILL-041",
             .text = "The discount without the tax in it.",
             .expression = arena_printf(e->arena, "%s − %s × %s", money(e, line->listed_discount_minor),
                                        money(e, line->listed_discount_minor), tax_fraction(e, &line->rate)),
             .result = money(e, line->discount_minor),
             .is_rounded = true});
  add(e, (struct explanation_step){
             .name = "net",
             .rules = "BILL-041",
             .text = "The price without the tax in it, so that net − discount + tax is what the line comes to.",
             .expression = arena_printf(e->arena, "%s − %s − %s + %s", money(e, line->listed_minor),
                                        money(e, line->listed_discount_minor), money(e, line->tax_minor),
                                        money(e, line->discount_minor)),
             .result = money(e, line->amount_minor)});
}

enum rc explain_tax(struct explanation *e, struct taxable *lines, size_t count, size_t at, enum tax_rounding rounding,
                    const struct explained_rate *chosen, struct error *err) {
  ASSERT(at < count);
  TRY(tax_compute(lines, count, rounding, err));
  if (chosen) TRY(check_choice(chosen, &lines[at].rate, err));
  explain_rate(e, &lines[at], chosen);
  if (lines[at].rate.percent_micro == 0) return RC_OK;
  if (rounding == TAX_ROUND_TOTAL) explain_group(e, lines, count, at);
  explain_own_tax(e, &lines[at], rounding);
  if (lines[at].rate.is_inclusive) explain_net(e, &lines[at]);
  return RC_OK;
}

/* -- credit notes -- */

static int64_t rest_of(const struct creditable *line) {
  return line->amount_minor - line->credited_minor;
}

static void add_rest(struct explanation *e, const struct creditable *line) {
  add(e,
      (struct explanation_step){
          .name = "rest",
          .rules = "BILL-043",
          .text = "What is left of the line after its discount and what was given back of it before.",
          .expression = arena_printf(e->arena, "%s − %s", money(e, line->amount_minor), money(e, line->credited_minor)),
          .result = money(e, rest_of(line))});
}

static void add_share(struct explanation *e, const struct creditable *lines, size_t count, size_t at,
                      int64_t asked_minor) {
  int64_t weights = 0;
  bool is_over_credits = false;
  for (size_t i = 0; i < count; i++) {
    weights += lines[i].weight_minor;
    is_over_credits = is_over_credits || lines[i].weight_minor < 0;
  }
  add(e, (struct explanation_step){
             .name = "share",
             .rules = "BILL-003 BILL-043",
             .text = arena_printf(e->arena, "%s are given back of the invoice, spread over what is left of its %s.",
                                  money(e, asked_minor), is_over_credits ? "lines" : "charges"),
             .expression = arena_printf(e->arena, "%s × %s/%s", money(e, asked_minor), money(e, lines[at].weight_minor),
                                        money(e, weights)),
             .result = money(e, lines[at].wanted_minor),
             .is_rounded = true});
}

static void add_claimed(struct explanation *e, const struct creditable *line) {
  add(e, (struct explanation_step){
             .name = "claimed",
             .rules = "BILL-022 BILL-043 BILL-053",
             .text = "Unused time is taken back with its share of the discount, and not more than is left.",
             .expression = arena_printf(e->arena, "%s × %s/%s", money(e, line->amount_minor),
                                        money(e, line->claimed_minor), money(e, line->listed_minor)),
             .result = money(e, line->wanted_minor),
             .is_rounded = true});
}

static void add_asked(struct explanation *e, const struct creditable *line) {
  add(e, (struct explanation_step){.name = "asked",
                                   .rules = "BILL-043",
                                   .text = "This was asked to be given back of the line.",
                                   .expression = money(e, line->wanted_minor),
                                   .result = money(e, line->wanted_minor)});
}

enum rc explain_credited(struct explanation *e, enum credit_basis basis, int64_t asked_minor, struct creditable *lines,
                         size_t count, size_t at, struct error *err) {
  add_rest(e, &lines[at]);
  switch (basis) {
  case CREDIT_WHOLE: credit_whole(lines, count); return RC_OK;
  case CREDIT_LINES:
    TRY(credit_line(&lines[at], "asked", err));
    add_asked(e, &lines[at]);
    return RC_OK;
  case CREDIT_AMOUNT:
    TRY(credit_amount(lines, count, asked_minor, "asked", err));
    add_share(e, lines, count, at, asked_minor);
    return RC_OK;
  case CREDIT_CLAIMED:
    credit_claimed(&lines[at]);
    add_claimed(e, &lines[at]);
    return RC_OK;
  }
  assert_failed("what a credit note goes by", __FILE__, __LINE__);
}

void explain_credited_tax(struct explanation *e, const struct creditable *line) {
  const char *before = money(e, line->tax_credited_minor);
  int64_t credited = line->credited_minor + line->wanted_minor, tax = line->tax_minor - line->tax_credited_minor;
  bool is_last = credited == line->amount_minor;
  if (!is_last)
    tax = apportion_next(line->tax_minor, line->amount_minor, line->credited_minor, line->wanted_minor,
                         line->tax_credited_minor);
  add(e, (struct explanation_step){
             .name = "tax",
             .rules = "BILL-043",
             .text = "The tax of all that was given back of the line by now, less what was given back of it before.",
             .expression = is_last ? arena_printf(e->arena, "%s − %s", money(e, line->tax_minor), before)
                                   : arena_printf(e->arena, "%s × %s/%s − %s", money(e, line->tax_minor),
                                                  money(e, credited), money(e, line->amount_minor), before),
             .result = money(e, tax),
             .is_rounded = !is_last});
  if (tax == line->tax_wanted_minor) return;
  const char *fitted = money(e, line->tax_wanted_minor);
  add(e, (struct explanation_step){.name = "fit",
                                   .rules = "BILL-043",
                                   .text = "The note is no more than what is left of the invoice.",
                                   .expression = fitted,
                                   .result = fitted});
}
