-- The outcome of a deferred command, with its audit row. $1 tenant, $2 id, $3 status, $4 HTTP status, $5 result,
-- $6 error code, $7 error text, $8 error field, $9 error details, $10 resource type, $11 resource id, $12 audit id, $13 now.
-- Result: reply_to; no row when it was complete before.
WITH completed AS (
  UPDATE commands SET status = $3, http_status = $4::integer, result = $5, error_code = $6, error_text = $7,
                      error_field = $8, error_details = $9, completed_at = $13::timestamptz
  WHERE tenant_id = $1::uuid AND id = $2::uuid AND status = 'pending'
  RETURNING *
), audited AS (
  INSERT INTO audit_log (tenant_id, id, at, actor, action, outcome, resource_type, resource_id, after, request_id, address)
  SELECT tenant_id, $12::uuid, $13::timestamptz, caller, type, status, $10, $11,
         CASE WHEN status = 'succeeded' THEN result::jsonb ELSE jsonb_build_object('code', error_code) END, request_id, address
  FROM completed
)
SELECT reply_to FROM completed;
