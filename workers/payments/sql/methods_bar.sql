-- Methods that were declined for ever (BILL-081), locked in one order.
-- $1 tenants, $2 methods, $3 decline codes (arrays), $4 now
WITH held AS (
  SELECT m.tenant_id, m.id FROM payment_methods m
  WHERE (m.tenant_id, m.id) IN (SELECT * FROM unnest($1::uuid[], $2::uuid[])) AND m.barred_code IS NULL
  ORDER BY m.tenant_id, m.id FOR NO KEY UPDATE OF m
)
UPDATE payment_methods m SET barred_code = n.code, updated_at = $4::timestamptz, version = m.version + 1
FROM held h JOIN unnest($1::uuid[], $2::uuid[], $3::text[]) AS n(tenant_id, id, code) ON n.tenant_id = h.tenant_id AND n.id = h.id
WHERE m.tenant_id = h.tenant_id AND m.id = h.id
