-- Whose it is. $1 id. Result: tenant, status.
SELECT tenant_id, status FROM dead_letters WHERE id = $1::uuid;
