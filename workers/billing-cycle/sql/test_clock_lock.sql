-- A test clock, locked, but for what refers to it. $1 tenant, $2 id. Result: status, its time, version.
SELECT status, frozen_at, version FROM test_clocks
WHERE tenant_id = $1::uuid AND id = $2::uuid AND deleted_at IS NULL FOR NO KEY UPDATE;
