/* The arithmetic of changes: the rest of the rest, on both sides. That a change there and back is worth nothing follows
 * from both sides being one function of (charge, span, cuts); nothing here looks at what happened in between. */
#include "domain/change.h"

#include "base/assert.h"
#include "base/money.h"
#include "domain/proration.h"

static int64_t within(int64_t position, int64_t from, int64_t end) {
  int64_t least = position > from ? position : from;
  return least < end ? least : end;
}

/* BILL-022 */
enum rc change_rest(int64_t charged_minor, struct change_span span, struct change_cuts cuts, int64_t *ret_rest,
                    struct error *err) {
  ASSERT(span.start < span.end && cuts.count <= CHANGE_CUTS_MAX);
  int64_t rest = charged_minor, from = span.start;
  for (size_t i = 0; i < cuts.count && from < span.end; i++) {
    ASSERT(i == 0 || cuts.at[i] >= cuts.at[i - 1]);
    int64_t cut = within(cuts.at[i], from, span.end);
    TRY(proration_rest(rest, cut - from, span.end - from, &rest, err));
    from = cut;
  }
  *ret_rest = rest;
  return RC_OK;
}

/* With one cut more, after those before it. */
static enum rc rest_at(int64_t charged_minor, struct change_span span, struct change_cuts cuts, int64_t position,
                       int64_t *ret_rest, struct error *err) {
  int64_t rest, from = span.start;
  size_t before = 0;
  while (before < cuts.count && position > cuts.at[before]) before++;
  TRY(change_rest(charged_minor, span, (struct change_cuts){cuts.at, before}, &rest, err));
  if (before > 0) from = within(cuts.at[before - 1], span.start, span.end);
  if (from < span.end) TRY(proration_rest(rest, within(position, from, span.end) - from, span.end - from, &rest, err));
  *ret_rest = rest;
  return RC_OK;
}

enum rc change_piece(int64_t charged_minor, struct change_span span, struct change_cuts cuts, int64_t from, int64_t to,
                     int64_t *ret_minor, struct error *err) {
  int64_t at_from, at_to;
  ASSERT(from <= to);
  TRY(rest_at(charged_minor, span, cuts, from, &at_from, err));
  TRY(rest_at(charged_minor, span, cuts, to, &at_to, err));
  *ret_minor = at_from - at_to;
  return RC_OK;
}

/* Days in 4,800 of the interval: 400 years are 4,800 months and 146,097 days. */
static int64_t mean_days(struct interval interval) {
  static const int64_t DAYS[] = {[INTERVAL_DAY] = 4800,
                                 [INTERVAL_WEEK] = 7 * INT64_C(4800),
                                 [INTERVAL_MONTH] = 146097,
                                 [INTERVAL_QUARTER] = 3 * INT64_C(146097),
                                 [INTERVAL_YEAR] = 12 * INT64_C(146097)};
  ASSERT((size_t)interval.unit < sizeof DAYS / sizeof DAYS[0]);
  return DAYS[interval.unit] * interval.count;
}

/* BILL-052 */
bool change_is_upgrade(struct recurring old, struct recurring new) {
  return (int128) new.amount_minor *mean_days(old.interval) > (int128)old.amount_minor *mean_days(new.interval);
}
