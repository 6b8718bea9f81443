/* Lines become invoice.create, milestones become events. What a line says here it says for ever: the provenance holds
 * all that explains its amount (BILL-025). */
#include <string.h>

#include "base/assert.h"
#include "charges.h"
#include "domain/invoice.h"
#include "domain/tax.h"

/* A line with the texts of its plan, and what each tier of its price and each cut adds: much of them makes invoices of
 * fewer lines. */
enum { LINE_WEIGHT = 3072, TIER_WEIGHT = 192, CUT_WEIGHT = 32, DESCRIPTION_MAX = 1200 };

static int compare_lines(const void *a, const void *b) {
  const struct line *left = a, *right = b;
  int order = uuid_compare(&left->subscription->customer_id, &right->subscription->customer_id);
  if (order == 0) order = date_compare(left->billed_on, right->billed_on);
  if (order == 0) order = strcmp(left->subscription->currency->code, right->subscription->currency->code);
  if (order == 0) order = strcmp(left->subscription->collection, right->subscription->collection);
  if (order == 0) order = uuid_compare(&left->subscription->id, &right->subscription->id);
  if (order == 0) order = right->has_waited - left->has_waited;
  if (order == 0) order = left->sequence < right->sequence ? -1 : left->sequence > right->sequence;
  return order;
}

/* BILL-061 */
static bool is_same_invoice(const struct line *a, const struct line *b) {
  return uuid_equal(&a->subscription->customer_id, &b->subscription->customer_id) &&
         date_compare(a->billed_on, b->billed_on) == 0 && a->subscription->currency == b->subscription->currency &&
         strcmp(a->subscription->collection, b->subscription->collection) == 0;
}

size_t line_weight(const struct line *line) {
  if (line->json) return strlen(line->json);
  size_t tiers = line->component ? line->component->tier_count : 0;
  size_t cuts = line->change ? line->change->cuts->cut_count : 0;
  return LINE_WEIGHT + tiers * TIER_WEIGHT + cuts * CUT_WEIGHT;
}

static int64_t size_of(const struct line *line) {
  return line->amount_minor < 0 ? -line->amount_minor : line->amount_minor;
}

/* The lines from `first` on that make one invoice: as many as belong together, and fit into a message and a
 * sum. (What has waited counts as nothing in the sum.) */
size_t billing_invoice_end(const struct billing *billing, size_t first) {
  size_t end = first, weight = 0;
  int64_t sum = 0;
  while (end < billing->count && end - first < INVOICE_LINES_MAX &&
         is_same_invoice(&billing->lines[first], &billing->lines[end])) {
    weight += line_weight(&billing->lines[end]);
    sum += size_of(&billing->lines[end]);
    if (end > first && (weight > BILLING_INVOICE_MAX || sum > TAXABLE_MAX)) break;
    end++;
  }
  return end;
}

/* -- a line -- */

static void write_tiers(struct json_writer *json, const struct price_component *component) {
  char text[DECIMAL_TEXT_MAX];
  json_put_array(json, "tiers");
  for (size_t i = 0; i < component->tier_count; i++) {
    const struct price_tier *tier = &component->tiers[i];
    json_put_object(json, NULL);
    json_put_string(json, "upTo", tier->is_last ? NULL : quantity_format(tier->up_to, text));
    json_put_string(json, "unitPrice", decimal_format(tier->unit_price, text));
    json_put_string(json, "flatFee", decimal_format(tier->flat_fee, text));
    json_put_end(json);
  }
  json_put_end(json);
}

/* The price as the plan has it; members that a model does not use are left out. */
static void write_price(struct json_writer *json, const struct price_component *component) {
  char text[DECIMAL_TEXT_MAX];
  ASSERT(component);
  json_put_string(json, "component", component->code);
  json_put_string(json, "model", price_model_name(component->model));
  json_put_string(json, "timing", price_timing_name(component->timing));
  if (component->tier_count > 0)
    write_tiers(json, component);
  else
    json_put_string(json, "price", decimal_format(component->unit_price, text));
  if (component->package_size.micro != 0)
    json_put_string(json, "packageSize", quantity_format(component->package_size, text));
  if (component->free_units.micro != 0)
    json_put_string(json, "freeUnits", quantity_format(component->free_units, text));
}

