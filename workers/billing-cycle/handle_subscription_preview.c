/* subscription.preview: what change-plan, or cancel, would come to with the same body. The very same decision is made,
 * and nothing is written (BILL-052). */
#include "decision.h"
#include "forecast.h"
#include "handlers.h"
#include "pending.h"

enum { PREVIEW_JSON_MAX = 1024 * 1024 };

static void write_lines(struct json_writer *json, const char *key, const struct line *lines, size_t first, size_t end) {
  json_put_array(json, key);
  for (size_t i = first; i < end; i++)
    if (!lines[i].takes_nothing) billing_write_line(json, &lines[i]);
  json_put_end(json);
}

/* -- the invoices (BILL-052) -- */

/* What the next boundary bills, if it comes: then lines that wait go with it, those of the change that it does not bill
 * at once among them. */
struct rest {
  const struct scheduled_change *scheduled;
  struct billing waiting;
};

static void add_waiting(struct work *work, const struct billing *waiting, struct billing *billing) {
  for (size_t i = 0; i < waiting->count; i++) {
    struct line line = waiting->lines[i];
    line.has_waited = true;
    if (billing->count > 0) line.billed_on = billing->lines[0].billed_on;
    billing_add(work->arena, billing, &line);
  }
  pending_leave_out_lone(billing);
}

static bool makes_invoice(const struct billing *waiting) {
  for (size_t i = 0; i < waiting->count; i++)
    if (!waiting->lines[i].takes_nothing) return true;
  return false;
}

static enum rc bill_next(struct work *work, const struct standing *standing, const struct rest *rest,
                         struct billing *billing, struct utime *ret_at, struct error *err) {
  struct billable *then = ARENA_NEW(work->arena, struct billable); /* lines point at it */
  bool may_go_on; /* at the end of a period with a renewed one after it there may be nothing to bill */
  *then = standing->s;
  if (rest->scheduled) then->scheduled = rest->scheduled;
  do {
    may_go_on = then->renewed_count > 0 && !makes_invoice(&rest->waiting);
    *ret_at = then->next_at;
    TRY(billing_pass_next(work->arena, billing, then, err));
  } while (may_go_on && billing->count == 0);
  add_waiting(work, &rest->waiting, billing);
  return RC_OK;
}

static struct forecast forecast_of(const struct standing *standing) {
  return (struct forecast){
      .tenant = standing->command->tenant, .customer = standing->customer, .zone = standing->s.zone};
}

/* With what is made at once goes what waits for it, of the customer's others that were due as well. */
static enum rc peek(struct work *work, struct standing *standing, struct error *err) {
  const struct uuid *tenant = &standing->command->tenant;
  const struct siblings *siblings = &standing->siblings;
  if (standing->bills_now) TRY(pending_peek(work, tenant, &standing->s, 1, &standing->billing, err));
  if (siblings->count > 0) TRY(pending_peek(work, tenant, siblings->at, siblings->count, &standing->billing, err));
  pending_leave_out_lone(&standing->billing);
  return RC_OK;
}

/* `invoices` are made at once, those of boundaries that have come by now among them. `nextInvoice` is the
 * subscription's own part of the one after: with others of the customer on the same day it is one (BILL-061). */
static enum rc write_invoices(struct work *work, struct standing *standing, const struct rest *rest,
                              struct forecast *forecast, struct json_writer *json, struct error *err) {
  struct billing *next = ARENA_NEW(work->arena, struct billing);
  TRY(forecast_add(work, &standing->billing, work->now, forecast, err));
  size_t made_now = forecast->count;
  if (rest) {
    struct utime at;
    TRY(bill_next(work, standing, rest, next, &at, err));
    TRY(forecast_add(work, next, at, forecast, err));
  }
  TRY(forecast_compute(work, forecast, err));
  json_put_array(json, "invoices");
  for (size_t i = 0; i < made_now; i++) invoice_write(json, NULL, &forecast->invoices[i]);
  json_put_end(json);
  if (forecast->count > made_now)
    invoice_write(json, "nextInvoice", &forecast->invoices[made_now]);
  else
    json_put_null(json, "nextInvoice");
  return RC_OK;
}

/* Lines of earlier changes that wait for the next invoice; unless that is made now, they are the beginning of `rest`.
 */
static enum rc write_waiting(struct work *work, const struct standing *standing, struct rest *rest,
                             struct json_writer *json, struct error *err) {
  TRY(pending_peek(work, &standing->command->tenant, &standing->s, 1, &rest->waiting, err));
  write_lines(json, "waiting", rest->waiting.lines, 0, rest->waiting.count);
  if (standing->bills_now) rest->waiting.count = 0;
  return RC_OK;
}

/* -- of a change -- */

