-- The first invoice of what never began is being withdrawn, and its coupons may be redeemed again as often as if it had never
-- been (its own go on to say what the invoice has). $1 tenant, $2 subscription, $3 now.
WITH forgotten AS (
  UPDATE subscriptions SET incomplete_until = NULL
  WHERE tenant_id = $1::uuid AND id = $2::uuid AND incomplete_until IS NOT NULL
  RETURNING tenant_id, id
)
UPDATE coupons c SET times_redeemed = times_redeemed - 1, updated_at = $3::timestamptz, version = c.version + 1
FROM forgotten f JOIN subscription_coupons r ON r.tenant_id = f.tenant_id AND r.subscription_id = f.id
WHERE c.tenant_id = r.tenant_id AND c.id = r.coupon_id;
