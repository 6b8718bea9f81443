-- Ends a session at once. $1 tenant, $2 session, $3 now.
UPDATE sessions SET ended_at = $3::timestamptz
WHERE tenant_id = $1::uuid AND id = $2::uuid AND ended_at IS NULL;
