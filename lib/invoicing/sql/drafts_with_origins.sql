-- Invoices and, as far as they are drafts, those of whose lines they take something back, and so on. $1 uuid[] tenants, $2 uuid[] ids,
-- $3 is it asked for which of them. Result: tenant id, id, the one that it is for or NULL.
WITH RECURSIVE needed AS (
  SELECT v.tenant_id, v.id, v.status = 'draft' AS is_draft, CASE WHEN $3::boolean THEN v.id END AS root_id
  FROM unnest($1::uuid[], $2::uuid[]) AS w (tenant_id, id) JOIN invoices v USING (tenant_id, id)
  UNION
  SELECT n.tenant_id, v.id, v.status = 'draft', n.root_id
  FROM needed n
  JOIN invoice_items i ON i.tenant_id = n.tenant_id AND i.invoice_id = n.id AND i.credits IS NOT NULL AND n.is_draft
  CROSS JOIN LATERAL taken_back(i.tenant_id, i.subscription_id, i.credits) AS o
  JOIN invoices v ON v.tenant_id = n.tenant_id AND v.id = o.invoice_id
)
SELECT tenant_id, id, root_id FROM needed;
