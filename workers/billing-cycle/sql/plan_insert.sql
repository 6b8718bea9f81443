-- A new plan; nothing when the code is taken. Its first version follows. $1 tenant, $2 id, $3 code, $4 name,
-- $5 description, $6 metadata (JSON), $7 now. Result: id.
INSERT INTO plans (tenant_id, id, code, name, description, metadata, created_at, updated_at)
VALUES ($1::uuid, $2::uuid, $3, $4, $5, COALESCE($6::jsonb, '{}'), $7::timestamptz, $7::timestamptz)
ON CONFLICT (tenant_id, code) DO NOTHING
RETURNING id;
