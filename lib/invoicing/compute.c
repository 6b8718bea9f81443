/* The order of BILL-040. A credit for unused time comes first: it takes back its share of the discount and the rate of
 * the line that it credits (BILL-022), and what it takes back of a fixed coupon can be given to the new charge. */
#include "invoicing/compute.h"

#include <jansson.h>
#include <string.h>

#include "base/assert.h"
#include "base/json_text.h"
#include "domain/apportion.h"
#include "domain/discount.h"
#include "domain/percent.h"
#include "invoicing/landing.h"

enum { DISCOUNTS_MAX = 16 * 1024 };

/* -- what is taken back -- */

/* The line may be in the same batch, not stored yet: on one of the invoices from `first` to before `end`. */
static struct origin *find_in_batch(struct work *work, struct invoice *invoices, size_t first, size_t end,
                                    const struct invoice_line *credit) {
  for (size_t i = first; i < end; i++) {
    for (size_t n = 0; !invoices[i].is_known && n < invoices[i].line_count; n++) {
      struct invoice_line *line = &invoices[i].lines[n];
      if (!line->subscription_id || strcmp(line->subscription_id, credit->subscription_id) != 0 ||
          !line_is_named(line, &credit->credits))
        continue;
      if (line->origin) return line->origin; /* another credit of the batch has asked already */
      struct origin *origin = ARENA_NEW(work->arena, struct origin);
      *origin =
          (struct origin){.id = line->id,
                          .charge = {.amount_minor = line->listed_minor, .discount_minor = line->listed_discount_minor},
                          .rate = line->rate,
                          .discounts = line->discounts};
      line->origin = origin;
      return origin;
    }
  }
  return NULL;
}

static bool is_covered(const struct redeemed *coupon, const struct invoice_line *line) {
  if (line->takes_back || !line->subscription_id || strcmp(coupon->subscription_id, line->subscription_id) != 0)
    return false;
  if (strcmp(line->kind, "credit") == 0 || strcmp(line->kind, "discount") == 0) return false;
  if (line->period_index < coupon->from_period) return false;
  if (coupon->periods > 0 && line->period_index >= coupon->from_period + coupon->periods) return false;
  return !coupon->plan_ids || (line->plan_id && strstr(coupon->plan_ids, line->plan_id));
}

/* What a fixed coupon gave to the line comes back to its period, in the proportion in which it is taken back. */
static void give_back_uses(struct work *work, struct ground *ground, const struct invoice_line *credit,
                           int64_t share_minor) {
  const struct origin *origin = credit->origin;
  json_t *discounts = origin->discounts ? json_loads(origin->discounts, 0, NULL) : NULL, *row;
  size_t index;
  json_array_foreach(discounts, index, row) {
    const char *id = json_string_value(json_object_get(row, "couponId"));
    int64_t minor = json_integer_value(json_object_get(row, "minor"));
    for (size_t c = 0; id && c < ground->coupon_count; c++) {
      const struct redeemed *coupon = &ground->coupons[c];
      if (coupon->percent_micro > 0 || strcmp(coupon->coupon_id, id) != 0 ||
          strcmp(coupon->subscription_id, credit->subscription_id) != 0)
        continue;
      struct coupon_use *use = coupon_use_of(work, ground, coupon, credit->credits.period_index);
      int64_t back = apportion_next(minor, origin->charge.discount_minor, 0, share_minor, 0);
      use->used_minor = use->used_minor > back ? use->used_minor - back : 0;
      use->is_changed = true;
    }
  }
  json_decref(discounts);
}

/* BILL-025: the line that was taken back, as it was before. */
static const char *taken_back_json(struct arena *arena, const struct taken_back *charge,
                                   const struct currency *currency) {
  const struct {
    const char *name;
    int64_t minor;
  } members[] = {{"charged", charge->amount_minor},
                 {"discount", charge->discount_minor},
                 {"takenBefore", charge->taken_minor},
                 {"discountTakenBefore", charge->discount_taken_minor}};
  struct buf CLEANUP(buf_release) text;
  struct json_writer json;
  char money[MONEY_TEXT_MAX];
  buf_init(&text, DISCOUNTS_MAX);
  json_writer_init(&json, &text);
  json_put_array(&json, NULL);
  json_put_object(&json, NULL);
  for (size_t i = 0; i < sizeof members / sizeof *members; i++)
    json_put_string(&json, members[i].name, money_format(members[i].minor, currency, money));
  json_put_end(&json);
  json_put_end(&json);
  return arena_strdup(arena, buf_text(&text));
}

