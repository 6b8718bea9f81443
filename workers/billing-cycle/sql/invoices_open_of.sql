-- What is not paid yet of what bills a subscription. $1 tenant, $2 subscription. Result: invoice id.
SELECT DISTINCT v.id FROM invoice_items i
JOIN invoices v ON v.tenant_id = i.tenant_id AND v.id = i.invoice_id AND v.status = 'open'
WHERE i.tenant_id = $1::uuid AND i.subscription_id = $2::uuid;
