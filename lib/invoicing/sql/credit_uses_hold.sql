-- Holds the account credit that an invoice used. $1 tenant, $2 invoice.
SELECT 1 FROM credit_uses u JOIN credit_grants g ON g.tenant_id = u.tenant_id AND g.id = u.grant_id
WHERE u.tenant_id = $1::uuid AND u.invoice_id = $2::uuid
ORDER BY g.granted_at, g.id FOR UPDATE OF g;
