/* The provenance of a line read back. It is checked as if a stranger had sent it: what was changed by hand in the
 * database must be told from what was billed, and must not stop the process. */
#include "provenance.h"

#include <string.h>

#include "base/decimal.h"
#include "bus/message.h"

enum { PERIODS_MAX = 10000 };

static enum rc contradiction(struct error *err, const char *text) {
  return error_set(err, RC_INVARIANT, "%s", text);
}

/* -- members -- */

static enum rc read_text(json_t *object, const char *member, const char **ret_text, struct error *err) {
  TRY(body_text(object, member, ret_text, err));
  return *ret_text ? RC_OK : error_field(err, RC_INVARIANT, member, "is missing");
}

static enum rc read_money(json_t *object, const char *member, const struct currency *currency, int64_t *ret_minor,
                          struct error *err) {
  const char *text;
  TRY(read_text(object, member, &text, err));
  return money_parse(text, currency, member, ret_minor, err);
}

static enum rc read_date(json_t *object, const char *member, struct date *ret_date, struct error *err) {
  const char *text;
  TRY(read_text(object, member, &text, err));
  return date_parse(text, member, ret_date, err);
}

/* -- which days of which period -- */

static enum rc read_grid(json_t *provenance, struct grid *grid, struct error *err) {
  const char *unit;
  int64_t count, day;
  TRY(read_text(provenance, "interval", &unit, err));
  TRY(read_date(provenance, "anchor", &grid->anchor, err));
  TRY(body_int(provenance, "intervalCount", 1, INTERVAL_COUNT_MAX, 1, &count, err));
  TRY(body_int(provenance, "anchorDay", 0, 31, 0, &day, err));
  TRY(body_int(provenance, "anchorPeriod", 0, INT32_MAX, 0, &grid->origin, err));
  if (!interval_unit_from_name(unit, &grid->interval.unit))
    return contradiction(err, "interval: there is no such unit");
  bool has_day = grid->interval.unit >= INTERVAL_MONTH;
  if (has_day && day == 0) return contradiction(err, "anchorDay: a month has no such day");
  grid->interval.count = (int)count;
  grid->anchor_day = (int)day;
  return RC_OK;
}

/* Everything about a span but the period that it is of. */
static enum rc read_frame(json_t *provenance, struct explained_span *span, struct error *err) {
  const char *zone, *basis;
  TRY(read_grid(provenance, &span->grid, err));
  TRY(read_text(provenance, "timeZone", &zone, err));
  TRY(zone_find(zone, "timeZone", &span->zone, err));
  TRY(read_text(provenance, "basis", &basis, err));
  if (!proration_basis_from_name(basis, &span->basis)) return contradiction(err, "basis: must be day or second");
  return RC_OK;
}

/* The period is one of the grid's, before the end of the calendar. */
static enum rc check_period(const struct explained_span *span, struct error *err) {
  static const int64_t MOST_DAYS[] = {
      [INTERVAL_DAY] = 1, [INTERVAL_WEEK] = 7, [INTERVAL_MONTH] = 31, [INTERVAL_QUARTER] = 92, [INTERVAL_YEAR] = 366};
  const struct date last = date_from_civil((struct civil){9999, 12, 31});
  int64_t steps = span->index - span->grid.origin + 1;
  if (steps < 1) return contradiction(err, "period: it comes before the anchor");
  int64_t days = steps * MOST_DAYS[span->grid.interval.unit] * span->grid.interval.count;
  if (days > last.days - span->grid.anchor.days) return contradiction(err, "period: it comes after the year 9999");
  struct date start = grid_boundary(&span->grid, span->index), end = grid_boundary(&span->grid, span->index + 1);
  if (date_compare(span->from, start) < 0 || date_compare(span->to, end) > 0 || date_compare(span->from, span->to) > 0)
    return contradiction(err, "from, to: they do not lie within the period");
  return RC_OK;
}

