/* The walk over the boundaries that a subscription has come to. Which days is lib/domain/calendar's business, how much
 * lib/domain/price's; what is here is which periods, components and fees are charged when.
 *
 * At boundary n: what period n - 1 owes in arrears, and the rest up to its minimum commitment; then either the
 * subscription ends, or period n begins with its setup fee and its charges in advance. */
#include "billing.h"

#include <string.h>

#include "base/assert.h"
#include "charges.h"
#include "scheduled.h"

enum { MILESTONE_WEIGHT = 512 };

#define GROW(arena, array, count, capacity)                             \
  do {                                                                  \
    if ((count) < (capacity)) break;                                    \
    size_t grown_ = (capacity) ? 2 * (capacity) : 64;                   \
    void *bytes_ = arena_alloc_array((arena), grown_, sizeof *(array)); \
    if (count) memcpy(bytes_, (array), (count) * sizeof *(array));      \
    (array) = bytes_;                                                   \
    (capacity) = grown_;                                                \
  } while (0)

void billing_add(struct arena *arena, struct billing *billing, const struct line *line) {
  GROW(arena, billing->lines, billing->count, billing->capacity);
  struct line *added = &billing->lines[billing->count];
  *added = *line;
  added->grid = line->subscription->grid;
  added->zone = line->subscription->zone;
  added->sequence = billing->count++;
  billing->weight += line_weight(added);
}

static void add_milestone(struct arena *arena, struct billing *billing, const struct milestone *milestone) {
  GROW(arena, billing->milestones, billing->milestone_count, billing->milestone_capacity);
  billing->milestones[billing->milestone_count++] = *milestone;
  billing->weight += MILESTONE_WEIGHT;
}

/* -- how much -- */

static enum rc add_up(int64_t *sum, int64_t amount, struct error *err) {
  if (money_add(*sum, amount, sum)) return RC_OK;
  return error_field(err, RC_VALIDATION, "amount", "the charges of the period are too large");
}

/* Charges each component of an item that is charged in advance for the line's span; lines without an amount are kept in
 * ret_all alone. What has a metric is charged by usage, not by the subscription's quantity. */
static enum rc charge_item(struct arena *arena, struct billing *billing, struct billable *s,
                           const struct billed_item *item, struct line line, struct line *ret_all, struct error *err) {
  line.type = LINE_RECURRING;
  line.item = item;
  for (size_t c = 0; c < item->price->component_count; c++) {
    line.component = &item->price->components[c];
    if (line.component->timing != PRICE_ADVANCE || line.component->metric) continue;
    TRY(price_charge(line.component, item->quantity, 0, line.share, s->currency, &line.amount_minor, err));
    TRY(add_up(&s->charged_minor, line.amount_minor, err));
    if (line.amount_minor != 0) billing_add(arena, billing, &line);
    ret_all[s->charge_count++] = line;
  }
  return RC_OK;
}

/* -- which periods were begun -- */

int64_t billing_running(const struct billable *s) {
  return s->next_index - 1 - (int64_t)s->renewed_count;
}

struct utime billing_begun_until(const struct billable *s) {
  return s->renewed_count > 0 ? s->renewed[s->renewed_count - 1].end : s->next_at;
}

static const struct renewed_period *renewed_of(const struct billable *s, int64_t index) {
  int64_t place = index - billing_running(s) - 1;
  return place >= 0 && place < (int64_t)s->renewed_count ? &s->renewed[place] : NULL;
}

/* What is told already stays as it was told, in whatever zone. */
struct utime billing_start_of(const struct billable *s, int64_t index, struct date start) {
  const struct renewed_period *renewed = renewed_of(s, index);
  if (renewed) return renewed->start;
  return s->has_period && index == billing_running(s) ? s->period_start : zone_midnight(s->zone, start);
}

struct utime billing_end_of(const struct billable *s, int64_t index, struct date end) {
  const struct renewed_period *renewed = renewed_of(s, index);
  if (renewed) return renewed->end;
  return s->has_period && index == billing_running(s) ? s->period_end : zone_midnight(s->zone, end);
}

