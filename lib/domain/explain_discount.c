/* What coupons take off a line, and what a credit takes back of it (BILL-022, BILL-040). */
#include "base/assert.h"
#include "domain/explain_text.h"

static void explain_coupon(struct explanation *e, const struct explained_coupon *coupon, int64_t covered,
                           int64_t own_minor, int64_t taken_minor, int64_t share_minor) {
  const char *all = text_money(e, covered), *taken = text_money(e, taken_minor), *own = text_money(e, own_minor);
  const char *off = coupon->coupon.percent_micro
                        ? arena_printf(e->arena, "%s percent", text_percent(e, coupon->coupon.percent_micro))
                        : text_money(e, coupon->coupon.amount_minor);
  step_add(e, (struct explanation_step){
                  .name = "coupon",
                  .rules = "BILL-002 BILL-040",
                  .text = arena_printf(e->arena, "%s takes %s off %s, at most what is left: %s in all.", coupon->code,
                                       off, all, taken),
                  .expression =
                      coupon->coupon.percent_micro
                          ? arena_printf(e->arena, "%s × %s/100", all, text_percent(e, coupon->coupon.percent_micro))
                          : off,
                  .result = taken,
                  .is_rounded = true});
  step_add(e,
           (struct explanation_step){
               .name = "couponShare",
               .rules = "BILL-003 BILL-040",
               .text = arena_printf(
                   e->arena, "Spread over all that it covers by largest remainder; this line has %s of %s.", own, all),
               .expression = arena_printf(e->arena, "%s × %s/%s", taken, own, all),
               .result = text_money(e, share_minor),
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
  step_add(
      e, (struct explanation_step){
             .name = "takenBack",
             .rules = "BILL-022",
             .text = arena_printf(e->arena,
                                  "The line that is taken back had %s off %s; of this %s go with the credit, after %s "
                                  "that went with earlier ones.",
                                  text_money(e, before->discount_minor), text_money(e, before->amount_minor),
                                  text_money(e, share), text_money(e, before->discount_taken_minor)),
             .expression = arena_printf(e->arena, "%s × %s/%s − %s", text_money(e, before->discount_minor),
                                        text_money(e, after.taken_minor), text_money(e, before->amount_minor),
                                        text_money(e, before->discount_taken_minor)),
             .result = text_money(e, -share),
             .is_rounded = true});
  return -share;
}
