/* Which rate a line has, and its tax among the lines of its invoice (BILL-041). */
#include "base/assert.h"
#include "domain/explain_text.h"
#include "domain/percent.h"

/* "19/100", or "19/119" of a price that has the tax in it. */
static const char *tax_fraction(const struct explanation *e, const struct tax_rate *rate) {
  int64_t of = rate->is_inclusive ? PERCENT_WHOLE + rate->percent_micro : PERCENT_WHOLE;
  return arena_printf(e->arena, "%s/%s", text_percent(e, rate->percent_micro), text_percent(e, of));
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
  const char *rate = text_percent(e, line->rate.percent_micro);
  step_add(e, (struct explanation_step){
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
  step_add(
      e, (struct explanation_step){
             .name = "taxOfRate",
             .rules = "BILL-002 BILL-041",
             .text = arena_printf(e->arena, "%zu lines of this rate come to %s: their tax, rounded once, is %s.",
                                  members, text_money(e, charged), text_money(e, tax)),
             .expression = arena_printf(e->arena, "%s × %s", text_money(e, charged), tax_fraction(e, &lines[at].rate)),
             .result = text_money(e, tax),
             .is_rounded = true});
}

static void explain_own_tax(struct explanation *e, const struct taxable *line, enum tax_rounding rounding) {
  const char *charged = text_money(e, line->listed_minor - line->listed_discount_minor);
  bool is_part = rounding == TAX_ROUND_TOTAL;
  step_add(e, (struct explanation_step){.name = "tax",
                                        .rules = is_part ? "BILL-003 BILL-041" : "BILL-002 BILL-041",
                                        .text = is_part ? "This line's own part of it, by largest remainder."
                                                        : "Each line's tax is rounded by itself.",
                                        .expression =
                                            arena_printf(e->arena, "%s × %s", charged, tax_fraction(e, &line->rate)),
                                        .result = text_money(e, line->tax_minor),
                                        .is_rounded = true});
}

static void explain_net(struct explanation *e, const struct taxable *line) {
  step_add(e, (struct explanation_step){
                  .name = "netDiscount",
                  .rules = "BILL-041",
                  .text = "The discount without the tax in it.",
                  .expression = arena_printf(e->arena, "%s − %s × %s", text_money(e, line->listed_discount_minor),
                                             text_money(e, line->listed_discount_minor), tax_fraction(e, &line->rate)),
                  .result = text_money(e, line->discount_minor),
                  .is_rounded = true});
  step_add(e, (struct explanation_step){
                  .name = "net",
                  .rules = "BILL-041",
                  .text = "The price without the tax in it, so that net − discount + tax is what the line comes to.",
                  .expression = arena_printf(e->arena, "%s − %s − %s + %s", text_money(e, line->listed_minor),
                                             text_money(e, line->listed_discount_minor), text_money(e, line->tax_minor),
                                             text_money(e, line->discount_minor)),
                  .result = text_money(e, line->amount_minor)});
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