struct change_span billing_span_of(const struct billable *s, enum proration_basis basis, int64_t index,
                                   struct date start, struct date end) {
  if (basis == PRORATION_DAY) return (struct change_span){start.days, end.days};
  return (struct change_span){billing_start_of(s, index, start).us / UTIME_SECOND,
                              billing_end_of(s, index, end).us / UTIME_SECOND};
}

static struct renewed_period *renewed_copy(struct arena *arena, const struct billable *s, size_t more) {
  struct renewed_period *copy = ARENA_ARRAY(arena, struct renewed_period, s->renewed_count + more + 1);
  if (s->renewed_count > 0) memcpy(copy, s->renewed, s->renewed_count * sizeof *copy);
  return copy;
}

enum rc billing_count(struct arena *arena, struct billable *s, int64_t index, int64_t amount_minor, struct error *err) {
  if (!renewed_of(s, index)) return add_up(&s->charged_minor, amount_minor, err);
  struct renewed_period *renewed = renewed_copy(arena, s, 0);
  s->renewed = renewed;
  return add_up(&renewed[index - billing_running(s) - 1].charged_minor, amount_minor, err);
}

/* The first of `renewed` is the one that runs. */
static void run_renewed(struct billable *s) {
  s->has_period = true;
  s->period_start = s->renewed->start;
  s->period_end = s->next_at = s->renewed->end;
  s->charged_minor = s->renewed->charged_minor;
  s->renewed++;
  s->renewed_count--;
}

/* -- what ends: arrears and minimum -- */

static struct date earlier(struct date a, struct date b) {
  return date_compare(a, b) < 0 ? a : b;
}

static struct utime instant_of(const struct billable *s, struct date day, const struct period *period) {
  if (date_compare(day, period->start) == 0) return billing_start_of(s, period->index, day);
  if (date_compare(day, period->end) == 0) return billing_end_of(s, period->index, day);
  return zone_midnight(s->zone, day);
}

/* What of a period is billed when it, or a state within it, is over: positions among the cuts (BILL-022). */
struct piece {
  struct change_span span;
  struct change_cuts cuts;
  int64_t from, to;
  bool is_whole;
};

/* Where a state begins or ends that was changed on a day: at the last cut on it, of the first `count`; without one with
 * the day, or the period. */
static int64_t cut_on(const struct billable *s, size_t count, enum proration_basis basis, struct date day,
                      const struct period *period, struct change_span span) {
  int64_t at = date_compare(day, period->start) == 0 ? span.start : proration_day(s->zone, basis, day);
  for (size_t i = 0; i < count; i++)
    if (date_compare(zone_date(s->zone, s->cuts[i]), day) == 0) at = proration_instant(s->zone, basis, s->cuts[i]);
  if (at < span.start) return span.start;
  return at < span.end ? at : span.end;
}

static struct piece piece_of(struct arena *arena, const struct billable *s, enum proration_basis basis,
                             const struct period *period, struct date on) {
  int64_t *at = ARENA_ARRAY(arena, int64_t, s->cut_count + 1);
  for (size_t i = 0; i < s->cut_count; i++) at[i] = proration_instant(s->zone, basis, s->cuts[i]);
  struct change_span span = billing_span_of(s, basis, period->index, period->start, period->end);
  struct piece piece = {.span = span, .cuts = {at, s->cut_count}, .from = span.start, .to = span.end};
  bool ends_with_cut = s->cut_count > 0 && date_compare(on, period->end) < 0; /* the last one: the state ends now */
  if (s->has_arrears_from && date_compare(s->arrears_from, period->start) >= 0)
    piece.from = cut_on(s, s->cut_count - ends_with_cut, basis, s->arrears_from, period, span);
  if (ends_with_cut) piece.to = cut_on(s, s->cut_count, basis, on, period, span);
  piece.is_whole = piece.from == span.start && piece.to == span.end;
  return piece;
}

