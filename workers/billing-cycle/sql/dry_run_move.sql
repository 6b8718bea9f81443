-- How far a dry run has come now, if it is where it was. $1 tenant, $2 run, $3 and $4 due time and customer before (NULL: the
-- beginning), $5 and $6 after. Result: id; no row: another process was first.
UPDATE billing_runs SET cursor_at = $5::timestamptz, cursor_customer = $6::uuid
WHERE tenant_id = $1::uuid AND id = $2::uuid AND status = 'running'
  AND cursor_at IS NOT DISTINCT FROM $3::timestamptz AND cursor_customer IS NOT DISTINCT FROM $4::uuid
RETURNING id;
