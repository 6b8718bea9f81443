-- $1 tenant, $2 payment → its JSON
SELECT resource FROM payment_resource WHERE tenant_id = $1::uuid AND id = $2::uuid
