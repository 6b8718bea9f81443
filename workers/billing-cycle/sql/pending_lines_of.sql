-- What waits for the next invoice of a subscription, but for credits of what is void by now. $1 tenant, $2 subscription.
-- Result: subscription id, line (JSON).
SELECT p.subscription_id, p.line FROM pending_lines p
WHERE p.tenant_id = $1::uuid AND p.subscription_id = $2::uuid
  AND NOT COALESCE((SELECT 'void' = (SELECT v.status FROM invoices v WHERE v.tenant_id = $1::uuid AND v.id = o.invoice_id)
                    FROM taken_back($1::uuid, p.subscription_id, p.line -> 'credits') AS o), false)
ORDER BY p.id;
