-- $1 tenant, $2 method, $3 now
UPDATE payment_methods SET status = 'refused', setup_due_at = NULL, updated_at = $3::timestamptz, version = version + 1
WHERE tenant_id = $1::uuid AND id = $2::uuid
