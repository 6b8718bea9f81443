-- Takes what waits for the next invoices of these subscriptions. $1 tenant, $2 uuid[] subscriptions. Result: subscription id, line
-- (JSON), in the order in which they were kept.
WITH taken AS (
  DELETE FROM pending_lines WHERE tenant_id = $1::uuid AND subscription_id = ANY ($2::uuid[])
  RETURNING id, subscription_id, line
)
SELECT subscription_id, line FROM taken ORDER BY id;
