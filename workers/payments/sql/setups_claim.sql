-- Payment methods that the gateway is to be asked about, taken until a deadline.
-- $1 now, $2 at most so many, $3 deadline → tenant_id, id, customer_id, token, attempts, the gateway's customer if there is one
WITH due AS (
  SELECT tenant_id, id, customer_id FROM payment_methods
  WHERE setup_due_at <= $1::timestamptz
  ORDER BY setup_due_at
  LIMIT $2::bigint
  FOR UPDATE SKIP LOCKED)
UPDATE payment_methods m
SET setup_due_at = $3::timestamptz, setup_attempts = m.setup_attempts + 1
FROM due LEFT JOIN gateway_customers g ON g.tenant_id = due.tenant_id AND g.customer_id = due.customer_id
WHERE m.tenant_id = due.tenant_id AND m.id = due.id
RETURNING m.tenant_id, m.id, m.customer_id, m.token, m.setup_attempts, g.gateway_customer_id
