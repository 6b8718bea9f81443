-- Runs that are not finished, those that still claim first, then oldest first. Result: tenant id, run id, as of, whether all that was due has been claimed.
SELECT tenant_id, id, as_of, claimed_at IS NOT NULL FROM billing_runs WHERE status = 'running'
ORDER BY claimed_at IS NOT NULL, started_at, id LIMIT 100;
