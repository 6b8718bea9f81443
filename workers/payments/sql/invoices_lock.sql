-- $1 tenants, $2 invoices (arrays)
SELECT v.id
FROM unnest($1::uuid[], $2::uuid[]) AS wanted(tenant_id, invoice_id)
JOIN invoices v ON v.tenant_id = wanted.tenant_id AND v.id = wanted.invoice_id
ORDER BY v.tenant_id, v.id
FOR UPDATE OF v
