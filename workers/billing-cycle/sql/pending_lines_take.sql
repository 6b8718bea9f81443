-- Takes what waits for the next invoices of these subscriptions, but for credits of what is void by now. $1 tenant, $2 uuid[]
-- subscriptions. Result: subscription id, line (JSON), in the order in which they were kept.
WITH taken AS (
  DELETE FROM pending_lines WHERE tenant_id = $1::uuid AND subscription_id = ANY ($2::uuid[])
  RETURNING id, subscription_id, line
)
SELECT subscription_id, line FROM taken t
WHERE NOT EXISTS (SELECT FROM pending_credits c WHERE c.tenant_id = $1::uuid AND c.id = t.id AND c.is_void)
ORDER BY id;
