/* What is left of a charge after changes, and what of that is given back (BILL-022). */
#include "domain/explain_text.h"

static void explain_cut(struct explanation *e, int64_t before_minor, int64_t used, int64_t whole,
                        enum proration_basis basis, const char *cut, int64_t rest_minor) {
  const char *before = text_money(e, before_minor), *rest = text_money(e, rest_minor), *units = text_units(basis);
  const char *left = arena_printf(e->arena, "%s × %lld/%lld", before, (long long)used, (long long)whole);
  step_add(
      e, (struct explanation_step){.name = "cut",
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
  const char *charged = text_money(e, charged_minor);
  step_add(
      e, (struct explanation_step){.name = "charged",
                                   .rules = "BILL-022",
                                   .text = arena_printf(e->arena, "%s is the charge for all %lld %s of the span.",
                                                        charged, (long long)(span.end - span.start), text_units(basis)),
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
  step_add(e, (struct explanation_step){
                  .name = "piece",
                  .rules = "BILL-022",
                  .text = arena_printf(e->arena,
                                       "From %s to %s: what was left at its beginning, less what is left at its end.",
                                       ends[0].text, ends[1].text),
                  .expression = arena_printf(e->arena, "%s − %s", text_money(e, at_from), text_money(e, at_to)),
                  .result = text_money(e, *ret_minor)});
  return RC_OK;
}

int64_t explain_limit(struct explanation *e, int64_t rest_minor, int64_t left_minor) {
  const char *left = text_money(e, left_minor);
  int64_t limited = rest_minor < left_minor ? rest_minor : left_minor;
  step_add(e, (struct explanation_step){
                  .name = "limit",
                  .rules = "BILL-022",
                  .text = arena_printf(
                      e->arena, "Of the line, %s had not been given back: more than that is not credited.", left),
                  .expression = arena_printf(e->arena, "min(%s, %s)", text_money(e, rest_minor), left),
                  .result = text_money(e, limited)});
  return limited;
}

int64_t explain_credit(struct explanation *e, int64_t rest_minor) {
  step_add(e, (struct explanation_step){.name = "credit",
                                        .rules = "BILL-022",
                                        .text = "What is left is given back.",
                                        .expression = arena_printf(e->arena, "0 − %s", text_money(e, rest_minor)),
                                        .result = text_money(e, -rest_minor)});
  return -rest_minor;
}
