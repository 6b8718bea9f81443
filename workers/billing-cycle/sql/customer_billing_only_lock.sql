-- The same lock for customers that have a row, in one order. It writes nothing. $1 tenant, $2 uuid[] customers.
SELECT customer_id FROM customer_billing
WHERE tenant_id = $1::uuid AND customer_id = ANY ($2::uuid[]) ORDER BY customer_id FOR UPDATE;
