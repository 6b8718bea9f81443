-- What drafts will take off by fixed coupons when they are finalised. $1 uuid[] tenants, $2 uuid[] subscriptions, $3 uuid[] coupons; $4
-- drafts that do not count, $5 only those that are finalised before then (NULL: all). Result: place in the arrays (from 0), period,
-- how much, below zero if they give back more.
SELECT w.place - 1, x.period_index, sum(x.minor)::bigint
FROM unnest($1::uuid[], $2::uuid[], $3::uuid[]) WITH ORDINALITY AS w (tenant_id, subscription_id, coupon_id, place)
JOIN subscriptions s ON s.tenant_id = w.tenant_id AND s.id = w.subscription_id
JOIN invoices v ON v.tenant_id = s.tenant_id AND v.customer_id = s.customer_id AND v.status = 'draft' AND v.id <> ALL ($4::uuid[])
  AND (v.auto_finalise_at < $5::timestamptz OR $5 IS NULL AND v.auto_finalise_at IS NOT NULL)
CROSS JOIN LATERAL fixed_coupon_shares(v.tenant_id, v.id) x
WHERE x.subscription_id = w.subscription_id AND x.coupon_id = w.coupon_id
GROUP BY w.place, x.period_index;
