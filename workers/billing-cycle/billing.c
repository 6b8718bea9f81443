/* The walk over the boundaries that a subscription has come to. Which days is lib/domain/calendar's business, how much
 * lib/domain/price's; what is here is which periods, components and fees are charged when. What a period owes when it
 * is over is in arrears.c.
 *
 * At boundary n: what period n - 1 owes in arrears, and the rest up to its minimum commitment; then either the
 * subscription ends, or period n begins with its setup fee and its charges in advance. */
#include "billing.h"

#include <string.h>

#include "base/assert.h"
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
