-- The lines of an invoice. $1 invoice. Result: a JSON array; no row when there is no such invoice.
SELECT COALESCE((SELECT json_agg(x.resource ORDER BY x.line) FROM invoice_item_resource x
                 WHERE x.tenant_id = v.tenant_id AND x.invoice_id = v.id), '[]')
FROM invoices v WHERE v.tenant_id = current_tenant() AND v.id = $1::uuid;
