-- What waits for the next invoices of these subscriptions, but for credits of what is void by now. $1 tenant, $2 uuid[]
-- subscriptions. Result: subscription id, line (JSON), in the order in which they were kept.
SELECT p.subscription_id, p.line FROM pending_lines p
WHERE p.tenant_id = $1::uuid AND p.subscription_id = ANY ($2::uuid[])
  AND NOT COALESCE((SELECT 'void' = (SELECT v.status FROM invoices v WHERE v.tenant_id = $1::uuid AND v.id = o.invoice_id)
                    FROM taken_back($1::uuid, p.subscription_id, p.line -> 'credits') AS o), false)
ORDER BY p.id;
