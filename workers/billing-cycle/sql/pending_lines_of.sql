-- What waits for the next invoices of these subscriptions. $1 tenant, $2 uuid[] subscriptions. Result: subscription id, line (JSON),
-- whether it credits what is void by now, id; in the order in which they were kept.
SELECT p.subscription_id, p.line,
       COALESCE((SELECT 'void' = (SELECT v.status FROM invoices v WHERE v.tenant_id = $1::uuid AND v.id = o.invoice_id)
                 FROM taken_back($1::uuid, p.subscription_id, p.line -> 'credits') AS o), false), p.id
FROM pending_lines p
WHERE p.tenant_id = $1::uuid AND p.subscription_id = ANY ($2::uuid[]) ORDER BY p.id;
