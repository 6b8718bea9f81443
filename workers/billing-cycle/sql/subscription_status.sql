-- Its state. $1 tenant, $2 id. Result: status, version.
SELECT status, version FROM subscriptions WHERE tenant_id = $1::uuid AND id = $2::uuid;
