-- Money received for locked invoices (BILL-072). One array for each column; each invoice at most once.
-- $1 tenants, $2 invoices, $3 amounts, $4 method types, $5 references, $6 now
-- → of each: tenant_id, id, is it paid now, version, number, subscription_id, total_minor, amount_paid_minor, had it been
-- given up
UPDATE invoices v SET
  amount_paid_minor = v.amount_paid_minor + n.amount_minor,
  status = CASE WHEN v.amount_paid_minor + n.amount_minor + v.amount_credited_minor + v.credit_applied_minor >= v.total_minor
                THEN 'paid' ELSE v.status END,
  paid_at = CASE WHEN v.amount_paid_minor + n.amount_minor + v.amount_credited_minor + v.credit_applied_minor >= v.total_minor
                 THEN $6::timestamptz ELSE v.paid_at END,
  payment_method = n.payment_method, payment_reference = n.reference, updated_at = $6::timestamptz, version = v.version + 1
FROM unnest($1::uuid[], $2::uuid[], $3::bigint[], $4::text[], $5::text[]) AS n(tenant_id, id, amount_minor, payment_method, reference)
JOIN invoices before ON before.tenant_id = n.tenant_id AND before.id = n.id
WHERE v.tenant_id = n.tenant_id AND v.id = n.id AND v.status IN ('open', 'uncollectible')
RETURNING v.tenant_id, v.id, v.status = 'paid', v.version, v.invoice_number, v.subscription_id, v.total_minor, v.amount_paid_minor, before.status = 'uncollectible'
