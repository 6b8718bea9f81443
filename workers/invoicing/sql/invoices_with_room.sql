-- Invoices of a subscription of which something is left to give back, the newest ones: where credit goes that has no room elsewhere.
-- $1 tenant, $2 subscription, $3 how many. Result: id.
SELECT v.id FROM invoices v
WHERE v.tenant_id = $1::uuid AND v.id IN (SELECT i.invoice_id FROM invoice_items i WHERE i.tenant_id = $1::uuid AND i.subscription_id = $2::uuid)
  AND v.number IS NOT NULL AND v.status <> 'void' AND v.total_minor > v.amount_credited_minor
ORDER BY v.finalised_at DESC, v.number DESC LIMIT $3::integer;
