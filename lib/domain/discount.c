/* What coupons and account credit take off. Lines of a credit for unused time bring their own share of an earlier
 * discount with them; they neither carry coupons nor limit them, or going there and back would not net to zero. */
#include "domain/discount.h"

#include "base/assert.h"
#include "base/money.h"
#include "domain/apportion.h"
#include "domain/invoice.h"
#include "domain/percent.h"

static int64_t left_of(const struct discountable *line) {
  return line->amount_minor - line->discount_minor;
}

static bool takes_part(const struct discountable *line) {
  return line->is_covered && !line->is_taken_back && left_of(line) > 0;
}

int64_t coupon_base(const struct discountable *lines, size_t count) {
  int64_t covered = 0;
  for (size_t i = 0; i < count; i++)
    if (takes_part(&lines[i])) covered += left_of(&lines[i]);
  return covered;
}

/* The most that may come off: what the covered lines have left, no more than keeps all charges together at zero, and no
 * more than an amount can be: an invoice of that size is refused, but only with its taxes (tax_compute). */
static int64_t limit_of(const struct discountable *lines, size_t count) {
  int64_t covered = coupon_base(lines, count), charged = 0, limit = MONEY_MAX;
  for (size_t i = 0; i < count; i++)
    if (!lines[i].is_taken_back) charged += left_of(&lines[i]);
  limit = limit < covered ? limit : covered;
  return limit < charged ? limit : charged;
}

static int64_t wanted_of(const struct coupon *coupon, const struct discountable *lines, size_t count) {
  if (coupon->percent_micro == 0) return coupon->amount_minor;
  return (int64_t)round_half_away((int128)coupon_base(lines, count) * coupon->percent_micro, PERCENT_WHOLE);
}

int64_t coupon_apply(const struct coupon *coupon, struct discountable *lines, size_t count) {
  int64_t weights[INVOICE_LINES_MAX], parts[INVOICE_LINES_MAX];
  ASSERT(count <= INVOICE_LINES_MAX && coupon->percent_micro >= 0 && coupon->percent_micro <= PERCENT_WHOLE);
  ASSERT((coupon->percent_micro == 0) == (coupon->amount_minor > 0));
  int64_t limit = limit_of(lines, count), wanted = wanted_of(coupon, lines, count);
  int64_t taken = wanted < limit ? wanted : limit;
  for (size_t i = 0; i < count; i++) {
    weights[i] = takes_part(&lines[i]) ? left_of(&lines[i]) : 0;
    lines[i].share_minor = 0;
  }
  if (taken <= 0) return 0;
  money_split(taken, weights, count, parts);
  for (size_t i = 0; i < count; i++) {
    lines[i].share_minor = parts[i];
    lines[i].discount_minor += parts[i];
    ASSERT(parts[i] <= weights[i]);
  }
  return taken;
}

/* BILL-022 */
int64_t discount_take_back(struct taken_back *line, int64_t credit_minor) {
  int64_t left = line->amount_minor - line->taken_minor, taken = credit_minor < left ? credit_minor : left;
  if (line->amount_minor <= 0 || taken <= 0) return 0;
  int64_t share =
      apportion_next(line->discount_minor, line->amount_minor, line->taken_minor, taken, line->discount_taken_minor);
  if (share < 0) share = 0;
  line->taken_minor += taken;
  line->discount_taken_minor += share;
  return share;
}

int64_t credit_apply(int64_t due_minor, const int64_t *remaining_minor, size_t count, int64_t *ret_used) {
  int64_t due = due_minor > 0 ? due_minor : 0, open = due;
  for (size_t i = 0; i < count; i++) {
    ASSERT(remaining_minor[i] >= 0);
    ret_used[i] = remaining_minor[i] < open ? remaining_minor[i] : open;
    open -= ret_used[i];
  }
  return due - open;
}
