-- Locks payments whose attempts are still open, in one order for all. What somebody else has concluded in the meantime is
-- left out, so that one answer is taken once. (One table at a time: where nothing has been analysed yet, a join of three
-- tables that share a tenant is planned as if a tenant had one row.)
-- $1 tenants, $2 payments, $3 attempts (arrays) → tenant_id, id, invoice_id
SELECT p.tenant_id, p.id, p.invoice_id
FROM unnest($1::uuid[], $2::uuid[], $3::integer[]) AS asked(tenant_id, payment_id, attempt)
JOIN payments p ON p.tenant_id = asked.tenant_id AND p.id = asked.payment_id
WHERE p.attempts = asked.attempt AND p.status IN ('processing', 'unknown')
ORDER BY p.tenant_id, p.id
FOR UPDATE OF p
