-- What became of a command. $1 id.
-- Result: body_hash, status, http_status, result, error_code, error_text, error_field, error_details; no row while no worker
-- has reached it.
SELECT body_hash, status, http_status, result, error_code, error_text, error_field, error_details
FROM commands WHERE tenant_id = current_tenant() AND id = $1::uuid;
