-- Takes drafts away. $1 uuid[] tenants, $2 uuid[] ids.
DELETE FROM invoices i USING unnest($1::uuid[], $2::uuid[]) AS w (tenant_id, id)
WHERE i.tenant_id = w.tenant_id AND i.id = w.id;
