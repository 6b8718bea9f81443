-- Holds the fixed coupons of subscriptions, so that what is left of one in a period is given once. $1 uuid[] tenants, $2
-- uuid[] subscriptions, $3 uuid[] coupons.
SELECT 1 FROM unnest($1::uuid[], $2::uuid[], $3::uuid[]) AS w (tenant_id, subscription_id, coupon_id)
JOIN subscription_coupons s USING (tenant_id, subscription_id, coupon_id)
ORDER BY s.tenant_id, s.subscription_id, s.position FOR UPDATE OF s;
