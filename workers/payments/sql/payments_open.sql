-- One payment for each invoice that is owed and has none. Without a payment method it cannot be collected from now on, and
-- waits for one until the limit. (OFFSET 0: each invoice is found by its key. Where nothing has been analysed yet, the
-- conditions look as if one invoice met them, and all are read for each that is wanted.)
-- $1 tenants, $2 invoices, $3 ids of the new payments (arrays), $4 also of invoices collected by hand or given up, $5 now, $6 limit,
-- $7 the customers' clock
INSERT INTO payments (tenant_id, id, customer_id, invoice_id, currency, amount_minor, status, next_attempt_at, first_failure_at,
  test_clock_id, created_at, updated_at)
SELECT v.tenant_id, wanted.payment_id, v.customer_id, v.id, v.currency,
  v.total_minor - v.credit_applied_minor - v.amount_credited_minor - v.amount_paid_minor,
  'pending', CASE WHEN m.id IS NOT NULL THEN $5::timestamptz ELSE $6::timestamptz END,
  CASE WHEN m.id IS NULL THEN $5::timestamptz END, $7::uuid, $5::timestamptz, $5::timestamptz
FROM unnest($1::uuid[], $2::uuid[], $3::uuid[]) AS wanted(tenant_id, invoice_id, payment_id)
CROSS JOIN LATERAL (SELECT * FROM invoices WHERE tenant_id = wanted.tenant_id AND id = wanted.invoice_id OFFSET 0) AS v
LEFT JOIN payment_methods m ON m.tenant_id = v.tenant_id AND m.customer_id = v.customer_id AND m.is_default AND m.status = 'active'
WHERE (v.status = 'open' AND v.collection = 'automatic' OR v.status IN ('open', 'uncollectible') AND $4::boolean)
  AND v.total_minor - v.credit_applied_minor - v.amount_credited_minor - v.amount_paid_minor > 0
ON CONFLICT (tenant_id, invoice_id) WHERE source = 'gateway' DO NOTHING
