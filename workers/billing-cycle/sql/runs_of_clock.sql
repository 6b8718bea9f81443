-- Runs of a test clock that have claimed all. $1 tenant, $2 clock. Result: id, as of.
SELECT id, as_of FROM billing_runs
WHERE tenant_id = $1::uuid AND test_clock_id = $2::uuid AND status = 'running' AND claimed_at IS NOT NULL;
