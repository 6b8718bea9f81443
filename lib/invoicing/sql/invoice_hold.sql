-- Locks an invoice. $1 tenant, $2 invoice.
SELECT 1 FROM invoices WHERE tenant_id = $1::uuid AND id = $2::uuid FOR UPDATE;
