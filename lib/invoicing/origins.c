/* See origins.h. A line that several take back is asked about once; these share what is known of it. */
#include "invoicing/origins.h"

#include "base/assert.h"
#include "invoicing_sql.h"

struct asked {
  struct invoice_line **lines; /* that take something back; of those that take back the same, the first */
  const struct invoice **invoices;
  struct uuid_map *by_name; /* -> place */
  size_t count;
};

static struct uuid key_of(struct arena *arena, const struct invoice *invoice, const struct invoice_line *line) {
  const struct line_name *name = &line->credits;
  return UUID_DERIVE(db_uuid(arena, &invoice->tenant), line->subscription_id, name->component, name->kind,
                     db_int(arena, name->item), db_int(arena, name->period_index), db_int(arena, name->revision));
}

static size_t count_asking(const struct invoice *invoices, size_t count) {
  size_t asking = 0;
  for (size_t i = 0; i < count; i++)
    for (size_t n = 0; !invoices[i].is_known && n < invoices[i].line_count; n++)
      asking += invoices[i].lines[n].takes_back;
  return asking;
}

static struct asked gather(struct work *work, struct invoice *invoices, size_t count) {
  size_t most = count_asking(invoices, count), at;
  struct asked asked = {0};
  if (most == 0) return asked;
  asked.lines = ARENA_ARRAY(work->arena, struct invoice_line *, most);
  asked.invoices = ARENA_ARRAY(work->arena, const struct invoice *, most);
  asked.by_name = uuid_map_new(work->arena, most);
  for (size_t i = 0; i < count; i++) {
    for (size_t n = 0; !invoices[i].is_known && n < invoices[i].line_count; n++) {
      struct invoice_line *line = &invoices[i].lines[n];
      if (!line->takes_back) continue;
      struct uuid key = key_of(work->arena, &invoices[i], line);
      if (!uuid_map_add(asked.by_name, &key, asked.count, &at)) continue;
      asked.invoices[asked.count] = &invoices[i];
      asked.lines[asked.count++] = line;
    }
  }
  return asked;
}

/* What statements are asked by: tenants, subscriptions, names. */
enum { KEYS = 2 + LINE_NAME_COLUMNS };

static void write_keys(struct work *work, const struct asked *asked, const char *ret_params[static KEYS]) {
  struct db_array *tenants = db_array_new(work->arena), *subscriptions = db_array_new(work->arena);
  struct line_names names = line_names_new(work->arena);
  for (size_t i = 0; i < asked->count; i++) {
    db_array_uuid(tenants, &asked->invoices[i]->tenant);
    db_array_text(subscriptions, asked->lines[i]->subscription_id);
    line_names_add(&names, &asked->lines[i]->credits);
  }
  ret_params[0] = db_array_literal(tenants);
  ret_params[1] = db_array_literal(subscriptions);
  line_names_literals(&names, &ret_params[2]);
}

enum rc origins_find(struct work *work, struct invoice *invoices, size_t count, PGresult **ret_rows,
                     struct error *err) {
  struct asked asked = gather(work, invoices, count);
  const char *params[KEYS];
  if (asked.count == 0) return RC_OK;
  write_keys(work, &asked, params);
  return tx_exec(work->tx, &invoicing_sql_origins_find, params, KEYS, ret_rows, err);
}

/* Columns as in origins_load.sql. */
static enum rc read_origin(struct work *work, const PGresult *rows, int row, struct origin *origin, struct error *err) {
  origin->id = row_uuid(rows, row, 1);
  origin->charge = (struct taken_back){.amount_minor = row_int(rows, row, 2),
                                       .discount_minor = row_int(rows, row, 3),
                                       .taken_minor = row_int(rows, row, 4),
                                       .discount_taken_minor = row_int(rows, row, 5)};
  origin->rate.percent_micro = row_int(rows, row, 6);
  origin->rate.is_inclusive = row_bool(rows, row, 8);
  origin->discounts = row_text_copy(work->arena, rows, row, 9);
  if (!row_is_null(rows, row, 10)) origin->rate.id = row_uuid(rows, row, 10);
  origin->is_void = row_bool(rows, row, 11);
  origin->is_draft = row_bool(rows, row, 12);
  if (tax_category_from_name(row_text(rows, row, 7), &origin->rate.category)) return RC_OK;
  return error_set(err, RC_INVARIANT, "a line's tax category is unknown");
}

static void share(struct work *work, struct invoice *invoices, size_t count, const struct asked *asked) {
  for (size_t i = 0; i < count; i++) {
    for (size_t n = 0; !invoices[i].is_known && n < invoices[i].line_count; n++) {
      struct invoice_line *line = &invoices[i].lines[n];
      size_t at;
      if (!line->takes_back) continue;
      struct uuid key = key_of(work->arena, &invoices[i], line);
      bool found = uuid_map_find(asked->by_name, &key, &at);
      ASSERT(found);
      line->origin = asked->lines[at]->origin;
    }
  }
}

/* Whoever gives something back of an invoice holds its row, so that what is left of a line is known here for sure. In a
 * preview the batch may have drafts whose rows are there: they are computed anew, and their rows do not count. */
enum rc origins_load(struct work *work, struct invoice *invoices, size_t count, enum ground_use use,
                     struct error *err) {
  struct asked asked = gather(work, invoices, count);
  const char *params[KEYS + 1];
  PGresult CLEANUP(db_result_release) *rows = NULL;
  if (asked.count == 0) return RC_OK;
  write_keys(work, &asked, params);
  struct db_array *aside = db_array_new(work->arena);
  for (size_t i = 0; use == GROUND_TO_PREVIEW && i < count; i++) db_array_uuid(aside, &invoices[i].id);
  params[KEYS] = db_array_literal(aside);
  if (use == GROUND_TO_STORE) TRY(tx_exec(work->tx, &invoicing_sql_origins_hold, params, KEYS, NULL, err));
  TRY(tx_exec(work->tx, &invoicing_sql_origins_load, params, KEYS + 1, &rows, err));
  for (int r = 0; r < row_count(rows); r++) {
    struct origin *origin = ARENA_NEW(work->arena, struct origin);
    TRY(read_origin(work, rows, r, origin, err));
    asked.lines[row_int(rows, r, 0)]->origin = origin;
  }
  share(work, invoices, count, &asked);
  return RC_OK;
}
