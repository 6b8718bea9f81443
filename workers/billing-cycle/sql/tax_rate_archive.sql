-- Archives a locked tax rate. $1 tenant, $2 id, $3 now.
UPDATE tax_rates SET status = 'archived', updated_at = $3::timestamptz, version = version + 1
WHERE tenant_id = $1::uuid AND id = $2::uuid;