/* BILL-021: counted anew by the calendar, and compared with what was counted then. */
static enum rc explain_stored_share(struct explanation *e, json_t *stored, struct explained_span span,
                                    struct price_share *ret_share, struct error *err) {
  int64_t days, seconds, full_days, full_seconds;
  TRY(body_int(stored, "period", 0, INT32_MAX, 0, &span.index, err));
  TRY(read_date(stored, "from", &span.from, err));
  TRY(read_date(stored, "to", &span.to, err));
  TRY(body_int(stored, "days", 0, PRICE_SHARE_WHOLE_MAX, -1, &days, err));
  TRY(body_int(stored, "fullDays", 1, PRICE_SHARE_WHOLE_MAX, -1, &full_days, err));
  TRY(body_int(stored, "seconds", 0, PRICE_SHARE_WHOLE_MAX, -1, &seconds, err));
  TRY(body_int(stored, "fullSeconds", 1, PRICE_SHARE_WHOLE_MAX, -1, &full_seconds, err));
  TRY(check_period(&span, err));
  struct price_share share = explain_share(e, &span);
  bool by_second = seconds >= 0;
  if (share.whole < 1 || share.part < 0 || share.part > share.whole)
    return contradiction(err, "the period has no such share");
  if (share.part != (by_second ? seconds : days) || share.whole != (by_second ? full_seconds : full_days))
    return contradiction(err, "the calendar counts other days than were charged");
  *ret_share = share;
  return RC_OK;
}

/* -- prices -- */

static enum rc read_tiers(struct arena *arena, json_t *tiers, struct price_component *component, struct error *err) {
  size_t count = json_array_size(tiers);
  if (count > PRICE_TIERS_MAX) return contradiction(err, "tiers: too many");
  struct price_tier *read = ARENA_ARRAY(arena, struct price_tier, count + 1);
  for (size_t i = 0; i < count; i++) {
    json_t *tier = json_array_get(tiers, i), *up_to = json_object_get(tier, "upTo");
    if (!json_is_object(tier)) return contradiction(err, "tiers: one is no object");
    read[i].is_last = !up_to || json_is_null(up_to);
    TRY(body_quantity(tier, "upTo", &read[i].up_to, err));
    TRY(body_price(tier, "unitPrice", &read[i].unit_price, err));
    TRY(body_price(tier, "flatFee", &read[i].flat_fee, err));
  }
  component->tiers = read;
  component->tier_count = count;
  return RC_OK;
}

static enum rc read_component(struct arena *arena, json_t *provenance, struct price_component *component,
                              struct error *err) {
  const char *model, *timing;
  TRY(read_text(provenance, "component", &component->code, err));
  TRY(read_text(provenance, "model", &model, err));
  TRY(read_text(provenance, "timing", &timing, err));
  if (!price_model_from_name(model, &component->model)) return contradiction(err, "model: there is no such model");
  if (!price_timing_from_name(timing, &component->timing)) return contradiction(err, "timing: there is no such timing");
  TRY(body_price(provenance, "price", &component->unit_price, err));
  TRY(body_quantity(provenance, "packageSize", &component->package_size, err));
  TRY(body_quantity(provenance, "freeUnits", &component->free_units, err));
  TRY(read_tiers(arena, json_object_get(provenance, "tiers"), component, err));
  return price_component_check(component, "price", err);
}

/* -- changes -- */

/* A day, or an instant. */
static enum rc read_cut(const struct explained_span *frame, const char *text, struct explained_cut *cut,
                        struct error *err) {
  struct date day;
  struct utime instant;
  cut->text = text;
  switch (frame->basis) {
  case PRORATION_DAY:
    TRY(date_parse(text, "cuts", &day, err));
    cut->at = day.days;
    return RC_OK;
  case PRORATION_SECOND:
    TRY(utime_parse(text, "cuts", &instant, err));
    cut->at = proration_instant(frame->zone, frame->basis, instant);
    return RC_OK;
  }
  return contradiction(err, "basis: must be day or second");
}

