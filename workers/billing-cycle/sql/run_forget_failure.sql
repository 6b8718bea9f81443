-- It works again. $1 tenant, $2 run.
UPDATE billing_runs SET failures = 0, error_code = NULL, error_text = NULL, retry_at = NULL, version = version + 1
WHERE tenant_id = $1::uuid AND id = $2::uuid AND failures > 0;
