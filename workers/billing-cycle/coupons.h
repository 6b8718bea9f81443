/* Coupons of a new subscription (BILL-040): checked before anything is written, so that what is wrong is refused
 * cheaply; locked after the customer's billing, checked again, and redeemed with the rest. */
#ifndef BILLING_CYCLE_COUPONS_H
#define BILLING_CYCLE_COUPONS_H

#include "runtime/runtime.h"

enum { SUBSCRIPTION_COUPONS_MAX = 20 };

/* What coupons_check found; for coupons_redeem in the same transaction. */
struct redemption {
  const char *coupons; /* their ids in order, as an array's literal; NULL: none */
};

/* The codes in `body`'s member "coupons", if it has one. `plans`: the ids of the plans of the subscription's items. A
 * coupon that cannot be redeemed is refused naming "coupons[i]": unknown (RC_NOT_FOUND), of another currency or for
 * other plans (RC_VALIDATION), archived, past its date or used up (RC_CONFLICT). */
MUST_CHECK enum rc coupons_check(struct work *work, const struct uuid *tenant, json_t *body, const char *currency,
                                 struct db_array *plans, struct redemption *ret_redemption, struct error *err);
MUST_CHECK enum rc coupons_lock(struct work *work, const struct uuid *tenant, const struct redemption *redemption,
                                struct error *err);
/* from_period: the index of the first period that is billed. The subscription is stored already. */
MUST_CHECK enum rc coupons_redeem(struct work *work, const struct uuid *tenant, const char *subscription_id,
                                  int64_t from_period, const struct redemption *redemption, struct error *err);

#endif
