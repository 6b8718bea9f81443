-- Methods that were declined for ever (BILL-081).
-- $1 tenants, $2 methods, $3 decline codes (arrays), $4 now
UPDATE payment_methods m SET barred_code = n.code, updated_at = $4::timestamptz, version = m.version + 1
FROM unnest($1::uuid[], $2::uuid[], $3::text[]) AS n(tenant_id, id, code)
WHERE m.tenant_id = n.tenant_id AND m.id = n.id AND m.barred_code IS NULL
