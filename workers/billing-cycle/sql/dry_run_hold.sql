-- Holds a dry run that is running while a slice of it is tried. $1 tenant, $2 run. Result: how far it has come: due time,
-- customer; no row: it does not run.
SELECT cursor_at, cursor_customer FROM billing_runs
WHERE tenant_id = $1::uuid AND id = $2::uuid AND status = 'running' AND result IS NULL FOR SHARE;
