/* What a plan says at one version (BILL-035): how often it is billed, its prices, its features and limits. Made by
 * plan.create from nothing, by plan.update from what the current version says. */
#ifndef BILLING_CYCLE_PLAN_TERMS_H
#define BILLING_CYCLE_PLAN_TERMS_H

#include "domain/calendar.h"
#include "domain/price.h"
#include "runtime/runtime.h"

enum { PLAN_PRICES_MAX = 50 };

struct terms_price {
  const struct currency *currency;
  bool is_bare; /* a price, and no components of its own */
  int64_t amount_minor;
  const struct price_component *components; /* of a bare price, too */
  size_t component_count;
  int64_t setup_fee_minor, minimum_minor;
};

struct plan_terms {
  struct interval interval;
  const char *proration_basis;
  const char *features, *limits; /* JSON */
  const char *tier;
  struct terms_price prices[PLAN_PRICES_MAX]; /* the first is the plan's own */
  size_t price_count;
};

/* Changes *terms by what a body says; zeroed terms are a new plan's, to which a body must say all that is needed.
 * RC_VALIDATION by field. */
MUST_CHECK enum rc plan_terms_read(struct arena *arena, json_t *body, struct plan_terms *terms, struct error *err);

/* The current version's, from plan_lock.sql's columns, beginning with `column`. */
MUST_CHECK enum rc plan_terms_load(struct arena *arena, const PGresult *row, int column, struct plan_terms *ret_terms,
                                   struct error *err);

/* Whether both say the same. */
bool plan_terms_equal(struct arena *arena, const struct plan_terms *a, const struct plan_terms *b);

/* Writes a version, and makes it the plan's current one. */
MUST_CHECK enum rc plan_terms_insert(struct work *work, const struct message *command, int64_t plan_version,
                                     const struct plan_terms *terms, struct error *err);

#endif
