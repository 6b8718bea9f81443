-- A step of a run failed: why, and when it is tried again; the pause doubles up to five minutes. $1 tenant, $2 run,
-- $3 error code, $4 text, $5 now, $6 the first pause in seconds.
UPDATE billing_runs
SET failures = failures + 1, error_code = $3, error_text = $4, version = version + 1,
    retry_at = $5::timestamptz + least(300, $6::integer * power(2, least(failures, 10))) * interval '1 second'
WHERE tenant_id = $1::uuid AND id = $2::uuid AND status = 'running';
