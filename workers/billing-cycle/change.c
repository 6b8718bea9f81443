/* Old charges and new ones, paired by item, component and period. What both states charge just so is left alone: it is
 * on an invoice already, and the cut makes no difference to what is left of it. */
#include "change.h"

#include <string.h>

#include "base/assert.h"

enum rc change_unused(struct arena *arena, const struct charges *charges, const struct billable *s,
                      struct unused **ret_unused, size_t *ret_count, struct error *err) {
  struct unused *unused = ARENA_ARRAY(arena, struct unused, charges->count + 1);
  size_t count = 0;
  for (size_t i = 0; i < charges->count; i++) {
    const struct charge *charge = &charges->at[i];
    int64_t rest;
    TRY(charges_rest(arena, charges, s, charge_plan(s, charge)->basis, charge, &rest, err));
    if (rest > charge->most_minor) rest = charge->most_minor;
    if (rest != 0) unused[count++] = (struct unused){charge, rest};
  }
  *ret_unused = unused;
  *ret_count = count;
  return RC_OK;
}

static const struct price_component *component_of(const struct billed_item *item, const char *code) {
  for (size_t c = 0; c < item->price->component_count; c++)
    if (strcmp(item->price->components[c].code, code) == 0) return &item->price->components[c];
  return NULL;
}

/* -- the old side -- */

static enum rc add_credit(struct arena *arena, struct billing *billing, const struct billable *old,
                          struct billable *new, const struct charges *cuts, const struct unused *unused,
                          int64_t revision, struct error *err) {
  const struct charge *charge = unused->charge;
  struct line_change *change = ARENA_NEW(arena, struct line_change);
  struct billed_item *item = ARENA_NEW(arena, struct billed_item);
  *change = (struct line_change){
      .whole_minor = charge->amount_minor, .from = charge->start, .to = charge->end, .cuts = cuts, .credits = charge};
  *item = (struct billed_item){.number = charge->item, .price = charge_plan(old, charge)};
  change->span = billing_span_of(old, item->price->basis, charge->index, charge->start, charge->end);
  struct line line = {.subscription = old,
                      .type = LINE_CREDIT,
                      .item = item,
                      .index = charge->index,
                      .to = charge->end,
                      .end = billing_end_of(old, charge->index, charge->end),
                      .billed_on = zone_date(old->zone, cuts->cuts[cuts->cut_count - 1]),
                      .amount_minor = -unused->amount_minor,
                      .revision = revision,
                      .change = change};
  line.component = component_of(line.item, charge->component);
  line.start = charges_effective(cuts, old, line.item->price->basis, charge, &line.from);
  billing_add(arena, billing, &line);
  return billing_count(arena, new, line.index, line.amount_minor, err);
}

enum rc change_credits(struct arena *arena, struct billing *billing, const struct billable *old, struct billable *new,
                       const struct charges *before, int64_t revision, struct error *err) {
  struct unused *unused;
  size_t count;
  struct charges *cuts = ARENA_NEW(arena, struct charges); /* lines point at it */
  *cuts = *before;
  TRY(change_unused(arena, before, old, &unused, &count, err));
  for (size_t i = 0; i < count; i++) TRY(add_credit(arena, billing, old, new, cuts, &unused[i], revision, err));
  return RC_OK;
}

/* -- the new side -- */

/* What is charged in advance for a whole period of the subscription, or its first, short one. */
static enum rc charge_of(const struct billable *s, const struct billed_item *item,
                         const struct price_component *component, const struct period *period, struct line *line,
                         struct error *err) {
  line->item = item;
  line->component = component;
  line->share = proration_span(s->zone, item->price->basis, period->start, period->end, period);
  return price_charge(component, item->quantity, 0, line->share, s->currency, &line->amount_minor, err);
}

static struct charge charge_as_kept(struct arena *arena, const struct line *line, const struct period *period) {
  char quantity[DECIMAL_TEXT_MAX];
  return (struct charge){.most_minor = INT64_MAX,
                         .item = line->item->number,
                         .component = line->component->code,
                         .index = period->index,
                         .kind = line_kind(line),
                         .revision = line->revision,
                         .amount_minor = line->amount_minor,
                         .start = period->start,
                         .end = period->end,
                         .quantity = arena_strdup(arena, quantity_format(line->item->quantity, quantity))};
}

