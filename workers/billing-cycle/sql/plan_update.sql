-- Changes a plan; a new version of it is written already. $1 tenant, $2 id, $3 name, $4 description, $5 metadata (JSON),
-- $6 current version, $7 now. Result: version.
UPDATE plans
SET name = $3, description = $4, metadata = $5::jsonb, current_version = $6::integer, updated_at = $7::timestamptz,
    version = version + 1
WHERE tenant_id = $1::uuid AND id = $2::uuid
RETURNING version;
