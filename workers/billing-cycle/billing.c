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
  billing->lines[billing->count] = *line;
  billing->lines[billing->count].sequence = billing->count;
  billing->count++;
}

static void add_milestone(struct arena *arena, struct billing *billing, const struct milestone *milestone) {
  GROW(arena, billing->milestones, billing->milestone_count, billing->milestone_capacity);
  billing->milestones[billing->milestone_count++] = *milestone;
}

/* -- how much -- */

static int64_t seconds_between(const struct zone *zone, struct date from, struct date to) {
  return (zone_midnight(zone, to).us - zone_midnight(zone, from).us) / UTIME_SECOND;
}

/* BILL-020, BILL-021. A whole period is whole, however long its days were. */
struct price_share billing_share(const struct zone *zone, enum proration_basis basis, struct date from, struct date to,
                                 const struct period *period) {
  int32_t days = to.days - from.days, full_days = period_full_days(period);
  ASSERT(days >= 0 && days <= full_days);
  if (basis == PRORATION_DAY || days == full_days) return (struct price_share){days, full_days};
  return (struct price_share){seconds_between(zone, from, to), seconds_between(zone, period->full_start, period->end)};
}

static enum rc add_up(int64_t *sum, int64_t amount, struct error *err) {
  if (money_add(*sum, amount, sum)) return RC_OK;
  return error_field(err, RC_VALIDATION, "amount", "the charges of the period are too large");
}

/* Charges each component of an item with this timing for the line's span; lines without an amount are kept only in
 * ret_all, when that is given. What has a metric is charged by usage, not by the subscription's quantity. */
static enum rc charge_item(struct arena *arena, struct billing *billing, struct billable *s,
                           const struct billed_item *item, enum price_timing timing, struct line line,
                           struct line *ret_all, struct error *err) {
  line.type = LINE_RECURRING;
  line.item = item;
  for (size_t c = 0; c < item->price->component_count; c++) {
    line.component = &item->price->components[c];
    if (line.component->timing != timing || line.component->metric) continue;
    TRY(price_charge(line.component, item->quantity, 0, line.share, s->currency, &line.amount_minor, err));
    TRY(add_up(&s->charged_minor, line.amount_minor, err));
    if (line.amount_minor != 0) billing_add(arena, billing, &line);
    if (ret_all) ret_all[s->charge_count++] = line;
  }
  return RC_OK;
}

/* -- what ends: arrears and minimum -- */

static struct date later(struct date a, struct date b) {
  return date_compare(a, b) > 0 ? a : b;
}

static struct date earlier(struct date a, struct date b) {
  return date_compare(a, b) < 0 ? a : b;
}

/* The first period whose arrears are not billed yet. */
static int64_t first_open_index(const struct billable *s) {
  int64_t index = s->next_index - 1;
  if (s->has_arrears_from)
    index = date_compare(s->arrears_from, s->start) > 0 ? grid_index(&s->grid, s->arrears_from) : s->first_index;
  return index > s->first_index ? index : s->first_index;
}

/* The instant at which a day of the last periods begins: what is told already stays as it was told, in whatever zone.
 * After an early renewal, it is the first of them that began at period_start. */
static struct utime instant_of(const struct billable *s, struct date day, const struct period *period) {
  bool is_first = period->index == first_open_index(s), is_last = period->index == s->next_index - 1;
  if (s->has_period && is_first && date_compare(day, period->start) == 0) return s->period_start;
  if (s->has_period && is_last && date_compare(day, period->end) == 0) return s->period_end;
  return zone_midnight(s->zone, day);
}

/* A component in arrears is charged from where it was billed last, to the end of the period or the day `on`. */
static enum rc bill_arrears(struct arena *arena, struct billing *billing, struct billable *s,
                            const struct period *period, struct date on, struct error *err) {
  for (size_t i = 0; i < s->item_count; i++) {
    const struct billed_item *item = &s->items[i];
    struct line line = {.subscription = s, .index = period->index, .billed_on = on};
    line.from = s->has_arrears_from ? later(period->start, s->arrears_from) : period->start;
    if (item->has_arrears_from) line.from = later(line.from, item->arrears_from);
    line.to = earlier(period->end, on);
    if (period->index < item->added_index || date_compare(line.from, line.to) >= 0) continue;
    line.start = instant_of(s, line.from, period);
    line.end = instant_of(s, line.to, period);
    line.share = billing_share(s->zone, item->price->basis, line.from, line.to, period);
    TRY(charge_item(arena, billing, s, item, PRICE_ARREARS, line, NULL, err));
  }
  return RC_OK;
}