/* BILL-020, BILL-021: what is charged of which period, numerator and denominator. */
static void write_share(struct json_writer *json, const struct line *line, int64_t index, struct date from,
                        struct date to, struct price_share share) {
  bool by_second = line->item->price->basis == PRORATION_SECOND && share.part != share.whole;
  char date[DATE_TEXT_MAX];
  json_put_int(json, "period", index);
  json_put_string(json, "from", date_format(from, date));
  json_put_string(json, "to", date_format(to, date));
  json_put_int(json, by_second ? "seconds" : "days", share.part);
  json_put_int(json, by_second ? "fullSeconds" : "fullDays", share.whole);
}

static void write_charged_share(struct json_writer *json, const struct line *line) {
  const struct line_change *change = line->change;
  write_share(json, line, line->index, change ? change->from : line->from, change ? change->to : line->to, line->share);
}

/* Where a cut, or a piece, is: a day, or an instant. */
static void write_position(struct json_writer *json, const char *key, enum proration_basis basis, int64_t position) {
  char date[DATE_TEXT_MAX], time[UTIME_TEXT_MAX];
  bool by_day = basis == PRORATION_DAY;
  json_put_string(json, key,
                  by_day ? date_format((struct date){(int32_t)position}, date)
                         : utime_format((struct utime){position * UTIME_SECOND}, time));
}

/* BILL-022: of what was charged, or would have been, for a span, the rest after each cut in turn, or a piece between.
 */
static void write_change(struct json_writer *json, const struct line *line, const struct line_change *change) {
  char money[MONEY_TEXT_MAX];
  enum proration_basis basis = line->item->price->basis;
  json_put_object(json, "change");
  json_put_string(json, "charged", money_format(change->whole_minor, line->subscription->currency, money));
  write_position(json, "start", basis, change->span.start);
  write_position(json, "end", basis, change->span.end);
  json_put_array(json, "cuts");
  for (size_t i = 0; i < change->cuts->cut_count; i++)
    write_position(json, NULL, basis, proration_instant(line->zone, basis, change->cuts->cuts[i]));
  json_put_end(json);
  if (change->is_piece) {
    write_position(json, "from", basis, change->piece_from);
    write_position(json, "to", basis, change->piece_to);
  }
  if (change->credits && change->credits->most_minor < change->whole_minor)
    json_put_string(json, "left", money_format(change->credits->most_minor, line->subscription->currency, money));
  json_put_string(json, "rounding", "half away from zero, once for each cut");
  json_put_end(json);
}

static void write_minimum(struct json_writer *json, const struct line *line) {
  const struct minimum *minimum = line->minimum;
  const struct currency *currency = line->subscription->currency;
  char money[MONEY_TEXT_MAX];
  json_put_string(json, "minimum", money_format(line->item->price->minimum_minor, currency, money));
  json_put_string(json, "charged", money_format(minimum->charged_minor, currency, money));
  json_put_string(json, "asked", money_format(line->amount_minor, currency, money));
  json_put_int(json, "creditsAfter", minimum->credits_after);
  json_put_array(json, "periods");
  if (minimum->has_length) {
    json_put_object(json, NULL);
    write_share(json, line, line->index, minimum->from, minimum->to, minimum->share);
    if (minimum->change) write_change(json, line, minimum->change);
    json_put_end(json);
  }
  json_put_end(json);
}

static void write_grid(struct json_writer *json, const struct line *line) {
  const struct grid *grid = &line->grid;
  char date[DATE_TEXT_MAX];
  json_put_string(json, "basis", proration_basis_name(line->item->price->basis));
  json_put_string(json, "anchor", date_format(grid->anchor, date));
  json_put_int(json, "anchorDay", grid->anchor_day);
  json_put_int(json, "anchorPeriod", grid->origin);
  json_put_string(json, "interval", interval_unit_name(grid->interval.unit));
  json_put_int(json, "intervalCount", grid->interval.count);
  json_put_string(json, "timeZone", zone_name(line->zone));
}