/* By the day, what was told stays; by the second, a cut is its own instant. */
static struct utime instant_at(const struct billable *s, enum proration_basis basis, const struct period *period,
                               struct date day, int64_t position) {
  bool is_midnight = position == proration_day(s->zone, basis, day);
  return is_midnight ? instant_of(s, day, period) : (struct utime){position * UTIME_SECOND};
}

/* How its amount comes about, when changes have cut the period: of the charge for all of it, the piece's part. */
static enum rc cut_to_piece(struct arena *arena, const struct billable *s, const struct period *period,
                            const struct piece *piece, struct line *line, struct error *err) {
  if (piece->is_whole) return RC_OK;
  struct line_change *change = ARENA_NEW(arena, struct line_change);
  struct charges *cuts = ARENA_NEW(arena, struct charges);
  *cuts = (struct charges){.cuts = s->cuts, .cut_count = s->cut_count};
  *change = (struct line_change){.whole_minor = line->amount_minor,
                                 .from = period->start,
                                 .to = period->end,
                                 .span = piece->span,
                                 .cuts = cuts,
                                 .is_piece = true,
                                 .piece_from = piece->from,
                                 .piece_to = piece->to};
  line->change = change;
  return change_piece(change->whole_minor, piece->span, piece->cuts, piece->from, piece->to, &line->amount_minor, err);
}

/* A state that began with a change within the period has its own lines, for an earlier one may have charged the same
 * component in advance (BILL-060). */
static struct line line_of_piece(const struct billable *s, const struct billed_item *item, const struct period *period,
                                 const struct piece *piece, struct date on) {
  enum proration_basis basis = item->price->basis;
  struct line line = {.subscription = s, .item = item, .index = period->index, .billed_on = on};
  bool was_changed = s->has_arrears_from && date_compare(s->arrears_from, period->start) >= 0;
  line.revision = was_changed ? s->version : 0;
  line.from = was_changed ? s->arrears_from : period->start;
  line.to = earlier(period->end, on);
  line.start = instant_at(s, basis, period, line.from, piece->from);
  line.end = instant_at(s, basis, period, line.to, piece->to);
  line.share = proration_span(s->zone, basis, period->start, period->end, period);
  return line;
}

static enum rc bill_item_arrears(struct arena *arena, struct billing *billing, struct billable *s,
                                 const struct billed_item *item, const struct period *period, struct date on,
                                 struct error *err) {
  struct piece piece = piece_of(arena, s, item->price->basis, period, on);
  if (period->index < item->added_index || piece.from >= piece.to) return RC_OK;
  for (size_t c = 0; c < item->price->component_count; c++) {
    const struct price_component *component = &item->price->components[c];
    if (component->timing != PRICE_ARREARS || component->metric) continue;
    struct line line = line_of_piece(s, item, period, &piece, on);
    line.type = LINE_RECURRING;
    line.component = component;
    TRY(price_charge(component, item->quantity, 0, line.share, s->currency, &line.amount_minor, err));
    TRY(cut_to_piece(arena, s, period, &piece, &line, err));
    TRY(add_up(&s->charged_minor, line.amount_minor, err));
    if (line.amount_minor != 0) billing_add(arena, billing, &line);
  }
  return RC_OK;
}

/* The period that runs, unless that was billed elsewhere (BILL-051). */
static bool has_open_period(const struct billable *s) {
  return billing_running(s) >= s->first_index;
}

static enum rc bill_arrears(struct arena *arena, struct billing *billing, struct billable *s, struct date on,
                            struct error *err) {
  if (!has_open_period(s)) return RC_OK;
  struct period period = grid_period(&s->grid, s->start, billing_running(s));
  for (size_t i = 0; i < s->item_count; i++) TRY(bill_item_arrears(arena, billing, s, &s->items[i], &period, on, err));
  return RC_OK;
}

