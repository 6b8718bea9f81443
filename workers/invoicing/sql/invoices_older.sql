-- Older invoices of a subscription of which something is left to give back, the newest first. $1 tenant, $2 invoice, $3 subscription.
SELECT v.id FROM invoices v JOIN invoices this ON this.tenant_id = v.tenant_id AND this.id = $2::uuid
WHERE v.tenant_id = $1::uuid AND v.customer_id = this.customer_id AND v.currency = this.currency AND v.id <> this.id
  AND v.number IS NOT NULL AND v.status <> 'void' AND (v.finalised_at, v.number) < (this.finalised_at, this.number)
  AND v.total_minor > v.amount_credited_minor
  AND EXISTS (SELECT FROM invoice_items i WHERE i.tenant_id = v.tenant_id AND i.invoice_id = v.id AND i.subscription_id = $3::uuid)
ORDER BY v.finalised_at DESC, v.number DESC LIMIT 20;
