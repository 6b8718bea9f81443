-- A test clock, in a tenant in test mode. $1 tenant, $2 id, $3 name, $4 its time, $5 now. Result: id; no row in a live tenant.
INSERT INTO test_clocks (tenant_id, id, name, status, frozen_at, created_at, updated_at)
SELECT id, $2::uuid, $3, 'ready', $4::timestamptz, $5::timestamptz, $5::timestamptz
FROM tenants WHERE id = $1::uuid AND mode = 'test'
RETURNING id;
