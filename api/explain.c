/* A line's price follows from its provenance; its discount and its tax from all lines of its invoice (BILL-040), so all
 * are loaded. Each of the three is computed again by lib/domain and compared; one that cannot be, or comes to something
 * else, is a fault of ours or of somebody who wrote in the database: it is shown, counted and logged. */
#include "explain.h"

#include <string.h>

#include "base/assert.h"
#include "bus/message.h"
#include "domain/invoice.h"
#include "domain/percent.h"
#include "explained.h"
#include "provenance.h"
#include "sql.h"

/* -- what is stored -- */

struct stored_line {
  int64_t listed_minor, listed_discount_minor, amount_minor, discount_minor, tax_minor;
  struct tax_rate rate;
  bool takes_back;
  json_t *discounts; /* an array, or NULL */
};

struct stored {
  struct arena *arena;
  const struct currency *currency;
  enum tax_rounding tax_rounding;
  struct stored_line *lines;
  size_t count, at;
  json_t *provenance;
  const char *head; /* the answer's JSON so far */
  struct tax_party customer;
  struct explained_rate *rate; /* the tenant's; NULL: none applies */
};

static void stored_release(struct stored *stored) {
  for (size_t i = 0; i < stored->count; i++) json_decref(stored->lines[i].discounts);
  json_decref(stored->provenance);
}

static enum rc unreadable(struct error *err, const char *what) {
  return error_set(err, RC_BUG, "a stored line's %s cannot be read", what);
}

/* Columns as in invoice_item_explain.sql. */
enum { IS_IT, LISTED, LISTED_DISCOUNT, AMOUNT, DISCOUNT, TAX, PERCENT, CATEGORY, INCLUSIVE, TAKES_BACK, DISCOUNTS };
enum { CURRENCY = DISCOUNTS + 1, ROUNDING, PROVENANCE, HEAD, TAX_CODE };
enum {
  RATE_CODE = TAX_CODE + 1,
  RATE_COUNTRY,
  RATE_REGION,
  RATE_TAX_CODE,
  RATE_PERCENT,
  RATE_CATEGORY,
  RATE_INCLUSIVE
};
enum { IS_OF_ORIGIN = RATE_INCLUSIVE + 1, BILL_COUNTRY, BILL_REGION };

static enum rc read_line(const PGresult *rows, int r, struct stored_line *line, struct error *err) {
  *line = (struct stored_line){
      .listed_minor = row_int(rows, r, LISTED),
      .listed_discount_minor = row_int(rows, r, LISTED_DISCOUNT),
      .amount_minor = row_int(rows, r, AMOUNT),
      .discount_minor = row_int(rows, r, DISCOUNT),
      .tax_minor = row_int(rows, r, TAX),
      .rate = {.percent_micro = row_int(rows, r, PERCENT), .is_inclusive = row_bool(rows, r, INCLUSIVE)},
      .takes_back = row_bool(rows, r, TAKES_BACK)};
  if (!tax_category_from_name(row_text(rows, r, CATEGORY), &line->rate.category)) return unreadable(err, "category");
  if (line->rate.percent_micro < 0 || line->rate.percent_micro > PERCENT_WHOLE) return unreadable(err, "tax rate");
  return row_is_null(rows, r, DISCOUNTS) ? RC_OK
                                         : explained_load_json(row_text(rows, r, DISCOUNTS), &line->discounts, err);
}

static enum rc read_rate(const PGresult *rows, int r, struct stored *stored, struct error *err) {
  struct arena *arena = stored->arena;
  if (row_is_null(rows, r, RATE_CODE)) return RC_OK;
  stored->customer = (struct tax_party){.country = row_text_copy(arena, rows, r, BILL_COUNTRY),
                                        .region = row_text_copy(arena, rows, r, BILL_REGION)};
  stored->rate = ARENA_ARRAY(arena, struct explained_rate, 1);
  bool is_of_place = !row_is_null(rows, r, BILL_COUNTRY) || row_is_null(rows, r, RATE_COUNTRY);
  *stored->rate =
      (struct explained_rate){.code = row_text_copy(arena, rows, r, RATE_CODE),
                              .rule = {.country = row_text_copy(arena, rows, r, RATE_COUNTRY),
                                       .region = row_text_copy(arena, rows, r, RATE_REGION),
                                       .tax_code = row_text_copy(arena, rows, r, RATE_TAX_CODE),
                                       .rate = {.percent_micro = row_int(rows, r, RATE_PERCENT),
                                                .is_inclusive = row_bool(rows, r, RATE_INCLUSIVE)}},
                              .customer = is_of_place && !row_bool(rows, r, IS_OF_ORIGIN) ? &stored->customer : NULL,
                              .tax_code = row_text_copy(arena, rows, r, TAX_CODE)};
  return tax_category_from_name(row_text(rows, r, RATE_CATEGORY), &stored->rate->rule.rate.category)
             ? RC_OK
             : unreadable(err, "tax rate's category");
}

