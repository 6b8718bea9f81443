-- What became of it. $1 tenant, $2 id, $3 status, $4 by whom, $5 now.
UPDATE dead_letters SET status = $3, resolved_by = $4, resolved_at = $5::timestamptz, version = version + 1
WHERE tenant_id = $1::uuid AND id = $2::uuid;