/* The charge that is there already for what the new state charges. */
static const struct charge *find_same(const struct billable *old, const struct charges *before,
                                      const struct charge *wanted, const struct billed_item *item) {
  for (size_t i = 0; i < before->count; i++) {
    const struct charge *charge = &before->at[i];
    if (charge->item != wanted->item || charge->index != wanted->index ||
        charge->amount_minor != wanted->amount_minor || strcmp(charge->component, wanted->component) != 0 ||
        strcmp(charge->quantity, wanted->quantity) != 0)
      continue;
    const struct plan_price *price = charge_plan(old, charge);
    if (price->version == item->price->version && strcmp(price->plan_id, item->price->plan_id) == 0) return charge;
  }
  return NULL;
}

/* The new state's charges, those that stay as they are first in `kept`. */
struct sides {
  struct charge *kept, *added;
  struct line *lines; /* of added */
  size_t kept_count, added_count;
};

static enum rc price_period(struct arena *arena, const struct billable *old, const struct billable *new,
                            const struct charges *before, const struct period *period, int64_t revision,
                            struct sides *sides, struct error *err) {
  for (size_t i = 0; i < new->item_count; i++) {
    const struct billed_item *item = &new->items[i];
    if (period->index < item->added_index) continue;
    for (size_t c = 0; c < item->price->component_count; c++) {
      const struct price_component *component = &item->price->components[c];
      if (component->timing != PRICE_ADVANCE || component->metric) continue;
      struct line line = {.subscription = new, .type = LINE_RECURRING, .index = period->index, .revision = revision};
      TRY(charge_of(new, item, component, period, &line, err));
      struct charge charge = charge_as_kept(arena, &line, period);
      const struct charge *same = find_same(old, before, &charge, item);
      if (same) {
        sides->kept[sides->kept_count++] = *same;
      } else {
        sides->added[sides->added_count] = charge;
        sides->lines[sides->added_count++] = line;
      }
    }
  }
  return RC_OK;
}

static size_t charges_of_one_period(const struct billable *s) {
  size_t count = 0;
  for (size_t i = 0; i < s->item_count; i++) count += s->items[i].price->component_count;
  return count;
}

/* The periods that have been billed and are not over at the cut. */
int64_t change_first_running(const struct billable *s, struct date today) {
  if (date_compare(today, s->start) < 0 || date_compare(today, s->grid.anchor) < 0) return s->next_index;
  int64_t index = grid_index(&s->grid, today);
  return index > s->first_index ? index : s->first_index;
}

static enum rc price_all(struct arena *arena, const struct billable *old, const struct billable *new,
                         const struct charges *before, int64_t revision, struct sides *sides, struct error *err) {
  int64_t first = change_first_running(new, zone_date(new->zone, before->cuts[before->cut_count - 1]));
  size_t periods = first < new->next_index ? (size_t)(new->next_index - first) : 0;
  size_t most = periods * charges_of_one_period(new) + 1;
  *sides = (struct sides){.kept = ARENA_ARRAY(arena, struct charge, most),
                          .added = ARENA_ARRAY(arena, struct charge, most),
                          .lines = ARENA_ARRAY(arena, struct line, most)};
  for (int64_t index = first; index < new->next_index; index++) {
    struct period period = grid_period(&new->grid, new->start, index);
    TRY(price_period(arena, old, new, before, &period, revision, sides, err));
  }
  return RC_OK;
}

static enum rc add_charge(struct arena *arena, struct billing *billing, struct billable *new,
                          const struct charges *cuts, const struct charge *charge, struct line line,
                          struct error *err) {
  enum proration_basis basis = line.item->price->basis;
  struct line_change *change = ARENA_NEW(arena, struct line_change);
  *change =
      (struct line_change){.whole_minor = charge->amount_minor, .from = charge->start, .to = charge->end, .cuts = cuts};
  change->span = billing_span_of(new, basis, charge->index, charge->start, charge->end);
  TRY(charges_rest(arena, cuts, new, basis, charge, &line.amount_minor, err));
  line.change = change;
  line.start = charges_effective(cuts, new, basis, charge, &line.from);
  line.to = charge->end;
  line.end = billing_end_of(new, charge->index, charge->end);
  line.billed_on = zone_date(new->zone, cuts->cuts[cuts->cut_count - 1]);
  if (line.amount_minor != 0) billing_add(arena, billing, &line);
  return billing_count(arena, new, line.index, line.amount_minor, err);
}

