-- Locks the invoices of lines that credits take back. Arrays: $1 tenants, $2 subscriptions, $3 items, $4 components, $5 periods,
-- $6 kinds, $7 revisions.
SELECT 1 FROM invoices v
WHERE (v.tenant_id, v.id) IN (
  SELECT i.tenant_id, i.invoice_id
  FROM unnest($1::uuid[], $2::uuid[], $3::smallint[], $4::text[], $5::bigint[], $6::text[], $7::integer[])
    AS w (tenant_id, subscription_id, item, component, period_index, kind, revision)
  JOIN invoice_items i USING (tenant_id, subscription_id, item, component, period_index, kind, revision))
ORDER BY v.tenant_id, v.id FOR UPDATE OF v;
