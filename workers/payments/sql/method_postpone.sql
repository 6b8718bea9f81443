-- $1 tenant, $2 method, $3 when to ask again
UPDATE payment_methods SET setup_due_at = $3::timestamptz WHERE tenant_id = $1::uuid AND id = $2::uuid
