-- Which of these invoices exist already: their command came twice. $1 uuid[] tenants, $2 uuid[] ids. Result: id.
SELECT k.id FROM unnest($1::uuid[], $2::uuid[]) AS k (tenant_id, id)
CROSS JOIN LATERAL (SELECT FROM invoices i WHERE i.tenant_id = k.tenant_id AND i.id = k.id OFFSET 0) AS found;
