-- Pauses or resumes a run; a resumed one is tried at once. $1 tenant, $2 id, $3 status. Result: version.
UPDATE billing_runs SET status = $3, retry_at = NULL, version = version + 1
WHERE tenant_id = $1::uuid AND id = $2::uuid
RETURNING version;
