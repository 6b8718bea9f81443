-- Runs that have something to do, those that still claim first, then oldest first. $1 now, $2 how many.
-- Result: tenant id, run id, as of, whether all that was due has been claimed, the clock, dry, whether its last step failed.
SELECT tenant_id, id, as_of, claimed_at IS NOT NULL, test_clock_id, is_dry, failures > 0 FROM billing_runs
WHERE status = 'running' AND (retry_at IS NULL OR retry_at <= $1::timestamptz)
ORDER BY claimed_at IS NOT NULL, started_at, id LIMIT $2::integer;
