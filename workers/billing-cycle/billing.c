/* From due subscriptions to invoice.create. The calendar and the proration are lib/domain's; what is here is the walk
 * over the missed periods, and the gathering of lines into invoices. */
#include "billing.h"

#include <string.h>

#include "base/assert.h"
#include "base/json_text.h"
#include "domain/invoice.h"
#include "domain/proration.h"

enum { INVOICE_JSON_MAX = MESSAGE_VALUE_MAX, DESCRIPTION_MAX = 1024 };

static void add_line(struct arena *arena, struct billing *billing, const struct line *line) {
  if (billing->count == billing->capacity) {
    size_t capacity = billing->capacity ? 2 * billing->capacity : 64;
    struct line *grown = ARENA_ARRAY(arena, struct line, capacity);
    if (billing->count) memcpy(grown, billing->lines, billing->count * sizeof *grown);
    billing->lines = grown;
    billing->capacity = capacity;
  }
  billing->lines[billing->count++] = *line;
}

/* The end that was decided on earlier and takes effect at a boundary (BILL-053, BILL-055). */
static bool ends_at_boundary(const struct billable *s, enum subscription_event *ret_event) {
  if (s->next_index == 0) return false;
  if (s->cancel_at_period_end && s->next_at.us >= s->cancel_at.us) {
    *ret_event = SUBSCRIPTION_EVENT_CANCEL;
    return true;
  }
  *ret_event = SUBSCRIPTION_EVENT_EXPIRE;
  return !s->auto_renew;
}

static enum rc end_subscription(struct billable *s, enum subscription_event event, struct error *err) {
  TRY(subscription_next(s->state, event, &s->state, err));
  s->ends = true;
  s->periods_due++;
  s->periods_without_charge++;
  return RC_OK;
}

/* BILL-002: price × quantity × share of the period, rounded once. */
static enum rc charge_of(const struct billable *s, const struct period *period, int64_t *ret_amount,
                         struct error *err) {
  int64_t full;
  if (!money_multiply(s->price_minor, s->quantity, &full))
    return error_field(err, RC_VALIDATION, "quantity", "price × quantity is too large");
  return proration_charge(full, period, ret_amount, err);
}

static enum rc bill_period(struct arena *arena, struct billing *billing, struct billable *s,
                           const struct period *period, struct error *err) {
  struct line line = {.subscription = s,
                      .period = *period,
                      .start = zone_midnight(s->zone, period->start),
                      .end = zone_midnight(s->zone, period->end)};
  TRY(charge_of(s, period, &line.amount_minor, err));
  s->periods_due++;
  if (line.amount_minor != 0) {
    add_line(arena, billing, &line);
    s->periods_invoiced++;
  } else {
    s->periods_without_charge++;
  }
  s->has_period = true;
  s->period_start = line.start;
  s->period_end = line.end;
  s->next_index++;
  return RC_OK;
}

static enum rc collect(struct arena *arena, struct billing *billing, struct billable *s, struct utime as_of,
                       struct error *err) {
  TRY(zone_find(s->zone_name, "timeZone", &s->zone, err));
  for (int n = 0; n < BILLING_PERIODS_MAX; n++) {
    struct period period = grid_period(&s->grid, s->start, s->next_index);
    s->next_at = zone_midnight(s->zone, period.start);
    if (s->next_at.us > as_of.us) return RC_OK;
    enum subscription_event event;
    if (ends_at_boundary(s, &event)) return end_subscription(s, event, err);
    TRY(bill_period(arena, billing, s, &period, err));
  }
  s->next_at = zone_midnight(s->zone, grid_period(&s->grid, s->start, s->next_index).start);
  return RC_OK;
}

void billing_collect(struct arena *arena, struct billing *billing, struct billable *subscription, struct utime as_of) {
  if (collect(arena, billing, subscription, as_of, &subscription->why) == RC_OK) return;
  subscription->is_parked = true;
  subscription->periods_due++; /* the one that it stands before */
}

/* -- invoices -- */

static int compare_lines(const void *a, const void *b) {
  const struct line *left = a, *right = b;
  int order = uuid_compare(&left->subscription->customer_id, &right->subscription->customer_id);
  if (order == 0) order = date_compare(left->period.start, right->period.start);
  if (order == 0) order = strcmp(left->subscription->currency->code, right->subscription->currency->code);
  if (order == 0) order = strcmp(left->subscription->collection, right->subscription->collection);
  if (order == 0) order = uuid_compare(&left->subscription->id, &right->subscription->id);
  return order;
}

static bool is_same_invoice(const struct line *a, const struct line *b) {
  return uuid_equal(&a->subscription->customer_id, &b->subscription->customer_id) &&
         date_compare(a->period.start, b->period.start) == 0 &&
         a->subscription->currency == b->subscription->currency &&
         strcmp(a->subscription->collection, b->subscription->collection) == 0;
}

/* BILL-025: how the amount came about, kept with the line for ever. */
static void write_provenance(struct json_writer *json, const struct line *line) {
  const struct billable *s = line->subscription;
  char money[MONEY_TEXT_MAX], date[DATE_TEXT_MAX];
  json_put_object(json, "provenance");
  json_put_string(json, "price", money_format(s->price_minor, s->currency, money));
  json_put_int(json, "quantity", s->quantity);
  json_put_int(json, "days", period_days(&line->period));
  json_put_int(json, "fullDays", period_full_days(&line->period));
  json_put_string(json, "rounding", "half away from zero, once");
  json_put_string(json, "planCode", s->plan_code);
  json_put_int(json, "planVersion", s->plan_version);
  json_put_string(json, "anchor", date_format(s->grid.anchor, date));
  json_put_int(json, "anchorDay", s->grid.anchor_day);
  json_put_string(json, "interval", interval_unit_name(s->grid.interval.unit));
  json_put_int(json, "intervalCount", s->grid.interval.count);
  json_put_string(json, "timeZone", s->zone_name);
  json_put_end(json);
}

