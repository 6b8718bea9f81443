/* See landing.h. A line keeps in its provenance what it is less by: there a true-up finds that of the credits, explain
 * the reason, and a draft, which is computed again when it is finalised, what it was before. */
#include "invoicing/landing.h"

#include <jansson.h>
#include <string.h>

#include "base/json_text.h"
#include "db/columns.h"
#include "invoicing_sql.h"

enum { PROVENANCE_MAX = 64 * 1024 };

static const char UNCREDITED[] = "uncredited", ASKED[] = "asked"; /* money */

/* -- provenance -- */

static json_t *provenance_read(const struct invoice_line *line) {
  struct error ignored;
  json_t *body;
  return body_parse(line->provenance, strlen(line->provenance), &body, &ignored) == RC_OK ? body : NULL;
}

static int64_t money_in(json_t *provenance, const struct currency *currency, const char *member) {
  const char *text = json_string_value(json_object_get(provenance, member));
  struct error ignored;
  int64_t minor = 0;
  return text && money_parse(text, currency, member, &minor, &ignored) == RC_OK ? minor : 0;
}

static int64_t uncredited_of(const struct invoice_line *line, const struct currency *currency) {
  json_auto_t *provenance = provenance_read(line);
  return money_in(provenance, currency, UNCREDITED);
}

/* The amount, and why it is that. `left` may be NULL. */
static void set_amount(struct arena *arena, const struct currency *currency, struct invoice_line *line,
                       int64_t amount_minor, int64_t uncredited_minor, const char *left) {
  json_auto_t *body = provenance_read(line);
  struct buf CLEANUP(buf_release) text;
  char money[MONEY_TEXT_MAX];
  line->listed_minor = amount_minor;
  line->unit_price = arena_strdup(arena, money_format(amount_minor, currency, money));
  json_object_set_new(body, UNCREDITED, json_string(money_format(uncredited_minor, currency, money)));
  if (left) json_object_set_new(json_object_get(body, "change"), "left", json_string(left));
  buf_init(&text, PROVENANCE_MAX);
  if (body) body_write(body, &text);
  if (body && buf_ok(&text)) line->provenance = arena_strdup(arena, buf_text(&text));
}

/* -- credits -- */

void landing_credit(struct arena *arena, const struct currency *currency, struct invoice_line *line) {
  const struct taken_back *charge = &line->origin->charge;
  int64_t left = line->origin->is_void ? 0 : charge->amount_minor - charge->taken_minor;
  char money[MONEY_TEXT_MAX];
  if (left < 0) left = 0;
  int64_t over = -line->listed_minor - left;
  if (over <= 0) return;
  set_amount(arena, currency, line, -left, uncredited_of(line, currency) + over, money_format(left, currency, money));
}

/* -- true-ups -- */

static bool is_true_up(const struct invoice_line *line) {
  return line->subscription_id && strcmp(line->kind, "fee") == 0 && strcmp(line->component, "minimum") == 0;
}

static void read_true_up(struct arena *arena, const struct currency *currency, struct invoice_line *line) {
  json_auto_t *provenance = provenance_read(line);
  line->true_up = ARENA_NEW(arena, struct true_up);
  *line->true_up = (struct true_up){.asked_minor = money_in(provenance, currency, ASKED),
                                    .after_revision = json_integer_value(json_object_get(provenance, "creditsAfter")),
                                    .last_revision = line->revision > 0 ? line->revision : INT32_MAX,
                                    .taken_off_minor = money_in(provenance, currency, UNCREDITED)};
}

struct asked {
  struct invoice_line *line;
  const struct invoice *invoice;
};

static size_t count_true_ups(const struct invoice *invoices, size_t count) {
  size_t true_ups = 0;
  for (size_t i = 0; i < count; i++)
    for (size_t n = 0; !invoices[i].is_known && n < invoices[i].line_count; n++)
      true_ups += is_true_up(&invoices[i].lines[n]);
  return true_ups;
}

