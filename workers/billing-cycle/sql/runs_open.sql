-- Runs that are not finished, oldest first. Result: tenant id, run id, as of, whether all that was due has been claimed.
SELECT tenant_id, id, as_of, claimed_at IS NOT NULL FROM billing_runs WHERE status = 'running'
ORDER BY started_at, id LIMIT 100;
