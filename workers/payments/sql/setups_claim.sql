-- Payment methods that the gateway is to be asked about, taken until a deadline. (Found again by where they are: a join by key, planned
-- for a limit that is not known, reads all of them.)
-- $1 now, $2 at most so many, $3 deadline → tenant_id, id, customer_id, token, attempts, the gateway's customer if there is one
UPDATE payment_methods m
SET setup_due_at = $3::timestamptz, setup_attempts = m.setup_attempts + 1
WHERE m.ctid = ANY (ARRAY(
  SELECT ctid FROM payment_methods WHERE setup_due_at <= $1::timestamptz
  ORDER BY setup_due_at LIMIT $2::bigint FOR UPDATE SKIP LOCKED))
RETURNING m.tenant_id, m.id, m.customer_id, m.token, m.setup_attempts,
  (SELECT g.gateway_customer_id FROM gateway_customers g WHERE g.tenant_id = m.tenant_id AND g.customer_id = m.customer_id)
