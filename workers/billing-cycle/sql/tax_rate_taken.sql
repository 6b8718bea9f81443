-- Whether a tax rate's code is taken. $1 tenant, $2 code. Result: a row if so.
SELECT 1 FROM tax_rates WHERE tenant_id = $1::uuid AND code = $2;
