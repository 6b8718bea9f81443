-- The account credit that an invoice used and that was not given back, what was used last first. $1 tenant, $2 invoice, $3 now.
-- Result: grant, how much, has it ended, what notes gave back of the invoice otherwise.
SELECT g.id, u.amount_minor - u.returned_minor, g.expired_at IS NOT NULL OR COALESCE(g.expires_at <= $3::timestamptz, false), n.minor
FROM credit_uses u JOIN credit_grants g ON g.tenant_id = u.tenant_id AND g.id = u.grant_id
CROSS JOIN (SELECT COALESCE(sum(left_minor - returned_minor), 0)::bigint AS minor FROM credit_notes
            WHERE tenant_id = $1::uuid AND invoice_id = $2::uuid) n
WHERE u.tenant_id = $1::uuid AND u.invoice_id = $2::uuid
ORDER BY g.granted_at DESC, g.id DESC;
