-- A subscription's scheduled change. $1 tenant, $2 id, $3 subscription. Result: pending, status.
SELECT status = 'pending', status FROM scheduled_changes
WHERE tenant_id = $1::uuid AND id = $2::uuid AND subscription_id = $3::uuid;
