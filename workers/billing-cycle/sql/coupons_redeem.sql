-- A new subscription's coupons, which the transaction has locked. $1 tenant, $2 subscription, $3 uuid[] coupons in their
-- order, $4 the first period that they cover, $5 now.
WITH counted AS (
  UPDATE coupons SET times_redeemed = times_redeemed + 1, updated_at = $5::timestamptz, version = version + 1
  WHERE tenant_id = $1::uuid AND id = ANY ($3::uuid[])
  RETURNING id, duration, duration_in_periods
)
INSERT INTO subscription_coupons (tenant_id, subscription_id, position, coupon_id, from_period_index, periods, redeemed_at)
SELECT $1::uuid, $2::uuid, w.position, c.id, $4::bigint,
       CASE c.duration WHEN 'once' THEN 1 ELSE c.duration_in_periods END, $5::timestamptz
FROM unnest($3::uuid[]) WITH ORDINALITY AS w (id, position) JOIN counted c ON c.id = w.id;
