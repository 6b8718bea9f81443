-- Takes the lines of drafts away. $1 uuid[] tenants, $2 uuid[] invoices.
DELETE FROM invoice_items i USING unnest($1::uuid[], $2::uuid[]) AS w (tenant_id, invoice_id)
WHERE i.tenant_id = w.tenant_id AND i.invoice_id = w.invoice_id;