static struct asked *gather(struct arena *arena, struct invoice *invoices, size_t count, size_t true_ups) {
  struct asked *asked = ARENA_ARRAY(arena, struct asked, true_ups), *next = asked;
  for (size_t i = 0; i < count; i++)
    for (size_t n = 0; !invoices[i].is_known && n < invoices[i].line_count; n++)
      if (is_true_up(&invoices[i].lines[n])) *next++ = (struct asked){&invoices[i].lines[n], &invoices[i]};
  return asked;
}

/* What uncredited_load.sql is asked by. */
enum { TENANT, SUBSCRIPTION, PERIOD, AFTER, LAST, ASIDE, COLUMNS };

static void ask(struct db_array *const *columns, const struct asked *asked) {
  const struct invoice_line *line = asked->line;
  db_array_uuid(columns[TENANT], &asked->invoice->tenant);
  db_array_text(columns[SUBSCRIPTION], line->subscription_id);
  db_array_int(columns[PERIOD], line->period_index);
  db_array_int(columns[AFTER], line->true_up->after_revision);
  db_array_int(columns[LAST], line->true_up->last_revision);
}

enum rc landing_load(struct work *work, struct invoice *invoices, size_t count, enum ground_use use,
                     struct error *err) {
  size_t asked_count = count_true_ups(invoices, count);
  struct db_array *columns[COLUMNS];
  const char *params[COLUMNS];
  PGresult CLEANUP(db_result_release) *rows = NULL;
  if (asked_count == 0) return RC_OK;
  struct asked *asked = gather(work->arena, invoices, count, asked_count);
  db_arrays_new(work->arena, columns, COLUMNS);
  for (size_t a = 0; a < asked_count; a++) {
    read_true_up(work->arena, asked[a].invoice->currency, asked[a].line);
    ask(columns, &asked[a]);
  }
  for (size_t i = 0; use == GROUND_TO_PREVIEW && i < count; i++) db_array_uuid(columns[ASIDE], &invoices[i].id);
  db_arrays_literals(columns, COLUMNS, params);
  TRY(tx_exec(work->tx, &invoicing_sql_uncredited_load, params, COLUMNS, &rows, err));
  for (int r = 0; r < row_count(rows); r++) {
    const struct asked *at = &asked[row_int(rows, r, 0)];
    TRY(money_parse(row_text(rows, r, 1), at->invoice->currency, UNCREDITED, &at->line->true_up->uncredited_minor,
                    err));
  }
  return RC_OK;
}

static bool counts_for(const struct invoice_line *credit, const struct invoice_line *true_up) {
  return credit->takes_back && credit->period_index == true_up->period_index &&
         credit->revision > true_up->true_up->after_revision && credit->revision <= true_up->true_up->last_revision &&
         strcmp(credit->subscription_id, true_up->subscription_id) == 0;
}

/* By credits of the batch, which are stored nowhere yet. */
static int64_t uncredited_here(const struct invoice *invoices, size_t end, const struct invoice_line *true_up) {
  int64_t sum = 0;
  for (size_t i = 0; i < end; i++) {
    for (size_t n = 0; !invoices[i].is_known && n < invoices[i].line_count; n++) {
      const struct invoice_line *line = &invoices[i].lines[n];
      if (counts_for(line, true_up)) sum += uncredited_of(line, invoices[i].currency);
    }
  }
  return sum;
}

/* A true-up gives nothing back. */
void landing_true_ups(struct arena *arena, struct invoice *invoices, size_t at) {
  const struct currency *currency = invoices[at].currency;
  for (size_t n = 0; n < invoices[at].line_count; n++) {
    struct invoice_line *line = &invoices[at].lines[n];
    if (!line->true_up) continue;
    int64_t off = line->true_up->uncredited_minor + uncredited_here(invoices, at + 1, line);
    int64_t rest = line->true_up->asked_minor > off ? line->true_up->asked_minor - off : 0;
    if (off != line->true_up->taken_off_minor) set_amount(arena, currency, line, rest, off, NULL);
  }
}
