-- What waits for the next invoice of a subscription, but for credits of what is void by now. $1 tenant, $2 subscription.
-- Result: subscription id, line (JSON).
SELECT p.subscription_id, p.line FROM pending_lines p
WHERE p.tenant_id = $1::uuid AND p.subscription_id = $2::uuid
  AND NOT EXISTS (SELECT FROM pending_credits c WHERE c.tenant_id = $1::uuid AND c.id = p.id AND c.is_void)
ORDER BY p.id;