static enum rc load(struct request *request, struct stored *stored, struct error *err) {
  PGresult CLEANUP(db_result_release) *rows = NULL;
  TRY(tx_exec(&request->tx, &sql_invoice_item_explain, PARAMS(request->params[0], request->params[1]), &rows, err));
  TRY(request_commit(request, err));
  if (row_count(rows) == 0) return error_set(err, RC_NOT_FOUND, NULL);
  if (row_count(rows) > INVOICE_LINES_MAX) return unreadable(err, "invoice");
  stored->arena = request->arena;
  stored->currency = currency_find(row_text(rows, 0, CURRENCY));
  stored->lines = ARENA_ARRAY(request->arena, struct stored_line, (size_t)row_count(rows));
  if (!stored->currency) return unreadable(err, "currency");
  if (!tax_rounding_from_name(row_text(rows, 0, ROUNDING), &stored->tax_rounding)) return unreadable(err, "rounding");
  for (int r = 0; r < row_count(rows); r++) {
    stored->count++;
    TRY(read_line(rows, r, &stored->lines[r], err));
    if (!row_bool(rows, r, IS_IT)) continue;
    stored->at = (size_t)r;
    stored->head = arena_strdup(request->arena, row_text(rows, r, HEAD));
    TRY(explained_load_json(row_text(rows, r, PROVENANCE), &stored->provenance, err));
    TRY(read_rate(rows, r, stored, err));
  }
  return RC_OK;
}

/* -- the three parts of a line -- */

static struct part explain_listed(const struct stored *stored) {
  struct part part = part_begin(stored->arena, stored->currency, "price", stored->lines[stored->at].listed_minor);
  struct error why;
  int64_t computed = 0;
  enum rc rc = provenance_explain(&part.steps, stored->provenance, &computed, &why);
  return part_end(part, rc, computed, &why);
}

/* A coupon of the invoice. It is noted, with its place among them, at every line that it was spread over. */
struct noted {
  int64_t step;
  bool *covered; /* a flag for each line */
  struct explained_coupon coupon;
};

/* In their order. */
struct coupons {
  struct noted *at;
  size_t count;
};

static enum rc read_coupon(json_t *row, const struct currency *currency, struct explained_coupon *coupon,
                           struct error *err) {
  const char *percent, *left;
  TRY(body_text(row, "code", &coupon->code, err));
  TRY(body_text(row, "percentOff", &percent, err));
  TRY(body_text(row, "left", &left, err));
  if (!coupon->code || !percent == !left) return error_set(err, RC_INVARIANT, "a coupon is noted without its amount");
  if (percent) TRY(percent_parse(percent, "percentOff", &coupon->coupon.percent_micro, err));
  if (left) TRY(money_parse(left, currency, "left", &coupon->coupon.amount_minor, err));
  if ((coupon->coupon.percent_micro == 0) != (coupon->coupon.amount_minor > 0))
    return error_set(err, RC_INVARIANT, "a coupon is noted with an amount that it cannot have");
  return RC_OK;
}

/* Where the coupon of this step is, or is to be, in the order of the steps. */
static enum rc note_coupon(const struct stored *stored, struct coupons *coupons, size_t most, json_t *row, size_t line,
                           struct error *err) {
  int64_t step;
  struct explained_coupon coupon = {0};
  TRY(body_int(row, "step", 1, INT32_MAX, 0, &step, err));
  TRY(read_coupon(row, stored->currency, &coupon, err));
  size_t at = 0;
  while (at < coupons->count && coupons->at[at].step < step) at++;
  if (at == coupons->count || coupons->at[at].step != step) {
    ASSERT(coupons->count < most);
    memmove(&coupons->at[at + 1], &coupons->at[at], (coupons->count++ - at) * sizeof *coupons->at);
    bool *covered = ARENA_ARRAY(stored->arena, bool, stored->count);
    coupon.is_covered = covered;
    coupons->at[at] = (struct noted){step, covered, coupon};
  }
  coupons->at[at].covered[line] = true;
  return RC_OK;
}

