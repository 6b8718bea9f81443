-- The JSON of a coupon. $1 tenant, $2 id. Result: it, its version, code, status.
SELECT resource, version, code, status FROM coupon_resource WHERE tenant_id = $1::uuid AND id = $2::uuid;
