-- What waits for the next invoice of a subscription. $1 tenant, $2 subscription. Result: subscription id, line (JSON).
SELECT subscription_id, line FROM pending_lines WHERE tenant_id = $1::uuid AND subscription_id = $2::uuid ORDER BY id;