/* The line that this one takes back, in part or whole. */
static void write_credits(struct json_writer *json, const struct charge *charge) {
  struct line_name name = charge_line(charge);
  json_put_object(json, "credits");
  line_name_write(json, &name);
  json_put_end(json);
}

static void write_provenance(struct json_writer *json, const struct line *line) {
  const struct billable *s = line->subscription;
  char money[MONEY_TEXT_MAX], quantity[DECIMAL_TEXT_MAX];
  json_put_object(json, "provenance");
  switch (line->type) {
  case LINE_RECURRING:
    write_price(json, line->component);
    json_put_raw(json, "quantity", quantity_format(line->item->quantity, quantity));
    write_charged_share(json, line);
    break;
  case LINE_CREDIT: break;
  case LINE_SETUP: json_put_string(json, "setupFee", money_format(line->amount_minor, s->currency, money)); break;
  case LINE_MINIMUM: write_minimum(json, line); break;
  }
  if (line->change && line->type != LINE_MINIMUM) write_change(json, line, line->change);
  json_put_string(json, "rounding", "half away from zero, once");
  json_put_string(json, "planCode", line->item->price->code);
  json_put_int(json, "planVersion", line->item->price->version);
  write_grid(json, line);
  json_put_end(json);
}

static const char *describe(const struct line *line, char text[static DESCRIPTION_MAX]) {
  const char *name = line->item->price->name;
  char from[DATE_TEXT_MAX], to[DATE_TEXT_MAX];
  date_format(line->from, from);
  date_format(line->to, to);
  switch (line->type) {
  case LINE_RECURRING:
    if (line->item->price->component_count == 1)
      snprintf(text, DESCRIPTION_MAX, "%s, %s to %s", name, from, to);
    else
      snprintf(text, DESCRIPTION_MAX, "%s (%s), %s to %s", name, line_component(line), from, to);
    break;
  case LINE_CREDIT: snprintf(text, DESCRIPTION_MAX, "%s, unused %s to %s", name, from, to); break;
  case LINE_SETUP: snprintf(text, DESCRIPTION_MAX, "%s, setup fee", name); break;
  case LINE_MINIMUM: snprintf(text, DESCRIPTION_MAX, "%s, minimum commitment, %s to %s", name, from, to); break;
  }
  return text;
}

/* A price with the digits of its currency, or with more when it is finer. */
static const char *price_text(struct decimal price, const struct currency *currency,
                              char text[static DECIMAL_TEXT_MAX]) {
  int128 minor_pico = PICO;
  for (int i = 0; i < currency->exponent; i++) minor_pico /= 10;
  int128 minor = price.pico / minor_pico;
  if (price.pico % minor_pico != 0 || minor > MONEY_MAX) return decimal_format(price, text);
  return money_format((int64_t)minor, currency, text);
}

/* Where the price of one depends on how many there are: a whole period's average. */
static struct decimal average_price(const struct line *line) {
  struct error ignored;
  int64_t whole_minor;
  if (price_charge(line->component, line->item->quantity, 0, PRICE_SHARE_WHOLE, line->subscription->currency,
                   &whole_minor, &ignored) != RC_OK)
    whole_minor = line->amount_minor;
  struct decimal whole = decimal_of_money(whole_minor, line->subscription->currency);
  int128 average = round_half_away(whole.pico * MICRO, line->item->quantity.micro);
  return (struct decimal){average < DECIMAL_MAX ? average : DECIMAL_MAX};
}

