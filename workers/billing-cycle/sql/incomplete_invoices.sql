-- The invoices of a subscription that waits for its first payment. $1 tenant, $2 subscription. Result: id, status.
SELECT DISTINCT v.id, v.status FROM invoice_items i
JOIN invoices v ON v.tenant_id = i.tenant_id AND v.id = i.invoice_id
WHERE i.tenant_id = $1::uuid AND i.subscription_id = $2::uuid;
