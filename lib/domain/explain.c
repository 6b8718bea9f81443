/* Steps beside the functions that bill. Where one of those does several things at once, it is asked for each prefix (of
 * the cuts of a change, of the coupons of an invoice), so that what stands between two steps is its own doing. Here:
 * days, prices, fees. */
#include "base/assert.h"
#include "base/buf.h"
#include "domain/explain_text.h"

enum { EXPRESSION_MAX = 16 * 1024 };

/* -- which days -- */

struct price_share explain_share(struct explanation *e, const struct explained_span *span) {
  struct period period = {.index = span->index,
                          .start = grid_boundary(&span->grid, span->index),
                          .end = grid_boundary(&span->grid, span->index + 1),
                          .full_start = grid_boundary(&span->grid, span->index)};
  struct price_share share = proration_span(span->zone, span->basis, span->from, span->to, &period);
  const char *start = text_date(e, period.full_start), *end = text_date(e, period.end);
  const char *from = text_date(e, span->from), *to = text_date(e, span->to);
  bool is_whole = share.part == share.whole;
  const char *units = is_whole ? "days" : text_units(span->basis);
  step_add(e, (struct explanation_step){.name = "period",
                                        .rules = "BILL-010 BILL-021",
                                        .text = arena_printf(e->arena, "Period %lld runs from %s to %s: %lld %s.",
                                                             (long long)span->index, start, end, (long long)share.whole,
                                                             units),
                                        .expression = arena_printf(e->arena, "%s − %s", end, start),
                                        .result = text_integer(e, share.whole)});
  step_add(e, (struct explanation_step){
                  .name = "share",
                  .rules = "BILL-020",
                  .text = is_whole ? "All of it is charged."
                                   : arena_printf(e->arena, "Charged is %s to %s: %lld of %lld %s.", from, to,
                                                  (long long)share.part, (long long)share.whole, units),
                  .expression = arena_printf(e->arena, "%s − %s", to, from),
                  .result = text_integer(e, share.part)});
  return share;
}

/* -- prices -- */

static void explain_units(struct explanation *e, const struct price_component *component, const struct price_part *part,
                          struct explanation_step *step) {
  bool has_tiers = component->tier_count > 0, has_fee = part->flat_fee.pico != 0;
  const char *units = text_quantity(e, part->quantity), *each = text_price(e, part->unit_price);
  const char *fee = text_price(e, part->flat_fee);
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
  struct explanation_step step = {.rules = rule_of(component->model), .result = text_sum(e, part->cost)};
  const char *each = text_price(e, part->unit_price), *count = text_integer(e, part->count);
  const char *units = text_quantity(e, part->quantity);
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
                             text_quantity(e, component->package_size), each);
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
  step_add(e, step);
}

static void explain_sum(struct explanation *e, const struct price_explanation *found) {
  struct buf CLEANUP(buf_release) text;
  buf_init(&text, EXPRESSION_MAX);
  if (found->part_count < 2) return;
  for (size_t i = 0; i < found->part_count; i++)
    buf_printf(&text, "%s%s", i ? " + " : "", text_sum(e, found->parts[i].cost));
  ASSERT(buf_ok(&text));
  step_add(e, (struct explanation_step){.name = "sum",
                                        .rules = "BILL-030",
                                        .text = "For the whole period, together.",
                                        .expression = arena_strdup(e->arena, buf_text(&text)),
                                        .result = text_sum(e, found->sum)});
}