/* For the reader: the amount does not come from these (BILL-002). */
static void write_quantity(struct json_writer *json, const struct line *line) {
  const struct price_component *component = line->type == LINE_CREDIT ? NULL : line->component;
  const struct currency *currency = line->subscription->currency;
  char text[DECIMAL_TEXT_MAX];
  bool is_one = !component || component->model == PRICE_FLAT;
  bool has_price = is_one || component->model == PRICE_PER_UNIT;
  struct decimal price = component ? component->unit_price : decimal_of_money(line->amount_minor, currency);
  json_put_raw(json, "quantity", is_one ? "1" : quantity_format(line->item->quantity, text));
  json_put_string(json, "unitPrice", price_text(has_price ? price : average_price(line), currency, text));
}

void billing_write_line(struct json_writer *json, const struct line *line) {
  const struct billable *s = line->subscription;
  char id[UUID_TEXT_MAX], money[MONEY_TEXT_MAX], time[UTIME_TEXT_MAX];
  char description[DESCRIPTION_MAX]; /* a plan's name has at most 200 characters of 4 bytes */
  if (line->json) {
    json_put_raw(json, NULL, line->json);
    return;
  }
  json_put_object(json, NULL);
  json_put_string(json, "subscriptionId", uuid_format(&s->id, id));
  json_put_int(json, "item", line->item->number);
  json_put_string(json, "component", line_component(line));
  json_put_string(json, "planId", line->item->price->plan_id);
  if (line->component && line->component->tax_code) json_put_string(json, "taxCode", line->component->tax_code);
  json_put_int(json, "periodIndex", line->index);
  json_put_string(json, "kind", line_kind(line));
  json_put_int(json, "revision", line->revision);
  if (line->change && line->change->credits) write_credits(json, line->change->credits);
  json_put_string(json, "description", describe(line, description));
  write_quantity(json, line);
  json_put_raw(json, "amount", money_format(line->amount_minor, s->currency, money));
  json_put_string(json, "periodStart", utime_format(line->start, time));
  json_put_string(json, "periodEnd", utime_format(line->end, time));
  write_provenance(json, line);
  json_put_end(json);
}

void billing_write_invoice(struct buf *text, const struct line *lines, size_t count, const char *invoice_id,
                           const struct uuid *run_id, struct utime now) {
  const struct billable *first = lines[0].subscription;
  char customer[UUID_TEXT_MAX], run[UUID_TEXT_MAX], date[DATE_TEXT_MAX];
  struct json_writer json;
  buf_clear(text);
  json_writer_init(&json, text);
  json_put_object(&json, NULL);
  json_put_string(&json, "invoiceId", invoice_id);
  json_put_string(&json, "customerId", uuid_format(&first->customer_id, customer));
  json_put_string(&json, "currency", first->currency->code);
  json_put_string(&json, "issueDate", date_format(zone_date(first->zone, now), date));
  json_put_string(&json, "collection", first->collection);
  if (first->state == SUBSCRIPTION_INCOMPLETE) json_put_bool(&json, "paymentAwaited", true);
  json_put_string(&json, "runId", run_id ? uuid_format(run_id, run) : NULL);
  json_put_array(&json, "lines");
  for (size_t i = 0; i < count; i++) billing_write_line(&json, &lines[i]);
  json_put_end(&json);
  json_put_end(&json);
  ASSERT(buf_ok(text));
}

static void emit_invoice(struct work *work, struct buf *text, const struct line *lines, size_t count,
                         const struct uuid *tenant, const struct uuid *run_id, const struct message *cause) {
  struct uuid invoice_id = uuid_new();
  char invoice[UUID_TEXT_MAX], customer[UUID_TEXT_MAX];
  uuid_format(&invoice_id, invoice);
  uuid_format(&lines[0].subscription->customer_id, customer);
  billing_write_invoice(text, lines, count, invoice, run_id, work->now);
  emit(work, &(struct emission){.type = "invoice.create",
                                .id = UUID_DERIVE("invoice.create", invoice),
                                .tenant = *tenant,
                                .subject = invoice,
                                .key = customer,
                                .json = buf_text(text),
                                .cause = cause});
}

/* -- milestones -- */

