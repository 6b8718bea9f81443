-- A test clock, also one that was deleted: what is under way ends at its time. $1 tenant, $2 id.
-- Result: tenant, clock, its time.
SELECT tenant_id, id, frozen_at FROM test_clocks WHERE tenant_id = $1::uuid AND id = $2::uuid;
