-- Locks invoices that nobody else holds, for who holds some already and must not wait. $1 uuid[] tenants, $2 uuid[] ids.
-- Result: tenant id, id, is it a draft.
SELECT i.tenant_id, i.id, i.status = 'draft' FROM unnest($1::uuid[], $2::uuid[]) AS w (tenant_id, id) JOIN invoices i USING (tenant_id, id)
FOR UPDATE OF i SKIP LOCKED;