void billing_write_state(struct json_writer *json, const struct billable *s, struct utime at) {
  char quantity[DECIMAL_TEXT_MAX], time[UTIME_TEXT_MAX];
  const struct billed_item *own = &s->items[0];
  json_put_string(json, "planId", own->price->plan_id);
  json_put_string(json, "planCode", own->price->code);
  json_put_int(json, "planVersion", own->price->version);
  json_put_raw(json, "quantity", quantity_format(own->quantity, quantity));
  json_put_array(json, "items");
  for (size_t i = 1; i < s->item_count; i++) {
    json_put_object(json, NULL);
    json_put_int(json, "item", s->items[i].number);
    json_put_string(json, "planId", s->items[i].price->plan_id);
    json_put_int(json, "planVersion", s->items[i].price->version);
    json_put_raw(json, "quantity", quantity_format(s->items[i].quantity, quantity));
    json_put_end(json);
  }
  json_put_end(json);
  json_put_string(json, "at", utime_format(at, time));
}

static const char *const MILESTONES[] = {
    [MILESTONE_ACTIVATED] = "subscription.activated", [MILESTONE_CHANGED] = "subscription.changed",
    [MILESTONE_RENEWED] = "subscription.renewed",     [MILESTONE_CANCELLED] = "subscription.cancelled",
    [MILESTONE_EXPIRED] = "subscription.expired",
};

/* A boundary that has not come was passed because somebody asked for it; any other by time. */
static void emit_milestone(struct work *work, struct buf *text, const struct milestone *milestone,
                           const struct uuid *tenant, const struct message *cause) {
  const struct billable *s = milestone->subscription;
  char id[UUID_TEXT_MAX], customer[UUID_TEXT_MAX], time[UTIME_TEXT_MAX];
  uuid_format(&s->id, id);
  uuid_format(&s->customer_id, customer);
  struct json_writer json;
  buf_clear(text);
  json_writer_init(&json, text);
  json_put_object(&json, NULL);
  json_put_string(&json, "subscriptionId", id);
  json_put_string(&json, "customerId", customer);
  switch (milestone->type) {
  case MILESTONE_ACTIVATED: json_put_string(&json, "at", utime_format(milestone->start, time)); break;
  case MILESTONE_CHANGED: billing_write_state(&json, s, milestone->start); break;
  case MILESTONE_RENEWED:
    json_put_int(&json, "periodIndex", milestone->index);
    json_put_string(&json, "periodStart", utime_format(milestone->start, time));
    json_put_string(&json, "periodEnd", utime_format(milestone->end, time));
    break;
  case MILESTONE_CANCELLED:
  case MILESTONE_EXPIRED:
    json_put_string(&json, "status", subscription_state_name(s->state));
    json_put_string(&json, "at", utime_format(milestone->start, time));
    json_put_string(&json, "reason", NULL);
    break;
  }
  json_put_int(&json, "version", milestone->version);
  json_put_end(&json);
  const char *type = MILESTONES[milestone->type];
  emit(work, &(struct emission){.type = type,
                                .id = UUID_DERIVE(type, id, db_int(work->arena, milestone->index)),
                                .tenant = *tenant,
                                .subject = id,
                                .key = customer,
                                .json = buf_text(text),
                                .cause = milestone->start.us > work->now.us ? cause : NULL});
}

void billing_order(struct billing *billing) {
  if (billing->count > 0) qsort(billing->lines, billing->count, sizeof *billing->lines, compare_lines);
}

size_t billing_emit(struct work *work, struct billing *billing, const struct uuid *tenant, const struct uuid *run_id,
                    const struct message *cause) {
  struct buf CLEANUP(buf_release) text;
  buf_init(&text, BILLING_INVOICE_MAX);
  billing_order(billing);
  size_t invoices = 0;
  for (size_t first = 0, end; first < billing->count; first = end) {
    end = billing_invoice_end(billing, first);
    emit_invoice(work, &text, &billing->lines[first], end - first, tenant, run_id, cause);
    invoices++;
  }
  for (size_t i = 0; i < billing->milestone_count; i++)
    emit_milestone(work, &text, &billing->milestones[i], tenant, cause);
  return invoices;
}
