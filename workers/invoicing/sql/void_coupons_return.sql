-- What an invoice's lines had of fixed coupons can be given again in their periods, and what its credits had given back of them cannot
-- (BILL-040). Held. $1 tenant, $2 invoice.
WITH given AS (
  SELECT i.subscription_id, i.period_index, d.value AS share, -1.0 AS part FROM invoice_items i, json_array_elements(i.discounts) d
  WHERE i.tenant_id = $1::uuid AND i.invoice_id = $2::uuid AND i.credits_item_id IS NULL
  UNION ALL
  SELECT o.subscription_id, o.period_index, d.value, -COALESCE(i.listed_discount_minor, i.discount_minor)::numeric
         / NULLIF(COALESCE(o.listed_discount_minor, o.discount_minor), 0)
  FROM invoice_items i JOIN invoice_items o ON o.tenant_id = i.tenant_id AND o.id = i.credits_item_id AND o.subscription_id = i.subscription_id,
       json_array_elements(o.discounts) d
  WHERE i.tenant_id = $1::uuid AND i.invoice_id = $2::uuid
), changed AS (
  SELECT subscription_id, period_index, (share ->> 'couponId')::uuid AS coupon_id, sum(round((share ->> 'minor')::bigint * part)) AS minor
  FROM given WHERE share ->> 'amountOff' IS NOT NULL GROUP BY 1, 2, 3
)
UPDATE coupon_uses u SET used_minor = greatest(0, u.used_minor + c.minor)
FROM changed c
WHERE u.tenant_id = $1::uuid AND u.subscription_id = c.subscription_id AND u.coupon_id = c.coupon_id AND u.period_index = c.period_index;
