-- The gateway knows it now.
-- $1 tenant, $2 method, $3 the gateway's id, $4 type, $5 brand, $6 last four, $7 expiry month, $8 year, $9 is default, $10 now
UPDATE payment_methods SET
  status = 'active', gateway_method_id = $3::text, type = $4::text, brand = $5::text, last4 = $6::text,
  expiry_month = $7::integer, expiry_year = $8::integer, is_default = $9::boolean, setup_due_at = NULL,
  updated_at = $10::timestamptz, version = version + 1
WHERE tenant_id = $1::uuid AND id = $2::uuid
