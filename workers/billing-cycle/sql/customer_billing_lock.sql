-- Takes the lock that all work on a customer's billing takes first; the row is made when it is missing. $1 tenant,
-- $2 uuid[] customers.
INSERT INTO customer_billing AS b (tenant_id, customer_id)
SELECT DISTINCT $1::uuid, customer_id FROM unnest($2::uuid[]) AS c (customer_id) ORDER BY 2
ON CONFLICT (tenant_id, customer_id) DO UPDATE SET next_billing_at = b.next_billing_at;
