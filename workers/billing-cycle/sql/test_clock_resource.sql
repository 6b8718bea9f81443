-- A test clock as the API answers it. $1 tenant, $2 id. Result: JSON.
SELECT resource FROM test_clock_resource WHERE tenant_id = $1::uuid AND id = $2::uuid;
