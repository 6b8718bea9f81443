-- Locks those invoices that are drafts. $1 uuid[] tenants, $2 uuid[] ids. Result: tenant id, id.
SELECT i.tenant_id, i.id FROM unnest($1::uuid[], $2::uuid[]) AS w (tenant_id, id) JOIN invoices i USING (tenant_id, id)
WHERE i.status = 'draft' ORDER BY i.tenant_id, i.id FOR UPDATE OF i;
