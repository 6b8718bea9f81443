/* What somebody asks to be changed about a subscription (BILL-052), and what it comes to: the state that it will be in.
 * Used by change-plan, by its preview, and, from the row that a change at period end leaves, by the boundary. */
#ifndef BILLING_CYCLE_CHANGE_REQUEST_H
#define BILLING_CYCLE_CHANGE_REQUEST_H

#include "billables.h"
#include "change.h"

enum { CHANGE_ITEMS_MAX = 20 };
#define CHANGE_QUANTITY_MAX INT64_C(1000000000)

/* NULL, or not there: it stays as it is. */
struct change_item {
  const char *plan; /* id or code */
  int64_t version;  /* 0: the current one */
  struct quantity quantity;
  const char *field; /* what an error names */
};

/* BILL-035: what has this version of a plan by then gets another one, and stays the item that it is. */
struct version_move {
  const char *plan_id;
  int64_t from, to;
};

struct change_request {
  const char *plan;
  int64_t plan_version;
  bool has_quantity, has_items;
  struct quantity quantity;
  struct change_item items[CHANGE_ITEMS_MAX]; /* the whole list of add-ons */
  size_t item_count;
  const struct version_move *moves;
  size_t move_count;
  const char *billing_cycle;
  const char *when, *billing; /* "now", "period_end"; "now", "next_invoice"; NULL: by default */
  bool prorate;
  bool accepts_deprecated; /* it was asked for before the plan was deprecated */
};
MUST_CHECK enum rc change_request_read(struct arena *arena, json_t *body, struct change_request *ret_request,
                                       struct error *err);

/* What the subscription will consist of. */
struct change_target {
  struct billed_item *items;
  size_t item_count;
  struct interval interval;
  bool is_other_plan; /* item 0 is another plan, or another version of it: an override ends */
};

/* Looks the plans up, in the subscription's currency. Unknown ones are RC_NOT_FOUND; what has no price in the currency,
 * is deprecated, or is billed in another interval than the plan, is RC_CONFLICT naming the field. The first period of
 * new add-ons is `from_index`. */
MUST_CHECK enum rc change_target_find(struct work *work, const struct uuid *tenant, const struct billable *subscription,
                                      const struct change_request *request, int64_t from_index,
                                      struct change_target *ret_target, struct error *err);

/* The subscription in its new state, on the same grid. */
void change_target_apply(const struct change_target *target, struct billable *subscription);
bool change_target_has_other_interval(const struct change_target *target, const struct billable *subscription);

/* Stores plan, price, grid and items of a subscription whose target was applied. */
MUST_CHECK enum rc change_target_store(struct work *work, const struct uuid *tenant,
                                       const struct billable *subscription, const struct change_target *target,
                                       struct error *err);

#endif