static enum rc read_cuts(struct arena *arena, json_t *array, const struct explained_span *frame,
                         struct explained_cuts *ret_cuts, struct error *err) {
  size_t count = json_array_size(array);
  if (count > CHANGE_CUTS_MAX) return contradiction(err, "cuts: too many");
  struct explained_cut *cuts = ARENA_ARRAY(arena, struct explained_cut, count + 1);
  for (size_t i = 0; i < count; i++) {
    const char *text = json_string_value(json_array_get(array, i));
    if (!text) return contradiction(err, "cuts: one is no text");
    TRY(read_cut(frame, text, &cuts[i], err));
    if (i > 0 && cuts[i].at < cuts[i - 1].at) return contradiction(err, "cuts: they are not in order");
  }
  *ret_cuts = (struct explained_cuts){cuts, count};
  return RC_OK;
}

/* BILL-022. charged_minor: computed for the whole span; what is left of it, or what falls to a piece. */
static enum rc explain_change(struct explanation *e, json_t *change, const struct explained_span *frame,
                              int64_t charged_minor, int64_t *ret_minor, struct error *err) {
  struct explained_cuts cuts = {0};
  struct explained_cut bounds[2], ends[2];
  const char *start, *end, *from_text = NULL, *to_text = NULL;
  TRY(read_text(change, "start", &start, err));
  TRY(read_text(change, "end", &end, err));
  TRY(read_cut(frame, start, &bounds[0], err));
  TRY(read_cut(frame, end, &bounds[1], err));
  TRY(body_text(change, "from", &from_text, err));
  TRY(body_text(change, "to", &to_text, err));
  TRY(read_cuts(e->arena, json_object_get(change, "cuts"), frame, &cuts, err));
  struct change_span span = {bounds[0].at, bounds[1].at};
  if (span.start >= span.end) return contradiction(err, "start, end: the span is empty");
  if (!from_text && !to_text) return explain_rest(e, charged_minor, span, frame->basis, cuts, ret_minor, err);
  if (!from_text || !to_text) return contradiction(err, "from, to: one is missing");
  TRY(read_cut(frame, from_text, &ends[0], err));
  TRY(read_cut(frame, to_text, &ends[1], err));
  if (ends[0].at < span.start || ends[0].at > ends[1].at || ends[1].at > span.end)
    return contradiction(err, "from, to: they do not lie within the span");
  return explain_piece(e, charged_minor, span, frame->basis, cuts, ends, ret_minor, err);
}

/* -- kinds of lines -- */

static enum rc explain_recurring(struct explanation *e, json_t *provenance, int64_t *ret_minor, struct error *err) {
  struct price_component component = {0};
  struct quantity quantity = {0};
  struct explained_span frame = {0};
  struct price_share share = PRICE_SHARE_WHOLE;
  json_t *change = json_object_get(provenance, "change");
  int64_t charged = 0, stored;
  TRY(read_component(e->arena, provenance, &component, err));
  TRY(body_quantity(provenance, "quantity", &quantity, err));
  TRY(read_frame(provenance, &frame, err));
  TRY(explain_stored_share(e, provenance, frame, &share, err));
  TRY(explain_price(e, &component, quantity, 0, share, &charged, err));
  if (!change) {
    *ret_minor = charged;
    return RC_OK;
  }
  TRY(read_money(change, "charged", e->currency, &stored, err));
  if (stored != charged) return contradiction(err, "charged: the price for the span comes to another amount");
  return explain_change(e, change, &frame, charged, ret_minor, err);
}

