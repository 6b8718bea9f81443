-- A new tax rate; nothing when the code is taken, or when place and tax code have an active rate. $1 tenant, $2 id, $3 code, $4 name,
-- $5 percentage, $6 category, $7 inclusive, $8 country, $9 region, $10 tax code, $11 now. Result: id.
INSERT INTO tax_rates (tenant_id, id, code, name, percentage, category, inclusive, country, region, tax_code, created_at, updated_at)
VALUES ($1::uuid, $2::uuid, $3, $4, $5::numeric, $6, $7::boolean, $8, $9, $10, $11::timestamptz, $11::timestamptz)
ON CONFLICT DO NOTHING RETURNING id;
