-- A customer's drafts that a task will finalise (BILL-071), the next one first, without those that it could not.
-- $1 tenant, $2 customer.
-- Result: tenant id, id, how many lines all of them have together.
SELECT v.tenant_id, v.id, sum(l.count) OVER ()
FROM invoices v
CROSS JOIN LATERAL (SELECT count(*) FROM invoice_items i WHERE i.tenant_id = v.tenant_id AND i.invoice_id = v.id) AS l
WHERE v.tenant_id = $1::uuid AND v.customer_id = $2::uuid AND v.status = 'draft' AND v.auto_finalise_at IS NOT NULL
  AND v.retry_at IS NULL
ORDER BY v.auto_finalise_at, v.id;
