-- Payments that are not at an end. $1 tenant, $2 customer → id
SELECT id FROM payments
WHERE tenant_id = $1::uuid AND customer_id = $2::uuid
  AND status IN ('pending', 'processing', 'unknown', 'requires_action', 'failed')
ORDER BY id
FOR UPDATE
