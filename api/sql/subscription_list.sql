-- A page of subscriptions. $1 sort, $2 limit, $3 offset, $4 after;
-- $5 status, $6 customer, $7 plan, an id or a code, $8 next billing before; each may be NULL.
-- Result: total, id to go on after (NULL at the end, or in another order), JSON array, whether $4 is there.
WITH filtered AS NOT MATERIALIZED (
  SELECT id, created_at, s.next_period_at FROM subscriptions s
  WHERE tenant_id = (SELECT current_tenant())
    AND ($5::text IS NULL OR status = $5)
    AND ($6::text IS NULL OR customer_id = $6::uuid)
    AND ($7::text IS NULL OR plan_id IN (SELECT p.id FROM plans p WHERE p.tenant_id = (SELECT current_tenant()) AND $7 IN (p.id::text, p.code)))
    AND ($8::text IS NULL OR s.next_period_at < $8::timestamptz)
), page AS (
  SELECT id, row_number() OVER () AS place
  FROM (
    SELECT id FROM filtered
    WHERE $4::uuid IS NULL
       OR CASE WHEN $1 = 'createdAt' THEN (created_at, id) > (SELECT p.created_at, p.id FROM subscriptions p WHERE p.tenant_id = (SELECT current_tenant()) AND p.id = $4::uuid)
               ELSE (created_at, id) < (SELECT p.created_at, p.id FROM subscriptions p WHERE p.tenant_id = (SELECT current_tenant()) AND p.id = $4::uuid) END
    ORDER BY
    CASE WHEN $1 = 'createdAt' THEN created_at END, CASE WHEN $1 = '-createdAt' THEN created_at END DESC,
    CASE WHEN $1 = 'nextBillingDate' THEN next_period_at END, CASE WHEN $1 = '-nextBillingDate' THEN next_period_at END DESC,
    CASE WHEN $1 = 'createdAt' THEN id END, id DESC
    LIMIT $2::bigint + 1 OFFSET $3::bigint) AS ordered
), shown AS (
  SELECT * FROM page WHERE place <= $2::bigint
)
SELECT (SELECT count(*) FROM filtered),
       (SELECT id FROM shown WHERE place = $2::bigint AND $1 IN ('createdAt', '-createdAt')
          AND EXISTS (SELECT FROM page WHERE place > $2::bigint)),
       COALESCE((SELECT json_agg(r.resource ORDER BY s.place)
                 FROM shown s JOIN subscription_resource r ON r.tenant_id = (SELECT current_tenant()) AND r.id = s.id), '[]'),
       $4::uuid IS NULL OR EXISTS (SELECT FROM subscriptions p WHERE p.tenant_id = (SELECT current_tenant()) AND p.id = $4::uuid);
