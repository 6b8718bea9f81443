-- Which of these commands have an outcome already (or a deferred one). $1 uuid[] tenants, $2 uuid[] ids.
-- Result: tenant_id, id.
SELECT c.tenant_id, c.id
FROM unnest($1::uuid[], $2::uuid[]) AS k (tenant_id, id)
JOIN commands c USING (tenant_id, id);