/* BILL-030: what the recurring charges of the open periods lack to what was agreed on at least. */
static enum rc bill_minimum(struct arena *arena, struct billing *billing, struct billable *s, int64_t first,
                            struct date on, struct error *err) {
  const struct billed_item *own = &s->items[0];
  if (own->price->minimum_minor == 0) return RC_OK;
  int64_t agreed = 0;
  struct line line = {.subscription = s, .type = LINE_MINIMUM, .item = own, .billed_on = on};
  for (int64_t index = first; index < s->next_index; index++) {
    struct period period = grid_period(&s->grid, s->start, index);
    if (index == first) line.start = instant_of(s, period.start, &period);
    line.index = index;
    line.from = period.start;
    line.to = earlier(period.end, on);
    line.end = instant_of(s, line.to, &period);
    line.share = billing_share(s->zone, own->price->basis, line.from, line.to, &period);
    int64_t share_minor;
    TRY(price_true_up(own->price->minimum_minor, line.share, 0, &share_minor, err));
    TRY(add_up(&agreed, share_minor, err));
  }
  line.charged_minor = s->charged_minor;
  line.amount_minor = agreed - s->charged_minor;
  if (line.amount_minor > 0) billing_add(arena, billing, &line);
  return RC_OK;
}

enum rc billing_arrears(struct arena *arena, struct billing *billing, struct billable *s, struct date on,
                        struct error *err) {
  for (int64_t index = first_open_index(s); index < s->next_index; index++) {
    struct period period = grid_period(&s->grid, s->start, index);
    TRY(bill_arrears(arena, billing, s, &period, on, err));
  }
  return RC_OK;
}

enum rc billing_settle(struct arena *arena, struct billing *billing, struct billable *s, struct date on,
                       struct error *err) {
  int64_t first = first_open_index(s);
  TRY(billing_arrears(arena, billing, s, on, err));
  if (first < s->next_index) TRY(bill_minimum(arena, billing, s, first, on, err));
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

static enum rc end_subscription(struct billable *s, enum subscription_event event, struct error *err) {
  TRY(subscription_next(s->state, event, &s->state, err));
  s->ends = true;
  s->version++;
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
    line.share = billing_share(s->zone, s->items[i].price->basis, line.from, line.to, period);
    TRY(charge_item(arena, billing, s, &s->items[i], PRICE_ADVANCE, line, charges, err));
  }
  return RC_OK;
}

/* BILL-052: what was to change at this boundary. */
static enum rc apply_change(struct arena *arena, struct billing *billing, struct billable *s, struct error *err) {
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
  TRY(apply_change(arena, billing, s, err));
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

static enum rc pass_boundary(struct arena *arena, struct billing *billing, struct billable *s, struct error *err) {
  enum subscription_event event;
  TRY(billing_settle(arena, billing, s, grid_period(&s->grid, s->start, s->next_index).start, err));
  if (ends_at_boundary(s, &event)) return end_subscription(s, event, err);
  return begin_period(arena, billing, s, err);
}

enum rc billing_find_boundary(struct billable *s, struct error *err) {
  TRY(zone_find(s->zone_name, "timeZone", &s->zone, err));
  s->next_at = zone_midnight(s->zone, grid_period(&s->grid, s->start, s->next_index).start);
  /* After a day without length (see begin_period), its end comes later than the zone's midnight. */
  bool has_no_length = s->has_period && s->period_end.us == s->period_start.us;
  if (has_no_length && s->next_at.us < s->period_end.us) s->next_at = s->period_end;
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
static bool try_boundary(struct arena *arena, struct billing *billing, struct billable *s) {
  struct billable before = *s;
  size_t lines = billing->count, milestones = billing->milestone_count;
  struct error why;
  if (pass_boundary(arena, billing, s, &why) == RC_OK) {
    s->periods_due++;
    if (billing->count > lines)
      s->periods_invoiced++;
    else
      s->periods_without_charge++;
    return true;
  }
  *s = before;
  billing->count = lines;
  billing->milestone_count = milestones;
  billing_park(arena, s, &why);
  return false;
}

void billing_collect(struct arena *arena, struct billing *billing, struct billable *s, struct utime as_of) {
  struct error why;
  ASSERT(s->item_count >= 1);
  if (billing_find_boundary(s, &why) != RC_OK) {
    billing_park(arena, s, &why);
    return;
  }
  for (int n = 0; n < BILLING_PERIODS_MAX && s->next_at.us <= as_of.us && !s->ends; n++)
    if (!try_boundary(arena, billing, s)) return;
}

enum rc billing_collect_next(struct arena *arena, struct billing *billing, struct billable *s, struct error *err) {
  TRY(billing_find_boundary(s, err));
  if (!s->has_arrears_from && s->next_index > s->first_index) {
    s->has_arrears_from = true;
    s->arrears_from = grid_period(&s->grid, s->start, s->next_index - 1).start;
  }
  return begin_period(arena, billing, s, err);
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
