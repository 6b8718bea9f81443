-- A page of dead letters. $1 sort, $2 limit, $3 offset, $4 after;
-- $5 status, $6 topic, $7 message type, $8 worker; each may be NULL.
-- Result: total, id to go on after (NULL at the end, or in another order), JSON array, whether $4 is there.
WITH filtered AS NOT MATERIALIZED (
  SELECT id, last_failure_at FROM dead_letters
  WHERE tenant_id = (SELECT current_tenant())
    AND ($5::text IS NULL OR status = $5)
    AND ($6::text IS NULL OR $6 IN (source_topic, source_topic || '.dlq'))
    AND ($7::text IS NULL OR message_type = $7)
    AND ($8::text IS NULL OR worker = $8)
), page AS (
  SELECT id, row_number() OVER () AS place
  FROM (
    SELECT id FROM filtered
    WHERE $4::uuid IS NULL
       OR CASE WHEN $1 = 'lastFailureAt' THEN (last_failure_at, id) > (SELECT p.last_failure_at, p.id FROM dead_letters p WHERE p.tenant_id = (SELECT current_tenant()) AND p.id = $4::uuid)
               ELSE (last_failure_at, id) < (SELECT p.last_failure_at, p.id FROM dead_letters p WHERE p.tenant_id = (SELECT current_tenant()) AND p.id = $4::uuid) END
    ORDER BY
    CASE WHEN $1 = 'lastFailureAt' THEN last_failure_at END, CASE WHEN $1 = '-lastFailureAt' THEN last_failure_at END DESC,
    CASE WHEN $1 = 'lastFailureAt' THEN id END, id DESC
    LIMIT $2::bigint + 1 OFFSET $3::bigint) AS ordered
), shown AS (
  SELECT * FROM page WHERE place <= $2::bigint
)
SELECT (SELECT count(*) FROM filtered),
       (SELECT id FROM shown WHERE place = $2::bigint AND $1 IN ('lastFailureAt', '-lastFailureAt')
          AND EXISTS (SELECT FROM page WHERE place > $2::bigint)),
       COALESCE((SELECT json_agg(r.resource ORDER BY s.place)
                 FROM shown s JOIN dead_letter_resource r ON r.tenant_id = (SELECT current_tenant()) AND r.id = s.id), '[]'),
       $4::uuid IS NULL OR EXISTS (SELECT FROM dead_letters p WHERE p.tenant_id = (SELECT current_tenant()) AND p.id = $4::uuid);
