/* See charges.h. */
#include "charges.h"

#include <jansson.h>
#include <string.h>

#include "base/assert.h"
#include "invoicing/facts.h"

/* Of one of them each: a plan's name has at most 200 characters of 4 bytes. */
enum { CHARGE_JSON_MAX = 2048, RENEWED_JSON_MAX = 128 };

/* -- the columns -- */

static enum rc broken(struct error *err) {
  return error_set(err, RC_INVARIANT, "a subscription's charges cannot be read");
}

/* Names and basis are all that a charge needs of its plan. */
static enum rc read_plan(struct arena *arena, json_t *body, const struct plan_price **ret_plan, struct error *err) {
  const char *basis;
  if (!json_is_object(body)) return RC_OK;
  struct plan_price *plan = ARENA_NEW(arena, struct plan_price);
  TRY(body_text(body, "id", &plan->plan_id, err));
  TRY(body_text(body, "code", &plan->code, err));
  TRY(body_text(body, "name", &plan->name, err));
  TRY(body_int(body, "version", 1, INT32_MAX, 0, &plan->version, err));
  TRY(body_text(body, "basis", &basis, err));
  if (!plan->plan_id || !plan->code || !plan->name || !basis) return broken(err);
  if (!proration_basis_from_name(basis, &plan->basis)) return broken(err);
  plan->plan_id = arena_strdup(arena, plan->plan_id);
  plan->code = arena_strdup(arena, plan->code);
  plan->name = arena_strdup(arena, plan->name);
  *ret_plan = plan;
  return RC_OK;
}

static enum rc read_charge(struct arena *arena, json_t *row, const struct currency *currency, struct charge *charge,
                           struct error *err) {
  const char *amount, *start, *end;
  TRY(body_int(row, "item", 0, INT16_MAX, 0, &charge->item, err));
  TRY(body_text(row, "component", &charge->component, err));
  TRY(body_int(row, "periodIndex", 0, INT32_MAX, 0, &charge->index, err));
  TRY(body_text(row, "kind", &charge->kind, err));
  TRY(body_int(row, "revision", 0, INT32_MAX, 0, &charge->revision, err));
  TRY(body_text(row, "amount", &amount, err));
  TRY(body_text(row, "start", &start, err));
  TRY(body_text(row, "end", &end, err));
  TRY(body_text(row, "quantity", &charge->quantity, err));
  charge->plan = NULL;
  charge->most_minor = INT64_MAX;
  TRY(read_plan(arena, json_object_get(row, "plan"), &charge->plan, err));
  if (!charge->component || !charge->kind || !amount || !start || !end || !charge->quantity) return broken(err);
  charge->component = arena_strdup(arena, charge->component);
  charge->kind = arena_strdup(arena, charge->kind);
  charge->quantity = arena_strdup(arena, charge->quantity);
  TRY(money_parse(amount, currency, "amount", &charge->amount_minor, err));
  TRY(date_parse(start, "start", &charge->start, err));
  return date_parse(end, "end", &charge->end, err);
}

static enum rc read_rows(struct arena *arena, json_t *rows, const struct currency *currency, struct charges *charges,
                         struct error *err) {
  size_t count = json_array_size(rows);
  struct charge *at = ARENA_ARRAY(arena, struct charge, count + 1);
  for (size_t i = 0; i < count; i++)
    if (read_charge(arena, json_array_get(rows, i), currency, &at[i], err) != RC_OK) return broken(err);
  charges->at = at;
  charges->count = count;
  return RC_OK;
}

const struct utime *charges_cuts_read(struct arena *arena, const char *json, size_t *ret_count) {
  json_auto_t *seconds = json_loads(json, 0, NULL);
  size_t count = json_array_size(seconds);
  struct utime *at = ARENA_ARRAY(arena, struct utime, count + 1);
  for (size_t i = 0; i < count; i++) at[i].us = json_integer_value(json_array_get(seconds, i)) * UTIME_SECOND;
  *ret_count = count;
  return at;
}

enum rc charges_read(struct arena *arena, const char *json, const char *cuts, const struct currency *currency,
                     struct charges *ret_charges, struct error *err) {
  json_auto_t *rows = json_loads(json, 0, NULL);
  struct charges charges = {0};
  if (!json_is_array(rows)) return broken(err);
  TRY(read_rows(arena, rows, currency, &charges, err));
  charges.cuts = charges_cuts_read(arena, cuts, &charges.cut_count);
  *ret_charges = charges;
  return RC_OK;
}

enum rc charges_check(size_t count, const char *field, struct error *err) {
  if (count <= CHARGES_MAX) return RC_OK;
  return error_field(err, RC_CONFLICT, field ? field : "",
                     "the subscription would have %zu charges of periods that are not over; %d are possible", count,
                     CHARGES_MAX);
}

