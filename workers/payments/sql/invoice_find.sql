-- $1 tenant, $2 invoice → is anything owed on it
SELECT status IN ('open', 'uncollectible')
   AND total_minor - credit_applied_minor - amount_credited_minor - amount_paid_minor > 0
FROM invoices
WHERE tenant_id = $1::uuid AND id = $2::uuid
