-- The invoice that is to be paid, locked. $1 tenant, $2 invoice → status, customer_id, currency, what is due, version
SELECT status, customer_id, currency,
  CASE WHEN status IN ('open', 'uncollectible')
       THEN greatest(0, total_minor - credit_applied_minor - amount_credited_minor - amount_paid_minor) ELSE 0 END,
  version
FROM invoices WHERE tenant_id = $1::uuid AND id = $2::uuid
FOR UPDATE
