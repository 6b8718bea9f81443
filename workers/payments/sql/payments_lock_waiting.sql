-- Locks payments through the gateway of which nothing is under way or at an end, in one order for all.
-- $1 tenants, $2 invoices (arrays; some may be there twice) → tenant_id, id
SELECT p.tenant_id, p.id FROM payments p
WHERE (p.tenant_id, p.invoice_id) IN (SELECT * FROM unnest($1::uuid[], $2::uuid[]))
  AND p.source = 'gateway' AND p.status IN ('pending', 'failed', 'requires_action')
ORDER BY p.tenant_id, p.id
FOR UPDATE
