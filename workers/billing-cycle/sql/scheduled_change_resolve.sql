-- What became of a scheduled change. $1 tenant, $2 id, $3 status, $4 now, $5 when it took effect (NULL: as foreseen).
UPDATE scheduled_changes SET status = $3, effective_at = COALESCE($5::timestamptz, effective_at), resolved_at = $4::timestamptz, version = version + 1
WHERE tenant_id = $1::uuid AND id = $2::uuid AND status = 'pending';
