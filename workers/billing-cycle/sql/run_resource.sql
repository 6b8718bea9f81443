-- A run as the API answers it. $1 tenant, $2 id. Result: JSON.
SELECT resource FROM billing_run_resource WHERE tenant_id = $1::uuid AND id = $2::uuid;