static void write_line(struct json_writer *json, const struct line *line) {
  const struct billable *s = line->subscription;
  char id[UUID_TEXT_MAX], money[MONEY_TEXT_MAX], from[DATE_TEXT_MAX], to[DATE_TEXT_MAX], time[UTIME_TEXT_MAX];
  char description[DESCRIPTION_MAX]; /* a plan's name has at most 200 characters of 4 bytes */
  snprintf(description, sizeof description, "%s, %s to %s", s->plan_name, date_format(line->period.start, from),
           date_format(line->period.end, to));
  json_put_object(json, NULL);
  json_put_string(json, "subscriptionId", uuid_format(&s->id, id));
  json_put_int(json, "item", 0);
  json_put_int(json, "periodIndex", line->period.index);
  json_put_string(json, "kind", "subscription");
  json_put_int(json, "revision", 0);
  json_put_string(json, "description", description);
  json_put_int(json, "quantity", s->quantity);
  json_put_string(json, "unitPrice", money_format(s->price_minor, s->currency, money));
  json_put_raw(json, "amount", money_format(line->amount_minor, s->currency, money));
  json_put_string(json, "periodStart", utime_format(line->start, time));
  json_put_string(json, "periodEnd", utime_format(line->end, time));
  write_provenance(json, line);
  json_put_end(json);
}

static void emit_invoice(struct work *work, struct buf *text, const struct line *lines, size_t count,
                         const struct uuid *tenant, const struct uuid *run_id, const struct message *cause) {
  const struct billable *first = lines[0].subscription;
  struct uuid invoice_id = uuid_new();
  char invoice[UUID_TEXT_MAX], customer[UUID_TEXT_MAX], run[UUID_TEXT_MAX], date[DATE_TEXT_MAX];
  uuid_format(&invoice_id, invoice);
  uuid_format(&first->customer_id, customer);
  struct json_writer json;
  buf_clear(text);
  json_writer_init(&json, text);
  json_put_object(&json, NULL);
  json_put_string(&json, "invoiceId", invoice);
  json_put_string(&json, "customerId", customer);
  json_put_string(&json, "currency", first->currency->code);
  json_put_string(&json, "issueDate", date_format(zone_date(first->zone, work->now), date));
  json_put_string(&json, "collection", first->collection);
  json_put_string(&json, "runId", run_id ? uuid_format(run_id, run) : NULL);
  json_put_array(&json, "lines");
  for (size_t i = 0; i < count; i++) write_line(&json, &lines[i]);
  json_put_end(&json);
  json_put_end(&json);
  ASSERT(buf_ok(text));
  emit(work, &(struct emission){.type = "invoice.create",
                                .id = UUID_DERIVE("invoice.create", invoice),
                                .tenant = *tenant,
                                .subject = invoice,
                                .key = customer,
                                .json = buf_text(text),
                                .cause = cause});
}

int64_t billable_steps(const struct billable *subscription) {
  return subscription->periods_invoiced + subscription->periods_without_charge;
}

static void emit_renewed(struct work *work, struct buf *text, const struct line *line, const struct uuid *tenant) {
  const struct billable *s = line->subscription;
  int64_t steps_before = line->period.index - (s->next_index - billable_steps(s));
  char id[UUID_TEXT_MAX], customer[UUID_TEXT_MAX], time[UTIME_TEXT_MAX];
  uuid_format(&s->id, id);
  uuid_format(&s->customer_id, customer);
  struct json_writer json;
  buf_clear(text);
  json_writer_init(&json, text);
  json_put_object(&json, NULL);
  json_put_string(&json, "subscriptionId", id);
  json_put_string(&json, "customerId", customer);
  json_put_int(&json, "periodIndex", line->period.index);
  json_put_string(&json, "periodStart", utime_format(line->start, time));
  json_put_string(&json, "periodEnd", utime_format(line->end, time));
  json_put_int(&json, "version", s->version + steps_before + 1);
  json_put_end(&json);
  emit(work, &(struct emission){.type = "subscription.renewed",
                                .id = UUID_DERIVE("subscription.renewed", id, db_int(work->arena, line->period.index)),
                                .tenant = *tenant,
                                .subject = id,
                                .key = customer,
                                .json = buf_text(text)});
}

size_t billing_emit(struct work *work, struct billing *billing, const struct uuid *tenant, const struct uuid *run_id,
                    const struct message *cause) {
  if (billing->count == 0) return 0;
  struct buf CLEANUP(buf_release) text;
  buf_init(&text, INVOICE_JSON_MAX);
  qsort(billing->lines, billing->count, sizeof *billing->lines, compare_lines);
  size_t invoices = 0;
  for (size_t first = 0; first < billing->count;) {
    size_t end = first + 1;
    while (end < billing->count && end - first < INVOICE_LINES_MAX &&
           is_same_invoice(&billing->lines[first], &billing->lines[end]))
      end++;
    emit_invoice(work, &text, &billing->lines[first], end - first, tenant, run_id, cause);
    invoices++;
    first = end;
  }
  for (size_t i = 0; i < billing->count; i++)
    if (billing->lines[i].period.index > 0) emit_renewed(work, &text, &billing->lines[i], tenant);
  return invoices;
}
