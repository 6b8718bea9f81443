-- What never began is given up: its first invoices are being withdrawn, or there will be none; one that comes after all finds the
-- mark. Its coupons may be redeemed again as often as if it had never been, once (its own go on to say what the invoice has); they
-- are locked last, in one order. Arrays: $1 tenants, $2 subscriptions, $3 how many invoices there are; $4 now.
WITH given_up AS (
  UPDATE subscriptions s SET incomplete_until = CASE WHEN w.invoices = 0 THEN 'infinity'::timestamptz END
  FROM (SELECT w.*, o.incomplete_until = 'infinity' AS was_given_up
        FROM unnest($1::uuid[], $2::uuid[], $3::bigint[]) AS w (tenant_id, id, invoices)
        JOIN subscriptions o ON o.tenant_id = w.tenant_id AND o.id = w.id) AS w
  WHERE s.tenant_id = w.tenant_id AND s.id = w.id AND s.incomplete_until IS NOT NULL
  RETURNING s.tenant_id, s.id, w.was_given_up
), freed AS (
  SELECT r.tenant_id, r.coupon_id, count(*) AS times FROM given_up g
  JOIN subscription_coupons r ON r.tenant_id = g.tenant_id AND r.subscription_id = g.id
  WHERE NOT g.was_given_up GROUP BY 1, 2
), held AS (
  SELECT c.tenant_id, c.id FROM coupons c WHERE (c.tenant_id, c.id) IN (SELECT tenant_id, coupon_id FROM freed)
  ORDER BY c.tenant_id, c.id FOR UPDATE OF c
)
UPDATE coupons c SET times_redeemed = c.times_redeemed - f.times, updated_at = $4::timestamptz, version = c.version + 1
FROM held h JOIN freed f ON f.tenant_id = h.tenant_id AND f.coupon_id = h.id
WHERE c.tenant_id = h.tenant_id AND c.id = h.id;
