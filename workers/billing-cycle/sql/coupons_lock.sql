-- Coupons by their codes, locked until the transaction ends: two redemptions of the last one wait for each other.
-- $1 tenant, $2 text[] codes, $3 currency of the subscription, $4 uuid[] plans of its items, $5 now.
-- Result in the order of the codes: the code's place (from 0), coupon id, why it cannot be redeemed or NULL.
WITH locked AS (
  SELECT * FROM coupons WHERE tenant_id = $1::uuid AND code = ANY ($2::text[]) ORDER BY id FOR UPDATE
)
SELECT w.place - 1, c.id,
       CASE WHEN c.id IS NULL THEN 'unknown'
            WHEN c.status <> 'active' THEN 'archived'
            WHEN c.redeem_by < $5::timestamptz THEN 'expired'
            WHEN c.times_redeemed >= c.max_redemptions THEN 'used_up'
            WHEN c.currency <> $3 THEN 'currency'
            WHEN NOT c.plan_ids && $4::uuid[] THEN 'plan' END
FROM unnest($2::text[]) WITH ORDINALITY AS w (code, place)
LEFT JOIN locked c ON c.code = w.code
ORDER BY w.place;
