-- A draft cannot be finalised: why, and when it is tried again; the pause doubles up to a day. $1 tenant, $2 draft, $3 error
-- code, $4 text, $5 now, $6 the first pause in seconds.
UPDATE invoices
SET failures = COALESCE(failures, 0) + 1, error_code = $3, error_text = $4, version = version + 1,
    retry_at = $5::timestamptz + least(86400, $6::integer * power(2, least(COALESCE(failures, 0), 11))) * interval '1 second'
WHERE tenant_id = $1::uuid AND id = $2::uuid AND status = 'draft';
