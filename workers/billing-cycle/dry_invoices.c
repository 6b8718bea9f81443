/* See dry_invoices.h. Some hundreds of invoices at a time, in an arena of their own: a slice may have missed years. */
#include "dry_invoices.h"

#include "base/uuid_map.h"
#include "forecast.h"
#include "invoicing/compute.h"

enum { CHUNK_ARENA_MAX = 256 * 1024 * 1024, CHUNK_LINES_MAX = 8192 };

struct making {
  const struct run *run;
  const struct slice *slice;
  struct uuid_map *by_id; /* subscription -> place in slice->due */
  struct arena *arena;    /* the slice's */
  struct dry_invoices *made;
};

static struct dry_amounts *amounts_of(const struct making *making, const struct invoice_line *line) {
  struct uuid id;
  size_t at;
  bool is_found = uuid_parse(line->subscription_id, &id) && uuid_map_find(making->by_id, &id, &at);
  return is_found ? &making->made->of[at] : NULL;
}

static struct dry_total *total_of(const struct making *making, const struct currency *currency) {
  struct dry_invoices *made = making->made;
  size_t at = 0; /* currencies in one slice are few */
  while (at < made->total_count && made->totals[at].currency != currency) at++;
  if (at == made->total_count) made->totals[made->total_count++] = (struct dry_total){.currency = currency};
  return &made->totals[at];
}

static void add_up(const struct making *making, const struct invoice *invoice) {
  struct dry_total *total = total_of(making, invoice->currency);
  total->invoices++;
  total->total_minor += invoice->total_minor;
  for (size_t n = 0; n < invoice->line_count; n++) {
    const struct invoice_line *line = &invoice->lines[n];
    struct dry_amounts *amounts = amounts_of(making, line);
    if (!amounts) continue;
    amounts->subtotal_minor += line->amount_minor;
    amounts->discount_minor += line->discount_minor;
    amounts->tax_minor += line->tax_minor;
  }
}

/* The real run would wait for its dead letter; here, whose it is, and why. */
static void note_failure(const struct making *making, const struct invoice *invoice, const struct error *why) {
  struct error *kept = ARENA_NEW(making->arena, struct error);
  *kept = *why;
  for (size_t n = 0; n < invoice->line_count; n++) {
    struct dry_amounts *amounts = amounts_of(making, &invoice->lines[n]);
    if (amounts) amounts->why = kept;
  }
}

/* A draft (BILL-071) uses nothing up. */
static enum rc compute(struct work *work, const struct making *making, struct invoice *invoices, size_t count,
                       struct error *err) {
  struct ground ground;
  TRY(ground_load(work, invoices, count, GROUND_TO_PREVIEW, &ground, err));
  for (size_t i = 0; i < count; i++) invoice_begin(&ground, &invoices[i], work->now);
  TRY(ground_load_drafted(work, invoices, count, &ground, err));
  for (size_t i = 0; i < count; i++) {
    struct error why;
    if (invoice_compute(work, &ground, invoices, i, &why) == RC_OK)
      add_up(making, &invoices[i]);
    else
      note_failure(making, &invoices[i], &why);
  }
  return coupon_uses_save(work, &ground, err);
}

static enum rc make_chunk(struct work *work, const struct making *making, size_t *first, struct error *err) {
  const struct billing *billing = &making->slice->billing;
  struct forecast CLEANUP(forecast_release) forecast = {.tenant = making->run->tenant};
  size_t begin = *first;
  while (*first < billing->count && forecast.count < FORECAST_INVOICES_MAX && *first - begin < CHUNK_LINES_MAX)
    TRY(forecast_add_invoice(work, billing, first, work->now, &forecast, err));
  return compute(work, making, forecast.invoices, forecast.count, err);
}

static enum rc make_all(struct work *work, const struct making *making, struct error *err) {
  struct work chunk = *work;
  struct arena CLEANUP(arena_release) arena;
  arena_init(&arena, CHUNK_ARENA_MAX);
  chunk.arena = &arena;
  for (size_t first = 0; first < making->slice->billing.count; arena_reset(&arena))
    TRY(make_chunk(&chunk, making, &first, err));
  return RC_OK;
}

enum rc dry_invoices_make(struct work *work, const struct run *run, const struct slice *slice,
                          struct dry_invoices *ret_invoices, struct error *err) {
  struct dry_invoices made = {.of = ARENA_ARRAY(work->arena, struct dry_amounts, slice->count),
                              .totals = ARENA_ARRAY(work->arena, struct dry_total, slice->count)};
  struct making making = {.run = run,
                          .slice = slice,
                          .by_id = uuid_map_new(work->arena, slice->count),
                          .arena = work->arena,
                          .made = &made};
  size_t ignored;
  for (size_t i = 0; i < slice->count; i++) uuid_map_add(making.by_id, &slice->due[i].id, i, &ignored);
  TRY(make_all(work, &making, err));
  *ret_invoices = made;
  return RC_OK;
}
