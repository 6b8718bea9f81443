-- Holds a run that is running against those who would pause or end it. $1 tenant, $2 run. Result: id; no row: it does not.
SELECT id FROM billing_runs WHERE tenant_id = $1::uuid AND id = $2::uuid AND status = 'running' FOR SHARE;
