-- Outcomes of commands, with their audit rows. Arrays: $1 tenants, $2 ids, $3 types, $4 callers, $5 body hashes,
-- $6 statuses, $7 HTTP statuses, $8 results, $9 error codes, $10 error texts, $11 error fields, $12 error details,
-- $13 reply channels; $14 resource types, $15 resource ids, $16 request ids, $17 addresses, $18 audit ids; $19 now.
WITH input AS (
  SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::text[], $6::text[], $7::integer[], $8::text[],
                       $9::text[], $10::text[], $11::text[], $12::text[], $13::text[], $14::text[], $15::text[], $16::text[],
                       $17::text[], $18::uuid[])
    AS i (tenant_id, id, type, caller, body_hash, status, http_status, result, error_code, error_text, error_field,
          error_details, reply_to, resource_type, resource_id, request_id, address, audit_id)
), audited AS (
  INSERT INTO audit_log (tenant_id, id, at, actor, action, outcome, resource_type, resource_id, after, request_id, address)
  SELECT tenant_id, audit_id, $19::timestamptz, caller, type, status, resource_type, resource_id,
         CASE WHEN status = 'succeeded' THEN result::jsonb ELSE jsonb_build_object('code', error_code) END, request_id, address
  FROM input WHERE status <> 'pending'
)
INSERT INTO commands (tenant_id, id, type, caller, body_hash, status, http_status, result, error_code, error_text,
                      error_field, error_details, reply_to, request_id, address, created_at, completed_at)
SELECT tenant_id, id, type, caller, body_hash, status, http_status, result, error_code, error_text, error_field,
       error_details, reply_to, request_id, address, $19::timestamptz,
       CASE WHEN status <> 'pending' THEN $19::timestamptz END
FROM input;
