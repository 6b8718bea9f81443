-- Whether other invoices, that are not void, take something of this one back. $1 tenant, $2 invoice. Result: a row if so.
SELECT 1 FROM invoice_items i
JOIN invoice_items x ON x.tenant_id = i.tenant_id AND x.credits_item_id = i.id AND x.invoice_id <> i.invoice_id AND x.amount_minor <> 0
JOIN invoices v ON v.tenant_id = x.tenant_id AND v.id = x.invoice_id AND v.status <> 'void'
WHERE i.tenant_id = $1::uuid AND i.invoice_id = $2::uuid LIMIT 1;
