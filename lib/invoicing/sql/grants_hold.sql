-- Holds the account credit of customers, so that it is used once. $1 uuid[] tenants, $2 uuid[] customers. Result: id.
SELECT g.id FROM unnest($1::uuid[], $2::uuid[]) AS w (tenant_id, customer_id)
JOIN credit_grants g USING (tenant_id, customer_id)
WHERE g.remaining_minor > 0 AND NOT g.is_refundable
ORDER BY g.tenant_id, g.customer_id, g.granted_at, g.id FOR UPDATE OF g;
