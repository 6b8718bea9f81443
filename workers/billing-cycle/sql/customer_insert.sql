-- A new customer; what it leaves out is the tenant's. $1 tenant, $2 id, $3 name, $4 email, $5 phone, $6 address (JSON),
-- $7 billing address (JSON), $8 preferences (JSON), $9 locale, $10 time zone, $11 currency, $12 tax ids (JSON),
-- $13 tax exempt, $14 net terms days, $15 metadata (JSON), $16 now, $17 test clock. The tenant's first customer is its
-- default one. Result: id.
WITH made AS (
INSERT INTO customers (tenant_id, id, name, email, phone, address, billing_address, preferences, locale, time_zone, currency,
                       tax_ids, tax_exempt, net_terms_days, metadata, created_at, updated_at, test_clock_id)
SELECT t.id, $2::uuid, $3, $4, $5, $6::jsonb, $7::jsonb, COALESCE($8::jsonb, '{}'), COALESCE($9, t.locale),
       COALESCE($10, t.time_zone), COALESCE($11, t.currency), COALESCE($12::jsonb, '[]'), $13::boolean,
       COALESCE($14::integer, t.net_terms_days), COALESCE($15::jsonb, '{}'), $16::timestamptz, $16::timestamptz, $17::uuid
FROM tenants t WHERE t.id = $1::uuid
RETURNING id
), chosen AS (
  UPDATE tenants t SET default_customer_id = made.id FROM made WHERE t.id = $1::uuid AND t.default_customer_id IS NULL
)
SELECT id FROM made;
