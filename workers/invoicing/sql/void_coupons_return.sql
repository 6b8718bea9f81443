-- What an invoice's lines had of fixed coupons can be given again in their periods, and what its credits had given back of them cannot
-- (BILL-040). Held. $1 tenant, $2 invoice.
UPDATE coupon_uses u SET used_minor = greatest(0, u.used_minor - s.minor)
FROM (SELECT subscription_id, period_index, coupon_id, sum(minor) AS minor FROM fixed_coupon_shares($1::uuid, $2::uuid) GROUP BY 1, 2, 3) s
WHERE u.tenant_id = $1::uuid AND u.subscription_id = s.subscription_id AND u.coupon_id = s.coupon_id AND u.period_index = s.period_index;
