/* What a credit note gives back of a line, and of its tax (BILL-043). */
#include "base/assert.h"
#include "domain/apportion.h"
#include "domain/explain_text.h"

static void add_rest(struct explanation *e, const struct creditable *line) {
  step_add(e, (struct explanation_step){
                  .name = "rest",
                  .rules = "BILL-043",
                  .text = "What is left of the line after its discount and what was given back of it before.",
                  .expression = arena_printf(e->arena, "%s − %s", text_money(e, line->amount_minor),
                                             text_money(e, line->credited_minor)),
                  .result = text_money(e, credit_rest(line))});
}

static void add_share(struct explanation *e, const struct creditable *lines, size_t count, size_t at,
                      int64_t asked_minor) {
  int64_t weights = 0;
  bool is_over_credits = false;
  for (size_t i = 0; i < count; i++) {
    weights += lines[i].weight_minor;
    is_over_credits = is_over_credits || lines[i].weight_minor < 0;
  }
  step_add(e,
           (struct explanation_step){
               .name = "share",
               .rules = "BILL-003 BILL-043",
               .text = arena_printf(e->arena, "%s are given back of the invoice, spread over what is left of its %s.",
                                    text_money(e, asked_minor), is_over_credits ? "lines" : "charges"),
               .expression = arena_printf(e->arena, "%s × %s/%s", text_money(e, asked_minor),
                                          text_money(e, lines[at].weight_minor), text_money(e, weights)),
               .result = text_money(e, lines[at].wanted_minor),
               .is_rounded = true});
}

static void add_claimed(struct explanation *e, const struct creditable *line) {
  step_add(e, (struct explanation_step){
                  .name = "claimed",
                  .rules = "BILL-022 BILL-043 BILL-053",
                  .text = "What billing takes back comes with its share of the discount, and is not more than is left.",
                  .expression = arena_printf(e->arena, "%s × %s/%s", text_money(e, line->amount_minor),
                                             text_money(e, line->claimed_minor), text_money(e, line->listed_minor)),
                  .result = text_money(e, line->wanted_minor),
                  .is_rounded = true});
}

static void add_asked(struct explanation *e, const struct creditable *line) {
  step_add(e, (struct explanation_step){.name = "asked",
                                        .rules = "BILL-043",
                                        .text = "This was asked to be given back of the line.",
                                        .expression = text_money(e, line->wanted_minor),
                                        .result = text_money(e, line->wanted_minor)});
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
  const char *before = text_money(e, line->tax_credited_minor);
  int64_t credited = line->credited_minor + line->wanted_minor, tax = line->tax_minor - line->tax_credited_minor;
  bool is_last = credited == line->amount_minor;
  if (!is_last)
    tax = apportion_next(line->tax_minor, line->amount_minor, line->credited_minor, line->wanted_minor,
                         line->tax_credited_minor);
  step_add(e,
           (struct explanation_step){
               .name = "tax",
               .rules = "BILL-043",
               .text = "The tax of all that was given back of the line by now, less what was given back of it before.",
               .expression = is_last ? arena_printf(e->arena, "%s − %s", text_money(e, line->tax_minor), before)
                                     : arena_printf(e->arena, "%s × %s/%s − %s", text_money(e, line->tax_minor),
                                                    text_money(e, credited), text_money(e, line->amount_minor), before),
               .result = text_money(e, tax),
               .is_rounded = !is_last});
  if (tax == line->tax_wanted_minor) return;
  const char *fitted = text_money(e, line->tax_wanted_minor);
  step_add(e, (struct explanation_step){.name = "fit",
                                        .rules = "BILL-043",
                                        .text = "The note is no more than what is left of the invoice.",
                                        .expression = fitted,
                                        .result = fitted});
}
