-- Something happened around a plan that its own row does not say. $1 tenant, $2 id, $3 now. Result: version.
UPDATE plans SET updated_at = $3::timestamptz, version = version + 1
WHERE tenant_id = $1::uuid AND id = $2::uuid
RETURNING version;