/* BILL-030: what was agreed on for the running period, or the piece of it that is over: the line's amount. */
static enum rc agree_on_minimum(struct arena *arena, const struct billable *s, struct date on, struct line *line,
                                struct error *err) {
  const struct billed_item *own = &s->items[0];
  struct minimum *minimum = ARENA_NEW(arena, struct minimum);
  struct period period = grid_period(&s->grid, s->start, billing_running(s));
  struct piece piece = piece_of(arena, s, own->price->basis, &period, on);
  *line = line_of_piece(s, own, &period, &piece, on);
  line->type = LINE_MINIMUM;
  line->minimum = minimum;
  *minimum = (struct minimum){.charged_minor = s->charged_minor};
  if (piece.from >= piece.to) return RC_OK;
  TRY(price_true_up(own->price->minimum_minor, line->share, 0, &line->amount_minor, err));
  TRY(cut_to_piece(arena, s, &period, &piece, line, err));
  minimum->has_length = true;
  minimum->from = period.start;
  minimum->to = period.end;
  minimum->share = line->share;
  minimum->change = line->change;
  return RC_OK;
}

/* What the recurring charges lack to it. Below 0 is what an earlier state of the period has left to be made up for. */
static enum rc bill_minimum(struct arena *arena, struct billing *billing, const struct billable *s, struct date on,
                            struct error *err) {
  struct line line;
  if (s->items[0].price->minimum_minor == 0 && s->charged_minor >= 0) return RC_OK;
  TRY(agree_on_minimum(arena, s, on, &line, err));
  line.amount_minor -= s->charged_minor;
  if (line.amount_minor > 0) billing_add(arena, billing, &line);
  return RC_OK;
}

enum rc billing_close(struct arena *arena, struct billing *billing, struct billable *s, struct date on,
                      struct error *err) {
  struct line agreed;
  if (!has_open_period(s)) return RC_OK;
  TRY(bill_arrears(arena, billing, s, on, err));
  TRY(agree_on_minimum(arena, s, on, &agreed, err));
  return add_up(&s->charged_minor, -agreed.amount_minor, err);
}

enum rc billing_settle(struct arena *arena, struct billing *billing, struct billable *s, struct date on,
                       struct error *err) {
  TRY(bill_arrears(arena, billing, s, on, err));
  if (has_open_period(s)) TRY(bill_minimum(arena, billing, s, on, err));
  s->charged_minor = 0;
  s->has_arrears_from = false;
  return RC_OK;
}

/* -- what ends: the subscription -- */

/* The end that was decided on earlier and takes effect at a boundary (BILL-053, BILL-055). */
static bool ends_at_boundary(const struct billable *s, enum subscription_event *ret_event) {
  if (s->next_index == 0 && s->state != SUBSCRIPTION_TRIALING) return false;
  if (s->cancel_at_period_end && s->next_at.us >= s->cancel_at.us) {
    *ret_event = SUBSCRIPTION_EVENT_CANCEL;
    return true;
  }
  *ret_event = SUBSCRIPTION_EVENT_EXPIRE;
  return !s->auto_renew && s->next_index > 0;
}

static enum rc end_subscription(struct arena *arena, struct billing *billing, struct billable *s,
                                enum subscription_event event, struct error *err) {
  TRY(subscription_next(s->state, event, &s->state, err));
  s->ends = true;
  s->version++;
  add_milestone(
      arena, billing,
      &(struct milestone){.subscription = s,
                          .type = event == SUBSCRIPTION_EVENT_EXPIRE ? MILESTONE_EXPIRED : MILESTONE_CANCELLED,
                          .index = s->next_index,
                          .version = s->version,
                          .start = s->next_at});
  return RC_OK;
}

/* -- what begins -- */

/* BILL-056 */
static enum rc end_trial(struct arena *arena, struct billing *billing, struct billable *s, struct error *err) {
  if (s->state != SUBSCRIPTION_TRIALING) return RC_OK;
  TRY(subscription_next(s->state, SUBSCRIPTION_EVENT_TRIAL_END, &s->state, err));
  s->version++;
  add_milestone(arena, billing,
                &(struct milestone){.subscription = s,
                                    .type = MILESTONE_ACTIVATED,
                                    .index = s->next_index,
                                    .version = s->version,
                                    .start = s->next_at});
  return RC_OK;
}

