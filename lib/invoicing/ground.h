/* What a batch of invoices stands on: settings, tax rates, coupons, the lines that credits take back, account credit.
 * Loaded in one statement each, and only what the batch's tenants have any of. */
#ifndef INVOICING_GROUND_H
#define INVOICING_GROUND_H

#include "base/uuid_map.h"
#include "invoicing/invoice.h"
#include "runtime/runtime.h"

/* A tenant of the batch. */
struct settings {
  struct uuid tenant;
  enum tax_rounding tax_rounding;
  int64_t draft_hours;
  const char *country;
  bool has_rates, has_coupons, has_credit, has_drafts;
  struct tax_rule *rules;
  size_t rule_count;
};

/* A subscription's coupon. */
struct redeemed {
  const char *subscription_id, *coupon_id, *code, *plan_ids; /* plan_ids: separated by blanks; NULL: every plan's */
  const struct currency *currency;                           /* of a fixed amount, else NULL */
  int64_t percent_micro, amount_minor;
  int64_t from_period, periods; /* periods 0: for ever */
  struct uuid tenant;
};

/* What a fixed coupon has taken off the lines of one period. */
struct coupon_use {
  const struct redeemed *coupon;
  int64_t period_index, used_minor;
  int64_t drafted_minor; /* and drafts will, that are finalised before those of the batch; below zero: they give back */
  bool is_changed;
};

/* Account credit, oldest first within a customer and currency. New ones come of invoices below zero. */
struct grant {
  struct uuid tenant, id;
  const char *customer_id, *currency;
  int64_t amount_minor, remaining_minor;
  const char *source, *document_id;
  bool is_refundable; /* kept apart to be paid out */
  bool is_new, is_changed;
};

struct grant_use {
  struct grant *grant;
  const struct invoice *invoice;
  int64_t amount_minor;
};

struct ground {
  struct settings *settings;
  size_t settings_count;
  struct uuid_map *customers; /* id -> place in parties */
  struct tax_party *parties;
  struct redeemed *coupons; /* of one subscription together, in their order */
  size_t coupon_count;
  struct uuid_map *subscriptions; /* id -> the first of its coupons */
  struct coupon_use *uses;
  size_t use_count, use_capacity;
  struct grant *grants; /* room for one more of each invoice */
  size_t grant_count;
  struct grant_use *grant_uses; /* each ends a grant or settles an invoice: so many there can be */
  size_t grant_use_count;
};

/* To store what comes of it, fixed coupons and then account credit are locked; a preview locks nothing. */
enum ground_use { GROUND_TO_STORE, GROUND_TO_PREVIEW };

/* For the invoices of the batch that are not known. */
MUST_CHECK enum rc ground_load(struct work *work, struct invoice *invoices, size_t count, enum ground_use use,
                               struct ground *ret_ground, struct error *err);
/* BILL-071: one of billing that is new is a draft for as long as its tenant wants to look at it,
 * unless somebody waits for its payment. */
void invoice_begin(const struct ground *ground, struct invoice *invoice, struct utime now);
/* When it is decided which of them are drafts: a draft is shown as the preview of it was, with what those
 * before it, but for the batch's own, will take of fixed coupons. */
MUST_CHECK enum rc ground_load_drafted(struct work *work, const struct invoice *invoices, size_t count,
                                       struct ground *ground, struct error *err);
/* For a preview: account credit that comes up between two invoices, of which `spare` are still to be settled. What
 * earlier ones used is forgotten: nothing is going to be stored. */
void ground_add_grant(struct work *work, struct ground *ground, const struct grant *grant, size_t spare);
/* What fixed coupons have taken off by now, for the invoices to come. */
MUST_CHECK enum rc coupon_uses_save(struct work *work, const struct ground *ground, struct error *err);
/* Prepared by the workers that link this layer. */
extern const struct statement *const invoicing_sql_statements[];

const struct settings *settings_of(const struct ground *ground, const struct uuid *tenant);
struct coupon_use *coupon_use_of(struct work *work, struct ground *ground, const struct redeemed *coupon,
                                 int64_t period_index);

#endif