/* BILL-022: several credits on one line never exceed it, nor its discount. */
static void take_back(struct work *work, struct ground *ground, const struct invoice *invoice,
                      struct invoice_line *line) {
  struct origin *origin = line->origin;
  line->rate = origin->rate;
  landing_credit(work->arena, invoice->currency, line);
  struct taken_back before = origin->charge;
  int64_t share = discount_take_back(&origin->charge, -line->listed_minor);
  line->listed_discount_minor = -share;
  if (before.discount_minor != 0) line->discounts = taken_back_json(work->arena, &before, invoice->currency);
  if (share > 0) give_back_uses(work, ground, line, share);
}

static void take_back_earlier(struct work *work, struct ground *ground, struct invoice *invoices, size_t at) {
  for (size_t n = 0; n < invoices[at].line_count; n++) {
    struct invoice_line *line = &invoices[at].lines[n];
    if (!line->takes_back) continue;
    if (!line->origin) line->origin = find_in_batch(work, invoices, 0, at, line);
    if (line->origin) take_back(work, ground, &invoices[at], line);
  }
}

/* Two changes that wait for one invoice: the second takes back what the first charged, once that has its discount. */
static void take_back_within(struct work *work, struct ground *ground, struct invoice *invoices, size_t at) {
  for (size_t n = 0; n < invoices[at].line_count; n++) {
    struct invoice_line *line = &invoices[at].lines[n];
    if (!line->takes_back || line->origin) continue;
    line->origin = find_in_batch(work, invoices, at, at + 1, line);
    if (line->origin) take_back(work, ground, &invoices[at], line);
  }
}

/* -- coupons -- */

struct discounting {
  struct work *work;
  struct ground *ground;
  struct invoice *invoice;
  struct discountable lines[INVOICE_LINES_MAX];
  int64_t coupons_applied; /* on this invoice, one after the other */
  struct buf *notes;       /* for each line, the shares of coupons as JSON */
};

/* BILL-025: enough to apply the coupon again. A fixed coupon had `what` left to give. */
static void note_share(struct discounting *at, size_t n, const struct redeemed *coupon, const struct coupon *what,
                       int64_t share_minor) {
  char percent[PERCENT_TEXT_MAX], money[MONEY_TEXT_MAX];
  const struct currency *currency = at->invoice->currency;
  struct buf *notes = &at->notes[n];
  struct json_writer json;
  if (notes->max == 0) buf_init(notes, DISCOUNTS_MAX);
  buf_text_append(notes, notes->length ? "," : "[");
  json_writer_init(&json, notes);
  json_put_object(&json, NULL);
  json_put_string(&json, "couponId", coupon->coupon_id);
  json_put_string(&json, "code", coupon->code);
  if (coupon->percent_micro)
    json_put_string(&json, "percentOff", percent_format(coupon->percent_micro, percent));
  else
    json_put_string(&json, "amountOff", money_format(coupon->amount_minor, currency, money));
  if (!coupon->percent_micro) json_put_string(&json, "left", money_format(what->amount_minor, currency, money));
  json_put_int(&json, "step", at->coupons_applied);
  json_put_string(&json, "amount", money_format(share_minor, currency, money));
  json_put_int(&json, "minor", share_minor);
  json_put_end(&json);
}

static void apply(struct discounting *at, const struct redeemed *coupon, const struct coupon *what) {
  coupon_apply(what, at->lines, at->invoice->line_count);
  at->coupons_applied++;
  for (size_t n = 0; n < at->invoice->line_count; n++) {
    const struct discountable *line = &at->lines[n];
    if (line->share_minor > 0 || (line->is_covered && line->amount_minor > line->discount_minor))
      note_share(at, n, coupon, what, line->share_minor);
  }
}

/* A fixed coupon gives its amount once in each period of the subscription. */
static void apply_fixed(struct discounting *at, const struct redeemed *coupon, int64_t period_index) {
  struct invoice *invoice = at->invoice;
  struct coupon_use *use = coupon_use_of(at->work, at->ground, coupon, period_index);
  struct coupon what = {.amount_minor = coupon->amount_minor - use->used_minor};
  if (what.amount_minor <= 0) return;
  for (size_t n = 0; n < invoice->line_count; n++)
    at->lines[n].is_covered = is_covered(coupon, &invoice->lines[n]) && invoice->lines[n].period_index == period_index;
  apply(at, coupon, &what);
  for (size_t n = 0; n < invoice->line_count; n++) use->used_minor += at->lines[n].share_minor;
  use->is_changed = true;
}

static bool is_first_of_its_period(const struct redeemed *coupon, const struct invoice *invoice, size_t n) {
  if (!is_covered(coupon, &invoice->lines[n])) return false;
  for (size_t k = 0; k < n; k++)
    if (is_covered(coupon, &invoice->lines[k]) && invoice->lines[k].period_index == invoice->lines[n].period_index)
      return false;
  return true;
}

