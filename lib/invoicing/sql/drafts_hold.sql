-- Locks invoices, in one order for all. $1 uuid[] tenants, $2 uuid[] ids. Result: tenant id, id, is it a draft.
SELECT i.tenant_id, i.id, i.status = 'draft' FROM unnest($1::uuid[], $2::uuid[]) AS w (tenant_id, id) JOIN invoices i USING (tenant_id, id)
ORDER BY i.tenant_id, i.id FOR UPDATE OF i;
