-- The coupons of subscriptions in their order. $1 uuid[] tenants, $2 uuid[] subscriptions, each once. Result: tenant id,
-- subscription id, coupon id, code, plan ids separated by blanks or NULL, currency of a fixed amount, millionths of a
-- percent (0: fixed), the amount, the first period covered, how many (0: for ever).
SELECT s.tenant_id, s.subscription_id, c.id, c.code, array_to_string(c.plan_ids, ' '), c.currency,
       COALESCE((c.percent_off * 1000000)::bigint, 0), COALESCE(c.amount_off_minor, 0), s.from_period_index,
       COALESCE(s.periods, 0)
FROM unnest($1::uuid[], $2::uuid[]) AS w (tenant_id, subscription_id)
JOIN subscription_coupons s USING (tenant_id, subscription_id)
JOIN coupons c ON c.tenant_id = s.tenant_id AND c.id = s.coupon_id
ORDER BY s.tenant_id, s.subscription_id, s.position;
