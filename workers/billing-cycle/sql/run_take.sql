-- Takes a run that is running, and that nobody else is at, to change its row. $1 tenant, $2 run. Result: id; no row: it does not run,
-- or others hold it.
SELECT id FROM billing_runs WHERE tenant_id = $1::uuid AND id = $2::uuid AND status = 'running' FOR NO KEY UPDATE SKIP LOCKED;
