-- The next attempt of a locked payment charges this method in place of the default. $1 tenant, $2 payment, $3 payment method, $4 now
UPDATE payments SET wanted_method_id = $3::uuid, updated_at = $4::timestamptz
WHERE tenant_id = $1::uuid AND id = $2::uuid AND status = 'pending'
