-- A change for the boundary at which a period begins; it takes the place of one that waited already, and is
-- on its way to the versions that this one was moved to. $1 tenant, $2 id,
-- $3 subscription, $4 first period, $5 its boundary, $6 plan, $7 plan version, $8 quantity, $9 items (JSON), each NULL for
-- what stays; $10 who asked, $11 now.
WITH replaced AS (
  UPDATE scheduled_changes SET status = 'replaced', resolved_at = $11::timestamptz, version = version + 1
  WHERE tenant_id = $1::uuid AND subscription_id = $3::uuid AND status = 'pending'
  RETURNING version_moves
)
INSERT INTO scheduled_changes (tenant_id, id, subscription_id, period_index, effective_at, plan_id, plan_version, quantity,
                               items, version_moves, status, requested_by, created_at)
SELECT $1::uuid, $2::uuid, $3::uuid, $4::bigint, $5::timestamptz, $6::uuid, $7::integer, $8::numeric, $9::jsonb,
       COALESCE((SELECT version_moves FROM replaced), '[]'), 'pending', $10, $11::timestamptz;
