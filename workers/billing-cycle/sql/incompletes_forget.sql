-- The first invoices of what never began are being withdrawn, and their coupons may be redeemed again as often as if it had never
-- been (its own go on to say what the invoice has); the coupons are locked last, in one order. Arrays: $1 tenants, $2 subscriptions;
-- $3 now.
WITH forgotten AS (
  UPDATE subscriptions s SET incomplete_until = NULL FROM unnest($1::uuid[], $2::uuid[]) AS w (tenant_id, id)
  WHERE s.tenant_id = w.tenant_id AND s.id = w.id AND s.incomplete_until IS NOT NULL
  RETURNING s.tenant_id, s.id
), freed AS (
  SELECT r.tenant_id, r.coupon_id, count(*) AS times FROM forgotten f
  JOIN subscription_coupons r ON r.tenant_id = f.tenant_id AND r.subscription_id = f.id GROUP BY 1, 2
), held AS (
  SELECT c.tenant_id, c.id FROM coupons c WHERE (c.tenant_id, c.id) IN (SELECT tenant_id, coupon_id FROM freed)
  ORDER BY c.tenant_id, c.id FOR UPDATE OF c
)
UPDATE coupons c SET times_redeemed = c.times_redeemed - f.times, updated_at = $3::timestamptz, version = c.version + 1
FROM held h JOIN freed f ON f.tenant_id = h.tenant_id AND f.coupon_id = h.id
WHERE c.tenant_id = h.tenant_id AND c.id = h.id;
