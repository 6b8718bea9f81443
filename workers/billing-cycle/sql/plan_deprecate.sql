-- Ends the sale of a plan. $1 tenant, $2 id, $3 now. Result: version.
UPDATE plans
SET status = 'deprecated', deprecated_at = $3::timestamptz, updated_at = $3::timestamptz, version = version + 1
WHERE tenant_id = $1::uuid AND id = $2::uuid
RETURNING version;