static void apply_coupon(struct discounting *at, const struct redeemed *coupon) {
  struct invoice *invoice = at->invoice;
  bool covers = false;
  if (coupon->currency && coupon->currency != invoice->currency) return; /* BILL-005 */
  if (coupon->percent_micro == 0) {
    for (size_t n = 0; n < invoice->line_count; n++)
      if (is_first_of_its_period(coupon, invoice, n)) apply_fixed(at, coupon, invoice->lines[n].period_index);
    return;
  }
  for (size_t n = 0; n < invoice->line_count; n++) {
    at->lines[n].is_covered = is_covered(coupon, &invoice->lines[n]);
    covers = covers || at->lines[n].is_covered;
  }
  if (covers) apply(at, coupon, &(struct coupon){.percent_micro = coupon->percent_micro});
}

static const struct redeemed *first_coupon(const struct ground *ground, const char *subscription_id) {
  struct uuid id;
  size_t at;
  if (!uuid_parse(subscription_id, &id) || !uuid_map_find(ground->subscriptions, &id, &at)) return NULL;
  return &ground->coupons[at];
}

static bool is_first_of_its_subscription(const struct invoice *invoice, size_t n) {
  const char *subscription = invoice->lines[n].subscription_id;
  for (size_t k = 0; subscription && k < n; k++)
    if (invoice->lines[k].subscription_id && strcmp(invoice->lines[k].subscription_id, subscription) == 0) return false;
  return subscription != NULL;
}

static void discount(struct work *work, struct ground *ground, struct invoice *invoice) {
  if (ground->coupon_count == 0) return;
  struct discounting at = {.work = work, .ground = ground, .invoice = invoice};
  at.notes = ARENA_ARRAY(work->arena, struct buf, invoice->line_count);
  for (size_t n = 0; n < invoice->line_count; n++)
    at.lines[n] = (struct discountable){.amount_minor = invoice->lines[n].listed_minor,
                                        .discount_minor = invoice->lines[n].listed_discount_minor,
                                        .is_taken_back = invoice->lines[n].takes_back};
  const struct redeemed *end = ground->coupons + ground->coupon_count;
  for (size_t n = 0; n < invoice->line_count; n++) {
    if (!is_first_of_its_subscription(invoice, n)) continue;
    const char *subscription = invoice->lines[n].subscription_id;
    for (const struct redeemed *c = first_coupon(ground, subscription);
         c && c < end && strcmp(c->subscription_id, subscription) == 0; c++)
      apply_coupon(&at, c);
  }
  for (size_t n = 0; n < invoice->line_count; n++) {
    invoice->lines[n].listed_discount_minor = at.lines[n].discount_minor;
    if (at.notes[n].length > 0) invoice->lines[n].discounts = arena_printf(work->arena, "%s]", buf_text(&at.notes[n]));
    buf_release(&at.notes[n]);
  }
}

/* -- tax -- */

static struct tax_rate rate_of(const struct ground *ground, const struct invoice *invoice,
                               const struct invoice_line *line) {
  const struct settings *settings = settings_of(ground, &invoice->tenant);
  struct uuid customer;
  size_t at;
  if (!settings->has_rates) return (struct tax_rate){.category = TAX_ZERO};
  bool parsed = uuid_parse(invoice->customer_id, &customer), found = uuid_map_find(ground->customers, &customer, &at);
  if (!parsed || !found)
    return (struct tax_rate){.category = TAX_ZERO}; /* invoices_insert.sql says that it is missing */
  return tax_choose(settings->rules, settings->rule_count, &ground->parties[at], settings->country, line->tax_code);
}

/* What takes back a line has that line's rate. */
static void choose_rates(const struct ground *ground, struct invoice *invoice) {
  for (size_t n = 0; n < invoice->line_count; n++)
    if (!invoice->lines[n].origin) invoice->lines[n].rate = rate_of(ground, invoice, &invoice->lines[n]);
}

static enum rc tax(struct work *work, struct invoice *invoice, struct error *err) {
  struct taxable *lines = ARENA_ARRAY(work->arena, struct taxable, invoice->line_count);
  for (size_t n = 0; n < invoice->line_count; n++) {
    struct invoice_line *line = &invoice->lines[n];
    lines[n] = (struct taxable){
        .rate = line->rate, .listed_minor = line->listed_minor, .listed_discount_minor = line->listed_discount_minor};
  }
  TRY(tax_compute(lines, invoice->line_count, invoice->tax_rounding, err));
  for (size_t n = 0; n < invoice->line_count; n++) {
    invoice->lines[n].amount_minor = lines[n].amount_minor;
    invoice->lines[n].discount_minor = lines[n].discount_minor;
    invoice->lines[n].tax_minor = lines[n].tax_minor;
  }
  return RC_OK;
}

