-- Locks payments with their invoices and their open attempts, in one order for all; an attempt that somebody else has
-- closed in the meantime is left out, so that one answer is taken once.
-- $1 tenants, $2 payments, $3 attempts (arrays) → tenant_id, id
SELECT p.tenant_id, p.id
FROM unnest($1::uuid[], $2::uuid[], $3::integer[]) AS asked(tenant_id, payment_id, attempt)
JOIN payments p ON p.tenant_id = asked.tenant_id AND p.id = asked.payment_id
JOIN payment_attempts a ON a.tenant_id = p.tenant_id AND a.payment_id = p.id AND a.attempt = asked.attempt
JOIN invoices v ON v.tenant_id = p.tenant_id AND v.id = p.invoice_id
WHERE a.finished_at IS NULL AND p.attempts = asked.attempt
ORDER BY p.tenant_id, p.id
FOR UPDATE OF p, a, v