static enum rc explain_unused(struct explanation *e, json_t *provenance, int64_t *ret_minor, struct error *err) {
  struct explained_span frame = {0};
  json_t *change = json_object_get(provenance, "change");
  int64_t charged = 0, rest = 0;
  TRY(read_frame(provenance, &frame, err));
  TRY(read_money(change, "charged", e->currency, &charged, err));
  TRY(explain_change(e, change, &frame, charged, &rest, err));
  if (json_object_get(change, "left")) {
    int64_t left;
    TRY(read_money(change, "left", e->currency, &left, err));
    rest = explain_limit(e, rest, left);
  }
  *ret_minor = explain_credit(e, rest);
  return RC_OK;
}

static enum rc explain_setup(struct explanation *e, json_t *provenance, int64_t *ret_minor, struct error *err) {
  int64_t fee = 0;
  TRY(read_money(provenance, "setupFee", e->currency, &fee, err));
  *ret_minor = explain_fee(e, fee);
  return RC_OK;
}

static enum rc explain_period(struct explanation *e, json_t *period, const struct explained_span *frame,
                              int64_t minimum_minor, int64_t *ret_minor, struct error *err) {
  json_t *change = json_object_get(period, "change");
  struct price_share share = PRICE_SHARE_WHOLE;
  TRY(explain_stored_share(e, period, *frame, &share, err));
  TRY(explain_agreed(e, minimum_minor, share, ret_minor, err));
  return change ? explain_change(e, change, frame, *ret_minor, ret_minor, err) : RC_OK;
}

static enum rc explain_commitment(struct explanation *e, json_t *provenance, int64_t *ret_minor, struct error *err) {
  json_t *periods = json_object_get(provenance, "periods"), *period;
  struct explained_span frame = {0};
  int64_t minimum = 0, charged = 0, uncredited = 0, agreed = 0;
  size_t i;
  TRY(read_money(provenance, "minimum", e->currency, &minimum, err));
  TRY(read_money(provenance, "charged", e->currency, &charged, err));
  if (json_object_get(provenance, "uncredited"))
    TRY(read_money(provenance, "uncredited", e->currency, &uncredited, err));
  TRY(read_frame(provenance, &frame, err));
  if (minimum < 0 || json_array_size(periods) > PERIODS_MAX)
    return contradiction(err, "minimum, periods: not as they are billed");
  json_array_foreach(periods, i, period) {
    int64_t part = 0;
    TRY(explain_period(e, period, &frame, minimum, &part, err));
    if (!money_add(agreed, part, &agreed)) return contradiction(err, "periods: their sum is too large");
  }
  if (uncredited > 0) charged = explain_uncredited(e, charged, uncredited);
  *ret_minor = explain_missing(e, agreed, charged);
  return RC_OK;
}

static enum rc explain_by_hand(struct explanation *e, json_t *provenance, int64_t *ret_minor, struct error *err) {
  struct quantity quantity = {0};
  struct decimal unit_price = {0};
  TRY(body_quantity(provenance, "quantity", &quantity, err));
  TRY(body_price(provenance, "unitPrice", &unit_price, err));
  return explain_product(e, quantity, unit_price, ret_minor, err);
}

/* The member that tells a kind of line from those below it. */
static const struct {
  const char *member;
  enum rc (*explain)(struct explanation *e, json_t *provenance, int64_t *ret_minor, struct error *err);
} KINDS[] = {
    {"model", explain_recurring},   {"setupFee", explain_setup}, {"minimum", explain_commitment},
    {"unitPrice", explain_by_hand}, {"change", explain_unused},
};

enum rc provenance_explain(struct explanation *e, json_t *provenance, int64_t *ret_minor, struct error *err) {
  struct error why = {0};
  for (size_t i = 0; i < sizeof KINDS / sizeof *KINDS; i++) {
    if (!json_object_get(provenance, KINDS[i].member)) continue;
    if (KINDS[i].explain(e, provenance, ret_minor, &why) == RC_OK) return RC_OK;
    return error_set(err, RC_INVARIANT, "the provenance of the line cannot be computed again: %s%s%s", why.field,
                     why.field[0] ? " " : "", why.text);
  }
  return contradiction(err, "the provenance of the line does not say how its amount came about");
}
