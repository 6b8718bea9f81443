-- A page of parked subscriptions. $1 sort, $2 limit, $3 offset, $4 after;
-- $5 run, $6 reason code; each may be NULL.
-- Result: total, id to go on after (NULL at the end, or in another order), JSON array, whether $4 is there.
WITH filtered AS NOT MATERIALIZED (
  SELECT id, parked_at FROM parked_subscriptions
  WHERE tenant_id = (SELECT current_tenant())
    AND ($5::text IS NULL OR run_id = $5::uuid)
    AND ($6::text IS NULL OR reason_code = $6)
), page AS (
  SELECT id, row_number() OVER () AS place
  FROM (
    SELECT id FROM filtered
    WHERE $4::uuid IS NULL
       OR CASE WHEN $1 = 'parkedAt' THEN (parked_at, id) > (SELECT p.parked_at, p.id FROM parked_subscriptions p WHERE p.tenant_id = (SELECT current_tenant()) AND p.id = $4::uuid)
               ELSE (parked_at, id) < (SELECT p.parked_at, p.id FROM parked_subscriptions p WHERE p.tenant_id = (SELECT current_tenant()) AND p.id = $4::uuid) END
    ORDER BY
    CASE WHEN $1 = 'parkedAt' THEN parked_at END, CASE WHEN $1 = '-parkedAt' THEN parked_at END DESC,
    CASE WHEN $1 = 'parkedAt' THEN id END, id DESC
    LIMIT $2::bigint + 1 OFFSET $3::bigint) AS ordered
), shown AS (
  SELECT * FROM page WHERE place <= $2::bigint
)
SELECT (SELECT count(*) FROM filtered),
       (SELECT id FROM shown WHERE place = $2::bigint AND $1 IN ('parkedAt', '-parkedAt')
          AND EXISTS (SELECT FROM page WHERE place > $2::bigint)),
       COALESCE((SELECT json_agg(json_build_object(
                   'id', r.id, 'subscriptionId', r.subscription_id, 'customerId', b.customer_id, 'runId', r.run_id,
                   'periodIndex', r.period_index, 'reasonCode', r.reason_code, 'reason', r.reason,
                   'parkedAt', iso(r.parked_at), 'resolvedAt', iso(r.resolved_at)) ORDER BY s.place)
                 FROM shown s
                 JOIN parked_subscriptions r ON r.tenant_id = (SELECT current_tenant()) AND r.id = s.id
                 JOIN subscriptions b ON b.tenant_id = r.tenant_id AND b.id = r.subscription_id), '[]'),
       $4::uuid IS NULL OR EXISTS (SELECT FROM parked_subscriptions p WHERE p.tenant_id = (SELECT current_tenant()) AND p.id = $4::uuid);
