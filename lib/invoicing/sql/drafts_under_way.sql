-- A customer's drafts that a task will finalise (BILL-071), the next one first. $1 tenant, $2 customer. Result: tenant id, id.
SELECT tenant_id, id FROM invoices
WHERE tenant_id = $1::uuid AND customer_id = $2::uuid AND status = 'draft' AND auto_finalise_at IS NOT NULL
ORDER BY auto_finalise_at, id LIMIT 200;
