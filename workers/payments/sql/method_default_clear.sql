-- $1 tenant, $2 customer, $3 now
UPDATE payment_methods SET is_default = false, updated_at = $3::timestamptz, version = version + 1
WHERE tenant_id = $1::uuid AND customer_id = $2::uuid AND is_default