enum rc billing_enter_zone(struct billable *s, struct error *err) {
  if (!s->next_zone_name) return RC_OK;
  TRY(zone_find(s->next_zone_name, "timeZone", &s->zone, err));
  s->zone_name = s->next_zone_name;
  s->next_zone_name = NULL;
  return RC_OK;
}

/* BILL-013: a new zone takes effect here, so this period begins in the old one and ends in the new. A boundary that had
 * come before the zone was asked for is still the old one's, however late it is billed. */
static enum rc change_zone(struct billable *s, struct error *err) {
  return s->next_at.us > s->next_zone_at.us ? billing_enter_zone(s, err) : RC_OK;
}

/* The next period was billed already; now it runs (BILL-055). A plan that is over may have charged in advance what
 * another one will in arrears: these have lines of their own, as after a change within the period (BILL-060). */
static enum rc enter_renewed(struct billable *s, struct error *err) {
  TRY(change_zone(s, err));
  run_renewed(s);
  s->has_arrears_from = true;
  s->arrears_from = grid_period(&s->grid, s->start, billing_running(s)).start;
  s->version++;
  return RC_OK;
}

enum rc billing_skip_renewed(struct arena *arena, struct billable *s, int64_t running, struct error *err) {
  s->next_at = s->period_end;
  while (s->renewed_count > 0 && billing_running(s) < running) TRY(enter_renewed(s, err));
  struct renewed_period *renewed = renewed_copy(arena, s, 0);
  for (size_t i = 0; i < s->renewed_count; i++) renewed[i].charged_minor = 0;
  s->renewed = renewed;
  s->charged_minor = 0;
  return RC_OK;
}

/* BILL-030: once, with the first period that the item is charged for. */
static void bill_setup(struct arena *arena, struct billing *billing, const struct billed_item *item, struct line line) {
  if (item->price->setup_fee_minor == 0 || line.index != item->added_index) return;
  line.type = LINE_SETUP;
  line.item = item;
  line.component = NULL;
  line.share = PRICE_SHARE_WHOLE;
  line.amount_minor = item->price->setup_fee_minor;
  billing_add(arena, billing, &line);
}

static struct line *room_for_charges(struct arena *arena, const struct billable *s) {
  size_t count = 0;
  for (size_t i = 0; i < s->item_count; i++) count += s->items[i].price->component_count;
  return ARENA_ARRAY(arena, struct line, count + 1);
}

static enum rc bill_advance(struct arena *arena, struct billing *billing, struct billable *s,
                            const struct period *period, struct error *err) {
  struct line line = {.subscription = s,
                      .index = period->index,
                      .from = period->start,
                      .to = period->end,
                      .start = s->period_start,
                      .end = s->period_end,
                      .billed_on = period->start};
  struct line *charges = room_for_charges(arena, s);
  s->charges = charges;
  s->charge_count = 0;
  for (size_t i = 0; i < s->item_count; i++) {
    if (period->index < s->items[i].added_index) continue;
    bill_setup(arena, billing, &s->items[i], line);
    line.share = proration_span(s->zone, s->items[i].price->basis, line.from, line.to, period);
    TRY(charge_item(arena, billing, s, &s->items[i], line, charges, err));
  }
  return RC_OK;
}

enum rc billing_apply_change(struct arena *arena, struct billing *billing, struct billable *s, struct error *err) {
  bool was_due;
  TRY(scheduled_apply(s, &was_due, err));
  if (!was_due) return RC_OK;
  add_milestone(arena, billing,
                &(struct milestone){.subscription = s,
                                    .type = MILESTONE_CHANGED,
                                    .index = s->next_index,
                                    .version = s->version,
                                    .start = s->next_at});
  return RC_OK;
}

