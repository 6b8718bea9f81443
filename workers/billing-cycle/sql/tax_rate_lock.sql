-- A tax rate, locked. $1 tenant, $2 id. Result: version, status.
SELECT version, status FROM tax_rates WHERE tenant_id = $1::uuid AND id = $2::uuid FOR UPDATE;