const struct renewed_period *renewed_read(struct arena *arena, const char *json, size_t *ret_count) {
  json_auto_t *rows = json_loads(json, 0, NULL);
  size_t count = json_array_size(rows);
  struct renewed_period *at = ARENA_ARRAY(arena, struct renewed_period, count + 1);
  for (size_t i = 0; i < count; i++) {
    json_t *row = json_array_get(rows, i);
    at[i].start.us = json_integer_value(json_object_get(row, "start")) * UTIME_SECOND;
    at[i].end.us = json_integer_value(json_object_get(row, "end")) * UTIME_SECOND;
    at[i].charged_minor = json_integer_value(json_object_get(row, "charged"));
  }
  *ret_count = count;
  return at;
}

const char *renewed_text(struct arena *arena, const struct billable *s) {
  if (s->renewed_count == 0) return NULL;
  ASSERT(s->renewed_count <= RENEWED_PERIODS_MAX);
  struct buf CLEANUP(buf_release) text;
  struct json_writer json;
  buf_init(&text, (size_t)RENEWED_PERIODS_MAX * RENEWED_JSON_MAX);
  json_writer_init(&json, &text);
  json_put_array(&json, NULL);
  for (size_t i = 0; i < s->renewed_count; i++) {
    json_put_object(&json, NULL);
    json_put_int(&json, "start", s->renewed[i].start.us / UTIME_SECOND);
    json_put_int(&json, "end", s->renewed[i].end.us / UTIME_SECOND);
    json_put_int(&json, "charged", s->renewed[i].charged_minor);
    json_put_end(&json);
  }
  json_put_end(&json);
  ASSERT(buf_ok(&text));
  return arena_strdup(arena, buf_text(&text));
}

static void write_plan(struct json_writer *json, const struct plan_price *plan) {
  if (!plan) return;
  json_put_object(json, "plan");
  json_put_string(json, "id", plan->plan_id);
  json_put_string(json, "code", plan->code);
  json_put_string(json, "name", plan->name);
  json_put_int(json, "version", plan->version);
  json_put_string(json, "basis", proration_basis_name(plan->basis));
  json_put_end(json);
}

const char *charges_text(struct arena *arena, const struct charges *charges, const struct currency *currency) {
  char money[MONEY_TEXT_MAX], date[DATE_TEXT_MAX];
  struct buf CLEANUP(buf_release) text;
  struct json_writer json;
  ASSERT(charges->count <= CHARGES_MAX);
  buf_init(&text, (size_t)CHARGES_MAX * CHARGE_JSON_MAX);
  json_writer_init(&json, &text);
  json_put_array(&json, NULL);
  for (size_t i = 0; i < charges->count; i++) {
    const struct charge *charge = &charges->at[i];
    json_put_object(&json, NULL);
    struct line_name name = charge_line(charge);
    line_name_write(&json, &name);
    json_put_string(&json, "amount", money_format(charge->amount_minor, currency, money));
    json_put_string(&json, "start", date_format(charge->start, date));
    json_put_string(&json, "end", date_format(charge->end, date));
    json_put_string(&json, "quantity", charge->quantity);
    write_plan(&json, charge->plan);
    json_put_end(&json);
  }
  json_put_end(&json);
  ASSERT(buf_ok(&text));
  return arena_strdup(arena, buf_text(&text));
}

const char *charges_cuts_literal(struct arena *arena, const struct charges *charges) {
  struct db_array *cuts = db_array_new(arena);
  for (size_t i = 0; i < charges->cut_count; i++) db_array_utime(cuts, charges->cuts[i]);
  return db_array_literal(cuts);
}

struct charges charges_of_period(struct arena *arena, const struct billable *s) {
  struct charge *at = ARENA_ARRAY(arena, struct charge, s->charge_count + 1);
  for (size_t i = 0; i < s->charge_count; i++) {
    const struct line *line = &s->charges[i];
    char quantity[DECIMAL_TEXT_MAX];
    at[i] = (struct charge){.item = line->item->number,
                            .component = line_component(line),
                            .index = line->index,
                            .kind = line_kind(line),
                            .revision = line->revision,
                            .amount_minor = line->change ? line->change->whole_minor : line->amount_minor,
                            .most_minor = INT64_MAX,
                            .start = line->change ? line->change->from : line->from,
                            .end = line->change ? line->change->to : line->to,
                            .quantity = arena_strdup(arena, quantity_format(line->item->quantity, quantity))};
  }
  return (struct charges){.at = at, .count = s->charge_count};
}

/* -- its line, and what credit notes left of it -- */

struct line_name charge_line(const struct charge *charge) {
  return (struct line_name){.item = charge->item,
                            .component = charge->component,
                            .period_index = charge->index,
                            .kind = charge->kind,
                            .revision = charge->revision};
}

enum rc charges_limit(struct work *work, const char *tenant, const char *subscription, struct charges *charges,
                      struct error *err) {
  struct charge *limited = ARENA_ARRAY(work->arena, struct charge, charges->count + 1);
  struct line_name *names = ARENA_ARRAY(work->arena, struct line_name, charges->count + 1);
  int64_t *left = ARENA_ARRAY(work->arena, int64_t, charges->count + 1);
  for (size_t i = 0; i < charges->count; i++) names[i] = charge_line(&charges->at[i]);
  TRY(lines_left(work, tenant, subscription, names, charges->count, left, err));
  for (size_t i = 0; i < charges->count; i++) {
    limited[i] = charges->at[i];
    limited[i].most_minor = left[i];
  }
  charges->at = limited;
  return RC_OK;
}

