-- The test clock that a customer lives on; no row: real time. $1 tenant, $2 customer. Result: tenant, clock, its time.
SELECT k.tenant_id, k.id, k.frozen_at
FROM customers c JOIN test_clocks k ON k.tenant_id = c.tenant_id AND k.id = c.test_clock_id
WHERE c.tenant_id = $1::uuid AND c.id = $2::uuid;
