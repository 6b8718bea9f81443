-- A page of account credit. $1 sort, $2 limit, $3 offset, $4 after;
-- $5 customer, $6 currency; each may be NULL.
-- Result: total, id to go on after (NULL at the end, or in another order), JSON array, whether $4 is there.
WITH filtered AS NOT MATERIALIZED (
  SELECT id, granted_at FROM credit_grants
  WHERE tenant_id = (SELECT current_tenant())
    AND ($5::text IS NULL OR customer_id = $5::uuid)
    AND ($6::text IS NULL OR currency = $6)
), page AS (
  SELECT id, row_number() OVER () AS place
  FROM (
    SELECT id FROM filtered
    WHERE $4::uuid IS NULL
       OR CASE WHEN $1 = 'grantedAt' THEN (granted_at, id) > (SELECT p.granted_at, p.id FROM credit_grants p WHERE p.tenant_id = (SELECT current_tenant()) AND p.id = $4::uuid)
               ELSE (granted_at, id) < (SELECT p.granted_at, p.id FROM credit_grants p WHERE p.tenant_id = (SELECT current_tenant()) AND p.id = $4::uuid) END
    ORDER BY
    CASE WHEN $1 = 'grantedAt' THEN granted_at END, CASE WHEN $1 = '-grantedAt' THEN granted_at END DESC,
    CASE WHEN $1 = 'grantedAt' THEN id END, id DESC
    LIMIT $2::bigint + 1 OFFSET $3::bigint) AS ordered
), shown AS (
  SELECT * FROM page WHERE place <= $2::bigint
)
SELECT (SELECT count(*) FROM filtered),
       (SELECT id FROM shown WHERE place = $2::bigint AND $1 IN ('grantedAt', '-grantedAt')
          AND EXISTS (SELECT FROM page WHERE place > $2::bigint)),
       COALESCE((SELECT json_agg(r.resource ORDER BY s.place)
                 FROM shown s JOIN credit_resource r ON r.tenant_id = (SELECT current_tenant()) AND r.id = s.id), '[]'),
       $4::uuid IS NULL OR EXISTS (SELECT FROM credit_grants p WHERE p.tenant_id = (SELECT current_tenant()) AND p.id = $4::uuid);