static enum rc begin_period(struct arena *arena, struct billing *billing, struct billable *s, struct error *err) {
  TRY(billing_apply_change(arena, billing, s, err));
  struct period period = grid_period(&s->grid, s->start, s->next_index);
  TRY(end_trial(arena, billing, s, err));
  TRY(change_zone(s, err));
  s->has_period = true;
  s->period_start = s->next_at;
  s->period_end = zone_midnight(s->zone, period.end);
  if (s->period_end.us < s->period_start.us) s->period_end = s->period_start; /* a day's period, a day's new zone */
  TRY(bill_advance(arena, billing, s, &period, err));
  s->version++;
  if (s->next_index > s->first_index)
    add_milestone(arena, billing,
                  &(struct milestone){.subscription = s,
                                      .type = MILESTONE_RENEWED,
                                      .index = s->next_index,
                                      .version = s->version,
                                      .start = s->period_start,
                                      .end = s->period_end});
  s->next_index++;
  s->next_at = s->period_end;
  return RC_OK;
}

/* -- the walk -- */

/* The day of the next boundary. */
static struct date next_day(const struct billable *s) {
  return grid_period(&s->grid, s->start, billing_running(s) + 1).start;
}

static enum rc pass_boundary(struct arena *arena, struct billing *billing, struct billable *s, struct error *err) {
  enum subscription_event event;
  TRY(billing_settle(arena, billing, s, next_day(s), err));
  if (s->renewed_count > 0) return enter_renewed(s, err);
  if (ends_at_boundary(s, &event)) return end_subscription(arena, billing, s, event, err);
  return begin_period(arena, billing, s, err);
}

enum rc billing_find_boundary(struct billable *s, struct error *err) {
  TRY(zone_find(s->zone_name, "timeZone", &s->zone, err));
  s->next_at =
      s->has_period ? s->period_end : zone_midnight(s->zone, grid_period(&s->grid, s->start, s->next_index).start);
  return RC_OK;
}

/* What cannot be billed is left as it was, and parked. */
void billing_park(struct arena *arena, struct billable *s, const struct error *why) {
  struct error *kept = ARENA_NEW(arena, struct error);
  *kept = *why;
  s->why = kept;
  s->is_parked = true;
  s->periods_due++; /* the one that it stands before */
  s->version++;
}

/* One boundary as a whole, or nothing of it. */
static void try_boundary(struct arena *arena, struct billing *billing, struct billable *s) {
  struct billable before = *s;
  size_t lines = billing->count, milestones = billing->milestone_count, weight = billing->weight;
  struct error why;
  if (pass_boundary(arena, billing, s, &why) == RC_OK) {
    s->periods_due++;
    if (billing->count > lines)
      s->periods_invoiced++;
    else
      s->periods_without_charge++;
    return;
  }
  *s = before;
  billing->count = lines;
  billing->milestone_count = milestones;
  billing->weight = weight;
  billing_park(arena, s, &why);
}

bool billing_is_due(const struct billable *s, struct utime as_of) {
  return !s->is_parked && !s->ends && s->next_at.us <= as_of.us;
}

/* The next day on which something is due; false when there is none in this step. */
static bool find_day(const struct billable *subscriptions, size_t count, struct utime as_of, struct date *ret_day) {
  bool is_found = false, may_be_billed = true;
  for (size_t i = 0; i < count; i++) {
    const struct billable *s = &subscriptions[i];
    if (!billing_is_due(s, as_of)) continue;
    struct date day = next_day(s);
    int order = is_found ? date_compare(day, *ret_day) : -1;
    if (order > 0) continue;
    may_be_billed = (order < 0 || may_be_billed) && s->periods_due < BILLING_PERIODS_MAX;
    *ret_day = day;
    is_found = true;
  }
  return is_found && may_be_billed;
}

