-- The JSON of an invoice. $1 tenant, $2 invoice.
SELECT resource FROM invoice_resource WHERE tenant_id = $1::uuid AND id = $2::uuid;
