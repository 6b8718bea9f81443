/* See forecast.h. All goes the very way of the real thing: written as the body of a command to invoicing, and read as
 * invoicing reads it, so that no member can mean one thing here and another there. */
#include "forecast.h"

#include <string.h>

#include "invoicing/compute.h"
#include "invoicing/drafts.h"
#include "invoicing/order.h"

void forecast_release(struct forecast *forecast) {
  json_decref(forecast->bodies);
}

/* -- what is going to be made -- */

static enum rc read_command(struct work *work, const char *type, const struct buf *text, struct forecast *forecast,
                            struct message **ret_command, struct error *err) {
  struct message *command = ARENA_NEW(work->arena, struct message);
  if (!forecast->bodies) forecast->bodies = json_array();
  command->tenant = forecast->tenant;
  command->value = arena_strndup(work->arena, buf_text(text), text->length);
  command->value_length = text->length;
  TRY(message_parse(command, type, &command->json, err));
  json_array_append_new(forecast->bodies, command->json);
  *ret_command = command;
  return RC_OK;
}

enum rc forecast_add_invoice(struct work *work, const struct billing *billing, size_t *first, struct utime at,
                             struct forecast *forecast, struct error *err) {
  struct uuid id = uuid_new();
  struct message *command = NULL;
  size_t end = billing_invoice_end(billing, *first);
  if (forecast->count == FORECAST_INVOICES_MAX)
    return error_set(err, RC_CONFLICT, "the subscription has more than %d invoices to be made: start a run first",
                     FORECAST_INVOICES_MAX);
  if (!forecast->invoices) forecast->invoices = ARENA_ARRAY(work->arena, struct invoice, FORECAST_INVOICES_MAX);
  struct buf CLEANUP(buf_release) text;
  buf_init(&text, BILLING_INVOICE_MAX);
  billing_write_invoice(&text, &billing->lines[*first], end - *first, db_uuid(work->arena, &id), NULL, at);
  TRY(read_command(work, "invoice.create", &text, forecast, &command, err));
  TRY(invoice_read(work->arena, command, &forecast->invoices[forecast->count], err));
  forecast->invoices[forecast->count++].created = at;
  forecast->last_at = at;
  *first = end;
  return RC_OK;
}

enum rc forecast_add(struct work *work, struct billing *billing, struct utime at, struct forecast *forecast,
                     struct error *err) {
  billing_order(billing);
  forecast->last_at = at;
  for (size_t first = 0; first < billing->count;) TRY(forecast_add_invoice(work, billing, &first, at, forecast, err));
  return RC_OK;
}

enum rc forecast_add_notes(struct work *work, const struct buf *text, struct forecast *forecast, struct error *err) {
  struct message *command = NULL;
  TRY(read_command(work, "credit-note.create", text, forecast, &command, err));
  forecast->request = ARENA_NEW(work->arena, struct note_request);
  return note_request_read(work->arena, command, forecast->request, err);
}

/* -- in which order it is finalised -- */

/* A note finalises it before its time. */
static bool is_claimed(const struct notes *notes, const struct invoice *invoice) {
  for (size_t i = 0; invoice->is_draft && i < notes->claimed_count; i++)
    if (strcmp(notes->claimed[i].invoice_id, invoice->id_text) == 0) return true;
  return false;
}

static struct finalising *plan(struct work *work, const struct forecast *forecast, struct ahead *ahead) {
  struct finalising *planned = ARENA_ARRAY(work->arena, struct finalising, ahead->count);
  for (size_t i = 0; i < ahead->count; i++) {
    planned[i] = (struct finalising){.at = ahead->invoices[i].auto_finalise, .place = i};
    if (is_claimed(&forecast->notes, &ahead->invoices[i])) planned[i].at = work->now;
  }
  ahead->invoices = invoices_order(work->arena, ahead->invoices, planned, ahead->count);
  for (size_t i = 0; i < ahead->count; i++) {
    struct invoice *invoice = &ahead->invoices[i];
    if (invoice->is_draft) invoice->issue_date = zone_date(forecast->zone, planned[i].at);
    invoice->is_draft = planned[i].at.us > work->now.us; /* when the notes come */
  }
  return planned;
}