/* BILL-002: the one rounding. */
static void explain_amount(struct explanation *e, int128 sum, struct price_share share, int64_t minor) {
  const char *whole = text_sum(e, sum), *amount = text_money(e, minor);
  bool is_whole = share.part == share.whole;
  const char *text = is_whole
                         ? arena_printf(e->arena, "%s for the period, rounded once: %s.", whole, amount)
                         : arena_printf(e->arena, "Of %s for the whole period %lld of %lld parts, rounded once: %s.",
                                        whole, (long long)share.part, (long long)share.whole, amount);
  step_add(e, (struct explanation_step){.name = "amount",
                                        .rules = is_whole ? "BILL-002" : "BILL-002 BILL-021",
                                        .text = text,
                                        .expression = is_whole
                                                          ? whole
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
    const char *all = text_quantity(e, quantity), *free = text_quantity(e, found->free);
    const char *charged = text_quantity(e, (struct quantity){quantity.micro - found->free.micro});
    step_add(e, (struct explanation_step){
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

/* -- fees, minimum, lines by hand -- */

int64_t explain_fee(struct explanation *e, int64_t fee_minor) {
  const char *fee = text_money(e, fee_minor);
  step_add(e, (struct explanation_step){.name = "fee",
                                        .rules = "BILL-030",
                                        .text = "A fee that is charged once, in full.",
                                        .expression = fee,
                                        .result = fee});
  return fee_minor;
}

enum rc explain_agreed(struct explanation *e, int64_t minimum_minor, struct price_share share, int64_t *ret_minor,
                       struct error *err) {
  TRY(price_true_up(minimum_minor, share, 0, ret_minor, err));
  const char *agreed = text_money(e, *ret_minor), *minimum = text_money(e, minimum_minor);
  long long part = share.part, whole = share.whole;
  step_add(e, (struct explanation_step){
                  .name = "agreed",
                  .rules = "BILL-021 BILL-030",
                  .text = arena_printf(e->arena, "Agreed on at least: %s for %lld of %lld parts of a period.", agreed,
                                       part, whole),
                  .expression = arena_printf(e->arena, "%s × %lld/%lld", minimum, part, whole),
                  .result = agreed,
                  .is_rounded = true});
  return RC_OK;
}

int64_t explain_uncredited(struct explanation *e, int64_t charged_minor, int64_t uncredited_minor) {
  const char *charged = text_money(e, charged_minor), *uncredited = text_money(e, uncredited_minor);
  step_add(e,
           (struct explanation_step){
               .name = "uncredited",
               .rules = "BILL-022 BILL-030",
               .text = arena_printf(e->arena, "Of credits, %s was not given: their lines had less left.", uncredited),
               .expression = arena_printf(e->arena, "%s + %s", charged, uncredited),
               .result = text_money(e, charged_minor + uncredited_minor)});
  return charged_minor + uncredited_minor;
}

int64_t explain_missing(struct explanation *e, int64_t agreed_minor, int64_t charged_minor) {
  const char *agreed = text_money(e, agreed_minor), *charged = text_money(e, charged_minor);
  const char *missing = text_money(e, agreed_minor - charged_minor), *nothing = text_money(e, 0);
  step_add(e, (struct explanation_step){
                  .name = "missing",
                  .rules = "BILL-030",
                  .text = arena_printf(e->arena, "Charged for it otherwise: %s. What is missing is charged.", charged),
                  .expression = arena_printf(e->arena, "%s − %s", agreed, charged),
                  .result = missing});
  if (charged_minor <= agreed_minor) return agreed_minor - charged_minor;
  step_add(e, (struct explanation_step){.name = "limit",
                                        .rules = "BILL-030",
                                        .text = "What is more than agreed on is not given back.",
                                        .expression = arena_printf(e->arena, "max(%s, %s)", missing, nothing),
                                        .result = nothing});
  return 0;
}

enum rc explain_product(struct explanation *e, struct quantity quantity, struct decimal unit_price, int64_t *ret_minor,
                        struct error *err) {
  TRY(price_product(quantity, unit_price, e->currency, "quantity", ret_minor, err));
  const char *units = text_quantity(e, quantity), *each = text_price(e, unit_price);
  step_add(e, (struct explanation_step){
                  .name = "amount",
                  .rules = "BILL-002",
                  .text = arena_printf(e->arena, "Written by hand: %s at %s each, rounded once.", units, each),
                  .expression = arena_printf(e->arena, "%s × %s", each, units),
                  .result = text_money(e, *ret_minor),
                  .is_rounded = true});
  return RC_OK;
}
