-- Takes the lock that all work on a customer's billing takes first; the row is made when it is missing. $1 tenant,
-- $2 uuid[] customers. Result: when each is due next (NULL: never).
INSERT INTO customer_billing AS b (tenant_id, customer_id, test_clock_id)
SELECT tenant_id, id, COALESCE(test_clock_id, real_time()) FROM customers
WHERE tenant_id = $1::uuid AND id = ANY ($2::uuid[]) ORDER BY id
ON CONFLICT (tenant_id, customer_id) DO UPDATE SET next_billing_at = b.next_billing_at
RETURNING next_billing_at;