/* -- cuts -- */

static struct utime whole_second(struct utime t) {
  int64_t rest = t.us % UTIME_SECOND;
  return (struct utime){t.us - (rest < 0 ? rest + UTIME_SECOND : rest)};
}

struct charges charges_not_over(struct arena *arena, const struct charges *charges, struct date today) {
  struct charge *at = ARENA_ARRAY(arena, struct charge, charges->count + 1);
  struct charges kept = *charges;
  kept.at = at;
  kept.count = 0;
  for (size_t i = 0; i < charges->count; i++)
    if (date_compare(charges->at[i].end, today) > 0) at[kept.count++] = charges->at[i];
  return kept;
}

/* Cuts stay for as long as there are charges, or arrears that are not billed, of the period that they are in. */
static void drop_past(struct arena *arena, const struct charges *charges, const struct billable *s, struct date today,
                      struct charges *kept) {
  struct utime *cuts = ARENA_ARRAY(arena, struct utime, charges->cut_count + 2);
  *kept = charges_not_over(arena, charges, today);
  kept->cuts = cuts;
  kept->cut_count = 0;
  if (date_compare(today, s->start) < 0 || date_compare(today, s->grid.anchor) < 0) return;
  struct date open = s->has_arrears_from && date_compare(s->arrears_from, today) < 0 ? s->arrears_from : today;
  struct date since = grid_period(&s->grid, s->start, grid_index(&s->grid, open)).start;
  for (size_t i = 0; i < charges->cut_count; i++)
    if (date_compare(zone_date(s->zone, charges->cuts[i]), since) >= 0) cuts[kept->cut_count++] = charges->cuts[i];
}

/* A clock may have gone back since the last cut: time does not. */
enum rc charges_cut(struct arena *arena, const struct charges *charges, const struct billable *s, struct utime now,
                    struct charges *ret_charges, struct error *err) {
  struct charges kept;
  struct utime cut = whole_second(now);
  if (charges->cut_count > 0 && charges->cuts[charges->cut_count - 1].us > cut.us)
    cut = charges->cuts[charges->cut_count - 1];
  drop_past(arena, charges, s, zone_date(s->zone, cut), &kept);
  if (kept.cut_count >= CHANGE_CUTS_MAX)
    return error_set(err, RC_CONFLICT, "the subscription was changed %d times in this period", CHANGE_CUTS_MAX);
  struct utime *cuts = ARENA_ARRAY(arena, struct utime, kept.cut_count + 1);
  if (kept.cut_count) memcpy(cuts, kept.cuts, kept.cut_count * sizeof *cuts);
  cuts[kept.cut_count++] = cut;
  kept.cuts = cuts;
  *ret_charges = kept;
  return RC_OK;
}

enum rc charges_rest(struct arena *arena, const struct charges *charges, const struct billable *s,
                     enum proration_basis basis, const struct charge *charge, int64_t *ret_rest, struct error *err) {
  int64_t *at = ARENA_ARRAY(arena, int64_t, charges->cut_count + 1);
  for (size_t i = 0; i < charges->cut_count; i++) at[i] = proration_instant(s->zone, basis, charges->cuts[i]);
  struct change_span span = billing_span_of(s, basis, charge->index, charge->start, charge->end);
  if (span.start >= span.end) { /* a day that the zone skipped has no seconds */
    *ret_rest = 0;
    return RC_OK;
  }
  return change_rest(charge->amount_minor, span, (struct change_cuts){at, charges->cut_count}, ret_rest, err);
}

struct utime charges_effective(const struct charges *charges, const struct billable *s, enum proration_basis basis,
                               const struct charge *charge, struct date *ret_day) {
  ASSERT(charges->cut_count > 0);
  struct utime cut = charges->cuts[charges->cut_count - 1];
  struct utime begin = billing_start_of(s, charge->index, charge->start);
  struct date day = zone_date(s->zone, cut);
  if (basis == PRORATION_DAY) cut = zone_midnight(s->zone, day);
  *ret_day = date_compare(day, charge->start) > 0 ? day : charge->start;
  return cut.us > begin.us ? cut : begin;
}

const struct plan_price *charge_plan(const struct billable *s, const struct charge *charge) {
  for (size_t i = 0; !charge->plan && i < s->item_count; i++)
    if (s->items[i].number == charge->item) return s->items[i].price;
  ASSERT(charge->plan);
  return charge->plan;
}

struct charges charges_left_alone(struct arena *arena, const struct charges *charges, const struct billable *old,
                                  const struct billable *new) {
  struct charge *at = ARENA_ARRAY(arena, struct charge, charges->count + 1);
  struct charges result = *charges;
  for (size_t i = 0; i < charges->count; i++) {
    at[i] = charges->at[i];
    at[i].plan = charge_plan(old, &at[i]);
    for (size_t n = 0; n < new->item_count; n++)
      if (new->items[n].number == at[i].item &&new->items[n].price == at[i].plan) at[i].plan = NULL;
  }
  result.at = at;
  return result;
}
