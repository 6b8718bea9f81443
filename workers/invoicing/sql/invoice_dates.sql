-- $1 tenant, $2 invoice. Result: issue date, due date, collection.
SELECT issue_date, due_date, collection FROM invoices WHERE tenant_id = $1::uuid AND id = $2::uuid;