/* tax_compute has checked that the sums fit. */
static void sum_up(struct invoice *invoice) {
  invoice->subtotal_minor = invoice->discount_minor = invoice->tax_minor = 0;
  for (size_t n = 0; n < invoice->line_count; n++) {
    invoice->subtotal_minor += invoice->lines[n].amount_minor;
    invoice->discount_minor += invoice->lines[n].discount_minor;
    invoice->tax_minor += invoice->lines[n].tax_minor;
  }
  invoice->total_minor = invoice->subtotal_minor - invoice->discount_minor + invoice->tax_minor;
}

/* -- account credit -- */

static bool may_use(const struct grant *grant, const struct invoice *invoice) {
  return uuid_equal(&grant->tenant, &invoice->tenant) && strcmp(grant->customer_id, invoice->customer_id) == 0 &&
         strcmp(grant->currency, invoice->currency->code) == 0;
}

static void use_credit(struct ground *ground, struct invoice *invoice) {
  for (size_t g = 0; g < ground->grant_count && invoice_due(invoice) > 0; g++) {
    struct grant *grant = &ground->grants[g];
    int64_t used;
    if (!may_use(grant, invoice)) continue;
    if (credit_apply(invoice_due(invoice), &grant->remaining_minor, 1, &used) == 0) continue;
    grant->remaining_minor -= used;
    grant->is_changed = true;
    invoice->credit_applied_minor += used;
    ground->grant_uses[ground->grant_use_count++] =
        (struct grant_use){.grant = grant, .invoice = invoice, .amount_minor = used};
  }
}

/* An invoice below zero becomes account credit. */
static void grant_credit(struct ground *ground, const struct invoice *invoice) {
  ground->grants[ground->grant_count++] = (struct grant){.tenant = invoice->tenant,
                                                         .id = uuid_new(),
                                                         .customer_id = invoice->customer_id,
                                                         .currency = invoice->currency->code,
                                                         .amount_minor = -invoice->total_minor,
                                                         .remaining_minor = -invoice->total_minor,
                                                         .source = "invoice",
                                                         .document_id = invoice->id_text,
                                                         .is_new = true};
}

enum rc invoice_compute_amounts(struct work *work, struct ground *ground, struct invoice *invoices, size_t at,
                                struct error *err) {
  struct invoice *invoice = &invoices[at];
  invoice->tax_rounding = settings_of(ground, &invoice->tenant)->tax_rounding;
  take_back_earlier(work, ground, invoices, at);
  landing_true_ups(work->arena, invoices, at);
  choose_rates(ground, invoice);
  discount(work, ground, invoice);
  take_back_within(work, ground, invoices, at);
  TRY(tax(work, invoice, err));
  sum_up(invoice);
  return RC_OK;
}

void invoice_settle(struct ground *ground, struct invoice *invoice) {
  if (invoice->total_minor > 0) use_credit(ground, invoice);
  if (invoice->total_minor < 0) grant_credit(ground, invoice);
}

/* A draft uses up nothing yet: what it will is for the drafts that come after it. */
static enum rc compute_draft(struct work *work, struct ground *ground, struct invoice *invoices, size_t at,
                             struct error *err) {
  size_t before_count = ground->use_count;
  struct coupon_use *before = ARENA_ARRAY(work->arena, struct coupon_use, before_count + 1);
  for (size_t i = 0; i < before_count; i++) {
    before[i] = ground->uses[i];
    ground->uses[i].used_minor += before[i].drafted_minor;
    if (ground->uses[i].used_minor < 0) ground->uses[i].used_minor = 0;
  }
  TRY(invoice_compute_amounts(work, ground, invoices, at, err));
  for (size_t i = 0; i < ground->use_count; i++) {
    struct coupon_use *use = &ground->uses[i];
    int64_t used = i < before_count ? before[i].used_minor : 0;
    use->drafted_minor = use->used_minor - used;
    use->used_minor = used;
    use->is_changed = i < before_count && before[i].is_changed;
  }
  return RC_OK;
}

enum rc invoice_compute(struct work *work, struct ground *ground, struct invoice *invoices, size_t at,
                        struct error *err) {
  if (invoices[at].is_draft) return compute_draft(work, ground, invoices, at, err);
  TRY(invoice_compute_amounts(work, ground, invoices, at, err));
  invoice_settle(ground, &invoices[at]);
  return RC_OK;
}