/* The customer's drafts under way, and the forecast's own: they are made now. */
static enum rc gather(struct work *work, const struct forecast *forecast, struct ahead *ahead, struct error *err) {
  struct invoice *drafts = NULL;
  size_t draft_count = 0;
  TRY(drafts_under_way(work, &forecast->tenant, forecast->customer, &drafts, &draft_count, err));
  ahead->count = forecast->count + draft_count;
  ahead->invoices = ARENA_ARRAY(work->arena, struct invoice, ahead->count);
  for (size_t i = 0; i < draft_count; i++) ahead->invoices[i] = drafts[i];
  for (size_t i = 0; i < forecast->count; i++) ahead->invoices[draft_count + i] = forecast->invoices[i];
  return RC_OK;
}

static void set_times(const struct forecast *forecast, const struct ground *ground, struct ahead *ahead) {
  for (size_t i = 0; i < forecast->count; i++) {
    struct invoice *invoice = &ahead->invoices[ahead->count - forecast->count + i];
    invoice_begin(ground, invoice, invoice->created);
  }
}

/* -- what it comes to -- */

static void settle(struct ground *ground, struct ahead *ahead, bool later) {
  for (size_t i = 0; i < ahead->count; i++)
    if (ahead->invoices[i].is_draft == later) invoice_settle(ground, &ahead->invoices[i]);
}

/* What notes leave over as account credit, drafts use that are finalised later. */
static void grant_rests(struct work *work, const struct notes *notes, size_t spare, struct ground *ground) {
  for (size_t i = 0; i < notes->count; i++) {
    const struct note *note = notes->at[i];
    if (note_credited(note) == 0) continue;
    const struct grant rest = {.tenant = note->invoice.tenant,
                               .id = note->id,
                               .customer_id = note->invoice.customer_id,
                               .currency = note->invoice.currency->code,
                               .amount_minor = note_credited(note),
                               .remaining_minor = note_credited(note)};
    ground_add_grant(work, ground, &rest, spare);
  }
}

static enum rc compute(struct work *work, struct ground *ground, struct ahead *ahead, struct forecast *forecast,
                       struct error *err) {
  for (size_t i = 0; i < ahead->count; i++) TRY(invoice_compute_amounts(work, ground, ahead->invoices, i, err));
  settle(ground, ahead, false);
  if (forecast->request) TRY(notes_decide(work, forecast->request, ahead, &forecast->notes, err));
  grant_rests(work, &forecast->notes, ahead->count, ground);
  settle(ground, ahead, true);
  return RC_OK;
}

enum rc forecast_compute(struct work *work, struct forecast *forecast, struct error *err) {
  struct work then = *work;
  struct ground ground = {0};
  struct ahead ahead = {0};
  then.now = forecast->last_at;
  if (forecast->count == 0 && !forecast->request) return RC_OK;
  TRY(gather(work, forecast, &ahead, err));
  if (ahead.count > 0) TRY(ground_load(&then, ahead.invoices, ahead.count, GROUND_TO_PREVIEW, &ground, err));
  set_times(forecast, &ground, &ahead);
  if (forecast->request) TRY(notes_find(work, forecast->request, &ahead, &forecast->notes, err));
  if (forecast->request) TRY(notes_claim_true_up(work, forecast->request, &forecast->notes, err));
  size_t draft_count = ahead.count - forecast->count;
  const struct finalising *planned = plan(work, forecast, &ahead);
  TRY(compute(work, &ground, &ahead, forecast, err));
  for (size_t i = 0; i < ahead.count; i++)
    if (planned[i].place >= draft_count) forecast->invoices[planned[i].place - draft_count] = ahead.invoices[i];
  return RC_OK;
}
