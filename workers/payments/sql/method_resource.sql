-- $1 tenant, $2 method → version, JSON
SELECT (resource->>'version')::bigint, resource FROM payment_method_resource WHERE tenant_id = $1::uuid AND id = $2::uuid
