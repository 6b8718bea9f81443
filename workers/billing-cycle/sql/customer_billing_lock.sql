-- Takes the lock that all work on a customer's billing takes first, in one order; it writes nothing. (A customer has the row since its
-- first subscription.) $1 tenant, $2 uuid[] customers. Result: customer id, when it is due next (NULL: never).
SELECT customer_id, next_billing_at FROM customer_billing
WHERE tenant_id = $1::uuid AND customer_id = ANY ($2::uuid[]) ORDER BY customer_id FOR UPDATE;
