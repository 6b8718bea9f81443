-- What fixed coupons have taken off so far. $1 uuid[] tenants, $2 uuid[] subscriptions, $3 uuid[] coupons; held. Result: place in
-- the arrays (from 0), period, used.
SELECT w.place - 1, u.period_index, u.used_minor
FROM unnest($1::uuid[], $2::uuid[], $3::uuid[]) WITH ORDINALITY AS w (tenant_id, subscription_id, coupon_id, place)
JOIN coupon_uses u USING (tenant_id, subscription_id, coupon_id);
