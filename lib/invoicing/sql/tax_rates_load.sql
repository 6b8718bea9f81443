-- The active tax rates of tenants. $1 uuid[] tenants. Result: tenant id, country, region, tax code, millionths of a percent,
-- category, is it inclusive, id.
SELECT tenant_id, country, region, tax_code, (percentage * 1000000)::bigint, category, inclusive, id
FROM tax_rates WHERE tenant_id = ANY ($1::uuid[]) AND status = 'active' ORDER BY tenant_id, id;
