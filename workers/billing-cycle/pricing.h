/* What the items of a subscription cost: each item's plan, at the version that the subscription has, in its currency. A
 * plain subscription (one bare price; see subscriptions.is_plain) says it all in its row; for the others the catalogue
 * is asked once for a batch, and each version is read once. */
#ifndef BILLING_CYCLE_PRICING_H
#define BILLING_CYCLE_PRICING_H

#include "domain/price.h"
#include "domain/proration.h"
#include "runtime/runtime.h"

/* A plan's version in one currency. All of it is borrowed from the arena. */
struct plan_price {
  const char *plan_id, *code, *name;
  int64_t version;
  const struct price_component *components;
  size_t component_count;
  bool is_bare; /* the one component is a bare price */
  int64_t bare_minor;
  int64_t setup_fee_minor; /* BILL-030: charged with the first period */
  int64_t minimum_minor;   /* of a period's recurring charges of the subscription; of item 0's plan */
  enum proration_basis basis;
};

/* One of the things that a subscription consists of: 0 is its own plan, the others are add-ons. */
struct billed_item {
  int64_t number;
  const struct plan_price *price;
  struct quantity quantity;
  int64_t added_index; /* the first period that it is charged for */
};

/* A bare price, or an override of one: a component {base, per unit, in advance} (BILL-030). */
struct price_component pricing_bare(int64_t price_minor, const struct currency *currency);

/* One bare price in advance, by the day, without fee or minimum: nothing that the subscription's row does not say. */
bool pricing_is_plain(const struct plan_price *price);

/* The columns of plan_billing from the proration basis on, which begin at `column`. */
MUST_CHECK enum rc pricing_read(struct arena *arena, const PGresult *rows, int row, int column,
                                const struct currency *currency, struct plan_price *plan, struct error *err);

/* Versions of plans in currencies, as a batch comes to need them. */
struct pricing_key {
  const char *plan_id;
  int64_t version;
  const struct currency *currency;
};

struct pricing {
  struct pricing_key *keys;
  struct plan_price **prices; /* NULL: the catalogue has none, or one that cannot be read */
  size_t count, capacity;
};

void pricing_want(struct arena *arena, struct pricing *pricing, const struct pricing_key *key);
MUST_CHECK enum rc pricing_load(struct work *work, const struct uuid *tenant, struct pricing *pricing,
                                struct error *err);
/* RC_INVARIANT when the catalogue has none that can be read. */
MUST_CHECK enum rc pricing_find(const struct pricing *pricing, const struct pricing_key *key,
                                const struct plan_price **ret_price, struct error *err);

#endif
