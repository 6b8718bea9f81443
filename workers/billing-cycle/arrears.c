/* What is owed when a period ends, or a state within it: arrears, and what is missing to the minimum commitment.
 * Changes cut a period into pieces, and each has its part of the whole (BILL-022, BILL-030). */
#include "billing.h"
#include "charges.h"

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
    TRY(billing_count(arena, s, period->index, line.amount_minor, err));
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
  *minimum = (struct minimum){.charged_minor = s->charged_minor, .credits_after = s->settled_version};
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
  return billing_count(arena, s, billing_running(s), -agreed.amount_minor, err);
}

enum rc billing_settle(struct arena *arena, struct billing *billing, struct billable *s, struct date on,
                       struct error *err) {
  TRY(bill_arrears(arena, billing, s, on, err));
  if (has_open_period(s)) TRY(bill_minimum(arena, billing, s, on, err));
  s->charged_minor = 0;
  s->has_arrears_from = false;
  return RC_OK;
}
