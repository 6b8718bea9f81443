-- Dead letters whose payments begin anew; those that somebody has dealt with are left as they are.
-- $1 tenants, $2 dead letters (arrays), $3 now → tenant_id, id, version
UPDATE dead_letters d
SET status = 'dropped', resolved_by = 'worker:payments', resolved_at = $3::timestamptz, version = d.version + 1
FROM unnest($1::uuid[], $2::uuid[]) AS n(tenant_id, id)
WHERE d.tenant_id = n.tenant_id AND d.id = n.id AND d.status = 'dead'
RETURNING d.tenant_id, d.id, d.version
