-- The JSON of account credit. $1 tenant, $2 id.
SELECT resource FROM credit_resource WHERE tenant_id = $1::uuid AND id = $2::uuid;