static enum rc read_coupons(const struct stored *stored, struct coupons *coupons, struct error *err) {
  size_t most = 0;
  for (size_t i = 0; i < stored->count; i++) most += json_array_size(stored->lines[i].discounts);
  coupons->at = ARENA_ARRAY(stored->arena, struct noted, most + 1);
  for (size_t i = 0; i < stored->count; i++) {
    size_t index;
    json_t *row;
    if (stored->lines[i].takes_back) continue;
    json_array_foreach(stored->lines[i].discounts, index, row) {
      TRY(note_coupon(stored, coupons, most, row, i, err));
    }
  }
  return RC_OK;
}

static enum rc discount_by_coupons(const struct stored *stored, struct explanation *steps, int64_t *ret_minor,
                                   struct error *err) {
  struct coupons coupons = {0};
  TRY(read_coupons(stored, &coupons, err));
  struct explained_coupon *in_order = ARENA_ARRAY(stored->arena, struct explained_coupon, coupons.count + 1);
  for (size_t c = 0; c < coupons.count; c++) in_order[c] = coupons.at[c].coupon;
  struct discountable *lines = ARENA_ARRAY(stored->arena, struct discountable, stored->count);
  for (size_t i = 0; i < stored->count; i++)
    lines[i] = (struct discountable){.amount_minor = stored->lines[i].listed_minor,
                                     .is_taken_back = stored->lines[i].takes_back};
  *ret_minor = explain_coupons(steps, in_order, coupons.count, lines, stored->count, stored->at);
  return RC_OK;
}

/* A credit brings the share of the discount that its line had (BILL-022). */
static enum rc discount_taken_back(const struct stored *stored, struct explanation *steps, int64_t *ret_minor,
                                   struct error *err) {
  const struct stored_line *line = &stored->lines[stored->at];
  json_t *row = json_array_get(line->discounts, 0);
  struct taken_back before = {0};
  const struct {
    const char *name;
    int64_t *minor;
  } members[] = {{"charged", &before.amount_minor},
                 {"discount", &before.discount_minor},
                 {"takenBefore", &before.taken_minor},
                 {"discountTakenBefore", &before.discount_taken_minor}};
  *ret_minor = 0;
  if (!row) return RC_OK; /* the line had none */
  for (size_t i = 0; i < sizeof members / sizeof *members; i++) {
    const char *text;
    TRY(body_text(row, members[i].name, &text, err));
    if (!text) return error_field(err, RC_INVARIANT, members[i].name, "is missing");
    TRY(money_parse(text, stored->currency, members[i].name, members[i].minor, err));
  }
  if (before.amount_minor == 0) return error_set(err, RC_INVARIANT, "nothing was charged that could be taken back");
  *ret_minor = explain_taken_back(steps, &before, -line->listed_minor);
  return RC_OK;
}

static struct part explain_discount(const struct stored *stored) {
  const struct stored_line *line = &stored->lines[stored->at];
  struct part part = part_begin(stored->arena, stored->currency, "discount", line->listed_discount_minor);
  struct error why;
  int64_t computed = 0;
  enum rc rc = line->takes_back ? discount_taken_back(stored, &part.steps, &computed, &why)
                                : discount_by_coupons(stored, &part.steps, &computed, &why);
  return part_end(part, rc, computed, &why);
}

static struct part explain_tax_of(const struct stored *stored) {
  const struct stored_line *line = &stored->lines[stored->at];
  struct part part = part_begin(stored->arena, stored->currency, "tax", line->tax_minor);
  struct taxable *lines = ARENA_ARRAY(stored->arena, struct taxable, stored->count), *own = &lines[stored->at];
  struct error why;
  for (size_t i = 0; i < stored->count; i++)
    lines[i] = (struct taxable){.rate = stored->lines[i].rate,
                                .listed_minor = stored->lines[i].listed_minor,
                                .listed_discount_minor = stored->lines[i].listed_discount_minor};
  enum rc rc = explain_tax(&part.steps, lines, stored->count, stored->at, stored->tax_rounding, stored->rate, &why);
  part = part_end(part, rc, own->tax_minor, &why);
  if (rc == RC_OK && (own->amount_minor != line->amount_minor || own->discount_minor != line->discount_minor)) {
    part.matches = false;
    part.problem = "the amounts without the tax come to something else";
  }
  return part;
}

enum rc explain_handle(struct request *request, struct response *response, struct error *err) {
  struct stored CLEANUP(stored_release) stored = {0};
  TRY(load(request, &stored, err));
  ASSERT(stored.lines && stored.provenance && stored.at < stored.count);
  const struct part parts[] = {explain_listed(&stored), explain_discount(&stored), explain_tax_of(&stored)};
  explained_answer(request, response, stored.head, parts, sizeof parts / sizeof *parts);
  return RC_OK;
}
