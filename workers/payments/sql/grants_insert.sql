-- Account credit from payments that brought more than was owed (BILL-072). One array for each column; each payment at most once.
-- $1 tenants, $2 ids, $3 customers, $4 currencies, $5 amounts, $6 payments, $7 now
INSERT INTO credit_grants (tenant_id, id, customer_id, currency, amount_minor, remaining_minor, source, document_id, granted_at)
SELECT n.tenant_id, n.id, n.customer_id, n.currency, n.amount_minor, n.amount_minor, 'overpayment', n.payment_id, $7::timestamptz
FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::text[], $5::bigint[], $6::uuid[])
  AS n(tenant_id, id, customer_id, currency, amount_minor, payment_id)
