-- The JSON of a tax rate. $1 tenant, $2 id. Result: it, its version, code, status, percentage.
SELECT r.resource, r.version, r.code, r.status, trim_scale(t.percentage)
FROM tax_rate_resource r JOIN tax_rates t USING (tenant_id, id) WHERE r.tenant_id = $1::uuid AND r.id = $2::uuid;
