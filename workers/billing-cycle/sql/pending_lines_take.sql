-- Takes what waits for the next invoices of these subscriptions, but for credits of what is void by now. $1 tenant, $2 uuid[]
-- subscriptions. Result: subscription id, line (JSON), in the order in which they were kept.
WITH taken AS (
  DELETE FROM pending_lines WHERE tenant_id = $1::uuid AND subscription_id = ANY ($2::uuid[])
  RETURNING id, subscription_id, line
)
SELECT t.subscription_id, t.line FROM taken t
WHERE NOT COALESCE((SELECT 'void' = (SELECT v.status FROM invoices v WHERE v.tenant_id = $1::uuid AND v.id = o.invoice_id)
                    FROM taken_back($1::uuid, t.subscription_id, t.line -> 'credits') AS o), false)
ORDER BY t.id;
