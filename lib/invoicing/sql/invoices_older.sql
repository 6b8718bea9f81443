-- Invoices of a subscription older than one (all that have a number, when that has none yet), of which something is left to
-- give back, the newest first. $1 tenant, $2 invoice, $3 its customer, $4 its currency, $5 subscription.
SELECT v.id FROM invoices v
LEFT JOIN invoices this ON this.tenant_id = v.tenant_id AND this.id = $2::uuid AND this.number IS NOT NULL
WHERE v.tenant_id = $1::uuid AND v.customer_id = $3::uuid AND v.currency = $4 AND v.id <> $2::uuid
  AND v.number IS NOT NULL AND v.status <> 'void'
  AND (this.id IS NULL OR (v.finalised_at, v.number) < (this.finalised_at, this.number))
  AND v.total_minor > v.amount_credited_minor
  AND EXISTS (SELECT FROM invoice_items i WHERE i.tenant_id = v.tenant_id AND i.invoice_id = v.id AND i.subscription_id = $5::uuid)
ORDER BY v.finalised_at DESC, v.number DESC LIMIT 200;