/* What is not kept. */
static struct charges gone(struct arena *arena, const struct charges *before, const struct sides *sides) {
  struct charge *at = ARENA_ARRAY(arena, struct charge, before->count + 1);
  struct charges result = *before;
  result.at = at;
  result.count = 0;
  for (size_t i = 0; i < before->count; i++) {
    const struct charge *charge = &before->at[i];
    bool is_kept = false;
    for (size_t k = 0; k < sides->kept_count; k++)
      is_kept |= sides->kept[k].item == charge->item && sides->kept[k].index == charge->index &&
                 strcmp(sides->kept[k].component, charge->component) == 0;
    if (!is_kept) at[result.count++] = *charge;
  }
  return result;
}

enum rc change_lines(struct arena *arena, struct billing *billing, const struct billable *old, struct billable *new,
                     const struct charges *before, int64_t revision, struct charges *ret_after, struct error *err) {
  struct sides sides;
  ASSERT(before->cut_count > 0 && revision > 0);
  TRY(price_all(arena, old, new, before, revision, &sides, err));
  struct charges credited = gone(arena, before, &sides);
  TRY(change_credits(arena, billing, old, new, &credited, revision, err));
  struct charges *cuts = ARENA_NEW(arena, struct charges); /* lines point at it */
  *cuts = *before;
  for (size_t i = 0; i < sides.added_count; i++)
    TRY(add_charge(arena, billing, new, cuts, &sides.added[i], sides.lines[i], err));

  struct charge *after = ARENA_ARRAY(arena, struct charge, sides.kept_count + sides.added_count + 1);
  if (sides.kept_count) memcpy(after, sides.kept, sides.kept_count * sizeof *after);
  if (sides.added_count) memcpy(after + sides.kept_count, sides.added, sides.added_count * sizeof *after);
  *ret_after = *before;
  ret_after->at = after;
  ret_after->count = sides.kept_count + sides.added_count;
  return charges_check(ret_after->count, "items", err);
}

static bool has_item(const struct billable *s, int64_t number) {
  for (size_t i = 0; i < s->item_count; i++)
    if (s->items[i].number == number) return true;
  return false;
}

/* Its first boundary has come; a reactivation passes boundaries that are never billed (BILL-054). */
static bool has_begun_with(const struct billable *s, const struct billed_item *item) {
  return has_item(s, item->number) && item->added_index < s->next_index;
}

void change_setup_fees(struct arena *arena, struct billing *billing, const struct billable *old,
                       const struct billable *new, struct utime at) {
  for (size_t i = 0; i < new->item_count; i++) {
    const struct billed_item *item = &new->items[i];
    if (item->price->setup_fee_minor == 0 || has_begun_with(old, item) || !has_begun_with(new, item)) continue;
    struct date today = zone_date(new->zone, at);
    billing_add(arena, billing,
                &(struct line){.subscription = new,
                               .type = LINE_SETUP,
                               .item = item,
                               .index = has_item(old, item->number) ? new->next_index - 1 : item->added_index,
                               .from = today,
                               .to = today,
                               .start = at,
                               .end = at,
                               .billed_on = today,
                               .share = PRICE_SHARE_WHOLE,
                               .amount_minor = item->price->setup_fee_minor});
  }
}

enum rc change_recurring(const struct billable *s, int64_t *ret_minor, struct error *err) {
  int64_t sum = 0;
  for (size_t i = 0; i < s->item_count; i++) {
    const struct plan_price *price = s->items[i].price;
    for (size_t c = 0; c < price->component_count; c++) {
      int64_t amount;
      if (price->components[c].metric) continue;
      TRY(price_charge(&price->components[c], s->items[i].quantity, 0, PRICE_SHARE_WHOLE, s->currency, &amount, err));
      if (!money_add(sum, amount, &sum)) return error_field(err, RC_VALIDATION, "quantity", "the price is too large");
    }
  }
  *ret_minor = sum;
  return RC_OK;
}
