-- The same lock for customers that have a row, in one order. It writes nothing. $1 tenant, $2 uuid[] customers.
-- Result: customer id, when it is due next (NULL: never).
SELECT customer_id, next_billing_at FROM customer_billing
WHERE tenant_id = $1::uuid AND customer_id = ANY ($2::uuid[]) ORDER BY customer_id FOR UPDATE;
