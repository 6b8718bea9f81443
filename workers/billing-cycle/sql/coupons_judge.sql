-- Coupons by their codes, and whether they can be redeemed.
-- $1 tenant, $2 text[] codes, $3 currency of the subscription, $4 uuid[] plans of its items, $5 now.
-- Result in the order of the codes: the code's place (from 0), coupon id, why it cannot be redeemed or NULL.
SELECT w.place - 1, c.id,
       CASE WHEN c.id IS NULL THEN 'unknown'
            WHEN c.status <> 'active' THEN 'archived'
            WHEN c.redeem_by < $5::timestamptz THEN 'expired'
            WHEN c.times_redeemed >= c.max_redemptions THEN 'used_up'
            WHEN c.currency <> $3 THEN 'currency'
            WHEN NOT c.plan_ids && $4::uuid[] THEN 'plan' END
FROM unnest($2::text[]) WITH ORDINALITY AS w (code, place)
LEFT JOIN coupons c ON c.tenant_id = $1::uuid AND c.code = w.code
ORDER BY w.place;
