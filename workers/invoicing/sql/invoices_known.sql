-- Which of these invoices exist already: their command came twice. $1 uuid[] tenants, $2 uuid[] ids. Result: id.
SELECT i.id FROM unnest($1::uuid[], $2::uuid[]) AS k (tenant_id, id) JOIN invoices i USING (tenant_id, id);
