-- The account credit that customers may use now, oldest first. $1 uuid[] tenants, $2 uuid[] customers, each once, $3 now,
-- $4 uuid[] of those alone that are held (NULL: of all). Result: tenant id, id, customer, currency, amount, remaining.
SELECT g.tenant_id, g.id, g.customer_id, g.currency, g.amount_minor, g.remaining_minor
FROM unnest($1::uuid[], $2::uuid[]) AS w (tenant_id, customer_id)
JOIN credit_grants g USING (tenant_id, customer_id)
WHERE g.remaining_minor > 0 AND NOT g.is_refundable AND (g.expires_at IS NULL OR g.expires_at > $3::timestamptz)
  AND ($4::uuid[] IS NULL OR g.id = ANY ($4::uuid[]))
ORDER BY g.tenant_id, g.customer_id, g.granted_at, g.id;
