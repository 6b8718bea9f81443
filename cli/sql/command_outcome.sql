-- What became of a command. $1 tenant, $2 id. Result: status, error text; no row while no worker has reached it.
SELECT status, error_text FROM commands WHERE tenant_id = $1::uuid AND id = $2::uuid AND status <> 'pending';
