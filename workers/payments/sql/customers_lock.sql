-- The customers of invoices, held against a payment method that is being set up (see open.c).
-- $1 tenants, $2 invoices (arrays)
SELECT c.id
FROM customers c
JOIN (SELECT DISTINCT v.tenant_id, v.customer_id
      FROM unnest($1::uuid[], $2::uuid[]) AS wanted(tenant_id, invoice_id)
      JOIN invoices v ON v.tenant_id = wanted.tenant_id AND v.id = wanted.invoice_id) owing
  ON owing.tenant_id = c.tenant_id AND owing.customer_id = c.id
ORDER BY c.tenant_id, c.id
FOR SHARE OF c
