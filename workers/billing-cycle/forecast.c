/* See forecast.h. The lines go the very way of the real ones: written as the body of invoice.create, and read as
 * invoicing reads it, so that no member can mean one thing here and another there. */
#include "forecast.h"

#include "invoicing/compute.h"

void forecast_release(struct forecast *forecast) {
  json_decref(forecast->bodies);
}

static enum rc read_invoice(struct work *work, const struct uuid *tenant, const struct buf *text,
                            struct forecast *forecast, struct error *err) {
  struct message *command = ARENA_NEW(work->arena, struct message);
  if (!forecast->bodies) forecast->bodies = json_array();
  if (!forecast->invoices) forecast->invoices = ARENA_ARRAY(work->arena, struct invoice, FORECAST_INVOICES_MAX);
  command->tenant = *tenant;
  TRY(body_parse(buf_text(text), text->length, &command->json, err));
  json_array_append_new(forecast->bodies, command->json);
  return invoice_read(work->arena, command, &forecast->invoices[forecast->count++], err);
}

enum rc forecast_add_invoice(struct work *work, const struct uuid *tenant, const struct billing *billing, size_t *first,
                             struct utime at, struct forecast *forecast, struct error *err) {
  struct buf CLEANUP(buf_release) text;
  struct uuid id = uuid_new();
  size_t end = billing_invoice_end(billing, *first);
  if (forecast->count == FORECAST_INVOICES_MAX)
    return error_set(err, RC_CONFLICT, "the subscription has more than %d invoices to be made: start a run first",
                     FORECAST_INVOICES_MAX);
  buf_init(&text, BILLING_INVOICE_MAX);
  billing_write_invoice(&text, &billing->lines[*first], end - *first, db_uuid(work->arena, &id), NULL, at);
  forecast->last_at = at;
  *first = end;
  return read_invoice(work, tenant, &text, forecast, err);
}

enum rc forecast_add(struct work *work, const struct uuid *tenant, struct billing *billing, struct utime at,
                     struct forecast *forecast, struct error *err) {
  billing_order(billing);
  forecast->last_at = at;
  for (size_t first = 0; first < billing->count;)
    TRY(forecast_add_invoice(work, tenant, billing, &first, at, forecast, err));
  return RC_OK;
}

enum rc forecast_compute(struct work *work, struct forecast *forecast, struct error *err) {
  struct work then = *work;
  struct ground ground;
  then.now = forecast->last_at;
  if (forecast->count == 0) return RC_OK;
  TRY(ground_load(&then, forecast->invoices, forecast->count, GROUND_TO_PREVIEW, &ground, err));
  for (size_t i = 0; i < forecast->count; i++) TRY(invoice_compute(&then, &ground, forecast->invoices, i, err));
  return RC_OK;
}
