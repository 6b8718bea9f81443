-- Whose invoices these are. $1 tenant, $2 uuid[] invoices. Result: customer id.
SELECT DISTINCT customer_id FROM invoices WHERE tenant_id = $1::uuid AND id = ANY ($2::uuid[]) ORDER BY 1;
