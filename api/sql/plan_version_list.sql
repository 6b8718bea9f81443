-- A page of a plan's versions. $1 sort, $2 limit, $3 offset, $4 after; $5 the plan's id or code.
-- Result: total, id to go on after (NULL at the end), JSON array, whether $4 is there.
WITH filtered AS NOT MATERIALIZED (
  SELECT v.id, v.plan_id, v.plan_version FROM plan_versions v
  JOIN plans p ON p.tenant_id = v.tenant_id AND p.id = v.plan_id
  WHERE v.tenant_id = (SELECT current_tenant()) AND $5::text IN (p.id::text, p.code)
), page AS (
  SELECT id, plan_id, plan_version, row_number() OVER () AS place
  FROM (
    SELECT id, plan_id, plan_version FROM filtered
    WHERE $4::uuid IS NULL
       OR CASE WHEN $1 = 'planVersion' THEN plan_version > (SELECT f.plan_version FROM filtered f WHERE f.id = $4::uuid)
               ELSE plan_version < (SELECT f.plan_version FROM filtered f WHERE f.id = $4::uuid) END
    ORDER BY CASE WHEN $1 = 'planVersion' THEN plan_version END, plan_version DESC
    LIMIT $2::bigint + 1 OFFSET $3::bigint) AS ordered
), shown AS (
  SELECT * FROM page WHERE place <= $2::bigint
)
SELECT (SELECT count(*) FROM filtered),
       (SELECT id FROM shown WHERE place = $2::bigint AND EXISTS (SELECT FROM page WHERE place > $2::bigint)),
       COALESCE((SELECT json_agg(r.resource ORDER BY s.place)
                 FROM shown s
                 JOIN plan_version_resource r ON r.tenant_id = (SELECT current_tenant()) AND r.plan_id = s.plan_id
                                             AND r.plan_version = s.plan_version), '[]'),
       $4::uuid IS NULL OR EXISTS (SELECT FROM filtered f WHERE f.id = $4::uuid);
