-- What a dry run came to (BILL-062): totals by plan and currency, what would be parked, and the difference from the last
-- real run of the same customers that billed something (what came to nothing, then or now, is not there); lists are cut, counts
-- are exact. Findings of earlier dry runs go.
-- $1 tenant, $2 run, $3 how long a list may be, $4 now.
WITH found AS MATERIALIZED (
  SELECT * FROM billing_run_findings WHERE tenant_id = $1::uuid AND run_id = $2::uuid
), last_run AS (
  SELECT r.id, r.started_at FROM billing_runs r
  JOIN billing_runs this ON this.tenant_id = r.tenant_id AND this.id = $2::uuid AND this.test_clock_id = r.test_clock_id
  WHERE r.tenant_id = $1::uuid AND NOT r.is_dry AND r.status = 'completed'
    AND EXISTS (SELECT FROM billing_run_amounts a WHERE a.tenant_id = r.tenant_id AND a.run_id = r.id)
  ORDER BY r.started_at DESC, r.id DESC LIMIT 1
), before AS MATERIALIZED (
  SELECT i.subscription_id, v.currency, sum(i.amount_minor - i.discount_minor + i.tax_minor)::bigint AS amount
  FROM last_run l JOIN invoices v ON v.tenant_id = $1::uuid AND v.run_id = l.id
  JOIN invoice_items i ON i.tenant_id = v.tenant_id AND i.invoice_id = v.id
  WHERE i.subscription_id IS NOT NULL GROUP BY 1, 2 HAVING sum(i.amount_minor - i.discount_minor + i.tax_minor) <> 0
), compared AS MATERIALIZED (
  SELECT subscription_id, COALESCE(f.currency, b.currency) AS currency, b.amount AS was, f.total_minor AS becomes,
         CASE WHEN b.amount IS NULL THEN 'new' WHEN f.total_minor IS NULL THEN 'gone' ELSE 'changed' END AS kind
  FROM (SELECT * FROM found WHERE total_minor <> 0) f FULL JOIN before b USING (subscription_id, currency)
  WHERE f.total_minor IS DISTINCT FROM b.amount
), listed AS (
  SELECT *, row_number() OVER (PARTITION BY kind ORDER BY subscription_id, currency) AS place FROM compared
), difference AS (
  SELECT json_object_agg(kind, json_build_object('count', COALESCE(count, 0), 'subscriptions', COALESCE(list, '[]'))) AS json
  FROM unnest('{new,gone,changed}'::text[]) AS kinds (kind)
  LEFT JOIN (SELECT kind, count(*) AS count, json_agg(json_strip_nulls(json_build_object(
               'subscriptionId', subscription_id, 'currency', currency, 'before', units(was, currency),
               'amount', units(becomes, currency))) ORDER BY place) FILTER (WHERE place <= $3::integer) AS list
             FROM listed GROUP BY kind) l USING (kind)
), totals AS (
  SELECT json_agg(json_build_object('planCode', plan_code, 'currency', currency, 'subscriptions', subscriptions,
           'periods', periods, 'subtotal', units(subtotal, currency), 'discountAmount', units(discount, currency),
           'taxAmount', units(tax, currency), 'totalAmount', units(total, currency)) ORDER BY plan_code, currency) AS json
  FROM (SELECT plan_code, currency, count(*) AS subscriptions, sum(periods)::bigint AS periods,
               sum(subtotal_minor)::bigint AS subtotal, sum(discount_minor)::bigint AS discount, sum(tax_minor)::bigint AS tax,
               sum(total_minor)::bigint AS total
        FROM found WHERE currency <> '' GROUP BY 1, 2) t
), parked AS (
  SELECT json_build_object('count', count(*), 'subscriptions', COALESCE(json_agg(json_build_object(
           'subscriptionId', subscription_id, 'reasonCode', reason_code, 'reason', reason) ORDER BY subscription_id)
           FILTER (WHERE place <= $3::integer), '[]')) AS json
  FROM (SELECT *, row_number() OVER (ORDER BY subscription_id) AS place FROM found WHERE reason_code IS NOT NULL) p
), forgotten AS (
  DELETE FROM billing_run_findings f USING billing_runs r
  WHERE f.tenant_id = $1::uuid AND f.run_id <> $2::uuid AND r.tenant_id = f.tenant_id AND r.id = f.run_id
    AND r.status = 'completed'
)
UPDATE billing_runs r
SET claimed_at = $4::timestamptz, result = json_build_object(
  'totals', COALESCE((SELECT json FROM totals), '[]'), 'parked', (SELECT json FROM parked),
  'difference', json_build_object('sinceRunId', (SELECT id FROM last_run), 'sinceStartedAt', (SELECT iso(started_at) FROM last_run))::jsonb
                || (SELECT json::jsonb FROM difference))
WHERE r.tenant_id = $1::uuid AND r.id = $2::uuid AND r.status = 'running' AND r.result IS NULL;