static void write_change(struct json_writer *json, const struct standing *standing, const struct decision *decision) {
  char money[MONEY_TEXT_MAX], time[UTIME_TEXT_MAX];
  struct billable as_changed = standing->s;
  change_target_apply(&decision->target, &as_changed);
  json_put_string(json, "when", decision->is_now ? "now" : "period_end");
  json_put_string(json, "billing", decision->is_billed_now ? "now" : "next_invoice");
  json_put_bool(json, "isUpgrade", decision->is_upgrade);
  billing_write_state(json, &as_changed, decision->at);
  json_put_string(json, "nextBillingDate", utime_format(billing_begun_until(&standing->s), time));
  json_put_string(json, "currency", standing->s.currency->code);
  json_put_raw(json, "subtotal", money_format(decision->sum_minor, standing->s.currency, money));
  write_lines(json, "lines", decision->lines, 0, decision->line_count);
}

/* As the change places its lines. */
static enum rc write_invoices_of_change(struct work *work, struct standing *standing, const struct decision *decision,
                                        struct rest *rest, struct json_writer *json, struct error *err) {
  struct forecast CLEANUP(forecast_release) forecast = forecast_of(standing);
  TRY(peek(work, standing, err));
  if (decision->is_billed_now) return write_invoices(work, standing, NULL, &forecast, json, err);
  rest->scheduled = decision->scheduled;
  for (size_t i = 0; decision->is_now && i < decision->line_count; i++)
    billing_add(work->arena, &rest->waiting, &decision->lines[i]);
  return write_invoices(work, standing, rest, &forecast, json, err);
}

static enum rc preview_change(struct work *work, const struct message *command, struct json_writer *json,
                              struct error *err) {
  struct standing *standing = ARENA_NEW(work->arena, struct standing);
  struct decision *decision = ARENA_NEW(work->arena, struct decision);
  struct rest rest = {0};
  TRY(decision_make(work, command, standing, decision, err));
  write_change(json, standing, decision);
  TRY(write_waiting(work, standing, &rest, json, err));
  return write_invoices_of_change(work, standing, decision, &rest, json, err);
}

/* -- of a cancellation -- */

/* What is unused, as the command would ask invoicing to credit it. */
static enum rc add_notes(struct work *work, const struct standing *standing, const struct cancellation *cancellation,
                         struct forecast *forecast, struct error *err) {
  struct buf CLEANUP(buf_release) text = {0};
  if (cancellation->unused_count == 0) return RC_OK;
  (void)standing_write_credit(work, standing, cancellation->unused, cancellation->unused_count, CANCELLED, &text);
  return forecast_add_notes(work, &text, forecast, err);
}

/* The last invoice, at once or with the period, and the credit notes. */
static enum rc write_documents(struct work *work, struct standing *standing, const struct cancellation *cancellation,
                               const struct rest *rest, struct json_writer *json, struct error *err) {
  struct forecast CLEANUP(forecast_release) forecast = forecast_of(standing);
  TRY(add_notes(work, standing, cancellation, &forecast, err));
  TRY(peek(work, standing, err));
  TRY(write_invoices(work, standing, cancellation->is_now ? NULL : rest, &forecast, json, err));
  json_put_array(json, "creditNotes");
  for (size_t i = 0; i < forecast.notes.count; i++) note_write(json, forecast.notes.at[i]);
  json_put_end(json);
  return RC_OK;
}

static enum rc preview_cancellation(struct work *work, const struct message *command, struct json_writer *json,
                                    struct error *err) {
  struct standing *standing = ARENA_NEW(work->arena, struct standing);
  struct cancellation cancellation;
  struct rest rest = {0};
  char money[MONEY_TEXT_MAX], time[UTIME_TEXT_MAX];
  int64_t sum = 0;
  TRY(cancellation_decide(work, command, standing, &cancellation, err));
  const struct billing *billing = &standing->billing;
  size_t own = standing->own_first;
  for (size_t i = own; i < billing->count; i++)
    if (!money_add(sum, billing->lines[i].amount_minor, &sum))
      return error_set(err, RC_CONFLICT, "the sum of the last invoice is too large");
  json_put_string(json, "when", cancellation.is_now ? "now" : "period_end");
  json_put_string(json, "at", utime_format(cancellation.at, time));
  json_put_string(json, "currency", standing->s.currency->code);
  json_put_raw(json, "subtotal", money_format(sum, standing->s.currency, money));
  write_lines(json, "lines", billing->lines, own, billing->count);
  TRY(write_waiting(work, standing, &rest, json, err));
  return write_documents(work, standing, &cancellation, &rest, json, err);
}

enum rc handle_subscription_preview(struct work *work, struct message *const *messages, size_t count,
                                    struct error *err) {
  (void)count;
  const struct message *command = messages[0];
  bool is_cancellation = json_object_get(command->json, "immediately") != NULL;
  struct buf CLEANUP(buf_release) text;
  struct json_writer json;
  buf_init(&text, PREVIEW_JSON_MAX);
  json_writer_init(&json, &text);
  json_put_object(&json, NULL);
  json_put_string(&json, "subscriptionId", command->subject);
  TRY(is_cancellation ? preview_cancellation(work, command, &json, err) : preview_change(work, command, &json, err));
  json_put_end(&json);
  if (!buf_ok(&text)) return error_set(err, RC_CONFLICT, "the preview is too long: start a run first");
  reply(work, command, 200, "preview", command->subject, buf_text(&text));
  return RC_OK;
}