/* From this day on what is due may not all be here. */
static struct date last_day(const struct billable *subscriptions, size_t count, struct utime as_of) {
  struct date last = {INT32_MIN};
  for (size_t i = 0; i < count; i++)
    if (billing_is_due(&subscriptions[i], as_of) && date_compare(next_day(&subscriptions[i]), last) > 0)
      last = next_day(&subscriptions[i]);
  return last;
}

static void bill_day(struct arena *arena, struct billing *billing, struct billable *subscriptions, size_t count,
                     struct date day, const struct billing_limits *limits) {
  size_t before = billing->weight;
  for (size_t i = 0; i < count && billing->weight - before < limits->enough; i++)
    if (billing_is_due(&subscriptions[i], limits->as_of) && date_compare(next_day(&subscriptions[i]), day) == 0)
      try_boundary(arena, billing, &subscriptions[i]);
}

static void find_boundaries(struct arena *arena, struct billable *subscriptions, size_t count) {
  struct error why;
  for (size_t i = 0; i < count; i++) {
    struct billable *s = &subscriptions[i];
    if (s->is_parked) continue;
    ASSERT(s->item_count >= 1);
    if (billing_find_boundary(s, &why) != RC_OK) billing_park(arena, s, &why);
  }
}

void billing_collect_days(struct arena *arena, struct billing *billing, struct billable *subscriptions, size_t count,
                          const struct billing_limits *limits) {
  struct date day, last = {0};
  find_boundaries(arena, subscriptions, count);
  if (limits->is_cut) last = last_day(subscriptions, count, limits->as_of);
  for (bool is_first = true; find_day(subscriptions, count, limits->as_of, &day); is_first = false) {
    bool is_whole = !limits->is_cut || date_compare(day, last) < 0;
    if (!is_first && (!is_whole || billing->weight >= limits->enough)) return;
    bill_day(arena, billing, subscriptions, count, day, limits);
  }
}

void billing_collect(struct arena *arena, struct billing *billing, struct billable *s, struct utime as_of) {
  billing_collect_days(arena, billing, s, 1, &(struct billing_limits){.as_of = as_of, .enough = BILLING_STEP_BYTES});
}

enum rc billing_begin_next(struct arena *arena, struct billing *billing, struct billable *s, struct error *err) {
  TRY(billing_find_boundary(s, err));
  s->next_at = billing_begun_until(s);
  s->renewed_count = 0;
  return begin_period(arena, billing, s, err);
}

/* The period begins in the zone that will be there by then; the one that runs keeps its own until it ends (BILL-013).
 */
enum rc billing_renew(struct arena *arena, struct billing *billing, struct billable *s, struct error *err) {
  struct renewed_period *renewed = renewed_copy(arena, s, 1);
  TRY(billing_find_boundary(s, err));
  struct billable before = *s;
  s->next_at = billing_begun_until(s);
  s->charged_minor = 0;
  TRY(begin_period(arena, billing, s, err));
  renewed[s->renewed_count++] = (struct renewed_period){s->period_start, s->period_end, s->charged_minor};
  s->renewed = renewed;
  s->charged_minor = before.charged_minor;
  s->has_period = before.has_period;
  s->period_start = before.period_start;
  s->period_end = before.period_end;
  s->next_at = before.next_at;
  s->zone = before.zone;
  s->zone_name = before.zone_name;
  s->next_zone_name = before.next_zone_name;
  return RC_OK;
}

enum rc billing_pass_next(struct arena *arena, struct billing *billing, struct billable *s, struct error *err) {
  TRY(billing_find_boundary(s, err));
  return pass_boundary(arena, billing, s, err);
}

/* -- what lines are -- */

static const struct {
  const char *kind, *code;
} LINES[] = {
#define X(type, kind, code) [type] = {kind, code},
    LINE_TYPES(X)
#undef X
};

const char *line_kind(const struct line *line) {
  return LINES[line->type].kind;
}

const char *line_component(const struct line *line) {
  if (line->change && line->change->credits) return line->change->credits->component;
  return line->component ? line->component->code : LINES[line->type].code;
}
