-- The invoices of lines that credits take back, of tenants who have drafts and make none. Arrays: $1 tenants, $2 subscriptions, $3 items,
-- $4 components, $5 periods, $6 kinds, $7 revisions. Result: tenant id, id, is it a draft.
SELECT DISTINCT v.tenant_id, v.id, v.status = 'draft'
FROM unnest($1::uuid[], $2::uuid[], $3::smallint[], $4::text[], $5::bigint[], $6::text[], $7::integer[])
  AS w (tenant_id, subscription_id, item, component, period_index, kind, revision)
JOIN tenants t ON t.id = w.tenant_id AND t.draft_hours = 0
JOIN invoice_items i USING (tenant_id, subscription_id, item, component, period_index, kind, revision)
JOIN invoices v ON v.tenant_id = i.tenant_id AND v.id = i.invoice_id
WHERE EXISTS (SELECT FROM invoices d WHERE d.tenant_id = t.id AND d.status = 'draft');
