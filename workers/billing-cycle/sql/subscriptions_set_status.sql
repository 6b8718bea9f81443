-- Subscriptions become past due, or are no more (BILL-084). $1 tenant, $2 uuid[] ids, $3 text[] statuses, $4 now, $5 uuid[] the
-- invoices whose payments were the occasion.
WITH changed AS (
  UPDATE subscriptions s SET status = a.status, updated_at = $4::timestamptz, version = s.version + 1
  FROM unnest($2::uuid[], $3::text[], $5::uuid[]) AS a (id, status, invoice_id)
  WHERE s.tenant_id = $1::uuid AND s.id = a.id
  RETURNING s.tenant_id, s.id, s.version, s.status, a.invoice_id
)
INSERT INTO collection_changes (tenant_id, subscription_id, version, at, what, invoice_id)
SELECT tenant_id, id, version, $4::timestamptz, CASE status WHEN 'past_due' THEN 'past_due' ELSE 'recovered' END, invoice_id
FROM changed;
